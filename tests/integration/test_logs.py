#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is logged where: fields of the journal, and levels while it runs."""

import os
import signal
import socket
import struct
import unittest

import harness

REDIRECT = os.path.join(os.path.dirname(os.environ["EVAUTHD_BIN"]), "..", "tests", "journal_redirect.so")
ERROR, WARNING, INFO, DEBUG = "3", "4", "6", "7"  # syslog(3)


class Journal:
    """A socket as journald's, which it reads by the native protocol."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "journal")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.entries, self.raw = [], b""

    @staticmethod
    def parse(datagram):
        fields = {}
        while datagram:
            line, _, rest = datagram.partition(b"\n")
            if b"=" in line:
                name, _, value = line.partition(b"=")
                datagram = rest
            else:
                size = struct.unpack("<Q", rest[:8])[0]
                name, value, datagram = line, rest[8:8 + size], rest[9 + size:]
            fields[name.decode()] = value.decode()
        return fields

    def read(self):
        """Every entry so far."""
        while True:
            try:
                datagram = self.socket.recv(1 << 20)
            except BlockingIOError:
                return self.entries
            self.raw += datagram
            self.entries.append(self.parse(datagram))

    def of(self, event):
        return [entry for entry in self.read() if entry.get("EVAUTHD_EVENT") == event]

    def close(self):
        self.socket.close()


class JournalTest(harness.DaemonTest):
    def make_daemon(self, *arguments, stream=None):
        """A daemon whose stderr is, by $JOURNAL_STREAM, the journal. It stays to be started."""
        folder = self.make_folder()
        self.journal = Journal(folder)
        self.addCleanup(self.journal.close)
        daemon = self.new_daemon(*arguments)
        with open(daemon.log_file, "wb") as file:
            stat = os.fstat(file.fileno())
        asan = os.environ.get("ASAN_OPTIONS")
        daemon.environment = {"LD_PRELOAD": REDIRECT, "EVAUTH_JOURNAL": self.journal.path,
                              "JOURNAL_STREAM": stream or f"{stat.st_dev}:{stat.st_ino}",
                              "ASAN_OPTIONS": (asan + ":" if asan else "") + "verify_asan_link_order=0"}
        return daemon


class Fields(JournalTest):
    def test_every_line_is_an_entry_with_fields_and_stderr_is_empty(self):
        daemon = self.make_daemon().start()
        ready = self.journal.of("ready")[0]
        self.assertEqual((ready["PRIORITY"], ready["SYSLOG_IDENTIFIER"]), (INFO, "evauthd"))
        self.assertRegex(ready["MESSAGE"], "^ready: evauthd .* serves ")
        daemon.stop()
        self.assertEqual([entry["EVAUTHD_EVENT"] for entry in self.journal.read()], ["ready", "stopping", "stopped"])
        for entry in self.journal.read():
            self.assertEqual(set(entry), {"MESSAGE", "PRIORITY", "EVAUTHD_EVENT", "SYSLOG_IDENTIFIER"})
        self.assertEqual(daemon.log(), "")

    def test_levels_are_priorities(self):
        daemon = self.make_daemon("--log-level", "debug", "--log-format", "json").start()
        with socket.create_connection(("127.0.0.1", daemon.port)) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            noise.recv(1000)
        entry = harness.wait_until(lambda: self.journal.of("connection_closed"), "a debug entry")[0]
        self.assertEqual(entry["PRIORITY"], DEBUG)

    def test_another_stderr_than_the_journals_gets_lines(self):
        daemon = self.make_daemon(stream="1:2").start()
        self.assertIn(" info ready: ", daemon.log())
        self.assertEqual(self.journal.read(), [])

    def test_a_journal_that_takes_nothing_leaves_the_lines_to_stderr(self):
        daemon = self.make_daemon()
        self.journal.close()
        daemon.start()
        self.assertIn(" info ready: ", daemon.log())


class Levels(harness.DaemonTest):
    def make_noise(self, daemon):
        with socket.create_connection(("127.0.0.1", daemon.port)) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            noise.recv(1000)

    def test_signals_change_the_level_and_end_nothing(self):
        daemon = self.start_daemon("--log-level", "warning")
        self.make_noise(daemon)
        daemon.process.send_signal(signal.SIGUSR1)
        harness.wait_until(lambda: "Z info log_level: debug, until SIGUSR2 or SIGHUP" in daemon.log(), "SIGUSR1")
        self.assertNotIn("connection_closed", daemon.log())
        self.make_noise(daemon)
        harness.wait_until(lambda: "Z debug connection_closed: " in daemon.log(), "a debug line")
        daemon.process.send_signal(signal.SIGUSR2)
        harness.wait_until(lambda: "Z info log_level: warning" in daemon.log(), "SIGUSR2")
        said = daemon.log()
        self.make_noise(daemon)
        daemon.status()
        daemon.stop()
        self.assertEqual(daemon.log(), said)

    def test_sighup_ends_it_too(self):
        daemon = self.start_daemon()
        daemon.process.send_signal(signal.SIGUSR1)
        harness.wait_until(lambda: "info log_level: debug" in daemon.log(), "SIGUSR1")
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "info reloaded: " in daemon.log(), "SIGHUP")
        self.make_noise(daemon)
        daemon.stop()
        self.assertNotIn("debug connection_closed", daemon.log())


if __name__ == "__main__":
    unittest.main()
