// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "tests/unit/unit.h"

START_TEST(an_empty_run_equals_one_without_data)
{
	ck_assert(bytes_equal((struct bytes){0}, BYTES_LITERAL("")));
	ck_assert(bytes_is_empty(bytes_from(NULL)));
}
END_TEST

START_TEST(a_prefix_sorts_first)
{
	ck_assert_int_lt(bytes_compare(BYTES_LITERAL("ab"), BYTES_LITERAL("abc")), 0);
	ck_assert_int_gt(bytes_compare(BYTES_LITERAL("b"), BYTES_LITERAL("abc")), 0);
	ck_assert_int_eq(bytes_compare(BYTES_LITERAL("b"), BYTES_LITERAL("b")), 0);
	ck_assert_int_lt(bytes_compare((struct bytes){0}, BYTES_LITERAL("b")), 0);
}
END_TEST

START_TEST(bytes_above_127_sort_after_ascii)
{
	ck_assert_int_gt(bytes_compare(BYTES_LITERAL("\xc3"), BYTES_LITERAL("z")), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("bytes");
	tcase_add_test(tcase, an_empty_run_equals_one_without_data);
	tcase_add_test(tcase, a_prefix_sorts_first);
	tcase_add_test(tcase, bytes_above_127_sort_after_ascii);
	Suite *suite = suite_create("base/bytes");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
