# SPDX-License-Identifier: Apache-2.0
"""evauth-bench compare with every peer: each one's answers are found right, and nothing it started is left."""

import csv
import glob
import io
import json
import os
import signal
import subprocess
import sys
import unittest

import harness

PEERS = ["evauthd", "lua", "get", "memcached", "postgres", "echo"]
SMALL = ("--tokens", "2000", "--requests", "5000", "--rounds", "1", "--seconds", "0.2", "--warmup", "0",
         "--connections", "4", "--repeats", "0")


class Compare(harness.DaemonTest):
    def setUp(self):
        self.folder = self.make_folder()
        os.chmod(self.folder, 0o711)  # PostgreSQL runs as somebody else when we are root

    def start(self, *arguments):
        process = subprocess.Popen([os.environ["EVAUTH_BENCH_BIN"], "compare", *SMALL, *arguments], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, "TMPDIR": self.folder})
        self.addCleanup(process.kill)
        return process

    def compare(self, *arguments):
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=300)
        self.assert_nothing_left()
        return process.returncode, stdout, stderr

    def processes_in_folder(self):
        """Those that name the temporary folder in their command line or work in it."""
        found = []
        for path in glob.glob("/proc/[0-9]*"):
            try:
                with open(path + "/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace")
                if self.folder in words or os.readlink(path + "/cwd").startswith(self.folder):
                    found.append(words)
            except OSError:
                continue
        return found

    def assert_nothing_left(self):
        self.assertEqual(self.processes_in_folder(), [])
        self.assertEqual(os.listdir(self.folder), [])

    def test_every_peer_answers_as_the_world_says(self):
        code, stdout, stderr = self.compare("--peers", ",".join(PEERS[1:]), "--depths", "1,16", "--json")
        self.assertEqual(code, 0, stderr)
        result = json.loads(stdout)
        self.assertEqual([peer["name"] for peer in result["peers"]], PEERS)
        for peer in result["peers"]:
            self.assertEqual(peer["right_answers"], 5000, peer)
            self.assertTrue(peer["version"], peer)
        self.assertEqual([(run["depth"], run["peer"]) for run in result["runs"]],
                         [(depth, name) for depth in (1, 16) for name in PEERS])
        for run in result["runs"]:
            self.assertGreater(run["per_second"]["median"], 0)
            self.assertEqual("throughput_ratio" in run, run["peer"] != "evauthd")

    def test_batches_and_an_open_loop(self):
        code, stdout, stderr = self.compare("--peers", "echo", "--depths", "1", "--batch", "8", "--rate", "800")
        self.assertEqual(code, 0, stderr)
        self.assertIn("open loop at 800 decisions/s", stdout)
        self.assertIn("times shorter p99", stdout)

    def test_half_of_the_maximum_with_a_writer_beside_every_server(self):
        code, stdout, stderr = self.compare("--peers", "echo", "--depths", "16", "--rate", "50%", "--writes", "200",
                                            "--write-connections", "2", "--seconds", "0.5", "--rounds", "2", "--json")
        self.assertEqual(code, 0, stderr)
        result = json.loads(stdout)
        self.assertEqual((result["rate_share"], result["writes"], result["write_connections"]), (0.5, 200, 2))
        self.assertEqual([run["peer"] for run in result["runs"]], ["evauthd", "echo"])
        for run in result["runs"]:
            self.assertGreater(run["writes_per_second"]["median"], 20, run)
            self.assertGreater(run["write_p99_us"]["min"], 0)
            self.assertGreaterEqual(run["p99_9_us"]["median"], run["p99_us"]["median"])
            self.assertLess(run["per_second"]["max"], 0.75 * run["maximum"]["max"])
        self.assertIn("p99_9_ratio", result["runs"][1])

    def test_writes_as_fast_as_they_are_answered_in_a_closed_loop_as_csv(self):
        code, stdout, stderr = self.compare("--peers", "get,echo", "--depths", "1,4", "--writes", "max", "--csv")
        self.assertEqual(code, 0, stderr)
        rows = list(csv.DictReader(io.StringIO(stdout)))
        self.assertEqual([(row["depth"], row["peer"]) for row in rows],
                         [(depth, peer) for depth in "14" for peer in ("evauthd", "get", "echo")])
        for row in rows:
            self.assertEqual((row["round"], row["rate"], row["maximum"]), ("1", "0", ""))
            self.assertGreater(float(row["writes_per_second"]), 0)
            self.assertGreater(float(row["per_second"]), 0)

    def test_a_run_that_stays_disturbed_is_kept_and_marked(self):
        burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
        try:
            code, stdout, stderr = self.compare("--peers", "echo", "--depths", "1", "--seconds", "0.1", "--repeats",
                                                "3", "--json")
        finally:
            for burner in burners:
                burner.kill()
                burner.wait()
        self.assertEqual(code, 0, stderr)
        result = json.loads(stdout)
        self.assertGreaterEqual(result["repeated"], 3)
        marked = sum(len(run["disturbed_rounds"]) for run in result["runs"])
        self.assertEqual(result["disturbed"], marked)
        self.assertGreater(marked, 0)
        for run in result["runs"]:
            self.assertEqual(bool(run["disturbed_rounds"]), run["other_share"]["max"] > 0.2, run)

    def children_of(self, process):
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
            return children.read().split()

    def test_a_signal_ends_everything_it_started(self):
        process = self.start("--peers", "get,echo", "--seconds", "100")
        for line in process.stderr:
            if line.startswith("round 1"):
                break
        children = self.children_of(process)
        self.assertEqual(len(children), 3, "evauthd, redis-server, echo")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertEqual([pid for pid in children if os.path.exists(f"/proc/{pid}")], [])
        self.assert_nothing_left()

    def test_the_script_is_shown_as_it_is(self):
        root = os.environ["EVAUTH_SOURCE_DIR"]
        with open(os.path.join(root, "bench", "decide.lua"), encoding="utf-8") as script:
            with open(os.path.join(root, "docs", "performance.md"), encoding="utf-8") as document:
                self.assertIn(script.read(), document.read())

    def test_bad_options_are_refused(self):
        for arguments in (("--peers", "nobody"), ("--depths", "0"), ("--depths", ","), ("--seconds", "x"),
                          ("--rounds", "0"), ("--repeats", "41"), ("--server-cpu", "1-0"), ("--mix", "1:2"),
                          ("--rate", "0%"), ("--rate", "101%"), ("--rate", "50%%"), ("--rate", "%"), ("--writes", "0"),
                          ("--writes", "some")):
            code, _, stderr = self.compare(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertTrue(stderr)

    def test_a_peer_that_is_asked_for_and_not_installed_is_named_with_its_package(self):
        process = subprocess.run([os.environ["EVAUTH_BENCH_BIN"], "compare", *SMALL, "--peers", "memcached"],
                                 capture_output=True, text=True, timeout=300, check=False,
                                 env={**os.environ, "TMPDIR": self.folder, "PATH": self.folder})
        self.assertEqual(process.returncode, 2, process.stderr)
        self.assertIn("apt-get install memcached", process.stderr)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
