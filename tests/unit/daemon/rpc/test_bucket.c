// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/bucket.h"

#include "base/check.h"
#include "tests/unit/unit.h"

#include <pthread.h>

static const int64_t NOW = 1000ll * BUCKET_NS_PER_S;
static struct bucket bucket;
static struct bucket_rate rate;

// 10 a second, 5 at once.
static void setup(void)
{
	bucket_rate_set(&rate, 10, 5);
	bucket_fill(&bucket);
}

static int64_t after_ms(int64_t ms)
{
	return NOW + ms * BUCKET_NS_PER_MS;
}

START_TEST(a_full_bucket_gives_its_burst_and_no_more)
{
	ck_assert(bucket_is_full(&bucket, &rate, NOW));
	ck_assert_uint_eq(bucket_burst(&rate), 5);
	ck_assert_uint_eq(bucket_left(&bucket, &rate, NOW), 5);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 3), 3);
	ck_assert(!bucket_is_full(&bucket, &rate, NOW));
	ck_assert(bucket_has(&bucket, &rate, NOW));
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 9), 2);
	ck_assert(!bucket_has(&bucket, &rate, NOW));
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 1), 0);
}
END_TEST

START_TEST(one_flows_in_after_each_interval)
{
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 5), 5);
	ck_assert_uint_eq(bucket_wait_ms(&bucket, &rate, NOW), 100);
	ck_assert(!bucket_has(&bucket, &rate, after_ms(100) - 1));
	ck_assert_uint_eq(bucket_wait_ms(&bucket, &rate, after_ms(100) - 1), 1);
	ck_assert(bucket_has(&bucket, &rate, after_ms(100)));
	ck_assert_uint_eq(bucket_take(&bucket, &rate, after_ms(100), 2), 1);
	// What is left of an interval is not lost.
	ck_assert_uint_eq(bucket_take(&bucket, &rate, after_ms(250), 2), 1);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, after_ms(300), 2), 1);
}
END_TEST

START_TEST(it_never_holds_more_than_its_burst)
{
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 5), 5);
	ck_assert(!bucket_is_full(&bucket, &rate, after_ms(499)));
	ck_assert(bucket_is_full(&bucket, &rate, after_ms(500)));
	ck_assert_uint_eq(bucket_left(&bucket, &rate, after_ms(500)), 5);
	ck_assert_uint_eq(bucket_left(&bucket, &rate, after_ms(3600 * 1000)), 5);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, after_ms(3600 * 1000), 100), 5);
}
END_TEST

START_TEST(more_than_there_is_may_be_spent_and_is_made_up_for)
{
	ck_assert(!bucket_spend(&bucket, &rate, NOW, 4));
	ck_assert(!bucket_is_overdrawn(&bucket, NOW));
	ck_assert(bucket_spend(&bucket, &rate, NOW, 11)); // 10 too many
	ck_assert(bucket_is_overdrawn(&bucket, NOW));
	ck_assert_uint_eq(bucket_left(&bucket, &rate, NOW), 0);
	ck_assert_uint_eq(bucket_wait_ms(&bucket, &rate, NOW), 1100);
	ck_assert(!bucket_has(&bucket, &rate, after_ms(1099)));
	ck_assert(bucket_has(&bucket, &rate, after_ms(1100)));
	ck_assert(!bucket_spend(&bucket, &rate, NOW, 1)); // it was empty before
	ck_assert_uint_eq(bucket_take(&bucket, &rate, after_ms(1100), 1), 0);
}
END_TEST

START_TEST(what_is_given_back_is_there_again_but_not_beyond_a_full_bucket)
{
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 5), 5);
	bucket_give_back(&bucket, &rate, 2);
	ck_assert_uint_eq(bucket_left(&bucket, &rate, NOW), 2);
	bucket_give_back(&bucket, &rate, 90);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 9), 5);
}
END_TEST

START_TEST(the_last_one_empties_it)
{
	ck_assert(!bucket_spend(&bucket, &rate, NOW, 4));
	ck_assert(bucket_spend(&bucket, &rate, NOW, 1));
	ck_assert(!bucket_is_overdrawn(&bucket, NOW));
}
END_TEST

START_TEST(without_a_rate_there_is_no_limit_and_nothing_is_kept)
{
	bucket_rate_set(&rate, 0, 5);
	ck_assert_uint_eq(bucket_burst(&rate), 0);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, UINT32_MAX), UINT32_MAX);
	ck_assert(!bucket_spend(&bucket, &rate, NOW, UINT32_MAX));
	ck_assert(bucket_has(&bucket, &rate, NOW));
	ck_assert(bucket_is_full(&bucket, &rate, NOW));
	ck_assert_uint_eq(bucket_left(&bucket, &rate, NOW), UINT64_MAX);
	bucket_rate_set(&rate, 10, 5);
	ck_assert_uint_eq(bucket_left(&bucket, &rate, NOW), 5);
}
END_TEST

START_TEST(without_a_burst_a_second_is_at_hand)
{
	bucket_rate_set(&rate, 10, 0);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, NOW, 100), 10);
}
END_TEST

START_TEST(a_lifted_limit_lets_an_empty_bucket_pass)
{
	(void)bucket_spend(&bucket, &rate, NOW, 1000);
	ck_assert(!bucket_has(&bucket, &rate, NOW));
	bucket_rate_set(&rate, 0, 0);
	ck_assert(bucket_has(&bucket, &rate, NOW));
}
END_TEST

static const struct {
	uint64_t per_second, burst;
} extremes[] = {{1, 1}, {1, 1000000000}, {10000000, 1}, {10000000, 1000000000}, {1000000000, 1000000000}};

START_TEST(the_largest_settings_do_not_overflow)
{
	const uint64_t burst = extremes[_i].burst;
	bucket_rate_set(&rate, extremes[_i].per_second, burst);
	// The machine has been up for less than the window: the clock begins at 0.
	ck_assert_uint_eq(bucket_left(&bucket, &rate, 0), burst);
	ck_assert_uint_eq(bucket_take(&bucket, &rate, 0, (uint32_t)burst), burst);
	ck_assert(!bucket_has(&bucket, &rate, 0));
	(void)bucket_spend(&bucket, &rate, 0, 16384);
	ck_assert_uint_ge(bucket_wait_ms(&bucket, &rate, 0), 1);
}
END_TEST

enum { THREADS = 4, EACH = 20000, MANY = 30000 };

static void *take_many(void *argument)
{
	uint64_t *taken = argument;
	for (int i = 0; i < EACH; i++)
		*taken += bucket_take(&bucket, &rate, NOW, 1);
	return NULL;
}

START_TEST(threads_together_get_what_there_is)
{
	pthread_t threads[THREADS];
	uint64_t taken[THREADS] = {0}, total = 0;
	bucket_rate_set(&rate, 1, MANY);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_many, &taken[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		total += taken[i];
	}
	ck_assert_uint_eq(total, MANY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/bucket");
	TCase *tests = tcase_create("bucket");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, a_full_bucket_gives_its_burst_and_no_more);
	tcase_add_test(tests, one_flows_in_after_each_interval);
	tcase_add_test(tests, it_never_holds_more_than_its_burst);
	tcase_add_test(tests, more_than_there_is_may_be_spent_and_is_made_up_for);
	tcase_add_test(tests, what_is_given_back_is_there_again_but_not_beyond_a_full_bucket);
	tcase_add_test(tests, the_last_one_empties_it);
	tcase_add_test(tests, without_a_rate_there_is_no_limit_and_nothing_is_kept);
	tcase_add_test(tests, without_a_burst_a_second_is_at_hand);
	tcase_add_test(tests, a_lifted_limit_lets_an_empty_bucket_pass);
	tcase_add_loop_test(tests, the_largest_settings_do_not_overflow, 0, ARRAY_SIZE(extremes));
	tcase_add_test(tests, threads_together_get_what_there_is);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
