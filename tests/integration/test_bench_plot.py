# SPDX-License-Identifier: Apache-2.0
"""evauth-bench plot: pictures of real reports, without a word from gnuplot."""

import os
import struct
import subprocess
import unittest
import xml.etree.ElementTree

import harness

TOKENS = "1000"


def bench(*arguments, **options):
    return subprocess.run([os.environ["EVAUTH_BENCH_BIN"], *arguments], capture_output=True, text=True, timeout=120,
                          check=False, **options)


class Plot(harness.DaemonTest):
    def setUp(self):
        self.folder = self.make_folder()

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def draw(self, out, *arguments):
        """Draws, and returns the picture's path; gnuplot must have nothing to say."""
        path = self.path(out)
        run = bench("plot", "--out", path, *arguments)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
        return path

    def assert_png(self, path):
        with open(path, "rb") as file:
            head = file.read(24)
        self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">II", head[16:24]), (1280, 720))

    def texts_of_svg(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertTrue(root.tag.endswith("}svg"), root.tag)
        return ["".join(text.itertext()).strip() for text in root.iter() if text.tag.endswith("}text")]

    def run_reports(self, *arguments):
        daemon = self.start_daemon()
        world = self.path("world.jsonl")
        self.assertEqual(bench("generate", "--tokens", TOKENS, "--out", world).returncode, 0)
        subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, "import", world], capture_output=True,
                       timeout=120, check=True)
        run = bench("run", "--server", daemon.address, "--tokens", TOKENS, "--requests", "5000", "--connections", "4",
                    "--warmup", "0", *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_real_runs_as_png_and_svg(self):
        report = self.path("real_run.json", self.run_reports("--seconds", "2", "--rate", "500", "--json",
                                                               "--csv-seconds", self.path("seconds.csv")))
        self.assert_png(self.draw("latency.png", report))
        texts = self.texts_of_svg(self.draw("latency.svg", report, "--title", "Tom's <1 & 2>", "--quantiles",
                                            "p50,p90,max"))
        for text in "Tom's <1 & 2>", "p50", "p90", "max", "load, requests per second", "500":
            self.assertIn(text, texts)
        texts = self.texts_of_svg(self.draw("time.svg", report, "--kind", "throughput"))
        self.assertIn("real_run", texts)
        self.assert_png(self.draw("seconds.png", self.path("seconds.csv"), "--kind", "throughput"))

    def test_several_files_in_one_figure(self):
        rows = "rate,per_second,p50_us,p99_us,p99_9_us\n1000,1000,20,50,100\n2000,1999,25,90,5000\n"
        first, second = self.path("first.csv", rows), self.path("second_one.csv", rows.replace("20,50", "40,70"))
        arguments = (first, second, "--label", "it's 1")
        self.assert_png(self.draw("both.PNG", *arguments))
        texts = self.texts_of_svg(self.draw("both.svg", *arguments))
        for text in "it's 1 p50", "second_one p99.9", "Latency versus load", "5 ms", "2k":
            self.assertIn(text, texts)

    def test_one_point_and_what_does_not_change_are_drawn(self):
        one = self.path("one.csv", "rate,p50_us,p99_us,p99_9_us\n1,1,1,1\n")
        self.draw("one.png", one)
        still = self.path("still.csv", "second,requests\n1,0\n2,0\n")
        self.draw("still.png", still, "--kind", "throughput")

    def test_the_script_of_the_documents_and_comparisons_as_bars(self):
        environment = {**os.environ, "BUILD": os.path.dirname(os.environ["EVAUTH_BENCH_BIN"]), "OUT": self.folder,
                       "REPORTS": self.folder, "TOKENS": TOKENS, "ROUNDS": "1", "DURATION": "0.3", "RETRIES_MAX": "0",
                       "SCAN": "500:1000:500", "PEERS": "echo", "CONNECTIONS": "4", "DEPTHS": "2"}
        script = os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "bench", "plots.sh")
        run = subprocess.run(["sh", script], capture_output=True, text=True, timeout=250, check=False, env=environment)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        for name, text in ("latency", "p90"), ("throughput", "echo"), ("ratios", "depth 2"):
            self.assertIn(text, self.texts_of_svg(self.path(name + ".svg")))
        report = self.path("compare.json")
        self.assert_png(self.draw("ratios.png", report, "--kind", "ratios"))
        texts = self.texts_of_svg(self.draw("peers.svg", report, "--kind", "peers", "--title", "1 & 2"))
        for text in "1 & 2", "evauthd", "echo", "depth 2", "decisions per second":
            self.assertIn(text, texts)

    def test_what_cannot_be_drawn_is_said_and_nothing_is_left(self):
        good = self.path("good.csv", "rate,p50_us,p99_us,p99_9_us\n1,1,1,1\n")
        bad = self.path("bad.csv", "rate,p50_us,p99_us,p99_9_us\n1,2,x,4\n")
        out = self.path("out.png")
        for arguments, problem in (
                (("--out", out, bad), f"{bad}:2: column 3 (p99_us): 'x' is not a number"),
                (("--out", out, good, self.path("none.csv")), f"{self.path('none.csv')}: No such file or directory"),
                (("--out", self.path("out.pdf"), good), f"{self.path('out.pdf')}: neither .png nor .svg"),
                (("--out", self.path("no/folder.png"), good), "folder.png.part: No such file or directory"),
                (("--out", out, "--kind", "throughput", good), f"{good}:2: no over_time"),
                (("--out", out), "no file to draw"),
                ((good,), "--out is missing"),
                (("--out", out, "--kind", "pie", good), "--kind: 'pie'"),
                (("--out", out, "--quantiles", "p50,p98", good), "--quantiles: 'p98' is none of"),
                (("--out", out, "--quantiles", "", good), "--quantiles: '' is none of"),
                (("--out", out, "--label", "a", "--label", "b", good), "--label: 2 of them for 1 files"),
                (("--out", out, "--kind", "peers", good), f"{good}:1:4: '[' or '{{' expected near 'rate'"),
                (("--out", out, "--kind", "ratios", good, good), "--kind ratios draws one file, without --label"),
                (("--out", out, *([good] * 9)), "more than 8 files")):
            run = bench("plot", *arguments)
            self.assertEqual((run.returncode, run.stdout), (2, ""), arguments)
            self.assertIn(problem, run.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["bad.csv", "good.csv"])

    def test_without_gnuplot_the_package_is_named(self):
        good = self.path("good.csv", "rate,p50_us,p99_us,p99_9_us\n1,1,1,1\n")
        run = bench("plot", "--out", self.path("out.png"), good, env={**os.environ, "PATH": self.folder})
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stderr, "evauth-bench: plot: gnuplot is not installed (Debian: apt-get install "
                                     "gnuplot-nox)\n")
        self.assertEqual(os.listdir(self.folder), ["good.csv"])

    def test_a_failing_gnuplot_leaves_the_picture_of_before(self):
        good = self.path("good.csv", "rate,p50_us,p99_us,p99_9_us\n1,1,1,1\n")
        out = self.path("out.png", "the picture of before")
        gnuplot = self.path("gnuplot", "#!/bin/sh\necho half a picture\nexit 1\n")
        os.chmod(gnuplot, 0o755)
        run = bench("plot", "--out", out, good, env={**os.environ, "PATH": self.folder})
        self.assertEqual((run.returncode, run.stderr), (2, "evauth-bench: plot: gnuplot could not draw this\n"))
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), "the picture of before")
        self.assertEqual(sorted(os.listdir(self.folder)), ["gnuplot", "good.csv", "out.png"])


if __name__ == "__main__":
    unittest.main()
