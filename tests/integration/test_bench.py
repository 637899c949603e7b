# SPDX-License-Identifier: Apache-2.0
"""evauth-bench against a real daemon: a generated world is imported, and every answer about it is the expected one."""

import json
import os
import subprocess
import unittest

import evauth_pb2 as pb
import harness

TOKENS = "2000"


def bench(*arguments):
    return subprocess.run([os.environ["EVAUTH_BENCH_BIN"], *arguments], capture_output=True, text=True, timeout=120,
                          check=False)


class Bench(harness.DaemonTest):
    def start_with_world(self, *arguments):
        daemon = self.start_daemon(*arguments)
        world = os.path.join(daemon.folder, "world.jsonl")
        generated = bench("generate", "--tokens", TOKENS, "--seed", "5", "--out", world)
        self.assertEqual(generated.returncode, 0, generated.stderr)
        imported = subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, "import", world],
                                  capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        return daemon

    def run_load(self, server, *arguments):
        return bench("run", "--server", server, "--tokens", TOKENS, "--seed", "5", "--requests", "20000", "--seconds",
                     "1", "--warmup", "0", *arguments)

    def assert_clean(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        self.assertGreater(result["requests"], 0)
        self.assertEqual((result["errors"], result["unanswered"], result["wrong"]), ({}, 0, False))
        return result

    def test_every_answer_about_the_world_is_the_expected_one(self):
        daemon = self.start_with_world()
        self.assert_clean(self.run_load(daemon.address, "--json", "--connections", "8", "--depth", "16"))
        self.assert_clean(self.run_load(daemon.address, "--json", "--connections", "2", "--batch", "50"))
        # Questions of every kind alone, so that none hides behind the others.
        for mix in "1:0:0:0", "0:1:0:0", "0:0:1:0", "0:0:0:1":
            self.assert_clean(self.run_load(daemon.address, "--json", "--connections", "4", "--mix", mix))

    def test_open_loop_over_a_unix_socket(self):
        path = os.path.join(self.make_folder(), "socket")
        self.start_with_world("--unix", path)
        result = self.assert_clean(self.run_load(f"unix:{path}", "--json", "--connections", "4", "--rate", "500"))
        self.assertEqual(result["rate"], 500)
        self.assertGreater(result["p99_us"], 0)

    def test_a_wrong_answer_fails_the_run_and_is_shown(self):
        daemon = self.start_with_world()
        # Everybody may charge everywhere: not what the world says.
        groups = daemon.call(pb.SearchRequest(kind=pb.OBJECT_KIND_CHARGE_GROUP, page_size=1000)).records
        for record in groups:
            record.charge_group.open_to_all_customers = not record.charge_group.open_to_all_customers
        daemon.apply(*[pb.Change(put_charge_group=record.charge_group) for record in groups])
        run = self.run_load(daemon.address, "--connections", "4")
        self.assertEqual(run.returncode, 1, run.stderr)
        for part in "WRONG ANSWER", '"token_uid":', "expected: verdict", '"verdict":':
            self.assertIn(part, run.stderr)

    def test_the_measuring_scripts_run(self):
        # On a small world, and with targets that do not matter here.
        environment = {**os.environ, "BUILD": os.path.dirname(os.environ["EVAUTH_BENCH_BIN"]), "TOKENS": "1000",
                       "ROUNDS": "1", "DURATION": "1", "RATE": "1000", "TARGET": "0", "CHANGES_TARGET": "0",
                       "START_TARGET": "60000", "BYTES_TARGET": "100000000", "RETRIES_MAX": "1"}
        for name, line, codes in (("import-speed.sh", "answers: checked", (0,)),
                                  ("listing-interference.sh", "listings that came to their end", (0, 1))):
            script = os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "bench", name)
            run = subprocess.run(["sh", script], capture_output=True, text=True, timeout=250, check=False,
                                 env=environment)
            self.assertIn(run.returncode, codes, run.stdout + run.stderr)
            self.assertIn(line, run.stdout)
            for problem in run.stderr.splitlines():
                self.assertTrue(problem.startswith("warning: "), run.stderr)

    def test_a_server_that_is_not_there_is_an_error(self):
        run = self.run_load(f"unix:{self.make_folder()}/nobody")
        self.assertEqual(run.returncode, 2)
        self.assertIn("connecting", run.stderr)

    def test_bad_options_are_refused(self):
        for arguments in (("--depth", "0"), ("--mix", "0:0:0:0"), ("--mix", "1:2:3"), ("--tokens", "-1"),
                          ("--batch", "257")):
            run = bench("run", *arguments)
            self.assertEqual(run.returncode, 2, arguments)
            self.assertTrue(run.stderr)
        self.assertEqual(bench("nonsense").returncode, 2)
        self.assertEqual(bench("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
