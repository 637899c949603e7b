# SPDX-License-Identifier: Apache-2.0
"""Zero malloc per Authorize in steady state, counted by a preloaded library (tests/tools/malloc_count.c)."""

import os
import struct
import unittest

import evauth_pb2 as pb
import harness

REQUESTS = 100_000
# Not one of these calls depends on the number of requests: what the daemon does now and then by itself (a timer, a
# line of log). One call per thousand requests would be a hundred.
ALLOWED_CALLS = 10

LIBRARY = os.path.join(os.path.dirname(os.environ["EVAUTHD_BIN"]), "..", "tests", "malloc_count.so")


def frame(method, request):
    body = request.SerializeToString()
    return struct.pack(">IBBHI", 8 + len(body), 0x11, 0, method, 7) + body


@unittest.skipUnless(os.path.exists(LIBRARY), "with sanitizers, who bring their own malloc, there is no such library")
class ZeroMalloc(harness.DaemonTest):
    def setUp(self):
        folder = self.make_folder()
        self.counter = os.path.join(folder, "malloc-count")
        self.daemon = self.start_daemon("--workers", "1", environment={"LD_PRELOAD": LIBRARY,
                                                                       "EVAUTH_MALLOC_COUNT": self.counter})
        h = harness
        self.daemon.apply(
            h.put_tariff("t"), h.put_tariff("t-staff"), h.put_group("g", "t"),
            h.put_group("public", "t", open_to_roaming=True), h.put_point("cp-1", ["NL*EVC*E1*1"]),
            h.put_point("cp-2", ["NL*EVC*E2*1"]), h.put_point("cp-3"), h.put_customer("c-1"), h.put_customer("c-2"),
            h.put_token("04A1B2C3D4E5F6", "c-1", contract_id="NLEVCC00000001", parent_id="FLEET"),
            h.put_token("04000000000002", "c-2", blocked=True), h.put_token("04000000000003", "c-2"),
            h.put_token("04000000000004", issuer="DE*LAD", whitelist=pb.WHITELIST_ALLOWED_OFFLINE),
            h.attach_points("g", "cp-1"), h.attach_points("public", "cp-2"),
            h.attach_customers("g", "c-1", tariff_id="t-staff"))
        # A connection of its own, from the first byte on: what accepting it costs is not counted.
        self.connection = self.connect(self.daemon)

    def calls(self):
        with open(self.counter, "rb") as file:
            return sum(struct.unpack("=QQ", file.read(16)))

    def ask(self, frames, count):
        """Sends `count` requests, several at a time on the one connection, and reads as many answers."""
        burst, done = b"".join(frames), 0
        while done < count:
            self.connection.socket.sendall(burst)
            for _ in frames:
                _, status, _, _, body = self.connection.receive()
                self.assertEqual(status, 0, body)
            done += len(frames)

    def calls_of(self, frames, count):
        self.ask(frames, 20 * len(frames))
        before = self.calls()
        self.ask(frames, count)
        return self.calls() - before

    def test_the_counter_counts(self):
        before = self.calls()
        self.assertGreater(before, 0)
        self.daemon.apply(harness.put_customer("c-3"))
        self.assertGreater(self.calls(), before)

    def test_authorize_takes_no_memory(self):
        request = pb.AuthorizeRequest
        calls = self.calls_of([frame(1, query) for query in (
            request(token_uid="04A1B2C3D4E5F6", charge_point_id="cp-1"),
            request(token_uid="04:a1:b2:c3:d4:e5:f6", token_type=pb.TOKEN_TYPE_RFID, evse_id="NL*EVC*E1*1"),
            request(token_uid="04000000000002", charge_point_id="cp-1"),
            request(token_uid="04000000000003", charge_point_id="cp-1"),
            request(token_uid="04000000000004", charge_point_id="cp-2", issuer=harness.make_issuer("DE*LAD")),
            request(token_uid="04FFFFFFFFFFFF", charge_point_id="cp-2"),
            request(token_uid="04A1B2C3D4E5F6", charge_point_id="cp-3"),
            request(token_uid="04A1B2C3D4E5F6", charge_point_id="nowhere"),
            request(token_type=pb.TOKEN_TYPE_AD_HOC_USER, charge_point_id="cp-2"),
            request(token_uid="04A1B2C3D4E5F6", charge_point_id="cp-1", at=1893456000, purpose=pb.PURPOSE_STOP),
        )], REQUESTS)
        self.assertLessEqual(calls, ALLOWED_CALLS)

    def test_a_batch_takes_memory_once_at_most(self):
        """256 requests and answers may be more than what a worker keeps at hand: one piece more, and given back."""
        item, batches = pb.AuthorizeRequest(token_uid="04A1B2C3D4E5F6", charge_point_id="cp-1"), 400
        calls = self.calls_of([frame(2, pb.AuthorizeBatchRequest(requests=[item] * 256))] * 2, batches)
        self.assertLessEqual(calls, 2 * batches + ALLOWED_CALLS)


if __name__ == "__main__":
    unittest.main()
