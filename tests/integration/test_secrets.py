#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords and keys: from files that nobody else can read, or from the service manager, and never told."""

import os
import re
import shutil
import signal
import subprocess
import unittest
import urllib.request

import cluster
import harness
from certificates import Certificates
from cluster import FOLLOWING
from test_tls import TlsClient, pb

PASSWORD = "s3cret-CAFE0DDBA11"


def write(path, text, mode=0o600):
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
    os.chmod(path, mode)
    return path


class Secrets(cluster.ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates.of_class(cls, "ca")
        cls.certificates.make("backend", names="DNS:backend.example")

    def setUp(self):
        super().setUp()
        self.folder = self.make_folder()  # the service manager's, or the operator's
        for source, name in (("server.pem", "tls-cert"), ("server.key", "tls-key"), ("ca.pem", "tls-ca")):
            shutil.copy(self.certificates.path(source), self.file(name))
        os.chmod(self.file("tls-key"), 0o400)
        write(self.file("redis-password"), PASSWORD + "\n", 0o400)
        write(self.file("log-pepper"), PASSWORD * 4, 0o400)

    def file(self, name):
        return os.path.join(self.folder, name)

    def secrets(self):
        """What must never be told: a line each of the password and of the key."""
        with open(self.file("tls-key"), encoding="utf-8") as file:
            return [PASSWORD, file.read().split("\n")[1]]

    def tls(self, prefix=None):
        """The arguments that name the files, as credentials unless there is a prefix."""
        place = "credential:" if prefix is None else prefix
        return ["--tls-listen", "127.0.0.1:0", "--access", "cn:backend=all", "--access", "tcp=all",
                *[f"--tls-{name}-file={place}tls-{name}" for name in ("cert", "key", "ca")]]

    def check(self, *arguments, credentials=True):
        """evauthd --check-config: its exit code and all it says."""
        environment = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
        if credentials:
            environment["CREDENTIALS_DIRECTORY"] = self.folder
        done = subprocess.run([os.environ["EVAUTHD_BIN"], *arguments, "--check-config"], capture_output=True, text=True,
                              timeout=60, check=False, env=environment)
        for secret in self.secrets():
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def open_port(self, daemon):
        with open(daemon.port_file, encoding="utf-8") as file:
            return dict(line.split(" ", 1) for line in file.read().splitlines())

    # ------------------------------------------------------------ where they come from

    def start(self, redis, *arguments):
        daemon = self.new_daemon("--redis", f"unix:{redis.path}", "--redis-password-file", "credential:redis-password",
                                 "--http", "127.0.0.1:0", "--log-level", "debug", *self.tls(), *arguments,
                                 environment={"CREDENTIALS_DIRECTORY": self.folder})
        return daemon.start()

    def test_all_come_from_the_service_managers_credentials_and_none_is_told(self):
        redis = self.start_redis()
        redis.cli("CONFIG", "SET", "requirepass", PASSWORD)
        daemon = self.start(redis)
        harness.wait_until(lambda: daemon.status().replication.state == FOLLOWING, "the log in Redis")
        ports = self.open_port(daemon)
        client = TlsClient(int(ports["tls"].split(":")[1]), self.certificates.context("backend"))
        client.call(pb.ChangeSet(changes=[harness.put_tariff("t")]))
        client.close()
        told = [daemon.log(), str(daemon.status())]
        for path in ("/metrics", "/ready", "/health"):
            with urllib.request.urlopen(f"http://{ports['http']}{path}", timeout=30) as answer:
                told.append(answer.read().decode())
        told.append(subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, "status", "--json"],
                                   capture_output=True, text=True, timeout=60, check=True).stdout)
        for name in ("cmdline", "environ"):
            with open(f"/proc/{daemon.process.pid}/{name}", encoding="utf-8", errors="replace") as file:
                told.append(file.read())
        redis.stop()  # what is said about a lost connection counts as well
        harness.wait_until(lambda: daemon.status().replication.state != FOLLOWING, "the loss of Redis")
        daemon.stop()
        told.append(daemon.log())
        for secret in self.secrets():
            for each in told:
                self.assertNotIn(secret, each)

    def test_a_wrong_password_is_not_told_either(self):
        redis = self.start_redis()
        redis.cli("CONFIG", "SET", "requirepass", "another-one")
        daemon = self.new_daemon("--redis", f"unix:{redis.path}", "--redis-password-file", self.file("redis-password"),
                                 "--log-level", "debug").start()
        harness.wait_until(lambda: daemon.status().replication.last_error, "Redis' refusal")
        self.assertNotIn(PASSWORD, daemon.log() + str(daemon.status()))

    def test_a_credential_without_a_service_manager_is_refused_naming_the_option(self):
        code, said = self.check(*self.tls(), credentials=False)
        self.assertEqual(code, 1)
        self.assertIn("--tls-cert-file: 'credential:tls-cert'", said)
        self.assertIn("LoadCredential=tls-cert:FILE", said)

    def test_a_credential_that_was_not_passed_is_refused_naming_its_file(self):
        os.unlink(self.file("redis-password"))
        code, said = self.check("--redis=redis://h", "--redis-password-file=credential:redis-password")
        self.assertEqual(code, 1)
        self.assertIn(f"redis-password-file: {self.file('redis-password')}: No such file", said)

    # ------------------------------------------------------------ who may read them

    def rows(self):
        """Option: the secret's file, and the arguments that name it."""
        redis = ["--redis=rediss://127.0.0.1:1", "--redis-cert-file=credential:tls-cert"]
        config = write(self.file("conf"), f'redis = "redis://:{PASSWORD}@127.0.0.1:1"\n')
        return {
            "tls-key-file": ("tls-key", self.tls()),
            "redis-key-file": ("tls-key", [*redis, "--redis-key-file=credential:tls-key"]),
            "peer-key-file": ("tls-key", ["--redis=redis://127.0.0.1:1", "--peer=tls:127.0.0.1:1",
                                          "--peer-cert-file=credential:tls-cert",
                                          "--peer-key-file=credential:tls-key"]),
            "redis-password-file": ("redis-password", [redis[0], "--redis-password-file=credential:redis-password"]),
            "log-pepper-file": ("log-pepper", ["--log-pepper-file=credential:log-pepper"]),
            "config": ("conf", ["--config", config]),
        }

    def test_every_option_that_names_a_secret_is_tried_here(self):
        shown = subprocess.run([os.environ["EVAUTHD_BIN"], "--help"], capture_output=True, text=True, timeout=60,
                               check=True).stdout
        self.assertEqual(set(re.findall(r"--([a-z-]*(?:key|password|pepper|secret)-file)=", shown)) | {"config"},
                         set(self.rows()))

    def test_a_secret_that_others_may_use_is_refused(self):
        for option, (name, arguments) in self.rows().items():
            for mode in (0o604, 0o602, 0o644, 0o666):
                with self.subTest(option=option, mode=oct(mode)):
                    os.chmod(self.file(name), mode)
                    code, said = self.check(*arguments)
                    self.assertEqual(code, 1, said)
                    self.assertIn("others may use", said)
                    self.assertIn("chmod o=", said)
            with self.subTest(option=option):
                os.chmod(self.file(name), 0o640)
                self.assertEqual(self.check(*arguments)[0], 0)

    def test_a_reload_refuses_it_as_well_and_goes_on_with_what_it_has(self):
        daemon = self.new_daemon(*self.tls(self.folder + "/")).start()
        os.chmod(self.file("tls-key"), 0o644)
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "reload_refused" in daemon.log(), "the refusal")
        port = int(self.open_port(daemon)["tls"].split(":")[1])
        client = TlsClient(port, self.certificates.context("backend"))
        client.call(pb.StatusRequest())
        client.close()

    def test_a_password_on_the_command_line_is_refused(self):
        code, said = self.check(f"--redis=redis://:{PASSWORD}@127.0.0.1:1")
        self.assertEqual(code, 1)
        self.assertIn("redis-password-file", said)


if __name__ == "__main__":
    unittest.main()
