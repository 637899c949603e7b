// SPDX-License-Identifier: Apache-2.0
#include "bench/frames.h"
#include "bench/protocol_requests.h"
#include "proto/codec.h"
#include "proto/messages.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char three_lines[] =
	"{\"token_uid\":\"A\",\"charge_point_id\":\"p\",\"expect\":{\"verdict\":\"ALLOWED\",\"tariff_id\":\"day\"}}\n"
	"\n"
	"{\"token_uid\":\"B\",\"charge_point_id\":\"p\",\"expect\":{\"verdict\":\"DENIED\"}}\r\n"
	"{\"token_uid\":\"C\",\"charge_point_id\":\"p\",\"expect\":{\"reason\":\"NOT_ATTACHED\"}}";

static struct arena arena;
static struct load_requests requests;
static char told[64 * 1024]; // what came on stderr

static void setup(void)
{
	arena_init(&arena, 4096, 1024 * 1024);
}

static void teardown(void)
{
	file_requests_destroy(&requests);
	arena_finish(&arena);
}

// stderr goes into `told` from here to end_telling().
static FILE *tell, *before;
static void begin_telling(void)
{
	memset(told, 0, sizeof(told));
	tell = fmemopen(told, sizeof(told) - 1, "w");
	before = stderr;
	stderr = tell;
}

static void end_telling(void)
{
	stderr = before;
	fclose(tell);
}

static int create(const char *text, uint32_t batch)
{
	const struct file_load_options options = {.name = "some.jsonl", .batch = batch};
	FILE *stream = fmemopen((void *)text, strlen(text), "r");
	begin_telling();
	const int error = file_requests_create(stream, &options, &requests);
	end_telling();
	fclose(stream);
	return error;
}

static struct bytes encoded(const struct schema *schema, const void *message)
{
	struct bytes body;
	ck_assert_int_eq(codec_encode(schema, message, &arena, &body), 0);
	return body;
}

static bool is_right(uint32_t entry, struct bytes body)
{
	return protocol_requests.is_right(&requests, entry, &(struct load_answer){.body = body});
}

START_TEST(every_line_is_a_request_with_its_answer)
{
	ck_assert_int_eq(create(three_lines, 0), 0);
	ck_assert_uint_eq(requests.count, 3);
	static const char *const uids[] = {"A", "B", "C"};
	for (uint32_t i = 0; i < 3; i++) {
		struct authorize_request *request;
		struct fault fault = {0};
		ck_assert_int_eq(codec_decode(&schema_authorize_request, CODEC_STRICT, frames_body(&requests, i),
					      &arena, &request, &fault),
				 0);
		ck_assert(bytes_equal(request->token_uid, bytes_from(uids[i])));
	}
	const struct authorize_response allowed = {.verdict = VERDICT_ALLOWED, .tariff_id = BYTES_LITERAL("day")};
	const struct authorize_response denied = {.verdict = VERDICT_DENIED, .reason = REASON_NOT_ATTACHED};
	const struct bytes one = encoded(&schema_authorize_response, &allowed);
	const struct bytes other = encoded(&schema_authorize_response, &denied);
	ck_assert(is_right(0, one) && !is_right(0, other));
	ck_assert(!is_right(1, one) && is_right(1, other));
	ck_assert(!is_right(2, one) && is_right(2, other));
}
END_TEST

START_TEST(lines_go_into_batches_and_the_last_one_has_the_rest)
{
	ck_assert_int_eq(create(three_lines, 2), 0);
	ck_assert_uint_eq(requests.count, 2);
	struct authorize_response answers[] = {
		{.verdict = VERDICT_ALLOWED, .tariff_id = BYTES_LITERAL("day")},
		{.verdict = VERDICT_DENIED, .reason = REASON_NOT_ATTACHED},
	};
	struct authorize_batch_response both = {.responses = answers, .responses_count = 2};
	ck_assert(is_right(0, encoded(&schema_authorize_batch_response, &both)));
	ck_assert(!is_right(1, encoded(&schema_authorize_batch_response, &both))); // one too many
	both.responses_count = 1;
	ck_assert(!is_right(0, encoded(&schema_authorize_batch_response, &both))); // one too few
	both.responses = &answers[1];
	ck_assert(is_right(1, encoded(&schema_authorize_batch_response, &both)));
}
END_TEST

START_TEST(a_line_that_cannot_be_read_is_named)
{
	ck_assert_int_eq(create("\n{\"expect\":{\"verdict\":1}}\n{\"expect\":{\"wrong\":1}}\n", 0), -EINVAL);
	ck_assert_ptr_nonnull(strstr(told, "some.jsonl:3:12: wrong"));
	ck_assert_int_eq(create("{\"token_uid\":\"x\"}\n", 0), -EINVAL);
	ck_assert_ptr_nonnull(strstr(told, "some.jsonl:1: has no \"expect\""));
}
END_TEST

START_TEST(a_file_without_requests_is_refused)
{
	ck_assert_int_eq(create("\n  \n", 0), -ENODATA);
}
END_TEST

START_TEST(a_wrong_answer_is_told_with_its_line_and_both_answers)
{
	static struct load_result result;
	const struct authorize_response denied = {.verdict = VERDICT_DENIED, .tariff_id = BYTES_LITERAL("night")};
	const struct bytes body = encoded(&schema_authorize_response, &denied);
	ck_assert_int_eq(create(three_lines, 0), 0);
	begin_telling();
	file_explain_wrong(&requests, &result);
	end_telling();
	ck_assert_str_eq(told, "");
	result.is_wrong = true;
	result.wrong_entry = 1;
	result.wrong_size = body.size;
	memcpy(result.wrong_body, body.data, body.size);
	begin_telling();
	file_explain_wrong(&requests, &result);
	end_telling();
	ck_assert_ptr_nonnull(strstr(told, "WRONG ANSWER\nrequest: {\"token_uid\":\"B\",\"charge_point_id\":\"p\"}"));
	ck_assert_ptr_nonnull(strstr(told, "some.jsonl:3: {\"token_uid\":\"B\""));
	ck_assert_ptr_nonnull(strstr(told, "answer: {\"verdict\":\"DENIED\",\"tariff_id\":\"night\"}"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("protocol_requests");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_line_is_a_request_with_its_answer);
	tcase_add_test(tcase, lines_go_into_batches_and_the_last_one_has_the_rest);
	tcase_add_test(tcase, a_line_that_cannot_be_read_is_named);
	tcase_add_test(tcase, a_file_without_requests_is_refused);
	tcase_add_test(tcase, a_wrong_answer_is_told_with_its_line_and_both_answers);
	Suite *suite = suite_create("bench/protocol_requests");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
