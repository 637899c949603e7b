#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sockets that the service manager holds: under systemd-socket-activate, with a notify socket of our own, evauthd is
restarted under load and nobody is refused."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import Client, EvauthError

ACTIVATE = shutil.which("systemd-socket-activate")
RESTARTS, CLIENTS = 10, 6
KEPT = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
WORLD = [harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
         harness.attach_points("g", "cp"), harness.put_customer("c"), harness.put_token("04AA", "c"),
         harness.attach_customers("g", "c")]
QUESTION = pb.AuthorizeRequest(token_uid="04AA", charge_point_id="cp", at=1)
# $1 descriptors "5 6", then the command: they become 3, 4 as sd_listen_fds(3) wants them, of this very process.
PASS = """fds=($1); shift; n=3; for fd in "${fds[@]}"; do eval "exec $((n + 100))<&$fd"; n=$((n + 1)); done
for ((i = 3; i < n; i++)); do eval "exec $i<&$((i + 100)) $((i + 100))<&-"; done
export LISTEN_FDS=$((n - 3)) LISTEN_PID=$$; exec "$@" """


class Manager:
    """What systemd is to the daemon: it holds the listening sockets and hears what the daemon says of itself."""

    def __init__(self, test, *sockets, arguments=(), environment=(), activate=True):
        self.test, self.sockets, self.activate = test, sockets, activate
        self.folder = test.make_folder()
        self.arguments, self.environment = list(arguments), dict(environment)
        self.log_file, self.port_file = os.path.join(self.folder, "log"), os.path.join(self.folder, "port")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.folder, "notify"))
        self.notify.settimeout(harness.START_SECONDS)
        self.process = None
        test.addCleanup(self.finish)

    def finish(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for each in (self.notify, *self.sockets):
            each.close()

    def launch(self):
        """systemd-socket-activate becomes evauthd as soon as somebody connects."""
        settings = {"NOTIFY_SOCKET": self.notify.getsockname(), **self.environment}
        settings.update({name: os.environ[name] for name in KEPT if name in os.environ})
        wrapper = [ACTIVATE, *[f"--setenv={name}={value}" for name, value in settings.items()]] if self.activate else []
        fds = [each.fileno() for each in self.sockets]
        with open(self.log_file, "ab") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                ["bash", "-c", PASS, "bash", " ".join(map(str, fds)), *wrapper, os.environ["EVAUTHD_BIN"], "--store",
                 os.path.join(self.folder, "store"), "--port-file", self.port_file, *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=fds, cwd=self.folder,
                env={**os.environ, **settings})

    def wait_for(self, word):
        """Reads what the daemon says until this was among it; returns all of it."""
        said = []
        while not said or word not in said[-1].split("\n"):
            said.append(self.notify.recv(4096).decode())
        return said

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        code = self.process.wait(harness.START_SECONDS)
        self.process = None
        self.test.assertNotRegex(self.log(), harness.SANITIZER)
        return code

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ports(self):
        with open(self.port_file, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]


def tcp_socket(address=("127.0.0.1", 0)):
    listening = socket.create_server(address, backlog=1024)
    return listening, f"{address[0]}:{listening.getsockname()[1]}"


class Visitors:
    """Threads that connect, ask once and leave, again and again: each gets its answer."""

    def __init__(self, *servers):
        self.stopping, self.failures = threading.Event(), []
        self.answered = [0] * CLIENTS
        self.threads = [threading.Thread(target=self.run, args=(number, servers[number % len(servers)]))
                        for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, number, server):
        while not self.stopping.is_set():
            try:
                client = Client(server, harness.START_SECONDS)
            except OSError as error:
                self.failures.append(f"{server}: {error!r}")
                return
            try:
                verdict = client.call(QUESTION).verdict
                if verdict != pb.VERDICT_ALLOWED:
                    self.failures.append(f"verdict {verdict}")
                self.answered[number] += 1
            except (EvauthError, OSError) as error:
                self.failures.append(f"{server}, connected: {error!r}")
            finally:
                client.close()

    def wait_for_more(self):
        """Until each has had an answer from now on."""
        before = list(self.answered)
        harness.wait_until(lambda: self.failures or all(map(int.__gt__, self.answered, before)), "answers for all")

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(harness.START_SECONDS)


@unittest.skipUnless(ACTIVATE, "no systemd-socket-activate here")
class Activation(harness.DaemonTest):
    def unix_socket(self):
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(os.path.join(self.make_folder(), "socket"))
        listening.listen(1024)
        return listening, f"unix:{listening.getsockname()}"

    def fill(self, server):
        client = Client(server, harness.START_SECONDS)
        client.call(pb.ChangeSet(changes=WORLD))
        client.close()

    def test_a_restart_under_load_refuses_nobody(self):
        tcp, address = tcp_socket()
        unix, path = self.unix_socket()
        manager = Manager(self, tcp, unix)
        manager.launch()
        self.fill(address)
        manager.wait_for("READY=1")
        visitors = Visitors(address, path)
        try:
            for _ in range(RESTARTS):
                visitors.wait_for_more()
                self.assertEqual(manager.stop(), 0, manager.log())
                manager.wait_for("STOPPING=1")
                manager.launch()
                manager.wait_for("READY=1")
            visitors.wait_for_more()
        finally:
            visitors.stop()
        self.assertEqual(visitors.failures, [])
        self.assertEqual(manager.stop(), 0)
        self.assertTrue(os.path.exists(unix.getsockname()), "the socket's file belongs to the manager")

    def test_who_was_accepted_a_moment_before_a_stop_is_answered(self):
        tcp, address = tcp_socket()
        unix, path = self.unix_socket()
        manager = Manager(self, tcp, unix, activate=False, arguments=["--workers", "3"])
        manager.launch()
        self.fill(path)
        manager.wait_for("READY=1")
        # Connections go to the workers in turn: one of these is with each.
        known = [Client(address, harness.START_SECONDS) for _ in range(3)]
        for client in known:
            client.call(QUESTION)
        fresh = [Client(server, harness.START_SECONDS) for server in (address, path, address)]
        harness.wait_until(lambda: known[0].call(pb.StatusRequest()).connections == 6, "the connections")
        manager.process.send_signal(signal.SIGTERM)
        for client in known:  # who has asked before is let go: the workers are stopping
            self.assertEqual(client.socket.recv(1), b"")
        for client in fresh:
            self.assertEqual(client.call(QUESTION).verdict, pb.VERDICT_ALLOWED)
        for client in fresh:  # one question each
            with self.assertRaises(ConnectionError):
                client.call(QUESTION)
        for client in (*known, *fresh):
            client.close()
        self.assertEqual(manager.wait(), 0)

    def test_who_connects_while_it_is_down_is_answered_when_it_is_up(self):
        tcp, address = tcp_socket()
        manager = Manager(self, tcp)
        waiting = [Client(address, harness.START_SECONDS) for _ in range(50)]
        for client in waiting:
            client.send(pb.StatusRequest())
        manager.launch()
        for client in waiting:
            self.assertEqual(client.receive()[1], 0)
            client.close()
        self.assertEqual(manager.stop(), 0)

    def test_the_watchdog_is_told_that_it_lives(self):
        tcp, address = tcp_socket()
        manager = Manager(self, tcp, environment={"WATCHDOG_USEC": "1000000"})
        manager.launch()
        Client(address, harness.START_SECONDS).close()
        said = manager.wait_for("WATCHDOG=1")
        self.assertTrue(any("READY=1" in text.split("\n") for text in said))
        self.assertEqual(manager.stop(), 0)

    def test_an_address_that_is_set_as_well_is_opened_once(self):
        tcp, address = tcp_socket()
        unix, path = self.unix_socket()
        manager = Manager(self, tcp, unix, activate=False, arguments=[
            "--listen", address, "--listen", "127.0.0.1:0", "--unix", unix.getsockname()])
        manager.launch()
        manager.wait_for("READY=1")
        first, second, third = manager.ports()
        self.assertEqual((first, third), (f"listen {address}", f"unix {unix.getsockname()}"))
        for server in (address, path, second.split()[1]):
            client = Client(server)
            client.call(pb.StatusRequest())
            client.close()
        self.assertEqual(manager.stop(), 0)

    def test_with_a_socket_there_is_no_default_address(self):
        unix, _ = self.unix_socket()
        manager = Manager(self, unix, activate=False)
        manager.launch()
        manager.wait_for("READY=1")
        self.assertEqual(manager.ports(), [f"unix {unix.getsockname()}"])
        self.assertEqual(manager.stop(), 0)

    def refuse(self, *sockets, arguments=()):
        manager = Manager(self, *sockets, arguments=arguments, activate=False)
        manager.launch()
        self.assertEqual(manager.wait(), 1)
        return manager.log()

    def test_what_others_can_reach_needs_the_word_insecure(self):
        tcp, _ = tcp_socket(("0.0.0.0", 0))
        self.assertIn("--insecure-listen", self.refuse(tcp))

    def test_what_is_no_listening_stream_socket_is_refused(self):
        self.assertIn("no listening stream socket", self.refuse(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
        self.assertIn("no listening stream socket", self.refuse(socket.socket(socket.AF_INET)))

    def test_a_second_unix_socket_is_refused(self):
        self.assertIn("one Unix socket only", self.refuse(self.unix_socket()[0], self.unix_socket()[0]))
        self.assertIn("one Unix socket only", self.refuse(self.unix_socket()[0], arguments=["--unix", "elsewhere"]))

    def test_a_unix_socket_without_a_path_is_refused(self):
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(f"\0evauth-test-{os.getpid()}-{time.monotonic_ns()}")
        abstract.listen()
        self.assertIn("has no path", self.refuse(abstract))


if __name__ == "__main__":
    unittest.main()
