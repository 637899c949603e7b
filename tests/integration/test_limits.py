#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Everything has a maximum (DESIGN 4): at the limit it works, one past it is refused by name, what was there stays."""

import os
import socket
import struct
import subprocess
import threading
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import EvauthError
from harness import INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE


class Sizes(harness.DaemonTest):
    def setUp(self):
        self.daemon = self.start_daemon()
        self.daemon.apply(harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"))

    def check(self, at_limit, one_past, status, field):
        """Both are changes."""
        self.daemon.apply(at_limit)
        before = list(self.daemon.client().snapshot())
        self.assert_refused(status, self.daemon.apply, one_past, field=field, change_number=1)
        self.assertEqual(list(self.daemon.client().snapshot()), before)

    def test_changes_per_set(self):
        change = harness.delete("customer", "x")
        self.assertEqual(len(self.daemon.apply(*[change] * 10000).results), 10000)
        self.assert_refused(RESOURCE_EXHAUSTED, self.daemon.apply, *[change] * 10001, field="changes")

    def test_ids_per_change(self):
        ids = ["x"] * 10000
        for change in (harness.detach_points, lambda *ids: harness.detach_customers("g", *ids)):
            result = self.daemon.apply(change(*ids)).results[0]
            self.assertEqual(len(result.unchanged_ids), 10000)
            self.assert_refused(RESOURCE_EXHAUSTED, self.daemon.apply, change(*ids, "x"), field="_ids", change_number=1)

    def test_evses_per_point(self):
        def point(count):
            return harness.put_point("cp", [f"NL*EVC*E{number}" for number in range(count)])

        self.check(point(64), point(65), RESOURCE_EXHAUSTED, "evses")

    def test_elements_and_components_of_a_tariff(self):
        def tariff(elements, components):
            component = harness.make_tariff("t").elements[0].price_components[0]
            return pb.Change(put_tariff=pb.Tariff(id="t", currency="EUR", elements=[
                pb.TariffElement(price_components=[component] * components)] * elements))

        self.check(tariff(128, 1), tariff(129, 1), RESOURCE_EXHAUSTED, "elements")
        self.check(tariff(1, 8), tariff(1, 9), RESOURCE_EXHAUSTED, "price_components")

    def test_decimals_of_a_price(self):
        def tariff(scale):
            change = harness.put_tariff("t")
            change.put_tariff.elements[0].price_components[0].price.scale = scale
            return change

        self.check(tariff(4), tariff(5), INVALID_ARGUMENT, "price")

    def test_ids_and_texts(self):
        for size, make in ((64, lambda text: harness.put_customer(text)),
                           (64, lambda text: harness.put_token(text, "c" * 64)),
                           (64, lambda text: harness.put_customer("c", user_group=text)),
                           (1024, lambda text: harness.put_customer("c", name=text)),
                           (1024, lambda text: harness.put_group("g", "t", additional_information=text))):
            self.check(make("c" * size), make("c" * (size + 1)), INVALID_ARGUMENT, "")

    def test_search_text_and_issuer(self):
        def search(text):
            return self.daemon.call(pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, text=text))

        self.assertEqual(len(search("x" * 64).records), 0)
        self.assert_refused(INVALID_ARGUMENT, search, "x" * 65, field="text")
        for country, party, part in (("D", "8EO", "country_code"), ("DEU", "8EO", "country_code"),
                                     ("DE", "8EOX", "party_id")):
            self.assert_refused(INVALID_ARGUMENT, self.daemon.authorize, "04", "cp",
                                issuer=pb.Issuer(country_code=country, party_id=party), field="issuer." + part)
        self.daemon.authorize("04", "cp", issuer=pb.Issuer(country_code="DE", party_id="8"))


class Pressure(harness.DaemonTest):
    def test_reader_that_pauses_gets_every_answer(self):
        """Backpressure: what does not fit waits with the sender, and nothing is lost when reading goes on."""
        daemon = self.start_daemon("--inflight-bytes-max", "64KiB", "--write-timeout", "30s")
        daemon.apply(harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"))
        connection, total, sent = socket.socket(), 30000, []
        self.addCleanup(connection.close)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", daemon.port))
        body = pb.AuthorizeRequest(token_uid="04", charge_point_id="cp", explain=True).SerializeToString()
        body += b"\xfa\x3e\xe8\x07" + bytes(1000)  # an unknown field: more than the kernel buffers, either way

        def send():
            for number in range(total):
                connection.sendall(struct.pack(">IBBHI", len(body) + 8, 0x11, 0, 1, number) + body)
                sent.append(number)

        sender = threading.Thread(target=send)
        sender.start()
        harness.wait_until(lambda: not sender.is_alive() or self.stands_still(sent), "a full connection")
        self.assertTrue(sender.is_alive(), "all fitted in: nothing was held back")
        with connection.makefile("rb") as stream:
            for number in range(total):
                length, _, status, _, request_id = struct.unpack(">IBBHI", stream.read(12))
                self.assertEqual((status, request_id), (0, number))
                stream.read(length - 8)
        sender.join()

    @staticmethod
    def stands_still(items):
        before, event = len(items), threading.Event()
        event.wait(0.3)
        return before and len(items) == before

    def test_full_queue_of_the_writer_is_said_and_nothing_is_lost(self):
        daemon = self.start_daemon("--queue-max", "1")
        client = self.connect(daemon)
        waiting, applied, refused = {}, 0, 0
        for number in range(500):
            change_set = pb.ChangeSet(changes=[harness.put_customer(f"c-{number}")])
            waiting[client.send(change_set)] = number
        while waiting:
            _, status, _, request_id, body = client.receive()
            waiting.pop(request_id)
            if status == 0:
                applied += 1
            else:
                self.assertIn(status, (UNAVAILABLE, RESOURCE_EXHAUSTED))
                self.assertTrue(pb.Error.FromString(body).retry_after_ms)
                refused += 1
        self.assertGreater(applied, 0)
        self.assertGreater(refused, 0)
        counts = {row.kind: row.count for row in daemon.status().objects}
        self.assertEqual(counts[pb.OBJECT_KIND_CUSTOMER], applied)


class FullStore(harness.DaemonTest):
    @staticmethod
    def batch(number):
        return [harness.put_customer(f"c-{number}-{at}", name="n" * 1000) for at in range(200)]

    def fill(self, daemon):
        """Puts until it is refused; returns (number of batches that went in, the error)."""
        for number in range(10000):
            try:
                daemon.apply(*self.batch(number))
            except EvauthError as refused:
                return number, refused
        self.fail("it never got full")

    def check_still_serves(self, daemon, batches):
        self.assertEqual(daemon.authorize("04", "cp").reason, pb.REASON_UNKNOWN_TOKEN)
        counts = {row.kind: row.count for row in daemon.status().objects}
        self.assertEqual(counts[pb.OBJECT_KIND_CUSTOMER], batches * 200)

    def start(self, *arguments, **options):
        daemon = self.start_daemon(*arguments, **options)
        daemon.apply(harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
                     harness.attach_points("g", "cp"))
        return daemon

    def test_full_map_refuses_writes_but_not_deletes(self):
        daemon = self.start("--map-size", "64MiB")
        batches, refused = self.fill(daemon)
        self.assertEqual(refused.status, RESOURCE_EXHAUSTED)
        self.assertGreater(batches, 100)
        status = daemon.status()
        self.assertGreater(status.store_bytes_used, status.store_bytes_max * 0.7)
        self.assertLess(status.store_bytes_used, status.store_bytes_max)
        self.check_still_serves(daemon, batches)
        for number in range(batches):
            daemon.apply(*[harness.delete("customer", f"c-{number}-{at}") for at in range(200)])
        self.check_still_serves(daemon, 0)
        daemon.apply(*self.batch(0))
        self.check_still_serves(daemon.restart(), 1)

    def test_full_disk_refuses_writes_and_keeps_serving(self):
        folder = self.make_folder()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "evauth-test", folder], check=False,
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("a small file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        daemon = self.new_daemon()
        daemon.store = os.path.join(folder, "store")
        daemon.start()
        daemon.apply(harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
                     harness.attach_points("g", "cp"))
        batches, refused = self.fill(daemon)
        self.assertEqual(refused.status, RESOURCE_EXHAUSTED)
        self.assertGreater(batches, 10)
        self.check_still_serves(daemon, batches)
        self.assert_refused(RESOURCE_EXHAUSTED, daemon.apply, *self.batch(batches))
        self.check_still_serves(daemon, batches)
        daemon.stop()
        self.check_still_serves(daemon.start(), batches)
        daemon.stop()


if __name__ == "__main__":
    unittest.main()
