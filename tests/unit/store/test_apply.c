// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "store/store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

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

// ---------------------------------------------------------------- many sets at once

enum { JOBS = 40 };

// Sets of one customer each, "c0" on, submitted while the writer stands still.
static void submit_customers(struct test_job *jobs, struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *id = store_fixture_text("c%zu", i);
		changes[i] = change_put_customer(id, "");
		test_job_init(&jobs[i], &changes[i], 1);
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
}

START_TEST(sets_that_wait_together_share_a_revision)
{
	struct test_gate gate;
	struct test_job jobs[JOBS];
	struct change changes[JOBS];
	test_gate_close(&gate, fixture.store);
	submit_customers(jobs, changes, JOBS);
	test_gate_open(&gate);
	for (int i = 0; i < JOBS; i++) {
		ck_assert_int_eq(test_job_wait(&jobs[i]), 0);
		ck_assert_uint_eq(jobs[i].job.response.revision, 2);
		test_job_finish(&jobs[i]);
	}
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
	reopen();
	ck_assert(has_customer("c0") && has_customer("c39"));
}
END_TEST

START_TEST(sets_too_large_for_one_commit_take_several)
{
	struct test_gate gate;
	struct test_job jobs[4];
	struct change changes[4];
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 4; i++) {
		char *id = store_fixture_text("c%d", i);
		changes[i] = change_put_customer(id, "");
		test_job_init(&jobs[i], &changes[i], 1);
		jobs[i].job.body_size = i == 2 ? 1 : COMMIT_BODIES_MAX;
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	test_gate_open(&gate);
	for (uint64_t i = 0; i < 4; i++) {
		ck_assert_int_eq(test_job_wait(&jobs[i]), 0);
		ck_assert_uint_eq(jobs[i].job.response.revision, i + 2);
		test_job_finish(&jobs[i]);
	}
}
END_TEST

// Each id of a list writes a record.
START_TEST(sets_with_long_lists_take_several_commits)
{
	enum { IDS = 3500 };
	static struct bytes ids[IDS];
	struct test_gate gate;
	struct test_job jobs[3];
	struct attach_customers attach = {
		.charge_group_id = BYTES_LITERAL("g"), .customer_ids = ids, .customer_ids_count = IDS};
	struct change changes[3] = {{.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &attach},
				    {.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &attach},
				    change_put_customer("c2", "")};
	for (int i = 0; i < IDS; i++)
		ids[i] = BYTES_LITERAL("c1");
	apply(change_put_tariff("t"));
	apply(change_put_group("g", "t"));
	apply(change_put_customer("c1", ""));
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 3; i++) {
		test_job_init(&jobs[i], &changes[i], 1);
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	test_gate_open(&gate);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(test_job_wait(&jobs[i]), 0);
	ck_assert_uint_eq(jobs[1].job.response.revision, jobs[0].job.response.revision + 1);
	ck_assert_uint_eq(jobs[2].job.response.revision, jobs[1].job.response.revision);
	for (int i = 0; i < 3; i++)
		test_job_finish(&jobs[i]);
}
END_TEST

START_TEST(a_set_refused_amid_others_leaves_no_trace)
{
	struct test_gate gate;
	struct test_job jobs[3];
	struct change changes[] = {change_put_customer("c1", ""), change_put_customer("c2", ""),
				   change_put_group("g", "no-such-tariff"), change_put_token("04A1", "c1")};
	test_job_init(&jobs[0], &changes[0], 1);
	test_job_init(&jobs[1], &changes[1], 2);
	test_job_init(&jobs[2], &changes[3], 1); // refers to what the first one puts
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&jobs[0]), 0);
	ck_assert_int_eq(test_job_wait(&jobs[1]), -ENOENT);
	ck_assert_int_eq(test_job_wait(&jobs[2]), 0);
	for (int i = 0; i < 3; i++)
		test_job_finish(&jobs[i]);
	ck_assert(has_customer("c1"));
	ck_assert(!has_customer("c2"));
	reopen();
	ck_assert(has_customer("c1"));
	ck_assert(!has_customer("c2"));
}
END_TEST

START_TEST(an_expected_revision_allows_no_set_before_it_in_the_same_commit)
{
	struct test_gate gate;
	struct test_job jobs[3];
	struct change changes[3] = {change_put_customer("c1", ""), change_put_customer("c2", ""),
				    change_put_customer("c3", "")};
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 3; i++) {
		test_job_init(&jobs[i], &changes[i], 1);
		jobs[i].set.expected_revision = 1;
		jobs[i].set.dry_run = i == 0; // takes no part
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&jobs[0]), 0);
	ck_assert_int_eq(test_job_wait(&jobs[1]), 0);
	ck_assert_int_lt(test_job_wait(&jobs[2]), 0);
	ck_assert_int_eq(jobs[2].job.fault.code, STATUS_ABORTED);
	for (int i = 0; i < 3; i++)
		test_job_finish(&jobs[i]);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
}
END_TEST

// ---------------------------------------------------------------- idempotency

// A keyed set of one change, run to its end. The job is the caller's to finish.
static int run_keyed(struct test_job *job, struct change *change, const char *actor, const char *key)
{
	test_job_init(job, change, 1);
	job->set.actor = bytes_from(actor);
	job->set.idempotency_key = bytes_from(key);
	return run(job);
}

static int apply_keyed(struct change change, const char *actor, const char *key)
{
	struct test_job job;
	const int result = run_keyed(&job, &change, actor, key);
	fixture.fault = job.job.fault;
	test_job_finish(&job);
	return result;
}

static void expect_replay(struct change change, const char *actor, const char *key, uint64_t revision)
{
	struct test_job job;
	ck_assert_int_eq(run_keyed(&job, &change, actor, key), 0);
	ck_assert(job.job.response.replayed);
	ck_assert_uint_eq(job.job.response.revision, revision);
	ck_assert_uint_eq(job.job.response.results_count, 1);
	ck_assert_int_eq(job.job.response.results[0].outcome, CHANGE_OUTCOME_CREATED);
	test_job_finish(&job);
}

START_TEST(the_same_changes_under_a_key_get_the_first_answer)
{
	const struct change change = change_put_customer("c1", "Ann");
	ck_assert_int_eq(apply_keyed(change, "ops", "k-1"), 0);
	expect_replay(change, "ops", "k-1", 2);
	apply(change_delete_customer("c1"));
	expect_replay(change, "ops", "k-1", 2);
	ck_assert(!has_customer("c1"));
	reopen();
	expect_replay(change, "ops", "k-1", 2);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 3);
}
END_TEST

START_TEST(other_changes_under_a_key_are_refused)
{
	ck_assert_int_eq(apply_keyed(change_put_customer("c1", "Ann"), "ops", "k-1"), 0);
	ck_assert_int_eq(apply_keyed(change_put_customer("c1", "Bob"), "ops", "k-1"), -EEXIST);
	ck_assert_int_eq(fixture.fault.code, STATUS_ALREADY_EXISTS);
	ck_assert_str_eq(fixture.fault.field, "idempotency_key");
}
END_TEST

START_TEST(a_key_is_of_its_actor_alone)
{
	ck_assert_int_eq(apply_keyed(change_put_customer("c1", "Ann"), "ops", "k-1"), 0);
	ck_assert_int_eq(apply_keyed(change_put_customer("c2", "Bob"), "csms", "k-1"), 0);
	ck_assert_int_eq(apply_keyed(change_put_customer("c3", "Cid"), "", "k-1"), 0);
	ck_assert(has_customer("c2") && has_customer("c3"));
}
END_TEST

START_TEST(refusals_and_dry_runs_are_not_remembered)
{
	const struct change group = change_put_group("g", "t-1");
	ck_assert_int_eq(apply_keyed(group, "ops", "k-1"), -ENOENT);
	struct change customer = change_put_customer("c1", "Ann");
	struct test_job job;
	test_job_init(&job, &customer, 1);
	job.set.idempotency_key = BYTES_LITERAL("k-2");
	job.set.dry_run = true;
	ck_assert_int_eq(run(&job), 0);
	test_job_finish(&job);
	apply(change_put_tariff("t-1"));
	ck_assert_int_eq(apply_keyed(group, "ops", "k-1"), 0);
	ck_assert_int_eq(apply_keyed(change_put_customer("c2", "Bob"), "", "k-2"), 0);
}
END_TEST

START_TEST(a_retry_is_answered_although_its_own_first_try_moved_the_head)
{
	struct change change = change_put_customer("c1", "Ann");
	for (int i = 0; i < 2; i++) {
		struct test_job job;
		test_job_init(&job, &change, 1);
		job.set.idempotency_key = BYTES_LITERAL("k-1");
		job.set.expected_revision = 1;
		ck_assert_int_eq(run(&job), 0);
		ck_assert_uint_eq(job.job.response.revision, 2);
		ck_assert(job.job.response.replayed == (i == 1));
		test_job_finish(&job);
	}
}
END_TEST

START_TEST(a_key_used_twice_in_one_commit_takes_effect_once)
{
	struct test_gate gate;
	struct test_job jobs[3];
	struct change changes[3] = {change_put_customer("c1", "Ann"), change_put_customer("c1", "Ann"),
				    change_put_customer("c1", "Bob")};
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 3; i++) {
		test_job_init(&jobs[i], &changes[i], 1);
		jobs[i].set.idempotency_key = BYTES_LITERAL("k-1");
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&jobs[0]), 0);
	ck_assert_int_eq(test_job_wait(&jobs[1]), 0);
	ck_assert_int_eq(test_job_wait(&jobs[2]), -EEXIST);
	ck_assert(!jobs[0].job.response.replayed);
	ck_assert(jobs[1].job.response.replayed);
	ck_assert_uint_eq(jobs[1].job.response.revision, 2);
	ck_assert_int_eq(jobs[1].job.response.results[0].outcome, CHANGE_OUTCOME_CREATED);
	for (int i = 0; i < 3; i++)
		test_job_finish(&jobs[i]);
}
END_TEST

// What is remembered is trimmed by the commits' time: a clock set back must not go into it.
START_TEST(the_time_of_commits_never_goes_back)
{
	const int64_t future = clock_wall_s() + 100000;
	const struct db_options options = {.directory = fixture.directory.path, .map_size = fixture.options.map_size};
	const struct db_write write = {.table = DB_META,
				       .key = BYTES_LITERAL("time"),
				       .value = {.data = (const char *)&future, .size = sizeof(future)}};
	struct db *db;
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	store_fixture_close(&fixture);
	ck_assert_int_eq(db_open(&options, &db, &fixture.fault), 0);
	ck_assert_int_eq(db_commit(db, &write, 1, 1), 0);
	db_close(db);
	store_fixture_open(&fixture);
	apply(change_put_customer("c1", ""));
	ck_assert_int_eq(db_read_create(store_db(fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_get(read, DB_META, BYTES_LITERAL("time"), &record), 0);
	ck_assert_uint_eq(record.modified_revision, 2);
	ck_assert(bytes_equal(record.value, write.value));
	db_read_destroy(read);
}
END_TEST

START_TEST(an_actor_or_key_that_is_too_long_is_refused)
{
	char text[66];
	memset(text, 'k', sizeof(text));
	text[65] = '\0';
	ck_assert_int_lt(apply_keyed(change_put_customer("c1", ""), "ops", text), 0);
	ck_assert_int_lt(apply_keyed(change_put_customer("c1", ""), text, "k"), 0);
	text[64] = '\0';
	ck_assert_int_eq(apply_keyed(change_put_customer("c1", ""), text, text), 0);
	expect_replay(change_put_customer("c1", ""), text, text, 2);
}
END_TEST

// ---------------------------------------------------------------- full

// Customers with long names until one is refused. Returns how many went in.
static int fill(void)
{
	static char name[1000];
	memset(name, 'n', sizeof(name) - 1);
	for (int count = 0;; count++) {
		char *id = store_fixture_text("full-%d", count);
		const int result = store_fixture_apply(&fixture, change_put_customer(id, name));
		if (result == 0)
			continue;
		ck_assert_int_eq(result, -ENOSPC);
		ck_assert_int_eq(fixture.fault.code, STATUS_RESOURCE_EXHAUSTED);
		return count;
	}
}

static void limit_map(uint64_t size)
{
	store_fixture_close(&fixture);
	fixture.options.map_size = size;
	store_fixture_open(&fixture);
}

START_TEST(a_full_store_takes_deletes_and_then_more)
{
	struct store_status status;
	limit_map(1024 * 1024);
	const int count = fill();
	ck_assert_int_gt(count, 100);
	store_get_status(fixture.store, &status);
	ck_assert(!status.accepts_writes);
	ck_assert_uint_gt(status.bytes_used * 10, status.bytes_max * 7);
	for (int i = 0; i < count; i++) {
		char *id = store_fixture_text("full-%d", i);
		apply(change_delete_customer(id));
	}
	store_get_status(fixture.store, &status);
	ck_assert(status.accepts_writes);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_CUSTOMER], 0);
	ck_assert_int_ge(fill(), count - 10);
}
END_TEST

START_TEST(a_full_store_still_repeats_answers_and_tries_dry_runs)
{
	limit_map(1024 * 1024);
	const struct change change = change_put_customer("c1", "Ann");
	ck_assert_int_eq(apply_keyed(change, "ops", "k-1"), 0);
	fill();
	expect_replay(change, "ops", "k-1", 2);
	struct change other = change_put_customer("c2", "Bob");
	struct test_job job;
	test_job_init(&job, &other, 1);
	job.set.dry_run = true;
	ck_assert_int_eq(run(&job), 0);
	test_job_finish(&job);
}
END_TEST

static void limit_files(rlim_t size)
{
	const struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// Answers that stood on a set of the same commit, which did not get through, are not given.
START_TEST(on_a_full_disk_what_stood_on_the_refused_is_tried_again)
{
	enum { COUNT = 200, SETS = 4 };
	static struct customer customers[COUNT];
	static struct change puts[COUNT];
	static char name[1000];
	memset(name, 'n', sizeof(name) - 1);
	for (int i = 0; i < COUNT; i++) {
		customers[i] =
			(struct customer){.id = bytes_from(store_fixture_text("c%d", i + 1)), .name = bytes_from(name)};
		puts[i] = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customers[i]};
	}
	struct change delete = change_delete_customer("c1"), token = change_put_token("04AA", "c2"),
		      create = change_put_customer("c2", "");
	struct test_gate gate;
	struct test_job jobs[SETS];
	struct store_status status;
	apply(change_put_customer("c1", ""));
	delete.expected_object_revision = store_fixture_revision(&fixture);
	create.create_only = true;
	store_get_status(fixture.store, &status);
	limit_files(status.bytes_used + 65536);
	test_gate_close(&gate, fixture.store);
	test_job_init(&jobs[0], puts, COUNT);
	test_job_init(&jobs[1], &delete, 1); // of what the first set changes
	test_job_init(&jobs[2], &token, 1);  // of a customer the first set makes
	test_job_init(&jobs[3], &create, 1); // likewise
	jobs[2].set.dry_run = true;
	for (int i = 0; i < SETS; i++)
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&jobs[0]), -ENOSPC);
	ck_assert_int_eq(test_job_wait(&jobs[1]), 0);
	ck_assert_int_eq(test_job_wait(&jobs[2]), -ENOENT);
	ck_assert_int_eq(test_job_wait(&jobs[3]), -ENOSPC);
	for (int i = 0; i < SETS; i++)
		test_job_finish(&jobs[i]);
	ck_assert(!has_customer("c1") && !has_customer("c2"));
	limit_files(RLIM_INFINITY);
}
END_TEST

// What fills the disk must not keep from getting through what empties it.
START_TEST(on_a_full_disk_deletes_get_through_beside_what_is_refused)
{
	struct test_gate gate;
	struct test_job jobs[2];
	static char name[1000];
	memset(name, 'n', sizeof(name) - 1);
	enum { COUNT = 200 };
	static struct customer customers[COUNT];
	static struct change puts[COUNT];
	struct change delete = change_delete_customer("c1");
	for (int i = 0; i < COUNT; i++) {
		char *id = store_fixture_text("more-%d", i);
		customers[i] = (struct customer){.id = bytes_from(id), .name = bytes_from(name)};
		puts[i] = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customers[i]};
	}
	apply(change_put_customer("c1", ""));
	apply(change_put_customer("c2", ""));
	struct store_status status;
	store_get_status(fixture.store, &status);
	limit_files(status.bytes_used + 65536);
	test_gate_close(&gate, fixture.store);
	test_job_init(&jobs[0], puts, COUNT);
	test_job_init(&jobs[1], &delete, 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&jobs[0]), -ENOSPC);
	ck_assert_int_eq(jobs[0].job.fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_int_eq(test_job_wait(&jobs[1]), 0);
	for (int i = 0; i < 2; i++)
		test_job_finish(&jobs[i]);
	ck_assert(!has_customer("c1"));
	ck_assert(!has_customer("more-0"));
	limit_files(RLIM_INFINITY);
	apply(change_put_customer("c3", ""));
	reopen();
	ck_assert(has_customer("c2") && has_customer("c3"));
	ck_assert(!has_customer("c1"));
	ck_assert(!has_customer("more-0"));
}
END_TEST

// ---------------------------------------------------------------- out of memory

// Wherever it runs out, each set is as a whole there or not, and says which.
START_TEST(a_commit_that_runs_out_of_memory_is_refused_and_the_next_goes_on)
{
	const size_t budget = fixture.store->arena.budget;
	int refused = 0, accepted = 0;
	for (size_t limit = 0; limit < 48 * 1024; limit += 512) {
		struct test_gate gate;
		struct test_job jobs[2];
		struct change changes[4];
		char *ids[2] = {store_fixture_text("a%zu", limit), store_fixture_text("b%zu", limit)};
		test_gate_close(&gate, fixture.store);
		fixture.store->arena.budget = limit;
		for (int i = 0; i < 2; i++) {
			changes[2 * i] = change_put_customer(ids[i], "");
			changes[2 * i + 1] = change_put_token(ids[i], ids[i]);
			test_job_init(&jobs[i], &changes[2 * i], 2);
			jobs[i].set.idempotency_key = bytes_from(ids[i]);
			ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
		}
		test_gate_open(&gate);
		for (int i = 0; i < 2; i++) {
			const int result = test_job_wait(&jobs[i]);
			ck_assert(has_customer(ids[i]) == (result == 0));
			ck_assert(result == 0 || jobs[i].job.fault.code == STATUS_RESOURCE_EXHAUSTED);
			accepted += result == 0;
			refused += result != 0;
			test_job_finish(&jobs[i]);
		}
	}
	ck_assert_int_gt(refused, 4);
	ck_assert_int_gt(accepted, 4);
	struct test_gate gate;
	test_gate_close(&gate, fixture.store);
	fixture.store->arena.budget = budget;
	test_gate_open(&gate);
	struct store_status status;
	store_get_status(fixture.store, &status);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_CUSTOMER], (uint64_t)accepted);
	reopen();
	store_get_status(fixture.store, &status);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_CUSTOMER], (uint64_t)accepted);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_TOKEN], (uint64_t)accepted);
}
END_TEST

// ---------------------------------------------------------------- a disk that fails

static atomic_int fatal_error;

static void note_fatal(void *context, int error)
{
	(void)context;
	atomic_store(&fatal_error, error);
}

// Lets every write to the data file fail: its descriptors are replaced by one that cannot be written.
static void break_disk(void)
{
	char link[64], target[256];
	const int nothing = open("/dev/null", O_RDONLY);
	for (int fd = 3; fd < 64; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		const ssize_t size = readlink(link, target, sizeof(target) - 1);
		if (size < 0)
			continue;
		target[size] = '\0';
		if (strstr(target, fixture.directory.path) != NULL && strstr(target, "data.mdb") != NULL &&
		    strstr(target, "lock") == NULL)
			ck_assert_int_eq(dup2(nothing, fd), fd);
	}
	close(nothing);
}

START_TEST(a_commit_that_fails_for_good_is_unknown_and_the_last)
{
	store_fixture_close(&fixture);
	fixture.options.on_fatal = note_fatal;
	store_fixture_open(&fixture);
	apply(change_put_customer("c1", ""));
	break_disk();
	struct change change = change_put_customer("c2", "");
	struct test_gate gate;
	struct test_job jobs[3];
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < 3; i++) {
		test_job_init(&jobs[i], &change, 1);
		jobs[i].set.dry_run = i != 1;
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&jobs[0]), 0); // nothing of it was to be written
	ck_assert_int_eq(test_job_wait(&jobs[1]), -EIO);
	ck_assert_int_eq(jobs[1].job.fault.code, STATUS_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(jobs[1].job.fault.message, "unknown"));
	ck_assert_int_eq(test_job_wait(&jobs[2]), -EIO); // tried on what may not be
	for (int i = 0; i < 3; i++)
		test_job_finish(&jobs[i]);
	ck_assert(!has_customer("c2"));
	ck_assert(has_customer("c1"));
	struct store_status status;
	store_get_status(fixture.store, &status);
	ck_assert(!status.accepts_writes);
	ck_assert_int_eq(store_fixture_apply(&fixture, change), -EIO);
	store_fixture_close(&fixture); // waits for the writer
	ck_assert_int_lt(atomic_load(&fatal_error), 0);
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
	tcase_add_test(tcase, sets_that_wait_together_share_a_revision);
	tcase_add_test(tcase, sets_too_large_for_one_commit_take_several);
	tcase_add_test(tcase, sets_with_long_lists_take_several_commits);
	tcase_add_test(tcase, a_set_refused_amid_others_leaves_no_trace);
	tcase_add_test(tcase, an_expected_revision_allows_no_set_before_it_in_the_same_commit);
	tcase_add_test(tcase, the_same_changes_under_a_key_get_the_first_answer);
	tcase_add_test(tcase, other_changes_under_a_key_are_refused);
	tcase_add_test(tcase, a_key_is_of_its_actor_alone);
	tcase_add_test(tcase, refusals_and_dry_runs_are_not_remembered);
	tcase_add_test(tcase, a_retry_is_answered_although_its_own_first_try_moved_the_head);
	tcase_add_test(tcase, a_key_used_twice_in_one_commit_takes_effect_once);
	tcase_add_test(tcase, the_time_of_commits_never_goes_back);
	tcase_add_test(tcase, an_actor_or_key_that_is_too_long_is_refused);
	tcase_add_test(tcase, a_full_store_takes_deletes_and_then_more);
	tcase_add_test(tcase, a_full_store_still_repeats_answers_and_tries_dry_runs);
	tcase_add_test(tcase, on_a_full_disk_deletes_get_through_beside_what_is_refused);
	tcase_add_test(tcase, on_a_full_disk_what_stood_on_the_refused_is_tried_again);
	tcase_add_test(tcase, a_commit_that_runs_out_of_memory_is_refused_and_the_next_goes_on);
	tcase_add_test(tcase, a_commit_that_fails_for_good_is_unknown_and_the_last);
	Suite *suite = suite_create("store/apply");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
