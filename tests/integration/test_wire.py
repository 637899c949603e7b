#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The wire protocol (DESIGN 2) from the outside: order, limits, and every way a peer can misbehave."""

import random
import resource
import selectors
import socket
import struct
import threading
import time
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import REQUEST, RESPONSE
from harness import INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE, UNIMPLEMENTED

AUTHORIZE, BATCH, GET_TARIFF, APPLY, SEARCH, STATUS = 1, 2, 3, 16, 18, 32
FRAME_SIZE_MAX = 1024 * 1024
WORLD = [harness.put_tariff("t"), harness.put_group("g", "t", open_to_roaming=True), harness.put_point("cp"),
         harness.put_customer("c"), harness.put_token("04AA", "c"), harness.attach_points("g", "cp")]
QUESTION = pb.AuthorizeRequest(token_uid="04AA", charge_point_id="cp").SerializeToString()


def frame(method=AUTHORIZE, body=QUESTION, request_id=1, version=1, kind=REQUEST, status=0, length=None):
    length = len(body) + 8 if length is None else length
    return struct.pack(">IBBHI", length, version << 4 | kind, status, method, request_id) + body


class Raw:
    """A connection that sends bytes and reads frames."""

    def __init__(self, daemon, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", daemon.port))
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)
        return self

    def receive(self):
        """(kind, status, method, id, body), or None when the daemon closed."""
        try:
            header = self.stream.read(12)
        except ConnectionResetError:
            return None
        if not header:
            return None
        length, kind, status, method, request_id = struct.unpack(">IBBHI", header)
        assert kind >> 4 == 1, header
        return kind & 15, status, method, request_id, self.stream.read(length - 8)

    def ask(self, data):
        return self.send(data).receive()

    def close(self):
        self.stream.close()
        self.socket.close()


class Wire(harness.DaemonTest):
    daemon_arguments = ()

    def setUp(self):
        self.daemon = self.start_daemon(*self.daemon_arguments)
        self.daemon.apply(*WORLD)

    def raw(self, **options):
        raw = Raw(self.daemon, **options)
        self.addCleanup(raw.close)
        return raw

    def assert_answered(self, answer, request_id=1):
        self.assertIsNotNone(answer, "the daemon closed the connection")
        kind, status, method, answered_id, body = answer
        self.assertEqual((kind, status, method, answered_id), (RESPONSE, 0, AUTHORIZE, request_id), answer)
        self.assertEqual(pb.AuthorizeResponse.FromString(body).verdict, pb.VERDICT_ALLOWED)

    def assert_error(self, answer, status, request_id=1):
        self.assertIsNotNone(answer, "the daemon closed the connection")
        kind, answered, _, answered_id, body = answer
        error = pb.Error.FromString(body)
        self.assertEqual((kind, answered, answered_id), (RESPONSE, status, request_id), error)
        self.assertEqual(error.code, status)
        self.assertTrue(error.message)
        return error

    def assert_error_and_close(self, raw, request_id):
        self.assertIsNotNone(answer := raw.receive(), "closed without an Error")
        self.assertGreater(answer[1], 0)
        self.assertEqual((answer[0], answer[3]), (RESPONSE, request_id))
        self.assertTrue(pb.Error.FromString(answer[4]).message)
        self.assertIsNone(raw.receive())

    def assert_serves_others(self):
        self.assert_answered(self.raw().ask(frame()))


class Frames(Wire):
    def test_answer_matches_its_request(self):
        raw = self.raw()
        for request_id in (0, 1, 7, 7, 0xFFFFFFFF):
            self.assert_answered(raw.ask(frame(request_id=request_id)), request_id)

    def test_empty_body_is_the_default_message(self):
        raw = self.raw()
        _, status, _, _, body = raw.ask(frame(STATUS, b""))
        self.assertEqual(status, 0)
        self.assertTrue(pb.StatusResponse.FromString(body).version)
        self.assert_error(raw.ask(frame(body=b"")), INVALID_ARGUMENT)
        self.assert_answered(raw.ask(frame()))

    def test_every_bad_header_is_answered_with_one_error_then_close(self):
        bad = [frame(version=version) for version in (0, 2, 15)]
        bad += [frame(kind=kind) for kind in (0, 2, 3, 4, 5, 6, 7, 15)]
        bad += [frame(status=status) for status in (1, 3, 255)]
        for data in bad:
            raw = self.raw().send(frame(request_id=6) + data + frame())
            self.assert_answered(raw.receive(), 6)
            self.assert_error_and_close(raw, 1)
        self.assert_serves_others()

    def test_every_bad_length_is_answered_with_one_error_then_close(self):
        for length in (*range(8), FRAME_SIZE_MAX + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            raw = self.raw().send(frame(request_id=6) + frame(length=length, request_id=9))
            self.assert_answered(raw.receive(), 6)
            self.assertIsNotNone(answer := raw.receive())
            self.assertGreater(answer[1], 0)
            self.assertIn(answer[3], (0, 9))
            self.assertIsNone(raw.receive())
        self.assert_serves_others()

    def test_bad_length_is_noticed_without_waiting_for_the_rest(self):
        self.assert_error_and_close(self.raw().send(b"\xff\xff\xff\xff"), 0)

    def test_frame_of_the_largest_size_is_read_and_one_more_is_not(self):
        raw = self.raw()
        answer = raw.ask(frame(body=bytes(FRAME_SIZE_MAX - 8)))  # over the body cap of its method, but a good frame
        self.assert_error(answer, INVALID_ARGUMENT)
        self.assert_answered(raw.ask(frame()))
        self.assert_error_and_close(raw.send(frame(body=bytes(12), length=FRAME_SIZE_MAX + 1)[:12]), 1)

    def test_frames_arriving_byte_by_byte(self):
        raw = self.raw()
        raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(request_id=3) + frame(request_id=4):
            raw.send(bytes([byte]))
        self.assert_answered(raw.receive(), 3)
        self.assert_answered(raw.receive(), 4)

    def test_frames_cut_anywhere(self):
        data = b"".join(frame(request_id=number) for number in range(5))
        for cut in range(1, len(data), 7):
            raw = self.raw().send(data[:cut])
            raw.send(data[cut:])
            for number in range(5):
                self.assert_answered(raw.receive(), number)
            raw.close()

    def test_half_closed_peer_gets_all_its_answers(self):
        raw = self.raw().send(b"".join(frame(request_id=number) for number in range(100)) + frame(APPLY,
                              pb.ChangeSet(changes=[harness.put_customer("half")]).SerializeToString(), 100))
        raw.socket.shutdown(socket.SHUT_WR)
        answered = sorted(raw.receive()[3] for _ in range(101))
        self.assertEqual(answered, list(range(101)))
        self.assertIsNone(raw.receive())

    def test_half_closed_in_the_middle_of_a_frame(self):
        raw = self.raw().send(frame(request_id=1) + frame()[:-1])
        raw.socket.shutdown(socket.SHUT_WR)
        self.assert_answered(raw.receive(), 1)
        self.assertIsNone(raw.receive())

    def test_peer_that_leaves_without_reading(self):
        for number in range(50):
            raw = Raw(self.daemon).send(frame() * (number + 1))
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        self.assert_serves_others()

    def test_garbage(self):
        generator = random.Random(7420)
        for _ in range(100):
            raw = self.raw()
            try:
                raw.send(generator.randbytes(generator.randrange(1, 5000)))
                raw.socket.shutdown(socket.SHUT_WR)
                while raw.receive():
                    pass
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass
            raw.close()

    def test_other_protocols_are_told_off(self):
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PING\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00"):
            answer = self.raw().ask(data)
            self.assertIsNotNone(answer)
            self.assertGreater(answer[1], 0)
        self.assert_serves_others()


class Bodies(Wire):
    def test_unknown_methods_keep_the_connection(self):
        raw = self.raw()
        for method in (0, 4, 7, 8, 15, 22, 31, 40, 0xFFFF):
            self.assert_error(raw.ask(frame(method, b"")), UNIMPLEMENTED)
        self.assert_answered(raw.ask(frame()))

    def test_malformed_bodies_keep_the_connection(self):
        uid = b"\x0a\x0404AA"
        point = b"\x22\x02cp"
        raw = self.raw()
        for body in (
                b"\x0a", b"\x0a\xff", b"\x0a\x05abc",  # cut short
                b"\x0a\x03a\x00b" + point,  # NUL in a string
                b"\x0a\x02\xff\xfe" + point,  # no UTF-8
                b"\x02\x00" + uid + point,  # field number 0
                b"\x0b\x0c" + uid + point,  # a group
                uid + point + b"\x1a\x04\x0a\x02DE" + b"\x1a\x05\x12\x038EO",  # a singular message twice
                uid + point + b"\xfa\x3e\x00" * 9,  # too many unknown fields
                b"\x08\x01" + point,  # a string as a varint
                b"\xff" * 11):
            self.assert_error(raw.ask(frame(body=body)), INVALID_ARGUMENT)
        self.assert_answered(raw.ask(frame()))

    def test_random_bodies_never_hurt(self):
        generator = random.Random(1)
        raw = self.raw()
        for method in (AUTHORIZE, BATCH, GET_TARIFF, 5, 6, APPLY, 17, SEARCH, STATUS) * 10:
            body = bytearray(QUESTION * generator.randrange(1, 4))
            for _ in range(generator.randrange(1, 6)):
                body[generator.randrange(len(body))] = generator.randrange(256)
            answer = raw.ask(frame(method, bytes(body)))
            self.assertIsNotNone(answer)
        self.assert_answered(raw.ask(frame()))

    def test_queries_tolerate_unknown_fields_and_values(self):
        raw = self.raw()
        self.assert_answered(raw.ask(frame(body=QUESTION + b"\xfa\x3e\x03abc" * 8)))
        self.assert_answered(raw.ask(frame(body=QUESTION + b"\x38\x63")))  # purpose 99

    def test_body_caps_at_the_limit_and_one_past(self):
        caps = {row.number: row.body_size_max for row in self.daemon.status().methods}
        self.assertEqual({number: caps[number] for number in (1, 2, 3, 16)},
                         {1: 4096, 2: 65536, 3: 4096, 16: 262144})
        raw = self.raw()
        for method, cap in caps.items():
            if method in (4, 7):
                continue
            past = b"\xfa\x3e" + self.varint(cap) + bytes(cap)  # an unknown field fills it
            self.assert_error(raw.ask(frame(method, past[:cap + 1])), INVALID_ARGUMENT)
        for method in (AUTHORIZE, GET_TARIFF):
            self.assertEqual(raw.ask(frame(AUTHORIZE, self.padded(QUESTION, caps[method])))[1], 0)
        self.assert_answered(raw.ask(frame()))

    @staticmethod
    def varint(number):
        out = b""
        while number >= 128:
            out += bytes([number % 128 + 128])
            number //= 128
        return out + bytes([number])

    def padded(self, body, size):
        """The same message with an unknown field that makes it exactly `size` bytes."""
        rest = size - len(body) - 2
        count = rest - (1 if rest - 1 < 128 else 2)
        return body + b"\xfa\x3e" + self.varint(count) + b"x" * count

    def test_apply_of_exactly_the_limit(self):
        changes = [harness.put_customer(f"cust-{number:04}", name="n" * 1000) for number in range(256)]
        change_set = pb.ChangeSet(changes=changes)
        while change_set.ByteSize() > 262144:
            del change_set.changes[-1]
        last = change_set.changes.add()
        last.put_customer.id = "last"
        last.put_customer.name = "n" * 200
        while change_set.ByteSize() > 262144:
            del change_set.changes[0]
        missing = 262144 - change_set.ByteSize()
        for change in change_set.changes:
            room = min(missing, 1024 - len(change.put_customer.name))
            change.put_customer.name += "n" * room
            missing = 262144 - change_set.ByteSize()
            if not missing:
                break
        self.assertEqual(change_set.ByteSize(), 262144)
        raw = self.raw()
        self.assertEqual(raw.ask(frame(APPLY, change_set.SerializeToString()))[1], 0)
        change_set.changes[0].put_customer.id += "x"
        self.assert_error(raw.ask(frame(APPLY, change_set.SerializeToString())), INVALID_ARGUMENT)
        self.assert_answered(raw.ask(frame()))


class Order(Wire):
    def test_pipelining_across_many_connections(self):
        """Authorize, AuthorizeBatch and GetTariff come back in request order; everything is answered once."""
        generator = random.Random(3)
        search = pb.SearchRequest(kind=pb.OBJECT_KIND_TOKEN).SerializeToString()
        tariff = pb.GetTariffRequest(charge_point_id="cp", token_uid="04AA").SerializeToString()
        batch = pb.AuthorizeBatchRequest(requests=[pb.AuthorizeRequest(token_uid="04AA", charge_point_id="cp")] * 3)
        bodies = {AUTHORIZE: QUESTION, BATCH: batch.SerializeToString(), GET_TARIFF: tariff, SEARCH: search,
                  STATUS: b"", 99: b""}
        connections = []
        for number in range(40):
            methods = [generator.choice([AUTHORIZE] * 6 + [BATCH, GET_TARIFF, SEARCH, STATUS, APPLY, 99])
                       for _ in range(150)]
            bodies[APPLY] = pb.ChangeSet(changes=[harness.put_customer(f"c-{number}")]).SerializeToString()
            data = b"".join(frame(method, bodies[method], at) for at, method in enumerate(methods))
            connections.append((self.raw(), methods, data))
        for raw, _, data in connections:
            raw.send(data)
        for raw, methods, _ in connections:
            answers = [raw.receive() for _ in methods]
            self.assertEqual(sorted(answer[3] for answer in answers), list(range(len(methods))))
            in_order = [answer[3] for answer in answers if methods[answer[3]] in (AUTHORIZE, BATCH, GET_TARIFF)]
            self.assertEqual(in_order, sorted(in_order))
            for _, status, method, request_id, _ in answers:
                self.assertEqual(method, methods[request_id])
                self.assertEqual(status, UNIMPLEMENTED if method == 99 else 0)

    def test_request_that_waits_for_a_revision_leaves_the_order(self):
        revision = self.daemon.status().revision
        later = pb.AuthorizeRequest(token_uid="04AA", charge_point_id="cp", min_revision=revision + 1)
        raw = self.raw().send(frame(body=later.SerializeToString(), request_id=1) + frame(request_id=2))
        self.assert_answered(raw.receive(), 2)
        self.daemon.apply(harness.put_customer("new"))
        self.assert_answered(raw.receive(), 1)

    def test_wait_for_a_revision_that_never_comes_ends(self):
        later = pb.AuthorizeRequest(token_uid="04AA", charge_point_id="cp", min_revision=1 << 60).SerializeToString()
        raw = self.raw()
        before = time.monotonic()
        self.assert_error(raw.ask(frame(body=later)), UNAVAILABLE)
        self.assertGreater(time.monotonic() - before, 0.5)
        self.assert_answered(raw.ask(frame()))


class Crowds(Wire):
    def test_thousand_connections(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        crowd = [self.raw() for _ in range(1000)]
        for round_number in range(3):
            for raw in crowd:
                raw.send(frame(request_id=round_number))
            for raw in crowd:
                self.assert_answered(raw.receive(), round_number)
        self.assertGreaterEqual(self.daemon.status().connections, 1000)
        for raw in crowd:
            raw.close()
        harness.wait_until(lambda: self.daemon.status().connections <= 2, "the connections to be forgotten")


class ConnectionLimit(Wire):
    daemon_arguments = ("--max-connections", "16")

    def test_one_connection_too_many_is_refused_and_the_others_live(self):
        crowd = [self.raw() for _ in range(15)]  # the sixteenth is the test's own
        for raw in crowd:
            self.assert_answered(raw.ask(frame()))
        refused = self.raw()
        try:
            refused.send(frame())
            answer = refused.receive()
        except (BrokenPipeError, ConnectionResetError):
            answer = None
        if answer is not None:
            self.assertEqual(answer[1], RESOURCE_EXHAUSTED)
            self.assertIsNone(refused.receive())
        for raw in crowd:
            self.assert_answered(raw.ask(frame()))
        crowd.pop().close()

        def room():
            raw = self.raw()
            try:
                answer = raw.ask(frame())
            except (BrokenPipeError, ConnectionResetError):
                answer = None
            return answer is not None and answer[1] == 0

        harness.wait_until(room, "room for one more")


class FileLimit(harness.DaemonTest):
    def test_connections_fit_into_the_limit_of_open_files(self):
        """Running out of descriptors while accepting must not happen: the limit of connections is lowered, and said."""
        daemon = self.start_daemon(prefix=["prlimit", "--nofile=100:100"])
        limits = {limit.name: limit.value for limit in daemon.status().limits}
        self.assertEqual(limits["connections_max"], 50)
        self.assertIn("max-connections", daemon.log())
        crowd = [Raw(daemon) for _ in range(150)]
        for raw in crowd:
            self.addCleanup(raw.close)
        answered = 0
        for raw in crowd:
            try:
                answer = raw.ask(frame(STATUS, b""))
            except (BrokenPipeError, ConnectionResetError):
                answer = None
            answered += answer is not None and answer[1] == 0
        self.assertEqual(answered, 49)  # and the test's own
        self.assertEqual(daemon.status().connections, 50)


class Patience(Wire):
    daemon_arguments = ("--idle-timeout", "2s", "--frame-timeout", "1s", "--write-timeout", "1s")

    def test_idle_connection_is_closed_and_a_busy_one_is_not(self):
        idle, half = self.raw(), self.raw()
        self.assert_answered(idle.ask(frame()))
        half.send(frame()[:20])
        busy = self.raw()
        selector = selectors.DefaultSelector()
        selector.register(idle.socket, selectors.EVENT_READ)
        end = time.monotonic() + 20
        while not selector.select(0.1):
            self.assert_answered(busy.ask(frame()))
            self.assertLess(time.monotonic(), end, "the idle connection lives on")
        self.assertIsNone(idle.receive())
        self.assertIsNone(half.receive())
        self.assert_answered(busy.ask(frame()))

    def test_slow_reader_is_cut_and_others_are_not(self):
        """One who asks without end and never reads: the daemon stops reading, then gives up; others notice nothing."""
        slow = self.raw(receive_buffer=4096)
        slow.socket.settimeout(0.05)
        cut = threading.Event()

        def flood():
            end = time.monotonic() + 60
            while time.monotonic() < end:
                try:
                    slow.socket.send(frame() * 50)
                except socket.timeout:
                    continue
                except OSError:
                    cut.set()
                    return

        thread = threading.Thread(target=flood)
        thread.start()
        other = self.raw()
        longest = 0.0
        while thread.is_alive():
            before = time.monotonic()
            self.assert_answered(other.ask(frame()))
            longest = max(longest, time.monotonic() - before)
        thread.join()
        self.assertTrue(cut.is_set(), "the daemon kept the slow reader for a minute")
        self.assertLess(longest, 5.0)


class SmallFrames(Wire):
    daemon_arguments = ("--frame-size-max", "16384")

    def test_frame_one_past_the_configured_size_is_refused(self):
        self.assert_error(self.raw().ask(frame(body=bytes(16384 - 8))), INVALID_ARGUMENT)
        self.assert_error_and_close(self.raw().send(frame(body=b"", length=16385)), 1)

    def test_answer_over_the_frame_size_is_refused(self):
        for start in range(0, 300, 10):
            self.daemon.apply(*[harness.put_customer(f"c-{number}", name="n" * 500)
                                for number in range(start, start + 10)])
        request = pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_size=1000)
        with self.assertRaises(harness.EvauthError) as caught:
            self.daemon.call(request)
        self.assertEqual(caught.exception.status, RESOURCE_EXHAUSTED)
        request.page_size = 10
        self.assertEqual(len(self.daemon.call(request).records), 10)


if __name__ == "__main__":
    unittest.main()
