// SPDX-License-Identifier: Apache-2.0
#include "bench/load_schedule.h"
#include "tests/unit/unit.h"

#include <math.h>

enum { ARRIVALS = 100000 };

static const uint64_t start_ns = 5000000000, second_ns = 1000000000;

static struct load_schedule schedule_of(enum load_arrivals arrivals, double rate, uint64_t seed)
{
	struct load_schedule schedule;
	load_schedule_init(
		&schedule,
		&(struct load_schedule_options){
			.arrivals = arrivals, .rate = rate, .seed = seed, .threads = 1, .start_ns = start_ns});
	return schedule;
}

START_TEST(constant_arrivals_are_evenly_spaced_from_the_start_on)
{
	struct load_schedule schedule = schedule_of(LOAD_ARRIVALS_CONSTANT, 1000, 1);
	for (uint64_t i = 0; i < 5000; i++) {
		ck_assert_uint_eq(schedule.due_ns, start_ns + i * second_ns / 1000);
		load_schedule_advance(&schedule);
	}
}
END_TEST

START_TEST(rounding_errors_do_not_add_up)
{
	// 1/3 of a nanosecond is lost by each arrival that is rounded; after a million of them none may be.
	struct load_schedule schedule = schedule_of(LOAD_ARRIVALS_CONSTANT, 300000, 1);
	for (uint32_t i = 0; i < 3000000; i++)
		load_schedule_advance(&schedule);
	ck_assert_uint_eq(schedule.due_ns, start_ns + 10 * second_ns);
}
END_TEST

START_TEST(threads_deal_constant_arrivals_out_in_turn)
{
	struct load_schedule threads[3];
	for (uint32_t i = 0; i < 3; i++)
		load_schedule_init(&threads[i], &(struct load_schedule_options){
							.rate = 3000, .thread = i, .threads = 3, .start_ns = start_ns});
	for (uint64_t i = 0; i < 900; i++) {
		ck_assert_uint_eq(threads[i % 3].due_ns, start_ns + i * second_ns / 3000);
		load_schedule_advance(&threads[i % 3]);
	}
}
END_TEST

START_TEST(poisson_arrivals_keep_the_mean_and_spread_of_their_rate)
{
	struct load_schedule schedule = schedule_of(LOAD_ARRIVALS_POISSON, 10000, 7);
	const double mean_ns = 1e5;
	double sum = 0, squares = 0;
	uint32_t below_mean = 0;
	uint64_t before = start_ns;
	for (uint32_t i = 0; i < ARRIVALS; i++) {
		ck_assert_uint_ge(schedule.due_ns, before);
		const double gap = (double)(schedule.due_ns - before);
		sum += gap;
		squares += gap * gap;
		below_mean += gap < mean_ns;
		before = schedule.due_ns;
		load_schedule_advance(&schedule);
	}
	const double mean = sum / ARRIVALS, deviation = sqrt(squares / ARRIVALS - mean * mean);
	ck_assert_double_lt(fabs(mean / mean_ns - 1), 0.02);
	ck_assert_double_lt(fabs(deviation / mean_ns - 1), 0.03); // as of an exponential distribution
	ck_assert_double_lt(fabs((double)below_mean / ARRIVALS - (1 - exp(-1))), 0.01);
}
END_TEST

START_TEST(poisson_arrivals_of_threads_add_up_to_the_rate_and_differ)
{
	uint64_t total = 0;
	struct load_schedule threads[4];
	for (uint32_t i = 0; i < 4; i++) {
		load_schedule_init(&threads[i], &(struct load_schedule_options){.arrivals = LOAD_ARRIVALS_POISSON,
										.rate = 20000,
										.seed = 1,
										.thread = i,
										.threads = 4,
										.start_ns = start_ns});
		ck_assert(i == 0 || threads[i].due_ns != threads[i - 1].due_ns);
		for (; threads[i].due_ns < start_ns + second_ns; total++)
			load_schedule_advance(&threads[i]);
	}
	ck_assert_uint_ge(total, 19300); // five standard deviations
	ck_assert_uint_le(total, 20700);
}
END_TEST

START_TEST(the_seed_alone_decides_when_poisson_arrivals_come)
{
	struct load_schedule one = schedule_of(LOAD_ARRIVALS_POISSON, 1000, 3), same = one;
	struct load_schedule other = schedule_of(LOAD_ARRIVALS_POISSON, 1000, 4);
	uint32_t equal = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		ck_assert_uint_eq(one.due_ns, same.due_ns);
		equal += one.due_ns == other.due_ns;
		load_schedule_advance(&one);
		load_schedule_advance(&same);
		load_schedule_advance(&other);
	}
	ck_assert_uint_lt(equal, 10);
}
END_TEST

START_TEST(what_is_still_due_before_a_moment_can_be_counted)
{
	struct load_schedule schedule = schedule_of(LOAD_ARRIVALS_CONSTANT, 1000, 1);
	ck_assert_uint_eq(load_schedule_count_before(&schedule, start_ns), 0);
	ck_assert_uint_eq(load_schedule_count_before(&schedule, start_ns + 1), 1);
	ck_assert_uint_eq(load_schedule_count_before(&schedule, start_ns + second_ns), 1000);
	for (uint32_t i = 0; i < 400; i++)
		load_schedule_advance(&schedule);
	ck_assert_uint_eq(load_schedule_count_before(&schedule, start_ns + second_ns), 600);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("load_schedule");
	tcase_add_test(tcase, constant_arrivals_are_evenly_spaced_from_the_start_on);
	tcase_add_test(tcase, rounding_errors_do_not_add_up);
	tcase_add_test(tcase, threads_deal_constant_arrivals_out_in_turn);
	tcase_add_test(tcase, poisson_arrivals_keep_the_mean_and_spread_of_their_rate);
	tcase_add_test(tcase, poisson_arrivals_of_threads_add_up_to_the_rate_and_differ);
	tcase_add_test(tcase, the_seed_alone_decides_when_poisson_arrivals_come);
	tcase_add_test(tcase, what_is_still_due_before_a_moment_can_be_counted);
	Suite *suite = suite_create("bench/load_schedule");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
