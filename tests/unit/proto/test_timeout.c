// SPDX-License-Identifier: Apache-2.0
#include "proto/timeout.h"

#include "proto/codec.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static struct arena arena;

static void set_up(void)
{
	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
}

static void tear_down(void)
{
	arena_finish(&arena);
}

START_TEST(a_timeout_is_found_wherever_it_stands)
{
	static const struct {
		struct bytes body;
		uint32_t timeout_ms;
	} cases[] = {
		{{NULL, 0}, 0},
		{BYTES_LITERAL("\x0a\x01x"), 0},
		{BYTES_LITERAL("\xa0\x06\x05"), 5},
		{BYTES_LITERAL("\xa0\x06\x05\x0a\x01x"), 5},
		{BYTES_LITERAL("\x0a\x01x\xa0\x06\x85\x01"), 133},
		{BYTES_LITERAL("\xa0\x06\x05\xa0\x06\x06"), 6}, // the last one counts
		{BYTES_LITERAL("\x0a\x03\xa0\x06\x05"), 0},     // within another field
		{BYTES_LITERAL("\xa2\x06\x01x"), 0},            // another wire type
		{BYTES_LITERAL("\xa0\x06\xff\xff\xff\xff\x0f"), UINT32_MAX},
		{BYTES_LITERAL("\xa0\x06\x05\x0a\x05x"), 5}, // cut off behind it
		{BYTES_LITERAL("\xa0\x06"), 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(timeout_find(cases[i].body) == cases[i].timeout_ms, "case %zu", i);
}
END_TEST

START_TEST(what_is_written_behind_a_body_is_what_its_reader_finds)
{
	static const uint32_t values[] = {1, 127, 128, 16383, 16384, 2097151, 2097152, 268435456, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char body[3 + TIMEOUT_FIELD_SIZE_MAX] = "\x0a\x01x";
		const size_t size = 3 + timeout_write(body + 3, values[i]);
		struct authorize_request *request;
		struct fault fault = {0};
		const struct bytes bytes = {.data = body, .size = size};
		ck_assert_uint_le(size, sizeof(body));
		ck_assert_uint_eq(timeout_find(bytes), values[i]);
		ck_assert_int_eq(codec_decode(&schema_authorize_request, CODEC_STRICT, bytes, &arena, &request, &fault),
				 0);
		ck_assert_uint_eq(request->timeout_ms, values[i]);
		ck_assert(bytes_equal(request->token_uid, BYTES_LITERAL("x")));
	}
	char none[TIMEOUT_FIELD_SIZE_MAX];
	ck_assert_uint_eq(timeout_write(none, 0), 0);
}
END_TEST

START_TEST(a_random_change_set_without_it_is_the_same_change_set)
{
	struct random random = {.state = 7};
	for (int round = 0; round < 500; round++) {
		struct bytes with, without;
		arena_reset(&arena);
		struct change_set *set = random_message(&random, &schema_change_set, &arena);
		ck_assert_int_eq(codec_encode(&schema_change_set, set, &arena, &with), 0);
		ck_assert_uint_eq(timeout_find(with), set->timeout_ms);
		set->timeout_ms = 0;
		ck_assert_int_eq(codec_encode(&schema_change_set, set, &arena, &without), 0);
		char *room = malloc(with.size + 1);
		const struct bytes stripped = {.data = room, .size = timeout_strip(with, room)};
		ck_assert(bytes_equal(stripped, without));
		free(room);
	}
}
END_TEST

START_TEST(the_rest_of_a_malformed_body_stays_as_it_is)
{
	char room[16];
	const struct bytes body = BYTES_LITERAL("\xa0\x06\x05\x0a\x01x\x0a\x7f");
	const struct bytes stripped = {.data = room, .size = timeout_strip(body, room)};
	ck_assert(bytes_equal(stripped, BYTES_LITERAL("\x0a\x01x\x0a\x7f")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proto/timeout");
	TCase *tests = tcase_create("timeout");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_timeout_is_found_wherever_it_stands);
	tcase_add_test(tests, what_is_written_behind_a_body_is_what_its_reader_finds);
	tcase_add_test(tests, a_random_change_set_without_it_is_the_same_change_set);
	tcase_add_test(tests, the_rest_of_a_malformed_body_stays_as_it_is);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
