#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every row of the decision table (DESIGN 1.2) over the RPC, with its boundaries; one test per row or rule."""

import time
import unittest

import evauth_pb2 as pb
import harness
from harness import (attach_customers, attach_points, detach_customers, put_customer, put_group, put_point, put_tariff,
                     put_token, set_customer_tariff)

ALLOWED, DENIED, ASK_ISSUER = pb.VERDICT_ALLOWED, pb.VERDICT_DENIED, pb.VERDICT_ASK_ISSUER
ROAMING, MEMBER, ALL_CUSTOMERS, DIRECT_PAYMENT = (pb.ACCESS_ROAMING, pb.ACCESS_MEMBER, pb.ACCESS_ALL_CUSTOMERS,
                                                  pb.ACCESS_DIRECT_PAYMENT)
AD_HOC = pb.TOKEN_TYPE_AD_HOC_USER
NOT_HERE = ("NOT_ALLOWED", "Blocked", "NotAtThisLocation")
ACCEPTED = ("ALLOWED", "Accepted", "Accepted")
FROM, UNTIL = 1000, 2000

# Groups named for what is on: shut (nobody but members), all (all customers), roaming (everybody).
WORLD = [
    put_tariff("t-work"), put_tariff("t-staff"), put_tariff("t-prepaid"), put_tariff("t-public"),
    put_group("shut", "t-work", prepaid_tariff_id="t-prepaid"),
    put_group("all", "t-work", open_to_all_customers=True),
    put_group("roaming", "t-public", open_to_roaming=True),
    put_group("roaming-prepaid", "t-public", prepaid_tariff_id="t-prepaid", open_to_roaming=True),
    put_group("fleet-shut", "t-work", user_group="fleet"),
    put_group("fleet-all", "t-work", user_group="fleet", open_to_all_customers=True),
    put_group("fleet-roaming", "t-public", user_group="Fleet", open_to_roaming=True),
    *[put_point("cp-" + name, ["NL*EVC*E" + name.replace("-", "")], location_id="loc-" + name) for name in
      ("shut", "all", "roaming", "roaming-prepaid", "fleet-shut", "fleet-all", "fleet-roaming", "alone")],
    *[attach_points(name, "cp-" + name) for name in
      ("shut", "all", "roaming", "roaming-prepaid", "fleet-shut", "fleet-all", "fleet-roaming")],
    put_customer("member"), put_customer("guest"), put_customer("blocked", blocked=True),
    put_customer("broke", no_credit=True), put_customer("prepaid", payment=pb.PAYMENT_PREPAID),
    put_customer("override"), put_customer("prepaid-override", payment=pb.PAYMENT_PREPAID),
    attach_customers("shut", "member", "broke", "prepaid", "blocked"),
    attach_customers("shut", "override", "prepaid-override", tariff_id="t-staff"),
    attach_customers("fleet-shut", "member"),
    attach_customers("roaming", "override", tariff_id="t-staff"),
    put_token("04AA01", "member", contract_id="NL-EVC-C1", parent_id="family", roaming_allowed=True),
    put_token("04AA02", "guest"), put_token("04AA03", "blocked"), put_token("04AA04", "broke"),
    put_token("04AA05", "prepaid", roaming_allowed=True), put_token("04AA06", "override"),
    put_token("04AA07", "prepaid-override"),
    put_token("04AA08", "guest", roaming_allowed=True),
    put_token("04BB01", "member", blocked=True, valid_from=FROM, valid_until=UNTIL),
    put_token("04BB02", "member", valid_from=FROM, valid_until=UNTIL),
    *[put_token("05%02d%02d" % (whitelist, state), issuer="DE*8EO", whitelist=whitelist, blocked=state == 1,
                valid_from=FROM, valid_until=UNTIL, contract_id="DE-8EO-C1", parent_id="p")
      for whitelist in range(5) for state in (0, 1)],
]


class Decisions(harness.DaemonTest):
    @classmethod
    def setUpClass(cls):
        cls.case = harness.DaemonTest()
        cls.daemon = cls.case.start_daemon()
        cls.daemon.apply(*WORLD)

    @classmethod
    def tearDownClass(cls):
        cls.case.doCleanups()
        if cls.daemon.process is not None:
            raise AssertionError("the daemon did not end cleanly")

    def check(self, token, point, verdict, reason, words=None, at=1500, ask=None, **expected):
        """Asks, and compares what is given; tariff_id, access and offline_verdict are empty where not given."""
        answer = self.daemon.authorize(token, point, at=at, **(ask or {}))
        context = f"{token} at {point}: {answer}"
        self.assertEqual((answer.verdict, answer.reason), (verdict, reason), context)
        for field, default in (("tariff_id", ""), ("access", 0), ("offline_verdict", 0)):
            self.assertEqual(getattr(answer, field), expected.pop(field, default), f"{field}: {context}")
        for field, value in expected.items():
            self.assertEqual(getattr(answer, field), value, f"{field}: {context}")
        if words:
            self.assertEqual((answer.ocpi_allowed, answer.ocpp16_status, answer.ocpp2_status), words, context)
        self.assertEqual(answer.decided_at, at)
        self.assertEqual(answer.revision, self.daemon.status().revision)
        return answer

    # ---- lines 1 to 4b: the place, direct payment, unknown tokens

    def test_line_1_unknown_charge_point(self):
        words = ("", "Invalid", "Invalid")
        self.check("04AA01", "nowhere", DENIED, pb.REASON_UNKNOWN_CHARGE_POINT, words, charge_group_id="",
                   customer_id="", location_id="", valid_until=0)
        self.check("04AA01", "", DENIED, pb.REASON_UNKNOWN_CHARGE_POINT, words, ask={"evse_id": "NL*EVC*E999"})

    def test_line_1_evse_of_another_point(self):
        self.check("04AA01", "cp-shut", DENIED, pb.REASON_UNKNOWN_CHARGE_POINT, ask={"evse_id": "NL*EVC*Eall"})
        self.check("04AA01", "cp-shut", DENIED, pb.REASON_UNKNOWN_CHARGE_POINT, ask={"evse_id": "NL*EVC*E999"})

    def test_line_2_charge_point_without_group(self):
        for token in ("04AA01", "unknown", "050100"):
            self.check(token, "cp-alone", DENIED, pb.REASON_NO_CHARGE_GROUP, ("", "Invalid", "Invalid"),
                       charge_group_id="", customer_id="")
        self.check("", "cp-alone", DENIED, pb.REASON_NO_CHARGE_GROUP, ask={"token_type": AD_HOC})

    def test_line_3_direct_payment_where_roaming_is_on(self):
        for uid in ("", "terminal-17"):
            self.check(uid, "cp-roaming", ALLOWED, pb.REASON_OK, ACCEPTED, access=DIRECT_PAYMENT, tariff_id="t-public",
                       ask={"token_type": AD_HOC}, token_uid=uid, token_type=AD_HOC, customer_id="",
                       charge_group_id="roaming")
        self.check("", "cp-roaming-prepaid", ALLOWED, pb.REASON_OK, access=DIRECT_PAYMENT, tariff_id="t-prepaid",
                   ask={"token_type": AD_HOC})

    def test_line_3b_direct_payment_where_roaming_is_off(self):
        for point in ("cp-shut", "cp-all"):
            self.check("", point, DENIED, pb.REASON_ROAMING_OFF, NOT_HERE, ask={"token_type": AD_HOC})

    def test_line_3_not_for_a_uid_that_is_stored_nor_with_an_issuer(self):
        self.check("04aa01", "cp-roaming", ASK_ISSUER, pb.REASON_UNKNOWN_TOKEN, access=ROAMING, tariff_id="t-public",
                   offline_verdict=DENIED, ask={"token_type": AD_HOC})
        self.check("050100", "cp-shut", DENIED, pb.REASON_UNKNOWN_TOKEN, ask={"token_type": AD_HOC})
        self.check("terminal-17", "cp-roaming", ASK_ISSUER, pb.REASON_UNKNOWN_TOKEN, access=ROAMING,
                   tariff_id="t-public", offline_verdict=DENIED,
                   ask={"token_type": AD_HOC, "issuer": harness.make_issuer("DE*8EO")})

    def test_line_4_unknown_token_where_roaming_is_on(self):
        self.check("0499", "cp-roaming", ASK_ISSUER, pb.REASON_UNKNOWN_TOKEN, ("", "Invalid", "Unknown"),
                   access=ROAMING, offline_verdict=DENIED, tariff_id="t-public", customer_id="", valid_until=0,
                   token_uid="0499", token_type=0, contract_id="")
        self.check("0499", "cp-roaming-prepaid", ASK_ISSUER, pb.REASON_UNKNOWN_TOKEN, access=ROAMING,
                   offline_verdict=DENIED, tariff_id="t-public")

    def test_line_4b_unknown_token_where_roaming_is_off(self):
        for point in ("cp-shut", "cp-all"):
            self.check("0499", point, DENIED, pb.REASON_UNKNOWN_TOKEN, ("", "Invalid", "Unknown"))

    # ---- lines 5 to 16: own tokens

    def test_line_5_token_blocked(self):
        for at in (FROM - 1, FROM, UNTIL):  # before 6 and 7
            self.check("04BB01", "cp-shut", DENIED, pb.REASON_TOKEN_BLOCKED, ("BLOCKED", "Blocked", "Blocked"), at=at,
                       customer_id="member", valid_until=0)

    def test_line_6_not_yet_valid_until_the_very_second(self):
        self.check("04BB02", "cp-shut", DENIED, pb.REASON_TOKEN_NOT_YET_VALID,
                   ("NOT_ALLOWED", "Blocked", "NotAtThisTime"), at=FROM - 1, valid_until=FROM)
        self.check("04BB02", "cp-shut", ALLOWED, pb.REASON_OK, ACCEPTED, at=FROM, valid_until=UNTIL, access=MEMBER,
                   tariff_id="t-work")

    def test_line_7_expired_from_the_very_second(self):
        self.check("04BB02", "cp-shut", ALLOWED, pb.REASON_OK, at=UNTIL - 1, valid_until=UNTIL, access=MEMBER,
                   tariff_id="t-work")
        self.check("04BB02", "cp-shut", DENIED, pb.REASON_TOKEN_EXPIRED, ("EXPIRED", "Expired", "Expired"), at=UNTIL,
                   valid_until=0)

    def test_line_8_customer_blocked_even_when_attached(self):
        self.check("04AA03", "cp-shut", DENIED, pb.REASON_CUSTOMER_BLOCKED, ("BLOCKED", "Blocked", "Blocked"),
                   customer_id="blocked")

    def test_line_9_member(self):
        self.check("04AA01", "cp-shut", ALLOWED, pb.REASON_OK, ACCEPTED, access=MEMBER, tariff_id="t-work",
                   charge_group_id="shut", customer_id="member", contract_id="NL-EVC-C1", parent_id="family",
                   token_uid="04AA01", token_type=pb.TOKEN_TYPE_RFID, charge_point_id="cp-shut",
                   location_id="loc-shut", valid_until=0)

    def test_line_9_member_of_another_user_group(self):
        self.check("04AA01", "cp-fleet-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work")

    def test_line_10_all_customers(self):
        self.check("04AA02", "cp-all", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-work")
        self.check("04AA02", "cp-roaming", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-public")

    def test_line_11_not_attached(self):
        self.check("04AA02", "cp-shut", DENIED, pb.REASON_NOT_ATTACHED, NOT_HERE, customer_id="guest")

    def test_line_12_other_user_group_without_consent(self):
        self.check("04AA02", "cp-fleet-roaming", DENIED, pb.REASON_NO_ROAMING_CONSENT, NOT_HERE)

    def test_line_13_other_user_group_with_consent(self):
        self.check("04AA08", "cp-fleet-roaming", ALLOWED, pb.REASON_OK, access=ROAMING, tariff_id="t-public")

    def test_line_14_other_user_group_where_roaming_is_off(self):
        for point in ("cp-fleet-shut", "cp-fleet-all"):
            self.check("04AA08", point, DENIED, pb.REASON_ROAMING_OFF, NOT_HERE)

    def test_user_groups_are_compared_like_ids(self):
        self.daemon.apply(put_customer("driver", user_group="FLEET"), put_token("04AA09", "driver"))
        self.check("04AA09", "cp-fleet-all", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-work")
        self.check("04AA09", "cp-all", DENIED, pb.REASON_ROAMING_OFF)

    def test_line_15_no_credit_after_access(self):
        self.check("04AA04", "cp-shut", DENIED, pb.REASON_NO_CREDIT, ("NO_CREDIT", "Blocked", "NoCredit"))
        self.check("04AA04", "cp-fleet-shut", DENIED, pb.REASON_ROAMING_OFF)

    # ---- lines 17 to 22: foreign tokens

    def test_line_17_foreign_where_roaming_is_off(self):
        for whitelist in range(5):
            for point in ("cp-shut", "cp-all"):
                self.check("05%02d00" % whitelist, point, DENIED, pb.REASON_ROAMING_OFF, NOT_HERE, valid_until=0,
                           issuer=harness.make_issuer("DE*8EO"), contract_id="DE-8EO-C1", parent_id="p")

    def check_states(self, whitelist, expected, **every):
        """expected: (verdict, reason, offline verdict, valid_until) when too early, fine, expired and blocked."""
        for (uid, at), (verdict, reason, offline, valid_until) in zip(
                (("00", FROM - 1), ("00", FROM), ("00", UNTIL), ("01", FROM)), expected, strict=True):
            granted = {"access": ROAMING, "tariff_id": "t-public"} if verdict != DENIED else {}
            self.check(f"05{whitelist:02d}{uid}", "cp-roaming", verdict, reason, at=at, offline_verdict=offline,
                       valid_until=valid_until, issuer=harness.make_issuer("DE*8EO"), contract_id="DE-8EO-C1",
                       **granted, **every)

    def test_line_18_whitelist_always(self):
        self.check_states(pb.WHITELIST_ALWAYS, [
            (DENIED, pb.REASON_TOKEN_NOT_YET_VALID, 0, FROM), (ALLOWED, pb.REASON_OK, 0, UNTIL),
            (DENIED, pb.REASON_TOKEN_EXPIRED, 0, 0), (DENIED, pb.REASON_TOKEN_BLOCKED, 0, 0)])

    def test_lines_19_and_20_whitelist_allowed(self):
        self.check_states(pb.WHITELIST_ALLOWED, [
            (ASK_ISSUER, pb.REASON_TOKEN_NOT_YET_VALID, DENIED, FROM), (ALLOWED, pb.REASON_OK, 0, UNTIL),
            (ASK_ISSUER, pb.REASON_TOKEN_EXPIRED, DENIED, 0), (ASK_ISSUER, pb.REASON_TOKEN_BLOCKED, DENIED, 0)])
        self.check("050201", "cp-roaming", ASK_ISSUER, pb.REASON_TOKEN_BLOCKED, ("BLOCKED", "Blocked", "Blocked"),
                   access=ROAMING, tariff_id="t-public", offline_verdict=DENIED)

    def test_line_21_whitelist_allowed_offline(self):
        self.check_states(pb.WHITELIST_ALLOWED_OFFLINE, [
            (ASK_ISSUER, pb.REASON_ISSUER_DECIDES, DENIED, FROM),
            (ASK_ISSUER, pb.REASON_ISSUER_DECIDES, ALLOWED, UNTIL),
            (ASK_ISSUER, pb.REASON_ISSUER_DECIDES, DENIED, 0), (ASK_ISSUER, pb.REASON_ISSUER_DECIDES, DENIED, 0)])
        self.check("050300", "cp-roaming", ASK_ISSUER, pb.REASON_ISSUER_DECIDES, ACCEPTED, access=ROAMING,
                   tariff_id="t-public", offline_verdict=ALLOWED)
        self.check("050301", "cp-roaming", ASK_ISSUER, pb.REASON_ISSUER_DECIDES, ("", "Blocked", "Unknown"),
                   access=ROAMING, tariff_id="t-public", offline_verdict=DENIED)

    def test_line_22_whitelist_never_or_none(self):
        for whitelist in (pb.WHITELIST_NEVER, pb.WHITELIST_UNSPECIFIED):
            self.check_states(whitelist, [(ASK_ISSUER, pb.REASON_ISSUER_DECIDES, DENIED, 0)] * 4)
        self.check("050400", "cp-roaming", ASK_ISSUER, pb.REASON_ISSUER_DECIDES, ("", "Blocked", "Unknown"),
                   access=ROAMING, tariff_id="t-public", offline_verdict=DENIED)

    # ---- which tariff

    def test_prepaid_customer_pays_the_prepaid_tariff_where_there_is_one(self):
        self.check("04AA05", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-prepaid")
        self.check("04AA05", "cp-all", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-work")
        self.check("04AA05", "cp-roaming-prepaid", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-prepaid")

    def test_override_beats_prepaid_and_group_tariff(self):
        self.check("04AA06", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-staff")
        self.check("04AA07", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-staff")
        self.check("04AA06", "cp-roaming", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-staff")
        self.check("04AA06", "cp-roaming-prepaid", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-public")

    def test_override_is_kept_by_attaching_again_and_forgotten_by_detaching(self):
        def tariff():
            return self.daemon.authorize("04AA10", "cp-shut", at=1500).tariff_id

        self.daemon.apply(put_customer("jansen"), put_token("04AA10", "jansen"),
                          attach_customers("shut", "jansen", tariff_id="t-staff"))
        self.assertEqual(tariff(), "t-staff")
        self.daemon.apply(attach_customers("shut", "jansen"))
        self.assertEqual(tariff(), "t-staff")
        self.daemon.apply(set_customer_tariff("shut", "jansen", tariff_id=""))
        self.assertEqual(tariff(), "t-work")
        self.daemon.apply(attach_customers("shut", "jansen", tariff_id="t-public"))
        self.assertEqual(tariff(), "t-public")
        self.daemon.apply(detach_customers("shut", "jansen"), attach_customers("shut", "jansen"))
        self.assertEqual(tariff(), "t-work")

    def test_changing_the_group_changes_the_next_answer(self):
        self.daemon.apply(put_group("changing", "t-work"), put_point("cp-changing"),
                          attach_points("changing", "cp-changing"))
        self.check("04AA02", "cp-changing", DENIED, pb.REASON_NOT_ATTACHED)
        self.daemon.apply(put_group("changing", "t-work", open_to_all_customers=True))
        self.check("04AA02", "cp-changing", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-work")
        self.daemon.apply(put_customer("tomorrow"), put_token("04AA11", "tomorrow"))
        self.check("04AA11", "cp-changing", ALLOWED, pb.REASON_OK, access=ALL_CUSTOMERS, tariff_id="t-work")

    # ---- ids (DESIGN 1.1)

    def test_case_and_separators_do_not_matter(self):
        for uid in ("04aa01", "04:AA:01", "04 aa 01", "04-Aa-01"):
            self.check(uid, "CP-Shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work", token_uid="04AA01",
                       charge_point_id="cp-shut")
        for evse in ("NL*EVC*ESHUT", "nlevceshut", "NL*EVC*E*shut"):
            self.check("04AA01", "", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                       charge_point_id="cp-shut", ask={"evse_id": evse})
        self.check("04AA01", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                   ask={"evse_id": "NL*EVC*ESHUT"})

    def test_separators_count_where_the_type_does_not_fold_them(self):
        self.daemon.apply(put_token("app-1", "member", type=pb.TOKEN_TYPE_APP_USER),
                          put_token("NL-EVC-C0012-3", "member", type=pb.TOKEN_TYPE_EMAID),
                          put_token("not-hex-g", "member"))
        self.check("APP-1", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work")
        self.check("APP1", "cp-shut", DENIED, pb.REASON_UNKNOWN_TOKEN)
        self.check("nl*evcc00123", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                   token_type=pb.TOKEN_TYPE_EMAID)
        self.check("NOT-HEX-G", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work")
        self.check("nothexg", "cp-shut", DENIED, pb.REASON_UNKNOWN_TOKEN)
        self.check("04AA01", "cpshut", DENIED, pb.REASON_UNKNOWN_CHARGE_POINT)

    def test_two_issuers_with_one_uid(self):
        self.daemon.apply(put_token("06AA", issuer="NL*TNM", whitelist=pb.WHITELIST_ALWAYS),
                          put_token("06AA", issuer="DE*8EO", whitelist=pb.WHITELIST_NEVER))
        self.check("06AA", "cp-roaming", ASK_ISSUER, pb.REASON_ISSUER_DECIDES, access=ROAMING, tariff_id="t-public",
                   offline_verdict=DENIED, issuer=harness.make_issuer("DE*8EO"))  # the lowest
        self.check("06AA", "cp-roaming", ALLOWED, pb.REASON_OK, access=ROAMING, tariff_id="t-public",
                   issuer=harness.make_issuer("NL*TNM"), ask={"issuer": harness.make_issuer("nl*tnm")})

    def test_empty_issuer_is_none(self):
        self.daemon.apply(pb.Change(put_token=pb.Token(uid="04AA20", type=1, customer_id="member", issuer=pb.Issuer())))
        self.check("04AA20", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                   ask={"issuer": pb.Issuer()})
        self.check("", "cp-roaming", ALLOWED, pb.REASON_OK, access=DIRECT_PAYMENT, tariff_id="t-public",
                   ask={"token_type": AD_HOC, "issuer": pb.Issuer()})

    def test_own_beats_foreign_and_rfid_beats_other_types(self):
        self.daemon.apply(put_token("06BB", issuer="AA*AAA", whitelist=pb.WHITELIST_ALWAYS),
                          put_token("06BB", "member", type=pb.TOKEN_TYPE_OTHER))
        self.check("06BB", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                   token_type=pb.TOKEN_TYPE_OTHER)
        self.daemon.apply(put_token("06BB", "guest"))
        self.check("06BB", "cp-shut", DENIED, pb.REASON_NOT_ATTACHED, token_type=pb.TOKEN_TYPE_RFID)
        self.check("06BB", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                   ask={"token_type": pb.TOKEN_TYPE_OTHER})
        self.check("06BB", "cp-roaming", ALLOWED, pb.REASON_OK, access=ROAMING, tariff_id="t-public", customer_id="",
                   ask={"issuer": harness.make_issuer("AA*AAA")})

    # ---- the request itself

    def test_at_zero_is_now(self):
        before = int(time.time())
        answer = self.daemon.authorize("04BB02", "cp-shut")
        self.assertEqual(answer.reason, pb.REASON_TOKEN_EXPIRED)
        self.assertTrue(before <= answer.decided_at <= int(time.time()) + 1)

    def test_every_purpose_decides_alike(self):
        answers = [self.daemon.authorize("04AA01", "cp-shut", at=1500, purpose=purpose) for purpose in range(4)]
        self.assertEqual(answers, [answers[0]] * 4)

    def test_malformed_requests_name_the_field(self):
        for field, request in (
                ("token_uid", pb.AuthorizeRequest(charge_point_id="cp-shut")),
                ("token_uid", pb.AuthorizeRequest(token_uid="x" * 65, charge_point_id="cp-shut")),
                ("token_uid", pb.AuthorizeRequest(token_uid=" 04AA01", charge_point_id="cp-shut")),
                ("token_uid", pb.AuthorizeRequest(token_uid="04AA01\n", charge_point_id="cp-shut")),
                ("token_uid", pb.AuthorizeRequest(token_uid="04ÄA01", charge_point_id="cp-shut")),
                ("token_uid", pb.AuthorizeRequest(token_type=AD_HOC, issuer=harness.make_issuer("DE*8EO"),
                                                  charge_point_id="cp-shut")),
                ("charge_point_id", pb.AuthorizeRequest(token_uid="04AA01")),
                ("evse_id", pb.AuthorizeRequest(token_uid="04AA01", evse_id="***")),
                ("issuer", pb.AuthorizeRequest(token_uid="04AA01", charge_point_id="cp-shut",
                                               issuer=pb.Issuer(country_code="DE"))),
        ):
            self.assert_refused(harness.INVALID_ARGUMENT, self.daemon.call, request, field=field)

    def test_longest_id_is_fine(self):
        self.check("x" * 64, "cp-shut", DENIED, pb.REASON_UNKNOWN_TOKEN)

    def test_min_revision(self):
        revision = self.daemon.status().revision
        self.check("04AA01", "cp-shut", ALLOWED, pb.REASON_OK, access=MEMBER, tariff_id="t-work",
                   ask={"min_revision": revision})
        self.assert_refused(harness.UNAVAILABLE, self.daemon.authorize, "04AA01", "cp-shut", min_revision=revision + 1)

    # ---- explain

    def test_explanation_names_rule_object_and_field(self):
        answer = self.daemon.authorize("04AA02", "cp-shut", at=1500, explain=True)
        rules = [step.rule for step in answer.explanation]
        self.assertEqual(rules[-1], "11")
        self.assertLess(rules.index("8"), rules.index("9"))
        last = answer.explanation[-1]
        self.assertTrue(last.decided and last.text and last.object, answer)
        blocked = self.daemon.authorize("04BB01", "cp-shut", explain=True).explanation[-1]
        self.assertEqual((blocked.rule, blocked.field), ("5", "blocked"))
        self.assertIn("04BB01", blocked.object)

    def test_no_explanation_unless_asked(self):
        self.assertFalse(self.daemon.authorize("04AA02", "cp-shut").explanation)

    # ---- batches

    def test_batch_answers_each_item_and_marks_the_bad_ones(self):
        good = pb.AuthorizeRequest(token_uid="04AA01", charge_point_id="cp-shut", at=1500)
        bad = pb.AuthorizeRequest(token_uid="04AA01", at=1500)
        answers = self.daemon.call(pb.AuthorizeBatchRequest(requests=[good, bad, good])).responses
        self.assertEqual([answer.verdict for answer in answers], [ALLOWED, pb.VERDICT_UNSPECIFIED, ALLOWED])
        self.assertEqual(answers[1].error.code, harness.INVALID_ARGUMENT)
        self.assertIn("charge_point_id", answers[1].error.field)
        self.assertFalse(answers[0].HasField("error"))
        self.assertEqual(answers[0], self.daemon.call(good))

    def test_batch_limits(self):
        one = pb.AuthorizeRequest(token_uid="04AA01", charge_point_id="cp-shut")
        explained = pb.AuthorizeRequest(token_uid="04AA01", charge_point_id="cp-shut", explain=True)

        def batch(*requests):
            return self.daemon.call(pb.AuthorizeBatchRequest(requests=requests)).responses

        self.assertEqual(len(batch(*[one] * 256)), 256)
        self.assertEqual(len({answer.decided_at for answer in batch(*[one] * 256)}), 1)
        self.assert_refused(harness.RESOURCE_EXHAUSTED, batch, *[one] * 257)
        self.assertTrue(all(answer.explanation for answer in batch(*[explained] * 16)))
        self.assert_refused(harness.RESOURCE_EXHAUSTED, batch, *[explained] * 17)
        self.assertEqual(len(batch()), 0)

    def test_batch_waits_for_the_highest_min_revision(self):
        requests = [pb.AuthorizeRequest(token_uid="04AA01", charge_point_id="cp-shut", min_revision=revision)
                    for revision in (1, 10 ** 9)]
        self.assert_refused(harness.UNAVAILABLE, self.daemon.call, pb.AuthorizeBatchRequest(requests=requests))


class GetTariff(harness.DaemonTest):
    def setUp(self):
        self.daemon = self.start_daemon()
        self.daemon.apply(*WORLD)

    def check(self, tariff, source, caller, **request):
        answer = self.daemon.call(pb.GetTariffRequest(**request))
        self.assertEqual((answer.tariff.id, answer.source, answer.caller_class), (tariff, source, caller), request)
        self.assertEqual(answer.tariff, harness.make_tariff(tariff))
        return answer

    def test_each_caller_and_each_source(self):
        group, prepaid, override = pb.TARIFF_SOURCE_GROUP, pb.TARIFF_SOURCE_PREPAID, pb.TARIFF_SOURCE_OVERRIDE
        customer, roaming, direct = (pb.CALLER_CLASS_CUSTOMER, pb.CALLER_CLASS_ROAMING, pb.CALLER_CLASS_DIRECT_PAYMENT)
        for expected, request in (
                (("t-work", group, customer), {"charge_point_id": "cp-shut", "token_uid": "04AA01"}),
                (("t-staff", override, customer), {"charge_point_id": "cp-shut", "customer_id": "OVERRIDE"}),
                (("t-prepaid", prepaid, customer), {"charge_group_id": "SHUT", "customer_id": "prepaid"}),
                (("t-work", group, customer), {"charge_group_id": "shut", "customer_id": "guest"}),  # access or not
                (("t-public", group, roaming), {"evse_id": "NL*EVC*Eroaming", "token_uid": "050100"}),
                (("t-public", group, roaming), {"charge_group_id": "roaming", "token_uid": "0499"}),
                (("t-prepaid", prepaid, direct), {"charge_group_id": "shut", "token_type": AD_HOC}),
                (("t-prepaid", prepaid, direct), {"charge_group_id": "shut", "token_uid": "x", "token_type": AD_HOC}),
                (("t-work", group, customer), {"charge_group_id": "shut", "caller_class": customer}),
                (("t-work", group, roaming), {"charge_group_id": "shut", "caller_class": roaming}),
                (("t-prepaid", prepaid, direct), {"charge_group_id": "shut", "caller_class": direct})):
            self.check(*expected, **request)

    def test_exactly_one_place_and_one_caller(self):
        place, caller = {"charge_point_id": "cp-shut"}, {"customer_id": "member"}
        for request in ({}, place, caller, {**place, "charge_group_id": "shut", **caller},
                        {**place, **caller, "token_uid": "04AA01"}, {**place, **caller, "caller_class": 1},
                        {**place, "token_uid": "04AA01", "caller_class": 2}):
            self.assert_refused(harness.INVALID_ARGUMENT, self.daemon.call, pb.GetTariffRequest(**request))

    def test_unknown_places_and_customers(self):
        for request in ({"charge_point_id": "nowhere", "customer_id": "member"},
                        {"charge_group_id": "nothing", "customer_id": "member"},
                        {"charge_point_id": "cp-shut", "evse_id": "NL*EVC*Eall", "customer_id": "member"},
                        {"charge_group_id": "shut", "customer_id": "nobody"}):
            self.assert_refused(harness.NOT_FOUND, self.daemon.call, pb.GetTariffRequest(**request))
        self.assert_refused(harness.FAILED_PRECONDITION, self.daemon.call,
                            pb.GetTariffRequest(charge_point_id="cp-alone", customer_id="member"))


if __name__ == "__main__":
    unittest.main()
