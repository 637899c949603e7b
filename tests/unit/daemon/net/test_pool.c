// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/pool.h"
#include "tests/unit/unit.h"

static struct pool pool;

static void setup(void)
{
	pool_init(&pool);
}

static void teardown(void)
{
	pool_finish(&pool);
}

START_TEST(a_buffer_given_back_is_taken_again)
{
	size_t size, again_size;
	char *buffer = pool_take(&pool, 1, &size);
	ck_assert_uint_eq(size, POOL_SIZE_MIN);
	pool_give(&pool, buffer, size);
	ck_assert_ptr_eq(pool_take(&pool, POOL_SIZE_MIN, &again_size), buffer);
	ck_assert_uint_eq(again_size, size);
	free(buffer);
}
END_TEST

START_TEST(sizes_are_rounded_up_to_powers_of_two)
{
	const struct {
		size_t asked, given;
	} rows[] = {
		{0, POOL_SIZE_MIN},
		{POOL_SIZE_MIN + 1, 2 * POOL_SIZE_MIN},
		{2 * POOL_SIZE_MIN, 2 * POOL_SIZE_MIN},
		{POOL_SIZE_MAX - 1, POOL_SIZE_MAX},
		{POOL_SIZE_MAX, POOL_SIZE_MAX},
		{POOL_SIZE_MAX + 1, POOL_SIZE_MAX + 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size;
		char *buffer = pool_take(&pool, rows[i].asked, &size);
		ck_assert_uint_eq(size, rows[i].given);
		memset(buffer, 1, size);
		pool_give(&pool, buffer, size);
	}
}
END_TEST

START_TEST(no_more_is_kept_than_allowed)
{
	enum { COUNT = POOL_KEPT_MAX / POOL_SIZE_MAX + 2 };
	char *buffers[COUNT];
	size_t size;
	for (int i = 0; i < COUNT; i++)
		buffers[i] = pool_take(&pool, POOL_SIZE_MAX, &size);
	for (int i = 0; i < COUNT; i++)
		pool_give(&pool, buffers[i], POOL_SIZE_MAX);
	ck_assert_uint_eq(pool.kept_bytes, POOL_KEPT_MAX);
	pool_give(&pool, NULL, 0);
}
END_TEST

START_TEST(what_is_larger_than_the_largest_is_not_kept)
{
	size_t size;
	char *buffer = pool_take(&pool, POOL_SIZE_MAX + 1, &size);
	pool_give(&pool, buffer, size);
	ck_assert_uint_eq(pool.kept_bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/pool");
	TCase *tests = tcase_create("pool");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_buffer_given_back_is_taken_again);
	tcase_add_test(tests, sizes_are_rounded_up_to_powers_of_two);
	tcase_add_test(tests, no_more_is_kept_than_allowed);
	tcase_add_test(tests, what_is_larger_than_the_largest_is_not_kept);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
