// SPDX-License-Identifier: Apache-2.0
#include "cli/closed_groups.h"
#include "cli/id_list.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static struct closed_groups closed;

static void teardown(void)
{
	closed_groups_finish(&closed);
}

static size_t suspects(void)
{
	size_t count = 0;
	for (size_t i = 0; i < closed.count; i++)
		count += closed_group_is_suspect(&closed.groups[i]);
	return count;
}

static void note_closed(const char *id, uint64_t batch)
{
	ck_assert_int_eq(closed_groups_note_closed(&closed, bytes_from(id), batch), 0);
}

static void note_attached(const char *id, uint64_t batch)
{
	ck_assert_int_eq(closed_groups_note_attached(&closed, bytes_from(id), batch), 0);
}

START_TEST(a_group_reported_closed_is_suspect)
{
	note_closed("a", 1);
	ck_assert_uint_eq(suspects(), 1);
}
END_TEST

START_TEST(a_customer_attached_later_takes_the_suspicion_away)
{
	note_closed("a", 1);
	note_attached("a", 2);
	ck_assert_uint_eq(suspects(), 0);
}
END_TEST

START_TEST(a_group_closed_after_the_last_attachment_is_suspect)
{
	note_attached("a", 2);
	note_closed("a", 2);
	ck_assert_uint_eq(suspects(), 1);
	note_attached("b", 3);
	note_closed("b", 4);
	ck_assert_uint_eq(suspects(), 2);
}
END_TEST

START_TEST(a_group_only_attached_to_is_not_suspect)
{
	note_attached("a", 1);
	ck_assert_uint_eq(suspects(), 0);
}
END_TEST

START_TEST(answers_may_come_in_any_order)
{
	note_attached("a", 5);
	note_closed("a", 4);
	note_closed("a", 2);
	note_attached("a", 3);
	ck_assert_uint_eq(suspects(), 0);
}
END_TEST

START_TEST(an_id_is_the_same_in_any_spelling)
{
	note_closed("Office", 1);
	note_attached("OFFICE", 2);
	ck_assert_uint_eq(closed.count, 1);
	ck_assert_uint_eq(suspects(), 0);
}
END_TEST

START_TEST(thousands_of_groups_are_told_apart)
{
	char id[16];
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "g-%d", i);
		note_closed(id, 1);
	}
	for (int i = 0; i < 5000; i += 2) {
		snprintf(id, sizeof(id), "G-%d", i);
		note_attached(id, 2);
	}
	ck_assert_uint_eq(closed.count, 5000);
	ck_assert_uint_eq(suspects(), 2500);
}
END_TEST

// ---------------------------------------------------------------- id_list

START_TEST(an_id_is_found_in_any_spelling)
{
	struct id_list list = {0};
	struct arena arena;
	uint32_t index = 99;
	arena_init(&arena, 4096, 1024 * 1024);
	ck_assert_int_eq(id_list_append(&list, BYTES_LITERAL("Alpha"), &arena), 0);
	ck_assert_int_eq(id_list_append(&list, BYTES_LITERAL("beta"), &arena), 0);
	ck_assert_int_eq(id_list_find(&list, BYTES_LITERAL("BETA"), &index), 0);
	ck_assert_uint_eq(index, 1);
	ck_assert(bytes_equal(list.items[1].id, BYTES_LITERAL("beta")));
	ck_assert_int_eq(id_list_find(&list, BYTES_LITERAL("gamma"), &index), -ENOENT);
	id_list_finish(&list);
	ck_assert_int_eq(id_list_find(&list, BYTES_LITERAL("alpha"), &index), -ENOENT);
	arena_finish(&arena);
}
END_TEST

START_TEST(ids_out_of_order_are_refused)
{
	struct id_list list = {0};
	struct arena arena;
	arena_init(&arena, 4096, 1024 * 1024);
	ck_assert_int_eq(id_list_append(&list, BYTES_LITERAL("b"), &arena), 0);
	ck_assert_int_eq(id_list_append(&list, BYTES_LITERAL("a"), &arena), -EPROTO);
	ck_assert_int_eq(id_list_append(&list, BYTES_LITERAL("B"), &arena), -EPROTO);
	id_list_finish(&list);
	arena_finish(&arena);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("closed_groups");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, a_group_reported_closed_is_suspect);
	tcase_add_test(tcase, a_customer_attached_later_takes_the_suspicion_away);
	tcase_add_test(tcase, a_group_closed_after_the_last_attachment_is_suspect);
	tcase_add_test(tcase, a_group_only_attached_to_is_not_suspect);
	tcase_add_test(tcase, answers_may_come_in_any_order);
	tcase_add_test(tcase, an_id_is_the_same_in_any_spelling);
	tcase_add_test(tcase, thousands_of_groups_are_told_apart);
	tcase_add_test(tcase, an_id_is_found_in_any_spelling);
	tcase_add_test(tcase, ids_out_of_order_are_refused);
	Suite *suite = suite_create("cli/closed_groups");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
