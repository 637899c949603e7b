// SPDX-License-Identifier: Apache-2.0
#include "store/slab.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

struct record {
	uint32_t number;
	char text[36];
};

static struct slab slab_of(uint32_t count_max)
{
	struct slab slab;
	ck_assert_int_eq(slab_init(&slab, sizeof(struct record), count_max), 0);
	return slab;
}

static uint32_t take(struct slab *slab)
{
	ck_assert_int_eq(slab_reserve(slab), 0);
	return slab_take(slab);
}

START_TEST(the_first_handle_is_one)
{
	struct slab slab = slab_of(10);
	ck_assert_uint_eq(take(&slab), 1);
	ck_assert_uint_eq(take(&slab), 2);
	ck_assert_uint_eq(slab.count, 2);
	slab_finish(&slab);
}
END_TEST

START_TEST(a_record_is_zeroed_also_when_it_is_used_again)
{
	struct slab slab = slab_of(10);
	static const struct record zero;
	const uint32_t handle = take(&slab);
	ck_assert_mem_eq(slab_get(&slab, handle), &zero, sizeof(zero));
	memset(slab_get(&slab, handle), 0xaa, sizeof(zero));
	slab_release(&slab, handle);
	ck_assert_uint_eq(take(&slab), handle);
	ck_assert_mem_eq(slab_get(&slab, handle), &zero, sizeof(zero));
	slab_finish(&slab);
}
END_TEST

START_TEST(the_last_one_released_is_taken_first)
{
	struct slab slab = slab_of(10);
	for (int i = 0; i < 4; i++)
		(void)take(&slab);
	slab_release(&slab, 2);
	slab_release(&slab, 4);
	ck_assert_uint_eq(slab.count, 2);
	ck_assert_uint_eq(take(&slab), 4);
	ck_assert_uint_eq(take(&slab), 2);
	ck_assert_uint_eq(take(&slab), 5);
	slab_finish(&slab);
}
END_TEST

START_TEST(records_do_not_move_while_the_slab_grows)
{
	enum { COUNT = 200000 };
	struct slab slab = slab_of(COUNT);
	const char *records = slab.records;
	for (uint32_t i = 1; i <= COUNT; i++)
		((struct record *)slab_get(&slab, take(&slab)))->number = i;
	ck_assert_ptr_eq(slab.records, records);
	for (uint32_t i = 1; i <= COUNT; i++)
		ck_assert_uint_eq(((struct record *)slab_get(&slab, i))->number, i);
	slab_finish(&slab);
}
END_TEST

START_TEST(at_the_maximum_there_is_no_more_room)
{
	enum { COUNT = 1000 };
	struct slab slab = slab_of(COUNT);
	for (int i = 0; i < COUNT; i++)
		(void)take(&slab);
	ck_assert_int_eq(slab_reserve(&slab), -ENOMEM);
	slab_release(&slab, 7);
	ck_assert_uint_eq(take(&slab), 7);
	ck_assert_int_eq(slab_reserve(&slab), -ENOMEM);
	ck_assert_int_eq(slab_extend(&slab, COUNT + 1), 0);
	ck_assert_int_eq(slab_extend(&slab, COUNT + 2), -ENOMEM);
	slab_finish(&slab);
}
END_TEST

START_TEST(a_copy_has_the_same_records_and_gives_the_same_handles)
{
	struct slab slab = slab_of(100000), copy = slab_of(100000);
	for (uint32_t i = 1; i <= 70000; i++)
		((struct record *)slab_get(&slab, take(&slab)))->number = i;
	slab_release(&slab, 3);
	slab_release(&slab, 60000);
	ck_assert_int_eq(slab_copy(&copy, &slab), 0);
	ck_assert_uint_eq(copy.count, slab.count);
	ck_assert_uint_eq(((struct record *)slab_get(&copy, 70000))->number, 70000);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(take(&copy), take(&slab));
	slab_finish(&slab);
	slab_finish(&copy);
}
END_TEST

START_TEST(an_empty_slab_can_be_copied)
{
	struct slab slab = slab_of(10), copy = slab_of(10);
	ck_assert_int_eq(slab_copy(&copy, &slab), 0);
	ck_assert_uint_eq(take(&copy), 1);
	slab_finish(&slab);
	slab_finish(&copy);
	slab_finish(&copy);
}
END_TEST

START_TEST(records_outlast_giving_back_what_is_behind_them)
{
	struct slab slab;
	ck_assert_int_eq(slab_init(&slab, 64, 1 << 20), 0);
	for (uint32_t i = 1; i <= 1000; i++) {
		ck_assert_int_eq(slab_reserve(&slab), 0);
		memset(slab_get(&slab, slab_take(&slab)), (int)i, 64);
	}
	memset(slab_get(&slab, 5000), 1, 64); // backed, beyond the last record
	slab_give_back(&slab);
	for (uint32_t i = 1; i <= 1000; i++)
		ck_assert_int_eq(*(unsigned char *)slab_get(&slab, i), (unsigned char)i);
	ck_assert_int_eq(*(char *)slab_get(&slab, 5000), 0);
	ck_assert_int_eq(slab_reserve(&slab), 0);
	ck_assert_uint_eq(slab_take(&slab), 1001);
	slab_finish(&slab);
}
END_TEST

START_TEST(the_next_huge_page_is_backed_before_it_is_needed)
{
	struct slab slab = slab_of(1000000);
	(void)take(&slab);
	ck_assert_uint_eq(slab_ahead(&slab).size, 0); // it is small
	while (slab.memory.backed < 2 * MEMORY_HUGE_MIN)
		(void)take(&slab);
	while (slab.next + 10 < slab.limit)
		(void)take(&slab);
	const char *used = slab.records + (size_t)slab.next * slab.record_size;
	const struct memory_range range = slab_ahead(&slab);
	ck_assert(range.start >= used);
	ck_assert_uint_eq(range.size, MEMORY_STEP);
	ck_assert_ptr_eq(range.start + range.size, slab.memory.start + slab.memory.backed);
	ck_assert_uint_gt(slab.limit, slab.next + 1000); // these records are there now
	ck_assert_ptr_eq(slab_ahead(&slab).start, range.start);
	ck_assert_uint_eq(slab_ahead(&slab).size, range.size);
	slab_finish(&slab);
}
END_TEST

START_TEST(a_slab_as_large_as_it_may_be_has_nothing_ahead)
{
	enum { COUNT = 300000 };
	struct slab slab = slab_of(COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		(void)take(&slab);
	ck_assert_uint_eq(slab_ahead(&slab).size, 0);
	ck_assert_int_eq(slab_reserve(&slab), -ENOMEM);
	slab_finish(&slab);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("slab");
	tcase_add_test(tcase, the_first_handle_is_one);
	tcase_add_test(tcase, a_record_is_zeroed_also_when_it_is_used_again);
	tcase_add_test(tcase, the_last_one_released_is_taken_first);
	tcase_add_test(tcase, records_do_not_move_while_the_slab_grows);
	tcase_add_test(tcase, at_the_maximum_there_is_no_more_room);
	tcase_add_test(tcase, a_copy_has_the_same_records_and_gives_the_same_handles);
	tcase_add_test(tcase, an_empty_slab_can_be_copied);
	tcase_add_test(tcase, records_outlast_giving_back_what_is_behind_them);
	tcase_add_test(tcase, the_next_huge_page_is_backed_before_it_is_needed);
	tcase_add_test(tcase, a_slab_as_large_as_it_may_be_has_nothing_ahead);
	Suite *suite = suite_create("store/slab");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
