# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/redis.md, run as they stand there."""

import os
import re
import subprocess
import unittest

import cluster
import evauth_pb2 as pb
import harness

DOCUMENT = os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "docs", "redis.md")


def example(language):
    """The one fenced block of this language in the section on publishing."""
    with open(DOCUMENT, encoding="utf-8") as file:
        section = re.search(r"^## Publishing changes\n(.*?)(?=^## |\Z)", file.read(), re.M | re.S).group(1)
    block, = re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)
    return block


class Examples(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.redis = self.start_redis(port=cluster.free_port())
        self.a, self.b = self.start_replicas(self.redis, 2)
        self.a.apply(harness.put_tariff("t"), harness.put_group("office", "t"), harness.put_point("cp"),
                     harness.attach_points("office", "cp"))
        for number in ("17", "18"):
            self.a.apply(harness.put_customer(f"cust-{number}"), harness.put_token(f"04{number}", f"cust-{number}"))

    def run_example(self, *command, text):
        environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}",
                       "NODE_PATH": "/usr/share/nodejs"}
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=harness.START_SECONDS,
                                env=environment, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def wait_verdict(self, uid, verdict):
        for replica in (self.a, self.b):
            harness.wait_until(lambda replica=replica: replica.authorize(uid, "cp").verdict == verdict,
                               f"{uid}: {pb.Verdict.Name(verdict)}")

    def test_redis_cli_python_and_node(self):
        self.assertEqual(self.run_example("sh", "-eu", text=example("sh")), "2")
        self.wait_verdict("0417", pb.VERDICT_ALLOWED)
        self.assertEqual(self.run_example("/usr/bin/python3", "-", text=example("python")), "2 replicas heard it")
        self.wait_verdict("0418", pb.VERDICT_ALLOWED)
        self.assertEqual(self.run_example(os.environ["EVAUTH_NODE"], "-", text=example("javascript")),
                         "2 replicas heard it")
        self.wait_verdict("0417", pb.VERDICT_DENIED)
        cluster.wait_equal(self.a, self.b)


if __name__ == "__main__":
    unittest.main()
