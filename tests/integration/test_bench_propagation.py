# SPDX-License-Identifier: Apache-2.0
"""evauth-bench propagation against real daemons: acknowledged is visible, and nothing of the run stays behind."""

import json
import os
import signal
import subprocess
import unittest

import evauth_pb2 as pb
import harness

KINDS = ("TARIFF", "CHARGE_GROUP", "CHARGE_POINT", "CUSTOMER", "TOKEN", "MEMBERSHIP")


def command(*arguments):
    return [os.environ["EVAUTH_BENCH_BIN"], "propagation", *arguments]


class Propagation(harness.DaemonTest):
    def run_propagation(self, *arguments):
        return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)

    def assert_empty(self, daemon):
        for kind in KINDS:
            found = daemon.call(pb.SearchRequest(kind=pb.ObjectKind.Value("OBJECT_KIND_" + kind))).records
            self.assertEqual(list(found), [], kind)

    def assert_right(self, run, count, pollers):
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        result = json.loads(run.stdout)
        self.assertEqual((result["changes"], result["pollers"], result["stale"], result["wrong"]),
                         (count, pollers, 0, False))
        self.assertGreaterEqual(result["answers"], count * pollers)
        self.assertEqual(result["sent_to_acknowledged_us"]["count"], count)
        self.assertEqual(result["sent_to_visible_us"]["count"], count * pollers)
        for name in "sent_to_acknowledged_us", "sent_to_visible_us":
            times = result[name]
            self.assertGreater(times["p50"], 0)
            self.assertLessEqual(times["p50"], times["p99"])
            self.assertLessEqual(times["p99"], times["max"])
        self.assertLessEqual(result["acknowledged_to_visible_us"]["max"], 0)
        self.assertGreater(result["acknowledged_to_visible_us"]["count"], 0)

    def test_what_is_acknowledged_is_visible_to_every_connection(self):
        daemon = self.start_daemon("--workers", "2")
        revision = daemon.status().revision
        self.assert_right(self.run_propagation("--server", daemon.address, "--count", "50", "--pollers", "4", "--json"),
                          50, 4)
        self.assertEqual(daemon.status().revision, revision + 52)  # made, 50 changes, removed
        self.assert_empty(daemon)

    def test_the_report_for_people(self):
        daemon = self.start_daemon()
        run = self.run_propagation("--server", daemon.address, "--count", "3")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("3 changes, one at a time, 2 pollers", run.stdout)
        for title in "sent to acknowledged", "sent to visible", "acknowledged to visible":
            self.assertRegex(run.stdout, title + r" +p50 -?[\d.]+ us, p99 -?[\d.]+ us, max -?[\d.]+ us\n")

    def test_a_daemon_that_does_not_follow_is_found_out(self):
        first, second = self.start_daemon(), self.start_daemon()
        run = self.run_propagation("--server", first.address, "--read-from", second.address, "--timeout", "1")
        self.assertEqual(run.returncode, 1)
        self.assertIn("WRONG ANSWER", run.stderr)
        self.assertIn(f"1000 ms later 2 of 2 pollers of {second.address} do not see it", run.stderr)
        self.assert_empty(first)

    def test_a_follower_that_is_not_there_is_named_and_nothing_stays(self):
        daemon = self.start_daemon()
        run = self.run_propagation("--server", daemon.address, "--read-from", f"unix:{self.make_folder()}/nobody")
        self.assertEqual(run.returncode, 2)
        self.assertIn("/nobody: Authorize: cannot reach evauthd", run.stderr)
        self.assert_empty(daemon)

    def test_an_interrupted_run_leaves_nothing_behind(self):
        daemon = self.start_daemon()
        with subprocess.Popen(command("--server", daemon.address, "--count", "100000"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as run:
            harness.wait_until(lambda: daemon.status().revision > 20, "the first changes")
            run.send_signal(signal.SIGINT)
            _, problem = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 2)
        self.assertIn("interrupted after ", problem)
        self.assert_empty(daemon)

    def test_bad_options_are_refused(self):
        for arguments in ("--count", "0"), ("--pollers", "33"), ("--timeout", "x"), ("--count", "100001"), ("word",):
            run = self.run_propagation(*arguments)
            self.assertEqual(run.returncode, 2, arguments)
            self.assertIn("evauth-bench propagation: ", run.stderr)
        run = self.run_propagation("--server", f"unix:{self.make_folder()}/nobody")
        self.assertEqual(run.returncode, 2)
        self.assertIn("cannot reach evauthd", run.stderr)


if __name__ == "__main__":
    unittest.main()
