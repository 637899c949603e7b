// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct store_fixture fixture;

static void setup(void)
{
	store_fixture_init(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

static void reopen(void)
{
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
}

static void apply(struct change change)
{
	const int result = store_fixture_apply(&fixture, change);
	ck_assert_msg(result == 0, "%s", fixture.fault.message);
}

static bool has_customer(const char *id)
{
	return store_fixture_has(&fixture, IMAGE_CUSTOMERS, id);
}

// Runs the job to its end.
static int run(struct test_job *job)
{
	ck_assert_int_eq(test_job_submit(job, fixture.store), 0);
	return test_job_wait(job);
}

// ---------------------------------------------------------------- one set

START_TEST(an_acknowledged_set_is_visible_and_durable)
{
	struct change change = change_put_customer("cust-1", "Ann");
	struct test_job job;
	test_job_init(&job, &change, 1);
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(job.job.response.revision, 2);
	ck_assert_uint_eq(job.job.response.results_count, 1);
	ck_assert_int_eq(job.job.response.results[0].outcome, CHANGE_OUTCOME_CREATED);
	test_job_finish(&job);
	ck_assert(has_customer("CUST-1"));
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
	reopen();
	ck_assert(has_customer("CUST-1"));
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
}
END_TEST

START_TEST(a_set_whose_last_change_fails_leaves_nothing)
{
	struct change changes[] = {change_put_customer("cust-1", "Ann"), change_put_customer("cust-2", "Bob"),
				   change_put_group("office", "no-such-tariff")};
	struct test_job job;
	test_job_init(&job, changes, ARRAY_SIZE(changes));
	ck_assert_int_eq(run(&job), -ENOENT);
	ck_assert_int_eq(job.job.fault.code, STATUS_NOT_FOUND);
	ck_assert_uint_eq(job.job.fault.change_number, 3);
	test_job_finish(&job);
	ck_assert(!has_customer("cust-1"));
	ck_assert_uint_eq(store_fixture_revision(&fixture), 1);
	reopen();
	ck_assert(!has_customer("cust-2"));
	apply(change_put_customer("cust-2", "Bob"));
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
}
END_TEST

START_TEST(an_accepted_set_that_changes_nothing_belongs_to_a_revision)
{
	struct change change = change_delete_customer("nobody");
	struct test_job job;
	test_job_init(&job, &change, 1);
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(job.job.response.revision, 2);
	ck_assert_int_eq(job.job.response.results[0].outcome, CHANGE_OUTCOME_UNCHANGED);
	test_job_finish(&job);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
}
END_TEST

START_TEST(a_dry_run_answers_and_changes_nothing)
{
	struct change change = change_put_customer("cust-1", "Ann");
	struct test_job job;
	test_job_init(&job, &change, 1);
	job.set.dry_run = true;
	ck_assert_int_eq(run(&job), 0);
	ck_assert_uint_eq(job.job.response.revision, 1);
	ck_assert_int_eq(job.job.response.results[0].outcome, CHANGE_OUTCOME_CREATED);
	test_job_finish(&job);
	ck_assert(!has_customer("cust-1"));
	ck_assert_uint_eq(store_fixture_revision(&fixture), 1);
	reopen();
	ck_assert(!has_customer("cust-1"));
}
END_TEST

START_TEST(expected_revision_must_be_the_head)
{
	struct change change = change_put_customer("cust-1", "Ann");
	struct test_job job;
	test_job_init(&job, &change, 1);
	job.set.expected_revision = 7;
	ck_assert_int_lt(run(&job), 0);
	ck_assert_int_eq(job.job.fault.code, STATUS_ABORTED);
	test_job_finish(&job);
	test_job_init(&job, &change, 1);
	job.set.expected_revision = 1;
	ck_assert_int_eq(run(&job), 0);
	test_job_finish(&job);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("apply");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_acknowledged_set_is_visible_and_durable);
	tcase_add_test(tcase, a_set_whose_last_change_fails_leaves_nothing);
	tcase_add_test(tcase, an_accepted_set_that_changes_nothing_belongs_to_a_revision);
	tcase_add_test(tcase, a_dry_run_answers_and_changes_nothing);
	tcase_add_test(tcase, expected_revision_must_be_the_head);
	Suite *suite = suite_create("store/apply");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
