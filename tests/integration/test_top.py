#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth top: on a terminal of its own (a pty), which is resized, stopped and given back; and as plain blocks."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import evauth_pb2 as pb
import cluster
import harness

EVAUTH = os.environ["EVAUTH_BIN"]
ALTERNATE, NORMAL = b"\x1b[?1049h", b"\x1b[?1049l"
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"
FIRST_ROW, END = b"\x1b[H", b"\x1b[J"


class Terminal:
    """evauth top in a session of its own, on the slave side of a pty; a reader of what it draws."""

    def __init__(self, address, *arguments, interval="0.1", columns=100, rows=40, environment=None):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.mode = termios.tcgetattr(self.slave)
        self.output = b""
        self.process = subprocess.Popen([EVAUTH, "--server", address, "top", "--interval", interval, *arguments],
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        start_new_session=True, preexec_fn=self.take_terminal,
                                        env={**os.environ, "TERM": "xterm", **(environment or {})})

    def take_terminal(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def resize(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        """What came; False when nothing did for a moment."""
        if not select.select([self.master], [], [], 0.05)[0]:
            return False
        self.output += os.read(self.master, 65536)
        return True

    def screens(self):
        """The text of every screen that was drawn to its end."""
        found = re.findall(re.escape(FIRST_ROW) + b"(.*?)" + re.escape(END), self.output, re.S)
        return [re.sub(rb"\x1b\[[0-9]*[mK]|\r", b"", screen).decode() for screen in found]

    def wait_for(self, condition, what):
        """Until a screen that is drawn from now on fulfils it; returns that screen."""
        seen = len(self.screens())

        def look():
            self.read()
            return next((screen for screen in self.screens()[seen:] if condition(screen)), None)
        return harness.wait_until(look, what)

    def type(self, keys):
        os.write(self.master, keys)

    def wait_for_end(self):
        code = harness.wait_until(lambda: (self.read() and False) or self.process.poll() is not None and (
            self.process.returncode,), "the end of evauth top")
        while self.read():
            pass
        return code[0]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class OnATerminal(harness.DaemonTest):
    def open(self, daemon, *arguments, **options):
        terminal = Terminal(daemon.address, *arguments, **options)
        self.addCleanup(terminal.close)
        return terminal

    def assert_given_back(self, terminal):
        """The screen and the mode are what they were, and nothing was drawn afterwards."""
        self.assertEqual(terminal.output.count(ALTERNATE), terminal.output.count(NORMAL))
        self.assertEqual(terminal.output.count(HIDE), terminal.output.count(SHOW))
        self.assertNotIn(FIRST_ROW, terminal.output[terminal.output.rindex(NORMAL):])
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.mode)

    def test_rates_come_and_q_ends_it(self):
        daemon = self.start_daemon()
        terminal = self.open(daemon)
        terminal.wait_for(lambda screen: "since the start" in screen or "over " in screen, "the first screen")
        self.assertFalse(termios.tcgetattr(terminal.slave)[3] & (termios.ICANON | termios.ECHO))

        def shows_questions(screen):
            daemon.authorize("04A1", "cp")
            row = re.search(r"^Authorize +([\d,.]+)", screen, re.M)
            return row and float(row.group(1).replace(",", "")) > 0 and "UNKNOWN_CHARGE_POINT" in screen
        screen = terminal.wait_for(shows_questions, "a rate of Authorize")
        self.assertIn(f"at {daemon.address}", screen)
        self.assertIn("\x1b[1mMETHOD", terminal.output.decode())
        terminal.type(b"q")
        self.assertEqual(terminal.wait_for_end(), 0)
        self.assert_given_back(terminal)

    def test_a_window_that_is_resized_is_drawn_anew(self):
        terminal = self.open(self.start_daemon(), interval="3600")
        terminal.wait_for(lambda screen: len(screen.split("\n")) > 10, "the first screen")
        terminal.resize(30, 6)
        screen = terminal.wait_for(lambda screen: "more lines" in screen, "the small screen")
        lines = screen.split("\n")
        self.assertEqual(len(lines), 6)
        self.assertLessEqual(max(map(len, lines)), 30)
        terminal.resize(100, 40)
        terminal.wait_for(lambda screen: "more lines" not in screen and "objects" in screen, "the large screen")

    def test_signals_give_the_terminal_back(self):
        daemon = self.start_daemon()
        for end in (lambda terminal: terminal.type(b"\x03"),
                    lambda terminal: terminal.process.send_signal(signal.SIGTERM),
                    lambda terminal: terminal.process.send_signal(signal.SIGINT)):
            terminal = self.open(daemon)
            terminal.wait_for(lambda screen: True, "a screen")
            end(terminal)
            self.assertEqual(terminal.wait_for_end(), 0)
            self.assert_given_back(terminal)

    def test_stopped_by_a_key_it_leaves_the_terminal_and_comes_back(self):
        terminal = self.open(self.start_daemon())
        terminal.wait_for(lambda screen: True, "a screen")
        terminal.type(b"\x1a")

        def is_stopped():
            terminal.read()
            with open(f"/proc/{terminal.process.pid}/stat", encoding="utf-8") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "T"
        harness.wait_until(is_stopped, "the stop")
        while terminal.read():
            pass
        self.assert_given_back(terminal)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for(lambda screen: "METHOD" in screen, "a screen after the stop")
        terminal.type(b"q")
        self.assertEqual(terminal.wait_for_end(), 0)
        self.assert_given_back(terminal)

    def test_a_daemon_that_is_restarted_is_waited_for(self):
        """On the same port, which is free while it is away."""
        first = self.start_daemon()
        terminal = self.open(first)
        terminal.wait_for(lambda screen: "over " in screen, "a screen")
        first.stop()
        screen = terminal.wait_for(lambda screen: "NO ANSWER" in screen, "that it is away")
        self.assertIn("METHOD", screen)
        again = harness.Daemon(first.folder, ["--listen", first.address], listen=False)
        self.addCleanup(again.stop)
        again.start()
        screen = terminal.wait_for(lambda screen: "NO ANSWER" not in screen, "that it is there again")
        self.assertIn("the daemon was restarted", screen)
        terminal.type(b"q")
        self.assertEqual(terminal.wait_for_end(), 0)

    def test_a_count_ends_it(self):
        terminal = self.open(self.start_daemon(), "--count", "2")
        self.assertEqual(terminal.wait_for_end(), 0)
        self.assertEqual(len(terminal.screens()), 2)
        self.assert_given_back(terminal)

    def test_no_color_and_dumb_terminals_are_respected(self):
        daemon = self.start_daemon()
        terminal = self.open(daemon, "--count", "1", environment={"NO_COLOR": "1"})
        self.assertEqual(terminal.wait_for_end(), 0)
        self.assertNotIn(b"\x1b[1m", terminal.output)
        for arguments, environment in ((("--count", "1"), {"TERM": "dumb"}), (("--batch", "--count", "1"), {})):
            terminal = self.open(daemon, *arguments, environment=environment)
            self.assertEqual(terminal.wait_for_end(), 0)
            self.assertIn(b"METHOD", terminal.output)
            self.assertNotIn(b"\x1b", terminal.output)

    def test_a_refusal_is_told_on_the_terminal_that_was_given_back(self):
        daemon = self.start_daemon("--access", "tcp=query")
        terminal = self.open(daemon)
        self.assertEqual(terminal.wait_for_end(), 2)
        self.assertIn(b"PERMISSION_DENIED", terminal.output)
        self.assertNotIn(ALTERNATE, terminal.output)


class InAPipe(harness.DaemonTest):
    def top(self, daemon, *arguments, expect=0):
        result = subprocess.run([EVAUTH, "--server", daemon.address, "top", "--interval", "0.1", *arguments],
                                capture_output=True, text=True, timeout=harness.START_SECONDS, check=False)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result.stdout

    def test_blocks_are_plain_text(self):
        daemon = self.start_daemon()
        daemon.authorize("04A1", "cp")
        text = self.top(daemon, "--count", "2")
        self.assertEqual(text.count("METHOD"), 2)
        self.assertEqual(text.count("\n\nevauthd "), 1)
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\r", text)

    def test_json_is_what_figures_answers_and_what_the_metrics_say(self):
        daemon = self.start_daemon("--http", "127.0.0.1:0")
        daemon.apply(harness.put_tariff("t"), harness.put_customer("c"))
        daemon.authorize("04A1", "cp")
        daemon.call(pb.AuthorizeBatchRequest(requests=[pb.AuthorizeRequest(token_uid="04A1", charge_point_id="cp"),
                                                       pb.AuthorizeRequest()]))
        daemon.client()
        reading = json.loads(self.top(daemon, "--json", "--once"))
        answers = {method["name"]: {row.get("code", 0): int(row["count"]) for row in method.get("answers", [])}
                   for method in reading["methods"]}
        self.assertEqual((answers["Authorize"], answers["AuthorizeBatch"], answers["Apply"], answers["Search"]),
                         ({0: 1}, {0: 1}, {0: 1}, {}))
        decisions = {(row.get("verdict"), row.get("reason")): int(row["count"]) for row in reading["decisions"]}
        self.assertEqual(decisions, {("DENIED", "UNKNOWN_CHARGE_POINT"): 2, (None, None): 1})
        time_ns = next(method for method in reading["methods"] if method["name"] == "Authorize")["time_ns"]
        self.assertEqual(sum(int(row.get("count", 0)) for row in time_ns["bins"]), 1)
        objects = {row["kind"]: int(row.get("count", 0)) for row in reading["store"]["objects"]}
        self.assertEqual((objects["TARIFF"], objects["CUSTOMER"], objects["TOKEN"]), (1, 1, 0))
        status = daemon.status()
        self.assertEqual((reading["store"]["digest"], reading["version"], int(reading["revision"])),
                         (status.digest, status.version, status.revision))
        self.assertNotIn("replication", reading)
        self.assertNotIn("not_ready", reading)

    def test_uptime_grows_and_starts_anew(self):
        daemon = self.start_daemon()
        first = daemon.call(pb.FiguresRequest())
        second = harness.wait_until(
            lambda: (reading := daemon.call(pb.FiguresRequest())).uptime_ms > first.uptime_ms and reading, "time")
        self.assertEqual(first.started_at, second.started_at)
        self.assertLess(abs(time.time() - first.started_at), 600)

    def test_clients_are_for_the_role_admin(self):
        daemon = self.start_daemon("--access", "tcp=all")
        self.assertRegex(self.top(daemon, "--once"), r"(?m)^CLIENT +CONNS .*\ntcp:127\.0\.0\.1 +\d+ +[\d.,]+ ")
        daemon = self.start_daemon("--access", "tcp=query,watch")
        text = self.top(daemon, "--once")
        self.assertIn("METHOD", text)
        self.assertNotIn("CLIENT ", text)

    def test_a_daemon_that_is_not_there_is_an_error(self):
        daemon = self.start_daemon()
        daemon.stop()
        self.top(daemon, expect=2)


class WithRedis(cluster.ClusterTest):
    def test_replication_is_shown(self):
        redis = self.start_redis()
        daemon = self.start_daemon("--redis", redis.url)
        harness.wait_until(lambda: daemon.status().replication.state == cluster.FOLLOWING, "the log")
        result = subprocess.run([EVAUTH, "--server", daemon.address, "top", "--once", "--interval", "0.1"],
                                capture_output=True, text=True, timeout=harness.START_SECONDS, check=True)
        self.assertRegex(result.stdout, r"(?m)^replication  FOLLOWING   behind 0 entries, 0 ms")
        digest = rf"(?m)^digest       {daemon.status().digest} at revision \d+, epoch [0-9a-f]+$"
        self.assertRegex(result.stdout, digest)
        redis.cli("FLUSHALL")
        harness.wait_until(lambda: daemon.status().replication.state == cluster.DIVERGED, "DIVERGED")
        result = subprocess.run([EVAUTH, "--server", daemon.address, "top", "--once", "--interval", "0.1"],
                                capture_output=True, text=True, timeout=harness.START_SECONDS, check=True)
        self.assertRegex(result.stdout, r"(?m)^NOT READY: diverged")
        self.assertRegex(result.stdout, r"(?m)^what to do   \w+")


if __name__ == "__main__":
    unittest.main()
