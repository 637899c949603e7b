// SPDX-License-Identifier: Apache-2.0
#include "base/drain.h"

#include "tests/unit/unit.h"

START_TEST(a_queue_that_nothing_has_left_says_so_much)
{
	const struct drain drain = {0};
	ck_assert_uint_eq(drain_wait_ms(&drain, 1000), DRAIN_WAIT_UNKNOWN_MS);
}
END_TEST

START_TEST(half_of_the_queue_is_waited_for)
{
	struct drain drain = {0};
	drain_note(&drain, 4000000, 2); // 2 ms each
	ck_assert_uint_eq(drain_wait_ms(&drain, 100), 100);
	ck_assert_uint_eq(drain_wait_ms(&drain, 0), DRAIN_WAIT_MIN_MS);
	ck_assert_uint_eq(drain_wait_ms(&drain, 60000), 60000);
	ck_assert_uint_eq(drain_wait_ms(&drain, 60001), DRAIN_WAIT_MAX_MS);
}
END_TEST

START_TEST(it_follows_a_queue_that_becomes_faster)
{
	struct drain drain = {0};
	drain_note(&drain, 8000000, 1);
	for (int i = 0; i < 100; i++)
		drain_note(&drain, 1000000, 1);
	ck_assert_uint_ge(drain.item_ns, 1000000);
	ck_assert_uint_le(drain.item_ns, 1000100);
	drain_note(&drain, 5, 0); // nothing left it: nothing is known
	ck_assert_uint_ge(drain.item_ns, 1000000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/drain");
	TCase *tests = tcase_create("drain");
	tcase_add_test(tests, a_queue_that_nothing_has_left_says_so_much);
	tcase_add_test(tests, half_of_the_queue_is_waited_for);
	tcase_add_test(tests, it_follows_a_queue_that_becomes_faster);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
