// SPDX-License-Identifier: Apache-2.0
// Revisions that were ordered elsewhere: which are taken, what is refused in them, what becomes of the position. That
// grouping them changes nothing is in test_entry_random.c.
#include "tests/unit/store/entry_fixture.h"
#include "tests/unit/unit.h"

#include "store/store_impl.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

enum { TIME = 1000000 };

static struct store_fixture fixture;
static struct store_position position;

static void setup(void)
{
	store_fixture_init(&fixture);
	store_get_position(fixture.store, &position);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

static void check_position(const struct store_position *expected)
{
	struct store_position found;
	store_get_position(fixture.store, &found);
	ck_assert_uint_eq(found.revision, expected->revision);
	ck_assert(id128_equal(&found.epoch, &expected->epoch));
	ck_assert(id128_equal(&found.nonce, &expected->nonce));
	ck_assert_int_eq(found.is_attached, expected->is_attached);
}

static void reopen(void)
{
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
}

static bool has_customer(const char *id)
{
	return store_fixture_has(&fixture, IMAGE_CUSTOMERS, id);
}

// ---------------------------------------------------------------- position

START_TEST(a_new_store_has_a_history_of_its_own)
{
	struct store_fixture other;
	struct store_position of_other;
	ck_assert(!id128_is_zero(&position.epoch));
	ck_assert(id128_is_zero(&position.nonce));
	ck_assert_uint_eq(position.revision, 1);
	ck_assert(!position.is_attached);
	store_fixture_init(&other);
	store_get_position(other.store, &of_other);
	ck_assert(!id128_equal(&position.epoch, &of_other.epoch));
	store_fixture_finish(&other);
	reopen();
	check_position(&position);
}
END_TEST

START_TEST(every_change_made_here_gets_a_nonce_of_its_own)
{
	struct store_position first, second;
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "")), 0);
	store_get_position(fixture.store, &first);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "")), 0);
	store_get_position(fixture.store, &second);
	ck_assert_uint_eq(second.revision, 3);
	ck_assert(id128_equal(&first.epoch, &position.epoch) && id128_equal(&second.epoch, &position.epoch));
	ck_assert(!id128_is_zero(&first.nonce) && !id128_equal(&first.nonce, &second.nonce));
	ck_assert_int_ne(store_fixture_apply(&fixture, change_put_group("g", "none")), 0);
	check_position(&second);
	reopen();
	check_position(&second);
}
END_TEST

START_TEST(the_position_is_set_where_it_was_expected)
{
	struct store_position next = {
		.epoch = id128_random(), .revision = 7, .nonce = id128_random(), .is_attached = true};
	struct store_position wrong = position;
	wrong.nonce.data[3] ^= 1;
	ck_assert_int_eq(store_set_position(fixture.store, &wrong, &next), -ESTALE);
	wrong = position;
	wrong.revision++;
	ck_assert_int_eq(store_set_position(fixture.store, &wrong, &next), -ESTALE);
	check_position(&position);
	ck_assert_int_eq(store_set_position(fixture.store, &position, &next), 0);
	check_position(&next);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 7);
	reopen();
	check_position(&next);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 7);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "")), 0);
	store_get_position(fixture.store, &position);
	ck_assert_uint_eq(position.revision, 8);
	ck_assert(position.is_attached);
}
END_TEST

// ---------------------------------------------------------------- entries

START_TEST(an_entry_makes_its_revision_with_its_nonce)
{
	struct test_entry entry;
	struct change change = change_put_customer("c", "");
	test_entry_init(&entry, &position, 5, TIME);
	test_entry_add(&entry, &change, 1);
	ck_assert_int_eq(test_entry_submit(&entry, fixture.store), 0);
	ck_assert_int_eq(test_entry_wait(&entry), 0);
	ck_assert_int_eq(entry.jobs[0].job.result, 0);
	ck_assert_uint_eq(entry.jobs[0].job.response.revision, 2);
	ck_assert(!entry.jobs[0].is_finished); // the entry's done() answers for all
	const struct store_position after = test_entry_position(&entry);
	check_position(&after);
	test_entry_finish(&entry);
	ck_assert(has_customer("c"));
	reopen();
	check_position(&after);
	ck_assert(has_customer("c"));
}
END_TEST

START_TEST(refusals_are_told_and_the_revision_is_made_all_the_same)
{
	struct test_entry entry;
	struct change bad = change_put_group("g", "none"), good = change_put_customer("c", "");
	test_entry_init(&entry, &position, 5, TIME);
	test_entry_add(&entry, &bad, 1);
	test_entry_add(&entry, &good, 1);
	test_entry_add(&entry, &good, 1)->set.expected_revision = 1;
	ck_assert_int_eq(test_entry_submit(&entry, fixture.store), 0);
	ck_assert_int_eq(test_entry_wait(&entry), 0);
	ck_assert_int_eq(entry.jobs[0].job.result, -ENOENT);
	ck_assert_int_eq(entry.jobs[0].job.fault.code, STATUS_NOT_FOUND);
	ck_assert_int_eq(entry.jobs[1].job.result, 0);
	ck_assert_int_eq(entry.jobs[2].job.result, -ECANCELED);
	test_entry_finish(&entry);
	store_get_position(fixture.store, &position);
	int result;
	ck_assert_int_eq(test_entry_apply(fixture.store, &position, 6, TIME, bad, &result), 0);
	ck_assert_int_eq(result, -ENOENT);
	ck_assert_uint_eq(position.revision, 3);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 3);
	reopen();
	check_position(&position);
}
END_TEST

static const char *const misfits[] = {"revision too high", "revision done", "other epoch", "other prev"};

START_TEST(an_entry_that_does_not_follow_is_stale_and_so_is_what_comes_behind)
{
	struct test_entry entries[3];
	struct change changes[3];
	struct test_gate gate;
	struct store_position at = position;
	for (int i = 0; i < 3; i++) {
		changes[i] = change_put_customer(store_fixture_text("c%d", i), "");
		test_entry_init(&entries[i], &at, (uint8_t)(10 + i), TIME);
		test_entry_add(&entries[i], &changes[i], 1);
		at = test_entry_position(&entries[i]);
	}
	if (_i == 0)
		entries[1].entry.revision++;
	else if (_i == 1)
		entries[1].entry.revision--;
	else if (_i == 2)
		entries[1].entry.epoch.data[0] ^= 1;
	else
		entries[1].entry.prev.data[15] ^= 1;
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_msg(test_entry_wait(&entries[0]) == 0, "%s", misfits[_i]);
	ck_assert_msg(test_entry_wait(&entries[1]) == -ESTALE, "%s", misfits[_i]);
	ck_assert_msg(test_entry_wait(&entries[2]) == -ESTALE, "%s", misfits[_i]);
	ck_assert(has_customer("c0") && !has_customer("c1") && !has_customer("c2"));
	const struct store_position after = test_entry_position(&entries[0]);
	check_position(&after);
	for (int i = 0; i < 3; i++)
		test_entry_finish(&entries[i]);
}
END_TEST

START_TEST(change_sets_made_here_and_entries_share_the_queue)
{
	struct test_gate gate;
	struct test_entry entry;
	struct test_job job;
	struct change changes[] = {change_put_customer("local", ""), change_put_customer("other", "")};
	test_gate_close(&gate, fixture.store);
	test_job_init(&job, &changes[0], 1);
	test_entry_init(&entry, &position, 9, TIME);
	test_entry_add(&entry, &changes[1], 1);
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	ck_assert_int_eq(test_entry_submit(&entry, fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&job), 0);
	const int result = test_entry_wait(&entry); // it follows, or it came second
	ck_assert(result == (job.job.response.revision == 2 ? -ESTALE : 0));
	ck_assert(has_customer("local"));
	ck_assert(has_customer("other") == (result == 0));
	test_job_finish(&job);
	test_entry_finish(&entry);
}
END_TEST

START_TEST(time_never_goes_back_whatever_an_entry_says)
{
	int result;
	ck_assert_int_eq(test_entry_apply(fixture.store, &position, 1, TIME, change_put_customer("c", ""), &result), 0);
	ck_assert_int_eq(fixture.store->state.time, TIME);
	ck_assert_int_eq(test_entry_apply(fixture.store, &position, 2, 5, change_put_customer("c", ""), &result), 0);
	ck_assert_int_eq(fixture.store->state.time, TIME);
	reopen();
	ck_assert_int_eq(fixture.store->state.time, TIME);
}
END_TEST

START_TEST(a_full_queue_takes_no_more_entries)
{
	enum { MAX = 2 };
	struct test_gate gate;
	struct test_entry entries[MAX + 1];
	struct store_position at = position;
	struct change change = change_put_customer("c", "");
	store_fixture_close(&fixture);
	fixture.options.queue_max = MAX;
	store_fixture_open(&fixture);
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i <= MAX; i++) {
		test_entry_init(&entries[i], &at, (uint8_t)(i + 1), TIME);
		test_entry_add(&entries[i], &change, 1);
		at = test_entry_position(&entries[i]);
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), i < MAX ? 0 : -EAGAIN);
	}
	test_gate_open(&gate);
	for (int i = 0; i <= MAX; i++) {
		if (i < MAX)
			ck_assert_int_eq(test_entry_wait(&entries[i]), 0);
		test_entry_finish(&entries[i]);
	}
}
END_TEST

START_TEST(closing_finishes_the_entries_that_were_submitted)
{
	enum { COUNT = 20 };
	static struct test_entry entries[COUNT];
	static struct change changes[COUNT];
	struct store_position at = position;
	for (int i = 0; i < COUNT; i++) {
		changes[i] = change_put_customer(store_fixture_text("c%d", i), "");
		test_entry_init(&entries[i], &at, (uint8_t)(i + 1), TIME);
		test_entry_add(&entries[i], &changes[i], 1);
		at = test_entry_position(&entries[i]);
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), 0);
	}
	store_fixture_close(&fixture);
	for (int i = 0; i < COUNT; i++) {
		ck_assert(entries[i].is_finished);
		ck_assert_int_eq(entries[i].entry.result, 0);
		test_entry_finish(&entries[i]);
	}
	store_fixture_open(&fixture);
	check_position(&at);
	ck_assert(has_customer("c19"));
}
END_TEST

// ---------------------------------------------------------------- no room

static void limit_files(rlim_t size)
{
	signal(SIGXFSZ, SIG_IGN);
	const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// Those before it are applied, one by one if they must; it can be tried again, what is behind it is stale.
START_TEST(an_entry_without_room_can_be_tried_again)
{
	enum { COUNT = 3, PUTS = 900 };
	static struct test_entry entries[COUNT];
	static struct change puts[PUTS], first, last;
	struct test_gate gate;
	struct store_position at = position;
	struct store_status status;
	for (int i = 0; i < PUTS; i++)
		puts[i] = change_put_customer(store_fixture_text("more-%d", i), store_fixture_text("%0200d", i));
	first = change_put_customer("first", "");
	last = change_put_customer("last", "");
	for (int i = 0; i < COUNT; i++) {
		test_entry_init(&entries[i], &at, (uint8_t)(i + 1), TIME);
		test_entry_add(&entries[i], i == 0 ? &first : i == 1 ? puts : &last, i == 1 ? PUTS : 1);
		at = test_entry_position(&entries[i]);
	}
	store_get_status(fixture.store, &status);
	test_gate_close(&gate, fixture.store);
	limit_files(status.bytes_used + 65536);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_int_eq(test_entry_wait(&entries[0]), 0);
	ck_assert_int_eq(test_entry_wait(&entries[1]), -ENOSPC);
	ck_assert_int_eq(test_entry_wait(&entries[2]), -ESTALE);
	limit_files(RLIM_INFINITY);
	ck_assert(has_customer("first") && !has_customer("more-0"));
	for (int i = 1; i < COUNT; i++) {
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), 0);
		ck_assert_int_eq(test_entry_wait(&entries[i]), 0);
	}
	ck_assert(has_customer("more-899") && has_customer("last"));
	check_position(&at);
	for (int i = 0; i < COUNT; i++)
		test_entry_finish(&entries[i]);
}
END_TEST

// Whoever orders entries answers for the fill level.
START_TEST(a_full_store_still_takes_entries)
{
	int result;
	store_fixture_close(&fixture);
	fixture.options.map_size = 1024 * 1024;
	store_fixture_open(&fixture);
	struct store_status status;
	for (int i = 0; i < 2000; i++) {
		struct change change =
			change_put_customer(store_fixture_text("c%d", i), store_fixture_text("%0200d", i));
		if (store_fixture_apply(&fixture, change) != 0)
			break;
	}
	store_get_status(fixture.store, &status);
	ck_assert(!status.accepts_writes);
	store_get_position(fixture.store, &position);
	ck_assert_int_eq(test_entry_apply(fixture.store, &position, 3, TIME, change_put_customer("x", ""), &result), 0);
	ck_assert_int_eq(result, 0);
	ck_assert(has_customer("x"));
}
END_TEST

// What the machine lacks is no refusal: the set is not answered, the entry is not applied.
START_TEST(an_entry_without_memory_is_not_applied)
{
	struct test_gate gate;
	struct test_entry entry;
	struct change change = change_put_customer("c", "");
	const size_t budget = fixture.store->arena.budget;
	int failed = 0;
	for (size_t limit = 0; limit < 24 * 1024; limit += 512) {
		test_entry_init(&entry, &position, (uint8_t)(1 + limit / 512), TIME);
		test_entry_add(&entry, &change, 1);
		test_gate_close(&gate, fixture.store);
		fixture.store->arena.budget = limit;
		ck_assert_int_eq(test_entry_submit(&entry, fixture.store), 0);
		test_gate_open(&gate);
		const int result = test_entry_wait(&entry);
		ck_assert(result == 0 || result == -ENOMEM);
		failed += result != 0;
		test_entry_finish(&entry);
		struct store_position after;
		store_get_position(fixture.store, &after);
		ck_assert_uint_eq(after.revision, position.revision + (result == 0));
		position = after;
	}
	test_gate_close(&gate, fixture.store);
	fixture.store->arena.budget = budget;
	test_gate_open(&gate);
	ck_assert_int_gt(failed, 3);
	ck_assert_uint_gt(position.revision, 3);
}
END_TEST

// ---------------------------------------------------------------- limits

enum { ENTRIES = 3, ENTRY_PUTS = 40 };

// Entries that wait at a closed gate, of two sets each that put so many customers.
static void submit_large(struct test_entry entries[ENTRIES], struct change puts[ENTRIES][2][ENTRY_PUTS])
{
	struct store_position at = position;
	for (int i = 0; i < ENTRIES; i++) {
		test_entry_init(&entries[i], &at, (uint8_t)(i + 1), TIME);
		for (int j = 0; j < 2; j++) {
			for (int k = 0; k < ENTRY_PUTS; k++)
				puts[i][j][k] = change_put_customer(store_fixture_text("c-%d-%d-%d", i, j, k), "");
			test_entry_add(&entries[i], puts[i][j], ENTRY_PUTS);
		}
		at = test_entry_position(&entries[i]);
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), 0);
	}
}

static void expect_applied(struct test_entry entries[ENTRIES], int result_of_second_sets)
{
	for (int i = 0; i < ENTRIES; i++) {
		ck_assert_int_eq(test_entry_wait(&entries[i]), 0);
		ck_assert_int_eq(entries[i].jobs[0].job.result, 0);
		ck_assert_uint_eq(entries[i].jobs[0].job.response.results_count, ENTRY_PUTS);
		ck_assert_int_eq(entries[i].jobs[1].job.result, result_of_second_sets);
		test_entry_finish(&entries[i]);
		ck_assert(has_customer(store_fixture_text("c-%d-0-39", i)));
		ck_assert(has_customer(store_fixture_text("c-%d-1-0", i)) == (result_of_second_sets == 0));
	}
	store_get_position(fixture.store, &position);
	ck_assert_uint_eq(position.revision, 1 + ENTRIES);
}

// Whichever entries share a transaction: each of them has all that a revision may write.
START_TEST(an_entry_beyond_what_a_revision_may_write_is_applied_without_the_set_that_is_too_much)
{
	static struct test_entry entries[ENTRIES];
	static struct change puts[ENTRIES][2][ENTRY_PUTS];
	struct test_gate gate;
	test_gate_close(&gate, fixture.store);
	fixture.store->rules_limits.revision.writes = (size_t)2 * ENTRY_PUTS - _i;
	submit_large(entries, puts);
	test_gate_open(&gate);
	expect_applied(entries, _i == 0 ? 0 : -E2BIG);
}
END_TEST

// The arena is too small for all of them, not for any of them.
START_TEST(entries_that_share_too_little_memory_are_applied_one_by_one)
{
	enum { ENOUGH_FOR_ONE = 48 * 1024 };
	static struct test_entry entries[ENTRIES];
	static struct change puts[ENTRIES][2][ENTRY_PUTS];
	struct test_gate gate;
	const size_t budget = fixture.store->arena.budget;
	test_gate_close(&gate, fixture.store);
	fixture.store->arena.budget = ENOUGH_FOR_ONE;
	submit_large(entries, puts);
	test_gate_open(&gate);
	expect_applied(entries, 0);
	ck_assert_uint_gt(2 * fixture.store->arena.used, ENOUGH_FOR_ONE); // by the last one alone
	fixture.store->arena.budget = budget;
}
END_TEST

// Decoding took what it took, which is not the same for every replica.
START_TEST(a_response_has_memory_of_its_own)
{
	struct test_entry entry;
	struct change change = change_put_customer("c", "");
	test_entry_init(&entry, &position, 5, TIME);
	struct test_job *job = test_entry_add(&entry, &change, 1);
	job->job.arena.budget = 0;
	ck_assert_int_eq(test_entry_submit(&entry, fixture.store), 0);
	ck_assert_int_eq(test_entry_wait(&entry), 0);
	ck_assert_int_eq(job->job.result, 0);
	test_entry_finish(&entry);
}
END_TEST

// ---------------------------------------------------------------- calls

static int count_call(struct store *store, void *argument)
{
	ck_assert_ptr_eq(store, fixture.store);
	return ++*(int *)argument;
}

static void *call_often(void *argument)
{
	for (int i = 0; i < 200; i++)
		ck_assert_int_gt(store_call(fixture.store, count_call, argument), 0);
	return NULL;
}

START_TEST(calls_of_several_threads_run_one_at_a_time_between_commits)
{
	pthread_t threads[3];
	int count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &count), 0);
	for (int i = 0; i < 30; i++) {
		ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "")), 0);
		struct store_position seen;
		store_get_position(fixture.store, &seen);
		ck_assert_uint_eq(seen.revision, (uint64_t)i + 2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(count, 600);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("entry");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_new_store_has_a_history_of_its_own);
	tcase_add_test(tcase, every_change_made_here_gets_a_nonce_of_its_own);
	tcase_add_test(tcase, the_position_is_set_where_it_was_expected);
	tcase_add_test(tcase, an_entry_makes_its_revision_with_its_nonce);
	tcase_add_test(tcase, refusals_are_told_and_the_revision_is_made_all_the_same);
	tcase_add_loop_test(tcase, an_entry_that_does_not_follow_is_stale_and_so_is_what_comes_behind, 0,
			    ARRAY_SIZE(misfits));
	tcase_add_test(tcase, change_sets_made_here_and_entries_share_the_queue);
	tcase_add_test(tcase, time_never_goes_back_whatever_an_entry_says);
	tcase_add_test(tcase, a_full_queue_takes_no_more_entries);
	tcase_add_test(tcase, closing_finishes_the_entries_that_were_submitted);
	tcase_add_test(tcase, an_entry_without_room_can_be_tried_again);
	tcase_add_test(tcase, a_full_store_still_takes_entries);
	tcase_add_test(tcase, an_entry_without_memory_is_not_applied);
	tcase_add_loop_test(
		tcase, an_entry_beyond_what_a_revision_may_write_is_applied_without_the_set_that_is_too_much, 0, 2);
	tcase_add_test(tcase, entries_that_share_too_little_memory_are_applied_one_by_one);
	tcase_add_test(tcase, a_response_has_memory_of_its_own);
	tcase_add_test(tcase, calls_of_several_threads_run_one_at_a_time_between_commits);
	Suite *suite = suite_create("store/apply_entry");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
