// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/entry_fixture.h"

#include "tests/unit/unit.h"

static void finish_entry(struct store_entry *entry)
{
	struct test_entry *test = entry->context;
	pthread_mutex_lock(&test->lock);
	test->is_finished = true;
	pthread_cond_signal(&test->finished);
	pthread_mutex_unlock(&test->lock);
}

void test_entry_init(struct test_entry *entry, const struct store_position *position, uint8_t nonce, int64_t time)
{
	*entry = (struct test_entry){
		.entry = {.revision = position->revision + 1,
			  .epoch = position->epoch,
			  .prev = position->nonce,
			  .time = time,
			  .origin = BYTES_LITERAL("a-replica"),
			  .done = finish_entry},
	};
	memset(entry->entry.nonce.data, nonce, sizeof(entry->entry.nonce.data));
	pthread_mutex_init(&entry->lock, NULL);
	pthread_cond_init(&entry->finished, NULL);
}

struct test_job *test_entry_add(struct test_entry *entry, struct change *changes, size_t count)
{
	ck_assert_uint_lt(entry->jobs_count, TEST_ENTRY_SETS_MAX);
	struct test_job *job = &entry->jobs[entry->jobs_count++];
	test_job_init(job, changes, count);
	return job;
}

int test_entry_submit(struct test_entry *entry, struct store *store)
{
	entry->entry.context = entry;
	entry->entry.jobs = NULL;
	entry->is_finished = false;
	for (size_t i = entry->jobs_count; i > 0; i--) {
		entry->jobs[i - 1].job.next = entry->entry.jobs;
		entry->entry.jobs = &entry->jobs[i - 1].job;
	}
	return store_submit_entry(store, &entry->entry);
}

int test_entry_wait(struct test_entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	while (!entry->is_finished)
		pthread_cond_wait(&entry->finished, &entry->lock);
	pthread_mutex_unlock(&entry->lock);
	return entry->entry.result;
}

void test_entry_finish(struct test_entry *entry)
{
	for (size_t i = 0; i < entry->jobs_count; i++)
		test_job_finish(&entry->jobs[i]);
	pthread_cond_destroy(&entry->finished);
	pthread_mutex_destroy(&entry->lock);
}

struct store_position test_entry_position(const struct test_entry *entry)
{
	return (struct store_position){
		.epoch = entry->entry.epoch, .revision = entry->entry.revision, .nonce = entry->entry.nonce};
}

int test_entry_apply(struct store *store, struct store_position *position, uint8_t nonce, int64_t time,
		     struct change change, int *ret_set_result)
{
	struct test_entry entry;
	test_entry_init(&entry, position, nonce, time);
	test_entry_add(&entry, &change, 1);
	ck_assert_int_eq(test_entry_submit(&entry, store), 0);
	const int result = test_entry_wait(&entry);
	if (ret_set_result != NULL)
		*ret_set_result = entry.jobs[0].job.result;
	test_entry_finish(&entry);
	store_get_position(store, position);
	return result;
}
