#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of evauthd in Python: the whole of it, to use or to copy. proto/PROTOCOL.md explains every line.

    protoc -I proto --python_out=clients/python proto/evauth.proto      (package python3-protobuf)
    clients/python/evauth_client.py 04A1B2C3D4E5F6 'NL*EVC*E0001'

Exit code: 0 allowed, 1 denied, 2 error, 3 ask the issuer.
"""

import os
import socket
import struct
import sys

import evauth_pb2 as pb

REQUEST, RESPONSE, STREAM_ITEM, STREAM_END = 1, 2, 3, 4  # kinds of frames
METHODS = {  # request -> number, response
    pb.AuthorizeRequest: (1, pb.AuthorizeResponse),
    pb.AuthorizeBatchRequest: (2, pb.AuthorizeBatchResponse),
    pb.GetTariffRequest: (3, pb.GetTariffResponse),
    pb.ListVisibleChargePointsRequest: (5, pb.ListVisibleChargePointsResponse),
    pb.ListPermittedRequest: (6, pb.ListPermittedResponse),
    pb.ChangeSet: (16, pb.ApplyResponse),
    pb.GetRequest: (17, pb.Record),
    pb.SearchRequest: (18, pb.SearchResponse),
    pb.WatchRequest: (19, pb.Event),
    pb.SnapshotRequest: (20, pb.Record),
    pb.LogRequest: (21, pb.LogResponse),
    pb.StatusRequest: (32, pb.StatusResponse),
    pb.AdoptRequest: (33, pb.AdoptResponse),
    pb.RestoreRequest: (34, pb.RestoreResponse),
    pb.ForgetOrphansRequest: (35, pb.ForgetOrphansResponse),
    pb.CheckRequest: (36, pb.CheckResponse),
    pb.EraseRequest: (37, pb.EraseResponse),
    pb.ClientsRequest: (38, pb.ClientsResponse),
    pb.FiguresRequest: (39, pb.FiguresResponse),
}


class EvauthError(Exception):
    """The daemon's Error message: code (a gRPC status), message, field, change_number, retry_after_ms."""

    def __init__(self, status, body):
        self.status, self.error = status, pb.Error.FromString(body)
        super().__init__(f"{status} {self.error.message} [{self.error.field}]")


class Client:
    """One connection, blocking. send() several requests before receive() to pipeline; call() does one of each."""

    def __init__(self, server=None, timeout=10.0):
        server = server or os.environ.get("EVAUTH_SERVER", "127.0.0.1:7420")
        self.socket = socket.socket(socket.AF_UNIX if server.startswith("unix:") else socket.AF_INET)
        self.socket.settimeout(timeout)
        host, _, port = server.rpartition(":")
        self.socket.connect(port if host == "unix" else (host, int(port)))
        self.input, self.last_id, self.snapshot_end = self.socket.makefile("rb"), 0, None

    def close(self):
        self.input.close()
        self.socket.close()

    def send(self, request):
        """Sends a request message; returns its id."""
        self.last_id = (self.last_id + 1) & 0xFFFFFFFF
        body = request.SerializeToString()
        header = struct.pack(">IBBHI", len(body) + 8, 1 << 4 | REQUEST, 0, METHODS[type(request)][0], self.last_id)
        self.socket.sendall(header + body)
        return self.last_id

    def receive(self):
        """The next frame: (kind, status, method, id, body)."""
        header = self.input.read(12)
        if len(header) < 12:
            raise ConnectionError("evauthd closed the connection")
        length, kind, status, method, request_id = struct.unpack(">IBBHI", header)
        return kind & 15, status, method, request_id, self.input.read(length - 8)

    def call(self, request):
        """Sends one request and returns its answer; raises EvauthError."""
        self.send(request)
        _, status, _, _, body = self.receive()
        if status:
            raise EvauthError(status, body)
        return METHODS[type(request)][1].FromString(body)

    def stream(self, request):
        """Sends the request of a stream and yields its items; returns the body of its end; raises EvauthError."""
        self.send(request)
        while (frame := self.receive())[0] == STREAM_ITEM:
            yield METHODS[type(request)][1].FromString(frame[4])
        if frame[1]:
            raise EvauthError(frame[1], frame[4])
        return frame[4]

    def snapshot(self, **fields):
        """Every record of the daemon, in the order of export. Then `snapshot_end` is the SnapshotEnd."""
        self.snapshot_end = pb.SnapshotEnd.FromString((yield from self.stream(pb.SnapshotRequest(**fields))))

    def watch(self, after_revision=0):
        """An Event for every change, as it happens; those without change_sets are signs of life. Never ends by itself:
        after ConnectionError or UNAVAILABLE watch again after the last revision seen; after OUT_OF_RANGE take a
        snapshot and go on after its revision. Use a connection of its own, with a timeout of a few seconds."""
        return self.stream(pb.WatchRequest(after_revision=after_revision))


def main():
    request = pb.AuthorizeRequest(token_uid=sys.argv[1], charge_point_id=sys.argv[2])
    try:
        answer = Client().call(request)
    except (EvauthError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    known = {pb.VERDICT_ALLOWED: ("ALLOWED", 0), pb.VERDICT_ASK_ISSUER: ("ASK_ISSUER", 3)}
    verdict, code = known.get(answer.verdict, ("DENIED", 1))  # also what this client does not know
    print(verdict, answer.ocpp16_status, answer.tariff_id)
    return code


if __name__ == "__main__":
    sys.exit(main())
