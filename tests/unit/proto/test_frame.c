// SPDX-License-Identifier: Apache-2.0
#include "proto/frame.h"
#include "tests/unit/unit.h"

#include <stdio.h>

enum { SIZE_MAX_HERE = FRAME_SIZE_MAX_MIN };

// A request of method 0x0102, id 0x03040506, body "abc".
static const char sample[] = "\x00\x00\x00\x0b\x11\x00\x01\x02\x03\x04\x05\x06"
			     "abc";
enum { SAMPLE_SIZE = sizeof(sample) - 1 };

static enum frame_result parse(const char *data, size_t size, struct frame *frame)
{
	return frame_parse((struct bytes){data, size}, SIZE_MAX_HERE, frame);
}

START_TEST(a_frame_is_read_as_the_design_lays_it_out)
{
	struct frame frame;
	ck_assert_int_eq(parse(sample, SAMPLE_SIZE, &frame), FRAME_READY);
	ck_assert_int_eq(frame.kind, FRAME_REQUEST);
	ck_assert_uint_eq(frame.status, 0);
	ck_assert_uint_eq(frame.method, 0x0102);
	ck_assert_uint_eq(frame.request_id, 0x03040506);
	ck_assert_uint_eq(frame.size, SAMPLE_SIZE);
	ck_assert(bytes_equal(frame.body, BYTES_LITERAL("abc")));
}
END_TEST

START_TEST(every_truncation_needs_more)
{
	for (size_t size = 0; size < SAMPLE_SIZE; size++) {
		struct frame frame = {.request_id = 77};
		char *exact = malloc(size + 1); // so that a read past the end is seen
		memcpy(exact, sample, size);
		ck_assert_int_eq(frame_parse((struct bytes){size ? exact : NULL, size}, SIZE_MAX_HERE, &frame),
				 FRAME_NEED_MORE);
		ck_assert_uint_eq(frame.request_id, 77);
		free(exact);
	}
}
END_TEST

START_TEST(what_follows_a_frame_is_left_alone)
{
	char two[2 * SAMPLE_SIZE];
	memcpy(two, sample, SAMPLE_SIZE);
	memset(two + SAMPLE_SIZE, 0xff, SAMPLE_SIZE);
	struct frame frame;
	ck_assert_int_eq(parse(two, sizeof(two), &frame), FRAME_READY);
	ck_assert_uint_eq(frame.size, SAMPLE_SIZE);
}
END_TEST

START_TEST(an_empty_body_is_a_frame)
{
	struct frame frame;
	ck_assert_int_eq(parse("\x00\x00\x00\x08\x12\x05\x00\x10\x00\x00\x00\x00", 12, &frame), FRAME_READY);
	ck_assert_int_eq(frame.kind, FRAME_RESPONSE);
	ck_assert_uint_eq(frame.status, 5);
	ck_assert_uint_eq(frame.request_id, 0);
	ck_assert_uint_eq(frame.body.size, 0);
}
END_TEST

static enum frame_result parse_length(uint32_t length, size_t size, struct frame *frame)
{
	char *buffer = calloc(1, SIZE_MAX_HERE + 16);
	memcpy(buffer, sample, FRAME_HEADER_SIZE);
	for (int i = 0; i < 4; i++)
		buffer[i] = (char)(length >> (24 - 8 * i));
	const enum frame_result result = parse(buffer, size, frame);
	free(buffer);
	return result;
}

START_TEST(lengths_are_checked_at_their_limits)
{
	struct frame frame;
	ck_assert_int_eq(parse_length(0, 12, &frame), FRAME_BAD_LENGTH);
	ck_assert_int_eq(parse_length(FRAME_LENGTH_MIN - 1, 12, &frame), FRAME_BAD_LENGTH);
	ck_assert_int_eq(parse_length(FRAME_LENGTH_MIN, 12, &frame), FRAME_READY);
	ck_assert_int_eq(parse_length(SIZE_MAX_HERE, SIZE_MAX_HERE + 3, &frame), FRAME_NEED_MORE);
	ck_assert_int_eq(parse_length(SIZE_MAX_HERE, SIZE_MAX_HERE + 4, &frame), FRAME_READY);
	ck_assert_uint_eq(frame.size, SIZE_MAX_HERE + 4);
	ck_assert_int_eq(parse_length(SIZE_MAX_HERE + 1, 12, &frame), FRAME_BAD_LENGTH);
	ck_assert_int_eq(parse_length(UINT32_MAX, 12, &frame), FRAME_BAD_LENGTH);
}
END_TEST

START_TEST(a_bad_length_is_known_from_four_bytes_and_names_the_request_when_it_can)
{
	struct frame frame = {.request_id = 77};
	ck_assert_int_eq(parse("\xff\xff\xff\xff", 4, &frame), FRAME_BAD_LENGTH);
	ck_assert_uint_eq(frame.request_id, 0);
	ck_assert_int_eq(parse_length(7, 11, &frame), FRAME_BAD_LENGTH);
	ck_assert_uint_eq(frame.request_id, 0);
	ck_assert_int_eq(parse_length(7, 12, &frame), FRAME_BAD_LENGTH);
	ck_assert_uint_eq(frame.request_id, 0x03040506);
}
END_TEST

static enum frame_result parse_version_and_kind(int byte, struct frame *frame)
{
	char buffer[SAMPLE_SIZE];
	memcpy(buffer, sample, SAMPLE_SIZE);
	buffer[4] = (char)byte;
	// The header is enough: a body that is still missing does not matter.
	return parse(buffer, byte == 0x11 ? SAMPLE_SIZE : FRAME_HEADER_SIZE, frame);
}

START_TEST(another_version_is_refused)
{
	for (int version = 0; version < 16; version++) {
		struct frame frame = {0};
		const enum frame_result expected = version == 1 ? FRAME_READY : FRAME_BAD_VERSION;
		ck_assert_int_eq(parse_version_and_kind(version << 4 | 1, &frame), expected);
		ck_assert_uint_eq(frame.request_id, 0x03040506);
		ck_assert_uint_eq(frame.method, 0x0102);
	}
}
END_TEST

START_TEST(unknown_and_reserved_kinds_are_refused)
{
	for (int kind = 0; kind < 16; kind++) {
		struct frame frame = {0};
		const bool is_known = kind >= FRAME_REQUEST && kind <= FRAME_STREAM_END;
		const enum frame_result result = parse_version_and_kind(0x10 | kind, &frame);
		if (is_known) {
			ck_assert(result == FRAME_READY || result == FRAME_NEED_MORE);
			continue;
		}
		ck_assert_int_eq(result, FRAME_BAD_KIND);
		ck_assert_uint_eq(frame.request_id, 0x03040506);
		ck_assert_uint_eq(frame.method, 0x0102);
	}
}
END_TEST

START_TEST(a_header_is_read_before_its_body_is_there)
{
	for (size_t size = FRAME_HEADER_SIZE; size <= SAMPLE_SIZE; size++) {
		struct frame frame;
		ck_assert_int_eq(frame_parse_header((struct bytes){sample, size}, SIZE_MAX_HERE, &frame), FRAME_READY);
		ck_assert_uint_eq(frame.size, SAMPLE_SIZE);
		ck_assert_uint_eq(frame.body.size, 3);
		ck_assert_uint_eq(frame.method, 0x0102);
	}
	struct frame frame;
	ck_assert_int_eq(frame_parse_header((struct bytes){sample, FRAME_HEADER_SIZE - 1}, SIZE_MAX_HERE, &frame),
			 FRAME_NEED_MORE);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	const struct frame written = {
		.kind = FRAME_STREAM_END,
		.status = 255,
		.method = 65535,
		.request_id = UINT32_MAX,
		.body = BYTES_LITERAL("body"),
	};
	char buffer[FRAME_HEADER_SIZE + 4];
	frame_write_header(buffer, &written);
	memcpy(buffer + FRAME_HEADER_SIZE, "body", 4);
	struct frame frame;
	ck_assert_int_eq(parse(buffer, sizeof(buffer), &frame), FRAME_READY);
	ck_assert_int_eq(frame.kind, FRAME_STREAM_END);
	ck_assert_uint_eq(frame.status, 255);
	ck_assert_uint_eq(frame.method, 65535);
	ck_assert_uint_eq(frame.request_id, UINT32_MAX);
	ck_assert(bytes_equal(frame.body, written.body));
}
END_TEST

START_TEST(a_header_is_written_byte_for_byte)
{
	const struct frame written = {
		.kind = FRAME_REQUEST, .method = 0x0102, .request_id = 0x03040506, .body = BYTES_LITERAL("abc")};
	char header[FRAME_HEADER_SIZE];
	frame_write_header(header, &written);
	ck_assert_mem_eq(header, sample, FRAME_HEADER_SIZE);
}
END_TEST

START_TEST(several_frames_are_given_an_id_and_nothing_else_changes)
{
	enum { COUNT = 3 };
	static const struct bytes bodies[COUNT] = {BYTES_LITERAL("one"), BYTES_LITERAL(""), BYTES_LITERAL("three")};
	char frames[COUNT * FRAME_HEADER_SIZE + 8], expected[sizeof(frames)];
	for (uint32_t id = 0; id < 2; id++) {
		char *at = id ? expected : frames;
		for (int i = 0; i < COUNT; i++) {
			const struct frame frame = {
				.kind = FRAME_STREAM_ITEM, .method = 19, .request_id = id * 77, .body = bodies[i]};
			frame_write_header(at, &frame);
			memcpy(at + FRAME_HEADER_SIZE, bodies[i].data, bodies[i].size);
			at += FRAME_HEADER_SIZE + bodies[i].size;
		}
	}
	frames_set_request_id(frames, sizeof(frames), 77);
	ck_assert_mem_eq(frames, expected, sizeof(frames));
	frames_set_request_id(frames, 0, 5);
	ck_assert_mem_eq(frames, expected, sizeof(frames));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("frame");
	tcase_add_test(tcase, a_frame_is_read_as_the_design_lays_it_out);
	tcase_add_test(tcase, every_truncation_needs_more);
	tcase_add_test(tcase, what_follows_a_frame_is_left_alone);
	tcase_add_test(tcase, an_empty_body_is_a_frame);
	tcase_add_test(tcase, lengths_are_checked_at_their_limits);
	tcase_add_test(tcase, a_bad_length_is_known_from_four_bytes_and_names_the_request_when_it_can);
	tcase_add_test(tcase, another_version_is_refused);
	tcase_add_test(tcase, unknown_and_reserved_kinds_are_refused);
	tcase_add_test(tcase, a_header_is_read_before_its_body_is_there);
	tcase_add_test(tcase, what_is_written_is_read_back);
	tcase_add_test(tcase, a_header_is_written_byte_for_byte);
	tcase_add_test(tcase, several_frames_are_given_an_id_and_nothing_else_changes);
	Suite *suite = suite_create("proto/frame");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
