#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth snapshot and restore: what was there is there again, and nothing half of it ever."""

import json
import os
import subprocess
import threading
import time
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import EvauthError

EVAUTH = os.environ["EVAUTH_BIN"]
SOURCE = os.environ["EVAUTH_SOURCE_DIR"]
TOKENS = 20000


class Restore(harness.DaemonTest):
    def evauth(self, daemon, *arguments, data=None, expect=0):
        done = subprocess.run([EVAUTH, "--server", daemon.address, *arguments], input=data, capture_output=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, expect, done.stderr.decode())
        return done

    def snapshot(self, daemon):
        path = os.path.join(self.make_folder(), "snapshot")
        answer = json.loads(self.evauth(daemon, "--json", "snapshot", path).stdout)
        self.assertEqual(int(answer["revision"]), daemon.status().revision)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        return path

    def restore(self, daemon, path, expect=0):
        return self.evauth(daemon, "restore", "--yes", path, expect=expect)

    def load_demo(self, daemon):
        self.evauth(daemon, "import", os.path.join(SOURCE, "deploy/demo/network.jsonl"))

    def make_world(self, daemon, tokens=TOKENS):
        daemon.apply(harness.put_tariff("t"), harness.put_tariff("u"),
                     *[harness.put_group(f"g-{group}", "t") for group in range(20)],
                     *[harness.put_point(f"p-{group}", [f"NL*E{group}"]) for group in range(20)],
                     *[harness.attach_points(f"g-{group}", f"p-{group}") for group in range(20)])
        for start in range(0, tokens, 1000):
            ids = range(start, start + 1000)
            daemon.apply(*[harness.put_customer(f"customer-{number}") for number in ids],
                         *[harness.put_token(f"04{number:012X}", f"customer-{number}") for number in ids],
                         harness.attach_customers(f"g-{start // 1000 % 20}", *[f"CUSTOMER-{n}" for n in ids],
                                                  tariff_id="u" if start % 2000 else ""))

    def assert_same(self, first, second):
        one, other = first.status(), second.status()
        self.assertEqual(one.digest, other.digest)
        self.assertEqual([(count.kind, count.count) for count in one.objects],
                         [(count.kind, count.count) for count in other.objects])

    def assert_same_decisions(self, first, second, questions):
        for token, point in questions:
            answers = [daemon.authorize(token, point, at=1800000000) for daemon in (first, second)]
            for answer in answers:
                answer.revision = 0
            self.assertEqual(*answers)

    def test_the_demo_network_there_and_back(self):
        first, second = self.start_daemon(), self.start_daemon()
        self.load_demo(first)
        second.apply(harness.put_tariff("mine"))
        before = second.status()
        self.restore(second, self.snapshot(first))
        after = second.status()
        self.assert_same(first, second)
        self.assertNotEqual(after.epoch, before.epoch)
        self.assertNotEqual(after.epoch, first.status().epoch)
        self.assertEqual(after.revision, max(before.revision, first.status().revision) + 1)
        records = list(first.client().snapshot())
        tokens = [record.token.uid for record in records if record.WhichOneof("object") == "token"]
        points = [record.charge_point.id for record in records if record.WhichOneof("object") == "charge_point"]
        self.assert_same_decisions(first, second, [(token, points[number % len(points)])
                                                   for number, token in enumerate(tokens)])
        second.restart()
        self.assert_same(first, second)
        self.assertEqual(list(second.client().snapshot()), records)

    def test_a_world_and_what_is_remembered(self):
        first, second = self.start_daemon(), self.start_daemon()
        self.make_world(first)
        answer = first.apply(harness.put_tariff("v"), actor="me", idempotency_key="key-1")
        self.restore(second, self.snapshot(first))
        self.assert_same(first, second)
        again = second.apply(harness.put_tariff("v"), actor="me", idempotency_key="key-1")
        self.assertTrue(again.replayed)
        self.assertEqual(again.revision, answer.revision)
        self.assert_same_decisions(first, second, [(f"04{number:012X}", f"p-{number // 1000 % 20}")
                                                   for number in range(0, TOKENS, 97)])
        second.apply(harness.put_customer("customer-1", name="goes on"))

    def test_through_a_pipe(self):
        first, second = self.start_daemon(), self.start_daemon()
        self.load_demo(first)
        data = self.evauth(first, "snapshot", "-").stdout
        done = self.evauth(second, "restore", "-", data=data, expect=2)
        self.assertIn(b"--yes", done.stderr)
        self.evauth(second, "restore", "--yes", "-", data=data)
        self.assert_same(first, second)

    def test_a_dry_run_tells_and_changes_nothing(self):
        first, second = self.start_daemon(), self.start_daemon()
        self.load_demo(first)
        path, before = self.snapshot(first), second.status()
        answer = json.loads(self.evauth(second, "--json", "restore", "--dry-run", path).stdout)
        self.assertTrue(answer["dry_run"])
        self.assertEqual(int(answer["file"]["revision"]), first.status().revision)
        tokens = [count.count for count in first.status().objects if count.kind == pb.OBJECT_KIND_TOKEN]
        self.assertEqual(int(answer["file"]["tokens"]), tokens[0])
        self.assertEqual((second.status().revision, second.status().digest), (before.revision, before.digest))

    def test_files_that_are_not_whole_are_refused(self):
        first, second = self.start_daemon(), self.start_daemon()
        self.load_demo(first)
        second.apply(harness.put_tariff("mine"))
        path, before = self.snapshot(first), second.status()
        with open(path, "rb") as file:
            whole = file.read()
        middle = len(whole) // 2
        for data, word in ((whole[:middle], b"cut short"), (whole[:-1], b"cut short"), (whole + b"x", b"damaged"),
                           (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:], b"damaged"),
                           (whole[:8] + b"\x02" + whole[9:], b"later evauth"), (b'{"put_tariff": {}}', b"no file"),
                           (b"", b"no file")):
            with open(path, "wb") as file:
                file.write(data)
            done = self.restore(second, path, expect=2)
            self.assertIn(word, done.stderr)
        self.assertEqual((second.status().revision, second.status().digest), (before.revision, before.digest))
        self.evauth(second, "restore", "--yes", "/nowhere/at/all", expect=2)
        self.evauth(second, "snapshot", "/nowhere/at/all", expect=2)

    def test_a_backup_is_a_snapshot_that_was_read_back(self):
        daemon, other = self.start_daemon(), self.start_daemon()
        self.load_demo(daemon)
        path = os.path.join(self.make_folder(), "backup")
        self.assertIn(b"read back", self.evauth(daemon, "backup", path).stdout)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, "rb") as file, open(self.snapshot(daemon), "rb") as same:
            self.assertEqual(file.read(), same.read())
        self.restore(other, path)
        self.assert_same(daemon, other)
        self.evauth(daemon, "backup", "-", expect=2)
        self.evauth(daemon, "backup", "/nowhere/at/all", expect=2)

    def test_a_backup_that_the_disk_does_not_keep_is_none(self):
        """A byte changes on the disk after it was written: the file never gets its name, and the last one stays."""
        daemon = self.start_daemon()
        self.make_world(daemon)
        path = os.path.join(self.make_folder(), "backup")
        self.evauth(daemon, "backup", path)
        with open(path, "rb") as file:
            before = file.read()

        def spoil(process):
            while process.poll() is None:
                try:
                    if os.stat(path + ".part").st_size > 200000:
                        with open(path + ".part", "r+b") as file:
                            file.seek(100000)
                            file.write(bytes([before[100000] ^ 1]))
                        return True
                except FileNotFoundError:
                    pass
            return False

        for _ in range(50):
            with subprocess.Popen([EVAUTH, "--server", daemon.address, "backup", path], stderr=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as process:
                is_spoilt = spoil(process)
                message = process.stderr.read()
            if is_spoilt and process.returncode != 0:
                break
        self.assertEqual(process.returncode, 2)
        self.assertIn(b"read back, it is damaged", message)
        self.assertFalse(os.path.exists(path + ".part"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_parts_in_order_on_one_connection(self):
        daemon = self.start_daemon()
        client, other = self.connect(daemon), self.connect(daemon)
        record = pb.Record(modified_revision=1, customer=pb.Customer(id="c"))
        self.assertEqual(client.call(pb.RestoreRequest(number=0, records=[record])).records, 1)
        with self.assertRaises(EvauthError) as refused:
            other.call(pb.RestoreRequest(number=0))
        self.assertIn("another restore", str(refused.exception))
        with self.assertRaises(EvauthError) as refused:
            client.call(pb.RestoreRequest(number=2))
        self.assertIn("part", str(refused.exception))
        with self.assertRaises(EvauthError):
            client.call(pb.RestoreRequest(number=1, end=pb.SnapshotEnd(revision=1, records=1, digest="0" * 32)))
        self.assertEqual(other.call(pb.RestoreRequest(number=0)).records, 0)
        other.close()
        deadline = time.monotonic() + 20
        while True:  # as soon as the daemon has noticed
            try:
                client.call(pb.RestoreRequest(number=0))
                break
            except EvauthError as refused:
                self.assertIn("another restore", str(refused))
                self.assertLess(time.monotonic(), deadline)
        self.assertEqual(daemon.status().revision, 1)

    def test_killed_in_the_middle(self):
        """Whenever it is killed, it comes back with the old state or with the new one."""
        first = self.start_daemon()
        self.make_world(first, 10000)
        path = self.snapshot(first)
        new = first.status().digest
        seen = set()
        for step in range(8):
            second = self.start_daemon()
            second.apply(harness.put_tariff("mine"))
            old = second.status().digest
            sender = threading.Thread(target=subprocess.run, kwargs={"capture_output": True, "check": False},
                                      args=([EVAUTH, "--server", second.address, "restore", "--yes", path],))
            sender.start()
            time.sleep(0.03 + 0.06 * step)
            second.kill()
            sender.join()
            second.start()
            digest = second.status().digest
            self.assertIn(digest, (old, new))
            seen.add(digest == new)
            second.apply(harness.put_tariff("after"))
            self.restore(second, path)
            self.assert_same(first, second)
            second.stop()
        self.assertIn(False, seen)


if __name__ == "__main__":
    unittest.main()
