#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Budgets per client (docs/access.md): one client that asks for too much is held back, the others notice nothing."""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

import evauth_pb2 as pb
import harness
from evauth_client import Client, EvauthError
from harness import RESOURCE_EXHAUSTED

PERMISSION_DENIED = 7

READ_MAX = 64 * 1024 // 40  # more requests than a daemon takes from a connection at once


def world():
    return (harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"), harness.put_customer("c"),
            harness.put_token("04KNOWN", "c", type=pb.TOKEN_TYPE_APP_USER), harness.attach_points("g", "cp"),
            harness.attach_customers("g", "c"))


class BudgetTest(harness.DaemonTest):
    def start(self, *arguments, **options):
        """A daemon with a world. Its clients are tcp:127.0.0.1, or on the Unix socket their user."""
        folder = self.make_folder()
        self.unix = os.path.join(folder, "socket")
        self.daemon = self.new_daemon("--unix", self.unix, "--http", "127.0.0.1:0", *arguments, **options)
        self.daemon.start().apply(*world())
        return self.daemon

    def open_unix(self):
        client = Client("unix:" + self.unix)
        self.addCleanup(client.close)
        return client

    def metric(self, name):
        with open(self.daemon.port_file, encoding="utf-8") as file:
            where = [line.split()[1] for line in file if line.startswith("http")][0]
        with urllib.request.urlopen(f"http://{where}/metrics", timeout=60) as page:
            lines = page.read().decode().splitlines()
        return float([line.split()[-1] for line in lines if line.startswith(name)][0])

    def hits(self, option):
        return self.metric(f'evauth_limit_hits_total{{limit="{option}"}}')

    def log_lines(self, event):
        return [line for line in self.daemon.log().splitlines() if event + ":" in line]

    def ask_many(self, client, requests):
        """Pipelined; the answers in order, EvauthErrors among them."""
        sender = threading.Thread(target=lambda: [client.send(request) for request in requests])
        sender.start()
        answers = []
        for _ in requests:
            _, status, _, _, body = client.receive()
            answers.append(EvauthError(status, body) if status else body)
        sender.join()
        return answers


def authorize(uid, point="cp"):
    return pb.AuthorizeRequest(token_uid=uid, charge_point_id=point)


class UnknownTokens(BudgetTest):
    PER_SECOND, BURST = 20, 500

    def start_limited(self, *arguments):
        return self.start("--client-unknown-tokens-per-second", str(self.PER_SECOND), "--client-unknown-tokens-burst",
                          str(self.BURST), *arguments, unknown_tokens=False)

    def bound(self, began, at_once):
        """The most unknown tokens that can have been answered since `began`."""
        return self.BURST + self.PER_SECOND * (time.monotonic() - began) + at_once

    def test_somebody_who_guesses_uids_learns_a_few_and_is_named(self):
        daemon = self.start_limited()
        guesses = [f"04{random.getrandbits(48):012X}" for _ in range(20000)]
        guesses[1000::1000] = ["04KNOWN"] * 19  # what is to be found
        began = time.monotonic()
        answers = self.ask_many(self.connect(daemon), [authorize(uid) for uid in guesses])
        answered = [answer for answer in answers if isinstance(answer, bytes)]
        refused = [answer for answer in answers if isinstance(answer, EvauthError)]
        self.assertGreaterEqual(len(answered), self.BURST)
        self.assertLessEqual(len(answered), self.bound(began, READ_MAX))
        self.assertEqual({error.status for error in refused}, {RESOURCE_EXHAUSTED})
        for error in refused:
            self.assertIn("client-unknown-tokens-per-second", error.error.message)
            self.assertTrue(0 < error.error.retry_after_ms)
        self.assertEqual(self.hits("client-unknown-tokens-per-second"), len(refused))
        self.assertGreaterEqual(self.metric("evauth_unknown_token_budgets_spent_total"), 1)
        lines = self.log_lines("client_unknown_tokens")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("tcp:127.0.0.1", lines[0])
        self.assertFalse([uid for uid in guesses if uid in daemon.log()])

    def test_the_others_notice_nothing(self):
        daemon = self.start_limited()
        guesser, other = self.connect(daemon), self.open_unix()
        stopping = threading.Event()

        def guess():
            while not stopping.is_set():
                self.ask_many(guesser, [authorize(f"04{random.getrandbits(48):012X}") for _ in range(500)])

        thread = threading.Thread(target=guess)
        thread.start()
        try:
            harness.wait_until(lambda: self.hits("client-unknown-tokens-per-second") > 0, "a spent budget")
            for _ in range(300):
                self.assertEqual(other.call(authorize("04KNOWN")).verdict, pb.VERDICT_ALLOWED)
                self.assertEqual(other.call(authorize("04NOBODY")).reason, pb.REASON_UNKNOWN_TOKEN)
        finally:
            stopping.set()
            thread.join()

    def test_items_of_batches_count_and_a_connection_of_its_own_does_not_help(self):
        daemon = self.start_limited()
        batch = pb.AuthorizeBatchRequest(requests=[authorize("04NOBODY")] * 250)
        began = time.monotonic()
        answered = 0
        for _ in range(20):
            with self.subTest():
                try:
                    answered += len(self.connect(daemon).call(batch).responses)
                except EvauthError as error:
                    self.assertEqual(error.status, RESOURCE_EXHAUSTED)
        self.assertGreaterEqual(answered, self.BURST)
        self.assertLessEqual(answered, self.bound(began, 250))

    def test_questions_on_their_way_to_another_thread_are_paid_before(self):
        daemon = self.start_limited()
        began = time.monotonic()
        get = pb.GetRequest(kind=pb.OBJECT_KIND_TOKEN, token_type=pb.TOKEN_TYPE_APP_USER, id="04NOBODY")
        known = pb.GetRequest(kind=pb.OBJECT_KIND_TOKEN, token_type=pb.TOKEN_TYPE_APP_USER, id="04KNOWN")
        other = self.open_unix()
        for _ in range(3):  # what is known costs nothing
            self.assertFalse([a for a in self.ask_many(other, [known] * 400) if not isinstance(a, bytes)])
        clients = [self.connect(daemon) for _ in range(4)]
        for client in clients:
            for _ in range(400):
                client.send(get)
        told = 0
        for client in clients:
            for _ in range(400):
                _, status, _, _, _ = client.receive()
                self.assertIn(status, (harness.NOT_FOUND, RESOURCE_EXHAUSTED))
                told += status == harness.NOT_FOUND
        self.assertGreaterEqual(told, self.BURST)
        self.assertLessEqual(told, self.bound(began, 10))

    def test_all_addresses_of_this_machine_are_one_client(self):
        daemon = self.start_limited()
        began = time.monotonic()
        answered = 0
        for last in range(2, 12):
            client = self.connect(daemon)
            client.close()
            client.socket = socket.create_connection(("127.0.0.1", daemon.port), 30, (f"127.0.0.{last}", 0))
            client.input = client.socket.makefile("rb")
            answers = self.ask_many(client, [authorize("04NOBODY")] * 400)
            answered += len([answer for answer in answers if isinstance(answer, bytes)])
        self.assertGreaterEqual(answered, self.BURST)
        self.assertLessEqual(answered, self.bound(began, READ_MAX))

    def test_who_waits_as_long_as_told_is_answered_again(self):
        daemon = self.start_limited()
        client = self.connect(daemon)
        self.ask_many(client, [authorize("04NOBODY")] * 2000)

        def is_answered():
            try:
                return client.call(authorize("04KNOWN")).verdict == pb.VERDICT_ALLOWED
            except EvauthError as error:
                self.assertEqual(error.status, RESOURCE_EXHAUSTED)
                return False

        harness.wait_until(is_answered, "the budget to come back")

    def test_evauth_bench_says_that_it_was_a_budget(self):
        daemon = self.start_limited()
        bench, path = os.environ["EVAUTH_BENCH_BIN"], os.path.join(self.make_folder(), "world.jsonl")
        for command in ([bench, "generate", "--tokens", "1000", "--out", path],
                        [os.environ["EVAUTH_BIN"], "--server", daemon.address, "import", path]):
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        done = subprocess.run([bench, "run", "--server", daemon.address, "--tokens", "1000", "--requests", "2000",
                               "--mix", "0:0:1:0", "--passes", "1", "--seconds", "60", "--connections", "1"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("budget of this client", done.stderr)
        self.assertIn("--client-unknown-tokens-per-second=0", done.stderr)

    def test_a_daemon_without_settings_has_this_limit(self):
        daemon = self.start(unknown_tokens=False)
        answers = self.ask_many(self.connect(daemon), [authorize("04NOBODY")] * 20000)
        self.assertIsInstance(answers[9999], bytes)
        self.assertTrue([answer for answer in answers if isinstance(answer, EvauthError)])

    @unittest.skipUnless(os.getuid() == 0, "needs root to be two users")
    def test_users_of_one_socket_are_clients_of_their_own(self):
        daemon = self.start_limited("--access", "uid:4711=query", "--access", "uid:4712=query", "--access", "tcp=all",
                                    "--access", "uid:0=all")
        os.chmod(os.path.dirname(self.unix), 0o755)
        os.chmod(self.unix, 0o777)

        def refused_as(uid, count):
            code = ("import os, evauth_client, evauth_pb2 as pb\n"
                    f"os.setgroups([]); os.setgid({uid}); os.setuid({uid})\n"
                    f"client, refused = evauth_client.Client('unix:{self.unix}'), 0\n"
                    f"for _ in range({count}):\n"
                    "    client.send(pb.AuthorizeRequest(token_uid='04NOBODY', charge_point_id='cp'))\n"
                    "    refused += client.receive()[1] == 8\n"
                    "print(refused)")
            return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)

        self.assertGreater(refused_as(4711, 3000), 0)
        self.assertEqual(refused_as(4712, self.BURST), 0)
        self.assertIn("uid:4711", self.log_lines("client_unknown_tokens")[0])
        self.assertEqual(len(daemon.status().methods) > 0, True)


class Requests(BudgetTest):
    def test_more_requests_than_allowed_are_refused_and_others_are_not(self):
        daemon = self.start("--client-requests-per-second", "5", "--client-requests-burst", "100")
        client, other = self.connect(daemon), self.open_unix()
        began = time.monotonic()
        answers = self.ask_many(client, [authorize("04KNOWN")] * 5000)
        refused = [answer for answer in answers if isinstance(answer, EvauthError)]
        answered = len(answers) - len(refused)
        self.assertLessEqual(answered, 100 + 5 * (time.monotonic() - began) + 1)
        self.assertGreaterEqual(answered, 100 - 10)  # what the world and the start have asked
        for error in refused:
            self.assertEqual(error.status, RESOURCE_EXHAUSTED)
            self.assertIn("client-requests-per-second", error.error.message)
            self.assertGreater(error.error.retry_after_ms, 0)
        self.assertEqual(self.hits("client-requests-per-second"), len(refused))
        self.assertEqual(len(self.log_lines("client_requests")), 1)
        for _ in range(90):
            self.assertEqual(other.call(authorize("04KNOWN")).verdict, pb.VERDICT_ALLOWED)

    def test_sighup_changes_budgets(self):
        folder = self.make_folder()
        config = os.path.join(folder, "evauthd.conf")

        def write(text):
            with open(config, "w", encoding="utf-8") as file:
                file.write(text)

        write("")
        daemon = self.start("--config", config)
        client = self.connect(daemon)
        self.assertFalse([a for a in self.ask_many(client, [authorize("04KNOWN")] * 500) if not isinstance(a, bytes)])

        def reload(text):
            said = daemon.log().count("reloaded")
            write(text)
            daemon.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: daemon.log().count("reloaded") > said, "the line about the reload")

        reload("client-requests-per-second = 1\nclient-requests-burst = 10\n")
        self.assertTrue([a for a in self.ask_many(client, [authorize("04KNOWN")] * 500) if not isinstance(a, bytes)])
        reload("")
        self.assertFalse([a for a in self.ask_many(client, [authorize("04KNOWN")] * 500) if not isinstance(a, bytes)])
        self.assertNotIn("after a restart only", daemon.log())


    def test_requests_that_are_refused_anyway_count_as_well(self):
        daemon = self.start("--client-requests-per-second", "5", "--client-requests-burst", "100", "--access",
                            "tcp=query,write", "--access", "uid:0=all")
        client = self.connect(daemon)
        statuses = [answer.status for answer in self.ask_many(client, [pb.CheckRequest()] * 1000)]
        self.assertGreater(statuses.count(PERMISSION_DENIED), 0)
        self.assertGreater(statuses.count(RESOURCE_EXHAUSTED), 800)


class Connections(BudgetTest):
    def test_a_reload_lets_nobody_in(self):
        folder = self.make_folder()
        config = os.path.join(folder, "evauthd.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("client-connections-max = 2\n")
        daemon = self.start("--config", config)
        kept = self.connect(daemon)  # and the test's own one
        for _ in range(3):
            said = daemon.log().count("reloaded")
            daemon.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: daemon.log().count("reloaded") > said, "the line about the reload")
            kept.call(pb.StatusRequest())
            with self.assertRaises(EvauthError) as refused:
                self.connect(daemon).call(pb.StatusRequest())
            self.assertEqual(refused.exception.status, RESOURCE_EXHAUSTED)

    def test_one_too_many_hears_why_and_another_client_may_come(self):
        daemon = self.start("--client-connections-max", "3")
        clients = [self.connect(daemon) for _ in range(2)]  # and the test's own one
        for client in clients:
            client.call(pb.StatusRequest())
        extra = self.connect(daemon)
        _, status, method, request_id, body = extra.receive()
        self.assertEqual((status, method, request_id), (RESOURCE_EXHAUSTED, 0, 0))
        self.assertIn("client-connections-max", pb.Error.FromString(body).message)
        self.assertGreater(pb.Error.FromString(body).retry_after_ms, 0)
        with self.assertRaises(ConnectionError):
            extra.receive()
        self.assertEqual(self.hits("client-connections-max"), 1)
        self.assertIn("tcp:127.0.0.1", self.log_lines("client_connections")[0])
        self.open_unix().call(pb.StatusRequest())
        clients[0].close()

        def is_let_in():
            try:
                self.connect(daemon).call(pb.StatusRequest())
                return True
            except (EvauthError, ConnectionError):
                return False

        harness.wait_until(is_let_in, "the place of the one that left")

    def test_the_command_line_says_what_it_was(self):
        daemon = self.start("--client-connections-max", "1")
        done = subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, "status"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("client-connections-max", done.stderr)


class BytesInFlight(BudgetTest):
    def test_a_client_that_does_not_read_is_held_back_on_all_its_connections(self):
        daemon = self.start("--client-inflight-bytes-max", "128KiB", "--write-timeout", "60s", "--workers", "2")
        body = pb.AuthorizeRequest(token_uid="04KNOWN", charge_point_id="cp", explain=True).SerializeToString()
        body += b"\xfa\x3e\xe8\x07" + bytes(1000)  # an unknown field: more than the kernel buffers, either way
        frame = struct.pack(">IBBHI", len(body) + 8, 0x11, 0, 1, 7) + body
        sockets, total, progress = [], 10000, [0] * 4

        def send(number):
            for _ in range(total):
                sockets[number].sendall(frame)
                progress[number] += 1

        for _ in progress:
            connection = socket.socket()
            self.addCleanup(connection.close)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(60)
            connection.connect(("127.0.0.1", daemon.port))
            sockets.append(connection)
        threads = [threading.Thread(target=send, args=(number,)) for number in range(len(progress))]
        for thread in threads:
            thread.start()
        harness.wait_until(lambda: self.hits("client-inflight-bytes-max") > 0, "a client that is held back")
        other = self.open_unix()
        for _ in range(100):
            self.assertEqual(other.call(authorize("04KNOWN")).verdict, pb.VERDICT_ALLOWED)
        # When it reads again, everything it asked is answered, on every connection.
        for connection in sockets:
            threading.Thread(target=self.drain, args=(connection, total), daemon=True).start()
        for thread in threads:
            thread.join(120)
            self.assertFalse(thread.is_alive(), progress)
        harness.wait_until(lambda: self.drained == len(sockets), "all answers")

    drained = 0

    def drain(self, connection, total):
        with connection.makefile("rb") as stream:
            for _ in range(total):
                length, _, status, _, _ = struct.unpack(">IBBHI", stream.read(12))
                assert status == 0
                stream.read(length - 8)
        self.drained += 1


class Clients(BudgetTest):
    def evauth(self, *arguments, server=None):
        return subprocess.run([os.environ["EVAUTH_BIN"], "--server", server or self.daemon.address, "clients",
                               *arguments], capture_output=True, text=True, timeout=60, check=False)

    def test_who_uses_the_daemon_is_listed_busiest_first(self):
        daemon = self.start("--client-unknown-tokens-per-second", "1", "--client-unknown-tokens-burst", "5")
        before = int(time.time())
        unix = self.open_unix()
        for _ in range(100):
            unix.call(authorize("04KNOWN"))
        self.ask_many(self.connect(daemon), [authorize("04NOBODY")] * 3)
        answer = json.loads(self.evauth("--json").stdout)
        self.assertEqual([client["name"] for client in answer["clients"]], [f"uid:{os.getuid()}", "tcp:127.0.0.1"])
        user, network = answer["clients"]
        self.assertEqual((user["requests"], user["allowed"], user["connections"]), ("100", "100", 1))
        self.assertEqual(user["roles"], ["query", "watch", "write", "admin"])
        self.assertEqual((network["denied"], network["unknown_tokens"]), ("3", "3"))
        self.assertEqual(answer["unknown_tokens_max"], "5")
        self.assertGreater(int(network["bytes_in"]), 0)
        self.assertGreater(int(network["bytes_out"]), int(user["bytes_out"]) // 100)
        self.assertGreaterEqual(int(user["last_seen_at"]), before - 1)
        done = self.evauth()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], "CLIENT +ROLES +CONNECTIONS +REQUESTS +ALLOWED +DENIED +UNKNOWN TOKENS +REFUSED")
        self.assertRegex(lines[1], rf"uid:{os.getuid()} +query,watch,write,admin +1 +100 +100 +0 +0 +0 ")
        self.assertRegex(lines[2], r"tcp:127.0.0.1 +query,watch,write,admin +3 +\d+ +0 +3 +3 +0 ")

    def test_one_that_is_refused_stands_out_and_one_that_left_stays(self):
        daemon = self.start("--client-unknown-tokens-per-second", "1", "--client-unknown-tokens-burst", "100")
        client = self.connect(daemon)
        self.ask_many(client, [authorize("04NOBODY")] * 5000)
        client.close()
        done = self.evauth(server="unix:" + self.unix)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("tcp:127.0.0.1 asked for too many unknown tokens", done.stderr)
        self.assertIn("tcp:127.0.0.1", done.stdout)
        self.assertEqual(len(daemon.call(pb.ClientsRequest(count_max=1)).clients), 1)
        self.assertEqual(daemon.call(pb.ClientsRequest(count_max=1)).clients_total, 2)

    def test_without_the_role_admin_nothing_is_told(self):
        self.start("--access", "tcp=query,write", "--access", f"uid:{os.getuid()}=all")
        done = self.evauth()
        self.assertEqual(done.returncode, 2)
        self.assertIn("admin", done.stderr)
        listed = json.loads(self.evauth("--json", server="unix:" + self.unix).stdout)["clients"]
        self.assertEqual([client["roles"] for client in listed if client["name"].startswith("tcp:")],
                         [["query", "write"]])


if __name__ == "__main__":
    unittest.main()
