#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who gets what over TLS, as one matrix: every certificate, good or bad, times every method. A method that is not in it
fails the test: the daemon itself is asked which ones it has."""

import os
import shutil
import socket
import ssl
import struct
import unittest

import harness
from evauth_client import METHODS, Client
from harness import pb
from test_access import NEEDS, PERMISSION_DENIED, ROLES, ask
from test_tls import TlsClient, TlsTest

NUMBERS = 1024  # of methods that are tried
GRANTS = {**{role: [role] for role in ROLES}, "all": list(ROLES), "reader": ["query", "watch"], "nobody": []}
# Every one of them has a rule that gives it everything: it is the certificate that keeps it out.
BAD = {"expired": "certificate has expired", "early": "certificate is not yet valid",
       "foreign": "unable to get local issuer certificate", "selfmade": "self-signed certificate",
       "server-only": "unsuitable certificate purpose"}
WRONG_SERVERS = {"wrong-host": "Hostname mismatch", "stale": "has expired", "future": "not yet valid",
                 "foreign-server": "unable to get local issuer"}


class Matrix(TlsTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        certificates = cls.certificates
        for name in GRANTS:
            certificates.make(name, names=f"DNS:{name}.example")
        certificates.make("wrong-host", names="DNS:elsewhere.example")  # these four are servers'
        certificates.make("stale", days=-1)
        certificates.make_early("future")
        certificates.make("foreign-server", ca="foreign-ca")
        certificates.make_ca("selfmade")
        certificates.make("server-only", names="DNS:server-only.example\nextendedKeyUsage=serverAuth")

    def start_matrix(self):
        rules = [f"cn:{name}={','.join(roles)}" for name, roles in GRANTS.items() if roles]
        return self.start_tls(*rules, *[f"cn:{name}=all" for name in (*BAD, "foreign-ca")], "tcp=all")

    def ask_everything(self, name):
        """{number: (status, Error)} of empty requests of so many methods, by who may do nothing."""
        client = self.open(name)
        client.socket.sendall(b"".join(struct.pack(">IBBHI", 8, 0x11, 0, number, number + 1)
                                       for number in range(NUMBERS)))
        answers = {}
        for _ in range(NUMBERS):
            _, status, _, number, body = client.receive()
            answers[number - 1] = (status, pb.Error.FromString(body))
        return answers

    def test_the_matrix_has_every_method_of_the_daemon(self):
        self.start_matrix()
        answers = self.ask_everything("nobody")
        self.assertEqual(len(answers), NUMBERS)
        self.assertEqual({status for status, _ in answers.values()}, {PERMISSION_DENIED, harness.UNIMPLEMENTED})
        known = {number: error.message.split()[0] for number, (status, error) in answers.items()
                 if status == PERMISSION_DENIED}
        self.assertEqual(set(known), {METHODS[request][0] for request in NEEDS}, known)

    def test_every_role_times_every_method(self):
        self.start_matrix()
        for name, roles in GRANTS.items():
            for request, needed in NEEDS.items():
                with self.subTest(name=name, method=request.__name__):
                    client = self.open(name)
                    status, error = ask(client, request)
                    client.close()
                    self.assertEqual(status == PERMISSION_DENIED, needed not in roles, error)
                    if needed not in roles:
                        self.assertIn(f"needs the role {needed}", error.message)
                        self.assertIn(f"cn:{name}", error.message)

    def test_every_bad_certificate_times_every_method(self):
        daemon = self.start_matrix()
        for name, why in {**BAD, None: "peer did not return a certificate"}.items():
            for request in NEEDS:
                with self.subTest(name=name, method=request.__name__):
                    with self.assertRaises((ssl.SSLError, ConnectionError)):
                        client = TlsClient(self.port, self.certificates.context(name))
                        self.addCleanup(client.close)
                        ask(client, request)
            harness.wait_until(lambda: self.is_told(daemon, name, why), f"the reason why {name} is not let in")
        self.assertEqual(ask(self.open("all"), pb.StatusRequest)[0], 0)
        self.assertEqual(daemon.status().revision, 1)

    def is_told(self, daemon, name, why):
        """The log has a line a second at most: try until it has ours."""
        if why in daemon.log():
            return True
        self.assert_not_let_in(name)
        return False

    def test_a_server_with_a_bad_certificate_times_every_client(self):
        daemon = self.start_matrix()
        for server in WRONG_SERVERS:
            for source, name in ((f"{server}.pem", "cert"), (f"{server}.key", "key")):
                shutil.copy(self.certificates.path(source), os.path.join(self.folder, name))
            self.reload(daemon, *[f"cn:{name}=all" for name in GRANTS], "tcp=all")
            for name in GRANTS:
                with self.subTest(server=server, name=name), self.assertRaises(ssl.SSLCertVerificationError) as caught:
                    TlsClient(self.port, self.certificates.context(name))
                self.assertIn(WRONG_SERVERS[server], str(caught.exception))

    def test_plain_clients_on_the_tls_port_times_every_method(self):
        daemon = self.start_matrix()
        for request in NEEDS:
            with self.subTest(method=request.__name__):
                client = Client(f"127.0.0.1:{self.port}")
                self.addCleanup(client.close)
                with self.assertRaises(OSError):
                    ask(client, request)
        self.assertEqual(daemon.status().revision, 1)

    def test_tls_clients_on_the_plain_port(self):
        daemon = self.start_matrix()
        for name in GRANTS:
            with self.subTest(name=name), self.assertRaises((ssl.SSLError, ConnectionError)):
                TlsClient(daemon.port, self.certificates.context(name))
        with socket.create_connection(("127.0.0.1", daemon.port), 30) as plain:
            plain.sendall(b"\x16\x03\x01\x02\x00\x01")
            plain.settimeout(30)
            while plain.recv(4096):
                pass
        self.assertEqual(daemon.status().revision, 1)


if __name__ == "__main__":
    unittest.main()
