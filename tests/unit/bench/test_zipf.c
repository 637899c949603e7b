// SPDX-License-Identifier: Apache-2.0
#include "bench/world.h"
#include "bench/zipf.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWS = 400000 };

static uint64_t tries; // numbers used so far

static uint32_t draw(const struct zipf *zipf)
{
	uint32_t rank;
	while (!zipf_try(zipf, (double)(world_hash(1, 1, tries++) >> 11) * 0x1p-53, &rank))
		continue;
	return rank;
}

// How often each rank of `count` comes must be as often as it should, within five standard deviations.
static void check_distribution(uint32_t count, double theta)
{
	struct zipf zipf;
	uint32_t *seen = calloc(count, sizeof(*seen));
	double weights = 0;
	zipf_init(&zipf, count, theta);
	for (uint32_t i = 0; i < DRAWS; i++) {
		const uint32_t rank = draw(&zipf);
		ck_assert_uint_lt(rank, count);
		seen[rank]++;
	}
	for (uint32_t rank = 0; rank < count; rank++)
		weights += pow(rank + 1.0, -theta);
	for (uint32_t rank = 0; rank < count; rank++) {
		const double share = pow(rank + 1.0, -theta) / weights, wanted = DRAWS * share;
		ck_assert_double_le(fabs(seen[rank] - wanted), 5 * sqrt(wanted * (1 - share)) + 1);
	}
	free(seen);
}

START_TEST(every_rank_comes_as_often_as_zipf_says)
{
	check_distribution(100, 0.99);
	check_distribution(100, 0.5);
	check_distribution(100, 1);
	check_distribution(100, 2);
	check_distribution(3, 0.2);
	check_distribution(2, 10);
}
END_TEST

START_TEST(one_rank_is_always_drawn)
{
	struct zipf zipf;
	zipf_init(&zipf, 1, 0.99);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(draw(&zipf), 0);
}
END_TEST

START_TEST(few_numbers_are_needed_for_a_draw_from_millions)
{
	struct zipf zipf;
	uint32_t first = 0, last_half = 0;
	zipf_init(&zipf, 10000000, 0.99);
	tries = 0;
	for (uint32_t i = 0; i < 100000; i++) {
		const uint32_t rank = draw(&zipf);
		first += rank == 0;
		last_half += rank >= 5000000;
	}
	ck_assert_uint_lt(tries, 110000);
	// 1/H with H = 17.9 (theta 0.99, ten millions); and the far end is reached.
	ck_assert_uint_ge(first, 5000);
	ck_assert_uint_le(first, 6200);
	ck_assert_uint_gt(last_half, 1000);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("zipf");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_rank_comes_as_often_as_zipf_says);
	tcase_add_test(tcase, one_rank_is_always_drawn);
	tcase_add_test(tcase, few_numbers_are_needed_for_a_draw_from_millions);
	Suite *suite = suite_create("bench/zipf");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
