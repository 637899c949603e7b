// SPDX-License-Identifier: Apache-2.0
#include "store/table.h"

#include "tests/unit/unit.h"

#include <stdbool.h>

// ---------------------------------------------------------------- a naive model: a list of pairs

enum { PAIRS_MAX = 4000 };

struct model {
	size_t count;
	struct {
		uint32_t tag, handle;
	} pairs[PAIRS_MAX];
};

static size_t model_count_tag(const struct model *model, uint32_t tag)
{
	size_t count = 0;
	for (size_t i = 0; i < model->count; i++)
		count += model->pairs[i].tag == tag;
	return count;
}

static bool table_has(const struct table *table, uint32_t tag, uint32_t handle)
{
	uint32_t position = tag, found;
	while ((found = table_next(table, tag, &position)) != 0)
		if (found == handle)
			return true;
	return false;
}

static size_t table_count_tag(const struct table *table, uint32_t tag)
{
	uint32_t position = tag;
	size_t count = 0;
	while (table_next(table, tag, &position) != 0)
		count++;
	return count;
}

static void assert_equal(const struct table *table, const struct model *model)
{
	ck_assert_uint_eq(table->count, model->count);
	for (size_t i = 0; i < model->count; i++) {
		ck_assert(table_has(table, model->pairs[i].tag, model->pairs[i].handle));
		ck_assert_uint_eq(table_count_tag(table, model->pairs[i].tag),
				  model_count_tag(model, model->pairs[i].tag));
	}
}

static void insert(struct table *table, uint32_t tag, uint32_t handle)
{
	ck_assert_int_eq(table_reserve(table), 0);
	table_insert(table, tag, handle);
}

// Few homes, at both ends of the slots, so that runs are long and wrap around.
static uint32_t random_tag(uint32_t mask)
{
	const uint32_t home = (uint32_t)(rand() % 8) - 4;
	return (home & mask) | (uint32_t)(rand() % 3) << 28;
}

static void run_random_operations(struct table *table, struct model *model, int operations, int inserts_percent)
{
	static uint32_t next_handle = 1;
	for (int i = 0; i < operations; i++) {
		if (model->count == 0 || (model->count < PAIRS_MAX && rand() % 100 < inserts_percent)) {
			const uint32_t tag = rand() % 2 ? random_tag(0xffff) : (uint32_t)rand();
			model->pairs[model->count].tag = tag;
			model->pairs[model->count++].handle = next_handle;
			insert(table, tag, next_handle++);
		} else {
			const size_t victim = (size_t)rand() % model->count;
			table_remove(table, model->pairs[victim].tag, model->pairs[victim].handle);
			model->pairs[victim] = model->pairs[--model->count];
		}
	}
}

START_TEST(random_operations_agree_with_a_naive_model)
{
	static struct model model;
	struct table table;
	srand((unsigned)_i);
	model.count = 0;
	ck_assert_int_eq(table_init(&table), 0);
	for (int phase = 0; phase < 6; phase++) {
		run_random_operations(&table, &model, 300, phase % 2 == 0 ? 75 : 25);
		assert_equal(&table, &model);
	}
	while (model.count > 0)
		run_random_operations(&table, &model, 1, 0);
	assert_equal(&table, &model);
	for (size_t i = 0; i <= table.mask; i++)
		ck_assert_uint_eq(table.slots[i].handle, 0);
	table_finish(&table);
}
END_TEST

START_TEST(an_unknown_tag_has_no_handles)
{
	struct table table;
	ck_assert_int_eq(table_init(&table), 0);
	ck_assert(!table_has(&table, 5, 1));
	insert(&table, 5, 1);
	ck_assert(!table_has(&table, 5 + table.mask + 1, 1)); // the same home
	ck_assert(table_has(&table, 5, 1));
	table_finish(&table);
}
END_TEST

START_TEST(one_tag_may_stand_for_several_handles)
{
	struct table table;
	ck_assert_int_eq(table_init(&table), 0);
	insert(&table, 7, 1);
	insert(&table, 7, 2);
	insert(&table, 7, 3);
	table_remove(&table, 7, 2);
	ck_assert(table_has(&table, 7, 1));
	ck_assert(!table_has(&table, 7, 2));
	ck_assert(table_has(&table, 7, 3));
	table_finish(&table);
}
END_TEST

START_TEST(a_run_that_wraps_around_survives_removals)
{
	struct table table;
	ck_assert_int_eq(table_init(&table), 0);
	const uint32_t last = table.mask;
	insert(&table, last, 1);
	insert(&table, last, 2); // in slot 0
	insert(&table, 0, 3);    // in slot 1
	insert(&table, last, 4); // in slot 2
	table_remove(&table, last, 1);
	ck_assert(table_has(&table, last, 2) && table_has(&table, 0, 3) && table_has(&table, last, 4));
	ck_assert_uint_eq(table.slots[last].handle, 2);
	ck_assert_uint_eq(table.slots[0].handle, 3);
	ck_assert_uint_eq(table.slots[1].handle, 4);
	table_finish(&table);
}
END_TEST

START_TEST(it_grows_at_three_quarters)
{
	struct table table;
	ck_assert_int_eq(table_init(&table), 0);
	const uint32_t mask = table.mask, limit = (mask + 1) / 4 * 3;
	for (uint32_t i = 1; i <= limit; i++)
		insert(&table, i * 2654435761u, i);
	ck_assert_uint_eq(table.mask, mask);
	insert(&table, 1, limit + 1);
	ck_assert_uint_eq(table.mask, mask * 2 + 1);
	for (uint32_t i = 1; i <= limit; i++)
		ck_assert(table_has(&table, i * 2654435761u, i));
	table_finish(&table);
}
END_TEST

START_TEST(a_copy_is_exact)
{
	struct table table, copy;
	ck_assert_int_eq(table_init(&table), 0);
	ck_assert_int_eq(table_init(&copy), 0);
	for (uint32_t i = 1; i <= 1000; i++)
		insert(&table, i * 2654435761u, i);
	ck_assert_int_eq(table_copy(&copy, &table), 0);
	ck_assert_uint_eq(copy.count, table.count);
	ck_assert_uint_eq(copy.mask, table.mask);
	ck_assert_mem_eq(copy.slots, table.slots, ((size_t)table.mask + 1) * sizeof(*table.slots));
	table_finish(&table);
	table_finish(&copy);
}
END_TEST

START_TEST(moving_into_a_bigger_table_keeps_everything)
{
	struct table table, bigger;
	ck_assert_int_eq(table_init(&table), 0);
	for (uint32_t i = 1; i <= 300; i++)
		insert(&table, i * 2654435761u, i);
	ck_assert_int_eq(table_init_size(&bigger, 2047), 0);
	table_move(&bigger, &table);
	ck_assert_ptr_null(table.slots);
	ck_assert_uint_eq(bigger.count, 300);
	for (uint32_t i = 1; i <= 300; i++)
		ck_assert(table_has(&bigger, i * 2654435761u, i));
	table_finish(&bigger);
	table_finish(&bigger);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("table");
	tcase_add_loop_test(tcase, random_operations_agree_with_a_naive_model, 0, 20);
	tcase_add_test(tcase, an_unknown_tag_has_no_handles);
	tcase_add_test(tcase, one_tag_may_stand_for_several_handles);
	tcase_add_test(tcase, a_run_that_wraps_around_survives_removals);
	tcase_add_test(tcase, it_grows_at_three_quarters);
	tcase_add_test(tcase, a_copy_is_exact);
	tcase_add_test(tcase, moving_into_a_bigger_table_keeps_everything);
	Suite *suite = suite_create("store/table");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
