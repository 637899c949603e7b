#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""TLS for clients: who is let in by which certificate, and what they may do then."""

import datetime
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
import unittest

import harness
from certificates import Certificates
from evauth_client import Client
from harness import pb
from test_access import NEEDS, PERMISSION_DENIED, ROLES, ask
from test_metrics import HTTP, get, metrics

CLIENTS = {"backend": "DNS:backend.example,DNS:*.wild.example", "operator": "URI:spiffe://example/operator?a=b",
           "nobody": "DNS:nobody.example"}


class TlsClient(Client):
    def __init__(self, port, context, session=None, host="localhost", raw=None):
        raw = raw or socket.create_connection(("127.0.0.1", port), 30)
        try:
            self.socket = context.wrap_socket(raw, server_hostname=host, session=session)
        except OSError:
            raw.close()
            raise
        self.input, self.last_id, self.snapshot_end = self.socket.makefile("rb"), 0, None


class TlsTest(harness.DaemonTest):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates.of_class(cls, "ca", "foreign-ca")
        cls.certificates.make("expired", days=-1, names="DNS:backend.example")
        cls.certificates.make("foreign", ca="foreign-ca", names="DNS:backend.example")
        cls.certificates.make_early("early", names="DNS:backend.example")
        for name, names in CLIENTS.items():
            cls.certificates.make(name, names=names)

    def start_tls(self, *rules, arguments=(), listen=True):
        self.folder = self.make_folder()
        for source, name in (("server.pem", "cert"), ("server.key", "key"), ("ca.pem", "ca")):
            shutil.copy(self.certificates.path(source), os.path.join(self.folder, name))
        self.config = os.path.join(self.folder, "conf")
        self.write(*rules or ["cn:backend=all"])
        daemon = self.new_daemon("--config", self.config, "--tls-listen", "127.0.0.1:0", *arguments, listen=listen)
        self.daemon = daemon
        daemon.launch()
        harness.wait_until(daemon.read_port, "the port file")
        with open(daemon.port_file, encoding="utf-8") as file:
            self.port = int(re.search(r"^tls 127.0.0.1:(\d+)$", file.read(), re.MULTILINE).group(1))
        return daemon

    def write(self, *rules):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("access = {" + ", ".join(f'"{rule}"' for rule in rules) + "}\n")
            for name in ("cert", "key", "ca"):
                file.write(f'tls-{name}-file = "{self.folder}/{name}"\n')

    def reload(self, daemon, *rules):
        said = daemon.log().count("reloaded")
        self.write(*rules)
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: daemon.log().count("reloaded") > said, "the line about the reload")

    def open(self, name="backend", ca="ca", session=None):
        client = TlsClient(self.port, self.certificates.context(name, ca), session)
        self.addCleanup(client.close)
        return client

    def assert_not_let_in(self, name, context=None):
        """In TLS 1.3 a client hears of it when it reads."""
        with self.subTest(name=name), self.assertRaises((ssl.SSLError, ConnectionError)):
            client = TlsClient(self.port, context or self.certificates.context(name))
            try:
                client.call(pb.StatusRequest())
            finally:
                client.close()


class Roles(TlsTest):
    def assert_may(self, name, roles):
        for request_type, needed in NEEDS.items():
            with self.subTest(method=request_type.__name__, name=name, roles=roles):
                status, error = ask(self.open(name), request_type)
                self.assertEqual(status == PERMISSION_DENIED, needed not in roles, error)
                if needed not in roles:
                    self.assertIn(f"the role {needed}", error.message)

    def test_each_role_may_do_its_own_methods_and_no_other(self):
        daemon = self.start_tls("cn:backend=query")
        self.assert_may("backend", ["query"])
        for role in ROLES[1:]:
            self.reload(daemon, f"dns:BACKEND.example={role}")
            self.assert_may("backend", [role])
        self.reload(daemon, "uri:spiffe://example/operator?a=b=all", "dns:*.wild.example=query", "cn:backend=write")
        self.assert_may("operator", ROLES)
        self.assert_may("backend", ["query", "write"])
        self.assert_may("nobody", [])

    def test_names_are_not_mistaken_for_one_another(self):
        self.start_tls("cn:backend.example=all", "dns:backend=all", "dns:x.wild.example=all", "uri:backend=all",
                       "cn:tcp=all", "uid:0=all", "tcp=all")
        self.assert_may("backend", [])

    def test_who_loses_a_role_is_cut(self):
        daemon = self.start_tls("cn:backend=all", "cn:operator=query")
        client, other = self.open(), self.open("operator")
        self.assertEqual(ask(client, pb.StatusRequest)[0], 0)
        self.reload(daemon, "cn:backend=query", "cn:operator=query")
        with self.assertRaises((ConnectionError, ssl.SSLError)):
            harness.wait_until(lambda: ask(client, pb.StatusRequest)[0] != 0, "the end")
        self.assertEqual(ask(other, pb.StatusRequest)[0], 0)


class ComingAndGoing(TlsTest):
    """Whether there is TLS at all waits for a restart, but not what the rules take away."""

    def configure(self, has_tls, *rules):
        files = [f'tls-{name}-file = "{self.certificates.path(file)}"'
                 for name, file in (("cert", "server.pem"), ("key", "server.key"), ("ca", "ca.pem"))]
        rules += ("cn:backend=query",) * has_tls
        with open(self.config, "w", encoding="utf-8") as file:
            for line in ["access = {" + ", ".join(f'"{rule}"' for rule in rules) + "}",
                         *['tls-listen = {"127.0.0.1:0"}', *files] * has_tls]:
                file.write(line + "\n")

    def test_a_role_is_lost_at_once(self):
        for has_tls in (False, True):
            with self.subTest(has_tls=has_tls):
                self.config = os.path.join(self.make_folder(), "conf")
                self.configure(has_tls, "tcp=all")
                daemon = self.new_daemon("--config", self.config).start()
                daemon.apply(harness.put_customer("c"))
                self.configure(not has_tls, "tcp=query")
                daemon.process.send_signal(signal.SIGHUP)
                harness.wait_until(lambda: "after a restart only: tls-listen" in daemon.log(), "the reload")
                daemon.forget_client()
                self.assert_refused(PERMISSION_DENIED, daemon.apply, harness.put_customer("d"))
                self.assertNotIn("error", daemon.log())
                daemon.stop()


class WhoAClientIs(TlsTest):
    def names(self, client):
        return sorted(info.name for info in client.call(pb.ClientsRequest()).clients if info.connections > 0)

    def test_a_name_with_the_end_of_a_line_in_it_is_none(self):
        self.certificates.make("lines", names="DNS:lines.example", subject="nobody\nERROR store_failed: not really")
        self.start_tls("cn:backend=all")
        client = self.open("lines")
        self.assertEqual(ask(client, pb.StatusRequest)[0], PERMISSION_DENIED)
        self.assertEqual(self.names(self.open()), ["cn:backend", "dns:lines.example"])

    def test_it_has_the_first_name_that_a_rule_names(self):
        daemon = self.start_tls("dns:backend.example=all", "uri:spiffe://example/operator?a=b=all", listen=False)
        client, operator, nobody = self.open(), self.open("operator"), self.open("nobody")
        for other in (operator, nobody):
            ask(other, pb.StatusRequest)
        self.assertEqual(self.names(client), ["cn:nobody", "dns:backend.example", "uri:spiffe://example/operator?a=b"])
        self.reload(daemon, "cn:backend=all", "uri:spiffe://example/operator?a=b=all")
        harness.wait_until(lambda: "cn:backend" in self.names(client), "the new name of an open connection")
        self.assertNotIn("dns:backend.example", self.names(client))

    def test_a_handshake_during_a_reload_is_a_client_of_the_new_rules(self):
        daemon = self.start_tls("cn:backend=query", arguments=HTTP)
        raw = socket.create_connection(("127.0.0.1", self.port), 30)
        harness.wait_until(lambda: metrics(daemon)["evauth_tls_handshakes_open"] == 1, "the handshake")
        self.reload(daemon, "cn:backend=all")
        client = TlsClient(self.port, self.certificates.context("backend"), raw=raw)
        self.addCleanup(client.close)
        self.assertEqual(self.names(client), ["cn:backend"])


class Certified(TlsTest):
    def test_only_certificates_of_the_ca_that_hold_now_are_let_in(self):
        daemon = self.start_tls()
        self.assert_not_let_in(None)
        self.assert_not_let_in("expired")
        self.assert_not_let_in("early")
        self.assert_not_let_in("foreign")
        old = self.certificates.context("backend")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assert_not_let_in("TLS 1.2", old)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.open("backend", ca="foreign-ca")
        self.assertEqual(ask(self.open(), pb.StatusRequest)[0], 0)
        self.assertIn("tls_refused", daemon.log())

    def test_tls_and_plain_do_not_understand_each_other(self):
        daemon = self.start_tls("cn:backend=query", "tcp=query")
        plain = Client(f"127.0.0.1:{self.port}")
        self.addCleanup(plain.close)
        with self.assertRaises((ConnectionError, OSError)):
            plain.call(pb.StatusRequest())
            raise AssertionError("answered")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            TlsClient(daemon.port, self.certificates.context("backend"))
        with socket.create_connection(("127.0.0.1", self.port), 30) as other:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            other.settimeout(30)
            while other.recv(1000):
                pass
        self.assertEqual(ask(self.open(), pb.StatusRequest)[0], 0)
        self.assertEqual(daemon.status().revision, 1)

    def test_a_session_is_taken_up_again_with_its_roles_and_not_with_another_ca(self):
        daemon = self.start_tls("cn:backend=query")
        context = self.certificates.context("backend")
        first = TlsClient(self.port, context)
        self.assertEqual(ask(first, pb.StatusRequest)[0], 0)
        self.assertFalse(first.socket.session_reused)
        session = first.socket.session
        first.close()
        again = TlsClient(self.port, context, session)
        self.addCleanup(again.close)
        self.assertEqual(ask(again, pb.StatusRequest)[0], 0)
        self.assertTrue(again.socket.session_reused)
        self.assertEqual(ask(again, pb.ChangeSet)[0], PERMISSION_DENIED)
        shutil.copy(self.certificates.path("foreign-ca.pem"), os.path.join(self.folder, "ca"))
        self.reload(daemon, "cn:backend=query")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            late = TlsClient(self.port, context, session)
            self.addCleanup(late.close)
            late.call(pb.StatusRequest())

    def test_new_certificates_are_shown_to_new_connections_and_old_ones_go_on(self):
        daemon = self.start_tls()
        client = self.open()
        self.assertEqual(ask(client, pb.StatusRequest)[0], 0)
        self.certificates.make("renewed", ca="foreign-ca")
        shutil.copy(self.certificates.path("renewed.pem"), os.path.join(self.folder, "cert"))
        shutil.copy(self.certificates.path("renewed.key"), os.path.join(self.folder, "key"))
        self.reload(daemon, "cn:backend=all")
        self.assertEqual(ask(self.open(ca="foreign-ca"), pb.StatusRequest)[0], 0)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.open()
        self.assertEqual(ask(client, pb.StatusRequest)[0], 0)
        with open(os.path.join(self.folder, "cert"), "w", encoding="utf-8") as file:
            file.write("no certificate")
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "reload_refused" in daemon.log(), "the refusal")
        self.assertEqual(ask(self.open(ca="foreign-ca"), pb.StatusRequest)[0], 0)
        self.assertEqual(ask(client, pb.StatusRequest)[0], 0)


    def open_for_a_moment(self):
        """Connections of a client whose certificate holds for a few seconds; for more if the machine is slow."""
        for seconds in (4, 8, 16, 32, 64):
            self.certificates.make_between("brief", datetime.timedelta(days=-1), datetime.timedelta(seconds=seconds),
                                           names="DNS:brief.example")
            clients = []
            try:
                for _ in range(2):
                    clients.append(TlsClient(self.port, self.certificates.context("brief")))
                    clients[-1].call(pb.StatusRequest())
                clients[1].send(pb.WatchRequest())
                clients[1].receive()
                return clients
            except OSError:
                for client in clients:
                    client.close()
        raise AssertionError("its certificate had always expired before it was let in")

    def test_what_a_certificate_allows_ends_when_it_expires(self):
        daemon = self.start_tls("cn:brief=all", "cn:backend=all", arguments=HTTP)
        lasting = self.open()
        clients = self.open_for_a_moment()
        for client in clients:
            self.addCleanup(client.close)
            client.socket.settimeout(120)
            while client.socket.recv(4096):  # an end without a goodbye would be an error
                pass
        harness.wait_until(lambda: metrics(daemon)['evauth_connections_closed_total{end="expired"}'] > 1, "the ends")
        self.assertEqual(metrics(daemon)["evauth_watchers"], 0)
        self.assert_not_let_in("brief")
        self.assertEqual(ask(lasting, pb.StatusRequest)[0], 0)


class Bounds(TlsTest):
    def assert_ends(self, silent):
        silent.settimeout(30)
        try:
            while silent.recv(4096):
                pass
        except ConnectionError:
            pass

    def test_a_slow_handshake_is_ended_however_it_dawdles(self):
        self.start_tls(arguments=["--tls-handshake-timeout", "500ms"])
        with socket.create_connection(("127.0.0.1", self.port)) as silent, \
                socket.create_connection(("127.0.0.1", self.port)) as dripping:
            with self.assertRaises(OSError):
                dripping.sendall(b"\x16\x03\x01\x02\x00")
                for _ in range(600):
                    dripping.sendall(b"\x01")
                    time.sleep(0.05)
            self.assert_ends(silent)
        self.assertEqual(ask(self.open(), pb.StatusRequest)[0], 0)

    def test_a_reload_passes_over_those_who_are_not_let_in(self):
        daemon = self.start_tls("cn:backend=query", arguments=[*HTTP, "--tls-handshake-timeout", "60s"])
        begun = self.open()
        self.assertEqual(ask(begun, pb.StatusRequest)[0], 0)
        silent = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(silent.close)
        refused = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(refused.close)
        refused.sendall(b"GET / HTTP/1.1\r\n\r\n")
        harness.wait_until(lambda: metrics(daemon)["evauth_tls_handshakes_open"] == 1, "one of them")
        harness.wait_until(lambda: "tls_refused" in daemon.log(), "the other one")
        self.reload(daemon, "cn:backend=all")
        self.assertEqual(ask(begun, pb.StatusRequest)[0], 0)

    def test_silent_handshakes_keep_nobody_out_and_who_has_most_makes_room(self):
        daemon = self.start_tls(arguments=[*HTTP, "--tls-handshakes-max", "4", "--tls-handshake-timeout", "60s",
                                           "--workers", "1"])

        def begin(host):
            count = metrics(daemon)["evauth_connections_opened_total"]
            silent = socket.create_connection(("127.0.0.1", self.port), 30, source_address=(host, 0))
            self.addCleanup(silent.close)
            harness.wait_until(lambda: metrics(daemon)["evauth_connections_opened_total"] > count, "the connection")
            return silent
        begun = self.open()
        self.assertEqual(ask(begun, pb.StatusRequest)[0], 0)
        oldest, *many = begin("127.0.0.3"), *[begin("127.0.0.2") for _ in range(3)]
        for one in many:
            self.assertEqual(ask(self.open(), pb.StatusRequest)[0], 0)
            begin("127.0.0.2")
            self.assert_ends(one)
        self.assertEqual(metrics(daemon)['evauth_limit_hits_total{limit="tls-handshakes-max"}'], 3)
        self.assertEqual(metrics(daemon)['evauth_tls_handshakes_failed_total{reason="displaced"}'], 3)
        oldest.settimeout(0)
        with self.assertRaises(BlockingIOError):
            oldest.recv(1)
        self.assertEqual(ask(begun, pb.StatusRequest)[0], 0)
        harness.wait_until(lambda: "handshakes_displaced" in daemon.log(), "the line about it")

    def test_much_goes_through_in_both_directions(self):
        daemon = self.start_tls(arguments=HTTP)
        client = self.open()
        for first in range(0, 2000, 500):
            client.call(pb.ChangeSet(changes=[harness.put_customer(f"c{i:05}", name="n" * 400)
                                              for i in range(first, first + 500)]))
        self.assertEqual(sum(1 for _ in client.snapshot()), 2000)
        request = pb.SearchRequest(kind=pb.OBJECT_KIND_CUSTOMER, page_size=200)
        ids = [client.send(request) for _ in range(300)]  # more than the sockets take: the daemon waits for us
        harness.wait_until(lambda: metrics(daemon)['evauth_limit_hits_total{limit="inflight-bytes-max"}'] > 0, "that")
        answered = [client.receive() for _ in ids]
        self.assertEqual(sorted(answer[3] for answer in answered), ids)
        self.assertEqual({answer[1] for answer in answered}, {0})
        for _ in range(100):
            for _ in range(100):
                client.send(pb.AuthorizeRequest(token_uid="04AA", charge_point_id="x"))
            self.assertEqual({client.receive()[1] for _ in range(100)}, {0})

    def test_what_was_asked_before_a_stop_is_answered_and_said_goodbye_to(self):
        daemon = self.start_tls()
        client = self.open()
        self.assertEqual(ask(client, pb.StatusRequest)[0], 0)
        client.socket.sendall(200 * struct.pack(">IBBHI", 8, 0x11, 0, 32, 7))  # one record: it has arrived at once
        daemon.process.send_signal(signal.SIGTERM)
        for _ in range(200):
            self.assertEqual(client.receive()[1], 0)
        self.assertEqual(client.socket.recv(1), b"")  # an end without a goodbye would be an error
        daemon.wait_for_clean_end()

    def test_who_was_accepted_a_moment_before_a_stop_shakes_hands_and_is_answered(self):
        daemon = self.start_tls()
        client, fresh = self.open(), socket.create_connection(("127.0.0.1", self.port), 30)
        harness.wait_until(lambda: client.call(pb.StatusRequest()).connections == 2, "the connection")
        daemon.process.send_signal(signal.SIGTERM)
        harness.wait_until(lambda: "stopping" in daemon.log(), "the line about the stop")
        late = TlsClient(self.port, self.certificates.context("backend"), raw=fresh)
        self.addCleanup(late.close)
        late.call(pb.StatusRequest())
        self.assertEqual(late.socket.recv(1), b"")
        daemon.wait_for_clean_end()


class Counted(TlsTest):
    def counts(self, daemon):
        """What is not 0: {"full": 1, "expired": 2}."""
        text = get(daemon, "/metrics")[1]
        found = re.findall(r'^evauth_tls_handshakes_(?:failed_)?total\{[a-z]+="(\w+)"\} (\d+)$', text, re.MULTILINE)
        return {name: int(count) for name, count in found if int(count)}

    def test_handshakes_are_counted_by_how_they_ended(self):
        daemon = self.start_tls(arguments=[*HTTP, "--tls-handshake-timeout", "3s"])
        context = self.certificates.context("backend")
        first = TlsClient(self.port, context)
        self.assertEqual(ask(first, pb.StatusRequest)[0], 0)
        again = TlsClient(self.port, context, first.socket.session)
        self.assertEqual(ask(again, pb.StatusRequest)[0], 0)
        first.close()
        again.close()
        for name in (None, "expired", "early", "foreign"):
            self.assert_not_let_in(name)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.open(ca="foreign-ca")  # the client does not let the server in
        with socket.create_connection(("127.0.0.1", self.port), 30) as other:
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while other.recv(1000):
                pass
        with socket.create_connection(("127.0.0.1", self.port), 30) as late:
            while late.recv(1000):
                pass
        socket.create_connection(("127.0.0.1", self.port), 30).close()
        wanted = {"full": 1, "resumed": 1, "no_certificate": 1, "expired": 2, "untrusted": 1, "not_tls": 1,
                  "timeout": 1}
        harness.wait_until(lambda: sum(self.counts(daemon).values()) == 10, "ten handshakes")
        counts = self.counts(daemon)
        # Who does not let us in says so and goes: the reset may overtake what was said.
        self.assertEqual(counts.pop("left", 0) + counts.pop("refused", 0), 2, counts)
        self.assertEqual(counts, wanted)
        self.assertEqual(metrics(daemon)["evauth_tls_handshakes_open"], 0)
        self.assertEqual(metrics(daemon)['evauth_limit_hits_total{limit="tls-handshake-timeout"}'], 1)


class Settings(TlsTest):
    def refuse(self, *arguments):
        run = subprocess.run([os.environ["EVAUTHD_BIN"], "--check-config", *arguments], capture_output=True, text=True,
                             check=False)
        self.assertNotEqual(run.returncode, 0)
        return run.stderr

    def test_what_does_not_fit_together_is_refused(self):
        path = self.certificates.path
        files = ["--tls-cert-file", path("server.pem"), "--tls-key-file", path("server.key"), "--tls-ca-file",
                 path("ca.pem")]
        listen = ["--tls-listen", "0.0.0.0:0"]
        self.assertIn("tls-cert-file", self.refuse(*listen, "--access", "cn:x=query"))
        self.assertIn("no rule of access", self.refuse(*listen, *files))
        self.assertIn("tls-listen", self.refuse(*files))
        self.assertIn("tls-listen", self.refuse("--access", "cn:x=query"))
        self.assertIn("no key", self.refuse(*listen, *files, "--access", "cn:x=query", "--tls-key-file",
                                            path("backend.key")))
        open_key = path("open.key")
        shutil.copy(path("server.key"), open_key)
        os.chmod(open_key, 0o644)
        self.assertIn("others may use the key", self.refuse(*listen, *files, "--access", "cn:x=query",
                                                            "--tls-key-file", open_key))


if __name__ == "__main__":
    unittest.main()
