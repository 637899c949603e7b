# SPDX-License-Identifier: Apache-2.0
"""What the tests of replication share: redis-servers, a proxy that can fail, and replicas between them.

    class Something(cluster.ClusterTest):
        def test_it(self):
            redis = self.start_redis()
            a, b = self.start_replicas(redis, 2)
            a.apply(harness.put_tariff("t"))
            cluster.wait_equal(a, b)

Everything listens on Unix sockets in temporary folders, or on ports the kernel chooses, so tests run side by side.
"""

import os
import random
import signal
import socket
import subprocess
import threading

import evauth_pb2 as pb
import harness
from evauth_client import EvauthError

FOLLOWING = pb.REPLICATION_STATE_FOLLOWING
DIVERGED = pb.REPLICATION_STATE_DIVERGED
EPHEMERAL_MIN = 32768  # ports below it are nobody's outgoing connection


def free_port():
    """A port nobody listens on, for servers that cannot choose one by themselves (Sentinel names ports)."""
    while True:
        port = random.randrange(10240, EPHEMERAL_MIN)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class RedisServer:
    """One redis-server. `settings` are lines of its configuration."""

    def __init__(self, folder, *settings, port=0, sentinel=False):
        self.folder, self.settings, self.port, self.sentinel = folder, settings, port, sentinel
        self.path = os.path.join(folder, "redis.sock")
        self.log_file = os.path.join(folder, "redis.log")
        self.process, self.is_stopped = None, False
        self.write_config()

    def write_config(self):
        lines = [f"port {self.port}", "bind 127.0.0.1", f"unixsocket {self.path}", "unixsocketperm 700",
                 f"dir {self.folder}", f"logfile {self.log_file}", "daemonize no", *self.settings]
        with open(self.config_file, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    @property
    def config_file(self):
        return os.path.join(self.folder, "redis.conf")

    @property
    def url(self):
        return f"unix://{self.path}"

    def start(self, wait=True):
        command = ["redis-server", self.config_file] + (["--sentinel"] if self.sentinel else [])
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=self.folder)
        if wait:
            harness.wait_until(self.answers, "redis-server")
        return self

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log_file, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"redis-server ended with {self.process.returncode}:\n{file.read()}")
        return self.cli("PING", check=False).strip() == "PONG"

    def cli(self, *words, check=True):
        """redis-cli; returns what it prints."""
        result = subprocess.run(["redis-cli", "-s", self.path, *words], capture_output=True, text=True, timeout=30,
                                check=False)
        if check and (result.returncode != 0 or result.stdout.startswith("(error)")):
            raise AssertionError(f"redis-cli {words}: {result.stdout}{result.stderr}")
        return result.stdout

    def publish(self, payload):
        """To the inbox. How many heard it."""
        command = ["redis-cli", "-s", self.path, "-x", "PUBLISH", "{evauth}:inbox"]
        result = subprocess.run(command, input=payload, capture_output=True, text=True, timeout=30, check=False)
        try:
            return int(result.stdout)
        except ValueError:
            raise AssertionError(f"redis-cli PUBLISH: {result.stdout}{result.stderr}") from None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.is_stopped = True

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.is_stopped = False

    def kill(self):
        """kill -9, as a crash: what it had not on disk is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        if self.process is None:
            return
        if self.is_stopped:
            self.thaw()
        self.process.terminate()
        try:
            self.process.wait(harness.START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("redis-server did not end") from None
        self.process = None


class Proxy:
    """A Unix socket in front of another one. pass_on: forwards after `delay` s. silent: takes connections and bytes and
    forwards nothing. refuse: nobody listens."""

    def __init__(self, folder, target):
        self.path, self.target = os.path.join(folder, "proxy.sock"), target
        self.lock, self.mode, self.delay = threading.Lock(), "pass_on", 0.0
        self.pairs, self.threads, self.listener, self.over = [], [], None, threading.Event()
        self.open()

    @property
    def url(self):
        return f"unix://{self.path}"

    def open(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(64)
        self.listener = listener
        self.run(self.accept, listener)

    def run(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.listener is not listener:
                client.close()
                return
            self.run(self.serve, client)

    def serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        with self.lock:
            self.pairs.append((client, server))
        try:
            server.connect(self.target)
            self.run(self.pump, client, server)
            self.pump(server, client)
        except OSError:
            pass
        self.close_pair(client, server)

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                while self.mode == "silent" and not self.over.wait(0.005):
                    pass
                if self.delay:
                    self.over.wait(self.delay)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close_pair(self, client, server):
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        with self.lock:
            if (client, server) in self.pairs:
                self.pairs.remove((client, server))

    def cut(self):
        """Closes every connection; new ones are taken."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self.close_pair(*pair)

    def refuse(self):
        """Closes every connection and takes none until heal()."""
        listener, self.listener = self.listener, None
        if listener:
            os.unlink(self.path)
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def heal(self):
        self.mode, self.delay = "pass_on", 0.0
        if self.listener is None:
            self.open()

    def close(self):
        self.over.set()
        self.refuse()
        for thread in self.threads:
            thread.join(harness.START_SECONDS)


class Replica(harness.Daemon):
    """An evauthd that follows Redis, by a proxy of its own; `peers` are other replicas."""

    def __init__(self, folder, url, arguments=(), environment=None):
        super().__init__(folder, arguments, environment)
        self.url, self.peers, self.is_frozen = url, [], False
        self.unix = os.path.join(folder, "rpc.sock")

    def command(self):
        peers = [word for peer in self.peers for word in ("--peer", f"unix:{peer.unix}")]
        return [*super().command(), "--unix", self.unix, "--redis", self.url, *peers]

    def replication(self):
        return self.status().replication

    def state(self):
        return self.replication().state

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        self.is_frozen = False

    def stop(self):
        if self.process is not None and self.is_frozen:
            self.thaw()
        super().stop()

    def log_entries(self, **fields):
        """All entries of its change log, oldest first."""
        entries, before = [], 0
        while True:
            page = self.call(pb.LogRequest(before_revision=before, page_size=1000, **fields)).entries
            if not page:
                return entries[::-1]
            entries += page
            before = page[-1].revision


def try_status(replica):
    """Its Status, or None while it cannot answer."""
    try:
        return replica.status()
    except (OSError, EvauthError):
        replica.forget_client()
        return None


def wait_state(replica, state, seconds=harness.START_SECONDS):
    def reached():
        status = try_status(replica)
        return status if status and status.replication.state == state else None

    try:
        return harness.wait_until(reached, f"state {pb.ReplicationState.Name(state)}", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{try_status(replica)}\n{replica.log()}") from None


def wait_equal(*replicas, seconds=harness.START_SECONDS):
    """Until all follow and stand at the same revision; their digests must be equal then. Returns a Status."""
    def all_equal():
        found = [try_status(replica) for replica in replicas]
        if any(status is None or status.replication.state != FOLLOWING for status in found):
            return None
        return found if len({status.revision for status in found}) == 1 else None

    try:
        found = harness.wait_until(all_equal, "all replicas at one revision", seconds)
    except AssertionError as error:
        texts = "\n".join(f"{try_status(replica)}\n{replica.log()[-3000:]}" for replica in replicas)
        raise AssertionError(f"{error}\n{texts}") from None
    if len({status.digest for status in found}) != 1 or len({status.epoch for status in found}) != 1:
        raise AssertionError(f"one revision, different states: {found}")
    return found[0]


class ClusterTest(harness.DaemonTest):
    """A test case that may start redis-servers, proxies and replicas; all are stopped when the test ends."""

    def start_redis(self, *settings, **options):
        redis = RedisServer(self.make_folder(), *settings, **options)
        self.addCleanup(redis.stop)
        return redis.start()

    def start_proxy(self, target):
        proxy = Proxy(self.make_folder(), target)
        self.addCleanup(proxy.close)
        return proxy

    def new_replica(self, redis, *arguments, proxied=False):
        proxy = self.start_proxy(redis.path) if proxied else None
        replica = Replica(self.make_folder(), proxy.url if proxy else redis.url, arguments)
        replica.proxy = proxy
        self.addCleanup(replica.stop)
        return replica

    def start_replicas(self, redis, count, *arguments, proxied=False):
        """Replicas that know each other as peers, all following."""
        replicas = [self.new_replica(redis, *arguments, proxied=proxied) for _ in range(count)]
        for replica in replicas:
            replica.peers = [peer for peer in replicas if peer is not replica]
        for replica in replicas:
            replica.start()
        wait_equal(*replicas)
        return replicas


