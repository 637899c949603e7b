// SPDX-License-Identifier: Apache-2.0
#include "bench/histogram.h"
#include "bench/world.h"
#include "tests/unit/unit.h"

enum { VALUES = 20000 };

static struct histogram *new_histogram(void)
{
	struct histogram *histogram = malloc(sizeof(*histogram));
	ck_assert_ptr_nonnull(histogram);
	histogram_init(histogram);
	return histogram;
}

START_TEST(an_empty_one_has_no_quantiles)
{
	struct histogram *histogram = new_histogram();
	ck_assert_uint_eq(histogram_quantile(histogram, 0.5), 0);
	ck_assert_uint_eq(histogram_quantile(histogram, 1), 0);
	free(histogram);
}
END_TEST

START_TEST(small_values_are_exact)
{
	struct histogram *histogram = new_histogram();
	for (uint64_t value = 1; value <= 100; value++)
		histogram_add(histogram, value);
	ck_assert_uint_eq(histogram_quantile(histogram, 0.5), 50);
	ck_assert_uint_eq(histogram_quantile(histogram, 0.9), 90);
	ck_assert_uint_eq(histogram_quantile(histogram, 0.99), 99);
	ck_assert_uint_eq(histogram_quantile(histogram, 1), 100);
	ck_assert_uint_eq(histogram_quantile(histogram, 0), 1);
	ck_assert_uint_eq(histogram->sum, 5050);
	free(histogram);
}
END_TEST

START_TEST(one_value_is_every_quantile)
{
	struct histogram *histogram = new_histogram();
	histogram_add(histogram, 1234567);
	ck_assert_uint_eq(histogram_quantile(histogram, 0.001), 1234567);
	ck_assert_uint_eq(histogram_quantile(histogram, 0.999), 1234567);
	free(histogram);
}
END_TEST

START_TEST(the_largest_value_is_exact_and_fits)
{
	struct histogram *histogram = new_histogram();
	histogram_add(histogram, 1);
	histogram_add(histogram, UINT64_MAX);
	ck_assert_uint_eq(histogram->max, UINT64_MAX);
	ck_assert_uint_eq(histogram_quantile(histogram, 1), UINT64_MAX);
	ck_assert_uint_eq(histogram_quantile(histogram, 0.5), 1);
	free(histogram);
}
END_TEST

static int compare_values(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

// Values over `octaves` powers of two.
static void check_against_sorted(uint32_t octaves)
{
	static const double shares[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999};
	struct histogram *histogram = new_histogram();
	uint64_t *values = calloc(VALUES, sizeof(*values));
	for (uint32_t i = 0; i < VALUES; i++) {
		const uint64_t draw = world_hash(octaves, 1, i);
		values[i] = (draw >> 8) % (1ull << (1 + draw % octaves));
		histogram_add(histogram, values[i]);
	}
	qsort(values, VALUES, sizeof(*values), compare_values);
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		const uint64_t exact = values[(uint32_t)(shares[i] * VALUES + 0.5) - 1];
		const uint64_t answer = histogram_quantile(histogram, shares[i]);
		ck_assert_uint_ge(answer, exact);
		ck_assert_uint_le(answer, exact + exact / HISTOGRAM_SLICES);
	}
	free(values);
	free(histogram);
}

START_TEST(quantiles_are_at_most_one_slice_above_those_of_the_sorted_values)
{
	check_against_sorted(10);
	check_against_sorted(30);
	check_against_sorted(50);
}
END_TEST

START_TEST(values_around_every_power_of_two_land_in_order)
{
	for (int bit = 1; bit < 63; bit++) {
		struct histogram *histogram = new_histogram();
		const uint64_t power = 1ull << bit;
		histogram_add(histogram, power - 1);
		histogram_add(histogram, power);
		histogram_add(histogram, power + power / 2);
		ck_assert_uint_eq(histogram_quantile(histogram, 0.3), power - 1);
		ck_assert_uint_ge(histogram_quantile(histogram, 0.6), power);
		ck_assert_uint_lt(histogram_quantile(histogram, 0.6), power + power / HISTOGRAM_SLICES + 1);
		ck_assert_uint_eq(histogram_quantile(histogram, 1), power + power / 2);
		free(histogram);
	}
}
END_TEST

START_TEST(merged_is_as_if_all_had_been_added_to_one)
{
	static struct histogram one, two, all;
	histogram_init(&one);
	histogram_init(&two);
	histogram_init(&all);
	for (uint64_t i = 0; i < 10000; i++) {
		const uint64_t value = i * i * 7;
		histogram_add(i % 3 == 0 ? &one : &two, value);
		histogram_add(&all, value);
	}
	histogram_merge(&one, &two);
	ck_assert_mem_eq(&one, &all, sizeof(all));
	histogram_init(&two); // nothing more
	histogram_merge(&one, &two);
	ck_assert_mem_eq(&one, &all, sizeof(all));
	histogram_merge(&two, &all); // into an empty one
	ck_assert_mem_eq(&two, &all, sizeof(all));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("histogram");
	tcase_add_test(tcase, an_empty_one_has_no_quantiles);
	tcase_add_test(tcase, small_values_are_exact);
	tcase_add_test(tcase, one_value_is_every_quantile);
	tcase_add_test(tcase, the_largest_value_is_exact_and_fits);
	tcase_add_test(tcase, quantiles_are_at_most_one_slice_above_those_of_the_sorted_values);
	tcase_add_test(tcase, values_around_every_power_of_two_land_in_order);
	tcase_add_test(tcase, merged_is_as_if_all_had_been_added_to_one);
	Suite *suite = suite_create("bench/histogram");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
