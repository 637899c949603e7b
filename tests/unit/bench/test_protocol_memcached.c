// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_memcached.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

static ssize_t parse(const char *text, struct load_answer *ret_answer)
{
	return protocol_memcached.parse(text, strlen(text), ret_answer);
}

START_TEST(a_value_a_miss_and_words_are_answers)
{
	struct load_answer answer;
	ck_assert_int_eq(parse("VA 5\r\nhello\r\nVA 3", &answer), 13);
	ck_assert_int_eq(answer.status, 0);
	ck_assert(bytes_equal(answer.body, BYTES_LITERAL("hello")));
	ck_assert_int_eq(parse("VA 2 s2 c1\r\n\r\n\r\n", &answer), 16);
	ck_assert_uint_eq(answer.body.size, 2);
	ck_assert_int_eq(parse("EN\r\n", &answer), 4);
	ck_assert_uint_eq(answer.body.size, 0);
	ck_assert_int_eq(parse("HD\r\n", &answer), 4);
	ck_assert_int_eq(answer.status, 0);
}
END_TEST

START_TEST(a_value_cut_short_anywhere_needs_more)
{
	static const char whole[] = "VA 12\r\nhello world!\r\n";
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		struct load_answer answer;
		char *part = malloc(size + 1); // so that the address sanitizer sees one byte too far
		memcpy(part, whole, size);
		ck_assert_int_eq(protocol_memcached.parse(part, size, &answer), 0);
		free(part);
	}
}
END_TEST

START_TEST(refusals_are_errors_and_anything_else_is_not_of_the_protocol)
{
	static const char *const refusals[] = {"ERROR\r\n", "CLIENT_ERROR bad\r\n", "SERVER_ERROR out of memory\r\n",
					       "NS\r\n"};
	static const char *const bad[] = {"\r\n",      "VA \r\n",          "VA x\r\n",  "VA 999999999\r\n",
					  "VA 5x\r\n", "VA 3\r\nabcd\r\n", "HELLO\r\n", "EN\n\n\n"};
	struct load_answer answer;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		ck_assert_int_eq(parse(refusals[i], &answer), (ssize_t)strlen(refusals[i]));
		ck_assert_int_eq(answer.status, MEMCACHED_STATUS_ERROR);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(parse(bad[i], &answer) == -EBADMSG, "%s", bad[i]);
	char endless[1024];
	memset(endless, 'V', sizeof(endless));
	ck_assert_int_eq(protocol_memcached.parse(endless, sizeof(endless), &answer), -EBADMSG);
}
END_TEST

START_TEST(requests_ask_for_the_keys_of_the_plain_gets)
{
	const struct resp_load_options options = {.keys = 1000, .value_size = 4, .seed = 1, .count = 20};
	struct load_requests requests;
	ck_assert_int_eq(memcached_requests_create(&options, &requests), 0);
	for (uint32_t i = 0; i < options.count; i++) {
		char key[RESP_KEY_SIZE];
		const char *frame = requests.frames + (i == 0 ? 0 : requests.ends[i - 1]);
		resp_key_asked(&options, i, key);
		ck_assert_mem_eq(frame, "mg ", 3);
		ck_assert_mem_eq(frame + 3, key, sizeof(key));
		ck_assert_mem_eq(frame + 3 + sizeof(key), " v\r\n", 4);
	}
	struct load_answer answer = {.body = BYTES_LITERAL("abcd")};
	ck_assert(protocol_memcached.is_right(&requests, 0, &answer));
	answer.body.size = 3;
	ck_assert(!protocol_memcached.is_right(&requests, 0, &answer));
	resp_requests_destroy(&requests);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("memcached");
	tcase_add_test(tcase, a_value_a_miss_and_words_are_answers);
	tcase_add_test(tcase, a_value_cut_short_anywhere_needs_more);
	tcase_add_test(tcase, refusals_are_errors_and_anything_else_is_not_of_the_protocol);
	tcase_add_test(tcase, requests_ask_for_the_keys_of_the_plain_gets);
	Suite *suite = suite_create("bench/protocol_memcached");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
