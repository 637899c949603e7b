#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshot, Get, Search and the other listings as streams and pages: order, one revision, slow receivers."""

import socket
import struct
import threading
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import STREAM_END, STREAM_ITEM, Client, EvauthError

ORDER = ["tariff", "charge_group", "charge_point", "customer", "token", "membership"]


def compare_form(record):
    kind = record.WhichOneof("object")
    item = getattr(record, kind)
    if kind == "token":
        return item.issuer.country_code.upper(), item.issuer.party_id.upper(), item.type, item.uid.upper()
    if kind == "membership":
        return item.charge_group_id.upper(), item.customer_id.upper()
    return item.id.upper()


class Snapshot(harness.DaemonTest):
    def fill(self, daemon, customers, name_size=0):
        daemon.apply(harness.put_tariff("t"), harness.put_tariff("a"), harness.put_group("g", "t"),
                     harness.put_group("B", "t"), harness.put_point("z"), harness.put_point("Y"))
        for start in range(0, customers, 100):
            numbers = range(start, min(start + 100, customers))
            daemon.apply(*[harness.put_customer(f"{'cC'[number % 2]}-{number}", name="n" * name_size)
                           for number in numbers],
                         *[harness.put_token(f"app-{number}", f"c-{number}", type=pb.TOKEN_TYPE_APP_USER)
                           for number in numbers],
                         harness.put_token(f"04{start:06d}", issuer=["NL*TNM", "DE*8EO"][start % 200 // 100]),
                         harness.attach_customers("g", *[f"c-{number}" for number in numbers]))

    def test_order_and_completeness(self):
        daemon = self.start_daemon()
        self.fill(daemon, 500)
        records = list(daemon.client().snapshot())
        keys = [(ORDER.index(record.WhichOneof("object")), compare_form(record)) for record in records]
        self.assertEqual(keys, sorted(keys))
        counts = [sum(1 for kind, _ in keys if kind == number) for number in range(6)]
        self.assertEqual(counts, [2, 2, 2, 500, 505, 500])
        self.assertEqual({record.modified_revision for record in records}, set(range(2, 8)))

    def test_empty_store(self):
        self.assertEqual(list(self.start_daemon().client().snapshot()), [])

    def test_one_revision_while_others_write(self):
        """Every set moves all of a hundred customers to another name; a snapshot shows one name."""
        daemon = self.start_daemon()
        ids = [f"c-{number}" for number in range(100)]
        daemon.apply(*[harness.put_customer(customer, name="first") for customer in ids])
        done = threading.Event()

        def write():
            client, number = self.connect(daemon), 0
            while not done.is_set():
                number += 1
                client.call(pb.ChangeSet(changes=[harness.put_customer(customer, name=f"name {number}")
                                                  for customer in ids]))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(30):
                records = list(daemon.client().snapshot())
                self.assertEqual(len(records), 100)
                self.assertEqual(len({record.customer.name for record in records}), 1)
                self.assertEqual(len({record.modified_revision for record in records}), 1)
        finally:
            done.set()
            writer.join()

    def test_min_revision(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_customer("c"))
        client = self.connect(daemon)
        client.send(pb.SnapshotRequest(min_revision=2))
        self.assertEqual([client.receive()[0] for _ in range(2)], [STREAM_ITEM, STREAM_END])
        client.send(pb.SnapshotRequest(min_revision=99))
        self.assertEqual(client.receive()[1], harness.UNAVAILABLE)

    def test_other_questions_are_answered_during_a_snapshot(self):
        daemon = self.start_daemon()
        self.fill(daemon, 2000, name_size=500)
        client = self.connect(daemon)
        client.send(pb.SnapshotRequest())
        question = client.send(pb.AuthorizeRequest(token_uid="app-1", charge_point_id="z"))
        kinds = []
        while STREAM_END not in kinds or question is not None:
            kind, status, _, request_id, _ = client.receive()
            self.assertEqual(status, 0)
            if request_id == question:
                question = None
            else:
                kinds.append(kind)
        self.assertEqual(kinds[:-1], [STREAM_ITEM] * (len(kinds) - 1))

    def test_slow_receiver_is_cut_and_others_are_not(self):
        daemon = self.start_daemon("--write-timeout", "1s")
        self.fill(daemon, 10000, name_size=1000)
        slow = socket.socket()
        self.addCleanup(slow.close)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", daemon.port))
        slow.sendall(struct.pack(">IBBHI", 8, 0x11, 0, 20, 1))
        harness.wait_until(lambda: daemon.status().connections == 1, "the slow receiver to be cut")
        self.assertEqual(sum(1 for _ in daemon.client().snapshot()), 6 + 30000 + 100)

    def test_receiver_that_leaves(self):
        daemon = self.start_daemon()
        self.fill(daemon, 2000, name_size=500)
        for _ in range(5):
            client = Client(daemon.address)
            client.send(pb.SnapshotRequest())
            client.receive()
            client.close()
            harness.wait_until(lambda: daemon.status().connections == 1, "the receiver to be missed")
        self.assertEqual(sum(1 for _ in daemon.client().snapshot()), 6 + 6000 + 20)

    def test_one_snapshot_too_many_is_refused(self):
        """Each holds LMDB's old pages; others wait for their turn."""
        daemon = self.start_daemon()
        self.fill(daemon, 10000, name_size=500)
        limit = next(row.value for row in daemon.status().limits if row.name == "snapshots_max")
        under_way = [self.connect(daemon) for _ in range(limit)]
        for client in under_way:
            client.send(pb.SnapshotRequest())
            self.assertEqual(client.receive()[0], STREAM_ITEM)
        with self.assertRaises(EvauthError) as caught:
            list(daemon.client().snapshot())
        self.assertEqual(caught.exception.status, harness.RESOURCE_EXHAUSTED)
        for client in under_way:
            while client.receive()[0] == STREAM_ITEM:
                pass
        self.assertEqual(sum(1 for _ in daemon.client().snapshot()), 6 + 30000 + 100)

    def test_large_snapshot_survives_a_stop_only_as_a_whole(self):
        """A stop while a stream is under way ends it with its end frame, or with the connection: never silently."""
        daemon = self.start_daemon()
        self.fill(daemon, 2000, name_size=500)
        client = self.connect(daemon)
        client.send(pb.SnapshotRequest())
        client.receive()
        daemon.forget_client()
        daemon.process.terminate()
        count, ended = 1, None
        try:
            while (frame := client.receive())[0] == STREAM_ITEM:
                count += 1
            ended = frame[1]
        except ConnectionError:
            pass
        if ended == 0:
            self.assertEqual(count, 6 + 6000 + 20)
        daemon.wait_for_clean_end()


class Pages(harness.DaemonTest):
    def test_pages_while_objects_come_and_go(self):
        """What is there all the time is neither skipped nor repeated."""
        daemon = self.start_daemon()
        steady = [f"s-{number:03}" for number in range(200)]
        daemon.apply(*[harness.put_customer(customer) for customer in steady])
        request, found, number = pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_size=7), [], 0
        while True:
            page = daemon.call(request)
            found += [record.customer.id for record in page.records]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
            number += 1
            daemon.apply(*[harness.put_customer(f"s-{at:03}x{number}") for at in range(0, 200, 20)],
                         *[harness.delete("customer", f"s-{at:03}x{number - 1}") for at in range(0, 200, 20)])
        self.assertEqual([customer for customer in found if customer in set(steady)], steady)

    def test_page_size(self):
        daemon = self.start_daemon()
        for start in range(0, 1200, 300):
            daemon.apply(*[harness.put_customer(f"c-{number:04}") for number in range(start, start + 300)])
        for asked, given in ((0, 100), (1, 1), (1000, 1000)):
            page = daemon.call(pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_size=asked))
            self.assertEqual(len(page.records), given)
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call,
                            pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_size=1001), field="page_size")

    def test_bad_page_tokens_and_kinds(self):
        daemon = self.start_daemon()
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call, pb.SearchRequest())
        for token in ("nonsense!", "x" * 3000):
            self.assert_refused(harness.INVALID_ARGUMENT, daemon.call,
                                pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_token=token))

    def test_page_of_large_objects_stays_below_its_byte_limit(self):
        daemon = self.start_daemon()
        for start in range(0, 1000, 100):
            daemon.apply(*[harness.put_customer(f"c-{number:04}", name="n" * 1000)
                           for number in range(start, start + 100)])
        request, found = pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_size=1000), 0
        while True:
            page = daemon.call(request)
            self.assertLessEqual(page.ByteSize(), 512 * 1024 + 2048)
            found += len(page.records)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self.assertEqual(found, 1000)


class Get(harness.DaemonTest):
    def test_every_kind(self):
        daemon = self.start_daemon()
        daemon.apply(harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
                     harness.put_customer("c"), harness.put_token("04AA", "c"),
                     harness.put_token("04AA", issuer="DE*8EO"),
                     harness.attach_customers("g", "c"))

        def get(kind, object_id, **narrowed):
            return daemon.call(pb.GetRequest(kind=kind, id=object_id, **narrowed))

        self.assertEqual(get(pb.OBJECT_KIND_TARIFF, "T").tariff, harness.make_tariff("t"))
        self.assertEqual(get(pb.OBJECT_KIND_CHARGE_GROUP, "G").charge_group.tariff_id, "t")
        self.assertEqual(get(pb.OBJECT_KIND_CHARGE_POINT, "CP").charge_point.id, "cp")
        self.assertEqual(get(pb.OBJECT_KIND_CUSTOMER, "C").customer.id, "c")
        self.assertEqual(get(pb.OBJECT_KIND_TOKEN, "04:aa").token.customer_id, "c")
        self.assertEqual(get(pb.OBJECT_KIND_TOKEN, "04aa", issuer=harness.make_issuer("de*8eo")).token.customer_id, "")
        self.assertEqual(get(pb.OBJECT_KIND_MEMBERSHIP, "G", customer_id="C").membership.customer_id, "c")
        for kind in range(1, 7):
            with self.assertRaises(EvauthError) as caught:
                get(kind, "nothing", customer_id="c" if kind == 6 else "")
            self.assertEqual(caught.exception.status, harness.NOT_FOUND)
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call, pb.GetRequest(kind=1))
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call, pb.GetRequest(id="t"))


if __name__ == "__main__":
    unittest.main()
