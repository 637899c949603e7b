// SPDX-License-Identifier: Apache-2.0
#include "base/counter.h"
#include "tests/unit/unit.h"

START_TEST(a_value_on_a_bound_is_below_it)
{
	struct buckets buckets = {0};
	struct bucket_figures figures = {0};
	buckets_add(&buckets, &buckets_sizes, 1, 1);
	buckets_add(&buckets, &buckets_sizes, 2, 3);
	buckets_add(&buckets, &buckets_sizes, 3, 1);
	buckets_collect(&buckets, &figures);
	ck_assert_uint_eq(figures.counts[0], 1);
	ck_assert_uint_eq(figures.counts[1], 3);
	ck_assert_uint_eq(figures.counts[2], 1);
	ck_assert_uint_eq(figures.sum, 1 + 3 * 2 + 3);
}
END_TEST

START_TEST(what_is_above_all_bounds_has_a_bucket)
{
	struct buckets buckets = {0};
	struct bucket_figures figures = {0};
	buckets_add(&buckets, &buckets_sizes, 1025, 1);
	buckets_add(&buckets, &buckets_sizes, 1024, 1);
	buckets_collect(&buckets, &figures);
	ck_assert_uint_eq(figures.counts[buckets_sizes.count], 1);
	ck_assert_uint_eq(figures.counts[buckets_sizes.count - 1], 1);
}
END_TEST

START_TEST(what_several_counted_is_added_up)
{
	struct buckets both[2] = {0};
	struct bucket_figures figures = {0};
	buckets_add(&both[0], &buckets_sizes, 4, 1);
	buckets_add(&both[1], &buckets_sizes, 4, 2);
	buckets_collect(&both[0], &figures);
	buckets_collect(&both[1], &figures);
	ck_assert_uint_eq(figures.counts[2], 3);
	ck_assert_uint_eq(figures.sum, 12);
}
END_TEST

START_TEST(bounds_rise)
{
	const struct bucket_bounds *const all[] = {&buckets_request_ns, &buckets_commit_ns, &buckets_sizes};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		ck_assert_uint_lt(all[i]->count, BUCKETS_MAX);
		for (size_t j = 1; j < all[i]->count; j++)
			ck_assert_uint_lt(all[i]->bounds[j - 1], all[i]->bounds[j]);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("counter");
	tcase_add_test(tcase, a_value_on_a_bound_is_below_it);
	tcase_add_test(tcase, what_is_above_all_bounds_has_a_bucket);
	tcase_add_test(tcase, what_several_counted_is_added_up);
	tcase_add_test(tcase, bounds_rise);
	Suite *suite = suite_create("base/counter");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
