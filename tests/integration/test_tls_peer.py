# SPDX-License-Identifier: Apache-2.0
"""Snapshots from peers over TLS: with a certificate that may, and what is said of others."""

import os
import re
import shutil
import subprocess
import unittest

import cluster
import evauth_pb2 as pb
import harness
from certificates import Certificates
from cutter import Cutter

RULES = ["--access", "tcp=all", "--access", "cn:replica=query,watch", "--access", "cn:reader=query"]


class Peers(cluster.ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates.of_class(cls, "ca", "foreign-ca")
        for name in ("replica", "reader"):
            cls.certificates.make(name)

    def files(self, option, name, ca="ca"):
        path = self.certificates.path
        return [f"--{option}-ca-file", path(ca + ".pem"), f"--{option}-cert-file", path(name + ".pem"),
                f"--{option}-key-file", path(name + ".key")]

    def start_trimmed(self):
        """A Redis whose log has lost its beginning, and the address of a replica that has everything."""
        redis = self.start_redis("stream-node-max-entries 10")
        self.whole = self.new_replica(redis, "--redis-log-max", "100", "--tls-listen", "127.0.0.1:0", *RULES,
                                      *self.files("tls", "server"))
        self.whole.start()
        cluster.wait_state(self.whole, cluster.FOLLOWING)
        for number in range(300):
            self.whole.apply(harness.put_customer(f"k{number}", name="n" * 500))
        with open(self.whole.port_file, encoding="utf-8") as file:
            return redis, "tls:localhost:" + re.search(r"^tls 127.0.0.1:(\d+)$", file.read(), re.MULTILINE).group(1)

    def start_behind(self, redis, *arguments):
        replica = self.new_replica(redis, *arguments)
        replica.start()
        return replica

    def test_a_snapshot_is_fetched_with_a_certificate(self):
        redis, address = self.start_trimmed()
        behind = self.start_behind(redis, "--peer", address, *self.files("peer", "replica"))
        cluster.wait_equal(self.whole, behind)
        self.assertIn("snapshot_taken", behind.log())

    def test_a_snapshot_that_is_cut_is_fetched_anew(self):
        redis, address = self.start_trimmed()
        cutter = Cutter(self, int(address.rpartition(":")[2]), 700, 50001)  # in the handshake, then in a record
        behind = self.start_behind(redis, "--peer", "tls:" + cutter.address, *self.files("peer", "replica"))
        cluster.wait_equal(self.whole, behind)
        self.assertEqual(cutter.cuts, [])
        self.assertEqual(behind.log().count("peer_of_no_use"), 2)
        self.assertEqual(behind.log().count("snapshot_taken"), 1)

    def test_a_certificate_without_the_roles_and_one_of_a_foreign_ca_are_told(self):
        redis, address = self.start_trimmed()
        for arguments, words in ((self.files("peer", "reader"), "Snapshot needs the role watch"),
                                 (self.files("peer", "replica", ca="foreign-ca"), "foreign-ca.pem"),
                                 ([*self.files("peer", "replica")[:2]], "a certificate is wanted")):
            with self.subTest(words=words):
                behind = self.start_behind(redis, "--peer", address, *arguments)
                status = cluster.wait_state(behind, pb.REPLICATION_STATE_NO_PEER)
                self.assertIn(words, status.replication.last_error)
                behind.stop()
        # A renewed certificate is read before the next attempt, without a restart.
        folder = self.make_folder()
        path = {kind: os.path.join(folder, kind) for kind in ("pem", "key")}
        for kind in ("pem", "key"):
            shutil.copy(self.certificates.path(f"reader.{kind}"), path[kind])
        behind = self.start_behind(redis, "--peer", address, *self.files("peer", "replica")[:2], "--peer-cert-file",
                                   path["pem"], "--peer-key-file", path["key"])
        cluster.wait_state(behind, pb.REPLICATION_STATE_NO_PEER)
        for kind in ("pem", "key"):
            shutil.copy(self.certificates.path(f"replica.{kind}"), path[kind])
        cluster.wait_equal(self.whole, behind)

    def test_files_that_do_not_fit_are_refused_at_the_start(self):
        for arguments, words in (
                (["--peer", "tls:h:1", *self.files("peer", "replica"), "--peer-key-file", "/nonexistent"],
                 "/nonexistent"),
                (["--peer", "tls:h:1", *self.files("peer", "replica")[:4]],
                 "peer-key-file: a certificate and its key are given together"),
                (["--peer", "h:1", *self.files("peer", "replica")], "peer-ca-file"),
                (["--peer", "tls:h"], "tls:HOST:PORT")):
            run = subprocess.run([os.environ["EVAUTHD_BIN"], "--check-config", "--redis", "redis://h", *arguments],
                                 capture_output=True, text=True, check=False)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(words, run.stderr)


if __name__ == "__main__":
    unittest.main()
