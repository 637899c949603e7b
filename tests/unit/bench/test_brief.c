// SPDX-License-Identifier: Apache-2.0
#include "bench/brief.h"
#include "bench/protocol_lua.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_right(const struct load_requests *requests, uint32_t entry, const char *text)
{
	const struct load_answer answer = {.body = bytes_from(text)};
	return brief_is_right(requests, entry, &answer);
}

START_TEST(another_verdict_or_tariff_is_a_wrong_answer)
{
	const struct world_answer expected[] = {
		{.verdict = VERDICT_ALLOWED, .tariff = 6},
		{.verdict = VERDICT_DENIED, .tariff = WORLD_NONE},
		{.verdict = VERDICT_ASK_ISSUER, .tariff = 0},
	};
	const struct load_requests requests = {.count = 3, .expected = expected};
	ck_assert(is_right(&requests, 0, "ALLOWED tariff-0007"));
	ck_assert(!is_right(&requests, 0, "ALLOWED tariff-0008"));
	ck_assert(!is_right(&requests, 0, "ALLOWED"));
	ck_assert(!is_right(&requests, 0, "DENIED"));
	ck_assert(!is_right(&requests, 0, ""));
	ck_assert(is_right(&requests, 1, "DENIED"));
	ck_assert(!is_right(&requests, 1, "ALLOWED tariff-0001"));
	ck_assert(is_right(&requests, 2, "ASK_ISSUER tariff-0001"));
	ck_assert(!is_right(&requests, 2, "ALLOWED tariff-0001"));
}
END_TEST

START_TEST(requests_are_evalsha_with_the_words_of_the_question)
{
	struct world world;
	struct load_requests requests;
	const struct lua_call call = {.sha = "0123456789012345678901234567890123456789", .now = 1700000000};
	const struct brief_options options = {.world = &world,
					      .mix = {.allowed = 1, .denied = 1, .unknown = 1, .foreign = 1},
					      .seed = 3,
					      .count = 200,
					      .encode = lua_encode,
					      .context = &call};
	ck_assert_int_eq(world_init(&world, 1000, 3), 0);
	ck_assert_int_eq(brief_requests_create(&options, &requests), 0);
	uint64_t begin = 0;
	for (uint32_t entry = 0; entry < requests.count; entry++) {
		struct question question;
		question_make(&world, &options.mix, options.seed, entry, &question);
		char expected[BRIEF_FRAME_SIZE_MAX];
		const int size = snprintf(expected, sizeof(expected),
					  "*9\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n0\r\n$%zu\r\n%.*s\r\n", call.sha,
					  question.request.token_uid.size, BYTES_ARG(question.request.token_uid));
		ck_assert_mem_eq(requests.frames + begin, expected, (size_t)size);
		const char *end = requests.frames + requests.ends[entry];
		ck_assert_mem_eq(end - 17, "\r\n$10\r\n1700000000\r\n" + 2, 17);
		begin = requests.ends[entry];
	}
	ck_assert_uint_eq(requests.body_size_min, strlen("DENIED"));
	ck_assert_uint_ge(requests.body_size_max, strlen("ALLOWED tariff-0001"));
	brief_requests_destroy(&requests);
	world_finish(&world);
}
END_TEST

START_TEST(the_script_in_the_program_is_whole)
{
	ck_assert_ptr_nonnull(strstr(lua_script, "SPDX-License-Identifier"));
	ck_assert_str_eq(lua_script + strlen(lua_script) - 28, "return 'ALLOWED ' .. tariff\n");
	// At most five on any way through: of the six, the two about the place are alternatives.
	uint32_t calls = 0;
	for (const char *at = lua_script; (at = strstr(at, "redis.call(")); at++)
		calls++;
	ck_assert_uint_eq(calls, 6);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("brief");
	tcase_add_test(tcase, another_verdict_or_tariff_is_a_wrong_answer);
	tcase_add_test(tcase, requests_are_evalsha_with_the_words_of_the_question);
	tcase_add_test(tcase, the_script_in_the_program_is_whole);
	Suite *suite = suite_create("bench/brief");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
