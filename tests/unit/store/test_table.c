// SPDX-License-Identifier: Apache-2.0
#include "store/table.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>

// ---------------------------------------------------------------- a naive model: a list of pairs

enum { PAIRS_MAX = 4000, HANDLES_MAX = 100000 };

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

// Handles have notes that follow from them, so that a note that went astray is seen.
static uint32_t note_of(uint32_t handle)
{
	return handle * 7 + 1;
}

static bool table_has(const struct table *table, uint32_t tag, uint32_t handle)
{
	struct table_walk walk = table_walk(table, tag);
	uint32_t found;
	while ((found = table_next(table, &walk)) != 0)
		if (found == handle)
			return !table->has_notes || table_note(table, &walk) == note_of(handle);
	return false;
}

static size_t table_count_tag(const struct table *table, uint32_t tag)
{
	struct table_walk walk = table_walk(table, tag);
	size_t count = 0;
	while (table_next(table, &walk) != 0)
		count++;
	return count;
}

// No entry is more than one step farther from home than the one before it: what lets a search end early.
static void assert_order(const struct table *table)
{
	for (uint32_t i = 0; i < table->slots_count; i++) {
		const uint32_t after = table_after(table, i);
		if (table_at(table, after)->handle == 0)
			continue;
		const uint32_t distance = table_distance(table, table_at(table, after)->tag, after);
		if (table_at(table, i)->handle == 0)
			ck_assert_uint_eq(distance, 0);
		else
			ck_assert_uint_le(distance, table_distance(table, table_at(table, i)->tag, i) + 1);
	}
}

static void assert_equal(const struct table *table, const struct model *model)
{
	ck_assert_uint_eq(table->count, model->count);
	assert_order(table);
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
	table_set_note(table, tag, handle, note_of(handle));
}

// Few homes, at both ends of the slots, so that runs are long and wrap around.
static uint32_t random_tag(void)
{
	const uint32_t near = (uint32_t)(rand() % 64) << 20;
	return rand() % 2 ? near : UINT32_MAX - near;
}

static void run_random_operations(struct table *table, struct model *model, int operations, int inserts_percent)
{
	static uint32_t next_handle = 1;
	for (int i = 0; i < operations; i++) {
		if (model->count < PAIRS_MAX && rand() % 100 < inserts_percent) {
			const uint32_t tag = rand() % 2 ? random_tag() : (uint32_t)rand();
			model->pairs[model->count].tag = tag;
			model->pairs[model->count++].handle = next_handle;
			insert(table, tag, next_handle++);
		} else if (model->count > 0) {
			const size_t victim = (size_t)rand() % model->count;
			(void)table_remove(table, model->pairs[victim].tag, model->pairs[victim].handle);
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
	ck_assert_int_eq(table_init(&table, _i % 2, HANDLES_MAX), 0);
	for (int phase = 0; phase < 6; phase++) {
		run_random_operations(&table, &model, 300, phase % 2 == 0 ? 75 : 25);
		assert_equal(&table, &model);
	}
	while (model.count > 0)
		run_random_operations(&table, &model, 1, 0);
	assert_equal(&table, &model);
	for (size_t i = 0; i < table.slots_count; i++)
		ck_assert_uint_eq(table_at(&table, i)->handle, 0);
	table_finish(&table);
}
END_TEST

START_TEST(an_unknown_tag_has_no_handles)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	ck_assert(!table_has(&table, 5, 1));
	insert(&table, 5, 1);
	ck_assert(!table_has(&table, 6, 1)); // the same home
	ck_assert(table_has(&table, 5, 1));
	table_finish(&table);
}
END_TEST

START_TEST(one_tag_may_stand_for_several_handles)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	insert(&table, 7, 1);
	insert(&table, 7, 2);
	insert(&table, 7, 3);
	(void)table_remove(&table, 7, 2);
	ck_assert(table_has(&table, 7, 1));
	ck_assert(!table_has(&table, 7, 2));
	ck_assert(table_has(&table, 7, 3));
	table_finish(&table);
}
END_TEST

START_TEST(a_run_that_wraps_around_survives_removals)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	const uint32_t last = UINT32_MAX, last_slot = table.slots_count - 1;
	insert(&table, last, 1);
	insert(&table, last, 2); // in slot 0
	insert(&table, 0, 3);    // in slot 1
	insert(&table, last, 4); // in slot 2
	ck_assert_uint_eq(table_remove(&table, last, 1), note_of(1));
	ck_assert(table_has(&table, last, 2) && table_has(&table, 0, 3) && table_has(&table, last, 4));
	ck_assert_uint_eq(table_at(&table, last_slot)->handle, 2);
	ck_assert_uint_eq(table_at(&table, 0)->handle, 4); // nearer to home goes behind
	ck_assert_uint_eq(table_at(&table, 1)->handle, 3);
	assert_order(&table);
	table_finish(&table);
}
END_TEST

START_TEST(it_grows_by_an_eighth_when_four_fifths_are_used)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	ck_assert_int_eq(table_reserve_empty(&table, 4092), 0);
	for (uint32_t i = 1; i <= 4096; i++)
		insert(&table, i * 2654435761u, i);
	ck_assert_uint_eq(table.slots_count, 5120);
	insert(&table, 1, 4097);
	ck_assert_uint_gt(table.slots_count, 5120);
	ck_assert_uint_le(table.slots_count, 5120 + 5120 / 8 + 512);
	for (uint32_t i = 1; i <= 4096; i++)
		ck_assert(table_has(&table, i * 2654435761u, i));
	table_finish(&table);
}
END_TEST

START_TEST(room_made_at_once_is_enough_for_all)
{
	static const uint32_t counts[] = {0, 1, 409, 410, 411, 5000};
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct table table;
		ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
		ck_assert_int_eq(table_reserve_empty(&table, counts[i]), 0);
		const uint32_t slots_count = table.slots_count;
		for (uint32_t handle = 1; handle <= counts[i]; handle++)
			insert(&table, random_tag(), handle);
		ck_assert_uint_eq(table.slots_count, slots_count);
		table_finish(&table);
	}
}
END_TEST

START_TEST(a_note_of_something_absent_is_not_written)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	insert(&table, 7, 1);
	table_set_note(&table, 7, 2, 99);
	table_set_note(&table, 8, 1, 99);
	ck_assert(table_has(&table, 7, 1));
	table_finish(&table);
	ck_assert_int_eq(table_init(&table, false, HANDLES_MAX), 0);
	insert(&table, 7, 1);
	ck_assert_uint_eq(table_remove(&table, 7, 1), 0);
	table_finish(&table);
}
END_TEST

START_TEST(an_entry_put_in_again_has_no_note)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	insert(&table, 7, 1);
	(void)table_remove(&table, 7, 1);
	table_insert(&table, 7, 1);
	ck_assert_uint_eq(table_remove(&table, 7, 1), 0);
	table_finish(&table);
}
END_TEST

START_TEST(a_copy_is_exact)
{
	struct table table, copy;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	ck_assert_int_eq(table_init(&copy, true, HANDLES_MAX), 0);
	for (uint32_t i = 1; i <= 1000; i++)
		insert(&table, i * 2654435761u, i);
	ck_assert_int_eq(table_copy(&copy, &table), 0);
	ck_assert_uint_eq(copy.count, table.count);
	ck_assert_uint_eq(copy.slots_count, table.slots_count);
	ck_assert_mem_eq(copy.memory.start, table.memory.start, table.slots_count * 3 * sizeof(uint32_t));
	table_finish(&table);
	table_finish(&copy);
}
END_TEST

// The same slots are taken, by entries of the same homes, as in a table that had the room from the start.
static void assert_like_a_new_one(const struct table *table, const struct model *model)
{
	struct table fresh;
	ck_assert_int_eq(table_init(&fresh, table->has_notes, HANDLES_MAX), 0);
	ck_assert_int_eq(table_back(&fresh, table->slots_count), 0);
	table_grow(&fresh, table->slots_count);
	for (size_t i = 0; i < model->count; i++)
		table_insert(&fresh, model->pairs[i].tag, model->pairs[i].handle);
	for (uint32_t i = 0; i < table->slots_count; i++) {
		ck_assert_uint_eq(table_at(table, i)->handle != 0, table_at(&fresh, i)->handle != 0);
		ck_assert_uint_eq(table_home(table, table_at(table, i)->tag),
				  table_home(&fresh, table_at(&fresh, i)->tag));
	}
	table_finish(&fresh);
}

static void assert_zeroed_behind(const struct table *table)
{
	const char *end = (const char *)table_at(table, table->slots_count);
	size_t written = 0;
	for (const char *at = end; at < table->memory.start + table->memory.backed; at++)
		written += *at != 0;
	ck_assert_uint_eq(written, 0);
}

// Long runs at both ends of the slots, so that many come around the end; by a unit, an eighth, and several times over.
START_TEST(growing_keeps_everything_where_a_new_table_would_have_it)
{
	static const uint32_t steps[] = {512, 1024, 1536, 5120, 5632, 64000};
	static struct model model;
	struct table table;
	srand((unsigned)_i);
	model.count = 0;
	ck_assert_int_eq(table_init(&table, _i % 2, HANDLES_MAX), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		ck_assert_int_eq(table_back(&table, steps[i]), 0);
		const uint32_t former = table.slots_count;
		table_grow(&table, steps[i]);
		ck_assert_uint_eq(table.slots_count, steps[i] > former ? steps[i] : former);
		assert_equal(&table, &model);
		assert_like_a_new_one(&table, &model);
		assert_zeroed_behind(&table);
		run_random_operations(&table, &model, 400, 95);
	}
	table_finish(&table);
}
END_TEST

// All of one home, the last: all but one come around the end.
START_TEST(a_table_of_one_tag_grows_as_well)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, HANDLES_MAX), 0);
	for (uint32_t i = 1; i <= 2000; i++)
		insert(&table, UINT32_MAX, i);
	ck_assert_uint_gt(table.slots_count, 2000);
	for (uint32_t i = 1; i <= 2000; i++)
		ck_assert(table_has(&table, UINT32_MAX, i));
	assert_order(&table);
	assert_zeroed_behind(&table);
	table_finish(&table);
}
END_TEST

START_TEST(past_its_greatest_count_there_is_no_room)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, 1000), 0);
	uint32_t count = 0;
	while (table_reserve(&table) == 0 && count < 5000) {
		count++;
		table_insert(&table, count * 2654435761u, count);
	}
	ck_assert_uint_ge(count, 1000);
	ck_assert_uint_le(count, 2000);
	ck_assert_int_eq(table_reserve(&table), -ENOMEM);
	ck_assert_int_eq(table_back(&table, table.slots_max + 1), -ENOMEM);
	table_finish(&table);
	ck_assert_int_eq(table_init(&table, true, 1000), 0);
	ck_assert_int_eq(table_reserve_empty(&table, 5000), -ENOMEM);
	table_finish(&table);
	table_finish(&table); // harmless
}
END_TEST

START_TEST(what_is_ahead_of_a_table_is_what_was_backed_for_it_to_grow)
{
	struct table table;
	ck_assert_int_eq(table_init(&table, true, 1 << 24), 0);
	ck_assert_uint_eq(table_ahead(&table).size, 0);
	ck_assert_int_eq(table_back(&table, 2 * 1000 * 1000), 0);
	const struct memory_range range = table_ahead(&table);
	ck_assert_ptr_eq(range.start, table.memory.start + MEMORY_STEP); // the slots that are there fit the first
	ck_assert_ptr_eq(range.start + range.size, table.memory.start + table.memory.backed);
	table_grow(&table, 2 * 1000 * 1000);
	ck_assert_uint_eq(table_ahead(&table).size, 0);
	table_finish(&table);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("table");
	tcase_add_loop_test(tcase, random_operations_agree_with_a_naive_model, 0, 20);
	tcase_add_test(tcase, an_unknown_tag_has_no_handles);
	tcase_add_test(tcase, one_tag_may_stand_for_several_handles);
	tcase_add_test(tcase, a_run_that_wraps_around_survives_removals);
	tcase_add_test(tcase, it_grows_by_an_eighth_when_four_fifths_are_used);
	tcase_add_test(tcase, room_made_at_once_is_enough_for_all);
	tcase_add_test(tcase, a_note_of_something_absent_is_not_written);
	tcase_add_test(tcase, an_entry_put_in_again_has_no_note);
	tcase_add_test(tcase, a_copy_is_exact);
	tcase_add_loop_test(tcase, growing_keeps_everything_where_a_new_table_would_have_it, 0, 20);
	tcase_add_test(tcase, a_table_of_one_tag_grows_as_well);
	tcase_add_test(tcase, past_its_greatest_count_there_is_no_room);
	tcase_add_test(tcase, what_is_ahead_of_a_table_is_what_was_backed_for_it_to_grow);
	Suite *suite = suite_create("store/table");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
