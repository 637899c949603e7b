#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth customer erase: no byte of the customer is left in any file of the store; nothing of anybody else is lost."""

import json
import os
import subprocess
import threading
import time
import unittest

import evauth_pb2 as pb
import harness

EVAUTH = os.environ["EVAUTH_BIN"]
WHO = "Erased-Person-7731"
UIDS = ["04DEADBEEF7731", "04FEEDFACE7731", "04C0FFEE997731"]
TRACES = [WHO, *UIDS, "Jane Q. Erasable", "NL-EVA-JANE77"]


class Erase(harness.DaemonTest):
    def evauth(self, daemon, *arguments, expect=0):
        done = subprocess.run([EVAUTH, "--server", daemon.address, *arguments], capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def erase(self, daemon, who=WHO, expect=0):
        return self.evauth(daemon, "customer", "erase", who, "--yes", expect=expect)

    def traces(self, daemon, texts=tuple(TRACES)):
        """Which of the texts are in which file of the store, in any case of letters."""
        found = []
        for folder, _, names in os.walk(daemon.store):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read().upper()
                found += [(name, text) for text in texts if text.upper().encode() in data]
        return found

    def fill(self, daemon, customers=600):
        daemon.apply(harness.put_tariff("t"), harness.put_tariff("u"), harness.put_group("g", "t"),
                     harness.put_point("p"), harness.attach_points("g", "p"))
        for start in range(0, customers, 50):
            numbers = range(start, start + 50)
            daemon.apply(*[harness.put_customer(f"c-{number}", name=f"Name {number}") for number in numbers],
                         *[harness.put_token(f"0400AA{number:08d}", f"c-{number}") for number in numbers],
                         harness.attach_customers("g", *[f"c-{number}" for number in numbers]),
                         idempotency_key=f"fill-{start}")

    def live(self, daemon, who=WHO, keys=""):
        """Everything that can happen to a customer."""
        daemon.apply(harness.put_customer(who, name="Jane Q. Erasable"), harness.put_customer("c-1", name="with it"),
                     idempotency_key=keys + "first")
        daemon.apply(*[harness.put_token(uid, who, contract_id="NL-EVA-JANE77") for uid in UIDS])
        daemon.apply(harness.attach_customers("g", "c-1", who, "c-2"), idempotency_key=keys + "attach")
        daemon.apply(harness.attach_customers("g", who.lower()), idempotency_key=keys + "again")
        daemon.apply(harness.set_customer_tariff("g", who, "c-2", tariff_id="u"))
        daemon.apply(harness.delete_token(UIDS[2].lower()))
        daemon.apply(harness.detach_customers("g", who.upper(), "c-3"), idempotency_key=keys + "detach")
        daemon.apply(harness.attach_customers("g", who))

    def others(self, daemon):
        return [record.SerializeToString() for record in daemon.client().snapshot()]

    def assert_sound(self, daemon):
        self.evauth(daemon, "check")
        self.evauth(daemon, "log", "--last", "1000")

    def test_no_byte_is_left(self):
        daemon = self.start_daemon()
        self.fill(daemon)
        before = self.others(daemon)
        self.live(daemon)
        daemon.apply(*[harness.put_customer(f"c-{n}", name=f"Name {n}") for n in (1, 2, 3)],
                     harness.attach_customers("g", "c-3"), harness.set_customer_tariff("g", "c-2", tariff_id=""))
        self.assertEqual(len({text for _, text in self.traces(daemon)}), len(TRACES))
        done = self.erase(daemon)
        self.assertIn("the last byte was gone", done.stdout)
        self.assertEqual(self.traces(daemon), [])
        self.assertEqual(len(self.others(daemon)), len(before))
        self.assert_sound(daemon)
        for number in range(200):  # what LMDB keeps in memory does not come back
            daemon.apply(harness.put_customer(f"c-{number}", name=f"later {number}"))
        self.assertEqual(self.traces(daemon), [])
        daemon.restart()
        self.assertEqual(self.traces(daemon), [])
        self.assert_sound(daemon)
        self.assertNotIn(WHO, daemon.log())

    def test_others_keep_their_entries_and_answers(self):
        daemon = self.start_daemon()
        self.fill(daemon, 50)
        self.live(daemon)
        answer = json.loads(self.evauth(daemon, "--json", "customer", "erase", WHO, "--yes").stdout)
        self.assertGreater(int(answer["entries"]), 7)
        self.assertEqual(int(answer.get("answers", 0)), 1)  # "again" had found it attached
        entries = daemon.call(pb.LogRequest(page_size=100)).entries
        changes = [change for entry in entries for sets in entry.change_sets for change in sets.changes]
        self.assertIn("with it", [change.put_customer.name for change in changes])
        attached = [list(change.attach_customers.customer_ids) for change in changes
                    if change.HasField("attach_customers")]
        self.assertIn(["c-1", "c-2"], attached)
        again = daemon.apply(harness.put_customer(WHO, name="Jane Q. Erasable"),
                             harness.put_customer("c-1", name="with it"), idempotency_key="first")
        self.assertTrue(again.replayed)
        self.assert_sound(daemon.restart())

    def test_an_entry_of_many_chunks(self):
        daemon = self.start_daemon()
        self.fill(daemon, 50)
        self.live(daemon)
        daemon.apply(harness.put_customer(WHO, name="Jane Q. Erasable"),
                     *[harness.put_customer(f"big-{number}", name="n" * 200) for number in range(800)])
        daemon.apply(*[harness.put_customer(WHO, name="Jane Q. Erasable " + "x" * 150) for _ in range(900)])
        self.erase(daemon)
        self.assertEqual(self.traces(daemon), [])
        names = [change.put_customer.id for entry in daemon.call(pb.LogRequest(page_size=3)).entries
                 for sets in entry.change_sets for change in sets.changes]
        self.assertEqual([name for name in names if name], [f"big-{number}" for number in range(800)])
        self.assert_sound(daemon.restart())

    def test_a_token_that_somebody_else_has_now_is_theirs(self):
        daemon = self.start_daemon()
        self.fill(daemon, 50)
        self.live(daemon)
        daemon.apply(harness.put_token(UIDS[0], "c-5"))
        self.erase(daemon)
        self.assertEqual({text for _, text in self.traces(daemon)}, {UIDS[0]})
        self.assertEqual(daemon.authorize(UIDS[0], "p").verdict, pb.VERDICT_ALLOWED)
        self.assert_sound(daemon)

    def test_twice_and_nobody(self):
        daemon = self.start_daemon()
        self.fill(daemon, 50)
        self.live(daemon)
        self.erase(daemon)
        self.erase(daemon)
        self.erase(daemon, "never-there")
        self.assertEqual(self.traces(daemon), [])
        self.evauth(daemon, "customer", "erase", "c-1", expect=2)  # without --yes
        self.assert_refused(harness.FAILED_PRECONDITION, daemon.call, pb.EraseRequest(customer_id="C-1"),
                            field="customer_id")
        self.assert_refused(harness.INVALID_ARGUMENT, daemon.call, pb.EraseRequest(), field="customer_id")
        self.assert_sound(daemon)

    def test_killed_in_the_middle(self):
        """Whenever it is killed, the store is sound, and the next try finishes the work. The times choose when that is:
        nothing is expected to be over by then."""
        daemon = self.start_daemon()
        self.fill(daemon)
        for milliseconds in (2, 5, 10, 20, 30, 45, 60, 80):
            self.live(daemon, keys=f"{milliseconds}-")
            process = subprocess.Popen([EVAUTH, "--server", daemon.address, "customer", "erase", WHO, "--yes"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(milliseconds / 1000)
            daemon.kill()
            process.wait()
            self.assert_sound(daemon.start())
            self.erase(daemon)
            self.assertEqual(self.traces(daemon), [])

    def test_while_others_write_and_ask(self):
        daemon = self.start_daemon()
        self.fill(daemon)
        over, failures = threading.Event(), []

        def work(number):
            client, count = self.connect(daemon), 0
            while not over.is_set():
                count += 1
                name = f"w{number}-{count % 40}"
                client.call(pb.ChangeSet(changes=[harness.put_customer(name), harness.put_token(f"0499{name}", name),
                                                  harness.attach_customers("g", name)]))
                if client.call(pb.AuthorizeRequest(token_uid=f"0499{name}",
                                                   charge_point_id="p")).verdict != pb.VERDICT_ALLOWED:
                    failures.append(name)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            for number in range(3):
                self.live(daemon, keys=f"{number}-")
                self.erase(daemon)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.traces(daemon), [])
        self.assert_sound(daemon)
        self.assert_sound(daemon.restart())


if __name__ == "__main__":
    unittest.main()
