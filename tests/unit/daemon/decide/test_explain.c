// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/decide/decide_world.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static struct image_builder world;
static struct arena arena;

static void setup(void)
{
	decide_world_init(&world);
	arena_init(&arena, 16 * 1024, 1024 * 1024);
}

static void teardown(void)
{
	arena_finish(&arena);
	image_builder_finish(&world);
}

static struct authorize_response explain(struct authorize_request request)
{
	static struct decision decision; // the response points into it
	struct fault fault = {0};
	arena_reset(&arena);
	ck_assert_int_eq(decide_explained(&world.image, &request, NOON, &arena, &decision, &fault), 0);
	return decision.response;
}

static struct authorize_response explain_at(const char *uid, const char *point)
{
	return explain((struct authorize_request){.token_uid = bytes_from(uid), .charge_point_id = bytes_from(point)});
}

// "5 token blocked: token BLOCKED is blocked" of a step; with "!" before it when it decided.
static void write_step(const struct explanation_step *step, char *text, size_t size)
{
	snprintf(text, size, "%s%.*s [%.*s, %.*s] %.*s", step->decided ? "!" : "", BYTES_ARG(step->rule),
		 BYTES_ARG(step->object), BYTES_ARG(step->field), BYTES_ARG(step->text));
}

static void expect_steps(const struct authorize_response *response, const char *const *expected, size_t count)
{
	for (size_t i = 0; i < count && i < response->explanation_count; i++) {
		char text[1024];
		write_step(&response->explanation[i], text, sizeof(text));
		ck_assert_str_eq(text, expected[i]);
	}
	ck_assert_uint_eq(response->explanation_count, count);
}

#define EXPECT_STEPS(response, ...)                                   \
	expect_steps(&(response), (const char *const[]){__VA_ARGS__}, \
		     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

// The text of the step that decided.
static void expect_decided(const struct authorize_response *response, const char *rule, const char *expected)
{
	size_t decided = 0;
	for (size_t i = 0; i < response->explanation_count; i++) {
		const struct explanation_step *step = &response->explanation[i];
		if (!step->decided)
			continue;
		decided++;
		char text[1024];
		snprintf(text, sizeof(text), "%.*s", BYTES_ARG(step->text));
		ck_assert_str_eq(text, expected);
		ck_assert(bytes_equal(step->rule, bytes_from(rule)));
	}
	ck_assert_uint_eq(decided, 1);
}

START_TEST(an_allowed_member_is_explained_line_by_line)
{
	const struct authorize_response response = explain_at("04staff", "p-closed");
	EXPECT_STEPS(
		response, "1 [charge point P-closed, id] charge point P-closed is known",
		"2 [charge point P-closed, charge_group_id] charge point P-closed is in charge group closed",
		"4 [token 04staff, customer_id] token 04staff (RFID) is known, of customer staff",
		"5 [token 04staff, blocked] token 04staff is not blocked",
		"6 [token 04staff, valid_from] token 04staff has no valid_from",
		"7 [token 04staff, valid_until] token 04staff has no valid_until",
		"8 [customer staff, blocked] customer staff is not blocked",
		"9 [charge group closed, customers] customer staff is attached to charge group closed",
		"15 [customer staff, no_credit] customer staff is not out of credit",
		"!16 [customer staff, ] customer staff may charge, access MEMBER",
		"tariff [charge group closed, customers] tariff t-staff applies: it is the one of customer staff in "
		"charge group closed");
}
END_TEST

START_TEST(a_customer_of_another_user_group_is_explained)
{
	const struct authorize_response response = explain_at("04shy", "P-roaming");
	EXPECT_STEPS(response, "1 [charge point P-roaming, id] charge point P-roaming is known",
		     "2 [charge point P-roaming, charge_group_id] charge point P-roaming is in charge group roaming",
		     "4 [token 04shy, customer_id] token 04shy (RFID) is known, of customer shy",
		     "5 [token 04shy, blocked] token 04shy is not blocked",
		     "6 [token 04shy, valid_from] token 04shy has no valid_from",
		     "7 [token 04shy, valid_until] token 04shy has no valid_until",
		     "8 [customer shy, blocked] customer shy is not blocked",
		     "9 [charge group roaming, customers] customer shy is not attached to charge group roaming",
		     "10 [customer shy, user_group] customer shy is of user group PARTNER, charge group roaming of the "
		     "default user group",
		     "!12 [token 04shy, roaming_allowed] charge group roaming is open to roaming, but roaming is not "
		     "allowed "
		     "for token 04shy");
}
END_TEST

START_TEST(a_foreign_token_is_explained)
{
	const struct authorize_response response = explain_at("W-OFFLINE", "P-both");
	EXPECT_STEPS(
		response, "1 [charge point P-both, id] charge point P-both is known",
		"2 [charge point P-both, charge_group_id] charge point P-both is in charge group both",
		"4 [token W-OFFLINE, issuer] token W-OFFLINE (RFID) is known, of issuer NL TNM",
		"17 [charge group both, open_to_roaming] charge group both is open to roaming",
		"5 [token W-OFFLINE, blocked] token W-OFFLINE is not blocked",
		"6 [token W-OFFLINE, valid_from] token W-OFFLINE is valid since 1970-01-01T00:16:40Z",
		"7 [token W-OFFLINE, valid_until] token W-OFFLINE is valid until 1970-01-01T00:33:20Z",
		"!21 [token W-OFFLINE, whitelist] the whitelist of token W-OFFLINE is ALLOWED_OFFLINE: ask issuer NL "
		"TNM; allowed if that fails, as the token is valid",
		"tariff [charge group both, tariff_id] tariff t-work applies: it is the tariff of charge group both");
}
END_TEST

static const struct row {
	const char *uid, *point;
	enum token_type type;
	int64_t at;
	const char *rule, *text;
} rows[] = {
	{"04m", "P-nowhere", 0, 0, "1", "charge point P-nowhere is unknown"},
	{"04m", "P-alone", 0, 0, "2", "charge point P-alone is in no charge group"},
	{"", "P-roaming", TOKEN_TYPE_AD_HOC_USER, 0, "3",
	 "the caller has secured the payment and charge group roaming is open to roaming"},
	{"", "P-closed", TOKEN_TYPE_AD_HOC_USER, 0, "3b",
	 "the caller has secured the payment, but charge group closed is not open to roaming"},
	{"x", "P-roaming", 0, 0, "4", "token x is unknown and charge group roaming is open to roaming: ask its issuer"},
	{"x", "P-closed", 0, 0, "4b", "token x is unknown and charge group closed is not open to roaming"},
	{"blocked", "P-closed", 0, 0, "5", "token BLOCKED is blocked"},
	{"EARLY", "P-closed", 0, 999, "6",
	 "token EARLY is valid from 1970-01-01T00:16:40Z only, and it is 1970-01-01T00:16:39Z"},
	{"EXPIRES", "P-closed", 0, 2000, "7",
	 "token EXPIRES was valid until 1970-01-01T00:33:20Z, and it is 1970-01-01T00:33:20Z"},
	{"04blocked", "P-closed", 0, 0, "8", "customer blocked is blocked"},
	{"04other", "P-customers", 0, 0, "16", "customer other may charge, access ALL_CUSTOMERS"},
	{"04other", "P-closed", 0, 0, "11",
	 "only attached customers may charge in charge group closed, and customer other is not attached"},
	{"04guest", "P-customers", 0, 0, "14",
	 "charge group customers is not open to roaming, so not to customer guest of user group PARTNER"},
	{"04broke", "P-closed", 0, 0, "15", "customer broke has no credit"},
	{"F-ALWAYS", "P-closed", 0, 0, "17",
	 "charge group closed is not open to roaming, so not to tokens of issuer NL TNM"},
	{"F-ALWAYS", "P-both", 0, 0, "18",
	 "token F-ALWAYS is valid, and its whitelist ALWAYS means: without asking issuer NL TNM"},
	{"B-ALWAYS", "P-both", 0, 0, "5", "token B-ALWAYS is blocked"},
	{"F-ALLOWED", "P-both", 0, 0, "19",
	 "token F-ALLOWED is valid, and its whitelist ALLOWED means: no need to ask issuer NL TNM"},
	{"B-ALLOWED", "P-both", 0, 0, "20",
	 "token B-ALLOWED is not valid, but its whitelist ALLOWED means: issuer NL TNM may know better, ask"},
	{"B-OFFLINE", "P-both", 0, 0, "21",
	 "the whitelist of token B-OFFLINE is ALLOWED_OFFLINE: ask issuer NL TNM; denied if that fails, as the token "
	 "is "
	 "not valid"},
	{"F-NONE", "P-both", 0, 0, "22", "the whitelist of token F-NONE is NEVER: issuer NL TNM must be asked"},
};

START_TEST(exactly_one_step_decides_and_says_why)
{
	const struct row *row = &rows[_i];
	const struct authorize_response response = explain((struct authorize_request){
		.token_uid = bytes_from(row->uid),
		.token_type = row->type,
		.charge_point_id = bytes_from(row->point),
		.at = row->at,
	});
	expect_decided(&response, row->rule, row->text);
}
END_TEST

START_TEST(an_evse_is_explained_by_its_own_name)
{
	const struct bytes uid = TEXT("04m");
	struct authorize_response response =
		explain((struct authorize_request){.token_uid = uid, .evse_id = TEXT("E-x")});
	expect_decided(&response, "1", "EVSE E-x is unknown");
	response = explain((struct authorize_request){
		.token_uid = uid, .charge_point_id = TEXT("P-both"), .evse_id = TEXT("NL*Eclosed*1")});
	expect_decided(&response, "1", "EVSE NL*Eclosed*1 does not belong to charge point P-both");
}
END_TEST

START_TEST(a_stored_uid_explains_why_it_is_no_direct_payment)
{
	const struct authorize_response response = explain((struct authorize_request){
		.token_uid = TEXT("04m"), .token_type = TOKEN_TYPE_AD_HOC_USER, .charge_point_id = TEXT("P-both")});
	expect_decided(&response, "4", "token 04m is unknown and charge group both is open to roaming: ask its issuer");
	char text[1024];
	write_step(&response.explanation[2], text, sizeof(text));
	ck_assert_str_eq(text,
			 "3 [token 04m, uid] token 04m is stored under another type, so this is no direct payment");
}
END_TEST

START_TEST(a_time_past_every_calendar_is_written_as_a_number)
{
	image_builder_add_token(&world, &(struct token){.uid = TEXT("FOREVER"),
							.type = TOKEN_TYPE_RFID,
							.customer_id = TEXT("m"),
							.valid_from = INT64_MAX});
	const struct authorize_response response = explain_at("FOREVER", "P-closed");
	expect_decided(&response, "6",
		       "token FOREVER is valid from 9223372036854775807 only, and it is 1970-01-01T00:25:00Z");
}
END_TEST

static void assert_same(const struct authorize_response *a, const struct authorize_response *b)
{
	ck_assert_int_eq(a->verdict, b->verdict);
	ck_assert_int_eq(a->reason, b->reason);
	ck_assert_int_eq(a->access, b->access);
	ck_assert_int_eq(a->offline_verdict, b->offline_verdict);
	ck_assert_int_eq(a->valid_until, b->valid_until);
	ck_assert_int_eq(a->decided_at, b->decided_at);
	ck_assert_uint_eq(a->revision, b->revision);
	ck_assert(bytes_equal(a->charge_group_id, b->charge_group_id));
	ck_assert(bytes_equal(a->customer_id, b->customer_id));
	ck_assert(bytes_equal(a->tariff_id, b->tariff_id));
	ck_assert(bytes_equal(a->token_uid, b->token_uid));
	ck_assert(bytes_equal(a->charge_point_id, b->charge_point_id));
	ck_assert(bytes_equal(a->ocpp2_status, b->ocpp2_status));
	ck_assert_int_eq(a->issuer != NULL, b->issuer != NULL);
}

// Every token at every point, so that a text that names something absent is found.
START_TEST(the_explained_answer_is_the_plain_one)
{
	static const char *const uids[] = {"04m",       "04other",   "04staff",  "04prepaid", "04blocked",
					   "04broke",   "04guest",   "04shy",    "EARLY",     "EXPIRES",
					   "WINDOW",    "BLOCKED",   "F-ALWAYS", "W-ALWAYS",  "B-ALLOWED",
					   "W-ALLOWED", "F-OFFLINE", "W-NEVER",  "F-NONE",    "nobody"};
	static const char *const points[] = {"P-closed", "P-prepaid", "P-customers", "P-roaming",
					     "P-both",   "P-partner", "P-alone",     "P-nowhere"};
	static const int64_t times[] = {1, WINDOW_START, WINDOW_END};
	for (size_t i = 0; i < ARRAY_SIZE(uids) * ARRAY_SIZE(points) * ARRAY_SIZE(times); i++) {
		const struct authorize_request request = {
			.token_uid = bytes_from(uids[i % ARRAY_SIZE(uids)]),
			.charge_point_id = bytes_from(points[i / ARRAY_SIZE(uids) % ARRAY_SIZE(points)]),
			.at = times[i / ARRAY_SIZE(uids) / ARRAY_SIZE(points)],
		};
		struct fault fault = {0};
		struct decision plain;
		ck_assert_int_eq(decide(&world.image, &request, NOON, &plain, &fault), 0);
		const struct authorize_response explained = explain(request);
		ck_assert_uint_ge(explained.explanation_count, 1);
		assert_same(&explained, &plain.response);
	}
}
END_TEST

START_TEST(the_issuer_of_an_explained_answer_is_its_own)
{
	struct decision decision;
	struct fault fault = {0};
	const struct authorize_request request = {.token_uid = TEXT("F-ALWAYS"), .charge_point_id = TEXT("P-both")};
	ck_assert_int_eq(decide_explained(&world.image, &request, NOON, &arena, &decision, &fault), 0);
	ck_assert_ptr_eq(decision.response.issuer, &decision.issuer);
}
END_TEST

START_TEST(a_spent_arena_and_a_malformed_request_are_errors)
{
	struct decision decision;
	struct fault fault = {0};
	struct arena small;
	struct authorize_request request = {.token_uid = TEXT("04m"), .charge_point_id = TEXT("P-both")};
	for (size_t budget = 64; budget < 1024; budget += 64) {
		arena_init(&small, 64, budget);
		ck_assert_int_eq(decide_explained(&world.image, &request, NOON, &small, &decision, &fault), -ENOMEM);
		arena_finish(&small);
	}
	request.at = -1;
	ck_assert_int_eq(decide_explained(&world.image, &request, NOON, &arena, &decision, &fault), -EINVAL);
	ck_assert_str_eq(fault.field, "at");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("explain");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_allowed_member_is_explained_line_by_line);
	tcase_add_test(tcase, a_customer_of_another_user_group_is_explained);
	tcase_add_test(tcase, a_foreign_token_is_explained);
	tcase_add_loop_test(tcase, exactly_one_step_decides_and_says_why, 0, ARRAY_SIZE(rows));
	tcase_add_test(tcase, an_evse_is_explained_by_its_own_name);
	tcase_add_test(tcase, a_stored_uid_explains_why_it_is_no_direct_payment);
	tcase_add_test(tcase, a_time_past_every_calendar_is_written_as_a_number);
	tcase_add_test(tcase, the_explained_answer_is_the_plain_one);
	tcase_add_test(tcase, the_issuer_of_an_explained_answer_is_its_own);
	tcase_add_test(tcase, a_spent_arena_and_a_malformed_request_are_errors);
	Suite *suite = suite_create("daemon/decide/explain");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
