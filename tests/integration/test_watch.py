#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Watch and Log: every change once and in order, under load and over breaks; who cannot go on is told so."""

import json
import os
import socket
import struct
import subprocess
import threading
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import STREAM_END, STREAM_ITEM, EvauthError

OUT_OF_RANGE = 11


def customers_of(event):
    return [change.put_customer.id for changes in event.change_sets for change in changes.changes]


class Watch(harness.DaemonTest):
    def watch(self, daemon, after=0):
        return self.connect(daemon).watch(after)

    def next_change(self, events):
        return next(event for event in events if event.change_sets)

    def write(self, daemon, count, depth=64, name_size=0):
        """So many sets of one customer each, pipelined; ids are numbers."""
        client, sent, received = self.connect(daemon), 0, 0
        while received < count:
            while sent < count and sent - received < depth:
                client.send(pb.ChangeSet(changes=[harness.put_customer(str(sent), name="n" * name_size)]))
                sent += 1
            _, status, _, _, body = client.receive()
            self.assertEqual(status, 0, body)
            received += 1

    def take(self, events, count):
        """Customers in the order they came, until there are so many; revisions must rise."""
        seen, revision = [], 0
        for event in events:
            self.assertGreaterEqual(event.revision, revision)
            if event.change_sets:
                self.assertGreater(event.revision, revision)
                self.assertTrue(event.time)
                seen += customers_of(event)
            revision = event.revision
            if len(seen) >= count:
                return seen, revision
        return seen, revision

    def test_from_now_on(self):
        daemon = self.start_daemon()
        events = self.watch(daemon)
        first = next(events)
        self.assertEqual((first.revision, len(first.change_sets)), (1, 0))
        daemon.apply(harness.put_customer("a"), actor="alice")
        event = self.next_change(events)
        self.assertEqual((event.revision, event.actor, customers_of(event)), (2, "alice", ["a"]))
        with self.assertRaises(EvauthError):
            daemon.apply(harness.put_token("04", "nobody"))
        daemon.apply(harness.put_customer("b"), dry_run=True)
        daemon.apply(harness.put_customer("c"))
        self.assertEqual(customers_of(self.next_change(events)), ["c"])

    def test_once_and_in_order_under_load(self):
        count = 10000
        daemon = self.start_daemon()
        results = {}

        def follow(number, after):
            results[number] = self.take(self.watch(daemon, after), count)[0]

        followers = [threading.Thread(target=follow, args=(number, 1)) for number in range(4)]
        for follower in followers:
            follower.start()
        self.write(daemon, count)
        late = threading.Thread(target=follow, args=("late", 1))
        late.start()
        for follower in [*followers, late]:
            follower.join()
        self.assertEqual(len(results), 5)
        for seen in results.values():
            self.assertEqual(seen, [str(number) for number in range(count)])

    def test_resume_over_breaks(self):
        count = 3000
        daemon = self.start_daemon()
        writer = threading.Thread(target=self.write, args=(daemon, count))
        writer.start()
        seen, revision = [], 1
        while len(seen) < count:
            client = self.connect(daemon)
            part, revision = self.take(client.watch(revision), min(100, count - len(seen)))
            seen += part
            client.close()
        writer.join()
        self.assertEqual(seen, [str(number) for number in range(count)])

    def test_trimmed_and_beyond(self):
        daemon = self.start_daemon("--log-entries", "100")
        for number in range(150):
            daemon.apply(harness.put_customer(str(number)))
        status = daemon.status()
        oldest = status.log_oldest_revision
        self.assertGreater(oldest, 2)
        for after in (1, oldest - 2, status.revision + 1):
            with self.assertRaises(EvauthError) as caught:
                next(self.watch(daemon, after))
            self.assertEqual(caught.exception.status, OUT_OF_RANGE)
            self.assertIn(str(oldest), caught.exception.error.message)
            self.assertIn("snapshot", caught.exception.error.message)
        self.assertEqual(next(self.watch(daemon, oldest - 1)).revision, oldest)

    def test_slow_subscriber_is_cut_and_can_go_on(self):
        count = 8000  # more than the kernel keeps for a connection
        daemon = self.start_daemon("--write-timeout", "60s")
        slow = socket.socket()
        self.addCleanup(slow.close)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", daemon.port))
        body = pb.WatchRequest(after_revision=1).SerializeToString()
        slow.sendall(struct.pack(">IBBHI", 8 + len(body), 0x11, 0, 19, 7) + body)
        harness.wait_until(lambda: daemon.status().watchers == 1, "the watcher")
        self.write(daemon, count, name_size=1000)
        harness.wait_until(lambda: daemon.status().watchers == 0, "the slow watcher to be cut")
        stream, seen, revision = slow.makefile("rb"), [], 1
        while True:
            length, kind, status, _, request_id = struct.unpack(">IBBHI", stream.read(12))
            body = stream.read(length - 8)
            self.assertEqual(request_id, 7)
            if kind & 15 == STREAM_END:
                break
            self.assertEqual(kind & 15, STREAM_ITEM)
            event = pb.Event.FromString(body)
            seen, revision = seen + customers_of(event), event.revision
        self.assertEqual(status, harness.RESOURCE_EXHAUSTED)
        self.assertIn(f"after revision {revision}", pb.Error.FromString(body).message)
        stream.close()
        rest, _ = self.take(self.watch(daemon, revision), count - len(seen))
        self.assertEqual(seen + rest, [str(number) for number in range(count)])

    def test_limit_and_places_that_become_free(self):
        daemon = self.start_daemon()
        limit = next(row.value for row in daemon.status().limits if row.name == "watchers_max")
        client = self.connect(daemon)
        for _ in range(limit):
            client.send(pb.WatchRequest())
        harness.wait_until(lambda: daemon.status().watchers == limit, "all to watch")
        with self.assertRaises(EvauthError) as caught:
            next(self.watch(daemon))
        self.assertEqual(caught.exception.status, harness.RESOURCE_EXHAUSTED)
        client.close()
        harness.wait_until(lambda: daemon.status().watchers == 0, "the places of a closed connection", 5)
        next(self.watch(daemon))

    def test_a_frame_that_is_none_ends_a_watch_before_it(self):
        daemon = self.start_daemon()
        client = self.connect(daemon, timeout=10.0)
        client.send(pb.WatchRequest())
        client.socket.sendall(struct.pack(">IBBHI", 3, 0, 0, 0, 0))  # too short to be one
        statuses = []
        with self.assertRaises(ConnectionError):
            while True:
                statuses.append(client.receive()[1])
        self.assertIn(harness.INVALID_ARGUMENT, statuses)

    def test_stop(self):
        daemon = self.start_daemon()
        events = self.watch(daemon)
        next(events)
        daemon.forget_client()
        daemon.process.terminate()
        with self.assertRaises(EvauthError) as caught:
            list(events)
        self.assertEqual(caught.exception.status, harness.UNAVAILABLE)
        daemon.wait_for_clean_end(5)


class Log(harness.DaemonTest):
    def test_pages(self):
        daemon = self.start_daemon()
        for number in range(30):
            daemon.apply(harness.put_customer(str(number)), actor="alice")
        first = daemon.call(pb.LogRequest(page_size=20))
        self.assertEqual([entry.revision for entry in first.entries], list(range(31, 11, -1)))
        self.assertEqual((first.revision, first.oldest_revision), (31, 2))
        rest = daemon.call(pb.LogRequest(before_revision=12, without_changes=True))
        self.assertEqual([entry.revision for entry in rest.entries], list(range(11, 1, -1)))
        self.assertFalse(rest.entries[0].change_sets)
        self.assertEqual(first.entries[0].change_sets[0].actor, "alice")
        self.assertEqual(first.entries[0].prev, first.entries[1].nonce)
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call, pb.LogRequest(page_size=1001), field="page_size")

    def test_no_orphans_and_no_redis(self):
        daemon = self.start_daemon()
        self.assertFalse(daemon.call(pb.LogRequest(orphans=True)).entries)
        self.assertEqual(daemon.call(pb.ForgetOrphansRequest(through_revision=99)).forgotten, 0)
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call, pb.ForgetOrphansRequest(), field="through_revision")
        self.assert_refused(harness.FAILED_PRECONDITION, daemon.call, pb.AdoptRequest(epoch=daemon.status().epoch),
                            message="Redis")


class CommandLine(harness.DaemonTest):
    def evauth(self, daemon, *words):
        return subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, *words], capture_output=True,
                              text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)

    def start_watch(self, daemon, *words):
        process = subprocess.Popen([os.environ["EVAUTH_BIN"], "--server", daemon.address, "watch", *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_watch_goes_on_after_a_restart(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_tariff("t"), harness.put_group("office", "t"), actor="alice")
        text = self.start_watch(daemon, "--after", "1")
        self.assertIn("alice  tariff t stored", text.stdout.readline())
        self.assertIn("charge group office stored", text.stdout.readline())
        daemon.listen = ["--listen", daemon.address]
        daemon.restart()
        daemon.apply(harness.put_customer("c"), harness.attach_customers("office", "c", tariff_id="t"))
        self.assertIn("customer c stored", text.stdout.readline())
        self.assertIn("customers c attached to group office, tariff t", text.stdout.readline())
        text.kill()
        self.assertIn("trying to go on after revision 2", text.stderr.read())

    def test_watch_as_json(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_customer("c"))
        document = json.loads(self.start_watch(daemon, "--after", "1", "--json").stdout.readline())
        self.assertEqual(document["revision"], "2")
        self.assertEqual(document["change_sets"][0]["changes"][0]["put_customer"]["id"], "c")

    def test_watch_that_cannot_go_on(self):
        daemon = self.start_daemon()
        ended = self.evauth(daemon, "watch", "--after", "99")
        self.assertEqual(ended.returncode, 4)
        self.assertIn("snapshot", ended.stderr)
        self.assertEqual(self.evauth(daemon, "watch", "--after", "x").returncode, 2)

    def test_log(self):
        daemon = self.start_daemon()
        for number in range(30):
            daemon.apply(harness.put_customer(f"c-{number}"))
        lines = self.evauth(daemon, "log").stdout.splitlines()
        self.assertEqual(len(lines), 20)
        self.assertIn("customer c-29 stored", lines[0])
        self.assertEqual(len(self.evauth(daemon, "log", "--last", "500").stdout.splitlines()), 30)
        self.assertIn("customer c-8 stored", self.evauth(daemon, "log", "--before", "11", "--last", "1").stdout)
        self.assertEqual(len(json.loads(self.evauth(daemon, "log", "--json", "--last", "7").stdout)["entries"]), 7)
        self.assertIn("no orphans", self.evauth(daemon, "log", "orphans").stdout)
        self.assertIn("0 forgotten", self.evauth(daemon, "log", "forget-orphans", "1,000").stdout)

    def test_adopt_shows_this_replica_and_asks(self):
        daemon = self.start_daemon()
        asked = self.evauth(daemon, "log", "adopt")
        self.assertEqual(asked.returncode, 2)
        self.assertIn(daemon.status().digest, asked.stderr)
        self.assertIn("--yes", asked.stderr)
        refused = self.evauth(daemon, "log", "adopt", "--yes")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("FAILED_PRECONDITION", refused.stderr)

    def test_status(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_customer("c"))
        text = self.evauth(daemon, "status").stdout
        status = daemon.status()
        for words in (status.digest, status.epoch, "back to revision 2", "watchers"):
            self.assertIn(words, text)
        self.assertNotIn("Replication", text)

    def test_restore_ends_what_watches_the_history_before(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_customer("c"))
        path = os.path.join(self.make_folder(), "snapshot")
        self.assertEqual(self.evauth(daemon, "snapshot", path).returncode, 0)
        daemon.apply(harness.put_customer("d"))
        events = self.connect(daemon).watch()
        self.assertEqual(next(events).revision, 3)
        restored = self.evauth(daemon, "restore", "--yes", path)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        with self.assertRaises(EvauthError) as caught:
            for event in events:
                self.assertFalse(event.change_sets)
        self.assertEqual(caught.exception.status, OUT_OF_RANGE)
        self.assertIn("snapshot", caught.exception.error.message)


if __name__ == "__main__":
    unittest.main()
