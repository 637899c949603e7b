#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From start to stop and over crashes: nothing accepted is lost, nothing half done stays, and refusals are clear."""

import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import unittest

import evauth_pb2 as pb
import harness
from evauth_client import Client, EvauthError

WORLD = [harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
         harness.attach_points("g", "cp"), harness.put_customer("c"), harness.put_token("04AA", "c"),
         harness.attach_customers("g", "c")]
QUESTION = pb.AuthorizeRequest(token_uid="04AA", charge_point_id="cp", at=1)


def counts(daemon):
    return {row.kind: row.count for row in daemon.status().objects}


class Load:
    """Threads that send as fast as they are answered, and write down what they sent and what came back."""

    def __init__(self, daemon, writers, askers):
        self.daemon, self.stopping = daemon, threading.Event()
        self.acknowledged, self.sent, self.failures = set(), set(), []
        self.answered = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(self.write, number)) for number in range(writers)]
        self.threads += [threading.Thread(target=self.run, args=(self.ask, number)) for number in range(askers)]
        for thread in self.threads:
            thread.start()

    def run(self, work, number):
        client = self.daemon.connect()
        try:
            work(client, number)
        except EvauthError as error:
            if error.status != harness.UNAVAILABLE:  # the daemon's farewell
                self.failures.append(repr(error))
        except (ConnectionError, BrokenPipeError):
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(repr(error))
        finally:
            client.close()

    def write(self, client, number):
        """Sets of three changes that belong together, four of them under way at a time."""
        waiting, count = {}, 0
        while not self.stopping.is_set():
            name = f"w{number}-{count}"
            count += 1
            changes = [harness.put_customer(name), harness.put_token(name, name, type=pb.TOKEN_TYPE_APP_USER),
                       harness.attach_customers("g", name)]
            with self.lock:
                self.sent.add(name)
            try:
                waiting[client.send(pb.ChangeSet(changes=changes))] = name
            except OSError:
                self.drain(client, waiting)
                return
            if len(waiting) == 4:
                self.acknowledge(client.receive(), waiting)
        self.drain(client, waiting)

    def drain(self, client, waiting):
        while waiting:
            self.acknowledge(client.receive(), waiting)

    def acknowledge(self, frame, waiting):
        _, status, _, request_id, body = frame
        name = waiting.pop(request_id, None)
        if status:
            raise EvauthError(status, body)
        with self.lock:
            self.acknowledged.add(name)

    def ask(self, client, _):
        """Questions, 32 under way at a time: the answers must come in order, and all but a tail of them."""
        sent, received = 0, 0
        while not self.stopping.is_set():
            try:
                while sent < received + 32:
                    client.send(QUESTION)
                    sent += 1
            except OSError:
                pass  # what was answered before can still be read
            kind, status, _, request_id, body = client.receive()
            if status:
                raise EvauthError(status, body)
            received += 1
            if (kind, request_id) != (2, received):
                self.failures.append(f"answer {request_id} instead of {received}")
                return
            if pb.AuthorizeResponse.FromString(body).verdict != pb.VERDICT_ALLOWED:
                self.failures.append("wrong verdict")
            with self.lock:
                self.answered += 1

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)


class Stop(harness.DaemonTest):
    def test_sigterm_in_the_middle_of_load_loses_no_accepted_request(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        for _ in range(3):
            before = counts(daemon)[pb.OBJECT_KIND_CUSTOMER]
            load = Load(daemon, writers=4, askers=4)
            harness.wait_until(lambda load=load: len(load.acknowledged) > 100 and load.answered > 1000, "load")
            daemon.stop()
            load.stop()
            self.assertEqual(load.failures, [])
            daemon.start()
            after = counts(daemon)
            # What is there was acknowledged, and what was acknowledged is there.
            self.assertEqual(after[pb.OBJECT_KIND_CUSTOMER] - before, len(load.acknowledged))
            daemon.apply(*[harness.delete("customer", name) for name in sorted(load.acknowledged)])
            self.assertEqual(counts(daemon)[pb.OBJECT_KIND_CUSTOMER], 1)

    def test_what_was_pipelined_before_sigterm_is_answered(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        clients = [self.connect(daemon) for _ in range(20)]
        for client in clients:
            for _ in range(200):
                client.send(QUESTION)
        for client in clients:
            client.receive()
        daemon.process.send_signal(signal.SIGTERM)
        for client in clients:
            last = 1
            try:
                while (frame := client.receive())[1] == 0:
                    self.assertEqual(frame[3], last + 1)
                    last = frame[3]
            except ConnectionResetError:
                self.fail("the connection was reset: answers on their way are lost")
            except ConnectionError:
                pass
        daemon.wait_for_clean_end()

    def test_restart_keeps_everything(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        before, revision = list(daemon.client().snapshot()), daemon.status().revision
        daemon.restart()
        self.assertEqual(list(daemon.client().snapshot()), before)
        self.assertEqual(daemon.status().revision, revision)
        self.assertEqual(daemon.call(QUESTION).verdict, pb.VERDICT_ALLOWED)
        self.assertEqual(daemon.apply(harness.put_customer("x")).revision, revision + 1)

    def test_stop_with_idle_connections_is_quick(self):
        daemon = self.start_daemon()
        idle = [self.connect(daemon) for _ in range(50)]
        daemon.stop()
        for client in idle:
            with self.assertRaises(ConnectionError):
                client.receive()

    def test_second_sigterm_does_no_harm(self):
        daemon = self.start_daemon()
        daemon.forget_client()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_clean_end()


class Crash(harness.DaemonTest):
    def test_kill_9_keeps_what_was_acknowledged_and_nothing_by_halves(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        generator, acknowledged, sent = random.Random(9), set(), set()
        for _ in range(6):
            load = Load(daemon, writers=6, askers=2)
            target = generator.randrange(50, 250)
            harness.wait_until(lambda load=load, target=target: len(load.acknowledged) > target, "load")
            daemon.kill()
            load.stop()
            self.assertEqual(load.failures, [])
            acknowledged |= load.acknowledged
            sent |= load.sent
            daemon.start()
            self.check(daemon, acknowledged, sent)
        self.check(daemon.restart(), acknowledged, sent)

    def check(self, daemon, acknowledged, sent):
        records = [getattr(record, record.WhichOneof("object")) for record in daemon.client().snapshot()]
        customers = {record.id for record in records if isinstance(record, pb.Customer)} - {"c"}
        tokens = {record.uid for record in records if isinstance(record, pb.Token)} - {"04AA"}
        members = {record.customer_id for record in records if isinstance(record, pb.Membership)} - {"c"}
        self.assertEqual(acknowledged - customers, set(), "acknowledged and gone")
        self.assertEqual((customers ^ tokens) | (customers ^ members), set(), "half there")
        self.assertLessEqual(customers, sent)


class Systemd(harness.DaemonTest):
    def notifications(self, **environment):
        """A daemon that reports to a socket of the test, and that socket."""
        path = os.path.join(self.make_folder(), "notify")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.settimeout(harness.START_SECONDS)
        return self.new_daemon(environment={"NOTIFY_SOCKET": path, **environment}), listener

    def wait_for(self, listener, text):
        """Reads reports until one contains `text`; returns all of them."""
        seen = []
        while not seen or text not in seen[-1]:
            seen.append(listener.recv(4096).decode())
        return seen

    def test_ready_comes_when_it_answers_and_stopping_when_asked_to_stop(self):
        daemon, listener = self.notifications()
        daemon.launch()
        self.assertIn("STATUS=", "".join(self.wait_for(listener, "READY=1")))
        self.assertTrue(daemon.read_port())  # at once: no waiting
        self.assertEqual(daemon.status().revision, 1)
        daemon.forget_client()
        daemon.process.send_signal(signal.SIGTERM)
        self.wait_for(listener, "STOPPING=1")
        daemon.wait_for_clean_end()

    def test_watchdog_is_fed_while_it_works(self):
        daemon, listener = self.notifications(WATCHDOG_USEC="400000")
        daemon.start()
        for _ in range(3):
            self.wait_for(listener, "WATCHDOG=1")

    def test_no_watchdog_unless_asked_for(self):
        daemon, listener = self.notifications()
        daemon.start().stop()
        self.assertFalse([text for text in self.wait_for(listener, "STOPPING=1") if "WATCHDOG" in text])

    def test_reload_is_reported(self):
        daemon, listener = self.notifications()
        daemon.start()
        self.wait_for(listener, "READY=1")
        daemon.process.send_signal(signal.SIGHUP)
        self.wait_for(listener, "RELOADING=1")
        self.wait_for(listener, "READY=1")


class Configuration(harness.DaemonTest):
    def run_daemon(self, *arguments, expect=0):
        """Runs it to its end; returns what it wrote."""
        done = subprocess.run([os.environ["EVAUTHD_BIN"], *arguments], capture_output=True, text=True, check=False,
                              timeout=harness.START_SECONDS, cwd=self.make_folder(), stdin=subprocess.DEVNULL)
        output = done.stdout + done.stderr
        self.assertEqual(done.returncode != 0, expect != 0, f"{done.returncode}: {output}")
        self.assertGreaterEqual(done.returncode, 0, f"ended by a signal: {output}")
        self.assertNotRegex(output, harness.SANITIZER)
        return output

    def config(self, text):
        path = os.path.join(self.make_folder(), "evauthd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_version_and_help(self):
        self.assertRegex(self.run_daemon("--version"), r"evauthd \d+\.\d+\.\d+")
        text = self.run_daemon("--help")
        for option in ("--config", "--store", "--listen", "--unix", "--workers", "--log-level", "--check-config",
                       "--version", "--insecure-listen", "--port-file", "--map-size"):
            self.assertIn(option, text)

    def test_check_config_prints_settings_that_read_back_alike(self):
        first = self.run_daemon("--check-config", "--workers", "3", "--listen", "127.0.0.1:0", "--idle-timeout", "7s")
        self.assertRegex(first, r"workers\s*=\s*3")
        self.assertEqual(self.run_daemon("--check-config", "--config", self.config(first)), first)

    def test_command_line_beats_the_file(self):
        path = self.config("workers = 2\nlog-level = debug\n")
        self.assertRegex(self.run_daemon("--check-config", "--config", path, "--workers", "5"), r"workers\s*=\s*5")
        self.assertRegex(self.run_daemon("--check-config", "--config", path), r"workers\s*=\s*2")

    def test_bad_settings_are_refused_by_name_and_line(self):
        for text, words in (("workers = many\n", ["workers"]), ("\nworkers = 1000\n", ["workers", ":2"]),
                            ("nonsense = 1\n", ["nonsense"]), ("log-level = loud\n", ["log-level"]),
                            ("listen = {\"x\"}\n", ["listen"])):
            path = self.config(text)
            output = self.run_daemon("--check-config", "--config", path, expect=1)
            for word in [*words, path]:
                self.assertIn(word, output)
        for arguments in (["--workers", "many"], ["--nonsense"], ["--map-size", "1KiB"],
                          ["--config", "/nowhere/x"], ["stray"]):
            self.assertTrue(self.run_daemon(*arguments, expect=1).strip())

    def test_listening_beyond_loopback_needs_a_word(self):
        for address in ("0.0.0.0:0", "[::]:0"):
            output = self.run_daemon("--listen", address, expect=1)
            self.assertIn("insecure-listen", output)
        daemon = self.new_daemon("--listen", "0.0.0.0:0", "--insecure-listen", listen=False).start()
        self.assertEqual(daemon.status().revision, 1)

    def test_address_in_use_is_said(self):
        daemon = self.start_daemon()
        output = self.run_daemon("--listen", daemon.address, expect=1)
        self.assertIn(str(daemon.port), output)
        self.assertIn("in use", output.lower())

    def test_without_arguments_it_says_where_it_serves(self):
        folder = self.make_folder()
        with subprocess.Popen([os.environ["EVAUTHD_BIN"]], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
            first = process.stderr.readline()
            process.terminate()
            rest = process.stderr.read()
        if "in use" not in first + rest:
            self.assertIn("127.0.0.1:7420", first)
            self.assertIn("evauthd-data", first)
            self.assertTrue(os.path.isdir(os.path.join(folder, "evauthd-data")))

    def test_unix_socket(self):
        path = os.path.join(self.make_folder(), "evauthd.sock")
        daemon = self.start_daemon("--unix", path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
        client = Client("unix:" + path)
        self.addCleanup(client.close)
        self.assertEqual(client.call(pb.StatusRequest()).revision, 1)
        daemon.kill()
        self.assertTrue(os.path.exists(path))
        daemon.start()  # takes the dead one's place
        again = Client("unix:" + path)
        self.addCleanup(again.close)
        self.assertEqual(again.call(pb.StatusRequest()).revision, 1)
        again.close()
        daemon.stop()
        self.assertFalse(os.path.exists(path))

    def limits(self, daemon):
        return {limit.name: limit.value for limit in daemon.status().limits}

    def test_lines_of_json_and_level_and_format_by_sighup(self):
        path = self.config("log-format = json\nlog-level = info\n")
        daemon = self.start_daemon("--config", path)
        lines = [json.loads(line) for line in daemon.log().splitlines()]
        ready = [line for line in lines if line["event"] == "ready"]
        self.assertEqual([set(line) for line in ready], [{"time", "level", "event", "message"}])
        self.assertNotIn("connection_closed", daemon.log())
        with open(path, "w", encoding="utf-8") as file:
            file.write("log-format = text\nlog-level = debug\n")
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "Z info reloaded: " in daemon.log(), "the reload")
        with socket.create_connection(("127.0.0.1", daemon.port)) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            noise.recv(1000)
        harness.wait_until(lambda: "Z debug connection_closed: " in daemon.log(), "the level")

    def test_sighup_takes_over_what_can_be_reloaded_and_names_the_rest(self):
        path = self.config("max-connections = 50\nworkers = 2\n")
        daemon = self.start_daemon("--config", path)
        name = next(name for name in self.limits(daemon) if "connections" in name)
        self.assertEqual(self.limits(daemon)[name], 50)

        def rewrite(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            daemon.process.send_signal(signal.SIGHUP)

        rewrite("max-connections = 60\nworkers = 3\n")
        harness.wait_until(lambda: self.limits(daemon)[name] == 60, "the new limit")
        harness.wait_until(lambda: "workers" in daemon.log(), "a line about what needs a restart")
        self.assertEqual(daemon.status().workers, 2)
        rewrite("max-connections = lots\n")
        harness.wait_until(lambda: "lots" in daemon.log(), "a line about the bad file")
        self.assertEqual(self.limits(daemon)[name], 60)


class BadStores(harness.DaemonTest):
    """A damaged, truncated or foreign store is refused with the way out, never served and never a crash."""

    def setUp(self):
        self.daemon = self.start_daemon()
        self.daemon.apply(*WORLD)
        for number in range(5):
            self.daemon.apply(*[harness.put_customer(f"c{number}-{at}", name=f"Customer {at}") for at in range(200)])
        self.daemon.stop()
        self.file = os.path.join(self.daemon.store, "data.mdb")
        shutil.copy(self.file, self.file + ".good")

    def start_refused(self):
        """It must end by itself, with a message that names the file and says what to do."""
        self.daemon.launch()
        code = self.daemon.process.wait(harness.START_SECONDS)
        self.daemon.process = None
        log = self.daemon.log()
        self.daemon.check_log()
        self.assertGreater(code, 0, log)
        last = [line for line in log.split("\n") if line][-1]
        self.assertIn(self.daemon.store, last)
        self.assertRegex(last, re.compile("restore|backup|another|remove|import|upgrade|in use", re.IGNORECASE))
        return last

    def restore(self):
        shutil.copy(self.file + ".good", self.file)

    def test_truncated_file(self):
        size = os.path.getsize(self.file)
        for left in (0, 100, 4096, 8192, size // 2, size - 4096, size - 1):
            self.restore()
            os.truncate(self.file, left)
            self.start_refused()
        self.restore()
        self.daemon.start()

    def test_file_that_gives_way_under_a_running_daemon(self):
        """The writer reads where there is no file any more, as on a disk that fails: the last words name the store."""
        # A sanitizer would take the place of the signal's own end.
        quiet = ":".join([os.environ.get("ASAN_OPTIONS", ""), "handle_sigbus=0:handle_segv=0"])
        daemon = self.daemon
        daemon.environment.update(ASAN_OPTIONS=quiet, TSAN_OPTIONS="handle_sigbus=0:handle_segv=0")
        daemon.start()
        os.truncate(self.file, 0)
        with self.assertRaises((ConnectionError, EOFError, EvauthError)):
            daemon.apply(harness.put_token("04BB", "c"))
        self.assertEqual(daemon.process.wait(harness.START_SECONDS), -signal.SIGBUS)
        daemon.process = None
        daemon.forget_client()
        self.assertRegex(daemon.log(), "crashed on reading memory; the disk under the store .* may be failing")

    def test_damaged_records(self):
        generator = random.Random(4)
        with open(self.file, "rb") as file:
            good = file.read()
        places = [match.start() for match in re.finditer(rb"Customer \d", good)]
        self.assertGreater(len(places), 100)
        for _ in range(5):
            with open(self.file, "r+b") as file:
                for place in generator.sample(places, len(places) // 2):
                    file.seek(place)
                    file.write(b"Kunde")
            self.start_refused()
            self.restore()
        self.assertEqual(counts(self.daemon.start())[pb.OBJECT_KIND_CUSTOMER], 1001)

    def test_damaged_pages_never_crash(self):
        generator = random.Random(5)
        size = os.path.getsize(self.file)
        for _ in range(30):
            self.restore()
            with open(self.file, "r+b") as file:
                file.seek(generator.randrange(0, size - 64))
                file.write(generator.randbytes(generator.randrange(1, 64)))
            self.daemon.launch()
            try:
                harness.wait_until(self.daemon.read_port, "start or refusal")
            except AssertionError:
                code = self.daemon.process.wait(harness.START_SECONDS)
                self.daemon.process = None
                self.assertGreater(code, 0, self.daemon.log())
                self.daemon.check_log()
                continue
            # What it serves must be whole: the damage hit a free page.
            self.assertEqual(counts(self.daemon)[pb.OBJECT_KIND_CUSTOMER], 1001)
            self.daemon.stop()

    def test_foreign_files(self):
        for text in (b"SQLite format 3\x00" + bytes(8192), b"x" * 20000, bytes(65536)):
            with open(self.file, "wb") as file:
                file.write(text)
            self.start_refused()

    def test_second_daemon_on_the_same_store(self):
        self.daemon.start()
        other = self.new_daemon()
        other.store = self.daemon.store
        other.launch()
        code = other.process.wait(harness.START_SECONDS)
        other.process = None
        self.assertGreater(code, 0)
        self.assertIn(self.daemon.store, other.log())
        self.assertEqual(counts(self.daemon)[pb.OBJECT_KIND_CUSTOMER], 1001)

    def test_store_that_cannot_be_made(self):
        daemon = self.new_daemon()
        daemon.store = os.path.join(daemon.folder, "missing", "parent", "store")
        daemon.launch()
        self.assertGreater(daemon.process.wait(harness.START_SECONDS), 0)
        daemon.process = None
        self.assertIn(daemon.store, daemon.log())


if __name__ == "__main__":
    unittest.main()
