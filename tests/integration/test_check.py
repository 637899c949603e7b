#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth check: a sound store is said to be sound, while it serves; damage of every kind is found."""

import json
import os
import subprocess
import threading
import unittest

import evauth_pb2 as pb
import harness

PAGE = 4096


class Check(harness.DaemonTest):
    def fill(self, daemon, customers=300):
        daemon.apply(harness.put_tariff("t"), harness.put_tariff("p"),
                     harness.put_group("g", "t", prepaid_tariff_id="p"),
                     harness.put_point("z", ["NL*EVA*E1", "NL*EVA*E2"], location_id="here", home_charger=True),
                     harness.put_point("loose"), harness.attach_points("g", "Z"))
        for start in range(0, customers, 100):
            numbers = range(start, min(start + 100, customers))
            daemon.apply(*[harness.put_customer(f"c-{number}", blocked=number % 3 == 0, user_group="Fleet")
                           for number in numbers],
                         *[harness.put_token(f"04CAFE{number:06d}", f"C-{number}", contract_id=f"NL-EVA-{number:06d}",
                                             parent_id="family", valid_until=2**40) for number in numbers],
                         harness.put_token(f"99{start:06d}", issuer="NL*TNM"),
                         harness.attach_customers("g", *[f"c-{number}" for number in numbers], tariff_id="p"))

    def check(self, daemon, *options):
        return subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, "check", *options],
                              capture_output=True, text=True, check=False)

    def damage(self, daemon, needle, offset=0):
        """Changes one byte near the bytes of every copy of `needle` in the file that the daemon serves from."""
        path = os.path.join(daemon.store, "data.mdb")
        with open(path, "rb") as file:
            data = file.read()
        places, at = [], data.find(needle)
        while at >= 0:
            places.append(at + offset)
            at = data.find(needle, at + 1)
        self.assertTrue(places)
        with open(path, "r+b") as file:
            for place in places:
                file.seek(place)
                file.write(bytes([data[place] ^ 1]))

    def test_a_sound_store(self):
        daemon = self.start_daemon()
        self.assertEqual(self.check(daemon).returncode, 0)
        self.fill(daemon)
        done = self.check(daemon, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        status = daemon.status()
        self.assertEqual(answer["digest"], status.digest)
        self.assertEqual(int(answer["objects"]), sum(item.count for item in status.objects))
        self.assertGreater(int(answer["records"]), int(answer["objects"]))
        self.assertNotIn("problems", {key for key, value in answer.items() if value})
        self.assertIn("sound at revision", self.check(daemon).stdout)

    def test_after_changes_of_every_kind(self):
        daemon = self.start_daemon()
        self.fill(daemon)
        daemon.apply(harness.put_customer("C-5", no_credit=True, user_group="other"), harness.delete("customer", "c-7"),
                     harness.detach_customers("g", "c-8"), harness.detach_points("z"),
                     harness.put_point("Z", ["NL*EVA*E2", "NL*EVA*E3"]), harness.put_tariff("T", cents=31),
                     harness.set_customer_tariff("g", "c-9", tariff_id=""), harness.delete_token("04cafe000010"),
                     harness.put_token("04CAFE000011", "c-12", blocked=True))
        self.assertEqual(self.check(daemon).returncode, 0, self.check(daemon).stderr)
        self.assertEqual(self.check(daemon.restart()).returncode, 0)

    def test_while_others_write(self):
        daemon = self.start_daemon()
        self.fill(daemon, 3000)
        over = threading.Event()

        def write():
            client, number = self.connect(daemon), 0
            while not over.is_set():
                number += 1
                client.call(pb.ChangeSet(changes=[
                    harness.put_customer(f"c-{number % 3000}", name=f"n{number}"),
                    harness.put_token(f"04CAFE{(number * 7) % 3000:06d}", f"c-{number % 3000}"),
                    harness.put_customer(f"new-{number % 50}"),
                    harness.delete("customer", f"new-{(number + 9) % 50}")]))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                done = self.check(daemon)
                self.assertEqual(done.returncode, 0, done.stderr)
        finally:
            over.set()
            writer.join()

    def test_a_damaged_record_is_found_and_no_token_is_named(self):
        daemon = self.start_daemon("--log-entries", "0")
        self.fill(daemon)
        self.damage(daemon, b"NL-EVA-000042", 3)
        done = self.check(daemon)
        self.assertEqual(done.returncode, 1)
        self.assertIn("table tokens", done.stderr)
        self.assertNotIn("CAFE", done.stderr + daemon.log())
        self.assertIn("check_failed", daemon.log())
        daemon.kill()

    def test_a_record_that_the_index_knows_otherwise_is_found(self):
        """A file whose bytes are of another state is sound in itself; the index and the digest are not of it."""
        daemon = self.start_daemon("--log-entries", "0")
        self.fill(daemon)
        path = os.path.join(daemon.store, "data.mdb")
        with open(path, "rb") as file:
            before = file.read()
        daemon.apply(harness.put_customer("c-1", user_group="Changed"), harness.delete("customer", "c-2"))
        with open(path, "r+b") as file:
            file.write(before)
        done = self.check(daemon)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("index", done.stderr)
        daemon.kill()

    def test_a_damaged_page_is_found(self):
        daemon = self.start_daemon()
        self.fill(daemon)
        path = os.path.join(daemon.store, "data.mdb")
        with open(path, "r+b") as file:
            data = file.read()
            place = data.find(b"04CAFE000042") // PAGE * PAGE
            file.seek(place)
            file.write(b"\xff" * 8)
        done = self.check(daemon)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "page [0-9]+")
        daemon.kill()


if __name__ == "__main__":
    unittest.main()
