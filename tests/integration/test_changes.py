#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The change rules (DESIGN 1.4) over the RPC: refusals, atomicity, outcomes, cascades, expectations, idempotency."""

import os
import struct
import threading
import unittest

import evauth_pb2 as pb
import harness
from harness import (ABORTED, ALREADY_EXISTS, FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, attach_customers,
                     attach_points, delete, delete_token, detach_customers, detach_points, put_customer, put_group,
                     put_point, put_tariff, put_token, set_customer_tariff)

CREATED, UPDATED = pb.CHANGE_OUTCOME_CREATED, pb.CHANGE_OUTCOME_UPDATED
DELETED, UNCHANGED = pb.CHANGE_OUTCOME_DELETED, pb.CHANGE_OUTCOME_UNCHANGED

WORLD = [
    put_tariff("t-1"), put_tariff("t-2"), put_tariff("t-3"),
    put_group("office", "t-1", name="Office"), put_group("home", "t-1", type=pb.CHARGE_GROUP_TYPE_HOME),
    put_point("cp-1", ["NL*EVC*E1"]), put_point("cp-2"), put_point("cp-3"),
    put_customer("jansen"), put_customer("devries"), put_customer("bakker"),
    put_token("04AA", "jansen"), put_token("04AB", "jansen"), put_token("04AC", "devries"),
    put_token("04AA", issuer="DE*8EO"),
    attach_points("office", "cp-1", "cp-2"),
    attach_customers("office", "jansen", tariff_id="t-2"), attach_customers("office", "devries"),
]


class Changes(harness.DaemonTest):
    def setUp(self):
        self.daemon = self.start_daemon()
        self.daemon.apply(*WORLD)

    def get(self, kind, object_id, **narrowed):
        return self.daemon.call(pb.GetRequest(kind=kind, id=object_id, **narrowed))

    def membership(self, group_id, customer_id):
        return self.get(pb.OBJECT_KIND_MEMBERSHIP, group_id, customer_id=customer_id).membership

    def snapshot(self):
        return list(self.daemon.client().snapshot())

    def refuse(self, status, *changes, number=1, message=None, field=None):
        """The set must be refused, at change `number`, and leave everything as it was, before and after a restart."""
        before, revision = self.snapshot(), self.daemon.status().revision
        error = self.assert_refused(status, self.daemon.apply, *changes, message=message, field=field,
                                    change_number=number)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.daemon.status().revision, revision)
        return error

    # ---- refusals name the object

    def test_references_to_what_is_not_there(self):
        for change, name in (
                (put_group("new", "t-9"), "t-9"),
                (put_group("new", "t-1", prepaid_tariff_id="t-9"), "t-9"),
                (put_token("04FF", "nobody"), "nobody"),
                (attach_points("nothing", "cp-3"), "nothing"),
                (attach_points("office", "cp-9"), "cp-9"),
                (attach_customers("nothing", "bakker"), "nothing"),
                (attach_customers("office", "nobody"), "nobody"),
                (attach_customers("office", "bakker", tariff_id="t-9"), "t-9"),
                (set_customer_tariff("office", "jansen", tariff_id="t-9"), "t-9"),
                (set_customer_tariff("nothing", "jansen", tariff_id="t-1"), "nothing")):
            self.refuse(NOT_FOUND, change, message=name)

    def test_point_of_another_group_needs_move(self):
        self.refuse(FAILED_PRECONDITION, attach_points("home", "cp-3", "cp-1"), message="cp-1")
        response = self.daemon.apply(attach_points("home", "cp-3", "cp-1", move=True))
        self.assertEqual((response.results[0].outcome, response.results[0].changed), (UPDATED, 2))
        self.assertEqual(self.get(pb.OBJECT_KIND_CHARGE_POINT, "cp-1").charge_point.charge_group_id, "home")

    def test_tariff_of_a_customer_who_is_not_attached(self):
        self.refuse(FAILED_PRECONDITION, set_customer_tariff("office", "jansen", "bakker", tariff_id="t-1"),
                    message="bakker")

    def test_tariff_in_use_cannot_be_deleted(self):
        self.refuse(FAILED_PRECONDITION, delete("tariff", "t-1"), message="t-1")
        self.refuse(FAILED_PRECONDITION, delete("tariff", "T-2"), message="T-2")
        self.daemon.apply(put_group("office", "t-1", prepaid_tariff_id="t-3"))
        self.refuse(FAILED_PRECONDITION, delete("tariff", "t-3"), message="t-3")
        self.daemon.apply(put_group("office", "t-1"), delete("tariff", "t-3"),
                          set_customer_tariff("office", "jansen", tariff_id=""), delete("tariff", "t-2"))

    def test_malformed_objects(self):
        for change, field in (
                (put_token("04FF"), ""), (put_token("04FF", "jansen", "DE*8EO"), ""),
                (put_token("04FF", "jansen", type=0), "type"),
                (put_token("04FF", "jansen", valid_from=20, valid_until=20), "valid_until"),
                (put_token("04FF", "jansen", valid_from=20, valid_until=10), "valid_until"),
                (put_token("", "jansen"), "uid"), (put_token("x" * 65, "jansen"), "uid"),
                (put_token("--", "jansen", type=pb.TOKEN_TYPE_EMAID), "uid"),
                (put_group("new", "t-1", type=0), "type"), (put_group("new", ""), "tariff_id"),
                (put_group("new\n", "t-1"), "id"), (put_customer(" x"), "id"), (put_customer("x "), "id"),
                (put_customer("ü"), "id"), (put_customer(""), "id"),
                (put_point("cp-9", ["***"]), "evse"),
                (put_point("cp-9", time_zone="Not A Zone!"), "time_zone"),
                (pb.Change(put_tariff=pb.Tariff(id="t", currency="EURO", elements=harness.make_tariff("t").elements)),
                 "currency"),
                (pb.Change(put_tariff=pb.Tariff(id="t", currency="EUR")), "elements"),
                (put_token("04FF", issuer="DEU*8EO"), "issuer"),
                (pb.Change(put_token=pb.Token(uid="04FF", type=1, issuer=pb.Issuer(country_code="DE"))), "issuer")):
            self.refuse(INVALID_ARGUMENT, change, field=field)

    def test_unknown_fields_and_values_inside_a_change(self):
        unknown_field = pb.Change.FromString(put_customer("x").SerializeToString() + b"\xf8\x3f\x01")
        nested = pb.Change.FromString(b"\x3a" + bytes([6]) + b"\x0a\x01x" + b"\xf8\x3f\x01")
        self.assertEqual(nested.put_customer.id, "x")
        for change in (unknown_field, nested, put_customer("x", payment=9), put_token("04FF", "jansen", whitelist=9),
                       put_group("x", "t-1", type=7)):
            self.refuse(INVALID_ARGUMENT, change)
        self.refuse(INVALID_ARGUMENT, put_customer("x"), pb.Change(), number=2)

    def test_evse_of_another_point(self):
        self.refuse(FAILED_PRECONDITION, put_point("cp-3", ["nlevce1"]), message="cp-1")

    def test_empty_set(self):
        self.assert_refused(INVALID_ARGUMENT, self.daemon.apply)

    # ---- all or nothing

    def test_set_whose_last_change_fails_leaves_nothing(self):
        changes = [put_tariff("t-9"), put_group("new", "t-9", open_to_roaming=True), put_point("cp-9", ["NL*EVC*E9"]),
                   put_customer("new"), put_token("04FF", "new"), attach_points("new", "cp-9"),
                   attach_points("new", "cp-1", move=True), attach_customers("new", "new", tariff_id="t-9"),
                   detach_customers("office", "jansen"), set_customer_tariff("office", "devries", tariff_id="t-9"),
                   delete("customer", "bakker"), delete("charge_point", "cp-2"), delete_token("04AB"),
                   put_token("04AC", "bakker2")]
        self.refuse(NOT_FOUND, *changes, number=14)
        self.daemon.apply(*changes[:13])
        self.refuse(FAILED_PRECONDITION, delete("charge_group", "new"), delete("tariff", "t-1"), number=2)
        before = self.snapshot()
        self.daemon.restart()
        self.assertEqual(self.snapshot(), before)

    def test_each_change_sees_those_before_it(self):
        self.refuse(NOT_FOUND, put_token("04FF", "new"), put_customer("new"))
        self.daemon.apply(put_customer("new"), put_token("04FF", "new"), delete("customer", "new"))
        self.assert_refused(NOT_FOUND, self.get, pb.OBJECT_KIND_TOKEN, "04FF")

    def test_dry_run_tells_and_does_nothing(self):
        before = self.snapshot()
        response = self.daemon.apply(delete("customer", "jansen"), put_customer("new"), dry_run=True)
        self.assertEqual([result.outcome for result in response.results], [DELETED, CREATED])
        self.assertEqual(response.results[0].deleted_tokens, 2)
        self.assertEqual(self.snapshot(), before)
        self.assert_refused(NOT_FOUND, self.daemon.apply, put_token("04FF", "nobody"), dry_run=True)
        self.assertEqual(self.daemon.apply(put_customer("new")).results[0].outcome, CREATED)

    # ---- outcomes

    def outcome(self, change):
        return self.daemon.apply(change).results[0]

    def test_created_updated_deleted_and_not_there(self):
        self.assertEqual(self.outcome(put_customer("new")).outcome, CREATED)
        self.assertEqual(self.outcome(put_customer("NEW", name="New")).outcome, UPDATED)
        self.assertEqual(self.get(pb.OBJECT_KIND_CUSTOMER, "new").customer.id, "NEW")
        self.assertEqual(self.outcome(delete("customer", "new")).outcome, DELETED)
        self.assertEqual(self.outcome(delete("customer", "new")).outcome, UNCHANGED)
        for change in (delete("tariff", "x"), delete("charge_group", "x"), delete("charge_point", "x"),
                       delete_token("04FF"), delete_token("04AA", issuer="NL*TNM")):
            self.assertEqual(self.outcome(change).outcome, UNCHANGED)

    def test_attaching_what_is_attached_and_detaching_what_is_not(self):
        result = self.outcome(attach_points("office", "CP-1", "cp-3"))
        self.assertEqual((result.changed, list(result.unchanged_ids)), (1, ["CP-1"]))
        result = self.outcome(attach_points("office", "cp-1"))
        self.assertEqual((result.outcome, result.changed), (UNCHANGED, 0))
        result = self.outcome(attach_customers("office", "jansen", "bakker"))
        self.assertEqual((result.changed, list(result.unchanged_ids)), (1, ["jansen"]))
        result = self.outcome(detach_customers("home", "jansen"))
        self.assertEqual((result.outcome, result.changed, list(result.unchanged_ids)), (UNCHANGED, 0, ["jansen"]))
        result = self.outcome(detach_points("cp-3", "cp-1"))
        self.assertEqual(result.changed, 2)
        self.assertEqual(self.outcome(detach_points("cp-3")).outcome, UNCHANGED)

    def test_closed_groups_are_named(self):
        self.assertEqual(list(self.daemon.apply(put_group("new", "t-1")).closed_charge_group_ids), ["new"])
        self.assertEqual(list(self.daemon.apply(detach_customers("office", "jansen")).closed_charge_group_ids), [])
        self.assertEqual(list(self.daemon.apply(delete("customer", "devries")).closed_charge_group_ids), ["office"])
        self.assertEqual(list(self.daemon.apply(put_group("office", "t-1", open_to_all_customers=True))
                              .closed_charge_group_ids), [])

    # ---- what puts keep, what deletes take along

    def test_put_replaces_the_object_and_keeps_attachments(self):
        self.daemon.apply(put_group("OFFICE", "t-3"), put_point("CP-1", charge_group_id="home"),
                          put_customer("JANSEN", name="Jansen"))
        self.assertEqual(self.get(pb.OBJECT_KIND_CHARGE_GROUP, "office").charge_group.name, "")
        point = self.get(pb.OBJECT_KIND_CHARGE_POINT, "cp-1").charge_point
        self.assertEqual((point.id, point.charge_group_id, len(point.evses)), ("CP-1", "OFFICE", 0))
        membership = self.membership("office", "jansen")
        self.assertEqual((membership.charge_group_id, membership.customer_id, membership.tariff_id),
                         ("OFFICE", "JANSEN", "t-2"))
        self.assertEqual(self.daemon.authorize("04aa", "", evse_id="NL*EVC*E1").reason, pb.REASON_UNKNOWN_CHARGE_POINT)

    def test_put_token_may_move_a_card(self):
        self.daemon.apply(put_token("04:AA", "bakker"))
        token = self.get(pb.OBJECT_KIND_TOKEN, "04aa").token
        self.assertEqual((token.uid, token.customer_id), ("04:AA", "bakker"))
        found = self.daemon.call(pb.SearchRequest(kind=pb.OBJECT_KIND_TOKEN, customer_id="jansen")).records
        self.assertEqual([record.token.uid for record in found], ["04AB"])
        self.daemon.apply(delete("customer", "jansen"))
        self.assertEqual(self.get(pb.OBJECT_KIND_TOKEN, "04AA").token.customer_id, "bakker")

    def test_deleting_a_customer_takes_tokens_and_memberships(self):
        result = self.outcome(delete("customer", "Jansen"))
        self.assertEqual((result.outcome, result.deleted_tokens), (DELETED, 2))
        self.assert_refused(NOT_FOUND, self.membership, "office", "jansen")
        self.assertEqual(self.get(pb.OBJECT_KIND_TOKEN, "04AA").token.issuer.party_id, "8EO")
        self.daemon.apply(put_customer("jansen"))
        self.assert_refused(NOT_FOUND, self.membership, "office", "jansen")
        self.daemon.apply(delete("tariff", "t-2"))  # the override is gone as well

    def test_deleting_a_group_detaches_points_and_customers(self):
        result = self.outcome(delete("charge_group", "office"))
        self.assertEqual((result.detached_charge_points, result.detached_customers), (2, 2))
        self.assertEqual(self.get(pb.OBJECT_KIND_CHARGE_POINT, "cp-1").charge_point.charge_group_id, "")
        self.daemon.apply(put_group("office", "t-1"))
        found = self.daemon.call(pb.SearchRequest(kind=pb.OBJECT_KIND_CHARGE_POINT, charge_group_id="office")).records
        self.assertEqual(len(found), 0)
        self.assert_refused(NOT_FOUND, self.membership, "office", "jansen")

    def test_deleting_a_point_detaches_it(self):
        self.daemon.apply(delete("charge_point", "cp-1"), put_point("cp-1"))
        self.assertEqual(self.get(pb.OBJECT_KIND_CHARGE_POINT, "cp-1").charge_point.charge_group_id, "")

    def test_override_with_and_without_tariff(self):
        self.daemon.apply(attach_customers("office", "jansen", "devries", tariff_id="t-3"))
        self.assertEqual(self.membership("office", "devries").tariff_id, "t-3")
        self.daemon.apply(attach_customers("office", "jansen"))
        self.assertEqual(self.membership("office", "jansen").tariff_id, "t-3")
        self.daemon.apply(detach_customers("office", "jansen"), attach_customers("office", "jansen"))
        self.assertEqual(self.membership("office", "jansen").tariff_id, "")

    # ---- concurrent edits

    def test_modified_revision_and_expected_object_revision(self):
        record = self.get(pb.OBJECT_KIND_CHARGE_GROUP, "office")
        self.assertEqual(record.modified_revision, 2)
        change = put_group("office", "t-1", name="mine")
        change.expected_object_revision = record.modified_revision
        revision = self.daemon.apply(change).revision
        self.assertEqual(self.get(pb.OBJECT_KIND_CHARGE_GROUP, "office").modified_revision, revision)
        self.refuse(ABORTED, change, message="office")
        change = delete("charge_group", "office")
        change.expected_object_revision = 1
        self.refuse(ABORTED, change)
        change.expected_object_revision = revision
        self.daemon.apply(change)

    def test_create_only(self):
        for change in (put_tariff("T-1"), put_group("Office", "t-1"), put_point("cp-1"), put_customer("JANSEN"),
                       put_token("04:aa", "jansen")):
            change.create_only = True
            self.refuse(ALREADY_EXISTS, change)
        new = put_customer("new")
        new.create_only = True
        self.assertEqual(self.outcome(new).outcome, CREATED)

    def test_expected_revision_of_the_whole_store(self):
        head = self.daemon.status().revision
        self.assert_refused(ABORTED, self.daemon.apply, put_customer("x"), expected_revision=head - 1)
        self.assert_refused(ABORTED, self.daemon.apply, put_customer("x"), expected_revision=head + 1)
        self.assertEqual(self.daemon.apply(put_customer("x"), expected_revision=head).revision, head + 1)

    def test_of_many_who_expect_the_same_one_wins(self):
        """Sets that arrive together may share a commit; the expectation holds all the same."""
        record = self.get(pb.OBJECT_KIND_CHARGE_GROUP, "office")
        outcomes = []

        def edit(number):
            client = self.connect(self.daemon)
            change = put_group("office", "t-1", name=f"writer {number}")
            change.expected_object_revision = record.modified_revision
            try:
                client.call(pb.ChangeSet(changes=[change]))
                outcomes.append(0)
            except harness.EvauthError as error:
                outcomes.append(error.status)

        threads = [threading.Thread(target=edit, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(outcomes), [0] + [ABORTED] * 15)

    # ---- idempotency

    def test_same_key_and_changes_return_the_first_result(self):
        changes = [put_customer("new"), put_token("04FF", "new")]
        first = self.daemon.apply(*changes, actor="csms", idempotency_key="k1")
        self.daemon.apply(put_customer("other"))
        again = self.daemon.apply(*changes, actor="csms", idempotency_key="k1")
        self.assertTrue(again.replayed)
        again.replayed = False
        self.assertEqual(again, first)
        self.daemon.restart()
        self.assertTrue(self.daemon.apply(*changes, actor="csms", idempotency_key="k1").replayed)

    def test_same_key_with_other_changes_is_refused(self):
        self.daemon.apply(put_customer("new"), actor="csms", idempotency_key="k1")
        self.assert_refused(ALREADY_EXISTS, self.daemon.apply, put_customer("newer"), actor="csms",
                            idempotency_key="k1")
        self.assertFalse(self.daemon.apply(put_customer("newer"), actor="app", idempotency_key="k1").replayed)

    def test_refusals_and_dry_runs_are_not_remembered(self):
        key = {"actor": "csms", "idempotency_key": "k1"}
        self.assert_refused(NOT_FOUND, self.daemon.apply, put_token("04FF", "new"), **key)
        self.daemon.apply(put_customer("new"), dry_run=True, **key)
        response = self.daemon.apply(put_customer("new"), put_token("04FF", "new"), **key)
        self.assertFalse(response.replayed)
        self.assertEqual(response.results[0].outcome, CREATED)

    # ---- visible at once

    def test_acknowledged_change_is_visible_on_every_connection(self):
        clients = [self.connect(self.daemon) for _ in range(8)]
        for number in range(30):
            roaming = number % 2 == 0
            revision = self.daemon.apply(put_group("office", "t-1", open_to_roaming=roaming)).revision
            for client in clients:
                answer = client.call(pb.AuthorizeRequest(token_uid="0499", charge_point_id="cp-1"))
                self.assertEqual(answer.verdict, pb.VERDICT_ASK_ISSUER if roaming else pb.VERDICT_DENIED)
                self.assertGreaterEqual(answer.revision, revision)

    def test_many_writers_lose_nothing(self):
        """Group commit: each acknowledged set is there, none twice."""
        def write(number):
            client = self.connect(self.daemon)
            for count in range(20):
                client.call(pb.ChangeSet(changes=[put_customer(f"w{number}-{count}")]))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts = {row.kind: row.count for row in self.daemon.status().objects}
        self.assertEqual(counts[pb.OBJECT_KIND_CUSTOMER], 3 + 160)


class Timeouts(harness.DaemonTest):
    """timeout_ms is of one request: other replicas and later versions have nothing to do with it."""

    def test_the_log_keeps_a_change_without_it_however_it_was_written(self):
        daemon = self.start_daemon()
        client = self.connect(daemon)
        timeout = b"\xa0\x06\xe0\xd4\x03"  # 60000 in field 100
        for number, behind in enumerate((b"", b"\xa0\x06\x00", b"\xa0\x06\x80\x80\x80\x80\x10")):
            change = pb.ChangeSet(changes=[harness.put_customer(f"c{number}")])
            body = timeout + change.SerializeToString() + timeout + behind
            client.socket.sendall(struct.pack(">IBBHI", 8 + len(body), 0x11, 0, 16, number) + body)
            self.assertEqual(client.receive()[1], 0)
        daemon.stop()
        with open(os.path.join(daemon.folder, "store", "data.mdb"), "rb") as file:
            data = file.read()
        self.assertIn(b"c2", data)
        self.assertNotIn(timeout, data)


if __name__ == "__main__":
    unittest.main()
