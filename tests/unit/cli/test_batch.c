// SPDX-License-Identifier: Apache-2.0
#include "cli/batch.h"
#include "proto/codec.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct batch batch;
static struct arena arena;

static void setup(void)
{
	const struct change_set frame = {.actor = BYTES_LITERAL("evauth:me"), .dry_run = true};
	arena_init(&arena, 4096, 64 * 1024 * 1024);
	ck_assert_int_eq(batch_init(&batch, &frame, &arena), 0);
}

static void teardown(void)
{
	arena_finish(&arena);
}

static struct bytes deletion(const char *id)
{
	struct delete_object delete = {.id = bytes_from(id)};
	const struct change change = {.kind = CHANGE_DELETE_TARIFF, .delete_object = &delete};
	struct bytes encoded;
	ck_assert_int_eq(codec_encode(&schema_change, &change, &arena, &encoded), 0);
	return encoded;
}

static const struct change_set *decode(void)
{
	struct change_set *set;
	struct fault fault = {0};
	ck_assert_int_eq(codec_decode(&schema_change_set, CODEC_STRICT, batch_body(&batch), &arena, &set, &fault), 0);
	return set;
}

START_TEST(a_batch_is_a_change_set)
{
	ck_assert(batch_add(&batch, deletion("a"), 1));
	ck_assert(batch_add(&batch, deletion("b"), 2));
	const struct change_set *set = decode();
	ck_assert(bytes_equal(set->actor, BYTES_LITERAL("evauth:me")));
	ck_assert(set->dry_run);
	ck_assert_uint_eq(set->changes_count, 2);
	ck_assert_int_eq(set->changes[1].kind, CHANGE_DELETE_TARIFF);
	ck_assert(bytes_equal(set->changes[1].delete_object->id, BYTES_LITERAL("b")));
}
END_TEST

START_TEST(changes_know_their_lines)
{
	ck_assert(batch_add(&batch, deletion("a"), 3));
	ck_assert(batch_add(&batch, deletion("b"), 7));
	ck_assert_uint_eq(batch.lines.first, 1);
	ck_assert_uint_eq(batch.lines.last, 7);
	ck_assert_uint_eq(batch.lines.count, 2);
	ck_assert_uint_eq(batch.lines.numbers[0], 3);
	ck_assert_uint_eq(batch.lines.numbers[1], 7);
}
END_TEST

START_TEST(a_cleared_batch_goes_on_after_the_last_line)
{
	ck_assert(batch_add(&batch, deletion("a"), 7));
	batch_clear(&batch);
	ck_assert_uint_eq(batch.lines.count, 0);
	ck_assert_uint_eq(batch.lines.first, 8);
	ck_assert(batch_add(&batch, deletion("b"), 9));
	const struct change_set *set = decode();
	ck_assert_uint_eq(set->changes_count, 1);
	ck_assert(bytes_equal(set->actor, BYTES_LITERAL("evauth:me")));
}
END_TEST

START_TEST(a_batch_has_at_most_as_many_changes_as_a_set)
{
	const struct bytes change = deletion("a");
	for (int i = 0; i < CHANGES_PER_SET_MAX; i++)
		ck_assert(batch_add(&batch, change, (uint64_t)i + 1));
	ck_assert(!batch_add(&batch, change, CHANGES_PER_SET_MAX + 1));
	ck_assert_uint_eq(decode()->changes_count, CHANGES_PER_SET_MAX);
}
END_TEST

// The size of a change that just fits an empty batch: with its tag and a length of three bytes.
static size_t largest_change(void)
{
	return BODY_APPLY_MAX - batch.prefix_size - 4;
}

START_TEST(a_batch_is_at_most_as_big_as_a_set)
{
	char *change = calloc(1, BODY_APPLY_MAX);
	ck_assert(!batch_add(&batch, (struct bytes){.data = change, .size = largest_change() + 1}, 1));
	ck_assert_uint_eq(batch.lines.count, 0);
	ck_assert(batch_add(&batch, (struct bytes){.data = change, .size = largest_change()}, 1));
	ck_assert_uint_eq(batch_body(&batch).size, BODY_APPLY_MAX);
	ck_assert(!batch_add(&batch, (struct bytes){0}, 2));
	free(change);
}
END_TEST

START_TEST(lengths_of_every_size_are_encoded)
{
	static const size_t sizes[] = {0, 1, 100, 200, 20000};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char id[20001];
		memset(id, 'x', sizes[i]);
		id[sizes[i]] = '\0';
		ck_assert(batch_add(&batch, deletion(id), i + 1));
	}
	const struct change_set *set = decode();
	ck_assert_uint_eq(set->changes_count, ARRAY_SIZE(sizes));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		ck_assert_uint_eq(set->changes[i].delete_object->id.size, sizes[i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("batch");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_batch_is_a_change_set);
	tcase_add_test(tcase, changes_know_their_lines);
	tcase_add_test(tcase, a_cleared_batch_goes_on_after_the_last_line);
	tcase_add_test(tcase, a_batch_has_at_most_as_many_changes_as_a_set);
	tcase_add_test(tcase, a_batch_is_at_most_as_big_as_a_set);
	tcase_add_test(tcase, lengths_of_every_size_are_encoded);
	Suite *suite = suite_create("cli/batch");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
