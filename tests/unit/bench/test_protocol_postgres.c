// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_postgres.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

// BindComplete, DataRow "DENIED", CommandComplete "SELECT 1", ReadyForQuery.
static const char whole[] = "2\0\0\0\x04"
			    "D\0\0\0\x10\0\x01\0\0\0\x06"
			    "DENIED"
			    "C\0\0\0\x0dSELECT 1\0"
			    "Z\0\0\0\x05I";
enum { WHOLE_SIZE = sizeof(whole) - 1 };

START_TEST(an_answer_is_everything_up_to_ready_for_query)
{
	struct load_answer answer;
	ck_assert_int_eq(protocol_postgres.parse(whole, WHOLE_SIZE, &answer), WHOLE_SIZE);
	ck_assert_int_eq(answer.status, 0);
	ck_assert(bytes_equal(answer.body, BYTES_LITERAL("DENIED")));
}
END_TEST

START_TEST(an_answer_cut_short_anywhere_needs_more)
{
	for (size_t size = 0; size < WHOLE_SIZE; size++) {
		struct load_answer answer;
		char *part = malloc(size + 1); // so that the address sanitizer sees one byte too far
		memcpy(part, whole, size);
		ck_assert_int_eq(protocol_postgres.parse(part, size, &answer), 0);
		free(part);
	}
}
END_TEST

START_TEST(an_error_response_is_an_error)
{
	static const char refused[] = "E\0\0\0\x0aSFATAL\0"
				      "Z\0\0\0\x05I";
	struct load_answer answer;
	// Its length covers four bytes and "SFATAL".
	char data[sizeof(refused)];
	memcpy(data, refused, sizeof(refused));
	data[4] = 0x0b; // and the NUL
	ck_assert_int_eq(protocol_postgres.parse(data, sizeof(data) - 1, &answer), (ssize_t)sizeof(data) - 1);
	ck_assert_int_eq(answer.status, POSTGRES_STATUS_ERROR);
}
END_TEST

START_TEST(what_is_not_of_the_protocol_is_refused)
{
	struct load_answer answer;
	char data[WHOLE_SIZE];
	memcpy(data, whole, WHOLE_SIZE);
	data[0] = 'x';
	ck_assert_int_eq(protocol_postgres.parse(data, WHOLE_SIZE, &answer), -EBADMSG);
	memcpy(data, whole, WHOLE_SIZE);
	data[4] = 3; // shorter than its own length
	ck_assert_int_eq(protocol_postgres.parse(data, WHOLE_SIZE, &answer), -EBADMSG);
	memcpy(data, whole, WHOLE_SIZE);
	data[1] = 0x7f; // longer than any
	ck_assert_int_eq(protocol_postgres.parse(data, WHOLE_SIZE, &answer), -EBADMSG);
	memcpy(data, whole, WHOLE_SIZE);
	data[11] = 2; // two columns
	ck_assert_int_eq(protocol_postgres.parse(data, WHOLE_SIZE, &answer), -EBADMSG);
	memcpy(data, whole, WHOLE_SIZE);
	data[15] = 7; // a column that leaves its row
	ck_assert_int_eq(protocol_postgres.parse(data, WHOLE_SIZE, &answer), -EBADMSG);
}
END_TEST

START_TEST(a_request_is_bind_execute_and_sync)
{
	const struct question question = {.request = {.token_uid = BYTES_LITERAL("04AB"),
						      .token_type = TOKEN_TYPE_RFID,
						      .charge_point_id = BYTES_LITERAL("CP")}};
	static const char expected[] = "B\0\0\0\x39\0decide\0\0\0\0\x06"
				       "\0\0\0\x04"
				       "04AB\0\0\0\x01"
				       "1\0\0\0\0\0\0\0\x02"
				       "CP\0\0\0\0\0\0\0\x02"
				       "77\0\0"
				       "E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";
	const int64_t now = 77;
	char frame[256];
	const size_t size = postgres_encode(&question, &now, frame);
	ck_assert_uint_eq(size, sizeof(expected) - 1);
	char with_length[sizeof(expected)];
	memcpy(with_length, expected, sizeof(expected));
	with_length[4] = (char)(size - 1 - 10 - 5); // without its tag, Execute and Sync
	ck_assert_mem_eq(frame, with_length, size);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("postgres");
	tcase_add_test(tcase, an_answer_is_everything_up_to_ready_for_query);
	tcase_add_test(tcase, an_answer_cut_short_anywhere_needs_more);
	tcase_add_test(tcase, an_error_response_is_an_error);
	tcase_add_test(tcase, what_is_not_of_the_protocol_is_refused);
	tcase_add_test(tcase, a_request_is_bind_execute_and_sync);
	Suite *suite = suite_create("bench/protocol_postgres");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
