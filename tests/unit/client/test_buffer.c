// SPDX-License-Identifier: Apache-2.0
#include "client/buffer.h"
#include "tests/unit/unit.h"

static struct buffer buffer;

static void setup(void)
{
	buffer = (struct buffer){0};
}

static void teardown(void)
{
	buffer_finish(&buffer);
}

START_TEST(bytes_leave_in_the_order_they_came)
{
	ck_assert_int_eq(buffer_append(&buffer, BYTES_LITERAL("one")), 0);
	ck_assert_int_eq(buffer_append(&buffer, BYTES_LITERAL("two")), 0);
	ck_assert(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("onetwo")));
	buffer_consume(&buffer, 2);
	ck_assert(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("etwo")));
}
END_TEST

START_TEST(nothing_may_be_appended)
{
	ck_assert_int_eq(buffer_append(&buffer, (struct bytes){0}), 0);
	ck_assert_uint_eq(buffer_size(&buffer), 0);
}
END_TEST

START_TEST(an_emptied_buffer_starts_again_at_its_front)
{
	ck_assert_int_eq(buffer_append(&buffer, BYTES_LITERAL("abc")), 0);
	buffer_consume(&buffer, 3);
	ck_assert_uint_eq(buffer.begin, 0);
	ck_assert_uint_eq(buffer.end, 0);
}
END_TEST

// A queue that is always nearly empty must not grow for ever.
START_TEST(a_buffer_that_is_read_as_fast_as_it_is_written_stays_small)
{
	char chunk[1000] = {0};
	ck_assert_int_eq(buffer_append(&buffer, BYTES_LITERAL("x")), 0);
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(buffer_append(&buffer, (struct bytes){.data = chunk, .size = sizeof(chunk)}), 0);
		buffer_consume(&buffer, sizeof(chunk));
	}
	ck_assert_uint_le(buffer.capacity, 8192);
}
END_TEST

START_TEST(contents_survive_growing_and_moving)
{
	unsigned char next_in = 0, next_out = 0;
	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 50 + round; i++) {
			const char byte = (char)next_in++;
			ck_assert_int_eq(buffer_append(&buffer, (struct bytes){.data = &byte, .size = 1}), 0);
		}
		for (int i = 0; i < 40 + round; i++) {
			ck_assert_uint_eq((unsigned char)buffer_bytes(&buffer).data[0], next_out++);
			buffer_consume(&buffer, 1);
		}
	}
	ck_assert_uint_eq(buffer_size(&buffer), 3000);
}
END_TEST

START_TEST(a_size_nobody_has_is_refused)
{
	ck_assert_int_lt(buffer_reserve(&buffer, (size_t)-1 / 2), 0);
	ck_assert_int_eq(buffer_append(&buffer, BYTES_LITERAL("still usable")), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("buffer");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, bytes_leave_in_the_order_they_came);
	tcase_add_test(tcase, nothing_may_be_appended);
	tcase_add_test(tcase, an_emptied_buffer_starts_again_at_its_front);
	tcase_add_test(tcase, a_buffer_that_is_read_as_fast_as_it_is_written_stays_small);
	tcase_add_test(tcase, contents_survive_growing_and_moving);
	tcase_add_test(tcase, a_size_nobody_has_is_refused);
	Suite *suite = suite_create("client/buffer");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
