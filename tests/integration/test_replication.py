# SPDX-License-Identifier: Apache-2.0
"""Replicas and one Redis: what a user of them sees."""

import json
import os
import subprocess
import threading
import time
import unittest

import cluster
import evauth_pb2 as pb
import harness
from cluster import DIVERGED, FOLLOWING
from evauth_client import EvauthError

KEEPS = ("appendonly yes", "appendfsync always")
OFFICE = (harness.put_tariff("t"), harness.put_group("office", "t"), harness.put_point("cp"),
          harness.attach_points("office", "cp"), harness.put_customer("c"), harness.put_token("04A1", "c"))


def customers(count, prefix="k"):
    return [harness.put_customer(f"{prefix}{number}") for number in range(count)]


class Following(cluster.ClusterTest):
    """Nothing fails."""

    def test_a_change_at_one_replica_is_seen_at_all(self):
        a, b, c = self.start_replicas(self.start_redis(), 3)
        a.apply(*OFFICE)
        answer = b.apply(harness.attach_customers("office", "c"))
        for replica in (a, b, c):
            decision = replica.authorize("04A1", "cp", min_revision=answer.revision)
            self.assertEqual((decision.verdict, decision.tariff_id), (pb.VERDICT_ALLOWED, "t"))
        c.apply(harness.detach_customers("office", "c"))
        status = cluster.wait_equal(a, b, c)
        self.assertEqual(status.revision, 4)
        for replica in (a, b, c):
            self.assertEqual(replica.authorize("04A1", "cp").verdict, pb.VERDICT_DENIED)

    def test_min_revision_holds_across_replicas(self):
        a, b = self.start_replicas(self.start_redis(), 2)
        a.apply(*OFFICE)
        for number in range(100):
            attach = number % 2 == 0
            change = harness.attach_customers if attach else harness.detach_customers
            revision = a.apply(change("office", "c")).revision
            verdict = b.authorize("04A1", "cp", min_revision=revision).verdict
            self.assertEqual(verdict, pb.VERDICT_ALLOWED if attach else pb.VERDICT_DENIED)

    def test_a_refusal_is_the_callers_and_the_same_everywhere(self):
        a, b = self.start_replicas(self.start_redis(), 2)
        a.apply(*OFFICE)
        for replica in (a, b):
            error = self.assert_refused(harness.NOT_FOUND, replica.apply, harness.put_customer("good"),
                                        harness.attach_customers("office", "nobody"), change_number=2)
            self.assertIn("nobody", error.message)
            self.assert_refused(harness.INVALID_ARGUMENT, replica.apply, harness.put_customer(" c"))
            self.assert_refused(harness.FAILED_PRECONDITION, replica.apply, harness.delete("tariff", "t"))
        cluster.wait_equal(a, b)
        self.assertEqual(len(list(a.client().snapshot())), len(list(b.client().snapshot())))

    def test_a_dry_run_leaves_no_trace(self):
        a, b = self.start_replicas(self.start_redis(), 2)
        before = cluster.wait_equal(a, b)
        self.assertEqual(a.apply(*OFFICE, dry_run=True).revision, before.revision)
        self.assertEqual(cluster.wait_equal(a, b).digest, before.digest)

    def test_an_idempotency_key_counts_on_every_replica(self):
        a, b = self.start_replicas(self.start_redis(), 2)
        first = a.apply(*OFFICE, actor="csms", idempotency_key="once")
        again = b.apply(*OFFICE, actor="csms", idempotency_key="once")
        self.assertEqual((again.revision, again.replayed), (first.revision, True))
        self.assert_refused(harness.ALREADY_EXISTS, b.apply, harness.put_tariff("u"), actor="csms",
                            idempotency_key="once")
        self.assertFalse(a.apply(harness.put_tariff("u"), idempotency_key="once").replayed)  # of nobody
        self.assertTrue(b.apply(harness.put_tariff("u"), idempotency_key="once").replayed)

    def test_many_writers_at_all_replicas_make_one_history(self):
        replicas = self.start_replicas(self.start_redis(), 3)
        problems = []

        def write(replica, prefix):
            client = self.connect(replica)
            try:
                for number in range(60):
                    client.call(pb.ChangeSet(changes=[harness.put_customer(f"{prefix}-{number}")]))
            except (EvauthError, OSError) as error:
                problems.append(error)

        threads = [threading.Thread(target=write, args=(replica, f"{index}-{writer}"))
                   for index, replica in enumerate(replicas) for writer in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        status = cluster.wait_equal(*replicas)
        counts = {count.kind: count.count for count in status.objects}
        self.assertEqual(counts[pb.OBJECT_KIND_CUSTOMER], 9 * 60)
        logs = [replica.log_entries() for replica in replicas]
        self.assertEqual([entry.nonce for entry in logs[0]], [entry.nonce for entry in logs[1]])
        self.assertEqual(sum(len(entry.change_sets) for entry in logs[0]), 9 * 60)

    def test_status_tells_of_redis(self):
        redis = self.start_redis()
        a, = self.start_replicas(redis, 1)
        a.apply(*OFFICE)
        status = a.status()
        replication = status.replication
        self.assertEqual((replication.state, replication.role), (FOLLOWING, "master"))
        self.assertEqual((replication.head_revision, replication.lag_entries), (status.revision, 0))
        self.assertIn(redis.path, replication.redis)
        self.assertLess(replication.stale_ms, 10000)
        self.assertEqual((replication.entries_appended, replication.entries_applied), (1, 1))
        self.assertEqual((replication.last_error, replication.advice), ("", ""))


class Inbox(cluster.ClusterTest):
    """Who only knows Redis."""

    def wait_for_customer(self, replica, customer_id):
        def is_there():
            try:
                return replica.call(pb.GetRequest(kind=pb.OBJECT_KIND_CUSTOMER, id=customer_id))
            except EvauthError:
                return None
        return harness.wait_until(is_there, f"customer {customer_id}")

    def test_json_takes_effect_once_on_all(self):
        redis = self.start_redis()
        a, b = self.start_replicas(redis, 2)
        a.apply(*OFFICE)
        text = '{"changes":[{"attach_customers":{"charge_group_id":"office","customer_ids":["c"]}}]}'
        self.assertEqual(redis.publish(text), 2)
        harness.wait_until(lambda: b.authorize("04A1", "cp").verdict == pb.VERDICT_ALLOWED, "the change of the inbox")
        redis.publish('{"changes":[{"put_customer":{"id":"last"}}]}')
        for replica in (a, b):
            self.wait_for_customer(replica, "last")
        cluster.wait_equal(a, b)
        sets = [change_set for entry in a.log_entries() for change_set in entry.change_sets]
        self.assertEqual(len(sets), 3)
        self.assertEqual([change_set.actor for change_set in sets], ["", "inbox", "inbox"])

    def test_messages_take_effect_in_the_order_of_publication(self):
        redis = self.start_redis()
        a, b, c = self.start_replicas(redis, 3)
        ids = [f"m{number}" for number in range(100)]
        for customer_id in ids:
            redis.publish(json.dumps({"changes": [{"put_customer": {"id": customer_id}}]}))
        self.wait_for_customer(c, ids[-1])
        cluster.wait_equal(a, b, c)
        found = [change.put_customer.id for entry in b.log_entries() for change_set in entry.change_sets
                 for change in change_set.changes]
        self.assertEqual(found, ids)

    def test_equal_messages_without_a_key_are_one_and_with_keys_are_told_apart(self):
        redis = self.start_redis()
        a, b = self.start_replicas(redis, 2)
        for key in ("", "", "x", "x", "y"):
            message = {"actor": "csms", "changes": [{"put_customer": {"id": "same"}}]}
            redis.publish(json.dumps({**message, **({"idempotency_key": key} if key else {})}))
        redis.publish('{"changes":[{"put_customer":{"id":"end"}}]}')
        for replica in (a, b):
            self.wait_for_customer(replica, "end")
        cluster.wait_equal(a, b)  # messages keep their order: all of them are there
        sets = [change_set for entry in a.log_entries() for change_set in entry.change_sets
                if change_set.actor == "csms"]
        self.assertEqual(sorted(change_set.idempotency_key[:1] for change_set in sets), ["i", "x", "y"])

    def test_garbage_is_counted_and_changes_nothing(self):
        redis = self.start_redis()
        a, = self.start_replicas(redis, 1)
        before = a.status()
        garbage = ["", "{", "hello", '{"changes":[]}', '{"changes":[{"put_customer":{"id":""}}]}',
                   '{"changes":[{"put_customer":{"id":"c","colour":"red"}}]}', '{"dry_run":true,"changes":[]}',
                   "y" * 100000]
        for payload in garbage:
            redis.publish(payload)
        redis.publish("x" * (256 * 1024 + 1))
        redis.cli("PUBLISH", "{evauth}:changes", "not a number")
        redis.publish('{"changes":[{"put_customer":{"id":"good"}}]}')
        self.wait_for_customer(a, "good")
        after = a.status()
        self.assertEqual(after.replication.messages_refused, len(garbage) + 2)
        self.assertEqual(after.revision, before.revision + 1)
        self.assertEqual(after.replication.state, FOLLOWING)

    def test_the_log_names_the_field_of_a_refused_message_and_no_token(self):
        redis = self.start_redis()
        a, = self.start_replicas(redis, 1)
        redis.publish('{"changes":[{"put_token":{"uid":"04CANARY","type":"RFID","issuer":{"country_code":"DE",'
                      '"party_id":"8EO"},"valid_from":"100","valid_until":"50"}}]}')
        harness.wait_until(lambda: "messages_refused" in a.log(), "the line in the log")
        self.assertIn("INVALID_ARGUMENT", a.log())
        self.assertIn("put_token", a.log())
        self.assertNotIn("CANARY", a.log())

    def test_a_replica_that_cannot_write_does_not_call_messages_unreadable(self):
        redis = self.start_redis()
        a, = self.start_replicas(redis, 1)
        a.apply(harness.put_customer("c"))
        redis.cli("DEL", "{evauth}:log")
        cluster.wait_state(a, DIVERGED)
        redis.publish('{"changes":[{"put_customer":{"id":"d"}}]}')
        harness.wait_until(lambda: "messages_not_offered" in a.log(), "the line in the log")
        self.assertEqual(a.replication().messages_refused, 0)

    def test_a_message_as_protobuf(self):
        redis = self.start_redis()
        a, = self.start_replicas(redis, 1)
        body = pb.ChangeSet(changes=[harness.put_customer("p")], actor="csms").SerializeToString()
        redis.publish(body.decode("latin-1"))
        self.wait_for_customer(a, "p")


class Joining(cluster.ClusterTest):
    """Stores with a past."""

    def test_a_standalone_daemon_becomes_the_first_replica(self):
        redis = self.start_redis()
        a = self.new_replica(redis)
        alone = harness.Daemon(a.folder, ["--unix", a.unix])
        self.addCleanup(alone.stop)
        alone.start()
        alone.apply(*OFFICE)
        alone.apply(*customers(50))
        digest = alone.status().digest
        alone.stop()
        a.start()
        cluster.wait_state(a, FOLLOWING)
        self.assertEqual(a.status().digest, digest)
        b = self.new_replica(redis)
        b.peers = [a]
        b.start()
        cluster.wait_equal(a, b)
        b.apply(harness.put_customer("later"))
        cluster.wait_equal(a, b)

    def test_a_replica_added_when_the_log_was_trimmed_fetches_a_snapshot(self):
        redis = self.start_redis("stream-node-max-entries 10")
        a, b = self.start_replicas(redis, 2, "--redis-log-max", "100")
        a.apply(*OFFICE, actor="csms", idempotency_key="first")
        for number in range(300):
            a.apply(harness.put_customer(f"k{number}"))
        self.assertLess(int(redis.cli("XLEN", "{evauth}:log")), 200)
        c = self.new_replica(redis)
        c.peers = [a, b]
        c.start()
        cluster.wait_equal(a, b, c)
        self.assertTrue(c.apply(*OFFICE, actor="csms", idempotency_key="first").replayed)
        self.assertIn("snapshot", c.log())

    def test_a_peer_that_hangs_is_given_up_for_the_next_one(self):
        redis = self.start_redis("stream-node-max-entries 10")
        a, b = self.start_replicas(redis, 2, "--redis-log-max", "100")
        a.apply(*OFFICE)
        for number in range(200):
            a.apply(harness.put_customer(f"k{number}"))
        cluster.wait_equal(a, b)
        a.freeze()
        c = self.new_replica(redis)
        c.peers = [a, b]
        c.start()
        cluster.wait_equal(b, c)
        self.assertRegex(c.log(), f"peer_of_no_use: peer unix:{a.unix}: .* in time")

    def test_without_a_peer_it_says_what_is_missing(self):
        redis = self.start_redis("stream-node-max-entries 10")
        a, = self.start_replicas(redis, 1, "--redis-log-max", "100")
        for number in range(200):
            a.apply(harness.put_customer(f"k{number}"))
        b = self.new_replica(redis)
        b.start()
        status = cluster.wait_state(b, pb.REPLICATION_STATE_NO_PEER)
        self.assertIn("peer", status.replication.advice + status.replication.last_error)
        self.assert_refused(harness.UNAVAILABLE, b.apply, harness.put_customer("x"))

    def test_a_replica_that_was_away_catches_up_alone(self):
        redis = self.start_redis()
        a, b = self.start_replicas(redis, 2)
        b.kill()
        for number in range(200):
            a.apply(harness.put_customer(f"k{number}"))
        b.start()
        cluster.wait_equal(a, b)

    def test_two_stores_with_data_do_not_mix(self):
        redis = self.start_redis()
        a, b = self.new_replica(redis), self.new_replica(redis)
        for replica, name in ((a, "a"), (b, "b")):
            alone = harness.Daemon(replica.folder, ["--unix", replica.unix])
            alone.start()
            alone.apply(harness.put_customer(name))
            alone.stop()
        a.start()
        cluster.wait_state(a, FOLLOWING)
        b.start()
        status = cluster.wait_state(b, DIVERGED)
        self.assertTrue(status.replication.advice)
        self.assert_refused(harness.UNAVAILABLE, b.apply, harness.put_customer("x"))
        self.assertEqual([record.customer.id for record in b.client().snapshot()], ["b"])

    def test_changes_made_without_redis_are_found_out(self):
        redis = self.start_redis()
        a, b = self.start_replicas(redis, 2)
        a.apply(harness.put_customer("together"))
        cluster.wait_equal(a, b)
        b.stop()
        alone = harness.Daemon(b.folder, ["--unix", b.unix])
        alone.start()
        alone.apply(harness.put_customer("alone"))
        alone.stop()
        a.apply(harness.put_customer("meanwhile"))
        b.start()
        cluster.wait_state(b, DIVERGED)
        self.assertEqual(a.state(), FOLLOWING)


class Restored(cluster.ClusterTest):
    """A snapshot put in place of what a replica has."""

    def evauth(self, replica, *words):
        result = subprocess.run([os.environ["EVAUTH_BIN"], "--server", f"unix:{replica.unix}", *words],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=harness.START_SECONDS, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_a_restored_replica_is_adopted_and_the_others_follow(self):
        a, b = self.start_replicas(self.start_redis(), 2)
        a.apply(*OFFICE)
        good = cluster.wait_equal(a, b)
        file = os.path.join(self.make_folder(), "good.snapshot")
        self.evauth(a, "snapshot", file)
        a.apply(harness.delete("customer", "c"))
        cluster.wait_equal(a, b)
        self.evauth(a, "restore", "--yes", file)
        status = cluster.wait_state(a, DIVERGED)
        self.assertEqual(status.digest, good.digest)
        self.assert_refused(harness.UNAVAILABLE, a.apply, harness.put_customer("x"))
        self.evauth(a, "log", "adopt", "--yes")
        self.assertEqual(cluster.wait_equal(a, b).digest, good.digest)
        put_aside = [change.WhichOneof("change") for entry in b.log_entries(orphans=True)
                     for change_set in entry.change_sets for change in change_set.changes]
        self.assertIn("delete_customer", put_aside)
        b.apply(harness.put_customer("later"))
        cluster.wait_equal(a, b)


class Secured(cluster.ClusterTest):
    """TLS, and the user with the fewest rights that deploy/redis/ has."""

    def make_certificate(self, folder):
        """A self-signed one, its own CA."""
        files = [os.path.join(folder, name) for name in ("cert.pem", "key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        return files

    def test_replicas_follow_over_tls_as_the_user_with_the_fewest_rights(self):
        folder = self.make_folder()
        certificate, key = self.make_certificate(folder)
        with open(os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "deploy", "redis", "evauthd.acl"),
                  encoding="utf-8") as file:
            user = file.read().strip().splitlines()[-1].replace("CHANGE-THIS", "s3cret")
        password = os.path.join(folder, "password")
        with open(password, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("s3cret\n")
        port = cluster.free_port()
        redis = self.start_redis(f"tls-port {port}", f"tls-cert-file {certificate}", f"tls-key-file {key}",
                                 f"tls-ca-cert-file {certificate}", "tls-auth-clients no", user)
        replicas = []
        for _ in range(2):
            replica = self.new_replica(redis, "--redis-password-file", password, "--redis-ca-file", certificate)
            replica.url = f"rediss://evauthd:@127.0.0.1:{port}"
            replicas.append(replica.start())
        a, b = replicas
        a.apply(*OFFICE)
        cluster.wait_equal(a, b)
        redis.publish('{"changes":[{"put_customer":{"id":"inbox"}}]}')
        harness.wait_until(lambda: b.status().revision == 3, "the message of the inbox")
        for replica in replicas:
            self.assertNotIn("s3cret", replica.log() + str(replica.status()))


class RedisFails(cluster.ClusterTest):
    """What docs/replication.md promises of each failure."""

    def setUp(self):
        super().setUp()
        self.redis = self.start_redis(*KEEPS)
        self.a, self.b = self.start_replicas(self.redis, 2)
        self.a.apply(*OFFICE)
        self.a.apply(harness.attach_customers("office", "c"))
        cluster.wait_equal(self.a, self.b)

    def assert_answers(self):
        for replica in (self.a, self.b):
            self.assertEqual(replica.authorize("04A1", "cp").verdict, pb.VERDICT_ALLOWED)

    def assert_works_again(self):
        cluster.wait_equal(self.a, self.b)

        def is_applied():
            try:
                return self.b.apply(harness.put_customer(f"after-{time.monotonic_ns()}"))
            except EvauthError as error:
                self.assertEqual(error.status, harness.UNAVAILABLE)  # it has not noticed yet, or just has
                return None
        harness.wait_until(is_applied, "a change")
        return cluster.wait_equal(self.a, self.b)

    def test_redis_stops_and_comes_back(self):
        self.redis.stop()
        cluster.wait_state(self.a, pb.REPLICATION_STATE_CONNECTING)
        self.assert_answers()
        start = time.monotonic()
        self.assert_refused(harness.UNAVAILABLE, self.a.apply, harness.put_customer("x"))
        self.assertLess(time.monotonic() - start, 5)  # at once, not by a time-out of 5 s
        self.assertTrue(self.a.replication().last_error)
        self.redis.start()
        self.assert_works_again()

    def test_redis_is_killed_and_comes_back_with_everything(self):
        self.redis.kill()
        self.redis.start()
        self.assert_works_again()

    def lose(self, redis_start):
        """Redis loses entries; whoever knows better says so, and the operator repairs it."""
        before = cluster.wait_equal(self.a, self.b)
        redis_start()
        for replica in (self.a, self.b):
            status = cluster.wait_state(replica, DIVERGED)
            self.assertIn("adopt", status.replication.advice)
            self.assertEqual((status.revision, status.digest), (before.revision, before.digest))
            self.assert_refused(harness.UNAVAILABLE, replica.apply, harness.put_customer("x"))
        self.assert_answers()
        answer = self.a.call(pb.AdoptRequest(epoch=before.epoch))
        after = cluster.wait_equal(self.a, self.b)
        self.assertEqual((after.epoch, after.digest), (answer.epoch, before.digest))
        self.assertNotEqual(after.epoch, before.epoch)
        self.assertGreater(after.revision, before.revision)
        self.assertEqual((self.a.status().orphans, self.b.status().orphans), (0, 0))
        self.assert_works_again()

    def test_redis_comes_back_empty(self):
        def restart_empty():
            self.redis.kill()
            self.redis.settings = ("save ''", "appendonly no")
            self.redis.write_config()
            self.redis.start()
        self.lose(restart_empty)

    def test_the_log_is_deleted(self):
        self.lose(lambda: self.redis.cli("DEL", "{evauth}:log"))

    def test_redis_comes_back_with_an_older_file(self):
        last = self.redis.cli("XREVRANGE", "{evauth}:log", "+", "-", "COUNT", "1").split()[0]

        def rewind():  # what a restart with an older file looks like to the replicas
            self.redis.cli("XDEL", "{evauth}:log", last)
            self.redis.cli("XSETID", "{evauth}:log", f"{int(last.split('-')[0]) - 1}-0", check=False)
            self.redis.cli("CLIENT", "KILL", "TYPE", "normal")
        self.lose(rewind)

    def test_what_one_replica_alone_had_is_kept_aside(self):
        self.b.proxy = None
        self.b.stop()
        lonely = self.a.apply(harness.put_customer("lonely")).revision
        epoch = self.a.status().epoch
        self.a.stop()
        last = self.redis.cli("XREVRANGE", "{evauth}:log", "+", "-", "COUNT", "1").split()[0]
        self.assertEqual(last, f"{lonely}-0")
        self.redis.cli("DEL", "{evauth}:log")
        self.b.start()
        cluster.wait_state(self.b, DIVERGED)
        self.b.call(pb.AdoptRequest(epoch=epoch))
        cluster.wait_state(self.b, FOLLOWING)
        self.a.start()
        cluster.wait_equal(self.a, self.b)
        orphans = self.a.log_entries(orphans=True)
        found = [change.put_customer.id for entry in orphans for change_set in entry.change_sets
                 for change in change_set.changes]
        self.assertEqual((found, self.a.status().orphans), (["lonely"], 1))
        self.a.apply(*orphans[0].change_sets[0].changes)
        cluster.wait_equal(self.a, self.b)
        self.assertEqual(self.a.call(pb.ForgetOrphansRequest(through_revision=lonely)).forgotten, 1)
        self.assertEqual(self.a.status().orphans, 0)

    def test_redis_hangs(self):
        self.redis.freeze()
        try:
            cluster.wait_state(self.a, pb.REPLICATION_STATE_CONNECTING)
            self.assert_answers()
            self.assert_refused(harness.UNAVAILABLE, self.a.apply, harness.put_customer("x"))
        finally:
            self.redis.thaw()
        self.assert_works_again()

    def test_a_stop_does_not_wait_for_a_redis_that_hangs(self):
        patient = self.new_replica(self.redis, "--redis-timeout", "60s", "--drain-timeout", "500ms")
        patient.peers = [self.a]
        patient.start()
        cluster.wait_equal(self.a, patient)
        client = self.connect(patient)
        self.redis.freeze()
        try:
            client.send(pb.ChangeSet(changes=[harness.put_customer("late")]))
            harness.wait_until(lambda: patient.status().connections >= 2, "the connection")
            start = time.monotonic()
            patient.stop()  # exit code 0
            self.assertLess(time.monotonic() - start, 30)
            _, status, _, _, body = client.receive()
            self.assertEqual(status, harness.UNAVAILABLE)
            self.assertIn("unknown", pb.Error.FromString(body).message)
        finally:
            self.redis.thaw()

    def test_the_subscriber_is_cut(self):
        for kind in ("pubsub", "normal", "pubsub"):
            self.redis.cli("CLIENT", "KILL", "TYPE", kind)
            self.assert_works_again()

    def test_a_subscriber_that_lags_is_cut_by_redis(self):
        self.redis.cli("CONFIG", "SET", "client-output-buffer-limit", "pubsub 262144 0 0")
        reconnects = self.a.replication().reconnects
        self.a.freeze()
        try:
            # Until the kernel's buffers are full as well, and Redis has enough of it.
            harness.wait_until(lambda: self.redis.publish("y" * 200000) == 1, "Redis to cut it")
        finally:
            self.a.thaw()
        self.assert_works_again()
        self.assertGreater(self.a.replication().reconnects, reconnects)

    def test_redis_answers_slowly(self):
        slow = self.new_replica(self.redis, proxied=True)
        slow.peers = [self.a]
        slow.start()
        cluster.wait_equal(self.a, slow)
        slow.proxy.delay = 0.2
        for number in range(5):
            self.a.apply(harness.put_customer(f"quick-{number}"))
            slow.apply(harness.put_customer(f"slow-{number}"))
        cluster.wait_equal(self.a, self.b, slow)
        self.assert_answers()

    def test_the_password_changes(self):
        self.redis.cli("CONFIG", "SET", "requirepass", "secret")
        self.redis.cli("-a", "secret", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no", check=False)
        status = cluster.wait_state(self.a, pb.REPLICATION_STATE_CONNECTING)
        self.assertNotIn("secret", str(status))
        harness.wait_until(lambda: "NOAUTH" in self.a.replication().last_error, "the reason in Status")
        self.assert_answers()
        self.redis.cli("-a", "secret", "CONFIG", "SET", "requirepass", "")
        self.assert_works_again()

    def test_redis_becomes_a_replica(self):
        self.redis.cli("REPLICAOF", "127.0.0.1", "1")
        self.redis.cli("CLIENT", "KILL", "TYPE", "normal", check=False)
        cluster.wait_state(self.a, pb.REPLICATION_STATE_CONNECTING)
        self.assert_answers()
        self.redis.cli("REPLICAOF", "NO", "ONE")
        self.assert_works_again()

    def test_a_replica_too_stale_refuses_if_that_is_wanted(self):
        strict = self.new_replica(self.redis, "--redis-stale", "1500ms")
        strict.peers = [self.a]
        strict.start()
        cluster.wait_equal(self.a, strict)
        self.assertEqual(strict.authorize("04A1", "cp").verdict, pb.VERDICT_ALLOWED)
        self.redis.stop()

        def is_refused():
            try:
                strict.authorize("04A1", "cp")
            except EvauthError as error:
                return error.status == harness.UNAVAILABLE
            return False
        harness.wait_until(is_refused, "a refusal")
        self.assert_answers()
        self.redis.start()
        harness.wait_until(lambda: not is_refused(), "an answer")


if __name__ == "__main__":
    unittest.main()
