// SPDX-License-Identifier: Apache-2.0
#include "bench/echo.h"
#include "proto/frame.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

static char out[ECHO_OUT_SIZE];

// A request with a body of `body_size` bytes that asks for `answer_size`; its size.
static size_t put_request(char *at, uint32_t id, size_t body_size, uint32_t answer_size)
{
	const struct frame frame = {
		.kind = FRAME_REQUEST, .method = 1, .request_id = id, .body = {.data = at, .size = body_size}};
	memset(at, 0, FRAME_HEADER_SIZE + body_size);
	frame_write_header(at, &frame);
	echo_ask(at, answer_size);
	return FRAME_HEADER_SIZE + body_size;
}

START_TEST(each_request_is_answered_with_its_id_and_the_size_it_asks_for)
{
	char in[256];
	size_t used = 0, size = put_request(in, 7, 40, 100);
	size += put_request(in + size, 8, 0, FRAME_HEADER_SIZE);
	ck_assert_int_eq(echo_answer((struct bytes){in, size}, out, &used), 100 + FRAME_HEADER_SIZE);
	ck_assert_uint_eq(used, size);
	struct frame frame;
	ck_assert_int_eq(frame_parse((struct bytes){out, 112}, FRAME_SIZE_MAX_DEFAULT, &frame), FRAME_READY);
	ck_assert_uint_eq(frame.kind, FRAME_RESPONSE);
	ck_assert_uint_eq(frame.request_id, 7);
	ck_assert_uint_eq(frame.size, 100);
	ck_assert_int_eq(frame_parse((struct bytes){out + 100, 12}, FRAME_SIZE_MAX_DEFAULT, &frame), FRAME_READY);
	ck_assert_uint_eq(frame.request_id, 8);
	ck_assert_uint_eq(frame.size, FRAME_HEADER_SIZE);
}
END_TEST

START_TEST(a_request_cut_short_anywhere_waits)
{
	char in[64];
	const size_t whole = put_request(in, 1, 20, 50);
	for (size_t size = 0; size < whole; size++) {
		size_t used = 1;
		char *part = malloc(size + 1); // so that the address sanitizer sees one byte too far
		memcpy(part, in, size);
		ck_assert_int_eq(echo_answer((struct bytes){part, size}, out, &used), 0);
		ck_assert_uint_eq(used, 0);
		free(part);
	}
}
END_TEST

START_TEST(answers_stop_where_the_buffer_might_not_hold_the_next)
{
	enum { REQUESTS = 40 };
	char in[REQUESTS * FRAME_HEADER_SIZE];
	size_t used = 0, size = 0;
	for (uint32_t i = 0; i < REQUESTS; i++)
		size += put_request(in + size, i, 0, ECHO_ANSWER_SIZE_MAX);
	const int64_t written = echo_answer((struct bytes){in, size}, out, &used);
	ck_assert_int_gt(written, 0);
	ck_assert_int_le(written, ECHO_OUT_SIZE);
	ck_assert_uint_lt(used, size);
	ck_assert_uint_eq((size_t)written / ECHO_ANSWER_SIZE_MAX, used / FRAME_HEADER_SIZE);
}
END_TEST

START_TEST(what_is_no_frame_is_refused)
{
	char in[FRAME_HEADER_SIZE];
	size_t used;
	put_request(in, 1, 0, 100);
	in[3] = 0; // shorter than its header
	ck_assert_int_eq(echo_answer((struct bytes){in, sizeof(in)}, out, &used), -EBADMSG);
	put_request(in, 1, 0, 100);
	in[6] = in[7] = 0; // an answer of no bytes
	ck_assert_int_eq(echo_answer((struct bytes){in, sizeof(in)}, out, &used), -EBADMSG);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("echo");
	tcase_add_test(tcase, each_request_is_answered_with_its_id_and_the_size_it_asks_for);
	tcase_add_test(tcase, a_request_cut_short_anywhere_waits);
	tcase_add_test(tcase, answers_stop_where_the_buffer_might_not_hold_the_next);
	tcase_add_test(tcase, what_is_no_frame_is_refused);
	Suite *suite = suite_create("bench/echo");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
