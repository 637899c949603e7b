// SPDX-License-Identifier: Apache-2.0
// A commit that goes on in parts: sets so large that each is one.
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include "store/store_impl.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

enum { SETS_MAX = 12 };

static struct store_fixture fixture;
static struct test_job jobs[SETS_MAX];
static struct change changes[SETS_MAX];
static int results[SETS_MAX];
static uint64_t revisions[SETS_MAX];

static void setup(void)
{
	store_fixture_init(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

static void init_jobs(size_t count)
{
	for (size_t i = 0; i < count; i++)
		test_job_init(&jobs[i], &changes[i], 1);
}

// All of them wait when the writer comes to the first.
static void run_jobs(size_t count)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store);
	for (size_t i = 0; i < count; i++) {
		jobs[i].job.body_size = COMMIT_BODIES_MAX;
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	test_gate_open(&gate);
	for (size_t i = 0; i < count; i++) {
		results[i] = test_job_wait(&jobs[i]);
		revisions[i] = results[i] == 0 ? jobs[i].job.response.revision : 0;
		test_job_finish(&jobs[i]);
	}
}

static void run_changes(size_t count)
{
	init_jobs(count);
	run_jobs(count);
}

static void put_customers(size_t count)
{
	for (size_t i = 0; i < count; i++)
		changes[i] = change_put_customer(store_fixture_text("c%zu", i), "");
}

static bool has_customer(const char *id)
{
	return store_fixture_has(&fixture, IMAGE_CUSTOMERS, id);
}

static void reopen(void)
{
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
}

static struct id128 digest_now(void)
{
	struct store_status status;
	store_get_status(fixture.store, &status);
	return status.digest;
}

START_TEST(each_part_is_a_revision_as_if_it_were_alone)
{
	put_customers(SETS_MAX);
	for (size_t i = 0; i < SETS_MAX; i++)
		ck_assert_int_eq(store_fixture_apply(&fixture, changes[i]), 0);
	const struct id128 alone = digest_now();
	store_fixture_finish(&fixture);
	store_fixture_init(&fixture);
	put_customers(SETS_MAX);
	run_changes(SETS_MAX);
	for (size_t i = 0; i < SETS_MAX; i++) {
		ck_assert_int_eq(results[i], 0);
		ck_assert_uint_eq(revisions[i], i + 2);
	}
	const struct id128 in_parts = digest_now();
	ck_assert(id128_equal(&alone, &in_parts));
	reopen();
	const struct id128 stored = digest_now();
	ck_assert(id128_equal(&alone, &stored));
	ck_assert(has_customer("c0") && has_customer("c11"));
	ck_assert_uint_eq(store_fixture_revision(&fixture), SETS_MAX + 1);
}
END_TEST

START_TEST(parts_are_published_together)
{
	struct store_figures figures;
	uint64_t commits = 0;
	put_customers(5);
	run_changes(5);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("last", "")), 0);
	store_get_figures(fixture.store, &figures);
	ck_assert_uint_ge(figures.commit_sets.sum, 5);
	for (int i = 0; i < BUCKETS_MAX; i++)
		commits += figures.commit_sets.counts[i];
	ck_assert_uint_le(commits, 3);
}
END_TEST

START_TEST(a_part_without_an_accepted_set_makes_no_revision)
{
	put_customers(4);
	changes[1] = change_put_group("g", "no-such-tariff");
	init_jobs(4);
	jobs[2].set.dry_run = true;
	run_jobs(4);
	ck_assert_int_eq(results[0], 0);
	ck_assert_int_eq(results[1], -ENOENT);
	ck_assert_int_eq(results[2], 0);
	ck_assert_int_eq(results[3], 0);
	ck_assert_uint_eq(revisions[0], 2);
	ck_assert_uint_eq(revisions[2], 2); // of the state it was tried on
	ck_assert_uint_eq(revisions[3], 3);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 3);
	ck_assert(has_customer("c0") && !has_customer("c2") && has_customer("c3"));
	reopen();
	ck_assert_uint_eq(store_fixture_revision(&fixture), 3);
}
END_TEST

START_TEST(parts_that_are_all_refused_leave_nothing)
{
	for (int i = 0; i < 3; i++)
		changes[i] = change_put_group(store_fixture_text("g%d", i), "no-such-tariff");
	run_changes(3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(results[i], -ENOENT);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 1);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "")), 0);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
}
END_TEST

START_TEST(a_part_sees_what_those_before_it_did)
{
	changes[0] = change_put_customer("c0", "");
	changes[1] = change_put_token("04AA", "c0");
	changes[2] = change_put_customer("c0", "Ann");
	changes[2].expected_object_revision = 2; // what the first one makes
	changes[3] = change_delete_customer("c0");
	changes[3].expected_object_revision = 2;
	run_changes(4);
	ck_assert_int_eq(results[0], 0);
	ck_assert_int_eq(results[1], 0);
	ck_assert_int_eq(results[2], 0);
	ck_assert_int_eq(results[3], -ECANCELED);
	reopen();
	ck_assert(has_customer("c0"));
}
END_TEST

START_TEST(a_key_used_again_in_a_later_part_gets_the_first_answer)
{
	put_customers(3);
	changes[2] = changes[0];
	init_jobs(3);
	jobs[0].set.idempotency_key = jobs[2].set.idempotency_key = BYTES_LITERAL("key");
	run_jobs(3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(results[i], 0);
	ck_assert_uint_eq(revisions[0], 2);
	ck_assert_uint_eq(revisions[1], 3);
	ck_assert_uint_eq(revisions[2], 2);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 3);
}
END_TEST

// ---------------------------------------------------------------- failures

static void limit_files(rlim_t size)
{
	const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A set larger than the room that is left on the disk: customers "more-0" on.
static void init_job_that_fills_the_disk(struct test_job *job)
{
	enum { COUNT = 1500 };
	static struct customer customers[COUNT];
	static struct change puts[COUNT];
	static char name[1000];
	struct store_status status;
	memset(name, 'n', sizeof(name) - 1);
	for (int i = 0; i < COUNT; i++) {
		char *id = store_fixture_text("more-%d", i);
		customers[i] = (struct customer){.id = bytes_from(id), .name = bytes_from(name)};
		puts[i] = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customers[i]};
	}
	test_job_finish(job);
	test_job_init(job, puts, COUNT);
	store_get_status(fixture.store, &status);
	limit_files(status.bytes_used + 512 * 1024);
}

// The parts before it are there, and deletes behind it get through.
START_TEST(a_part_that_fills_the_disk_is_refused_alone)
{
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("former", "")), 0);
	put_customers(3);
	changes[3] = change_delete_customer("former");
	init_jobs(4);
	init_job_that_fills_the_disk(&jobs[2]);
	run_jobs(4);
	ck_assert_int_eq(results[0], 0);
	ck_assert_int_eq(results[1], 0);
	ck_assert_int_eq(results[2], -ENOSPC);
	ck_assert_int_eq(results[3], 0);
	ck_assert(has_customer("c0") && has_customer("c1") && !has_customer("more-0") && !has_customer("former"));
	limit_files(RLIM_INFINITY);
	const struct id128 shown = digest_now();
	reopen();
	const struct id128 stored = digest_now();
	ck_assert(id128_equal(&shown, &stored));
	ck_assert(has_customer("c0") && has_customer("c1") && !has_customer("more-0") && !has_customer("former"));
}
END_TEST

// Answers that stood on a part which did not get through are not given.
START_TEST(what_stood_on_a_part_that_failed_is_tried_again)
{
	put_customers(2);
	changes[2] = change_put_customer("more-0", "");
	changes[2].create_only = true;
	init_jobs(3);
	init_job_that_fills_the_disk(&jobs[1]);
	run_jobs(3);
	ck_assert_int_eq(results[0], 0);
	ck_assert_int_eq(results[1], -ENOSPC);
	ck_assert_int_eq(results[2], -ENOSPC); // not -EEXIST
	ck_assert(has_customer("c0") && !has_customer("more-0"));
	limit_files(RLIM_INFINITY);
}
END_TEST

// ---------------------------------------------------------------- the log

static uint64_t oldest_revision(void)
{
	struct store_status status;
	store_get_status(fixture.store, &status);
	return status.log_oldest_revision;
}

// What the parts of one commit wrote is only forgotten by the next one.
START_TEST(the_log_is_held_to_its_limit_with_the_next_commit)
{
	store_fixture_close(&fixture);
	fixture.options.log_entries_max = 2;
	fixture.options.log_bytes_max = 1024 * 1024;
	fixture.options.log_age_max_s = 1000;
	store_fixture_open(&fixture);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("a", "")), 0);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("b", "")), 0);
	ck_assert_uint_eq(oldest_revision(), 2);
	put_customers(4);
	run_changes(4);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 7);
	ck_assert_uint_ge(oldest_revision(), 4);
	ck_assert_uint_le(oldest_revision(), 6);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("z", "")), 0);
	ck_assert_uint_eq(oldest_revision(), 7);
	reopen();
	ck_assert_uint_eq(oldest_revision(), 7);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("y", "")), 0);
	ck_assert_uint_eq(oldest_revision(), 8);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("apply_parts");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_part_is_a_revision_as_if_it_were_alone);
	tcase_add_test(tcase, parts_are_published_together);
	tcase_add_test(tcase, a_part_without_an_accepted_set_makes_no_revision);
	tcase_add_test(tcase, parts_that_are_all_refused_leave_nothing);
	tcase_add_test(tcase, a_part_sees_what_those_before_it_did);
	tcase_add_test(tcase, a_key_used_again_in_a_later_part_gets_the_first_answer);
	tcase_add_test(tcase, a_part_that_fills_the_disk_is_refused_alone);
	tcase_add_test(tcase, what_stood_on_a_part_that_failed_is_tried_again);
	tcase_add_test(tcase, the_log_is_held_to_its_limit_with_the_next_commit);
	Suite *suite = suite_create("store/apply_parts");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
