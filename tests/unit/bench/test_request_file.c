// SPDX-License-Identifier: Apache-2.0
#include "bench/request_file.h"
#include "proto/codec.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct request_line line;
static struct request_file_fault fault;

static void setup(void)
{
	arena_init(&arena, 64 * 1024, 4 * 1024 * 1024);
}

static void teardown(void)
{
	arena_finish(&arena);
}

static int read_text(const char *text)
{
	return request_line_read(bytes_from(text), 7, &arena, &line, &fault);
}

static bool is_answered(const struct authorize_response *answer)
{
	struct bytes body;
	ck_assert_int_eq(codec_encode(&schema_authorize_response, answer, &arena, &body), 0);
	return request_line_is_answered(line.expected, line.fields, body);
}

static bool is_text(struct bytes text, const char *wanted)
{
	return bytes_equal(text, bytes_from(wanted));
}

START_TEST(the_request_is_what_is_left_without_expect)
{
	// First, in the middle, last; names in both spellings.
	const char *const texts[] = {
		"{\"expect\":{\"verdict\":\"DENIED\"},\"token_uid\":\"04A1\",\"chargePointId\":\"cp\",\"at\":12}",
		"{\"token_uid\":\"04A1\", \"expect\" : {\"verdict\":\"DENIED\"} , "
		"\"charge_point_id\":\"cp\",\"at\":12}",
		"{\"token_uid\":\"04A1\",\"charge_point_id\":\"cp\",\"at\":12 , \"expect\":{\"verdict\":\"DENIED\"}}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		ck_assert_int_eq(read_text(texts[i]), 0);
		ck_assert(is_text(line.request->token_uid, "04A1"));
		ck_assert(is_text(line.request->charge_point_id, "cp"));
		ck_assert_int_eq(line.request->at, 12);
		ck_assert_uint_eq(line.fields, 1 << 1);
	}
}
END_TEST

START_TEST(expect_within_a_text_or_a_sub_message_is_no_member)
{
	ck_assert_int_eq(read_text("{\"token_uid\":\"\\\"expect\\\":{\",\"issuer\":{\"country_code\":\"NL\","
				   "\"party_id\":\"x\"},\"expect\":{\"tariff_id\":\"},{\"}}"),
			 0);
	ck_assert(is_text(line.request->token_uid, "\"expect\":{"));
	ck_assert(is_text(line.request->issuer->party_id, "x"));
	ck_assert(is_answered(&(struct authorize_response){.tariff_id = BYTES_LITERAL("},{")}));
}
END_TEST

START_TEST(fields_that_are_named_must_be_equal_and_others_are_not_looked_at)
{
	ck_assert_int_eq(read_text("{\"expect\":{\"verdict\":\"allowed\",\"tariffId\":\"day\",\"validUntil\":\"5\"}}"),
			 0);
	struct authorize_response answer = {
		.verdict = VERDICT_ALLOWED, .tariff_id = BYTES_LITERAL("day"), .valid_until = 5};
	ck_assert(is_answered(&answer));
	answer.customer_id = BYTES_LITERAL("anybody");
	answer.revision = 99;
	ck_assert(is_answered(&answer));
	answer.valid_until = 6;
	ck_assert(!is_answered(&answer));
	answer.valid_until = 5;
	answer.tariff_id = BYTES_LITERAL("dax");
	ck_assert(!is_answered(&answer));
	answer.tariff_id = BYTES_LITERAL("day1");
	ck_assert(!is_answered(&answer));
	answer.tariff_id = (struct bytes){0};
	ck_assert(!is_answered(&answer));
	answer.tariff_id = BYTES_LITERAL("day");
	answer.verdict = VERDICT_DENIED;
	ck_assert(!is_answered(&answer));
}
END_TEST

START_TEST(that_a_field_is_empty_can_be_expected)
{
	ck_assert_int_eq(read_text("{\"expect\":{\"tariff_id\":\"\",\"access\":\"UNSPECIFIED\",\"valid_until\":0}}"),
			 0);
	struct authorize_response answer = {.verdict = VERDICT_DENIED};
	ck_assert(is_answered(&answer));
	answer.access = ACCESS_MEMBER;
	ck_assert(!is_answered(&answer));
	answer.access = ACCESS_UNSPECIFIED;
	answer.tariff_id = BYTES_LITERAL("t");
	ck_assert(!is_answered(&answer));
	answer.tariff_id = (struct bytes){0};
	answer.valid_until = 1;
	ck_assert(!is_answered(&answer));
}
END_TEST

START_TEST(every_field_of_an_answer_can_be_expected)
{
	// Each of them alone; what differs must be found.
	struct issuer issuer = {.country_code = BYTES_LITERAL("NL"), .party_id = BYTES_LITERAL("TNM")};
	struct error_message error = {.code = 3};
	const struct authorize_response full = {
		.verdict = VERDICT_ASK_ISSUER,
		.reason = REASON_ISSUER_DECIDES,
		.access = ACCESS_ROAMING,
		.offline_verdict = VERDICT_DENIED,
		.charge_group_id = BYTES_LITERAL("a"),
		.customer_id = BYTES_LITERAL("b"),
		.issuer = &issuer,
		.contract_id = BYTES_LITERAL("c"),
		.tariff_id = BYTES_LITERAL("d"),
		.parent_id = BYTES_LITERAL("e"),
		.valid_until = 1,
		.revision = 2,
		.ocpi_allowed = BYTES_LITERAL("f"),
		.ocpp16_status = BYTES_LITERAL("g"),
		.ocpp2_status = BYTES_LITERAL("h"),
		.token_uid = BYTES_LITERAL("i"),
		.token_type = TOKEN_TYPE_RFID,
		.charge_point_id = BYTES_LITERAL("j"),
		.location_id = BYTES_LITERAL("k"),
		.decided_at = 3,
		.error = &error,
	};
	const char *const members[] = {"verdict\":\"ASK_ISSUER\"",
				       "reason\":\"ISSUER_DECIDES\"",
				       "access\":\"ROAMING\"",
				       "offline_verdict\":\"DENIED\"",
				       "charge_group_id\":\"a\"",
				       "customer_id\":\"b\"",
				       "issuer\":{\"country_code\":\"NL\",\"party_id\":\"TNM\"}",
				       "contract_id\":\"c\"",
				       "tariff_id\":\"d\"",
				       "parent_id\":\"e\"",
				       "valid_until\":1",
				       "revision\":2",
				       "ocpi_allowed\":\"f\"",
				       "ocpp16_status\":\"g\"",
				       "ocpp2_status\":\"h\"",
				       "token_uid\":\"i\"",
				       "token_type\":\"RFID\"",
				       "charge_point_id\":\"j\"",
				       "location_id\":\"k\"",
				       "decided_at\":3",
				       "error\":{\"code\":3}"};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char text[256];
		snprintf(text, sizeof(text), "{\"expect\":{\"%s}}", members[i]);
		ck_assert_int_eq(read_text(text), 0);
		ck_assert(is_answered(&full));
		ck_assert(!is_answered(&(struct authorize_response){0}));
	}
}
END_TEST

START_TEST(what_is_no_answer_is_not_the_expected_one)
{
	ck_assert_int_eq(read_text("{\"expect\":{\"tariff_id\":\"\"}}"), 0);
	ck_assert(request_line_is_answered(line.expected, line.fields, (struct bytes){0}));
	ck_assert(!request_line_is_answered(line.expected, line.fields, BYTES_LITERAL("\x08")));
	ck_assert(!request_line_is_answered(line.expected, line.fields, BYTES_LITERAL("\x2a\x05g")));
	ck_assert(!request_line_is_answered(line.expected, line.fields, BYTES_LITERAL("\x0b\x01")));
	// Fields of a later version are no reason to fail.
	ck_assert(request_line_is_answered(line.expected, line.fields, BYTES_LITERAL("\xd0\x02\x01")));
}
END_TEST

START_TEST(errors_tell_the_place)
{
	// In bad JSON it is the last character of what should not be there; otherwise the name of the field.
	static const struct {
		const char *text;
		uint32_t column;
		const char *message;
	} rows[] = {
		{"{\"token_uid\":\"04\",\"charge_point_id\":\"x\"}", 0, "has no \"expect\""},
		{"{\"token_uid\":\"04\",,\"expect\":{\"verdict\":\"DENIED\"}}", 19, "is not JSON"},
		{"{\"token_uid\":\"04\",\"expect\":{\"verdict\":}}", 39, "is not JSON"},
		{"{\"token_uid\":5,\"expect\":{\"verdict\":\"DENIED\"}}", 2, "must be a string"},
		{"{\"expect\":{\"verdict\":\"DENIED\"},\"token_uid\":\"04\",\"card\":5}", 49, "card"},
		{"{\"token_uid\":\"04\",\"expect\":{\"reason\":\"OK\",\"verdict\":\"DENID\"}}", 43, "verdict"},
		{"{\"token_uid\":\"04\",\"expect\":{\"wrong\":1}}", 29, "wrong"},
		{"{\"expect\":{\"verdict\":1,\"explanation\":[]}}", 24, "explanation cannot be expected"},
		{"{\"expect\":{}}", 2, "names no field"},
		{"{\"expect\":7}", 11, "is not JSON"},
		{"{\"expect\":{\"verdict\":1}}}", 25, "is not JSON"},
		{"[1]", 1, "object"},
		{"request", 7, "is not JSON"},
		{"{\"expect\"", 9, "is not JSON"},
		{"{\"expect\":{\"verdict\":1}", 23, "is not JSON"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_msg(read_text(rows[i].text) == -EINVAL, "%s", rows[i].text);
		ck_assert_uint_eq(fault.line, 7);
		ck_assert_msg(fault.column == rows[i].column, "%s: column %u, %s", rows[i].text, fault.column,
			      fault.message);
		ck_assert_msg(strstr(fault.message, rows[i].message) != NULL, "%s: %s", rows[i].text, fault.message);
	}
}
END_TEST

START_TEST(a_line_may_be_of_the_longest_size_and_no_longer)
{
	static char text[REQUEST_LINE_SIZE_MAX + 2];
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "{\"expect\":{\"verdict\":1}", 23);
	text[REQUEST_LINE_SIZE_MAX - 1] = '}';
	ck_assert_int_eq(request_line_read((struct bytes){text, REQUEST_LINE_SIZE_MAX}, 1, &arena, &line, &fault), 0);
	text[REQUEST_LINE_SIZE_MAX - 1] = ' ';
	text[REQUEST_LINE_SIZE_MAX] = '}';
	ck_assert_int_eq(request_line_read((struct bytes){text, REQUEST_LINE_SIZE_MAX + 1}, 1, &arena, &line, &fault),
			 -EINVAL);
}
END_TEST

START_TEST(cut_off_lines_are_refused_wherever_they_end)
{
	const struct bytes whole = BYTES_LITERAL(
		"{\"token_uid\":\"0\\\"4\",\"issuer\":{\"country_code\":\"NL\"},\"expect\":{\"verdict\":\"DENIED\"}}");
	for (size_t size = 0; size < whole.size; size++) {
		// A copy of its own, so that a sanitizer sees a read past the end.
		char *text = malloc(size + 1);
		memcpy(text, whole.data, size);
		const struct bytes part = {.data = size > 0 ? text : NULL, .size = size};
		ck_assert_int_eq(request_line_read(part, 1, &arena, &line, &fault), -EINVAL);
		free(text);
	}
	ck_assert_int_eq(request_line_read(whole, 1, &arena, &line, &fault), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_file");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_request_is_what_is_left_without_expect);
	tcase_add_test(tcase, expect_within_a_text_or_a_sub_message_is_no_member);
	tcase_add_test(tcase, fields_that_are_named_must_be_equal_and_others_are_not_looked_at);
	tcase_add_test(tcase, that_a_field_is_empty_can_be_expected);
	tcase_add_test(tcase, every_field_of_an_answer_can_be_expected);
	tcase_add_test(tcase, what_is_no_answer_is_not_the_expected_one);
	tcase_add_test(tcase, errors_tell_the_place);
	tcase_add_test(tcase, a_line_may_be_of_the_longest_size_and_no_longer);
	tcase_add_test(tcase, cut_off_lines_are_refused_wherever_they_end);
	Suite *suite = suite_create("bench/request_file");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
