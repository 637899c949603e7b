// SPDX-License-Identifier: Apache-2.0
#include "bench/compare.h"
#include "bench/spread.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

START_TEST(the_median_is_the_middle_or_between_the_two_in_the_middle)
{
	double odd[] = {5, 1, 3}, even[] = {4, 1, 2, 10};
	struct spread spread = spread_of(odd, 3);
	ck_assert_double_eq(spread.min, 1);
	ck_assert_double_eq(spread.median, 3);
	ck_assert_double_eq(spread.max, 5);
	spread = spread_of(even, 4);
	ck_assert_double_eq(spread.median, 3);
	ck_assert_double_eq(spread.max, 10);
	ck_assert_double_eq(spread_of(odd, 0).median, 0);
}
END_TEST

static struct compare_run run_with(double per_second, double server_cpu_us, double p99_us)
{
	return (struct compare_run){.figures = {[COMPARE_PER_SECOND] = per_second,
						[COMPARE_SERVER_CPU_US] = server_cpu_us,
						[COMPARE_P99_US] = p99_us}};
}

START_TEST(ratios_are_of_the_same_round_and_above_one_where_evauthd_is_better)
{
	const struct compare_options options = {.rounds = 2, .depth_count = 1};
	struct compare *compare = calloc(1, sizeof(*compare));
	compare->options = &options;
	compare->runs[0][0][0] = run_with(200, 1, 10);
	compare->runs[0][0][1] = run_with(300, 2, 10);
	compare->runs[1][0][0] = run_with(100, 4, 5);
	compare->runs[1][0][1] = run_with(100, 4, 30);
	const struct spread throughput = compare_ratio(compare, 1, 0, COMPARE_PER_SECOND);
	ck_assert_double_eq(throughput.min, 2);
	ck_assert_double_eq(throughput.median, 2.5);
	ck_assert_double_eq(throughput.max, 3);
	const struct spread cpu = compare_ratio(compare, 1, 0, COMPARE_SERVER_CPU_US);
	ck_assert_double_eq(cpu.min, 2);
	ck_assert_double_eq(cpu.max, 4);
	ck_assert_double_eq(compare_ratio(compare, 1, 0, COMPARE_P99_US).min, 0.5);
	// A round without a figure has no ratio.
	compare->runs[1][0][1] = (struct compare_run){0};
	ck_assert_double_eq(compare_ratio(compare, 1, 0, COMPARE_PER_SECOND).max, 2);
	free(compare);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("spread");
	tcase_add_test(tcase, the_median_is_the_middle_or_between_the_two_in_the_middle);
	tcase_add_test(tcase, ratios_are_of_the_same_round_and_above_one_where_evauthd_is_better);
	Suite *suite = suite_create("bench/spread");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
