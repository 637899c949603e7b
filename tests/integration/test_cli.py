#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evauth against a real daemon: every step of the operator, its exit code and what it says."""

import json
import os
import pty
import select
import socket
import subprocess
import threading
import unittest

import harness

EVAUTH = os.environ["EVAUTH_BIN"]
SOURCE = os.environ["EVAUTH_SOURCE_DIR"]
DONE, DENIED, ERROR, ASK_ISSUER = 0, 1, 2, 3
NOBODY = "Nobody can charge in charge group"

TARIFF = {"id": "t-work", "currency": "EUR", "elements": [
    {"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 21, "step_size": 1}],
     "restrictions": {"start_time": "07:00", "end_time": "19:00", "day_of_week": ["MONDAY", "FRIDAY"]}},
    {"price_components": [{"type": "ENERGY", "price": 0.20}, {"type": "FLAT", "price": 1.5}]}]}


def lines(*changes):
    return "".join(json.dumps(change) + "\n" for change in changes)


def small_world():
    """An office with nobody in it yet, two points, two customers with a card each."""
    return lines(
        {"put_tariff": TARIFF}, {"put_tariff": {**TARIFF, "id": "t-staff"}}, {"put_tariff": {**TARIFF, "id": "t-pre"}},
        {"put_charge_point": {"id": "AMS-1", "location_id": "ams", "evses": [{"evse_id": "NL*EVC*E0001*1"}]}},
        {"put_charge_point": {"id": "AMS-2", "location_id": "ams"}},
        {"put_charge_point": {"id": "RTM-1", "home_charger": True}},
        {"put_customer": {"id": "cust-17", "name": "Zoë Jansen"}},
        {"put_customer": {"id": "cust-18", "name": "Bram Jansen", "payment": "PREPAID"}},
        {"put_token": {"uid": "04A1B2C3D4E5F6", "type": "RFID", "customer_id": "cust-17"}},
        {"put_token": {"uid": "04A1B2C3D4E5F7", "type": "RFID", "customer_id": "cust-18"}},
        {"put_token": {"uid": "DEAD01", "type": "RFID", "issuer": {"country_code": "DE", "party_id": "8EO"},
                       "whitelist": "ALLOWED_OFFLINE"}})


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)


class CliTest(harness.DaemonTest):
    def setUp(self):
        self.daemon = self.start_daemon()
        self.folder = self.make_folder()

    def evauth(self, *arguments, code=DONE, stdin="", server=None):
        """Runs a command, which must end with `code`."""
        environment = {**os.environ, "EVAUTH_SERVER": server or self.daemon.address}
        done = subprocess.run([EVAUTH, *arguments], input=stdin, capture_output=True, text=True, env=environment,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        self.assertNotRegex(done.stderr, harness.SANITIZER)
        return Result(done)

    def file(self, text, name="file"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def load(self, text):
        return self.evauth("import", "-", stdin=text)


class OperatorsDay(CliTest):
    """The steps of the contract, one after the other, on one store."""

    def test_from_a_tariff_to_an_answer(self):
        self.load(small_world())
        step = self.evauth("tariff", "put", self.file(json.dumps(TARIFF)))
        self.assertEqual(step.out, "tariff t-work: changed\n")

        step = self.evauth("group", "create", "office", "--name", "Office", "--type", "other", "--tariff", "t-work",
                           "--prepaid-tariff", "t-pre", "--info", "contract 2026-44")
        self.assertEqual(step.out, "charge group office: created\n")
        self.assertIn(NOBODY + " office", step.err)
        self.assertIn("evauth group attach-customers office", step.err)

        step = self.evauth("search", "charge-points", "ams", "--unattached")
        self.assertEqual(step.out, "POINT  GROUP  LOCATION  HOME  EVSES\n"
                                   "AMS-1  -      ams             1\n"
                                   "AMS-2  -      ams             0\n"
                                   "2 charge points\n")
        step = self.evauth("group", "attach-points", "office", "AMS-1", "AMS-2")
        self.assertEqual(step.out, "charge group office: 2 charge points attached\n")
        self.assertIn("office", self.evauth("search", "charge-points", "AMS-1").out)

        self.assertIn("Zoë Jansen", self.evauth("search", "customers", "jans").out)
        step = self.evauth("group", "attach-customers", "office", "cust-17", "cust-18")
        self.assertEqual(step.out, "charge group office: 2 customers attached\n")
        self.assertEqual(step.err, "")
        self.evauth("group", "set-tariff", "office", "cust-17", "--tariff", "t-staff")

        shown = self.evauth("group", "show", "office").out
        for text in ("contract 2026-44", "AMS-1", "Customers and Tariffs",
                     "cust-17   Zoë Jansen   t-staff  own", "cust-18   Bram Jansen  t-pre    the group's prepaid"):
            self.assertIn(text, shown)

        step = self.evauth("authorize", "04a1b2c3d4e5f6", "AMS-1")
        self.assertTrue(step.out.startswith("ALLOWED  OK\n"))
        self.assertIn("tariff                 t-staff", step.out)
        self.assertIn("t-staff applies", self.evauth("tariff", "show", "--point", "AMS-1", "--token",
                                                     "04A1B2C3D4E5F6").out)
        self.evauth("group", "set-tariff", "office", "cust-17", "--tariff", "")
        self.assertIn("t-work applies", self.evauth("tariff", "show", "--point", "AMS-1", "--token",
                                                    "04A1B2C3D4E5F6").out)
        self.assertIn("customer cust-17 sees 2 charge points", self.evauth("visible", "cust-17").out)
        self.assertIn("cust-18", self.evauth("permitted", "AMS-1").out)
        self.assertIn("AMS-1", self.evauth("permitted", "--evse", "NL*EVC*E0001*1", "--json").out +
                      self.evauth("authorize", "04A1B2C3D4E5F6", "--evse", "NL*EVC*E00011").out)

        self.evauth("group", "set", "office", "--roaming", "on", "--name", "The office")
        step = self.evauth("authorize", "DEAD01", "AMS-1", code=ASK_ISSUER)
        self.assertTrue(step.out.startswith("ASK_ISSUER  ISSUER_DECIDES\n"))
        self.evauth("group", "set", "office", "--roaming", "off")
        self.evauth("authorize", "DEAD01", "AMS-1", code=DENIED)

        step = self.evauth("group", "detach-customers", "office", "cust-17", "cust-18")
        self.assertIn(NOBODY, step.err)
        self.evauth("authorize", "04A1B2C3D4E5F6", "AMS-1", code=DENIED)
        step = self.evauth("group", "delete", "office")
        self.assertEqual(step.out, "charge group office: deleted; 2 charge points detached\n")


class Answers(CliTest):
    def setUp(self):
        super().setUp()
        self.load(small_world())
        self.evauth("group", "create", "office", "--type", "other", "--tariff", "t-work")
        self.evauth("group", "attach-points", "office", "AMS-1")
        self.evauth("group", "attach-customers", "office", "cust-17")

    def test_exit_codes_are_the_same_in_json(self):
        for arguments, code, verdict in ((("04A1B2C3D4E5F6", "AMS-1"), DONE, "ALLOWED"),
                                         (("04A1B2C3D4E5F7", "AMS-1"), DENIED, "DENIED"),
                                         (("04A1B2C3D4E5F6", "nowhere"), DENIED, "DENIED")):
            self.assertEqual(self.evauth("--json", "authorize", *arguments, code=code).json["verdict"], verdict)

    def test_explain_tells_what_decided(self):
        step = self.evauth("authorize", "04A1B2C3D4E5F7", "AMS-1", "--explain", code=DENIED)
        self.assertRegex(step.out, r"(?m)^=> +11  .*not attached")

    def test_time_counts(self):
        self.evauth("token", "set", "04A1B2C3D4E5F6", "--valid-until", "2026-06-01")
        self.evauth("authorize", "04A1B2C3D4E5F6", "AMS-1", "--at", "2026-05-31T23:59:59Z")
        self.evauth("authorize", "04A1B2C3D4E5F6", "AMS-1", "--at", "2026-06-01T00:00:00Z", code=DENIED)
        self.evauth("authorize", "04A1B2C3D4E5F6", "AMS-1", "--at", "2026-06-01T01:00:00+02:00")

    def test_direct_payment_needs_no_uid(self):
        self.evauth("group", "set", "office", "--roaming", "on")
        step = self.evauth("--json", "authorize", "", "AMS-1", "--type", "ad-hoc-user")
        self.assertEqual(step.json["access"], "DIRECT_PAYMENT")

    def test_a_request_that_is_not_understood_is_an_error_not_a_denial(self):
        self.evauth("authorize", "04A1", "AMS-1", "--at", "soon", code=ERROR)
        self.evauth("authorize", " 04A1", "AMS-1", code=ERROR)
        self.evauth("authorize", "04A1", code=ERROR)

    def test_tariff_show_takes_every_place_and_caller(self):
        for arguments in (("--group", "office", "--class", "roaming"), ("--group", "office", "--customer", "cust-18"),
                          ("--evse", "NL*EVC*E0001*1", "--token", "unknown"),
                          ("--point", "AMS-1", "--class", "direct-payment")):
            self.assertEqual(self.evauth("--json", "tariff", "show", *arguments).json["tariff"]["id"], "t-work")
        self.evauth("tariff", "show", "--point", "AMS-1", code=ERROR)
        self.assertIn("attach the point first",
                      self.evauth("tariff", "show", "--point", "RTM-1", "--class", "roaming", code=ERROR).err)


class Objects(CliTest):
    def setUp(self):
        super().setUp()
        self.load(small_world())

    def test_every_object_is_created_shown_set_and_deleted(self):
        rows = (("group", "g", ("--type", "home", "--tariff", "t-work"), ("--name", "New"), "name"),
                ("point", "p", ("--location", "loc", "--evse", "E1=IEC_62196_T2", "--evse", "E2"),
                 ("--time-zone", "Europe/Amsterdam"), "time_zone"),
                ("customer", "c", ("--name", "Old", "--payment", "prepaid"), ("--name", "New"), "name"),
                ("token", "AABBCC", ("--type", "rfid", "--customer", "cust-17"), ("--contract", "NL-1"), "contract_id"))
        for noun, name, create, change, field in rows:
            with self.subTest(noun):
                self.assertIn("created", self.evauth(noun, "create", name, *create).out)
                again = self.evauth(noun, "create", name, *create, code=ERROR)
                self.assertIn("ALREADY_EXISTS", again.err)
                self.assertIn("'set'", again.err)
                self.assertIn("changed", self.evauth(noun, "set", name, *change).out)
                record = self.evauth("get", noun, name, "--json").json
                objects = [value for key, value in record.items() if key != "modified_revision"]
                self.assertEqual(objects[0][field], change[1])
                self.assertIn(change[1], self.evauth(noun, "show", name).out)
                self.assertIn(name, self.evauth(noun, "list").out)
                self.assertIn("deleted", self.evauth(noun, "delete", name).out)
                self.assertIn("nothing was deleted", self.evauth(noun, "delete", name).out)
                self.evauth(noun, "show", name, code=ERROR)

    def test_fields_are_cleared_by_empty_values(self):
        self.evauth("group", "create", "g", "--type", "other", "--tariff", "t-work", "--prepaid-tariff", "t-pre",
                    "--name", "x", "--all-customers", "--user-group", "u")
        self.evauth("group", "set", "g", "--prepaid-tariff", "", "--name", "", "--all-customers", "off")
        group = self.evauth("get", "group", "g", "--json").json["charge_group"]
        self.assertEqual(group, {"id": "g", "type": "OTHER", "tariff_id": "t-work", "user_group": "u"})

    def test_put_replaces_and_reads_stdin(self):
        self.evauth("customer", "put", "-", stdin='{"id": "c", "name": "A", "blocked": true}')
        self.evauth("customer", "put", "-", stdin='{"id": "c", "name": "B"}')
        self.assertEqual(self.evauth("get", "customer", "c", "--json").json["customer"], {"id": "c", "name": "B"})
        step = self.evauth("customer", "put", "-", stdin='{"id": "c",\n "nam": "B"}', code=ERROR)
        self.assertIn("nam", step.err)

    def test_a_tariff_is_shown_and_guarded(self):
        shown = self.evauth("tariff", "show", "t-work").out
        self.assertIn("energy, per kWh  0.25   21     1     07:00 to 19:00, Mon Fri", shown)
        self.evauth("tariff", "set", "t-work", "--url", "https://cpo.example/t")
        self.evauth("group", "create", "g", "--type", "other", "--tariff", "t-work")
        step = self.evauth("tariff", "delete", "t-work", code=ERROR)
        self.assertIn("evauth search groups --tariff", step.err)
        self.assertIn("g", self.evauth("search", "groups", "--tariff", "t-work").out)
        self.evauth("tariff", "create", self.file(json.dumps(TARIFF)), code=ERROR)

    def test_tokens_of_one_uid_are_told_apart(self):
        self.evauth("token", "create", "DEAD01", "--type", "rfid", "--customer", "cust-17")
        self.assertIn("cust-17", self.evauth("token", "show", "DEAD01").out)
        self.assertIn("DE*8EO", self.evauth("token", "show", "DEAD01", "--issuer", "DE-8EO").out)
        self.evauth("token", "set", "DEAD01", "--issuer", "DE*8EO", "--blocked")
        self.evauth("token", "delete", "DEAD01", "--type", "rfid", "--issuer", "DE*8EO")
        self.assertIn("cust-17", self.evauth("token", "show", "DEAD01").out)

    def test_a_customer_is_shown_with_tokens_and_groups(self):
        self.evauth("group", "create", "g", "--type", "other", "--tariff", "t-work")
        self.evauth("group", "attach-customers", "g", "cust-17", "--tariff", "t-staff")
        shown = self.evauth("customer", "show", "cust-17").out
        self.assertIn("04A1B2C3D4E5F6", shown)
        self.assertIn("t-staff", shown)
        parts = self.evauth("customer", "show", "cust-17", "--json").json
        self.assertEqual(len(parts["tokens"]), 1)
        self.assertEqual(parts["memberships"][0]["membership"]["tariff_id"], "t-staff")

    def test_set_is_refused_when_somebody_else_was_first(self):
        """Between its reading and its writing another change is slipped in: by a proxy that holds the write back."""
        self.evauth("group", "create", "g", "--type", "other", "--tariff", "t-work")
        proxy = HoldingProxy(self.daemon.port, lambda: self.evauth("group", "set", "g", "--name", "theirs"))
        self.addCleanup(proxy.close)
        step = self.evauth("group", "set", "g", "--name", "mine", code=ERROR, server=proxy.address)
        self.assertIn("somebody changed it meanwhile", step.err)
        self.assertEqual(self.evauth("get", "group", "g", "--json").json["charge_group"]["name"], "theirs")


class HoldingProxy:
    """Passes one connection on; before the second request it calls `between`."""

    def __init__(self, port, between):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.port, self.between = port, between
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(("127.0.0.1", self.port))
        requests = 0
        with near, far:
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(1 << 20)
                    if not data:
                        return
                    if source is near:
                        requests += 1
                        if requests == 2:
                            self.between()
                    (far if source is near else near).sendall(data)

    def close(self):
        self.thread.join(60)
        self.listener.close()


class Groups(CliTest):
    def setUp(self):
        super().setUp()
        self.load(small_world())
        for name in ("a", "b"):
            self.evauth("group", "create", name, "--type", "other", "--tariff", "t-work", "--all-customers")

    def test_a_point_moves_only_when_told_to(self):
        self.evauth("group", "attach-points", "a", "AMS-1")
        step = self.evauth("group", "attach-points", "b", "AMS-1", code=ERROR)
        self.assertIn("--move", step.err)
        self.evauth("group", "attach-points", "b", "AMS-1", "--move")
        self.assertIn("is in group b, not in a", self.evauth("group", "detach-points", "a", "AMS-1", code=ERROR).err)
        self.evauth("group", "detach-points", "B", "ams-1")
        self.assertIn("AMS-1", self.evauth("point", "list", "--unattached").out)

    def test_what_was_so_already_is_reported(self):
        self.evauth("group", "attach-customers", "a", "cust-17")
        step = self.evauth("group", "attach-customers", "a", "cust-17", "cust-18")
        self.assertIn("1 customer attached\n  cust-17 was attached already\n", step.out)
        step = self.evauth("group", "detach-customers", "b", "cust-17")
        self.assertIn("cust-17 was not attached", step.out)

    def test_a_command_is_all_or_nothing(self):
        self.evauth("group", "attach-customers", "a", "cust-17", "nobody", code=ERROR)
        self.assertNotIn("cust-17", self.evauth("search", "memberships").out)

    def test_a_list_comes_from_stdin(self):
        self.load(lines(*({"put_customer": {"id": f"many-{i:05}"}} for i in range(12000))))
        ids = "".join(f"many-{i:05}\n" for i in range(12000))
        step = self.evauth("group", "attach-customers", "a", "-", stdin=ids)
        self.assertIn("12000 customers attached", step.out)
        ids = "".join(f"{'x' * 55}{i:05}\n" for i in range(9000))
        step = self.evauth("group", "attach-customers", "a", "-", stdin=ids, code=ERROR)
        self.assertIn("nothing was done", step.err)

    def test_set_tariff_wants_attached_customers(self):
        step = self.evauth("group", "set-tariff", "a", "cust-17", "--tariff", "t-staff", code=ERROR)
        self.assertIn("attach first", step.err)

    def test_every_command_that_closes_a_group_says_so(self):
        self.evauth("group", "attach-customers", "a", "cust-17")
        self.assertEqual(self.evauth("group", "set", "a", "--all-customers", "off").err, "")
        self.assertIn(NOBODY + " a", self.evauth("group", "detach-customers", "a", "cust-17").err)
        self.assertIn(NOBODY + " b", self.evauth("group", "set", "b", "--all-customers", "off").err)
        self.assertIn(NOBODY + " b", self.evauth("group", "show", "b").err)
        self.evauth("group", "attach-customers", "b", "cust-18")
        self.assertIn(NOBODY + " b", self.evauth("customer", "delete", "cust-18").err)
        step = self.evauth("--json", "group", "set", "b", "--name", "still closed")
        self.assertEqual(step.json["closed_charge_group_ids"], ["b"])
        self.assertEqual(step.err, "")
        step = self.load(lines({"put_charge_group": {"id": "c", "type": "OTHER", "tariff_id": "t-work"}}))
        self.assertIn(NOBODY + " c", step.err)
        step = self.load(lines({"put_charge_group": {"id": "d", "type": "OTHER", "tariff_id": "t-work"}},
                               {"attach_customers": {"charge_group_id": "D", "customer_ids": ["cust-17"]}}))
        self.assertEqual(step.err, "")


class ImportAndExport(CliTest):
    def demo(self):
        with open(os.path.join(SOURCE, "deploy/demo/network.jsonl"), encoding="utf-8") as file:
            return file.read()

    def test_an_export_of_an_imported_export_is_the_same(self):
        self.load(self.demo())
        first = self.evauth("export").out
        other = self.start_daemon()
        self.evauth("import", self.file(first), server=other.address)
        self.assertEqual(self.evauth("export", server=other.address).out, first)
        kinds = [next(iter(json.loads(line))) for line in first.splitlines()]
        order = ["put_tariff", "put_charge_group", "put_charge_point", "put_customer", "put_token",
                 "attach_charge_points", "attach_customers"]
        self.assertEqual(kinds, sorted(kinds, key=order.index))
        self.evauth("import", self.file(first), server=other.address)
        self.assertEqual(self.evauth("export", server=other.address).out, first)

    def test_a_wrong_line_is_named_and_what_is_committed_told(self):
        text = lines(*({"put_customer": {"id": f"c-{i}", "name": "x" * 40}} for i in range(12000)))
        bad = self.file(text + '{"put_customer": {"id": 5}}\n')
        step = self.evauth("import", bad, code=ERROR)
        self.assertIn(f"{bad}:12001: put_customer.id must be a string", step.err)
        committed = sum(row.count for row in self.daemon.status().objects)
        self.assertIn(f"committed: {committed:,} lines (1-{committed})", step.err)
        self.evauth("import", self.file(text + '{"put_customer": {"id": "ok"}}\n'))
        self.assertEqual(sum(row.count for row in self.daemon.status().objects), 12001)

    def test_a_refused_line_is_named_and_its_batch_undone(self):
        text = lines({"put_customer": {"id": "c"}}, {"put_token": {"uid": "04A1", "type": "RFID", "customer_id": "d"}})
        step = self.evauth("import", "-", stdin="\n" + text, code=ERROR)
        self.assertIn("stdin:3: customer d does not exist", step.err)
        self.assertIn("field put_token.customer_id", step.err)
        self.assertIn("nothing was committed", step.err)
        self.assertEqual(sum(row.count for row in self.daemon.status().objects), 0)
        step = self.evauth("import", "--json", "-", stdin=text, code=ERROR)
        self.assertEqual((step.json["line"], step.json["error"]["code"]), (2, 5))

    def test_a_dry_run_changes_nothing(self):
        revision = self.daemon.status().revision
        self.assertIn("would be accepted", self.evauth("import", "-", "--dry-run", stdin=small_world()).out)
        step = self.evauth("import", "-", "--dry-run", code=ERROR, stdin=lines({"delete_tariff": {}}))
        self.assertIn("stdin:1:", step.err)
        self.assertEqual(self.daemon.status().revision, revision)
        self.assertEqual(self.evauth("export").out, "")

    def test_a_daemon_killed_in_between_leaves_whole_batches(self):
        """What evauth reports as committed is there after a crash."""
        text = lines(*({"put_customer": {"id": f"c-{i:06}"}} for i in range(100000)))
        process = subprocess.Popen([EVAUTH, "--server", self.daemon.address, "import", "-", "--json"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        half = len(text) // 2
        process.stdin.write(text[:half])
        process.stdin.flush()
        harness.wait_until(lambda: sum(row.count for row in self.daemon.status().objects) > 10000, "some batches")
        self.daemon.kill()
        out, err = process.communicate(text[half:], timeout=120)
        self.assertEqual(process.returncode, ERROR, err)
        self.assertIn("import the same file again", err)
        self.daemon.start()
        stored = sum(row.count for row in self.daemon.status().objects)
        self.assertGreaterEqual(stored, json.loads(out)["committed_lines"])
        self.load(text)
        self.assertEqual(sum(row.count for row in self.daemon.status().objects), 100000)

    def run_on_terminal(self, *arguments):
        """What a command writes to stderr when that is a terminal."""
        leader, follower = pty.openpty()
        with subprocess.Popen([EVAUTH, "--server", self.daemon.address, *arguments], stdout=subprocess.DEVNULL,
                              stderr=follower) as process:
            os.close(follower)
            shown = b""
            try:
                while chunk := os.read(leader, 65536):
                    shown += chunk
            except OSError:  # the terminal's other end is closed
                pass
            self.assertEqual(process.wait(60), DONE)
        os.close(leader)
        return shown.decode()

    def test_a_progress_bar_is_for_terminals(self):
        text = lines(*({"put_customer": {"id": f"c-{i:06}", "name": "somebody"}} for i in range(150000)))
        path = self.file(text)
        self.assertEqual(self.evauth("import", path).err, "")
        self.assertEqual(self.evauth("export").err, "")
        shown = self.run_on_terminal("import", path)
        self.assertRegex(shown, r"\[#*\.*\] +\d+ %  [\d,]+ lines, [\d,]+/s, \d+ s left")
        self.assertTrue(shown.endswith("\r\x1b[K"))
        shown = self.run_on_terminal("export")
        self.assertTrue(shown.endswith("\r\x1b[K"))
        self.assertEqual(self.run_on_terminal("import", path, "--quiet"), "")

    def test_an_output_that_is_full_is_an_error(self):
        self.load(small_world())
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([EVAUTH, "--server", self.daemon.address, "export"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, ERROR)
        self.assertIn("the output is incomplete", done.stderr)


class Connections(CliTest):
    def test_a_daemon_that_is_not_there_is_named_with_the_way_out(self):
        for arguments in (("status",), ("authorize", "04A1", "P"), ("group", "show", "g"), ("export",),
                          ("group", "create", "g")):
            step = self.evauth(*arguments, server="127.0.0.1:1", code=ERROR)
            self.assertIn("cannot reach evauthd at 127.0.0.1:1: Connection refused", step.err)
            self.assertIn("Start it with: evauthd", step.err)
        self.evauth("status", server="unix:/nowhere/at/all", code=ERROR)
        self.evauth("status", server="nonsense", code=ERROR)

    def test_the_server_is_an_option_or_the_environment(self):
        address = self.daemon.address
        self.assertIn(address, self.evauth("--server", address, "status", server="127.0.0.1:1").out)
        self.assertIn(address, self.evauth("status", "--server", address, server="127.0.0.1:1").out)

    def test_a_unix_socket_serves_as_well(self):
        path = os.path.join(self.folder, "socket")
        daemon = self.start_daemon("--unix", path)
        daemon.apply(harness.put_tariff("t"))
        self.assertIn("t", self.evauth("tariff", "list", server="unix:" + path).out)

    def test_silence_ends_in_a_time_out(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            step = self.evauth("--timeout", "100", "status", code=ERROR,
                               server=f"127.0.0.1:{listener.getsockname()[1]}")
        self.assertIn("did not answer in time", step.err)
        self.assertIn("--timeout", step.err)

    def test_something_else_that_listens_there_is_recognized(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            thread = threading.Thread(target=answer)
            thread.start()
            step = self.evauth("status", code=ERROR, server=f"127.0.0.1:{listener.getsockname()[1]}")
            thread.join()
        self.assertIn("does not speak evauthd's protocol", step.err)


class Output(CliTest):
    def test_json_is_one_document_everywhere(self):
        self.load(small_world())
        self.evauth("group", "create", "g", "--type", "other", "--tariff", "t-work", "--roaming")
        for arguments in (("status",), ("group", "show", "g"), ("group", "list"), ("search", "tokens", "04"),
                          ("visible", "cust-17"), ("permitted", "AMS-1"), ("get", "tariff", "t-work"),
                          ("customer", "show", "cust-17"), ("tariff", "show", "t-work"),
                          ("group", "attach-points", "g", "AMS-1"), ("group", "set", "g", "--name", "x"),
                          ("tariff", "show", "--group", "g", "--class", "roaming"), ("group", "delete", "g"),
                          ("token", "delete", "nothing")):
            with self.subTest(arguments):
                step = self.evauth(*arguments, "--json")
                self.assertIsInstance(step.json, dict)
                self.assertEqual(step.err, "")
        step = self.evauth("group", "show", "nothing", "--json", code=ERROR)
        self.assertEqual(step.json["error"]["code"], 5)

    def test_text_for_people_has_no_colors_in_a_pipe(self):
        self.load(small_world())
        self.assertNotIn("\x1b", self.evauth("search", "customers").out)

    def test_colors_are_for_terminals_without_no_color(self):
        self.load(small_world())
        for environment, colored in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                     ({"TERM": "dumb"}, False)):
            leader, follower = pty.openpty()
            done = subprocess.run([EVAUTH, "--server", self.daemon.address, "search", "customers"], stdout=follower,
                                  check=False, env={**os.environ, **environment})
            os.close(follower)
            shown = os.read(leader, 65536)
            os.close(leader)
            self.assertEqual(done.returncode, DONE)
            self.assertEqual(b"\x1b[1m" in shown, colored, environment)

    def test_quiet_says_nothing_but_answers(self):
        self.load(small_world())
        self.assertEqual(self.evauth("customer", "set", "cust-17", "--name", "N", "--quiet").out, "")
        self.assertIn("N", self.evauth("customer", "show", "cust-17", "--quiet").out)

    def test_usage_errors_end_with_2(self):
        for arguments in ((), ("nothing",), ("group",), ("group", "nothing"), ("status", "word"), ("--nothing",)):
            self.assertNotEqual(self.evauth(*arguments, code=ERROR).err, "")
        for arguments in (("--help",), ("--version",), ("group", "set", "--help")):
            self.assertNotEqual(self.evauth(*arguments).out, "")


if __name__ == "__main__":
    unittest.main()
