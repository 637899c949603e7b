// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "tests/unit/unit.h"

#include <stdint.h>

START_TEST(memory_is_aligned_and_separate)
{
	struct arena arena;
	arena_init(&arena, 64, 1 << 20);
	char *a = arena_alloc(&arena, 3), *b = arena_alloc(&arena, 100);
	ck_assert_uint_eq((uintptr_t)a % 16, 0);
	ck_assert_uint_eq((uintptr_t)b % 16, 0);
	memset(a, 1, 3);
	memset(b, 2, 100);
	ck_assert_int_eq(a[2], 1);
	arena_finish(&arena);
}
END_TEST

START_TEST(past_the_budget_there_is_nothing)
{
	struct arena arena;
	arena_init(&arena, 64, 128);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 128));
	ck_assert_ptr_null(arena_alloc(&arena, 1));
	arena_reset(&arena);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 1));
	arena_finish(&arena);
}
END_TEST

START_TEST(a_product_that_overflows_is_refused)
{
	struct arena arena;
	arena_init(&arena, 64, 1 << 20);
	ck_assert_ptr_null(arena_calloc(&arena, SIZE_MAX / 2, 3));
	arena_finish(&arena);
}
END_TEST

START_TEST(the_first_chunk_is_kept_over_resets)
{
	struct arena arena;
	arena_init(&arena, 4096, 1 << 20);
	void *first = arena_alloc(&arena, 16);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 100000));
	arena_reset(&arena);
	ck_assert_ptr_eq(arena_alloc(&arena, 16), first);
	arena_finish(&arena);
}
END_TEST

START_TEST(a_copy_is_terminated)
{
	struct arena arena;
	arena_init(&arena, 64, 1 << 20);
	struct bytes copy = arena_copy(&arena, (struct bytes){"office!", 6});
	ck_assert_str_eq(copy.data, "office");
	ck_assert_uint_eq(copy.size, 6);
	ck_assert_str_eq(arena_copy(&arena, (struct bytes){0}).data, "");
	arena_finish(&arena);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("arena");
	tcase_add_test(tcase, memory_is_aligned_and_separate);
	tcase_add_test(tcase, past_the_budget_there_is_nothing);
	tcase_add_test(tcase, a_product_that_overflows_is_refused);
	tcase_add_test(tcase, the_first_chunk_is_kept_over_resets);
	tcase_add_test(tcase, a_copy_is_terminated);
	Suite *suite = suite_create("base/arena");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
