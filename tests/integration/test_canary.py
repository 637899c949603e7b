#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No uid of a token is in anything the daemon tells: logs of every form at the level that says most, the journal,
metrics, Figures, Clients, Status, and what is left of a crash. Looked for are its text, its bytes and what may be made
of them."""

import base64
import os
import re
import signal
import subprocess
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import METHODS
from test_logs import JournalTest
from test_metrics import HTTP, get, put_world

CARD = "CAFE0DDBA11C0DE5"
APP = "Canary-App-Token-5150"
FOREIGN = "NL-CNR-C00515077-X"
PEPPER = "a pepper of this test"


def traces(uid):
    """What must not be found, in lower case."""
    spellings = {uid, uid.upper(), uid.lower(), re.sub("[^0-9A-Za-z]", "", uid)}
    if re.fullmatch("[0-9A-F]+", uid):
        spellings |= {sign.join(re.findall("..", uid)) for sign in ":- "}
    found = {text.encode() for text in spellings}
    for text in list(found):
        found |= {text.hex().encode(), base64.b64encode(text).rstrip(b"="), base64.urlsafe_b64encode(text).rstrip(b"=")}
    if re.fullmatch("[0-9A-F]+", uid):
        raw = bytes.fromhex(uid)
        found |= {raw, base64.b64encode(raw).rstrip(b"=")}
    return {trace.lower() for trace in found}


class Canary(JournalTest):
    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def setUp(self):
        self.folder = self.make_folder()
        self.pepper = self.write("pepper", PEPPER)

    def arguments(self, log_format, *more):
        return [*HTTP, "--log-level", "debug", "--log-format", log_format, "--log-denials", *more]

    def use(self, daemon):
        """Questions, changes and refusals of every kind, with the uid in every field somebody may put it into."""
        put_world(daemon)
        daemon.apply(harness.put_token(CARD, "c"), harness.put_token(APP, "c", type=pb.TOKEN_TYPE_APP_USER),
                     harness.put_token(FOREIGN, issuer="NL*CNR", type=pb.TOKEN_TYPE_EMAID,
                                       whitelist=pb.WHITELIST_ALWAYS))
        for uid in (CARD, APP, FOREIGN):
            for fields in ({}, {"explain": True}, {"at": 1}, {"token_type": pb.TOKEN_TYPE_OTHER}, {"evse_id": uid}):
                self.ask(daemon, pb.AuthorizeRequest(token_uid=uid, charge_point_id="cp", **fields))
            for request in (
                    pb.AuthorizeRequest(token_uid=uid + "00", charge_point_id="cp"),
                    pb.AuthorizeRequest(token_uid=uid, charge_point_id=uid),
                    pb.AuthorizeRequest(token_uid=uid + "\x01", charge_point_id="cp"),
                    pb.AuthorizeRequest(token_uid=uid * 9, charge_point_id="cp"),
                    pb.AuthorizeRequest(token_uid=uid, charge_point_id="cp", min_revision=10**9),
                    pb.AuthorizeBatchRequest(requests=[pb.AuthorizeRequest(token_uid=uid, charge_point_id="cp")] * 2),
                    pb.GetTariffRequest(token_uid=uid, charge_point_id="cp"),
                    pb.GetRequest(kind=pb.OBJECT_KIND_TOKEN, id=uid), pb.GetRequest(kind=pb.OBJECT_KIND_TARIFF, id=uid),
                    pb.SearchRequest(kind=pb.OBJECT_KIND_TOKEN, text=uid), pb.SearchRequest(page_token=uid),
                    pb.ListVisibleChargePointsRequest(customer_id=uid),
                    pb.AdoptRequest(epoch=uid), pb.RestoreRequest(end=pb.SnapshotEnd(digest=uid)),
                    pb.ChangeSet(changes=[harness.put_token(uid, "no-such-customer")], actor=uid),
                    pb.ChangeSet(changes=[harness.put_token(uid, "c", valid_from=2, valid_until=1)]),
                    pb.ChangeSet(changes=[harness.delete_token(uid + "01")], idempotency_key=uid)):
                self.ask(daemon, request)
        self.ask(daemon, pb.EraseRequest(customer_id=CARD))
        for noise in (CARD.encode() * 100, b"\x00\x00\x00\x30\x11\x00\x00\x63" + CARD.encode() * 3):
            client = self.connect(daemon)
            client.socket.sendall(noise)
            client.socket.recv(1000)

    def ask(self, daemon, request):
        try:
            daemon.call(request)
        except harness.EvauthError:
            pass

    def told(self, daemon):
        """Everything there is to be asked that names no token by itself."""
        pages = [get(daemon, page)[1].encode() for page in ("/metrics", "/ready", "/health", "/" + CARD)]
        messages = [request for request in METHODS
                    if request.__name__ in ("StatusRequest", "FiguresRequest", "ClientsRequest")]
        self.assertGreaterEqual(len(messages), 2)
        return pages + [str(daemon.call(request())).encode() for request in messages] + [
            daemon.call(request()).SerializeToString() for request in messages]

    def assert_clean(self, texts):
        for uid in (CARD, APP, FOREIGN):
            for trace in traces(uid):
                for text in texts:
                    at = text.lower().find(trace)
                    self.assertEqual(at, -1, f"{uid} as {trace}: {text[max(0, at - 200):at + 100]}")

    def log(self, daemon):
        with open(daemon.log_file, "rb") as file:
            return file.read()

    def check(self, daemon, said):
        self.use(daemon)
        texts = self.told(daemon)
        self.assertIn(b'reason="UNKNOWN_TOKEN"', texts[0])
        daemon.forget_client()
        for event in (b"denied", b"connection_closed"):
            harness.wait_until(lambda event=event: event in said() + self.log(daemon), "a line")
        daemon.process.send_signal(signal.SIGABRT)
        daemon.process.wait()
        daemon.process = None
        texts.append(self.log(daemon))
        daemon.start()
        daemon.authorize(CARD, "cp")
        texts += self.told(daemon) + [self.log(daemon), said()]
        self.assert_clean(texts)

    def test_text_without_and_with_a_pepper(self):
        for more in ((), ("--log-pepper-file", self.pepper)):
            daemon = self.start_daemon(*self.arguments("text", *more))
            self.check(daemon, lambda: b"")
            self.assertEqual(b" t=" in self.log(daemon), bool(more))
            daemon.stop()

    def test_json(self):
        self.check(self.start_daemon(*self.arguments("json", "--log-pepper-file", self.pepper)), lambda: b"")

    def test_the_journal(self):
        daemon = self.make_daemon(*self.arguments("text", "--log-pepper-file", self.pepper)).start()

        self.check(daemon, lambda: self.journal.raw)

    def test_the_pepper_is_told_nowhere(self):
        daemon = self.start_daemon(*self.arguments("text", "--log-pepper-file", self.pepper))
        self.use(daemon)
        settings = subprocess.run([os.environ["EVAUTHD_BIN"], "--check-config", "--log-pepper-file", self.pepper],
                                  capture_output=True, check=True).stdout
        for text in [*self.told(daemon), self.log(daemon), settings]:
            self.assertNotIn(PEPPER.encode(), text)

    def test_it_writes_no_core_and_keeps_the_index_out_of_one_that_is_taken(self):
        daemon = self.start_daemon(prefix=["prlimit", "--core=unlimited:unlimited"])
        with open(f"/proc/{daemon.process.pid}/limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max core file size +0 ")
        with open(f"/proc/{daemon.process.pid}/smaps", encoding="utf-8") as file:
            mappings = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", file.read())
        # The reservations of the index: larger than anything else that has no file.
        large = [mapping for mapping in mappings if (size := re.search(r"^Size: +(\d+) kB", mapping, re.M))
                 and int(size.group(1)) > 1 << 20 and "data.mdb" not in mapping.split("\n")[0]]
        excluded = [mapping for mapping in large if re.search(r"^VmFlags:.* dd", mapping, re.M)]
        self.assertGreater(len(excluded), 0)


if __name__ == "__main__":
    unittest.main()
