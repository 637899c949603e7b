// SPDX-License-Identifier: Apache-2.0
#include "store/memory.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

START_TEST(backed_memory_is_zeroed_and_stays_where_it_is)
{
	struct memory memory;
	ck_assert_int_eq(memory_reserve(&memory, 64 * 1024 * 1024), 0);
	ck_assert_int_eq(memory_back(&memory, 100), 0);
	char *start = memory.start;
	ck_assert_uint_ge(memory.backed, 100);
	ck_assert_int_eq(start[99], 0);
	start[99] = 7;
	ck_assert_int_eq(memory_back(&memory, 32 * 1024 * 1024), 0);
	ck_assert_ptr_eq(memory.start, start);
	ck_assert_int_eq(start[99], 7);
	ck_assert_int_eq(start[32 * 1024 * 1024 - 1], 0);
	memory_release(&memory);
}
END_TEST

START_TEST(big_reservations_are_aligned_for_huge_pages)
{
	struct memory memory[3];
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(memory_reserve(&memory[i], MEMORY_STEP + 4096), 0);
		ck_assert_uint_eq((uintptr_t)memory[i].start % MEMORY_STEP, 0);
		ck_assert_int_eq(memory_back(&memory[i], memory[i].size), 0);
		memset(memory[i].start, i, memory[i].size);
	}
	for (int i = 0; i < 3; i++)
		memory_release(&memory[i]);
}
END_TEST

START_TEST(past_the_reservation_there_is_no_memory)
{
	struct memory memory;
	ck_assert_int_eq(memory_reserve(&memory, 5000), 0);
	ck_assert_uint_eq(memory.size, 8192);
	ck_assert_int_eq(memory_back(&memory, 8192), 0);
	ck_assert_int_eq(memory_back(&memory, 8193), -ENOMEM);
	ck_assert_uint_eq(memory.backed, 8192);
	memory_release(&memory);
}
END_TEST

START_TEST(more_address_space_than_there_is_is_refused)
{
	struct memory memory = {0};
	ck_assert_int_eq(memory_reserve(&memory, (size_t)1 << 62), -ENOMEM);
	ck_assert_ptr_null(memory.start);
}
END_TEST

START_TEST(releasing_twice_is_harmless)
{
	struct memory memory;
	ck_assert_int_eq(memory_reserve(&memory, 4096), 0);
	memory_release(&memory);
	ck_assert_ptr_null(memory.start);
	memory_release(&memory);
}
END_TEST

START_TEST(what_is_behind_begins_with_the_next_huge_page)
{
	struct memory memory;
	ck_assert_int_eq(memory_reserve(&memory, 64 * 1024 * 1024), 0);
	ck_assert_int_eq(memory_back(&memory, MEMORY_HUGE_MIN - MEMORY_STEP), 0);
	ck_assert_uint_eq(memory_behind(&memory, 1).size, 0); // small pages: they cost nothing to speak of
	ck_assert_int_eq(memory_back(&memory, MEMORY_HUGE_MIN), 0);
	const struct memory_range range = memory_behind(&memory, 1);
	ck_assert_ptr_eq(range.start, memory.start + MEMORY_STEP);
	ck_assert_uint_eq(range.size, MEMORY_HUGE_MIN - MEMORY_STEP);
	ck_assert_uint_eq(memory_behind(&memory, MEMORY_HUGE_MIN - 1).size, 0);
	ck_assert_uint_eq(memory_behind(&memory, MEMORY_HUGE_MIN).size, 0);
	memory_release(&memory);
}
END_TEST

static void *prepare(void *context)
{
	memory_prepare(context);
	return NULL;
}

START_TEST(memory_is_prepared_while_it_is_written)
{
	struct memory memory;
	pthread_t thread;
	unsigned char is_there[4];
	ck_assert_int_eq(memory_reserve(&memory, 64 * 1024 * 1024), 0);
	ck_assert_int_eq(memory_back(&memory, 16 * 1024 * 1024), 0);
	struct memory_range range = memory_behind(&memory, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, prepare, &range), 0);
	for (size_t i = 0; i < range.size; i += 4096)
		range.start[i] = (char)(i >> 12);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < range.size; i += 4096)
		ck_assert_int_eq(range.start[i], (char)(i >> 12));
	memory_give_back(&memory, MEMORY_STEP);
	range = memory_behind(&memory, MEMORY_STEP);
	memory_prepare(&range);
	ck_assert_int_eq(mincore(range.start + range.size - sizeof(is_there) * 4096, sizeof(is_there) * 4096, is_there),
			 0);
	// Linux before 5.14 cannot.
	if (madvise(range.start, 4096, MADV_POPULATE_WRITE) == 0)
		ck_assert_int_eq(is_there[0] & is_there[1] & is_there[2] & is_there[3] & 1, 1);
	ck_assert_int_eq(range.start[0], 0);
	memory_release(&memory);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("memory");
	tcase_add_test(tcase, backed_memory_is_zeroed_and_stays_where_it_is);
	tcase_add_test(tcase, big_reservations_are_aligned_for_huge_pages);
	tcase_add_test(tcase, past_the_reservation_there_is_no_memory);
	tcase_add_test(tcase, more_address_space_than_there_is_is_refused);
	tcase_add_test(tcase, releasing_twice_is_harmless);
	tcase_add_test(tcase, what_is_behind_begins_with_the_next_huge_page);
	tcase_add_test(tcase, memory_is_prepared_while_it_is_written);
	Suite *suite = suite_create("store/memory");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
