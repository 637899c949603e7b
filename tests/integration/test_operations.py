#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md: it knows every event of the log, and what it says of upgrades and of Redis is so."""

import os
import re
import subprocess
import unittest

import cluster
import harness
from test_erase import TRACES, WHO, UIDS

SOURCE = os.environ["EVAUTH_SOURCE_DIR"]
EVAUTH = os.environ["EVAUTH_BIN"]


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


class Operations(unittest.TestCase):
    def test_every_event_of_the_log_is_explained(self):
        events = set()
        for folder, _, names in os.walk(os.path.join(SOURCE, "daemon")):
            for name in names:
                if name.endswith(".c"):
                    text = read(os.path.join(folder, name))
                    events |= set(re.findall(r'\blog_(?:error|warning|info|debug)\(\s*"([a-z_]+)"', text))
        self.assertGreater(len(events), 20)
        rows = "".join(line.split("|")[1] for line in read("docs/operations.md").splitlines() if line.startswith("|"))
        self.assertEqual(events - set(re.findall("`([a-z_]+)`", rows)), set())

    def test_every_format_of_the_store_is_explained(self):
        newest = int(re.search(r"DB_FORMAT = (\d+)", read("store/db_impl.h")).group(1))
        formats = re.findall(r"^\| (\d+) \|", read("docs/operations.md"), re.MULTILINE)
        self.assertEqual([int(number) for number in formats], list(range(1, newest + 1)))


class ErasedAmongReplicas(cluster.ClusterTest):
    def erase(self, replica):
        subprocess.run([EVAUTH, "--server", replica.address, "customer", "erase", WHO, "--yes"], check=True,
                       stdout=subprocess.DEVNULL)

    def test_the_way_of_the_manual(self):
        redis = self.start_redis("appendonly yes", "rdbcompression no", "stream-node-max-entries 10")
        a, b = self.start_replicas(redis, 2)
        a.apply(harness.put_customer(WHO, name="Jane Q. Erasable"), harness.put_customer("other"))
        a.apply(*[harness.put_token(uid, WHO, contract_id="NL-EVA-JANE77") for uid in UIDS])
        cluster.wait_equal(a, b)
        self.erase(a)
        cluster.wait_equal(a, b)
        self.erase(b)
        for number in range(10):
            a.apply(harness.put_customer("other", name=f"any other change {number}"))
        cluster.wait_equal(a, b)
        redis.cli("XTRIM", "{evauth}:log", "MAXLEN", "1")
        redis.cli("BGREWRITEAOF")
        harness.wait_until(lambda: "aof_rewrite_in_progress:0" in redis.cli("INFO", "persistence")
                           and "aof_rewrite_scheduled:0" in redis.cli("INFO", "persistence"), "the AOF")
        folders = [a.store, b.store, redis.folder]
        for folder, _, name in ((folder, _, name) for root in folders for folder, _, names in os.walk(root)
                                for name in names if not name.endswith((".sock", ".log"))):
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read().upper()
            self.assertEqual([text for text in TRACES if text.upper().encode() in data], [], name)
        b.restart()
        a.apply(harness.put_customer("after"))
        cluster.wait_equal(a, b)
        for replica in (a, b):
            cluster.wait_state(replica, cluster.FOLLOWING)
            subprocess.run([EVAUTH, "--server", replica.address, "check"], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    unittest.main()
