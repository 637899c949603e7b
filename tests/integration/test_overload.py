# SPDX-License-Identifier: Apache-2.0
"""A daemon that is asked for more than it can do: what is in time is right, what is too late is refused, and whoever
looks after the daemon gets an answer all the time."""

import json
import os
import subprocess
import unittest

import evauth_pb2 as pb
import harness
from test_metrics import HTTP, get, metrics

TOKENS = "2000"
LOOKS = 10
OVERLOAD = ("--tokens", TOKENS, "--requests", "64000", "--batch", "64", "--connections", "8", "--depth", "4096",
            "--rate", "1000000", "--warmup", "0")


class Overload(harness.DaemonTest):
    def start_with_world(self):
        daemon = self.start_daemon("--workers", "1", "--client-unknown-tokens-per-second", "0", *HTTP)
        world = os.path.join(daemon.folder, "world.jsonl")
        for command in ([os.environ["EVAUTH_BENCH_BIN"], "generate", "--tokens", TOKENS, "--out", world],
                        [os.environ["EVAUTH_BIN"], "--server", daemon.address, "import", world]):
            subprocess.run(command, capture_output=True, timeout=120, check=True)
        return daemon

    def offer_too_much(self, daemon, seconds, timeout_ms):
        """Batches as fast as the tool can send them."""
        return subprocess.Popen([os.environ["EVAUTH_BENCH_BIN"], "run", "--server", daemon.address, "--seconds",
                                 str(seconds), "--timeout-ms", str(timeout_ms), "--json", *OVERLOAD],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    def answered(self, daemon, code):
        return metrics(daemon).get(f'evauth_requests_total{{method="AuthorizeBatch",status="{code}"}}', 0)

    def wait_for_more(self, daemon, code, count):
        harness.wait_until(lambda: self.answered(daemon, code) > count, f"more answers {code} than {count}")

    def test_health_answers_all_the_time(self):
        daemon = self.start_with_world()
        load = self.offer_too_much(daemon, 600, 50)
        self.addCleanup(load.communicate)
        self.addCleanup(load.terminate)
        answered = 0
        for _ in range(LOOKS):
            # The load goes on, with more than it can do.
            self.wait_for_more(daemon, "OK", answered)
            answered = self.answered(daemon, "OK")
            self.assertEqual(get(daemon, "/health")[0], 200)
            self.assertEqual(get(daemon, "/ready")[0], 200)
            self.assertTrue(daemon.status().accepts_writes)
            newcomer = daemon.connect()
            self.assertEqual(newcomer.call(pb.StatusRequest()).workers, 1)
            newcomer.close()
        self.assertIsNone(load.poll(), "the load ended before the test")

    def test_what_is_answered_is_right_and_the_rest_is_refused_or_not_sent(self):
        daemon = self.start_with_world()
        load = self.offer_too_much(daemon, 2, 5000)  # enough for some on any machine
        out, err = load.communicate(timeout=120)
        self.assertEqual(load.returncode, 0, err)
        result = json.loads(out)
        self.assertEqual((result["errors"], result["wrong"], result["unanswered"]), ({}, False, 0))
        self.assertGreater(result["good"], 0)
        self.assertGreater(result["refused"] + result["dropped"], result["good"] / 10)
        self.assertEqual(result["good"] + result["late"] + result["refused"], result["requests"])
        # Nobody asks any more: all is as before.
        self.assertGreater(len(daemon.status().methods), 0)

    def test_rounds_compare_with_the_maximum(self):
        daemon = self.start_with_world()
        run = subprocess.run([os.environ["EVAUTH_BENCH_BIN"], "run", "--server", daemon.address, "--tokens", TOKENS,
                              "--requests", "10000", "--rate", "50%", "--rounds", "2", "--seconds", "0.3", "--warmup",
                              "0.1", "--depth", "16", "--timeout-ms", "1000"], capture_output=True, text=True,
                             timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = run.stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines[:3]], ["round", "1", "2"], run.stdout)
        self.assertIn("good answers at 50 % of the maximum:", lines[3])


if __name__ == "__main__":
    unittest.main()
