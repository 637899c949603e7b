// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/lister.h"

#include "base/clock.h"
#include "base/drain.h"
#include "base/thread.h"
#include "daemon/rpc/rpc.h"
#include "store/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

struct lister {
	struct service *service;
	struct listing *listing;
	struct log_reader *log;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, *last;
	uint32_t count;
	struct drain drain;
	bool stopping;
};

// NULL: the end.
static struct job *take_job(struct lister *lister)
{
	pthread_mutex_lock(&lister->lock);
	while (lister->first == NULL && !lister->stopping)
		pthread_cond_wait(&lister->changed, &lister->lock);
	struct job *job = lister->first;
	if (job != NULL) {
		lister->first = job->next;
		lister->count--;
	}
	pthread_mutex_unlock(&lister->lock);
	return job;
}

// Encoded here as well: a page of 1,000 records takes longer than many queries.
static void do_job(struct lister *lister, struct job *job)
{
	const void *response;
	struct arena *arena = &job->store.arena;
	const struct method_row *method = job->method;
	int result =
		job_is_late(job) ? -ETIME : method->list(lister, job->request, arena, &response, &job->store.fault);
	if (method->asks_for_token != NULL && method->asks_for_token(job->request))
		job->found_no_token = result == 0 ? method->found_none != NULL && method->found_none(response)
						  : job->store.fault.code == STATUS_NOT_FOUND;
	if (result == 0)
		result = codec_encode(method->response, response, arena, &job->body);
	job->store.result = result;
	job_post(job);
}

static void *lister_run(void *argument)
{
	struct lister *lister = argument;
	struct job *job;
	// Best effort: a sandbox may forbid it.
	(void)setpriority(PRIO_PROCESS, 0, LISTER_NICE);
	while ((job = take_job(lister)) != NULL) {
		const uint64_t begun_ns = clock_monotonic_ns();
		do_job(lister, job);
		pthread_mutex_lock(&lister->lock);
		drain_note(&lister->drain, clock_monotonic_ns() - begun_ns, 1);
		pthread_mutex_unlock(&lister->lock);
	}
	return NULL;
}

int lister_create(struct service *service, struct lister **ret_lister)
{
	struct lister *lister = calloc(1, sizeof(*lister));
	if (lister == NULL)
		return -ENOMEM;
	lister->service = service;
	int result = listing_create(service->store, &lister->listing);
	if (result != 0)
		goto fail;
	result = log_reader_create(service->store, &lister->log);
	if (result != 0)
		goto fail_log;
	pthread_mutex_init(&lister->lock, NULL);
	pthread_cond_init(&lister->changed, NULL);
	listing_set_give_way(lister->listing, service_is_answering, service);
	result = thread_start(&lister->thread, "evauthd-lister", lister_run, lister);
	if (result != 0)
		goto fail_thread;
	*ret_lister = lister;
	return 0;
fail_thread:
	pthread_cond_destroy(&lister->changed);
	pthread_mutex_destroy(&lister->lock);
	log_reader_destroy(lister->log);
fail_log:
	listing_destroy(lister->listing);
fail:
	free(lister);
	return result;
}

void lister_destroy(struct lister *lister)
{
	if (lister == NULL)
		return;
	pthread_mutex_lock(&lister->lock);
	ASSERT(lister->first == NULL);
	lister->stopping = true;
	pthread_cond_signal(&lister->changed);
	pthread_mutex_unlock(&lister->lock);
	pthread_join(lister->thread, NULL);
	pthread_cond_destroy(&lister->changed);
	pthread_mutex_destroy(&lister->lock);
	log_reader_destroy(lister->log);
	listing_destroy(lister->listing);
	free(lister);
}

struct listing *lister_listing(struct lister *lister)
{
	return lister->listing;
}

struct log_reader *lister_log(struct lister *lister)
{
	return lister->log;
}

struct service *lister_service(struct lister *lister)
{
	return lister->service;
}

int lister_submit(struct lister *lister, struct job *job)
{
	int result = -EAGAIN;
	job->next = NULL;
	pthread_mutex_lock(&lister->lock);
	if (lister->count < LISTER_QUEUE_MAX) {
		if (lister->first == NULL)
			lister->first = job;
		else
			lister->last->next = job;
		lister->last = job;
		lister->count++;
		pthread_cond_signal(&lister->changed);
		result = 0;
	} else {
		fault_set(&job->store.fault, STATUS_RESOURCE_EXHAUSTED, NULL, "%u listings are waiting already",
			  lister->count);
		job->store.fault.retry_after_ms = drain_wait_ms(&lister->drain, lister->count);
	}
	pthread_mutex_unlock(&lister->lock);
	return result;
}
