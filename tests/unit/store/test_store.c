// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>

static struct store_fixture fixture;

static void setup(void)
{
	store_fixture_init(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

static void apply(struct change change)
{
	const int result = store_fixture_apply(&fixture, change);
	ck_assert_msg(result == 0, "%s", fixture.fault.message);
}

// ---------------------------------------------------------------- opening and status

START_TEST(a_new_store_says_that_it_is_empty)
{
	struct store_status status;
	store_get_status(fixture.store, &status);
	ck_assert_uint_eq(status.revision, 1);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_TOKEN], 0);
	ck_assert_uint_eq(status.bytes_max, fixture.options.map_size);
	ck_assert(status.accepts_writes);
	ck_assert_ptr_nonnull(store_db(fixture.store));
}
END_TEST

START_TEST(the_status_counts_every_kind)
{
	static const struct {
		enum object_kind kind;
		uint64_t count;
	} rows[] = {{OBJECT_KIND_TARIFF, 2},   {OBJECT_KIND_CHARGE_GROUP, 1}, {OBJECT_KIND_CHARGE_POINT, 1},
		    {OBJECT_KIND_CUSTOMER, 1}, {OBJECT_KIND_TOKEN, 2},        {OBJECT_KIND_MEMBERSHIP, 1}};
	struct store_status status;
	apply(change_put_tariff("t-1"));
	apply(change_put_tariff("t-2"));
	apply(change_put_group("g", "t-1"));
	apply(change_put_point("p", "e"));
	apply(change_put_customer("c", ""));
	apply(change_put_token("04A1", "c"));
	apply(change_put_foreign_token("X", "DE", "8AA"));
	apply(change_attach_customer("g", "c", ""));
	for (int pass = 0; pass < 2; pass++) {
		store_get_status(fixture.store, &status);
		ck_assert_uint_eq(status.revision, 9);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			ck_assert_uint_eq(status.objects[rows[i].kind], rows[i].count);
		store_fixture_close(&fixture);
		store_fixture_open(&fixture);
	}
}
END_TEST

START_TEST(a_store_that_cannot_be_opened_says_why)
{
	struct store *other = NULL;
	struct fault fault = {0};
	ck_assert_int_eq(store_open(&fixture.options, &other, &fault), -EBUSY);
	ck_assert_ptr_null(other);
	ck_assert_ptr_nonnull(strstr(fault.message, fixture.directory.path));
}
END_TEST

START_TEST(closing_finishes_what_was_submitted)
{
	enum { COUNT = 30 };
	static struct test_job jobs[COUNT];
	static struct change changes[COUNT];
	for (int i = 0; i < COUNT; i++) {
		char *id = store_fixture_text("c%d", i);
		changes[i] = change_put_customer(id, "");
		test_job_init(&jobs[i], &changes[i], 1);
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), 0);
	}
	store_fixture_close(&fixture);
	for (int i = 0; i < COUNT; i++) {
		ck_assert(jobs[i].is_finished);
		ck_assert_int_eq(jobs[i].job.result, 0);
		test_job_finish(&jobs[i]);
	}
	store_fixture_open(&fixture);
	ck_assert(store_fixture_has(&fixture, IMAGE_CUSTOMERS, "c29"));
}
END_TEST

START_TEST(a_full_queue_refuses_more)
{
	enum { MAX = 3 };
	struct test_gate gate;
	struct test_job jobs[MAX + 1];
	struct change change = change_put_customer("c", "");
	store_fixture_close(&fixture);
	fixture.options.queue_max = MAX;
	store_fixture_open(&fixture);
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i <= MAX; i++) {
		test_job_init(&jobs[i], &change, 1);
		ck_assert_int_eq(test_job_submit(&jobs[i], fixture.store), i < MAX ? 0 : -EAGAIN);
	}
	ck_assert_int_eq(jobs[MAX].job.fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_uint_ge(jobs[MAX].job.fault.retry_after_ms, 1);
	test_gate_open(&gate);
	for (int i = 0; i <= MAX; i++) {
		if (i < MAX)
			ck_assert_int_eq(test_job_wait(&jobs[i]), 0);
		test_job_finish(&jobs[i]);
	}
	apply(change);
}
END_TEST

START_TEST(a_set_that_waited_for_too_long_is_refused_and_changes_nothing)
{
	struct test_gate gate;
	struct test_job late, timely;
	struct change changes[] = {change_put_customer("late", ""), change_put_customer("timely", "")};
	test_gate_close(&gate, fixture.store);
	test_job_init(&late, &changes[0], 1);
	test_job_init(&timely, &changes[1], 1);
	late.job.late_ns = clock_wall_ns();
	timely.job.late_ns = UINT64_MAX;
	ck_assert_int_eq(test_job_submit(&late, fixture.store), 0);
	ck_assert_int_eq(test_job_submit(&timely, fixture.store), 0);
	test_gate_open(&gate);
	ck_assert_int_eq(test_job_wait(&late), -ETIME);
	ck_assert_int_eq(late.job.fault.code, STATUS_DEADLINE_EXCEEDED);
	ck_assert_int_eq(test_job_wait(&timely), 0);
	ck_assert(!store_fixture_has(&fixture, IMAGE_CUSTOMERS, "late"));
	ck_assert(store_fixture_has(&fixture, IMAGE_CUSTOMERS, "timely"));
	test_job_finish(&late);
	test_job_finish(&timely);
}
END_TEST

START_TEST(late_sets_alone_make_no_revision)
{
	struct test_job late;
	struct change change = change_put_customer("late", "");
	const uint64_t before = store_fixture_revision(&fixture);
	test_job_init(&late, &change, 1);
	late.job.late_ns = 1;
	ck_assert_int_eq(test_job_submit(&late, fixture.store), 0);
	ck_assert_int_eq(test_job_wait(&late), -ETIME);
	ck_assert_uint_eq(store_fixture_revision(&fixture), before);
	test_job_finish(&late);
}
END_TEST

// ---------------------------------------------------------------- readers

static void count_call(void *context)
{
	++*(int *)context;
}

START_TEST(readers_are_told_of_each_publication_until_they_are_destroyed)
{
	struct store_reader *reader;
	int calls = 0;
	ck_assert_int_eq(store_reader_create(fixture.store, count_call, &calls, &reader), 0);
	apply(change_put_customer("c1", ""));
	apply(change_put_customer("c2", ""));
	ck_assert_int_eq(calls, 2);
	ck_assert_int_ne(store_fixture_apply(&fixture, change_put_group("g", "none")), 0);
	ck_assert_int_eq(calls, 2);
	store_reader_destroy(reader);
	apply(change_put_customer("c3", ""));
	ck_assert_int_eq(calls, 2);
	store_reader_destroy(NULL);
}
END_TEST

START_TEST(there_are_only_so_many_readers)
{
	struct store_reader *readers[8];
	for (uint32_t i = 1; i < fixture.options.readers_max; i++)
		ck_assert_int_eq(store_reader_create(fixture.store, NULL, NULL, &readers[i]), 0);
	ck_assert_int_eq(store_reader_create(fixture.store, NULL, NULL, &readers[0]), -ENOSPC);
	store_reader_destroy(readers[3]);
	ck_assert_int_eq(store_reader_create(fixture.store, NULL, NULL, &readers[3]), 0);
	for (uint32_t i = 1; i < fixture.options.readers_max; i++)
		store_reader_destroy(readers[i]);
}
END_TEST

START_TEST(pinned_is_alone_in_its_cache_line)
{
	ck_assert_uint_eq((uintptr_t)&fixture.reader->pinned % 64, 0);
	ck_assert_uint_eq(offsetof(struct store_reader, active) % 64, 0);
}
END_TEST

// Nobody gets an answer to a write as long as somebody may still read the state before it.
START_TEST(an_answer_waits_for_the_readers_of_the_former_image)
{
	struct change change = change_put_customer("c1", "");
	struct test_job job;
	test_job_init(&job, &change, 1);
	const struct image *former = store_pin(fixture.reader);
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	while (atomic_load(fixture.reader->active) == former)
		sched_yield();
	ck_assert_uint_eq(former->revision, 1);
	ck_assert_uint_eq(former->tables[IMAGE_CUSTOMERS].count, 0);
	pthread_mutex_lock(&job.lock);
	ck_assert(!job.is_finished);
	pthread_mutex_unlock(&job.lock);
	store_unpin(fixture.reader);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
	ck_assert_uint_eq(store_fixture_revision(&fixture), 2);
}
END_TEST

// ---------------------------------------------------------------- two readers and a writer

enum { PAIRS = 400, KEPT = 16 };

struct watcher {
	struct store_reader *reader;
	atomic_bool *is_over;
	uint64_t pins;
	const char *complaint;
};

// Every set puts or deletes a customer together with two tokens, so every image has twice as many of these.
static const char *look(const struct image *image, uint64_t *last_revision)
{
	if (image->revision < *last_revision)
		return "the revision went back";
	*last_revision = image->revision;
	if (image->tables[IMAGE_TOKENS].count != 2 * image->tables[IMAGE_CUSTOMERS].count)
		return "a set is half there";
	for (int i = 0; i < KEPT; i++) {
		char id[16];
		struct id_key key;
		snprintf(id, sizeof(id), "C%d", i);
		id_fold(ID_FOLD_PLAIN, bytes_from(id), &key);
		const uint32_t handle = image_find(image, IMAGE_CUSTOMERS, &key);
		const uint32_t token = image_lookup_token(image, bytes_from(id), TOKEN_TYPE_UNSPECIFIED, NULL);
		if ((handle == 0) != (token == 0))
			return "a customer without a token, or the other way round";
		if (handle != 0 && image_token(image, token)->owner != handle)
			return "a token of somebody else";
	}
	return NULL;
}

static void *watch(void *argument)
{
	struct watcher *watcher = argument;
	uint64_t last_revision = 0;
	while (!atomic_load(watcher->is_over) && watcher->complaint == NULL) {
		watcher->complaint = look(store_pin(watcher->reader), &last_revision);
		store_unpin(watcher->reader);
		watcher->pins++;
	}
	return NULL;
}

static void change_pair(int i)
{
	char id[16], other[16];
	snprintf(id, sizeof(id), "c%d", i % KEPT);
	snprintf(other, sizeof(other), "x%d", i % KEPT);
	struct change changes[] = {change_put_customer(id, ""), change_put_token(id, id), change_put_token(other, id)};
	struct change delete = change_delete_customer(id);
	struct test_job job;
	if (i / KEPT % 2 == 0)
		test_job_init(&job, changes, ARRAY_SIZE(changes));
	else
		test_job_init(&job, &delete, 1);
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
}

START_TEST(readers_see_every_set_as_a_whole_or_not_at_all)
{
	atomic_bool is_over = false;
	struct watcher watchers[2];
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		watchers[i] = (struct watcher){.is_over = &is_over};
		ck_assert_int_eq(store_reader_create(fixture.store, NULL, NULL, &watchers[i].reader), 0);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, watch, &watchers[i]), 0);
	}
	for (int i = 0; i < PAIRS; i++)
		change_pair(i);
	atomic_store(&is_over, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_msg(watchers[i].complaint == NULL, "%s", watchers[i].complaint);
		ck_assert_uint_gt(watchers[i].pins, 0);
		store_reader_destroy(watchers[i].reader);
	}
	ck_assert_uint_eq(store_fixture_revision(&fixture), PAIRS + 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_new_store_says_that_it_is_empty);
	tcase_add_test(tcase, the_status_counts_every_kind);
	tcase_add_test(tcase, a_store_that_cannot_be_opened_says_why);
	tcase_add_test(tcase, closing_finishes_what_was_submitted);
	tcase_add_test(tcase, a_full_queue_refuses_more);
	tcase_add_test(tcase, a_set_that_waited_for_too_long_is_refused_and_changes_nothing);
	tcase_add_test(tcase, late_sets_alone_make_no_revision);
	tcase_add_test(tcase, readers_are_told_of_each_publication_until_they_are_destroyed);
	tcase_add_test(tcase, there_are_only_so_many_readers);
	tcase_add_test(tcase, pinned_is_alone_in_its_cache_line);
	tcase_add_test(tcase, an_answer_waits_for_the_readers_of_the_former_image);
	tcase_add_test(tcase, readers_see_every_set_as_a_whole_or_not_at_all);
	Suite *suite = suite_create("store/store");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
