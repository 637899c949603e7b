// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/lister.h"

#include "daemon/rpc/rpc.h"
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <semaphore.h>

enum { COUNT = LISTER_QUEUE_MAX + 2 };

static struct store_fixture fixture;
static struct worker worker;
static struct service service;
static struct lister *lister;
static sem_t begun, may_end;

static void setup(void)
{
	store_fixture_init(&fixture);
	ck_assert_int_eq(loop_create(&worker.loop), 0);
	mailbox_init(&worker.mailbox, worker.loop);
	sem_init(&begun, 0, 0);
	sem_init(&may_end, 0, 0);
	service.store = fixture.store;
	ck_assert_int_eq(lister_create(&service, &lister), 0);
}

static void teardown(void)
{
	worker.mailbox.first = NULL; // the jobs are the test's own
	mailbox_finish(&worker.mailbox);
	loop_destroy(worker.loop);
	store_fixture_finish(&fixture);
}

static int stop_in_the_middle(struct lister *self, const void *request, struct arena *arena, const void **ret_response,
			      struct fault *fault)
{
	(void)self;
	(void)request;
	(void)arena;
	(void)ret_response;
	fault_set(fault, STATUS_NOT_FOUND, NULL, "nothing");
	sem_post(&begun);
	sem_wait(&may_end);
	return -ENOENT;
}

static const struct method_row method = {.name = "Test", .list = stop_in_the_middle};

// Results of posted jobs, in the order of posting.
static int count_results(const struct job *jobs)
{
	int count = 0;
	for (const struct mail *mail = worker.mailbox.first; mail != NULL; mail = mail->next) {
		const struct job *job = (const struct job *)((const char *)mail - offsetof(struct job, mail));
		ck_assert_ptr_eq(job, &jobs[count]);
		ck_assert_int_eq(job->store.result, -ENOENT);
		ck_assert_int_eq(job->store.fault.code, STATUS_NOT_FOUND);
		count++;
	}
	return count;
}

START_TEST(as_many_wait_as_allowed_and_not_one_more)
{
	static struct job jobs[COUNT];
	for (int i = 0; i < COUNT; i++)
		jobs[i] = (struct job){.worker = &worker, .method = &method};
	ck_assert_int_eq(lister_submit(lister, &jobs[0]), 0);
	sem_wait(&begun); // taken out of the queue
	for (int i = 1; i <= LISTER_QUEUE_MAX; i++)
		ck_assert_int_eq(lister_submit(lister, &jobs[i]), 0);
	ck_assert_int_eq(lister_submit(lister, &jobs[COUNT - 1]), -EAGAIN);
	ck_assert_int_eq(jobs[COUNT - 1].store.fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_uint_ge(jobs[COUNT - 1].store.fault.retry_after_ms, 1);
	jobs[COUNT - 1].store.fault = (struct fault){0};
	for (int i = 0; i < COUNT; i++)
		sem_post(&may_end);
	for (int i = 1; i <= LISTER_QUEUE_MAX; i++)
		sem_wait(&begun);
	ck_assert_int_eq(lister_submit(lister, &jobs[COUNT - 1]), 0);
	sem_wait(&begun);
	sem_post(&may_end);
	lister_destroy(lister);
	ck_assert_int_eq(count_results(jobs), COUNT);
}
END_TEST

static int mark_done(struct lister *self, const void *request, struct arena *arena, const void **ret_response,
		     struct fault *fault)
{
	*(bool *)request = true;
	(void)self;
	(void)arena;
	(void)ret_response;
	(void)fault;
	return -ENOENT;
}

START_TEST(what_waited_for_too_long_is_not_begun)
{
	static const struct method_row marking = {.name = "Test", .list = mark_done};
	static bool is_done[2];
	static struct job jobs[2];
	jobs[0] = (struct job){.worker = &worker, .method = &marking, .request = &is_done[0], .store.late_ns = 1};
	jobs[1] = (struct job){
		.worker = &worker, .method = &marking, .request = &is_done[1], .store.late_ns = UINT64_MAX};
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(lister_submit(lister, &jobs[i]), 0);
	// Behind them one that says when it is reached.
	static struct job last;
	last = (struct job){.worker = &worker, .method = &method};
	ck_assert_int_eq(lister_submit(lister, &last), 0);
	sem_wait(&begun);
	sem_post(&may_end);
	lister_destroy(lister);
	ck_assert(!is_done[0]);
	ck_assert_int_eq(jobs[0].store.result, -ETIME);
	ck_assert(is_done[1]);
	ck_assert_int_eq(jobs[1].store.result, -ENOENT);
}
END_TEST

START_TEST(one_without_work_ends)
{
	lister_destroy(lister);
	lister_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/lister");
	TCase *tests = tcase_create("lister");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, as_many_wait_as_allowed_and_not_one_more);
	tcase_add_test(tests, what_waited_for_too_long_is_not_begun);
	tcase_add_test(tests, one_without_work_ends);
	tcase_set_timeout(tests, 30);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
