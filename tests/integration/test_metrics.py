# SPDX-License-Identifier: Apache-2.0
"""The operator's HTTP port: metrics that add up and pass promtool, probes with reasons, and no token uid anywhere."""

import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request

import evauth_pb2 as pb
import cluster
import harness

ROOT = os.environ["EVAUTH_SOURCE_DIR"]
ALERTS = os.path.join(ROOT, "deploy/prometheus/alerts.yml")
ALERTS_TEST = os.path.join(ROOT, "deploy/prometheus/alerts_test.yml")
DASHBOARD = os.path.join(ROOT, "deploy/grafana/evauthd.json")
MANUAL = os.path.join(ROOT, "docs/metrics.md")
PROMTOOL = shutil.which("promtool")
NAME = re.compile(r"\b(?:evauth|process)_[a-z_]+\b")
HTTP = ("--http", "127.0.0.1:0")


def http_address(daemon):
    with open(daemon.port_file, encoding="utf-8") as file:
        return re.search(r"^http (\S+)$", file.read(), re.M).group(1)


def get(daemon, path, method="GET"):
    """(status, text)"""
    request = urllib.request.Request(f"http://{http_address(daemon)}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(daemon):
    """{'name{labels}': value}"""
    status, text = get(daemon, "/metrics")
    assert status == 200, text
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if not line.startswith("#")}


def base_names(samples):
    """Without the suffixes that a histogram adds."""
    return {re.sub(r"_(bucket|sum|count)$", "", sample.split("{")[0]) for sample in samples}


def put_world(daemon):
    h = harness
    daemon.apply(h.put_tariff("t"), h.put_group("g", "t"), h.put_point("cp"), h.put_customer("c"),
                 h.put_token("04A1", "c"), h.attach_points("g", "cp"), h.attach_customers("g", "c"))


class Metrics(harness.DaemonTest):
    def test_they_count_what_was_asked(self):
        daemon = self.start_daemon(*HTTP)
        put_world(daemon)
        for _ in range(3):
            daemon.authorize("04A1", "cp")
        daemon.authorize("04A2", "cp")
        batch = [pb.AuthorizeRequest(token_uid=uid, charge_point_id="cp") for uid in ("04A1", "04A2", "")]
        daemon.call(pb.AuthorizeBatchRequest(requests=batch))
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.authorize, "", "cp")
        self.assert_refused(harness.UNAVAILABLE, daemon.authorize, "04A1", "cp", min_revision=10**9)
        found = metrics(daemon)
        for sample, value in {
                'evauth_requests_total{method="Authorize",status="OK"}': 4,
                'evauth_requests_total{method="Authorize",status="INVALID_ARGUMENT"}': 1,
                'evauth_requests_total{method="Authorize",status="UNAVAILABLE"}': 1,
                'evauth_requests_total{method="AuthorizeBatch",status="OK"}': 1,
                'evauth_requests_total{method="Apply",status="OK"}': 1,
                'evauth_decisions_total{verdict="ALLOWED",reason="OK"}': 4,
                'evauth_decisions_total{verdict="DENIED",reason="UNKNOWN_TOKEN"}': 2,
                "evauth_batch_items_refused_total": 1,
                'evauth_request_duration_seconds_count{method="Authorize"}': 6,
                'evauth_request_duration_seconds_count{method="AuthorizeBatch"}': 1,
                'evauth_request_duration_seconds_count{method="Apply"}': 1,
                'evauth_objects{kind="TOKEN"}': 1,
                "evauth_connections": 1,
                "evauth_ready": 1}.items():
            self.assertEqual(found[sample], value, sample)
        # The one that waited for its revision took at least that long, and the others did not.
        self.assertGreater(found['evauth_request_duration_seconds_sum{method="Authorize"}'], 0.9)
        self.assertLess(found['evauth_request_duration_seconds_sum{method="AuthorizeBatch"}'], 0.9)
        self.assertEqual(found["evauth_revision"], daemon.status().revision)
        self.assertGreater(found["evauth_received_bytes_total"], 100)
        self.assertGreater(found["evauth_sent_bytes_total"], 100)
        self.assertGreater(found["evauth_index_bytes"], 0)
        self.assertGreaterEqual(found["evauth_commit_duration_seconds_count"], 1)

    def test_limits_that_are_hit_are_counted(self):
        daemon = self.start_daemon(*HTTP, "--max-connections", "2", "--idle-timeout", "100ms")
        daemon.forget_client()
        harness.wait_until(lambda: metrics(daemon)["evauth_connections"] == 0, "no connections")
        self.connect(daemon)
        harness.wait_until(lambda: metrics(daemon)['evauth_limit_hits_total{limit="idle-timeout"}'] >= 1, "idle")

    @unittest.skipUnless(PROMTOOL, "without promtool")
    def test_promtool_finds_nothing_wrong(self):
        text = get(self.start_daemon(*HTTP), "/metrics")[1]
        result = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        for command in (["check", "rules", ALERTS], ["test", "rules", ALERTS_TEST]):
            result = subprocess.run([PROMTOOL, *command], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Pages(harness.DaemonTest):
    def test_probes_and_what_is_no_page(self):
        daemon = self.start_daemon(*HTTP)
        self.assertEqual(get(daemon, "/health"), (200, '{"alive":true}\n'))
        status, text = get(daemon, "/ready")
        self.assertEqual((status, json.loads(text)["reasons"]), (200, []))
        self.assertEqual(get(daemon, "/metrics", "HEAD"), (200, ""))
        self.assertEqual(get(daemon, "/")[0], 404)
        self.assertEqual(get(daemon, "/ready", "POST")[0], 405)

    def test_without_the_option_there_is_no_port(self):
        daemon = self.start_daemon()
        with open(daemon.port_file, encoding="utf-8") as file:
            self.assertNotIn("http", file.read())

    def test_beyond_loopback_only_when_it_is_called_insecure(self):
        daemon = self.new_daemon("--http", "0.0.0.0:0")
        daemon.launch()
        self.assertNotEqual(daemon.process.wait(harness.START_SECONDS), 0)
        daemon.process = None
        self.assertIn("--insecure-http", daemon.log())
        self.start_daemon("--http", "0.0.0.0:0", "--insecure-http")


class Replicas(cluster.ClusterTest):
    def test_everything_that_is_named_exists(self):
        """With Redis, for there are more then: the alerts, the dashboard, the manual; and the manual has them all."""
        redis = self.start_redis()
        daemon = self.start_daemon(*HTTP, "--redis", redis.url)
        harness.wait_until(lambda: daemon.status().replication.state == cluster.FOLLOWING, "the log")
        put_world(daemon)
        found = base_names(metrics(daemon))
        with open(ALERTS, encoding="utf-8") as file:
            alerts = set(NAME.findall(file.read()))
        with open(DASHBOARD, encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        dashboard = set(NAME.findall(" ".join(target["expr"] for panel in panels for target in panel["targets"])))
        with open(MANUAL, encoding="utf-8") as file:
            manual = set(re.findall(r"^\| `((?:evauth|process)_[a-z_]+)", file.read(), re.M))
        self.assertGreater(min(len(alerts), len(dashboard)), 5)
        self.assertEqual(base_names(alerts) - found, set())
        self.assertEqual(base_names(dashboard) - found, set())
        self.assertEqual(manual, found)

    def test_an_empty_replica_is_not_ready_before_it_has_seen_the_log(self):
        redis = self.start_redis()
        redis.stop()
        daemon = self.start_daemon(*HTTP, "--redis", redis.url)
        status, text = get(daemon, "/ready")
        self.assertEqual((status, [reason["code"] for reason in json.loads(text)["reasons"]]), (503, ["behind"]))
        self.assertEqual(metrics(daemon)["evauth_replication_stale_seconds"], float("inf"))
        redis.start()
        harness.wait_until(lambda: get(daemon, "/ready")[0] == 200, "being ready")

    def test_a_history_that_diverged_is_not_ready(self):
        redis = self.start_redis()
        daemon = self.start_daemon(*HTTP, "--redis", redis.url)
        harness.wait_until(lambda: daemon.status().replication.state == cluster.FOLLOWING, "the log")
        self.assertEqual(get(daemon, "/ready")[0], 200)
        put_world(daemon)
        redis.cli("FLUSHALL")
        status, text = harness.wait_until(lambda: (page := get(daemon, "/ready"))[0] == 503 and page, "DIVERGED")
        self.assertEqual([reason["code"] for reason in json.loads(text)["reasons"]], ["diverged"])
        self.assertEqual(metrics(daemon)['evauth_replication_state{state="DIVERGED"}'], 1)
        self.assertEqual(get(daemon, "/health")[0], 200)


if __name__ == "__main__":
    unittest.main()
