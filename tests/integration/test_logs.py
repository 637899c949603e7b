#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is logged where: fields of the journal, and levels while it runs."""

import hashlib
import hmac
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import unittest

import evauth_pb2 as pb
import harness

REDIRECT = os.path.join(os.path.dirname(os.environ["EVAUTHD_BIN"]), "..", "tests", "journal_redirect.so")
INFO, DEBUG = "6", "7"  # syslog(3)


class Journal:
    """A socket as journald's, which it reads by the native protocol."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "journal")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.entries, self.raw = [], b""
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

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

    def run(self):
        """Until an empty datagram; takes what comes at once, as the sender waits for it."""
        while datagram := self.socket.recv(1 << 20):
            self.raw += datagram
            self.entries.append(self.parse(datagram))

    def of(self, event):
        return [entry for entry in list(self.entries) if entry.get("EVAUTHD_EVENT") == event]

    def wait_for(self, event):
        return harness.wait_until(lambda: self.of(event), f"an entry of {event}")[0]

    def close(self):
        if self.thread.is_alive():
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", self.path)
            self.thread.join()
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
        ready = self.journal.wait_for("ready")
        self.assertEqual((ready["PRIORITY"], ready["SYSLOG_IDENTIFIER"]), (INFO, "evauthd"))
        self.assertRegex(ready["MESSAGE"], "^ready: evauthd .* serves ")
        daemon.stop()
        self.journal.wait_for("stopped")
        self.assertEqual([entry["EVAUTHD_EVENT"] for entry in self.journal.entries], ["ready", "stopping", "stopped"])
        for entry in self.journal.entries:
            self.assertEqual(set(entry), {"MESSAGE", "PRIORITY", "EVAUTHD_EVENT", "SYSLOG_IDENTIFIER"})
        self.assertEqual(daemon.log(), "")

    def test_levels_are_priorities(self):
        daemon = self.make_daemon("--log-level", "debug", "--log-format", "json").start()
        with socket.create_connection(("127.0.0.1", daemon.port)) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            noise.recv(1000)
        self.assertEqual(self.journal.wait_for("connection_closed")["PRIORITY"], DEBUG)

    def test_another_stderr_than_the_journals_gets_lines(self):
        daemon = self.make_daemon(stream="1:2").start()
        harness.wait_until(lambda: " info ready: " in daemon.log(), "the line")
        self.assertEqual(self.journal.entries, [])

    def test_a_journal_that_takes_nothing_leaves_the_lines_to_stderr(self):
        daemon = self.make_daemon()
        self.journal.close()
        daemon.start()
        harness.wait_until(lambda: " info ready: " in daemon.log(), "the line")


class Levels(harness.DaemonTest):
    def make_noise(self, daemon):
        with socket.create_connection(("127.0.0.1", daemon.port)) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            noise.recv(1000)

    def test_signals_change_the_level_and_end_nothing(self):
        daemon = self.start_daemon("--log-level", "warning")
        self.make_noise(daemon)
        self.assertEqual(daemon.log(), "")
        daemon.process.send_signal(signal.SIGUSR1)
        harness.wait_until(lambda: "Z info log_level: debug, until SIGUSR2 or SIGHUP" in daemon.log(), "SIGUSR1")
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


class Denials(harness.DaemonTest):
    UID = "04A1B2C3D4E5F6"

    def setUp(self):
        self.folder = self.make_folder()
        self.pepper = os.path.join(self.folder, "pepper")
        self.config = os.path.join(self.folder, "conf")
        self.write_pepper(b"0123456789abcdef0123456789abcdef")

    def write_pepper(self, data, mode=0o600):
        self.secret = data
        with open(self.pepper, "wb") as file:
            file.write(data + b"\n")
        os.chmod(self.pepper, mode)

    def configure(self, *lines):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def start(self, *lines):
        self.configure(*lines)
        daemon = self.start_daemon("--config", self.config)
        h = harness
        daemon.apply(h.put_tariff("t"), h.put_group("g", "t"), h.put_point("cp-1", ["NL*EVC*E1*1"]),
                     h.put_customer("c"), h.put_token(self.UID, "c"), h.attach_points("g", "cp-1"))
        return daemon

    def reload(self, daemon, *lines):
        said = len(re.findall("reload(?:ed|_refused): ", daemon.log()))
        self.configure(*lines)
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: len(re.findall("reload(?:ed|_refused): ", daemon.log())) > said, "the reload")

    def denied(self, daemon):
        return re.findall(r" info denied: (.*)", daemon.log())

    def pseudonym(self, folded):
        return hmac.new(self.secret, folded.encode(), hashlib.sha256).hexdigest()[:8]

    def evauth(self, *arguments, expect=0):
        done = subprocess.run([os.environ["EVAUTH_BIN"], "token", "pseudonym", *arguments], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return (done.stdout if expect == 0 else done.stderr).strip()

    def with_pepper(self):
        return "log-denials = true", f'log-pepper-file = "{self.pepper}"'

    def test_nothing_is_said_unless_it_is_wanted_and_no_token_without_a_pepper(self):
        daemon = self.start()
        daemon.authorize(self.UID, "cp-1")
        self.assertEqual(self.denied(daemon), [])
        self.reload(daemon, "log-denials = true")
        self.assertEqual(daemon.authorize(self.UID, "CP-1").verdict, pb.VERDICT_DENIED)
        self.assertEqual(self.denied(daemon), ["NOT_ATTACHED at cp-1, asked by tcp:127.0.0.1"])
        self.reload(daemon)
        daemon.authorize(self.UID, "cp-1")
        self.assertEqual(len(self.denied(daemon)), 1)

    def test_a_token_has_the_name_that_evauth_makes_of_it(self):
        daemon = self.start(*self.with_pepper())
        daemon.authorize("04:a1:b2:c3:d4:e5:f6", "", evse_id="nl*evc*e1*1")
        daemon.authorize(self.UID, "cp-1", explain=True)
        daemon.authorize("nl-evc-c0012345-6", "cp-1", token_type=pb.TOKEN_TYPE_EMAID)
        name, emaid = self.pseudonym(self.UID), self.pseudonym("NLEVCC00123456")
        self.assertEqual(self.denied(daemon), [f"NOT_ATTACHED at cp-1, asked by tcp:127.0.0.1 t={name}"] * 2 +
                         [f"UNKNOWN_TOKEN at cp-1, asked by tcp:127.0.0.1 t={emaid}"])
        for spelling in (self.UID, "04:a1:b2:c3:d4:e5:f6", "04 A1 B2 C3 D4 E5 F6"):
            self.assertEqual(self.evauth(spelling, "--pepper-file", self.pepper), f"t={name}")
        self.assertEqual(self.evauth("NL-EVC-C0012345-6", "--type", "emaid", "--pepper-file", self.pepper),
                         f"t={emaid}")
        self.assertEqual(self.evauth(self.UID, "--pepper-file", self.pepper, "--json"), f'{{"pseudonym":"{name}"}}')

    def test_items_of_batches_are_told_and_an_unknown_charge_point_is_not_named(self):
        """Somebody who mixes up the fields must not have a uid in the log."""
        daemon = self.start(*self.with_pepper())
        request = pb.AuthorizeBatchRequest(requests=[
            pb.AuthorizeRequest(token_uid="04FF", charge_point_id="cp-1"),
            pb.AuthorizeRequest(token_uid="04FF", charge_point_id=self.UID),
            pb.AuthorizeRequest(token_uid="04FF", charge_point_id="cp-1", explain=True), pb.AuthorizeRequest()])
        daemon.call(request)
        who = f"asked by tcp:127.0.0.1 t={self.pseudonym('04FF')}"
        self.assertEqual(self.denied(daemon), [f"UNKNOWN_TOKEN at cp-1, {who}",
                                               f"UNKNOWN_CHARGE_POINT at an unknown charge point, {who}",
                                               f"UNKNOWN_TOKEN at cp-1, {who}"])
        self.assertNotIn(self.UID, daemon.log())

    def test_so_many_lines_a_second_and_what_was_left_out_is_told(self):
        daemon = self.start(*self.with_pepper())
        asked = 0

        def ask():
            nonlocal asked
            for _ in range(100):
                daemon.authorize("04FF", "cp-1")
            asked += 100
            return re.search(r"; (\d+) before were left out", daemon.log())
        left_out = int(harness.wait_until(ask, "a line about those before").group(1))
        self.assertGreaterEqual(left_out, 50)
        self.assertLess(len(self.denied(daemon)), asked / 2)

    def test_a_new_pepper_gives_new_names_by_sighup(self):
        daemon = self.start(*self.with_pepper())
        daemon.authorize(self.UID, "cp-1")
        old = self.pseudonym(self.UID)
        self.write_pepper(b"fedcba9876543210")
        self.reload(daemon, *self.with_pepper())
        daemon.authorize(self.UID, "cp-1")
        self.assertEqual([line.rsplit("t=", 1)[1] for line in self.denied(daemon)], [old, self.pseudonym(self.UID)])
        self.write_pepper(b"short")
        self.reload(daemon, *self.with_pepper())
        self.assertRegex(daemon.log(), "error reload_refused: .*log-pepper-file: .* at least 16 bytes")

    def test_peppers_that_cannot_be_used_are_refused_by_name(self):
        self.write_pepper(b"0123456789abcdef", 0o644)
        self.configure(*self.with_pepper())
        done = subprocess.run([os.environ["EVAUTHD_BIN"], "--check-config", "--config", self.config],
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("log-pepper-file", done.stderr)
        self.assertIn("others may use it", done.stderr)
        self.assertIn("--pepper-file", self.evauth(self.UID, "--pepper-file", self.pepper, expect=2))
        self.assertIn("--pepper-file", self.evauth(self.UID, expect=2))
        os.chmod(self.pepper, 0o600)
        self.assertIn("UID", self.evauth("\x01", "--pepper-file", self.pepper, expect=2))


if __name__ == "__main__":
    unittest.main()
