// SPDX-License-Identifier: Apache-2.0
#include "bench/frames.h"
#include "proto/frame.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static char large[LOAD_FRAME_SIZE_MAX];
static struct load_requests requests;

static void teardown(void)
{
	frames_destroy(&requests);
}

START_TEST(bodies_come_back_as_they_were_appended)
{
	struct frames frames;
	memset(large, 'x', sizeof(large));
	ck_assert_int_eq(frames_init(&frames, &requests, 300), 0);
	for (uint32_t i = 0; i < 300; i++) {
		const struct bytes body = {.data = large, .size = i * 100};
		ck_assert_int_eq(frames_append(&frames, METHOD_APPLY, body), 0);
	}
	ck_assert_uint_eq(requests.count, 300);
	for (uint32_t i = 0; i < 300; i++) {
		struct frame frame;
		const struct bytes body = frames_body(&requests, i);
		const struct bytes whole = {.data = body.data - FRAME_HEADER_SIZE, .size = FRAME_HEADER_SIZE + i * 100};
		ck_assert_uint_eq(body.size, i * 100);
		ck_assert_int_eq(frame_parse(whole, LOAD_FRAME_SIZE_MAX, &frame), FRAME_READY);
		ck_assert_int_eq(frame.method, METHOD_APPLY);
		ck_assert_int_eq(frame.kind, FRAME_REQUEST);
	}
}
END_TEST

START_TEST(a_timeout_stands_in_every_request)
{
	struct frames frames;
	requests.timeout_ms = 300;
	ck_assert_int_eq(frames_init(&frames, &requests, 2), 0);
	ck_assert_int_eq(frames_append(&frames, METHOD_AUTHORIZE, BYTES_LITERAL("\x0a\x01x")), 0);
	ck_assert_int_eq(frames_append(&frames, METHOD_AUTHORIZE, (struct bytes){0}), 0);
	ck_assert(bytes_equal(frames_body(&requests, 0), BYTES_LITERAL("\x0a\x01x\xa0\x06\xac\x02")));
	ck_assert(bytes_equal(frames_body(&requests, 1), BYTES_LITERAL("\xa0\x06\xac\x02")));
}
END_TEST

START_TEST(a_frame_may_be_of_the_largest_size_and_no_larger)
{
	struct frames frames;
	ck_assert_int_eq(frames_init(&frames, &requests, 2), 0);
	struct bytes body = {.data = large, .size = LOAD_FRAME_SIZE_MAX - FRAME_HEADER_SIZE + 1};
	ck_assert_int_eq(frames_append(&frames, METHOD_AUTHORIZE, body), -EMSGSIZE);
	body.size--;
	ck_assert_int_eq(frames_append(&frames, METHOD_AUTHORIZE, body), 0);
	ck_assert_uint_eq(frames_body(&requests, 0).size, body.size);
}
END_TEST

START_TEST(answers_are_cut_out_with_id_status_and_body)
{
	char data[FRAME_HEADER_SIZE + 3];
	struct load_answer answer;
	const struct frame frame = {
		.kind = FRAME_RESPONSE, .status = 5, .method = METHOD_AUTHORIZE, .body = BYTES_LITERAL("abc")};
	frame_write_header(data, &frame);
	memcpy(data + FRAME_HEADER_SIZE, "abc", 3);
	frames_stamp(data, 0x01020304);
	for (size_t size = 0; size < sizeof(data); size++)
		ck_assert_int_eq(frames_parse_answer(data, size, &answer), 0);
	ck_assert_int_eq(frames_parse_answer(data, sizeof(data), &answer), sizeof(data));
	ck_assert_uint_eq(answer.id, 0x01020304);
	ck_assert_uint_eq(answer.status, 5);
	ck_assert(bytes_equal(answer.body, BYTES_LITERAL("abc")));
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	char data[FRAME_HEADER_SIZE];
	struct load_answer answer;
	frame_write_header(data, &(struct frame){.kind = FRAME_REQUEST, .method = METHOD_AUTHORIZE});
	ck_assert_int_eq(frames_parse_answer(data, sizeof(data), &answer), -EBADMSG);
	memset(data, 0xff, sizeof(data));
	ck_assert_int_eq(frames_parse_answer(data, sizeof(data), &answer), -EBADMSG);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("frames");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, bodies_come_back_as_they_were_appended);
	tcase_add_test(tcase, a_timeout_stands_in_every_request);
	tcase_add_test(tcase, a_frame_may_be_of_the_largest_size_and_no_larger);
	tcase_add_test(tcase, answers_are_cut_out_with_id_status_and_body);
	tcase_add_test(tcase, what_is_no_answer_is_refused);
	Suite *suite = suite_create("bench/frames");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
