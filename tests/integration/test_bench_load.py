# SPDX-License-Identifier: Apache-2.0
"""The load of evauth-bench against a real daemon: arrivals, threads, churn, writes, request files, scan, search."""

import csv
import io
import json
import os
import subprocess
import unittest

import evauth_pb2 as pb
import harness

TOKENS = "2000"


def bench(*arguments, stdin=None):
    return subprocess.run([os.environ["EVAUTH_BENCH_BIN"], *arguments], capture_output=True, text=True, timeout=120,
                          check=False, input=stdin)


class BenchLoad(harness.DaemonTest):
    def start_with_world(self, *arguments):
        daemon = self.start_daemon(*arguments)
        world = os.path.join(daemon.folder, "world.jsonl")
        self.assertEqual(bench("generate", "--tokens", TOKENS, "--seed", "5", "--out", world).returncode, 0)
        imported = subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, "import", world],
                                  capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        return daemon

    def run_load(self, server, *arguments):
        return bench("run", "--server", server, "--tokens", TOKENS, "--seed", "5", "--requests", "20000", "--seconds",
                     "0.5", "--warmup", "0.1", *arguments)

    def result_of(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        self.assertGreater(result["requests"], 0)
        self.assertEqual((result["errors"], result["unanswered"], result["wrong"]), ({}, 0, False))
        return result

    def write_questions(self, daemon, count):
        path = os.path.join(daemon.folder, "questions.jsonl")
        written = bench("questions", "--tokens", TOKENS, "--seed", "5", "--count", str(count), "--out", path)
        self.assertEqual(written.returncode, 0, written.stderr)
        return path

    def test_open_loop_with_threads_and_both_arrivals(self):
        daemon = self.start_with_world()
        for arrivals in "constant", "poisson":
            result = self.result_of(self.run_load(daemon.address, "--json", "--connections", "4", "--threads", "2",
                                                  "--depth", "16", "--rate", "2000", "--arrivals", arrivals,
                                                  "--server-pid", str(daemon.process.pid)))
            self.assertEqual((result["arrivals"], result["threads"], result["rate"]), (arrivals, 2, 2000))
            self.assertGreater(result["requests"] + result["unsent"], 700)
            self.assertLess(result["requests"], 1400)
            self.assertEqual(sum(result["over_time"]), result["requests"])
            self.assertGreaterEqual(result["server_cpu_s"], 0)
            self.assertEqual(result["server_version"], daemon.status().version)
            self.assertTrue(result["cpu"] and result["kernel"] and result["bench_version"])

    def test_zipf_keys_in_batches(self):
        daemon = self.start_with_world()
        result = self.result_of(self.run_load(daemon.address, "--json", "--keys", "zipf:1.1", "--batch", "20"))
        self.assertEqual(result["keys"], "zipf:1.1")
        self.assertAlmostEqual(result["decisions_per_second"] / result["per_second"], 20, delta=0.1)

    def test_churn_over_tcp_and_unix(self):
        path = os.path.join(self.make_folder(), "socket")
        daemon = self.start_with_world("--unix", path)
        for server in daemon.address, f"unix:{path}":
            result = self.result_of(self.run_load(server, "--json", "--connections", "4", "--churn", "25", "--depth",
                                                  "4", "--seconds", "0.3"))
            self.assertGreater(result["connects"], 3)
            self.assertLessEqual(result["connects"], result["requests"] / 25 + 8)
            self.assertGreater(result["connect_p99_us"], 0)

    def test_writes_beside_are_committed_and_answers_stay_right(self):
        daemon = self.start_with_world()
        before = daemon.status().revision
        result = self.result_of(self.run_load(daemon.address, "--json", "--writes", "200"))
        self.assertGreater(result["writes"], 0)
        self.assertGreater(result["write_p50_us"], 0)
        self.assertEqual((result["write_error_count"], result["write_errors"]), (0, {}))
        self.assertGreater(daemon.status().revision, before)
        customer = daemon.call(pb.GetRequest(kind=pb.OBJECT_KIND_CUSTOMER, id="evauth-bench-0000")).customer
        self.assertIn("written", customer.name)
        fast = self.result_of(self.run_load(daemon.address, "--json", "--writes", "max", "--write-connections", "3"))
        self.assertGreater(fast["writes"], 0)
        share = self.result_of(self.run_load(daemon.address, "--json", "--apply-share", "20", "--rate", "400"))
        self.assertGreater(share["writes"], 0)
        self.assertLess(share["writes"], share["requests"])  # a quarter of them

    def test_a_file_of_questions_agrees_with_the_world(self):
        daemon = self.start_with_world()
        questions = self.write_questions(daemon, 3000)
        run = bench("run", "--server", daemon.address, "--requests", questions, "--passes", "1", "--threads", "2",
                    "--json")
        result = self.result_of(run)
        self.assertEqual((result["requests"], result["keys"]), (3000, "file"))
        run = bench("run", "--server", daemon.address, "--requests", questions, "--passes", "2", "--batch", "64",
                    "--json")
        self.assertEqual(self.result_of(run)["requests"], 94)
        with open(questions, encoding="utf-8") as file:
            run = bench("run", "--server", daemon.address, "--requests", "-", "--seconds", "0.3", "--json",
                        stdin=file.read())
        self.result_of(run)

    def test_a_wrong_expectation_fails_and_names_the_request(self):
        daemon = self.start_with_world()
        path = self.write_questions(daemon, 50)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        asked = json.loads(lines[16])
        verdict = "DENIED" if asked["expect"]["verdict"] != "DENIED" else "ALLOWED"
        lines[16] = json.dumps({**asked, "expect": {"verdict": verdict}})
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        for batch in (), ("--batch", "8"):
            run = bench("run", "--server", daemon.address, "--requests", path, "--passes", "1", *batch)
            self.assertEqual(run.returncode, 1, run.stderr)
            for part in "WRONG ANSWER", "request: ", f"questions.jsonl:17: {lines[16]}", "answer: ", '"verdict":"':
                self.assertIn(part, run.stderr)

    def test_a_refused_request_fails_the_run_and_is_shown(self):
        daemon = self.start_with_world()
        line = '{"token_uid":"04A1","expect":{"verdict":"DENIED"}}\n'  # no charge point
        run = bench("run", "--server", daemon.address, "--requests", "-", "--passes", "1", stdin=line)
        self.assertEqual(run.returncode, 1, run.stderr)
        for part in "FIRST ERROR: INVALID_ARGUMENT", "charge_point_id", "-:1: " + line.strip():
            self.assertIn(part, run.stderr)

    def test_a_line_that_cannot_be_read_is_named(self):
        line = '{"charge_point_id":"x","expect":{"verdict":"MAYBE"}}\n'
        run = bench("run", "--server", "unix:/nonexistent", "--requests", "-", stdin="\n" + line)
        self.assertEqual(run.returncode, 2)
        self.assertIn("-:2:34: verdict", run.stderr)

    def test_scan_prints_a_row_per_rate_in_every_format(self):
        daemon = self.start_with_world()
        scan = ("--scan", "200:600:200", "--seconds", "0.2", "--connections", "4")
        rows = list(csv.DictReader(io.StringIO(self.run_load(daemon.address, *scan, "--csv").stdout)))
        self.assertEqual([row["rate"] for row in rows], ["200", "400", "600"])
        self.assertTrue(all(float(row["p99_us"]) > 0 and row["wrong"] == "false" for row in rows))
        lines = self.run_load(daemon.address, *scan, "--json").stdout.splitlines()
        self.assertEqual([json.loads(line)["rate"] for line in lines], [200, 400, 600])
        self.assertEqual(set(rows[0]) - set(json.loads(lines[0])), {"server_cpu_s", "server_cpu_us", "other_cpu_s"})
        text = self.run_load(daemon.address, *scan)
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertEqual([line.split()[0] for line in text.stdout.splitlines()[2:]], ["200", "400", "600"])

    def test_search_finds_a_rate_and_confirms_it(self):
        daemon = self.start_with_world()
        search = ("--depth", "64", "--seconds", "0.1", "--warmup", "0.05", "--search")
        found = self.run_load(daemon.address, *search, "p50=400ms")
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertIn("highest rate that keeps p50=400ms", found.stdout)
        lines = [json.loads(line) for line in self.run_load(daemon.address, *search, "p50=400ms",
                                                            "--json").stdout.splitlines()]
        self.assertLessEqual(lines[-1]["p50_us"], 400000)
        self.assertGreater(lines[-1]["seconds"], 2.5 * lines[0]["seconds"])
        self.assertGreater(lines[-1]["rate"], 500)
        nothing = self.run_load(daemon.address, *search, "max=0.001us")
        self.assertEqual(nothing.returncode, 1)
        self.assertIn("no rate was found", nothing.stderr)

    def test_every_second_goes_to_a_file(self):
        daemon = self.start_with_world()
        path = os.path.join(daemon.folder, "seconds.csv")
        run = self.run_load(daemon.address, "--seconds", "2", "--rate", "100", "--csv", "--csv-seconds", path)
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(path, encoding="utf-8") as file:
            seconds = list(csv.DictReader(file))
        row = next(csv.DictReader(io.StringIO(run.stdout)))
        self.assertEqual([second["second"] for second in seconds], ["1", "2"])
        self.assertEqual(sum(int(second["requests"]) for second in seconds), int(row["requests"]))

    def test_options_that_do_not_go_together_are_refused(self):
        for arguments, part in ((("--threads", "3", "--connections", "2"), "--threads"),
                                (("--arrivals", "poisson"), "needs --rate"), (("--apply-share", "5"), "needs --rate"),
                                (("--search", "p99=1ms", "--rate", "5"), "--rate"), (("--search", "p98=1ms"), "p98"),
                                (("--search", "p99=1"), "p99=200us"), (("--scan", "5:1:1"), "--scan"),
                                (("--scan", "1:5:0"), "--scan"), (("--keys", "zipf:x"), "--keys"),
                                (("--keys", "normal"), "--keys"), (("--seconds", "0"), "--seconds"),
                                (("--writes", "0"), "--writes"), (("--arrivals", "random"), "--arrivals"),
                                (("--churn", "0"), "--churn"), (("--requests", "/nonexistent"), "/nonexistent")):
            run = bench("run", *arguments)
            self.assertEqual(run.returncode, 2, arguments)
            self.assertIn(part, run.stderr)


if __name__ == "__main__":
    unittest.main()
