#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth-bench over TLS: every answer checked, handshakes where they belong, and why it is refused."""

import json
import os
import subprocess
import unittest

from test_metrics import HTTP, metrics
from test_tls_evauth import EvauthTest

BENCH = os.environ["EVAUTH_BENCH_BIN"]
TOKENS = "2000"


class BenchTest(EvauthTest):
    def bench(self, *arguments, code=0, environment=None):
        run = subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=False, timeout=120,
                             env=environment or self.environment())
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run

    def start_with_world(self):
        daemon = self.start_tls("cn:backend=all", "tcp=all", arguments=HTTP)
        world = os.path.join(self.make_folder(), "world.jsonl")
        self.bench("generate", "--tokens", TOKENS, "--seed", "5", "--out", world)
        self.evauth("import", world)
        return daemon

    def load(self, *arguments):
        run = self.bench("run", "--tokens", TOKENS, "--seed", "5", "--requests", "20000", "--seconds", "0.4",
                         "--warmup", "0.1", "--json", *arguments)
        result = json.loads(run.stdout)
        self.assertGreater(result["requests"], 0)
        self.assertEqual((result["errors"], result["unanswered"], result["wrong"]), ({}, 0, False))
        self.assertEqual(result["server"], f"tls:localhost:{self.port}")
        return result

    def handshakes(self, daemon):
        values = metrics(daemon)
        return [int(values[f'evauth_tls_handshakes_total{{kind="{kind}"}}']) for kind in ("full", "resumed")]

    def test_loads_of_every_kind_are_answered_right(self):
        daemon = self.start_with_world()
        for arguments in (["--connections", "4", "--depth", "16", "--threads", "2"],
                          ["--connections", "2", "--depth", "64", "--batch", "200"],
                          ["--connections", "4", "--depth", "4", "--rate", "2000", "--writes", "50"]):
            with self.subTest(arguments=arguments):
                result = self.load(*arguments)
                self.assertEqual(result["server_version"], daemon.status().version)

    def test_each_connection_shakes_hands_once_and_before_it_is_measured(self):
        daemon = self.start_with_world()
        before = sum(self.handshakes(daemon))
        result = self.load("--connections", "6", "--depth", "4")
        self.assertEqual(result["connects"], 0)
        self.assertEqual(sum(self.handshakes(daemon)) - before, 6 + 2)  # and one to try, one to ask for the version

    def test_churn_takes_sessions_up_again_or_not(self):
        daemon = self.start_with_world()
        churn = ["--connections", "4", "--churn", "5", "--depth", "2"]
        before = self.handshakes(daemon)
        self.assertGreater(self.load(*churn)["connects"], 3)
        after = self.handshakes(daemon)
        self.assertGreater(after[1] - before[1], 3)
        self.assertLess(after[0] - before[0], 10)  # those of the start
        self.assertGreater(self.load(*churn, "--full-handshakes")["connects"], 3)
        again = self.handshakes(daemon)
        self.assertLessEqual(again[1] - after[1], 4)  # the daemon may finish the last ones of before a moment later
        self.assertGreater(again[0] - after[0], 10)

    def test_propagation(self):
        self.start_with_world()
        result = json.loads(self.bench("propagation", "--count", "20", "--pollers", "2", "--json").stdout)
        self.assertEqual((result["changes"], result["stale"], result["wrong"]), (20, 0, False))

    def test_why_it_is_not_let_in_is_told(self):
        daemon = self.start_with_world()
        run = ["run", "--tokens", TOKENS, "--requests", "100", "--seconds", "0.1"]
        for environment, words in ((self.environment("expired"), "the certificate has expired"),
                                   (self.environment(None), "a certificate is wanted"),
                                   (self.environment(ca="foreign-ca"), "foreign-ca.pem"),
                                   (self.environment(EVAUTH_TLS_KEY_FILE=""), "given together"),
                                   (self.environment(EVAUTH_SERVER=f"tls:{daemon.address}"), "no TLS")):
            with self.subTest(words=words):
                self.assertIn(words, self.bench(*run, code=2, environment=environment).stderr)
        path = self.certificates.path("ca.pem")
        for command in run, ["propagation"]:
            error = self.bench(*command, "--server", daemon.address, "--tls-ca-file", path, code=2).stderr
            self.assertIn("tls:HOST:PORT", error)


if __name__ == "__main__":
    unittest.main()
