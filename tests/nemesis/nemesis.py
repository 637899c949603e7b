#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replicas and Redis under everything that goes wrong at once.

    nemesis.py [--seed N] [--seconds S] [--replicas N] --redis keeps|forgets|rewinds|fails-over

Random changes go to random replicas, by Apply and by the inbox, while daemons are killed and frozen, connections to
Redis are cut, silenced, delayed and refused, and Redis is killed, frozen and restarted. Then everything heals, and
this must hold:

  - all replicas follow, at one revision, with one digest and one epoch;
  - every change that was acknowledged is in the log exactly once;
  - a change that was refused, or answered UNAVAILABLE with a known outcome, is nowhere; one with an unknown outcome, or
    published to the inbox, is there at most once;
  - a subscriber of Watch saw every revision once and in order, over all its resumptions.

keeps: Redis syncs every append, so nothing is ever lost. The others lose entries: forgets restarts Redis empty, rewinds
restarts it with an older file, fails-over has a master, a replica and Sentinel. Whoever knows better must say DIVERGED
then; the operator (this program) adopts the state of the replica that has most or least, and every acknowledged change
must be in the new history or among the orphans of another replica, and in no history twice.

The same seed makes the same plan; what the machine makes of it differs. Environment: as the integration tests.
"""

import argparse
import collections
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

import cluster  # noqa: E402
import evauth_pb2 as pb  # noqa: E402
import harness  # noqa: E402
from evauth_client import Client, EvauthError  # noqa: E402

HEAL_SECONDS = 90
DIVERGED, FOLLOWING = cluster.DIVERGED, cluster.FOLLOWING


class Failure(Exception):
    """An invariant does not hold."""


class Ledger:
    """What was asked for, and what was answered. A change puts a customer whose id is its number: the marker."""

    def __init__(self):
        self.lock, self.count, self.answers = threading.Lock(), 0, {}

    def new(self):
        with self.lock:
            self.count += 1
            return f"op-{self.count}"

    def answer(self, marker, outcome, note=""):
        with self.lock:
            self.answers[marker] = (outcome, note)

    def counts(self):
        return dict(collections.Counter(outcome for outcome, _ in self.answers.values()))


class Cluster:
    """The machines of one run."""

    def __init__(self, plan, folder, redis_kind, replicas_count):
        self.plan, self.folder, self.kind, self.ledger = plan, folder, redis_kind, Ledger()
        self.over = threading.Event()
        self.redis_lock = threading.Lock()  # its process is being changed
        self.has_lost = False
        self.redis, self.standby, self.sentinel = None, None, None
        self.start_redis()
        self.replicas = []
        for number in range(replicas_count):
            self.add_replica(number)
        for replica in self.replicas:
            replica.peers = [peer for peer in self.replicas if peer is not replica]
        for replica in self.replicas:
            replica.start()
        cluster.wait_equal(*self.replicas)

    def make_folder(self, name):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        return folder

    def start_redis(self):
        if self.kind == "keeps":
            settings = ["appendonly yes", "appendfsync always"]
        else:
            settings = ["save ''", "appendonly no"]
        port = cluster.free_port() if self.kind == "fails-over" else 0
        self.redis = cluster.RedisServer(self.make_folder("redis"), *settings, port=port).start()
        if self.kind == "fails-over":
            self.start_sentinel(settings)

    def start_sentinel(self, settings):
        self.standby = cluster.RedisServer(self.make_folder("standby"), *settings, "repl-diskless-sync-delay 0",
                                           f"replicaof 127.0.0.1 {self.redis.port}", port=cluster.free_port()).start()
        watched = [f"sentinel monitor evauth 127.0.0.1 {self.redis.port} 1",
                   "sentinel down-after-milliseconds evauth 1000", "sentinel failover-timeout evauth 3000"]
        self.sentinel = cluster.RedisServer(self.make_folder("sentinel"), *watched, port=cluster.free_port(),
                                            sentinel=True).start()
        harness.wait_until(lambda: "name=evauth,status=ok" in self.sentinel.cli("INFO", "sentinel") and
                           "slaves=1" in self.sentinel.cli("INFO", "sentinel"), "Sentinel to know both")

    def add_replica(self, number):
        folder = self.make_folder(f"replica-{number}")
        proxy = cluster.Proxy(folder, self.redis.path)
        url = f"redis+sentinel://127.0.0.1:{self.sentinel.port}/evauth" if self.sentinel else proxy.url
        replica = cluster.Replica(folder, url)
        replica.proxy, replica.lock = proxy, threading.Lock()
        self.replicas.append(replica)

    def close(self):
        for replica in self.replicas:
            replica.stop()
            replica.proxy.close()
        for server in (self.sentinel, self.standby, self.redis):
            if server:
                server.stop()


# ---------------------------------------------------------------- changes

def submit(run, client, marker, plan):
    """One change by Apply, and what became of it."""
    change_set = pb.ChangeSet(changes=[harness.put_customer(marker, name="x" * plan.randrange(40))], actor="nemesis")
    if plan.random() < 0.3:
        change_set.idempotency_key = marker
    if plan.random() < 0.1:
        change_set.changes.add(delete_tariff=pb.DeleteObject(id="never-deleted"))  # refused: the tariff is in use
    try:
        client.call(change_set)
        run.ledger.answer(marker, "acknowledged")
    except EvauthError as error:
        is_unknown = error.status == harness.UNAVAILABLE and "unknown" in error.error.message
        run.ledger.answer(marker, "unknown" if is_unknown else "refused", error.error.message)
    except (OSError, ValueError):
        run.ledger.answer(marker, "unknown", "the connection broke")
        raise


def change_by_apply(run, seed):
    """A client that sends changes to one random replica after the other."""
    plan, client = random.Random(seed), None
    while not run.over.is_set():
        marker = run.ledger.new()
        try:
            if client is None or plan.random() < 0.2:
                if client:
                    client.close()
                client = None
                client = Client(f"unix:{plan.choice(run.replicas).unix}", timeout=20.0)
            submit(run, client, marker, plan)
        except OSError:
            if marker not in run.ledger.answers:
                run.ledger.answer(marker, "refused", "no connection")
            if client:
                client.close()
            client = None
            run.over.wait(0.02)
        run.over.wait(plan.random() * 0.02)
    if client:
        client.close()


def change_by_inbox(run, seed):
    """A system that only knows Redis."""
    plan = random.Random(seed)
    while not run.over.is_set():
        marker = run.ledger.new()
        payload = {"changes": [{"put_customer": {"id": marker, "name": "inbox"}}]}
        if plan.random() < 0.5:
            payload["idempotency_key"] = marker
        try:
            heard = run.redis.publish(json.dumps(payload))
            run.ledger.answer(marker, "published" if heard else "refused")
        except (AssertionError, OSError, ValueError) as error:
            run.ledger.answer(marker, "unknown", str(error))
        if plan.random() < 0.2:
            send_garbage(run, plan)
        run.over.wait(plan.random() * 0.3)


def send_garbage(run, plan):
    channel = plan.choice(["{evauth}:inbox", "{evauth}:changes"])
    payload = plan.choice(["", "{", "{\"changes\":[]}", "\x08\x01\x02", "999999999999999999999", "x" * 300000])
    run.redis.cli("PUBLISH", channel, payload, check=False) if len(payload) < 100000 else None


# ---------------------------------------------------------------- faults

def kill_daemon(run, plan):
    replica = plan.choice(run.replicas)
    with replica.lock:
        replica.kill()
        run.over.wait(plan.random() * 1.5)
        replica.launch()
        harness.wait_until(replica.read_port, "the port file")


def freeze_daemon(run, plan):
    replica = plan.choice(run.replicas)
    with replica.lock:
        replica.freeze()
        run.over.wait(plan.choice([0.3, 1.0, 3.0]))
        replica.thaw()


def break_proxy(run, plan):
    proxy = plan.choice(run.replicas).proxy
    fault = plan.choice(["cut", "silent", "delay", "refuse"])
    if fault == "cut":
        proxy.cut()
        return
    if fault == "silent":
        proxy.mode = "silent"
    elif fault == "delay":
        proxy.delay = plan.choice([0.02, 0.1, 0.4])
    else:
        proxy.refuse()
    run.over.wait(plan.choice([0.3, 1.0, 4.0]))
    proxy.heal()


def kill_redis(run, plan):
    with run.redis_lock:
        run.redis.kill()
        run.over.wait(plan.random() * 1.5)
        run.redis.start()


def freeze_redis(run, plan):
    with run.redis_lock:
        run.redis.freeze()
        run.over.wait(plan.choice([0.3, 1.0, 6.0]))
        run.redis.thaw()


def drop_clients(run, plan):
    run.redis.cli("CLIENT", "KILL", "TYPE", plan.choice(["pubsub", "normal"]), check=False)


def leave_behind(run, plan):
    """One replica hears nothing of the last changes before the loss: the others have more than it."""
    proxy = plan.choice(run.replicas).proxy
    proxy.refuse()
    run.over.wait(0.7)
    return proxy


def forget(run, plan):
    """Redis restarts empty."""
    proxy = leave_behind(run, plan)
    kill_redis(run, plan)
    proxy.heal()


def rewind(run, plan):
    """Redis restarts with a file that is a moment older."""
    with run.redis_lock:
        run.redis.cli("SAVE")
        run.over.wait(plan.random())
        proxy = leave_behind(run, plan)
        run.redis.kill()
        run.redis.start()
        proxy.heal()


def is_master(server):
    return "role:master" in server.cli("INFO", "replication", check=False)


def settle_roles(run):
    """Sentinel may have changed them by itself. True: there is one master, and the other one is in step with it."""
    servers = [run.redis, run.standby]
    masters = [server for server in servers if is_master(server)]
    if len(masters) != 1:
        return False
    run.redis, run.standby = masters[0], servers[1 - servers.index(masters[0])]
    return "master_link_status:up" in run.standby.cli("INFO", "replication", check=False)


def fail_over(run, plan):
    """The master is killed, Sentinel promotes the other one; the old one comes back as its replica."""
    with run.redis_lock:
        harness.wait_until(lambda: settle_roles(run), "a master and a standby")
        run.redis.kill()
        harness.wait_until(lambda: is_master(run.standby), "the standby to be promoted")
        run.redis.start()


FAULTS = {
    "keeps": [kill_daemon, freeze_daemon, break_proxy, break_proxy, kill_redis, freeze_redis, drop_clients],
    "forgets": [kill_daemon, freeze_daemon, break_proxy, break_proxy, freeze_redis, drop_clients],
    "rewinds": [kill_daemon, freeze_daemon, break_proxy, break_proxy, freeze_redis, drop_clients],
    "fails-over": [kill_daemon, freeze_daemon, drop_clients, fail_over],
}
LOSSES = {"forgets": forget, "rewinds": rewind}


def wreck(run, seed, seconds):
    """Faults until the time is over; the loss, if the run has one, comes in the middle."""
    plan = random.Random(seed)
    start, loss = time.monotonic(), LOSSES.get(run.kind)
    while time.monotonic() - start < seconds:
        if loss and time.monotonic() - start > seconds / 2:
            say(f"{loss.__name__}: Redis loses entries")
            loss(run, plan)
            loss = None
            continue
        fault = plan.choice(FAULTS[run.kind])
        fault(run, plan)
        run.over.wait(plan.random() * 0.5)


# ---------------------------------------------------------------- Watch

class Subscriber(threading.Thread):
    """Watches one replica after the other, always resuming after what it saw last."""

    def __init__(self, run, seed):
        super().__init__(daemon=True)
        self.run_, self.plan, self.events, self.after, self.problem = run, random.Random(seed), [], 0, None
        self.epochs = 0

    def run(self):
        while not self.run_.over.is_set() and not self.problem:
            try:
                self.watch(self.plan.choice(self.run_.replicas))
            except (OSError, EvauthError):
                self.run_.over.wait(0.05)

    def watch(self, replica):
        client = Client(f"unix:{replica.unix}", timeout=5.0)
        try:
            for event in client.watch(self.after):
                self.take(event)
                if self.run_.over.is_set() or self.plan.random() < 0.001:
                    return
        finally:
            client.close()

    def take(self, event):
        if not event.change_sets:
            if self.after == 0:
                self.after = event.revision
            return
        if event.revision <= self.after:
            self.problem = f"revision {event.revision} came after {self.after}"
        self.after = event.revision
        self.events.append(event)


# ---------------------------------------------------------------- afterwards

def say(text):
    print(f"nemesis: {text}", flush=True)


def heal(run):
    if run.redis.is_stopped:
        run.redis.thaw()
    for replica in run.replicas:
        replica.proxy.heal()
        replica.forget_client()
        if replica.process.poll() is not None:
            replica.start()
    if run.sentinel:  # on a busy machine it may have failed over by itself
        harness.wait_until(lambda: settle_roles(run), "a master and a standby", HEAL_SECONDS)


def states(run):
    found = [cluster.try_status(replica) for replica in run.replicas]
    return None if None in found else found


def settle(run):
    """Until everybody follows, or has said DIVERGED."""
    def settled():
        found = states(run)
        done = found and all(status.replication.state in (FOLLOWING, DIVERGED) for status in found)
        return found if done else None

    return harness.wait_until(settled, "every replica to follow or to say DIVERGED", HEAL_SECONDS)


def adopt(run, found, plan):
    """What an operator does: looks at all, chooses one, lets the others follow. When it is the one that has least, the
    others must set aside what they alone have."""
    if run.kind == "keeps":
        raise Failure(f"DIVERGED, but Redis lost nothing: {[status.replication for status in found]}")
    choose = plan.choice([min, max])
    index = choose((index for index, status in enumerate(found) if status.replication.state == DIVERGED),
                   key=lambda index: found[index].revision)
    answer = run.replicas[index].call(pb.AdoptRequest(epoch=found[index].epoch))
    run.has_lost = True
    say(f"adopted the state of replica {index}, revision {found[index].revision} of "
        f"{[status.revision for status in found]}: revision {answer.revision}, epoch {answer.epoch}")


def count_markers(entries):
    counts = collections.Counter()
    for entry in entries:
        for change_set in entry.change_sets:
            for change in change_set.changes:
                if change.WhichOneof("change") == "put_customer":
                    counts[change.put_customer.id] += 1
    return counts


def check_markers(run):
    """The ledger against the logs."""
    logs = [count_markers(replica.log_entries()) for replica in run.replicas]
    orphans = [count_markers(replica.log_entries(orphans=True)) for replica in run.replicas]
    longest = collections.Counter()
    for log in logs:
        longest |= log
    aside = collections.Counter()
    for log in orphans:
        aside |= log
    for marker, (outcome, note) in run.ledger.answers.items():
        times = longest[marker]
        if times > 1:
            raise Failure(f"{marker} ({outcome}) took effect {times} times")
        if outcome == "acknowledged" and times == 0 and not (run.has_lost and aside[marker]):
            raise Failure(f"{marker} was acknowledged and is lost")
        if outcome == "refused" and times + aside[marker] > 0:
            raise Failure(f"{marker} was refused ({note}) and took effect")
    return sum(longest.values()), sum(aside.values())


def check_objects(run):
    """What the log says is what the store has."""
    replica = run.replicas[0]
    stored = {record.customer.id for record in replica.client().snapshot() if record.HasField("customer")}
    acknowledged = {marker for marker, (outcome, _) in run.ledger.answers.items() if outcome == "acknowledged"}
    missing = acknowledged - stored
    if missing and not run.has_lost:
        raise Failure(f"acknowledged and not stored: {sorted(missing)[:10]}")


def check_watch(run, subscriber):
    if subscriber.problem:
        raise Failure(f"Watch: {subscriber.problem}")
    if run.has_lost:
        return  # histories were replaced under it
    first = subscriber.events[0].revision if subscriber.events else 0
    log = {entry.revision: len(entry.change_sets) for entry in run.replicas[0].log_entries() if entry.change_sets}
    seen = {event.revision: len(event.change_sets) for event in subscriber.events}
    expected = {revision: count for revision, count in log.items() if first <= revision <= subscriber.after}
    if seen != expected:
        raise Failure(f"Watch saw {len(seen)} revisions, the log has {len(expected)}: "
                      f"{sorted(set(seen.items()) ^ set(expected.items()))[:10]}")


def run_all(arguments, folder):
    plan = random.Random(arguments.seed)
    run = Cluster(plan, folder, arguments.redis, arguments.replicas)
    try:
        run.replicas[0].apply(harness.put_tariff("never-deleted"), harness.put_group("g", "never-deleted"))
        subscriber = Subscriber(run, plan.random())
        threads = [threading.Thread(target=change_by_apply, args=(run, plan.random())) for _ in range(4)]
        threads += [threading.Thread(target=change_by_inbox, args=(run, plan.random())), subscriber]
        for thread in threads:
            thread.start()
        try:
            wreck(run, plan.random(), arguments.seconds)
        finally:
            run.over.set()
            for thread in threads:
                thread.join()
        say(f"{run.ledger.count} changes: {run.ledger.counts()}; healing")
        heal(run)
        found = settle(run)
        if any(status.replication.state == DIVERGED for status in found):
            adopt(run, found, plan)
        elif run.kind in LOSSES:
            raise Failure(f"Redis lost entries and nobody noticed: {found}")
        status = cluster.wait_equal(*run.replicas, seconds=HEAL_SECONDS)
        in_log, aside = check_markers(run)
        check_objects(run)
        check_watch(run, subscriber)
        say(f"revision {status.revision}, digest {status.digest} on {len(run.replicas)} replicas; {in_log} changes in "
            f"the log, {aside} among the orphans, {len(subscriber.events)} events watched")
    finally:
        run.over.set()
        run.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--redis", choices=[*FAULTS], default="keeps")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and stores")
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}, {arguments.seconds:g} s, Redis {arguments.redis}")
    folder = tempfile.mkdtemp(prefix="evauth-nemesis-")
    try:
        run_all(arguments, folder)
        say("everything holds")
    except (Failure, AssertionError) as failure:
        say(f"FAILED, seed {arguments.seed}: {failure}")
        if arguments.keep:
            say(f"logs and stores are in {folder}")
        sys.exit(1)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
