// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_resp.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static ssize_t parse(const char *text, struct load_answer *ret_answer)
{
	return protocol_resp.parse(text, strlen(text), ret_answer);
}

START_TEST(a_value_is_its_length_its_bytes_and_a_line_end)
{
	struct load_answer answer;
	ck_assert_int_eq(parse("$5\r\nhello\r\n$3\r\n", &answer), 11);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_uint_eq(answer.body.size, 5);
	ck_assert_mem_eq(answer.body.data, "hello", 5);
	ck_assert_int_eq(parse("$0\r\n\r\n", &answer), 6);
	ck_assert_uint_eq(answer.body.size, 0);
}
END_TEST

START_TEST(a_value_cut_short_anywhere_needs_more)
{
	static const char whole[] = "$12\r\nhello world!\r\n";
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		struct load_answer answer;
		char *part = malloc(size + 1); // so that the address sanitizer sees one byte too far
		memcpy(part, whole, size);
		ck_assert_int_eq(protocol_resp.parse(part, size, &answer), 0);
		free(part);
	}
}
END_TEST

START_TEST(a_missing_key_is_an_empty_answer)
{
	struct load_answer answer;
	ck_assert_int_eq(parse("$-1\r\n", &answer), 5);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_uint_eq(answer.body.size, 0);
}
END_TEST

START_TEST(errors_and_simple_strings_are_lines)
{
	struct load_answer answer;
	ck_assert_int_eq(parse("-ERR no\r\n", &answer), 9);
	ck_assert_int_eq(answer.status, RESP_STATUS_ERROR);
	ck_assert_mem_eq(answer.body.data, "ERR no", answer.body.size);
	ck_assert_int_eq(parse("+OK\r\n", &answer), 5);
	ck_assert_int_eq(answer.status, 0);
	ck_assert_uint_eq(answer.body.size, 2);
}
END_TEST

START_TEST(anything_else_is_not_of_the_protocol)
{
	static const char *const bad[] = {"*1\r\n",
					  "\r\n",
					  "$x\r\n",
					  "$\r\n",
					  "$-\r\n",
					  "$-2\r\n",
					  "$5\n",
					  "$3\r\nabcd\r\n",
					  "HTTP\n",
					  "$9999999999\r\n",
					  "$99999999999999999999\r\n"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct load_answer answer;
		ck_assert_msg(parse(bad[i], &answer) == -EBADMSG, "%s", bad[i]);
	}
	char endless[1024];
	struct load_answer answer;
	memset(endless, '+', sizeof(endless));
	ck_assert_int_eq(protocol_resp.parse(endless, sizeof(endless), &answer), -EBADMSG);
}
END_TEST

START_TEST(keys_differ)
{
	enum { KEYS = 2000 };
	char keys[KEYS][RESP_KEY_SIZE];
	for (uint32_t i = 0; i < KEYS; i++) {
		resp_key(i, keys[i]);
		for (uint32_t j = 0; j < i; j++)
			ck_assert_mem_ne(keys[i], keys[j], RESP_KEY_SIZE);
	}
}
END_TEST

START_TEST(requests_are_gets_of_stored_keys_and_values_of_another_length_are_wrong)
{
	const struct resp_load_options options = {.keys = 3, .value_size = 4, .seed = 1, .count = 50};
	struct load_requests requests;
	ck_assert_int_eq(resp_requests_create(&options, &requests), 0);
	uint64_t begin = 0;
	for (uint32_t i = 0; i < requests.count; i++) {
		char key[RESP_KEY_SIZE];
		uint32_t found = 0;
		const char *frame = requests.frames + begin;
		ck_assert_mem_eq(frame, "*2\r\n$3\r\nGET\r\n$14\r\n", 18);
		for (uint32_t k = 0; k < options.keys; k++) {
			resp_key(k, key);
			found += memcmp(frame + 18, key, RESP_KEY_SIZE) == 0;
		}
		ck_assert_uint_eq(found, 1);
		ck_assert_mem_eq(frame + 18 + RESP_KEY_SIZE, "\r\n", 2);
		begin += 18 + RESP_KEY_SIZE + 2;
		ck_assert_uint_eq(requests.ends[i], begin);
	}
	struct load_answer answer = {.body = {.data = "abcd", .size = 4}};
	ck_assert(protocol_resp.is_right(&requests, 0, &answer));
	answer.body.size = 3;
	ck_assert(!protocol_resp.is_right(&requests, 0, &answer));
	resp_requests_destroy(&requests);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("resp");
	tcase_add_test(tcase, a_value_is_its_length_its_bytes_and_a_line_end);
	tcase_add_test(tcase, a_value_cut_short_anywhere_needs_more);
	tcase_add_test(tcase, a_missing_key_is_an_empty_answer);
	tcase_add_test(tcase, errors_and_simple_strings_are_lines);
	tcase_add_test(tcase, anything_else_is_not_of_the_protocol);
	tcase_add_test(tcase, keys_differ);
	tcase_add_test(tcase, requests_are_gets_of_stored_keys_and_values_of_another_length_are_wrong);
	Suite *suite = suite_create("bench/protocol_resp");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
