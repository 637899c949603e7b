// SPDX-License-Identifier: Apache-2.0
// What is forgotten when, with small limits and a clock of its own. What is answered is in test_apply.c.
#include "store/idempotency.h"
#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

enum { AGE_MIN_S = 100, COUNT_MIN = 5 };

static struct temporary directory;
static struct db *db;
static struct db_read *read_;
static struct arena arena;
static struct idempotency idempotency;
static uint64_t revision;
static struct fault fault;

static void setup(void)
{
	temporary_create(&directory);
	const struct db_options options = {.directory = directory.path, .map_size = 16 * 1024 * 1024};
	ck_assert_int_eq(db_open(&options, &db, &fault), 0);
	ck_assert_int_eq(db_read_create(db, &read_), 0);
	arena_init(&arena, 4096, 1024 * 1024);
	revision = 1;
	fault = (struct fault){0};
}

static void teardown(void)
{
	arena_finish(&arena);
	db_read_destroy(read_);
	db_close(db);
	temporary_remove(&directory);
}

static void begin(int64_t time)
{
	uint64_t head;
	ck_assert_int_eq(db_read_start(read_, &head), 0);
	ck_assert_uint_eq(head, revision);
	arena_reset(&arena);
	idempotency = (struct idempotency){
		.read = read_,
		.arena = &arena,
		.age_min_s = AGE_MIN_S,
		.count_min = COUNT_MIN,
	};
	idempotency_begin_revision(&idempotency, revision + 1, time);
}

static void end(void)
{
	ck_assert_int_eq(idempotency_end_revision(&idempotency), 0);
	ck_assert_int_eq(db_commit(db, idempotency.writes, idempotency.writes_count, ++revision), 0);
	db_read_stop(read_);
}

static struct change_set set_of(const char *key)
{
	static struct delete_object nobody = {.id = BYTES_LITERAL("nobody")};
	static struct change change = {.kind = CHANGE_DELETE_CUSTOMER, .delete_object = &nobody};
	return (struct change_set){.changes = &change,
				   .changes_count = 1,
				   .actor = BYTES_LITERAL("ops"),
				   .idempotency_key = bytes_from(key)};
}

static void remember(const char *key)
{
	const struct apply_response response = {.revision = revision + 1};
	const struct change_set set = set_of(key);
	ck_assert_int_eq(idempotency_remember(&idempotency, &set, &response), 0);
}

// The revision of the remembered answer, 0 when there is none.
static uint64_t found_within(const char *key, uint32_t window_s)
{
	struct apply_response response;
	const struct change_set set = set_of(key);
	const int result = idempotency_find(&idempotency, &set, window_s, &arena, &response, &fault);
	if (result == -ENOENT)
		return 0;
	ck_assert_int_eq(result, 0);
	ck_assert(response.replayed);
	return response.revision;
}

static uint64_t found(const char *key)
{
	return found_within(key, 0);
}

// Remembers `count` keys "<prefix>0" on in one commit at `time`.
static void commit_keys(int64_t time, char prefix, int count)
{
	begin(time);
	for (int i = 0; i < count; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%c%d", prefix, i);
		remember(key);
	}
	end();
}

// Of "<prefix>0" on, how many are remembered.
static int count_found(char prefix, int count)
{
	int sum = 0;
	begin(0);
	for (int i = 0; i < count; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%c%d", prefix, i);
		sum += found(key) != 0;
	}
	db_read_stop(read_);
	return sum;
}

START_TEST(what_is_remembered_is_found_in_its_commit_and_later)
{
	begin(1000);
	ck_assert_uint_eq(found("a"), 0);
	remember("a");
	ck_assert_uint_eq(found("a"), 2);
	ck_assert_uint_eq(found("b"), 0);
	end();
	begin(1001);
	ck_assert_uint_eq(found("a"), 2);
	db_read_stop(read_);
}
END_TEST

START_TEST(what_is_old_is_kept_as_long_as_it_is_among_the_last)
{
	commit_keys(1000, 'a', COUNT_MIN);
	commit_keys(5000, 'b', 0);
	ck_assert_int_eq(count_found('a', COUNT_MIN), COUNT_MIN);
}
END_TEST

START_TEST(what_is_young_is_kept_however_many_there_are)
{
	commit_keys(1000, 'a', 50);
	commit_keys(1000 + AGE_MIN_S - 1, 'b', 0);
	ck_assert_int_eq(count_found('a', 50), 50);
}
END_TEST

START_TEST(what_is_old_and_beyond_the_last_is_forgotten)
{
	commit_keys(1000, 'a', 20);
	commit_keys(1000 + AGE_MIN_S, 'b', 0);
	ck_assert_int_eq(count_found('a', 20), COUNT_MIN);
	commit_keys(1000 + AGE_MIN_S, 'b', 3);
	commit_keys(1000 + AGE_MIN_S + 1, 'c', 0);
	ck_assert_int_eq(count_found('a', 20), COUNT_MIN - 3);
	ck_assert_int_eq(count_found('b', 3), 3);
}
END_TEST

START_TEST(one_commit_forgets_more_than_it_adds_but_not_without_end)
{
	commit_keys(1000, 'a', 200);
	commit_keys(2000, 'b', 10);
	ck_assert_int_eq(count_found('a', 200), 200 - 10 - IDEMPOTENCY_TRIM_MAX);
	commit_keys(2000, 'b', 0);
	commit_keys(2000, 'b', 0);
	commit_keys(2000, 'b', 0);
	ck_assert_int_eq(count_found('a', 200) + count_found('b', 10), 10);
}
END_TEST

START_TEST(a_key_that_was_forgotten_is_new_again)
{
	commit_keys(1000, 'a', 1);
	commit_keys(1000, 'b', COUNT_MIN);
	commit_keys(2000, 'c', 0);
	ck_assert_int_eq(count_found('a', 1), 0);
	commit_keys(2000, 'a', 1);
	begin(2000);
	ck_assert_uint_eq(found("a0"), 5);
	db_read_stop(read_);
	commit_keys(2001, 'c', 0);
	ck_assert_int_eq(count_found('a', 1), 1);
}
END_TEST

static uint64_t count_rows(enum db_table table)
{
	uint64_t count;
	begin(0);
	ck_assert_int_eq(db_count(read_, table, &count), 0);
	db_read_stop(read_);
	return count;
}

START_TEST(beyond_its_window_a_key_is_new)
{
	commit_keys(1000, 'a', 1);
	begin(1060);
	ck_assert_uint_eq(found_within("a0", 60), 2);
	db_read_stop(read_);
	begin(1061);
	ck_assert_uint_eq(found_within("a0", 60), 0);
	ck_assert_uint_eq(found("a0"), 2); // for whoever has no window
	remember("a0");
	ck_assert_uint_eq(found_within("a0", 60), 3);
	end();
	begin(1062);
	ck_assert_uint_eq(found_within("a0", 60), 3);
	db_read_stop(read_);
	ck_assert_uint_eq(count_rows(DB_IDEMPOTENCY), 1);
	ck_assert_uint_eq(count_rows(DB_IDEMPOTENCY_AGE), 1);
}
END_TEST

// Its first row in the order of age would take the newer answer away.
START_TEST(a_key_used_anew_is_as_young_as_its_last_use)
{
	commit_keys(1000, 'a', 3);
	commit_keys(1500, 'a', 1);
	commit_keys(1500, 'b', COUNT_MIN);
	commit_keys(1500 + AGE_MIN_S - 1, 'c', 0);
	ck_assert_int_eq(count_found('a', 3), 1);
	begin(0);
	ck_assert_uint_eq(found("a0"), 3);
	db_read_stop(read_);
}
END_TEST

// Several revisions in one commit forget what they would forget one by one.
START_TEST(revisions_of_one_commit_find_and_forget_as_if_alone)
{
	commit_keys(1000, 'a', 2);
	begin(1000);
	for (int i = 0; i < 6; i++) {
		char key[16];
		snprintf(key, sizeof(key), "b%d", i);
		remember(key);
		ck_assert_int_eq(idempotency_end_revision(&idempotency), 0);
		idempotency_begin_revision(&idempotency, ++revision + 1, 1000);
	}
	ck_assert_uint_eq(found("a0"), 2);
	idempotency_begin_revision(&idempotency, ++revision + 1, 1000 + AGE_MIN_S);
	ck_assert_int_eq(idempotency_end_revision(&idempotency), 0);
	ck_assert_uint_eq(found("a0"), 0);
	ck_assert_uint_eq(found("a1"), 0);
	ck_assert_uint_eq(found("b0"), 0); // of this commit
	ck_assert_uint_eq(found("b1"), 4);
	remember("a0");
	ck_assert_uint_eq(found("a0"), revision + 1);
	end();
	ck_assert_int_eq(count_found('a', 2) + count_found('b', 6), COUNT_MIN + 1);
	ck_assert_uint_eq(count_rows(DB_IDEMPOTENCY), COUNT_MIN + 1);
	ck_assert_uint_eq(count_rows(DB_IDEMPOTENCY_AGE), COUNT_MIN + 1);
}
END_TEST

START_TEST(a_damaged_record_is_told)
{
	commit_keys(1000, 'a', 1);
	const struct db_write write = {
		.table = DB_IDEMPOTENCY, .key = BYTES_LITERAL("ops\0a0"), .value = BYTES_LITERAL("short")};
	ck_assert_int_eq(db_commit(db, &write, 1, ++revision), 0);
	begin(1000);
	struct apply_response response;
	const struct change_set set = set_of("a0");
	ck_assert_int_eq(idempotency_find(&idempotency, &set, 0, &arena, &response, &fault), -EBADMSG);
	ck_assert_int_eq(fault.code, STATUS_DATA_LOSS);
	db_read_stop(read_);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("idempotency");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_remembered_is_found_in_its_commit_and_later);
	tcase_add_test(tcase, what_is_old_is_kept_as_long_as_it_is_among_the_last);
	tcase_add_test(tcase, what_is_young_is_kept_however_many_there_are);
	tcase_add_test(tcase, what_is_old_and_beyond_the_last_is_forgotten);
	tcase_add_test(tcase, one_commit_forgets_more_than_it_adds_but_not_without_end);
	tcase_add_test(tcase, a_key_that_was_forgotten_is_new_again);
	tcase_add_test(tcase, beyond_its_window_a_key_is_new);
	tcase_add_test(tcase, a_key_used_anew_is_as_young_as_its_last_use);
	tcase_add_test(tcase, revisions_of_one_commit_find_and_forget_as_if_alone);
	tcase_add_test(tcase, a_damaged_record_is_told);
	Suite *suite = suite_create("store/idempotency");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
