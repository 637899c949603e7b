#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth, and with it libevauth, over TLS: every kind of command, and in whose words it fails."""

import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import harness
from cutter import Cutter
from test_tls import TlsTest

EVAUTH = os.environ["EVAUTH_BIN"]


class EvauthTest(TlsTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates.make("stale", days=-1)  # servers' of yesterday, of tomorrow, of somebody else
        cls.certificates.make_early("future")
        cls.certificates.make("elsewhere", names="DNS:elsewhere.example")

    def environment(self, name="backend", ca="ca", host="localhost", **others):
        """Everything by the environment, as a script has it."""
        path = self.certificates.path
        files = {"CA": path(ca + ".pem")} if ca else {}
        if name:
            files.update(CERT=path(name + ".pem"), KEY=path(name + ".key"))
        return {**os.environ, "EVAUTH_SERVER": f"tls:{host}:{self.port}",
                **{f"EVAUTH_TLS_{kind}_FILE": file for kind, file in files.items()}, **others}

    def evauth(self, *arguments, environment=None, code=0, **options):
        done = subprocess.run([EVAUTH, *arguments], capture_output=True, text=True, check=False, timeout=60,
                              env=environment or self.environment(), **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def refused(self, *words, environment=None, arguments=("status",)):
        error = self.evauth(*arguments, environment=environment, code=2)
        for word in words:
            self.assertIn(word, error)
        return error


class Commands(EvauthTest):
    def test_every_kind_of_command_works(self):
        self.start_tls()
        self.evauth("customer", "create", "cust-1", "--name", "Zoë")
        self.evauth("token", "create", "04AABB", "--customer", "cust-1", "--type", "rfid")
        self.assertIn("Zoë", self.evauth("customer", "show", "cust-1"))
        self.evauth("authorize", "04AABB", "nowhere", code=1)
        lines = "".join(json.dumps({"put_customer": {"id": f"c{i:05}", "name": "n" * 300}}) + "\n"
                        for i in range(3000))
        self.evauth("import", "-", input=lines)
        exported = self.evauth("export")  # a stream of a megabyte
        self.assertEqual(sum('"put_customer"' in line for line in exported.splitlines()), 3001)
        folder = self.make_folder()
        self.evauth("snapshot", os.path.join(folder, "file"))
        self.assertGreater(os.path.getsize(os.path.join(folder, "file")), 1000)

    def test_a_watch_follows(self):
        self.start_tls()
        self.evauth("customer", "create", "first")
        with subprocess.Popen([EVAUTH, "watch", "--json", "--after", "1"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=self.environment()) as watch:
            try:
                self.assertIn("first", watch.stdout.readline())
                self.evauth("customer", "create", "second")
                self.assertIn("second", watch.stdout.readline())
            finally:
                watch.send_signal(signal.SIGTERM)
                watch.communicate(timeout=30)

    def test_a_watch_goes_on_after_it_was_cut(self):
        count = 300
        daemon = self.start_tls("cn:backend=all", "tcp=all")
        for number in range(count):
            daemon.apply(harness.put_customer(f"c{number}", name="n" * 200))
        cutter = Cutter(self, self.port, 40001, 700, 7001, 30001)  # the second in the handshake, the others in records
        environment = self.environment(EVAUTH_SERVER="tls:" + cutter.address)
        with subprocess.Popen([EVAUTH, "watch", "--json", "--after", "1"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment) as watch:
            try:
                seen = [json.loads(watch.stdout.readline()) for _ in range(count)]
            finally:
                watch.send_signal(signal.SIGTERM)
                _, error = watch.communicate(timeout=30)
        changes = [each["changes"] for event in seen for each in event["change_sets"]]
        self.assertEqual([change["put_customer"]["id"] for each in changes for change in each],
                         [f"c{number}" for number in range(count)])
        self.assertEqual(cutter.cuts, [])
        self.assertEqual(error.count("trying to go on"), 2, error)  # after the first and the last
        self.assertEqual(error.count("connected again"), 2, error)

    def test_options_go_before_the_environment(self):
        self.start_tls("cn:operator=query")
        path = self.certificates.path
        bare = {name: value for name, value in os.environ.items() if not name.startswith("EVAUTH_")}
        options = ["--server", f"tls:127.0.0.1:{self.port}", "--tls-ca-file", path("ca.pem"), "--tls-cert-file",
                   path("operator.pem"), "--tls-key-file", path("operator.key")]
        self.evauth(*options, "status", environment=bare)
        self.evauth("status", *options, environment=self.environment("foreign", ca="foreign-ca"))
        self.evauth("status", environment=self.environment("operator", EVAUTH_TLS_CA_FILE=path("ca.pem")))

    def test_the_name_to_look_for_can_be_given(self):
        self.start_tls()
        self.refused("mismatch", "elsewhere.example", environment=self.environment(
            EVAUTH_TLS_SERVER_NAME="elsewhere.example"))
        shutil.copy(self.certificates.path("elsewhere.pem"), os.path.join(self.folder, "cert"))
        shutil.copy(self.certificates.path("elsewhere.key"), os.path.join(self.folder, "key"))
        self.reload(self.daemon, "cn:backend=all")
        self.refused("mismatch", "localhost")
        self.evauth("status", environment=self.environment(EVAUTH_TLS_SERVER_NAME="elsewhere.example"))
        self.evauth("status", "--tls-server-name", "elsewhere.example")


class Refusals(EvauthTest):
    def test_the_server_s_words_are_told(self):
        self.start_tls()
        path = self.certificates.path
        self.refused("a certificate is wanted", "no certificate", "UNAUTHENTICATED", "tls.cert_file",
                     environment=self.environment(None))
        self.refused("expired", path("expired.pem"), environment=self.environment("expired"))
        self.refused("does not hold yet", path("early.pem"), environment=self.environment("early"))
        self.refused("a CA it does not know", path("foreign.pem"), environment=self.environment("foreign"))
        self.refused("PERMISSION_DENIED", "nobody", environment=self.environment("nobody"))

    def test_a_server_that_is_not_the_right_one_is_not_asked(self):
        self.start_tls()
        self.refused("tls.ca_file", self.certificates.path("foreign-ca.pem"), "--tls-ca-file",
                     environment=self.environment(ca="foreign-ca"))
        self.refused("the system's store", environment=self.environment(ca=None))
        for name, words in (("stale", "expired"), ("future", "not yet valid"), ("elsewhere", "mismatch")):
            for kind in ("pem", "key"):
                shutil.copy(self.certificates.path(f"{name}.{kind}"),
                            os.path.join(self.folder, "cert" if kind == "pem" else "key"))
            self.reload(self.daemon, "cn:backend=all")
            self.refused(words)

    def test_plain_and_tls_are_told_apart(self):
        daemon = self.start_tls("cn:backend=all", "tcp=all")
        self.refused("closed the connection", "tls:HOST:PORT",
                     environment=self.environment(EVAUTH_SERVER=f"127.0.0.1:{self.port}"))
        self.refused("no TLS", environment=self.environment(EVAUTH_SERVER=f"tls:{daemon.address}"))
        # The environment's certificates are for tls: servers; options would be ignored in silence.
        self.evauth("status", environment=self.environment(EVAUTH_SERVER=daemon.address))
        self.refused("--tls-ca-file", "tls:HOST:PORT", environment=self.environment(EVAUTH_SERVER=daemon.address),
                     arguments=("status", "--tls-ca-file", self.certificates.path("ca.pem")))

    def test_files_that_do_not_fit_are_named(self):
        self.start_tls()
        path = self.certificates.path
        open_key = path("open.key")
        shutil.copy(path("backend.key"), open_key)
        os.chmod(open_key, 0o644)
        for variable, value, words in (
                ("CA", "/nonexistent", ["/nonexistent"]), ("CERT", path("backend.names"), [path("backend.names")]),
                ("KEY", path("nobody.key"), [path("nobody.key")]), ("KEY", "", ["tls.key_file"]),
                ("CERT", "", ["tls.cert_file"]), ("KEY", open_key, [open_key, "others may use the key"])):
            with self.subTest(variable=variable, value=value):
                self.refused(*words, environment=self.environment(**{f"EVAUTH_TLS_{variable}_FILE": value}))
        self.assertEqual(re.findall("tls_refused", self.daemon.log()), [])


if __name__ == "__main__":
    unittest.main()
