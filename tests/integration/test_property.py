#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random worlds, random change sets, random questions: the daemon against the naive model of model.py.

Every seed gives one world and one history. CI runs the seeds below; to look further:

    EVAUTH_PROPERTY_SEED=4711 ctest --preset asan -R test_property -V       one seed, to repeat a failure
    EVAUTH_PROPERTY_SECONDS=600 ctest --preset asan -R test_property -V     new seeds for ten minutes
"""

import os
import random
import time
import unittest

import evauth_pb2 as pb
import harness
import model
from evauth_client import EvauthError

SEEDS = range(1, 13)
SETS_PER_WORLD = 40
QUESTIONS_PER_SET = 40

TIMES = [100, 200, 300, 400]
ISSUERS = ["", "", "DE*8EO", "NL*TNM", "nl*Tnm", "DE*AAA"]
TYPES = [pb.TOKEN_TYPE_RFID, pb.TOKEN_TYPE_RFID, pb.TOKEN_TYPE_APP_USER, pb.TOKEN_TYPE_AD_HOC_USER, pb.TOKEN_TYPE_EMAID,
         pb.TOKEN_TYPE_OTHER]
UIDS = ["04A1B2C3", "04A1B2C4", "ABCDEF01", "NL-TNM-C00122045-K", "app-7", "DEADBEEF", "x*y"]
KINDS = [pb.OBJECT_KIND_TARIFF, pb.OBJECT_KIND_CHARGE_GROUP, pb.OBJECT_KIND_CHARGE_POINT, pb.OBJECT_KIND_CUSTOMER,
         pb.OBJECT_KIND_TOKEN, pb.OBJECT_KIND_MEMBERSHIP]
# Which relations a Search for a kind may ask for.
RELATIONS = {
    pb.OBJECT_KIND_TARIFF: [],
    pb.OBJECT_KIND_CHARGE_GROUP: ["customer_id", "tariff_id"],
    pb.OBJECT_KIND_CHARGE_POINT: ["charge_group_id", "unattached"],
    pb.OBJECT_KIND_CUSTOMER: ["charge_group_id", "unattached"],
    pb.OBJECT_KIND_TOKEN: ["customer_id"],
    pb.OBJECT_KIND_MEMBERSHIP: ["charge_group_id", "customer_id", "tariff_id"],
}


class Generator(random.Random):
    """Random objects, changes and questions over small pools of ids, so that they meet."""

    def spell(self, text):
        """The same id as somebody else might write it."""
        return "".join(self.choice((character.lower(), character.upper())) for character in text)

    def an_id(self, prefix, count):
        return self.spell(f"{prefix}-{self.randrange(count)}")

    def tariff_id(self):
        return self.an_id("t", 5)

    def group_id(self):
        return self.an_id("group", 5)

    def point_id(self):
        return self.an_id("cp", 9)

    def customer_id(self):
        return self.an_id("cust", 9)

    def evse_id(self):
        text = self.spell(f"NL*EVC*E{self.randrange(12)}")
        return text if self.random() < 0.5 else text.replace("*", "")

    def uid(self, token_type):
        uid = self.spell(self.choice(UIDS))
        if token_type == pb.TOKEN_TYPE_RFID and self.random() < 0.5:
            return ":".join(uid[i:i + 2] for i in range(0, len(uid), 2))
        if token_type == pb.TOKEN_TYPE_EMAID and self.random() < 0.5:
            return uid.replace("-", self.choice(("", "*")))
        return uid

    def maybe(self, value, chance=0.5):
        return value if self.random() < chance else type(value)()

    def flag(self, chance=0.5):
        return self.random() < chance

    # ---- changes

    def put_tariff(self):
        return pb.Change(put_tariff=harness.make_tariff(self.tariff_id(), self.randrange(1, 99)))

    def put_group(self):
        return harness.put_group(
            self.group_id(), self.tariff_id(), name=self.maybe("Büro " + self.group_id()),
            type=self.choice([1, 1, 2, 2, 2, 2, 0]), prepaid_tariff_id=self.maybe(self.tariff_id(), 0.3),
            open_to_all_customers=self.flag(0.4), open_to_roaming=self.flag(0.4),
            user_group=self.choice(["", "", "", "Fleet", "fLEET"]))

    def put_point(self):
        evses = {model.fold_evse(evse_id): evse_id for evse_id in (self.evse_id() for _ in range(self.randrange(3)))}
        return harness.put_point(self.point_id(), evses.values(), location_id=self.maybe(self.an_id("loc", 3)),
                                 home_charger=self.flag(0.3), time_zone=self.maybe("Europe/Amsterdam"),
                                 charge_group_id=self.maybe(self.group_id(), 0.2))

    def put_customer(self):
        return harness.put_customer(
            self.customer_id(), name=self.maybe("Jansen " + self.customer_id()), blocked=self.flag(0.15),
            user_group=self.choice(["", "", "", "fleet", "FLEET"]), payment=self.randrange(3),
            no_credit=self.flag(0.15))

    def put_token(self):
        token_type = self.choice(TYPES) if self.flag(0.97) else 0
        issuer = self.choice(ISSUERS)
        customer_id = "" if issuer else self.customer_id()
        if self.flag(0.04):
            customer_id, issuer = self.choice([("", ""), (self.customer_id(), "DE*8EO")])
        return harness.put_token(
            self.uid(token_type), customer_id, issuer, type=token_type, blocked=self.flag(0.15),
            valid_from=self.maybe(self.choice(TIMES), 0.3), valid_until=self.maybe(self.choice(TIMES), 0.3),
            whitelist=self.randrange(5), roaming_allowed=self.flag(), contract_id=self.maybe(self.an_id("NL-C", 9)),
            parent_id=self.maybe(self.an_id("parent", 3)), visual_number=self.maybe("NL 123 456"))

    def delete(self):
        kind, an_id = self.choice([("tariff", self.tariff_id), ("charge_group", self.group_id),
                                   ("charge_point", self.point_id), ("customer", self.customer_id)])
        return harness.delete(kind, an_id())

    def delete_token(self):
        token_type = self.choice(TYPES)
        return harness.delete_token(self.uid(token_type), token_type, self.choice(ISSUERS))

    def some(self, an_id):
        """One to three different ids."""
        return list({model.fold(one): one for one in (an_id() for _ in range(self.randrange(1, 4)))}.values())

    def attach_points(self):
        return harness.attach_points(self.group_id(), *self.some(self.point_id), move=self.flag())

    def detach_points(self, world):
        known = [self.spell(point.id) for point in world.points]
        return harness.detach_points(*self.sample(known, min(len(known), 2)))

    def attach_customers(self):
        return harness.attach_customers(self.group_id(), *self.some(self.customer_id),
                                        tariff_id=self.maybe(self.tariff_id(), 0.4))

    def known_members(self, world):
        """(a group there is, one or two customers there are)."""
        customers = [self.spell(customer.id) for customer in world.customers]
        return self.spell(self.choice(world.groups).id), self.sample(customers, min(len(customers), 2))

    def detach_customers(self, world):
        group_id, customer_ids = self.known_members(world)
        return harness.detach_customers(group_id, *customer_ids)

    def set_tariff(self):
        return harness.set_customer_tariff(self.group_id(), *self.some(self.customer_id),
                                           tariff_id=self.maybe(self.tariff_id(), 0.6))

    def change(self, world):
        makers = [self.put_tariff, self.put_point, self.put_point, self.delete, self.delete_token,
                  *[self.put_group, self.put_customer, self.attach_points, self.attach_customers] * 2,
                  *[self.put_token] * 6, self.set_tariff]
        if world.points:
            makers.append(lambda: self.detach_points(world))
        if world.groups and world.customers:
            makers.append(lambda: self.detach_customers(world))
        change = self.choice(makers)()
        if change.WhichOneof("change").startswith("put_"):
            change.create_only = self.flag(0.1)
        return change

    def first_set(self):
        """A world in which most references lead somewhere and everybody has a card."""
        changes = [pb.Change(put_tariff=harness.make_tariff(f"T-{i}")) for i in range(4)]
        for group in range(4):
            change = self.put_group()
            change.put_charge_group.id = f"Group-{group}"
            change.put_charge_group.type = self.choice([1, 2])
            change.put_charge_group.tariff_id = f"t-{group}"
            if change.put_charge_group.prepaid_tariff_id:
                change.put_charge_group.prepaid_tariff_id = "T-3"
            changes.append(change)
        changes += [harness.put_point(f"CP-{i}", [f"NL*EVC*E{i}"], location_id=f"LOC-{i % 2}") for i in range(8)]
        changes += [harness.put_customer(f"cust-{i}", payment=self.randrange(3)) for i in range(8)]
        changes += [harness.attach_points(f"group-{i % 4}", f"cp-{i}") for i in range(7)]
        changes += [harness.put_token(uid, f"cust-{i}", roaming_allowed=self.flag()) for i, uid in enumerate(UIDS)]
        changes += [harness.attach_customers(f"group-{i}", *self.sample([f"cust-{j}" for j in range(8)], 3))
                    for i in range(4)]
        return pb.ChangeSet(changes=changes)

    def change_set(self, world):
        changes = [self.change(world) for _ in range(self.choice([1, 1, 1, 2, 3, 5]))]
        return pb.ChangeSet(changes=changes, dry_run=self.flag(0.1), actor=self.maybe("test"))

    # ---- questions

    def known_point(self, world):
        """Mostly a charge point that is in a group."""
        attached = [point.id for point in world.points if point.charge_group_id]
        return self.spell(self.choice(attached)) if attached and self.flag(0.9) else self.point_id()

    def authorize_request(self, world):
        request = pb.AuthorizeRequest(
            charge_point_id=self.known_point(world), purpose=self.randrange(4),
            at=self.choice(TIMES) + self.choice([-1, 0, 1]) if self.flag(0.9) else 0)
        token_type, issuer = self.choice(TYPES), harness.make_issuer(self.choice(["DE*8EO", "nl*tnm"]))
        request.token_uid = self.uid(token_type)
        if world.tokens and self.flag(0.8):
            token = self.choice(world.tokens)
            request.token_uid, token_type = self.spell(token.uid), token.type
            issuer = token.issuer if token.HasField("issuer") else issuer
        if self.flag(0.3):
            request.token_type = token_type
        if self.flag(0.15):
            request.issuer.CopyFrom(issuer)
        if self.flag(0.15):
            request.evse_id = self.evse_id()
            request.charge_point_id = self.maybe(request.charge_point_id, 0.3)
        if self.flag(0.05) and not request.HasField("issuer"):
            request.token_uid, request.token_type = "", pb.TOKEN_TYPE_AD_HOC_USER
        return request

    def tariff_request(self, world):
        asked = self.authorize_request(world)
        request = pb.GetTariffRequest(at=asked.at)
        if self.flag(0.3):
            request.charge_group_id = self.group_id()
        else:
            request.charge_point_id, request.evse_id = asked.charge_point_id, asked.evse_id
        if self.flag(0.3):
            request.customer_id = self.customer_id()
        elif self.flag(0.3):
            request.caller_class = self.randrange(1, 4)
        else:
            request.token_uid, request.token_type = asked.token_uid, asked.token_type
            if asked.HasField("issuer"):
                request.issuer.CopyFrom(asked.issuer)
        return request

    def search_request(self, kind):
        request = pb.SearchRequest(kind=kind, page_size=self.choice([0, 1, 2, 3, 1000]))
        relation = self.choice(RELATIONS[kind] + [None])
        if relation == "unattached":
            request.unattached = True
        elif relation:
            setattr(request, relation, getattr(self, {"charge_group_id": "group_id"}.get(relation, relation))())
        if relation and self.flag(0.7):
            return request
        if kind == pb.OBJECT_KIND_TOKEN:
            request.text = self.maybe(self.spell(self.choice(["app-", "beef", "04A1B2C3"])))
        elif self.flag():
            request.text = self.spell(self.choice(["t-1", "roup-", "cp-3", "Jansen CUST-4", "cust-2", "-7"]))
        return request


class Property(harness.DaemonTest):
    """Compares one daemon with one model."""

    def setUp(self):
        self.daemon = self.start_daemon()
        self.seen = set()

    def reset(self, seed):
        """An empty daemon, an empty model."""
        if self.daemon.status().revision > 1:
            self.daemon.stop()
            self.daemon = self.start_daemon()
        self.generator, self.world = Generator(seed), model.World()

    # ---- changes

    def apply(self, change_set):
        try:
            expected = self.world.apply(change_set)
        except model.Refused as refused:
            with self.assertRaises(EvauthError, msg=f"the model refuses: {refused}\n{change_set}") as caught:
                self.daemon.call(change_set)
            self.check_refusal(change_set, refused, caught.exception.error)
            return
        response = self.daemon.call(change_set)
        for (outcomes, changed), result in zip(expected, response.results, strict=True):
            self.assertIn(result.outcome, outcomes, f"{change_set}{response}")
            if changed is not None:
                self.assertEqual(result.changed, changed, f"{change_set}{response}")
        if not change_set.dry_run:
            self.assertEqual(response.revision, self.world.revision)
            self.assertLessEqual(set(response.closed_charge_group_ids), self.world.closed_groups())

    def check_refusal(self, change_set, refused, error):
        """The refusal of the first bad change; or of a later one that is malformed by itself."""
        if error.change_number == refused.number:
            self.assertIn(error.code, refused.codes, f"{error}{change_set}")
            return
        self.assertEqual(error.code, harness.INVALID_ARGUMENT, f"{error}{change_set}")
        alone = set()
        model.World().apply_one(change_set.changes[error.change_number - 1], alone)
        self.assertIn(harness.INVALID_ARGUMENT, alone, f"{error}{change_set}")

    # ---- questions

    def check_authorize(self):
        requests = [self.generator.authorize_request(self.world) for _ in range(QUESTIONS_PER_SET)]
        answers = self.daemon.call(pb.AuthorizeBatchRequest(requests=requests)).responses
        single = self.daemon.call(requests[0])
        for request, answer in [(requests[0], single), *zip(requests, answers, strict=True)]:
            self.assertFalse(answer.HasField("error"), f"{request}{answer}")
            expected = self.world.authorize(request, answer.decided_at)
            self.assertEqual(expected, answer, f"for the request\n{request}")
            self.seen.add((answer.verdict, answer.reason, answer.access))

    def check_explanation(self):
        request = self.generator.authorize_request(self.world)
        plain = self.daemon.call(request)
        request.at, request.explain = plain.decided_at, True
        explained = self.daemon.call(request)
        steps = list(explained.explanation)
        if steps[-1].rule == "tariff":  # comes after the verdict, for those who pay
            self.assertIn(steps.pop().text.split()[1], plain.tariff_id)
        self.assertEqual([step.decided for step in steps], [False] * (len(steps) - 1) + [True], f"{request}{explained}")
        del explained.explanation[:]
        self.assertEqual(plain, explained)

    def check_tariff(self):
        request = self.generator.tariff_request(self.world)
        expected = self.world.get_tariff(request)
        if isinstance(expected, int):
            self.assert_refused(expected, self.daemon.call, request)
            return
        answer = self.daemon.call(request)
        self.assertEqual((answer.tariff.id, answer.source, answer.caller_class, answer.charge_group_id), expected,
                         f"{request}")
        self.assertEqual(answer.tariff, self.world.tariff(answer.tariff.id))

    def pages(self, request, items):
        """What all pages of a listing hold together; every page within the size asked for, at today's revision."""
        found = []
        while True:
            page = self.daemon.call(request)
            self.assertLessEqual(len(getattr(page, items)), request.page_size or 100)
            self.assertEqual(page.revision, self.world.revision)
            found += getattr(page, items)
            if not page.next_page_token:
                return found, page
            request.page_token = page.next_page_token

    def check_search(self):
        kind = self.generator.choice(KINDS)
        request = self.generator.search_request(kind)
        for name, objects in (("charge_group_id", self.world.groups), ("customer_id", self.world.customers),
                              ("tariff_id", self.world.tariffs)):
            asked = getattr(request, name)
            if asked and self.world.find(objects, asked) is None:
                self.assert_refused(harness.NOT_FOUND, self.daemon.call, request)
                return
        expected = self.world.search(request)
        records, _ = self.pages(request, "records")
        found = [getattr(record, record.WhichOneof("object")) for record in records]
        self.assertEqual(found, expected, f"{request}")

    def check_visible(self):
        request = pb.ListVisibleChargePointsRequest(customer_id=self.generator.customer_id(),
                                                    page_size=self.generator.choice([0, 1, 3]))
        expected = self.world.visible(request.customer_id)
        if expected is None:
            self.assert_refused(harness.NOT_FOUND, self.daemon.call, request)
            return
        found, _ = self.pages(request, "charge_points")
        self.assertEqual([point.id for point in found], expected, f"{request}")

    def check_permitted(self):
        request = pb.ListPermittedRequest(page_size=self.generator.choice([0, 1, 3]))
        if self.generator.flag(0.2):
            request.evse_id = self.generator.evse_id()
        if not request.evse_id or self.generator.flag():
            request.charge_point_id = self.generator.point_id()
        expected = self.world.permitted(request.charge_point_id, request.evse_id)
        if expected is None:
            self.assert_refused(harness.NOT_FOUND, self.daemon.call, request)
            return
        found, page = self.pages(request, "customers")
        rows = [(row.customer_id, row.name, row.blocked, row.no_credit, row.tariff_id, row.tariff_source)
                for row in found]
        classes = [(allowed.permitted, allowed.tariff_id) for allowed in
                   (page.all_customers, page.all_prepaid_customers, page.roaming, page.direct_payment)]
        self.assertEqual((page.charge_group_id, rows, classes), expected, f"{request}")

    def check_everything(self):
        """Snapshot, and the counts of Status."""
        records = list(self.daemon.client().snapshot())
        found = [getattr(record, record.WhichOneof("object")) for record in records]
        self.assertEqual(found, [record for kind in KINDS for record in self.world.all_of(kind)])
        counts = {row.kind: row.count for row in self.daemon.status().objects}
        self.assertEqual([counts.get(kind, 0) for kind in KINDS], [len(self.world.objects(kind)) for kind in KINDS])

    # ---- the test

    def run_seed(self, seed):
        self.reset(seed)
        self.apply(self.generator.first_set())
        for number in range(SETS_PER_WORLD):
            self.apply(self.generator.change_set(self.world))
            self.check_authorize()
            for check in (self.check_explanation, self.check_tariff, self.check_search, self.check_visible,
                          self.check_permitted):
                check()
            if number % 10 == 9:
                self.check_everything()
        self.daemon.restart()
        self.check_everything()
        self.check_authorize()

    def test_daemon_agrees_with_the_naive_model(self):
        seeds = [int(os.environ["EVAUTH_PROPERTY_SEED"])] if "EVAUTH_PROPERTY_SEED" in os.environ else SEEDS
        for seed in seeds:
            with self.subTest(seed=seed):
                self.run_seed(seed)
        if seeds == SEEDS:  # worlds in which nothing happens prove nothing: 19 different answers are possible
            self.assertEqual(len(self.seen), 19, self.seen)
        end = time.monotonic() + float(os.environ.get("EVAUTH_PROPERTY_SECONDS", "0"))
        while time.monotonic() < end:
            seed = random.SystemRandom().randrange(1 << 32)
            with self.subTest(seed=seed):
                self.run_seed(seed)


if __name__ == "__main__":
    unittest.main()
