#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clients of clients/ as a user runs them, and the hex vectors of proto/PROTOCOL.md, against a real daemon."""

import os
import re
import socket
import struct
import subprocess
import sys
import threading
import unittest

import harness

SOURCE = os.environ["EVAUTH_SOURCE_DIR"]
PYTHON = [sys.executable, os.path.join(SOURCE, "clients/python/evauth_client.py")]
NODE = [os.environ["EVAUTH_NODE"], os.path.join(SOURCE, "clients/node/evauth-client.js")]

# The world PROTOCOL.md talks about.
WORLD = [
    harness.put_tariff("t-work"), harness.put_group("office", "t-work"),
    harness.put_group("street", "t-work", open_to_roaming=True),
    harness.put_point("NL*EVC*E0001"), harness.put_point("NL*EVC*E0002"),
    harness.attach_points("office", "NL*EVC*E0001"), harness.attach_points("street", "NL*EVC*E0002"),
    harness.put_customer("cust-17"), harness.attach_customers("office", "cust-17"),
    harness.put_token("04A1B2C3D4E5F6", "cust-17"),
]


class Clients(harness.DaemonTest):
    def run_client(self, client, address, *arguments):
        done = subprocess.run([*client, *arguments], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "EVAUTH_SERVER": address})
        return done.returncode, done.stdout + done.stderr

    def check(self, client, address):
        for token, point, code, words in (("04A1B2C3D4E5F6", "NL*EVC*E0001", 0, ["ALLOWED", "t-work"]),
                                          ("04FFFFFFFFFFFF", "NL*EVC*E0001", 1, ["DENIED"]),
                                          ("04FFFFFFFFFFFF", "NL*EVC*E0002", 3, ["ASK_ISSUER", "t-work"]),
                                          ("04A1B2C3D4E5F6", "nowhere", 1, ["DENIED"])):
            returned, output = self.run_client(client, address, token, point)
            self.assertEqual(returned, code, output)
            for word in words:
                self.assertIn(word, output)

    def test_python_client(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        self.check(PYTHON, daemon.address)

    def test_node_client(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        self.check(NODE, daemon.address)

    def test_both_over_the_unix_socket(self):
        path = os.path.join(self.make_folder(), "s")
        daemon = self.start_daemon("--unix", path)
        daemon.apply(*WORLD)
        self.check(PYTHON, "unix:" + path)
        self.check(NODE, "unix:" + path)

    def test_errors_and_absent_daemons_are_exit_code_2(self):
        daemon = self.start_daemon()
        for client in (PYTHON, NODE):
            code, output = self.run_client(client, daemon.address, "", "")
            self.assertEqual(code, 2, output)
            self.assertIn("charge_point_id", output)
            code, output = self.run_client(client, "unix:/nowhere/at/all", "a", "b")
            self.assertEqual(code, 2, output)

    def test_a_verdict_that_is_not_known_is_a_denial(self):
        """A later daemon may have one; an earlier answer may have none at all."""
        for body in (b"\x08\x63", b""):
            for client in (PYTHON, NODE):
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    answering = threading.Thread(target=self.answer_once, args=(listener, body))
                    answering.start()
                    code, output = self.run_client(client, f"127.0.0.1:{listener.getsockname()[1]}", "a", "b")
                    answering.join()
                self.assertEqual(code, 1, output)
                self.assertIn("DENIED", output)

    @staticmethod
    def answer_once(listener, body):
        connection, _ = listener.accept()
        with connection:
            request = connection.recv(4096)
            connection.sendall(struct.pack(">IBB", len(body) + 8, 0x12, 0) + request[6:12] + body)
            connection.recv(1)

    def test_node_client_answers_many_questions_at_once(self):
        """Pipelined, and in answers cut into pieces by TCP."""
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        script = f"""
            const {{ EvauthClient }} = require({NODE[1]!r});
            const client = new EvauthClient({daemon.address!r});
            const ask = (n) => client.authorize({{ tokenUid: n % 2 ? '04A1B2C3D4E5F6' : '04FF', evseId: '',
                                                  chargePointId: 'NL*EVC*E0001', at: 1e9 + n }});
            Promise.all(Array.from({{ length: 2000 }}, (_, n) => ask(n))).then((answers) => {{
              console.log(answers.filter((answer, n) => answer.verdict === (n % 2 ? 'ALLOWED' : 'DENIED')).length);
              client.socket.end();
            }});
        """
        done = subprocess.run([NODE[0], "-e", script], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.stdout.strip(), "2000", done.stderr)

    def test_node_client_watches(self):
        daemon = self.start_daemon()
        for number in range(3):
            daemon.apply(harness.put_customer(f"c-{number}"), actor="alice")
        script = f"""
            const {{ EvauthClient }} = require({NODE[1]!r});
            const client = new EvauthClient({daemon.address!r});
            client.watch(2, (event) => {{
              console.log(event.revision, event.actor, event.changeSets.length);
              if (event.revision === 4) client.watch(99, () => {{}}).catch((error) => {{
                console.log(error.status);
                process.exit();
              }});
            }});
        """
        done = subprocess.run([NODE[0], "-e", script], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.stdout.split("\n")[:3], ["3 alice 1", "4 alice 1", "11"], done.stderr)


class HexVectors(harness.DaemonTest):
    """Blocks of PROTOCOL.md marked `request` are sent as they stand; the daemon must answer the block after it."""

    def vectors(self):
        with open(os.path.join(SOURCE, "proto/PROTOCOL.md"), encoding="utf-8") as file:
            text = file.read()
        blocks = re.findall(r"```(request|response)\n(.*?)```", text, re.DOTALL)
        parsed = [(kind, bytes.fromhex("".join(line.split("#")[0] for line in body.split("\n"))))
                  for kind, body in blocks]
        return [(request, response) for (kind, request), (_, response) in zip(parsed, parsed[1:]) if kind == "request"]

    def test_the_daemon_gives_the_answers_of_the_document(self):
        vectors = self.vectors()
        self.assertGreaterEqual(len(vectors), 5)
        daemon = self.start_daemon()
        with socket.create_connection(("127.0.0.1", daemon.port), 30) as connection:
            for request, response in vectors:
                connection.sendall(request)
                answer = b""
                while len(answer) < len(response):
                    part = connection.recv(len(response) - len(answer))
                    self.assertTrue(part, f"closed after {answer.hex(' ')}")
                    answer += part
                self.assertEqual(answer.hex(" "), response.hex(" "), f"to {request.hex(' ')}")


if __name__ == "__main__":
    unittest.main()
