// SPDX-License-Identifier: Apache-2.0
// Every line of the decision table of DESIGN 1.2 with its boundaries, and every sentence under it.
#include "tests/unit/daemon/decide/decide_world.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct image_builder world;

static void setup(void)
{
	decide_world_init(&world);
}

static void teardown(void)
{
	image_builder_finish(&world);
}

// ---------------------------------------------------------------- asking and comparing

struct question {
	const char *uid;
	const char *point;
	enum token_type type;
	const char *country_code, *party_id;
	int64_t at; // 0: NOON
	const char *evse;
};

struct answer {
	enum verdict verdict;
	enum reason reason;
	enum access access;
	const char *tariff;
	int64_t valid_until;
	enum verdict offline_verdict;
};

static struct decision ask(struct question question)
{
	struct issuer issuer = {bytes_from(question.country_code), bytes_from(question.party_id)};
	const struct authorize_request request = {
		.token_uid = bytes_from(question.uid),
		.token_type = question.type,
		.issuer = question.country_code ? &issuer : NULL,
		.charge_point_id = bytes_from(question.point),
		.evse_id = bytes_from(question.evse),
		.at = question.at,
	};
	struct fault fault = {0};
	struct decision decision;
	ck_assert_msg(decide(&world.image, &request, NOON, &decision, &fault) == 0, "%s", fault.message);
	return decision;
}

static void assert_text(struct bytes text, const char *expected)
{
	ck_assert_msg(bytes_equal(text, bytes_from(expected)), "\"%.*s\" is not \"%s\"", BYTES_ARG(text),
		      expected ? expected : "");
}

static void expect(struct question question, struct answer expected)
{
	const struct authorize_response response = ask(question).response;
	ck_assert_msg(response.reason == expected.reason, "%s at %s: reason %d, not %d", question.uid, question.point,
		      response.reason, expected.reason);
	ck_assert_int_eq(response.verdict, expected.verdict);
	ck_assert_int_eq(response.access, expected.access);
	ck_assert_int_eq(response.offline_verdict, expected.offline_verdict);
	ck_assert_int_eq(response.valid_until, expected.valid_until);
	assert_text(response.tariff_id, expected.tariff);
}

static struct answer allowed(enum access access, const char *tariff)
{
	return (struct answer){VERDICT_ALLOWED, REASON_OK, access, tariff, 0, 0};
}

static struct answer denied(enum reason reason)
{
	return (struct answer){VERDICT_DENIED, reason, 0, NULL, 0, 0};
}

static struct answer ask_issuer(enum reason reason, enum verdict offline_verdict)
{
	return (struct answer){VERDICT_ASK_ISSUER, reason, ACCESS_ROAMING, "t-work", 0, offline_verdict};
}

static struct answer until(struct answer answer, int64_t valid_until)
{
	answer.valid_until = valid_until;
	return answer;
}

// ---------------------------------------------------------------- lines 1 and 2: the place

START_TEST(line_1_an_unknown_charge_point_is_denied)
{
	expect((struct question){.uid = "04m", .point = "P-nowhere"}, denied(REASON_UNKNOWN_CHARGE_POINT));
	expect((struct question){.uid = "04m", .evse = "NL*Enowhere*1"}, denied(REASON_UNKNOWN_CHARGE_POINT));
	expect((struct question){.uid = "04m", .point = "P-nowhere", .evse = "NL*Eclosed*1"},
	       denied(REASON_UNKNOWN_CHARGE_POINT));
	expect((struct question){.uid = "04m", .point = "P-closed", .evse = "NL*Enowhere*1"},
	       denied(REASON_UNKNOWN_CHARGE_POINT));
}
END_TEST

START_TEST(line_1_an_evse_of_another_point_is_denied)
{
	expect((struct question){.uid = "04m", .point = "P-closed", .evse = "NL*Ecustomers*1"},
	       denied(REASON_UNKNOWN_CHARGE_POINT));
	const struct authorize_response response =
		ask((struct question){.uid = "04m", .point = "p-CLOSED", .evse = "NL*Ecustomers*1"}).response;
	assert_text(response.charge_point_id, "p-CLOSED");
	assert_text(response.location_id, "");
}
END_TEST

START_TEST(a_point_may_be_named_by_id_or_evse_or_both)
{
	const struct answer answer = allowed(ACCESS_MEMBER, "t-work");
	expect((struct question){.uid = "04m", .point = "P-closed"}, answer);
	expect((struct question){.uid = "04m", .evse = "NL*Eclosed*1"}, answer);
	expect((struct question){.uid = "04m", .point = "P-closed", .evse = "NL*Eclosed*1"}, answer);
}
END_TEST

START_TEST(line_2_a_point_in_no_group_never_authorizes_anybody)
{
	expect((struct question){.uid = "04m", .point = "P-alone"}, denied(REASON_NO_CHARGE_GROUP));
	expect((struct question){.uid = "F-ALWAYS", .point = "P-alone"}, denied(REASON_NO_CHARGE_GROUP));
	expect((struct question){.uid = "", .point = "P-alone", .type = TOKEN_TYPE_AD_HOC_USER},
	       denied(REASON_NO_CHARGE_GROUP));
	expect((struct question){.uid = "04m", .evse = "NL*Ealone*1"}, denied(REASON_NO_CHARGE_GROUP));
}
END_TEST

// ---------------------------------------------------------------- lines 3 and 4: nobody we know

START_TEST(line_3_a_direct_payment_caller_is_allowed_where_roaming_is)
{
	const struct answer answer = allowed(ACCESS_DIRECT_PAYMENT, "t-pre");
	expect((struct question){.uid = "terminal-1", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER}, answer);
	expect((struct question){.uid = "", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER}, answer);
	expect((struct question){.uid = "",
				 .point = "P-roaming",
				 .type = TOKEN_TYPE_AD_HOC_USER,
				 .country_code = "",
				 .party_id = ""},
	       answer);
}
END_TEST

START_TEST(line_3_without_a_prepaid_tariff_the_groups_applies)
{
	expect((struct question){.uid = "", .point = "P-both", .type = TOKEN_TYPE_AD_HOC_USER},
	       allowed(ACCESS_DIRECT_PAYMENT, "t-work"));
}
END_TEST

START_TEST(line_3b_a_direct_payment_caller_is_denied_where_roaming_is_off)
{
	expect((struct question){.uid = "", .point = "P-closed", .type = TOKEN_TYPE_AD_HOC_USER},
	       denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "terminal-1", .point = "P-customers", .type = TOKEN_TYPE_AD_HOC_USER},
	       denied(REASON_ROAMING_OFF));
}
END_TEST

START_TEST(line_3_is_not_for_callers_with_an_issuer)
{
	expect((struct question){.uid = "terminal-1",
				 .point = "P-roaming",
				 .type = TOKEN_TYPE_AD_HOC_USER,
				 .country_code = "NL",
				 .party_id = "TNM"},
	       ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED));
	expect((struct question){.uid = "terminal-1",
				 .point = "P-closed",
				 .type = TOKEN_TYPE_AD_HOC_USER,
				 .country_code = "NL",
				 .party_id = "TNM"},
	       denied(REASON_UNKNOWN_TOKEN));
}
END_TEST

START_TEST(line_3_is_not_for_uids_stored_under_any_type)
{
	const struct answer answer = ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED);
	expect((struct question){.uid = "04m", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER}, answer);
	expect((struct question){.uid = "BLOCKED", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER}, answer);
	expect((struct question){.uid = "F-ALWAYS", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER}, answer);
	expect((struct question){.uid = "04m", .point = "P-closed", .type = TOKEN_TYPE_AD_HOC_USER},
	       denied(REASON_UNKNOWN_TOKEN));
}
END_TEST

START_TEST(line_3_finds_a_stored_uid_folded_by_its_own_type)
{
	image_builder_add_token(&world, &(struct token){.uid = TEXT("04-AB-CD"),
							.type = TOKEN_TYPE_RFID,
							.customer_id = TEXT("m"),
							.blocked = true});
	expect((struct question){.uid = "04abcd", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER},
	       ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED));
	expect((struct question){.uid = "04 AB:CD", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER},
	       ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED));
}
END_TEST

START_TEST(a_stored_ad_hoc_token_is_decided_as_what_it_is)
{
	struct issuer issuer = {TEXT("NL"), TEXT("TNM")};
	image_builder_add_token(&world, &(struct token){.uid = TEXT("voucher"),
							.type = TOKEN_TYPE_AD_HOC_USER,
							.issuer = &issuer,
							.whitelist = WHITELIST_ALWAYS,
							.blocked = true});
	expect((struct question){.uid = "voucher", .point = "P-roaming", .type = TOKEN_TYPE_AD_HOC_USER},
	       denied(REASON_TOKEN_BLOCKED));
}
END_TEST

START_TEST(line_4_an_unknown_token_is_for_its_issuer_where_roaming_is)
{
	expect((struct question){.uid = "nobody", .point = "P-roaming"},
	       ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED));
	expect((struct question){.uid = "nobody", .point = "P-both", .type = TOKEN_TYPE_RFID},
	       ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED));
}
END_TEST

START_TEST(line_4b_an_unknown_token_is_denied_where_roaming_is_off)
{
	expect((struct question){.uid = "nobody", .point = "P-closed"}, denied(REASON_UNKNOWN_TOKEN));
	expect((struct question){.uid = "nobody", .point = "P-customers"}, denied(REASON_UNKNOWN_TOKEN));
}
END_TEST

START_TEST(type_and_issuer_narrow_the_search)
{
	expect((struct question){.uid = "04m", .point = "P-closed", .type = TOKEN_TYPE_APP_USER},
	       denied(REASON_UNKNOWN_TOKEN));
	expect((struct question){.uid = "04m",
				 .point = "P-closed",
				 .type = TOKEN_TYPE_RFID,
				 .country_code = "NL",
				 .party_id = "TNM"},
	       denied(REASON_UNKNOWN_TOKEN));
	expect((struct question){.uid = "F-ALWAYS", .point = "P-both", .country_code = "nl", .party_id = "tnm"},
	       allowed(ACCESS_ROAMING, "t-work"));
	expect((struct question){.uid = "F-ALWAYS", .point = "P-both", .country_code = "NL", .party_id = "TN"},
	       ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED));
	expect((struct question){.uid = "04m", .point = "P-closed", .type = (enum token_type)17},
	       denied(REASON_UNKNOWN_TOKEN));
}
END_TEST

// ---------------------------------------------------------------- lines 5-7: is the token valid

START_TEST(line_5_a_blocked_token_is_denied_and_time_does_not_change_that)
{
	expect((struct question){.uid = "BLOCKED", .point = "P-closed", .at = WINDOW_START - 1},
	       denied(REASON_TOKEN_BLOCKED));
	expect((struct question){.uid = "BLOCKED", .point = "P-closed", .at = NOON}, denied(REASON_TOKEN_BLOCKED));
	expect((struct question){.uid = "BLOCKED", .point = "P-closed", .at = WINDOW_END},
	       denied(REASON_TOKEN_BLOCKED));
}
END_TEST

START_TEST(line_6_a_token_is_valid_from_the_second_of_valid_from_on)
{
	const struct answer answer = allowed(ACCESS_MEMBER, "t-work");
	expect((struct question){.uid = "EARLY", .point = "P-closed", .at = WINDOW_START - 1},
	       until(denied(REASON_TOKEN_NOT_YET_VALID), WINDOW_START));
	expect((struct question){.uid = "EARLY", .point = "P-closed", .at = WINDOW_START}, answer);
	expect((struct question){.uid = "EARLY", .point = "P-closed", .at = WINDOW_START + 1}, answer);
}
END_TEST

START_TEST(line_7_a_token_is_expired_from_the_second_of_valid_until_on)
{
	const struct answer answer = until(allowed(ACCESS_MEMBER, "t-work"), WINDOW_END);
	expect((struct question){.uid = "EXPIRES", .point = "P-closed", .at = 1}, answer);
	expect((struct question){.uid = "EXPIRES", .point = "P-closed", .at = WINDOW_END - 1}, answer);
	expect((struct question){.uid = "EXPIRES", .point = "P-closed", .at = WINDOW_END},
	       denied(REASON_TOKEN_EXPIRED));
	expect((struct question){.uid = "EXPIRES", .point = "P-closed", .at = WINDOW_END + 1},
	       denied(REASON_TOKEN_EXPIRED));
}
END_TEST

START_TEST(valid_until_is_the_nearest_end_of_the_window_after_at)
{
	expect((struct question){.uid = "WINDOW", .point = "P-closed", .at = WINDOW_START - 1},
	       until(denied(REASON_TOKEN_NOT_YET_VALID), WINDOW_START));
	expect((struct question){.uid = "WINDOW", .point = "P-closed", .at = WINDOW_START},
	       until(allowed(ACCESS_MEMBER, "t-work"), WINDOW_END));
	expect((struct question){.uid = "WINDOW", .point = "P-closed", .at = WINDOW_END}, denied(REASON_TOKEN_EXPIRED));
}
END_TEST

START_TEST(valid_until_is_also_given_with_denials_after_line_7)
{
	expect((struct question){.uid = "WINDOW", .point = "P-partner"}, until(denied(REASON_ROAMING_OFF), WINDOW_END));
}
END_TEST

START_TEST(the_token_is_looked_at_before_the_customer)
{
	image_builder_add_token(&world, &(struct token){.uid = TEXT("TWICE"),
							.type = TOKEN_TYPE_RFID,
							.customer_id = TEXT("blocked"),
							.blocked = true});
	expect((struct question){.uid = "TWICE", .point = "P-closed"}, denied(REASON_TOKEN_BLOCKED));
}
END_TEST

// ---------------------------------------------------------------- lines 8-16: own tokens

START_TEST(line_8_a_blocked_customer_is_denied_also_as_a_member)
{
	expect((struct question){.uid = "04blocked", .point = "P-closed"}, denied(REASON_CUSTOMER_BLOCKED));
	expect((struct question){.uid = "04blocked", .point = "P-both"}, denied(REASON_CUSTOMER_BLOCKED));
}
END_TEST

START_TEST(line_9_a_member_has_access_whatever_the_boxes_and_user_groups)
{
	expect((struct question){.uid = "04m", .point = "P-closed"}, allowed(ACCESS_MEMBER, "t-work"));
	expect((struct question){.uid = "04guest", .point = "P-closed"}, allowed(ACCESS_MEMBER, "t-work"));
}
END_TEST

START_TEST(line_10_all_own_customers_have_access_with_either_box)
{
	expect((struct question){.uid = "04other", .point = "P-customers"}, allowed(ACCESS_ALL_CUSTOMERS, "t-work"));
	expect((struct question){.uid = "04other", .point = "P-roaming"}, allowed(ACCESS_ALL_CUSTOMERS, "t-work"));
	expect((struct question){.uid = "04other", .point = "P-both"}, allowed(ACCESS_ALL_CUSTOMERS, "t-work"));
}
END_TEST

START_TEST(line_10_user_groups_are_compared_in_compare_form)
{
	expect((struct question){.uid = "04guest", .point = "P-partner"}, allowed(ACCESS_ALL_CUSTOMERS, "t-work"));
	expect((struct question){.uid = "04shy", .point = "P-partner"}, allowed(ACCESS_ALL_CUSTOMERS, "t-work"));
}
END_TEST

START_TEST(line_11_with_both_boxes_off_only_members_may_charge)
{
	expect((struct question){.uid = "04other", .point = "P-closed"}, denied(REASON_NOT_ATTACHED));
	expect((struct question){.uid = "04other", .point = "P-prepaid"}, denied(REASON_NOT_ATTACHED));
}
END_TEST

START_TEST(line_12_a_customer_of_another_user_group_needs_roaming_consent)
{
	expect((struct question){.uid = "04shy", .point = "P-roaming"}, denied(REASON_NO_ROAMING_CONSENT));
	expect((struct question){.uid = "04shy", .point = "P-both"}, denied(REASON_NO_ROAMING_CONSENT));
}
END_TEST

START_TEST(line_13_a_customer_of_another_user_group_roams)
{
	expect((struct question){.uid = "04guest", .point = "P-roaming"}, allowed(ACCESS_ROAMING, "t-work"));
	expect((struct question){.uid = "04guest", .point = "P-both"}, allowed(ACCESS_ROAMING, "t-work"));
}
END_TEST

START_TEST(line_14_open_to_all_customers_is_not_for_other_user_groups)
{
	expect((struct question){.uid = "04guest", .point = "P-customers"}, denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "04shy", .point = "P-customers"}, denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "04guest", .point = "P-prepaid"}, denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "04m", .point = "P-partner"}, denied(REASON_ROAMING_OFF));
}
END_TEST

START_TEST(line_15_no_credit_counts_only_after_access)
{
	expect((struct question){.uid = "04broke", .point = "P-closed"}, denied(REASON_NO_CREDIT));
	expect((struct question){.uid = "04broke", .point = "P-customers"}, denied(REASON_NO_CREDIT));
	expect((struct question){.uid = "04broke", .point = "P-prepaid"}, denied(REASON_NOT_ATTACHED));
}
END_TEST

// ---------------------------------------------------------------- lines 17-22: foreign tokens

START_TEST(line_17_foreign_tokens_are_denied_where_roaming_is_off)
{
	expect((struct question){.uid = "F-ALWAYS", .point = "P-closed"}, denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "F-NEVER", .point = "P-customers"}, denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "B-ALWAYS", .point = "P-closed"}, denied(REASON_ROAMING_OFF));
	expect((struct question){.uid = "W-ALWAYS", .point = "P-closed"},
	       denied(REASON_ROAMING_OFF)); // valid_until 0: not reached
}
END_TEST

START_TEST(line_18_whitelist_always_is_decided_here)
{
	const struct answer valid = until(allowed(ACCESS_ROAMING, "t-work"), WINDOW_END);
	expect((struct question){.uid = "F-ALWAYS", .point = "P-roaming"}, allowed(ACCESS_ROAMING, "t-work"));
	expect((struct question){.uid = "B-ALWAYS", .point = "P-roaming"}, denied(REASON_TOKEN_BLOCKED));
	expect((struct question){.uid = "W-ALWAYS", .point = "P-roaming", .at = WINDOW_START - 1},
	       until(denied(REASON_TOKEN_NOT_YET_VALID), WINDOW_START));
	expect((struct question){.uid = "W-ALWAYS", .point = "P-roaming", .at = WINDOW_START}, valid);
	expect((struct question){.uid = "W-ALWAYS", .point = "P-roaming", .at = WINDOW_END - 1}, valid);
	expect((struct question){.uid = "W-ALWAYS", .point = "P-roaming", .at = WINDOW_END},
	       denied(REASON_TOKEN_EXPIRED));
}
END_TEST

START_TEST(line_19_whitelist_allowed_and_valid_is_allowed)
{
	expect((struct question){.uid = "F-ALLOWED", .point = "P-roaming"}, allowed(ACCESS_ROAMING, "t-work"));
	expect((struct question){.uid = "W-ALLOWED", .point = "P-both", .at = WINDOW_START},
	       until(allowed(ACCESS_ROAMING, "t-work"), WINDOW_END));
}
END_TEST

START_TEST(line_20_whitelist_allowed_and_not_valid_is_for_the_issuer)
{
	expect((struct question){.uid = "B-ALLOWED", .point = "P-roaming"},
	       ask_issuer(REASON_TOKEN_BLOCKED, VERDICT_DENIED));
	expect((struct question){.uid = "W-ALLOWED", .point = "P-roaming", .at = WINDOW_START - 1},
	       until(ask_issuer(REASON_TOKEN_NOT_YET_VALID, VERDICT_DENIED), WINDOW_START));
	expect((struct question){.uid = "W-ALLOWED", .point = "P-roaming", .at = WINDOW_END},
	       ask_issuer(REASON_TOKEN_EXPIRED, VERDICT_DENIED));
}
END_TEST

START_TEST(line_21_whitelist_allowed_offline_is_for_the_issuer_with_an_offline_verdict)
{
	const enum reason reason = REASON_ISSUER_DECIDES;
	expect((struct question){.uid = "F-OFFLINE", .point = "P-roaming"}, ask_issuer(reason, VERDICT_ALLOWED));
	expect((struct question){.uid = "B-OFFLINE", .point = "P-roaming"}, ask_issuer(reason, VERDICT_DENIED));
	expect((struct question){.uid = "W-OFFLINE", .point = "P-roaming", .at = WINDOW_START - 1},
	       until(ask_issuer(reason, VERDICT_DENIED), WINDOW_START));
	expect((struct question){.uid = "W-OFFLINE", .point = "P-roaming", .at = WINDOW_START},
	       until(ask_issuer(reason, VERDICT_ALLOWED), WINDOW_END));
	expect((struct question){.uid = "W-OFFLINE", .point = "P-roaming", .at = WINDOW_END},
	       ask_issuer(reason, VERDICT_DENIED));
}
END_TEST

START_TEST(line_22_whitelist_never_is_for_the_issuer_and_never_changes_by_time)
{
	static const char *const uids[] = {"F-NEVER", "B-NEVER", "W-NEVER", "F-NONE", "B-NONE", "W-NONE"};
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		expect((struct question){.uid = uids[i], .point = "P-roaming", .at = WINDOW_START - 1},
		       ask_issuer(REASON_ISSUER_DECIDES, VERDICT_DENIED));
}
END_TEST

// ---------------------------------------------------------------- the tariff

START_TEST(the_override_wins_over_everything)
{
	expect((struct question){.uid = "04staff", .point = "P-closed"}, allowed(ACCESS_MEMBER, "t-staff"));
	expect((struct question){.uid = "04prepaid-staff", .point = "P-prepaid"}, allowed(ACCESS_MEMBER, "t-staff"));
}
END_TEST

START_TEST(a_prepaid_customer_pays_the_prepaid_tariff_if_there_is_one)
{
	expect((struct question){.uid = "04prepaid", .point = "P-prepaid"}, allowed(ACCESS_MEMBER, "t-pre"));
	expect((struct question){.uid = "04prepaid", .point = "P-roaming"}, allowed(ACCESS_ALL_CUSTOMERS, "t-pre"));
	expect((struct question){.uid = "04prepaid", .point = "P-closed"}, allowed(ACCESS_MEMBER, "t-work"));
	expect((struct question){.uid = "04staff", .point = "P-prepaid"}, allowed(ACCESS_MEMBER, "t-work"));
}
END_TEST

START_TEST(roaming_callers_pay_the_groups_tariff)
{
	expect((struct question){.uid = "F-ALWAYS", .point = "P-roaming"}, allowed(ACCESS_ROAMING, "t-work"));
	expect((struct question){.uid = "04guest", .point = "P-roaming"}, allowed(ACCESS_ROAMING, "t-work"));
}
END_TEST

// ---------------------------------------------------------------- what every answer carries

START_TEST(an_own_token_fills_customer_contract_and_parent)
{
	const struct authorize_response response = ask((struct question){.uid = "04M", .point = "p-closed"}).response;
	assert_text(response.charge_group_id, "closed");
	assert_text(response.customer_id, "m");
	ck_assert_ptr_null(response.issuer);
	assert_text(response.contract_id, "NLEVCC00000001");
	assert_text(response.parent_id, "FLEET-1");
	assert_text(response.token_uid, "04m");
	ck_assert_int_eq(response.token_type, TOKEN_TYPE_RFID);
	assert_text(response.charge_point_id, "P-closed");
	assert_text(response.location_id, "loc-1");
	ck_assert_uint_eq(response.revision, 77);
	ck_assert_int_eq(response.decided_at, NOON);
	ck_assert_ptr_null(response.explanation);
	ck_assert_ptr_null(response.error);
}
END_TEST

START_TEST(a_foreign_token_fills_its_issuer)
{
	const struct decision decision = ask((struct question){.uid = "f-always", .point = "P-closed"});
	const struct authorize_response *response = &decision.response;
	ck_assert_ptr_nonnull(response->issuer);
	assert_text(decision.issuer.country_code, "NL");
	assert_text(decision.issuer.party_id, "TNM");
	assert_text(response->customer_id, "");
	assert_text(response->contract_id, "NL-TNM-C00000001-X");
	assert_text(response->parent_id, "FLEET-2");
	assert_text(response->token_uid, "F-ALWAYS");
	assert_text(response->charge_group_id, "closed");
}
END_TEST

START_TEST(what_was_not_reached_stays_empty)
{
	const struct authorize_response nowhere = ask((struct question){.uid = "04M", .point = "P-nowhere"}).response;
	assert_text(nowhere.charge_group_id, "");
	assert_text(nowhere.customer_id, "");
	assert_text(nowhere.contract_id, "");
	assert_text(nowhere.parent_id, "");
	assert_text(nowhere.location_id, "");
	assert_text(nowhere.charge_point_id, "P-nowhere");
	assert_text(nowhere.token_uid, "04M"); // as asked
	ck_assert_uint_eq(nowhere.revision, 77);
	const struct authorize_response alone =
		ask((struct question){.uid = "04M", .point = "p-alone", .type = TOKEN_TYPE_RFID}).response;
	assert_text(alone.charge_group_id, "");
	assert_text(alone.customer_id, "");
	assert_text(alone.charge_point_id, "P-alone"); // as stored
	assert_text(alone.location_id, "loc-1");
	ck_assert_int_eq(alone.token_type, TOKEN_TYPE_RFID);
}
END_TEST

START_TEST(an_unknown_token_is_answered_as_asked_with_the_group)
{
	const struct authorize_response response = ask((struct question){.uid = "Nobody",
									 .point = "P-closed",
									 .type = TOKEN_TYPE_EMAID,
									 .country_code = "NL",
									 .party_id = "TNM"})
							   .response;
	assert_text(response.charge_group_id, "closed");
	assert_text(response.token_uid, "Nobody");
	ck_assert_int_eq(response.token_type, TOKEN_TYPE_EMAID);
	ck_assert_ptr_null(response.issuer);
	assert_text(response.contract_id, "");
}
END_TEST

START_TEST(an_evse_alone_answers_with_its_charge_point)
{
	assert_text(ask((struct question){.uid = "04m", .evse = "nl-eclosed-1"}).response.charge_point_id, "");
	assert_text(ask((struct question){.uid = "04m", .evse = "nleclosed1"}).response.charge_point_id, "P-closed");
}
END_TEST

START_TEST(at_zero_means_now)
{
	ck_assert_int_eq(ask((struct question){.uid = "04m", .point = "P-closed"}).response.decided_at, NOON);
	ck_assert_int_eq(ask((struct question){.uid = "04m", .point = "P-closed", .at = 5}).response.decided_at, 5);
}
END_TEST

START_TEST(a_denial_still_names_the_customer)
{
	assert_text(ask((struct question){.uid = "04other", .point = "P-closed"}).response.customer_id, "other");
	assert_text(ask((struct question){.uid = "BLOCKED", .point = "P-closed"}).response.customer_id, "m");
}
END_TEST

// ---------------------------------------------------------------- malformed requests

static void refused(struct authorize_request request, const char *field)
{
	struct fault fault = {0};
	struct decision decision;
	ck_assert_int_eq(decide(&world.image, &request, NOON, &decision, &fault), -EINVAL);
	ck_assert_int_eq(fault.code, STATUS_INVALID_ARGUMENT);
	ck_assert_str_eq(fault.field, field);
	ck_assert_str_ne(fault.message, "");
}

START_TEST(malformed_requests_are_refused_naming_the_field)
{
	const struct bytes uid = TEXT("04m"), point = TEXT("P-closed");
	struct issuer half = {.country_code = TEXT("NL")};
	refused((struct authorize_request){.token_uid = uid}, "charge_point_id");
	refused((struct authorize_request){.token_uid = uid, .charge_point_id = TEXT(" P")}, "charge_point_id");
	refused((struct authorize_request){.token_uid = uid, .evse_id = TEXT("***")}, "evse_id");
	refused((struct authorize_request){.token_uid = uid, .charge_point_id = point, .evse_id = TEXT("\n")},
		"evse_id");
	refused((struct authorize_request){.charge_point_id = point}, "token_uid");
	refused((struct authorize_request){.charge_point_id = point, .token_type = TOKEN_TYPE_RFID}, "token_uid");
	refused((struct authorize_request){.token_uid = TEXT("a\x80"), .charge_point_id = point}, "token_uid");
	refused((struct authorize_request){.token_uid = uid, .charge_point_id = point, .issuer = &half},
		"issuer.party_id");
	refused((struct authorize_request){.token_uid = uid, .charge_point_id = point, .at = -1}, "at");
}
END_TEST

START_TEST(only_a_direct_payment_caller_may_leave_the_uid_out)
{
	struct issuer issuer = {TEXT("NL"), TEXT("TNM")};
	const struct bytes point = TEXT("P-roaming");
	refused((struct authorize_request){.charge_point_id = point,
					   .token_type = TOKEN_TYPE_AD_HOC_USER,
					   .issuer = &issuer},
		"token_uid");
	refused((struct authorize_request){.charge_point_id = point,
					   .token_type = TOKEN_TYPE_AD_HOC_USER,
					   .token_uid = TEXT(" x")},
		"token_uid");
}
END_TEST

START_TEST(a_malformed_request_is_refused_also_at_an_unknown_point)
{
	refused((struct authorize_request){.token_uid = TEXT(""), .charge_point_id = TEXT("P-nowhere")}, "token_uid");
}
END_TEST

START_TEST(an_emaid_of_separators_only_is_refused_but_not_as_another_type)
{
	const struct bytes uid = TEXT("-*-"), point = TEXT("P-closed");
	refused((struct authorize_request){.token_uid = uid, .charge_point_id = point, .token_type = TOKEN_TYPE_EMAID},
		"token_uid");
	expect((struct question){.uid = "-*-", .point = "P-closed"}, denied(REASON_UNKNOWN_TOKEN));
}
END_TEST

// ---------------------------------------------------------------- many at once

enum { MANY_MAX = 3 * DECIDE_LANES + 1 };

static struct authorize_request request_of_many(size_t i)
{
	static const char *const uids[] = {"04m", "04other", "W-OFFLINE", "nobody", "BLOCKED", "", "04staff"};
	static const char *const points[] = {"P-closed", "P-roaming", "P-both", "P-nowhere", "P-alone"};
	return (struct authorize_request){
		.token_uid = bytes_from(uids[i % ARRAY_SIZE(uids)]),
		.charge_point_id = bytes_from(points[i % ARRAY_SIZE(points)]),
		.at = (int64_t)(i % 3) * WINDOW_START,
	};
}

// Requests with a number divisible by NOT_TAKEN are not to be decided.
enum { NOT_TAKEN = 11 };

struct many {
	struct authorize_request requests[DECIDE_LANES]; // no more of them are on the way
	size_t taken, given;
};

static const struct authorize_request *take(void *context, size_t index)
{
	struct many *many = context;
	struct authorize_request *request = &many->requests[index % DECIDE_LANES];
	ck_assert_uint_eq(index, many->taken++);
	ck_assert_uint_lt(index - many->given, DECIDE_LANES);
	*request = request_of_many(index);
	return index % NOT_TAKEN == 0 ? NULL : request;
}

static void assert_same(const struct decision *decision, const struct decision *alone)
{
	const struct authorize_response *one = &decision->response, *other = &alone->response;
	ck_assert_int_eq(one->verdict, other->verdict);
	ck_assert_int_eq(one->reason, other->reason);
	ck_assert_int_eq(one->decided_at, other->decided_at);
	ck_assert(bytes_equal(one->token_uid, other->token_uid));
	ck_assert(bytes_equal(one->charge_point_id, other->charge_point_id));
	ck_assert(bytes_equal(one->tariff_id, other->tariff_id));
	ck_assert(bytes_equal(one->customer_id, other->customer_id));
	ck_assert_ptr_eq(one->issuer, other->issuer ? &decision->issuer : NULL);
}

static void give(void *context, size_t index, const struct decision *decision)
{
	struct many *many = context;
	struct fault fault = {0};
	struct decision alone;
	ck_assert_uint_eq(index, many->given++);
	const struct authorize_request request = request_of_many(index);
	const int result = decide(&world.image, &request, NOON, &alone, &fault);
	ck_assert(!decision == (result != 0 || index % NOT_TAKEN == 0));
	if (decision != NULL)
		assert_same(decision, &alone);
}

START_TEST(many_are_decided_as_each_alone)
{
	for (size_t count = 0; count <= MANY_MAX; count++) {
		struct many many = {.taken = 0};
		const struct decide_flow flow = {.take = take, .give = give, .context = &many};
		decide_flow(&world.image, NOON, &flow, count);
		ck_assert_uint_eq(many.taken, count);
		ck_assert_uint_eq(many.given, count);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("decide");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, line_1_an_unknown_charge_point_is_denied);
	tcase_add_test(tcase, line_1_an_evse_of_another_point_is_denied);
	tcase_add_test(tcase, a_point_may_be_named_by_id_or_evse_or_both);
	tcase_add_test(tcase, line_2_a_point_in_no_group_never_authorizes_anybody);
	tcase_add_test(tcase, line_3_a_direct_payment_caller_is_allowed_where_roaming_is);
	tcase_add_test(tcase, line_3_without_a_prepaid_tariff_the_groups_applies);
	tcase_add_test(tcase, line_3b_a_direct_payment_caller_is_denied_where_roaming_is_off);
	tcase_add_test(tcase, line_3_is_not_for_callers_with_an_issuer);
	tcase_add_test(tcase, line_3_is_not_for_uids_stored_under_any_type);
	tcase_add_test(tcase, line_3_finds_a_stored_uid_folded_by_its_own_type);
	tcase_add_test(tcase, a_stored_ad_hoc_token_is_decided_as_what_it_is);
	tcase_add_test(tcase, line_4_an_unknown_token_is_for_its_issuer_where_roaming_is);
	tcase_add_test(tcase, line_4b_an_unknown_token_is_denied_where_roaming_is_off);
	tcase_add_test(tcase, type_and_issuer_narrow_the_search);
	tcase_add_test(tcase, line_5_a_blocked_token_is_denied_and_time_does_not_change_that);
	tcase_add_test(tcase, line_6_a_token_is_valid_from_the_second_of_valid_from_on);
	tcase_add_test(tcase, line_7_a_token_is_expired_from_the_second_of_valid_until_on);
	tcase_add_test(tcase, valid_until_is_the_nearest_end_of_the_window_after_at);
	tcase_add_test(tcase, valid_until_is_also_given_with_denials_after_line_7);
	tcase_add_test(tcase, the_token_is_looked_at_before_the_customer);
	tcase_add_test(tcase, line_8_a_blocked_customer_is_denied_also_as_a_member);
	tcase_add_test(tcase, line_9_a_member_has_access_whatever_the_boxes_and_user_groups);
	tcase_add_test(tcase, line_10_all_own_customers_have_access_with_either_box);
	tcase_add_test(tcase, line_10_user_groups_are_compared_in_compare_form);
	tcase_add_test(tcase, line_11_with_both_boxes_off_only_members_may_charge);
	tcase_add_test(tcase, line_12_a_customer_of_another_user_group_needs_roaming_consent);
	tcase_add_test(tcase, line_13_a_customer_of_another_user_group_roams);
	tcase_add_test(tcase, line_14_open_to_all_customers_is_not_for_other_user_groups);
	tcase_add_test(tcase, line_15_no_credit_counts_only_after_access);
	tcase_add_test(tcase, line_17_foreign_tokens_are_denied_where_roaming_is_off);
	tcase_add_test(tcase, line_18_whitelist_always_is_decided_here);
	tcase_add_test(tcase, line_19_whitelist_allowed_and_valid_is_allowed);
	tcase_add_test(tcase, line_20_whitelist_allowed_and_not_valid_is_for_the_issuer);
	tcase_add_test(tcase, line_21_whitelist_allowed_offline_is_for_the_issuer_with_an_offline_verdict);
	tcase_add_test(tcase, line_22_whitelist_never_is_for_the_issuer_and_never_changes_by_time);
	tcase_add_test(tcase, the_override_wins_over_everything);
	tcase_add_test(tcase, a_prepaid_customer_pays_the_prepaid_tariff_if_there_is_one);
	tcase_add_test(tcase, roaming_callers_pay_the_groups_tariff);
	tcase_add_test(tcase, an_own_token_fills_customer_contract_and_parent);
	tcase_add_test(tcase, a_foreign_token_fills_its_issuer);
	tcase_add_test(tcase, what_was_not_reached_stays_empty);
	tcase_add_test(tcase, an_unknown_token_is_answered_as_asked_with_the_group);
	tcase_add_test(tcase, an_evse_alone_answers_with_its_charge_point);
	tcase_add_test(tcase, at_zero_means_now);
	tcase_add_test(tcase, a_denial_still_names_the_customer);
	tcase_add_test(tcase, malformed_requests_are_refused_naming_the_field);
	tcase_add_test(tcase, only_a_direct_payment_caller_may_leave_the_uid_out);
	tcase_add_test(tcase, a_malformed_request_is_refused_also_at_an_unknown_point);
	tcase_add_test(tcase, an_emaid_of_separators_only_is_refused_but_not_as_another_type);
	tcase_add_test(tcase, many_are_decided_as_each_alone);
	Suite *suite = suite_create("daemon/decide");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
