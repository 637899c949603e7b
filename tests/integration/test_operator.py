#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The operator's view: what Status tells, what the log says and never says, and the quickstart."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import unittest

import evauth_pb2 as pb
import harness

SOURCE = os.environ["EVAUTH_SOURCE_DIR"]


class Status(harness.DaemonTest):
    def test_it_tells_version_methods_limits_and_counts(self):
        daemon = self.start_daemon("--workers", "3")
        before = int(time.time())
        status = daemon.status()
        self.assertRegex(status.version, r"^\d+\.\d+\.\d+$")
        self.assertEqual({row.number: row.name for row in status.methods},
                         {1: "Authorize", 2: "AuthorizeBatch", 3: "GetTariff", 5: "ListVisibleChargePoints",
                          6: "ListPermitted", 16: "Apply", 17: "Get", 18: "Search", 19: "Watch", 20: "Snapshot",
                          21: "Log", 32: "Status", 33: "Adopt", 34: "Restore", 35: "ForgetOrphans",
                          36: "Check", 37: "Erase", 38: "Clients", 39: "Figures"})
        limits = {row.name: row.value for row in status.limits}
        for name, value in (("frame_size_max", 1 << 20), ("batch_requests_max", 256), ("page_size_max", 1000),
                            ("changes_per_set_max", 10000), ("ids_per_change_max", 10000), ("id_size_max", 64)):
            self.assertEqual(limits[name], value)
        self.assertEqual((status.revision, status.workers, status.connections, status.accepts_writes), (1, 3, 1, True))
        self.assertTrue(before - 60 <= status.started_at <= before + 1)
        self.assertEqual(status.store_bytes_max, 16 << 30)
        self.assertEqual([row.count for row in status.objects], [0] * 6)

    def test_it_follows_changes(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_tariff("t"), harness.put_customer("c"), harness.put_customer("d"))
        self.assertEqual({row.kind: row.count for row in daemon.status().objects if row.count},
                         {pb.OBJECT_KIND_TARIFF: 1, pb.OBJECT_KIND_CUSTOMER: 2})
        clients = [self.connect(daemon) for _ in range(5)]
        for client in clients:
            client.call(pb.StatusRequest())
        self.assertEqual(daemon.status().connections, 6)


def sleeps_of(daemon, name):
    """How often the thread of this name has waited for something to do."""
    folder = f"/proc/{daemon.process.pid}/task"
    for thread in os.listdir(folder):
        with open(f"{folder}/{thread}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if status["Name"] == name:
            return int(status["voluntary_ctxt_switches"])
    raise AssertionError(f"there is no thread {name}")


class Threads(harness.DaemonTest):
    def test_who_only_writes_wakes_no_worker_that_questions_are_for(self):
        daemon = self.start_daemon("--workers", "1")
        client = self.connect(daemon)
        client.call(pb.ChangeSet(changes=[harness.put_customer("first")]))
        before = sleeps_of(daemon, "worker-0"), sleeps_of(daemon, "worker-writes")
        for i in range(200):
            client.call(pb.ChangeSet(changes=[harness.put_customer(f"c-{i}")]))
        # The other one still has its timers.
        self.assertGreater(sleeps_of(daemon, "worker-writes") - before[1], sleeps_of(daemon, "worker-0") - before[0])


class Log(harness.DaemonTest):
    def test_token_uids_are_in_no_log_line(self):
        """They are personal data, and guessable (DESIGN 6): not even in debug lines, and not in those about errors."""
        daemon = self.start_daemon("--log-level", "debug")
        uid = "04CA0A41E51D"
        daemon.apply(harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
                     harness.attach_points("g", "cp"), harness.put_customer("c"), harness.put_token(uid, "c"))
        for request in (pb.AuthorizeRequest(token_uid=uid, charge_point_id="cp", explain=True),
                        pb.AuthorizeRequest(token_uid=uid), pb.AuthorizeRequest(token_uid=uid + "\n"),
                        pb.GetRequest(kind=pb.OBJECT_KIND_TOKEN, id=uid), pb.SearchRequest(kind=5, text=uid),
                        pb.ChangeSet(changes=[harness.put_token(uid, "nobody")]),
                        pb.ChangeSet(changes=[harness.put_token(uid, "c", valid_from=2, valid_until=1)])):
            try:
                daemon.call(request)
            except harness.EvauthError:
                pass
        daemon.restart()
        daemon.stop()
        self.assertIn("debug", daemon.log())
        for spelling in (uid, uid.lower()):
            self.assertNotIn(spelling, daemon.log())

    def test_every_line_has_time_level_and_event(self):
        daemon = self.start_daemon()
        daemon.restart()
        daemon.stop()
        for line in daemon.log().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|info|debug) [a-z_]+: ")


class Documents(harness.DaemonTest):
    def test_the_examples_of_the_decision_hold(self):
        """Each line `evauth authorize ...  why: VERDICT, more` of docs/decision.md, on the demo network."""
        daemon = self.start_daemon()
        evauth = [os.environ["EVAUTH_BIN"], "--server", daemon.address]
        subprocess.run([*evauth, "import", os.path.join(SOURCE, "deploy/demo/network.jsonl")], check=True,
                       capture_output=True)
        with open(os.path.join(SOURCE, "docs/decision.md"), encoding="utf-8") as file:
            examples = re.findall(r"^    evauth (authorize .*?)  +.*: ([A-Z_]+)(.*)$", file.read(), re.MULTILINE)
        self.assertGreaterEqual(len(examples), 7)
        for command, verdict, more in examples:
            done = subprocess.run([*evauth, *shlex.split(command)], check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode, {"ALLOWED": 0, "DENIED": 1, "ASK_ISSUER": 3}[verdict], command)
            for word in [verdict, *re.findall(r"[\w-]+", more)]:
                self.assertIn(word, done.stdout, command)

    def test_the_demo_network_is_what_its_script_writes(self):
        folder = os.path.join(SOURCE, "deploy/demo")
        written = subprocess.run([sys.executable, os.path.join(folder, "make_demo.py")], check=True,
                                 capture_output=True)
        with open(os.path.join(folder, "network.jsonl"), "rb") as file:
            self.assertEqual(file.read(), written.stdout)


class Quickstart(harness.DaemonTest):
    def environment(self):
        return {**os.environ, "EVAUTH_BIN_DIR": os.path.dirname(os.environ["EVAUTHD_BIN"]),
                "TMPDIR": self.make_folder()}

    def test_it_walks_through_and_leaves_nothing(self):
        environment = self.environment()
        done = subprocess.run(["sh", os.path.join(SOURCE, "deploy/quickstart.sh")], capture_output=True, text=True,
                              env=environment, timeout=200, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        for verdict, count in (("ALLOWED  OK", 5), ("ASK_ISSUER  ", 3), ("DENIED  ", 11)):
            self.assertGreaterEqual(done.stdout.count(verdict), count)
        self.assertEqual(os.listdir(environment["TMPDIR"]), [])

    def test_serve_keeps_it_running_until_it_is_interrupted(self):
        environment = self.environment()
        with subprocess.Popen(["sh", os.path.join(SOURCE, "deploy/quickstart.sh"), "--serve"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True) as process:
            address = None
            for line in process.stdout:
                if address is None and "EVAUTH_SERVER=" in line:
                    address = re.search(r"EVAUTH_SERVER=(\S+)", line).group(1)
                if "PROTOCOL.md" in line:
                    break
            client = harness.Client(address)
            self.assertGreater(client.call(pb.StatusRequest()).revision, 2)
            client.close()
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            process.stdout.read()
            process.wait(60)
        with self.assertRaises(ConnectionRefusedError):
            harness.Client(address)
        self.assertEqual(os.listdir(environment["TMPDIR"]), [])


if __name__ == "__main__":
    unittest.main()
