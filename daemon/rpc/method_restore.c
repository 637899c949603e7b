// SPDX-License-Identifier: Apache-2.0
// Restore: a snapshot in place of everything the store has, sent in parts. One at a time, on one connection.
#include "base/thread.h"
#include "daemon/rpc/restores.h"
#include "daemon/rpc/rpc.h"
#include "store/entry.h"
#include "store/install.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

// Who sends it.
struct sender {
	const struct worker *worker;
	struct conn_ref conn;
};

struct restores {
	struct service *service;
	pthread_t thread;
	pthread_mutex_t lock; // for these:
	pthread_cond_t changed;
	struct job *first, **end;
	uint32_t count;
	bool stopping;
	bool is_forgotten; // the sender at hand is gone
	struct sender sender;

	// The thread's, as long as there is a restore.
	struct store_install *install;
	uint32_t next_number;
	uint64_t records;
};

static bool is_sender(const struct restores *restores, const struct sender *sender)
{
	return restores->sender.worker == sender->worker && restores->sender.conn.index == sender->conn.index &&
	       restores->sender.conn.generation == sender->conn.generation;
}

// ---------------------------------------------------------------- one part

static void give_up(struct restores *restores)
{
	store_install_abort(restores->install);
	restores->install = NULL;
	pthread_mutex_lock(&restores->lock);
	restores->sender = (struct sender){0};
	restores->is_forgotten = false;
	pthread_mutex_unlock(&restores->lock);
}

static int begin(struct restores *restores, const struct sender *sender, struct fault *fault)
{
	if (restores->install != NULL && !is_sender(restores, sender)) {
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "another restore is under way");
		return -EBUSY;
	}
	give_up(restores); // it begins anew
	restores->next_number = 0;
	restores->records = 0;
	const int result = store_install_begin(restores->service->store, &restores->install, fault);
	if (result != 0)
		return result;
	pthread_mutex_lock(&restores->lock);
	restores->sender = *sender;
	pthread_mutex_unlock(&restores->lock);
	return 0;
}

static int check_order(const struct restores *restores, const struct sender *sender,
		       const struct restore_request *request, struct fault *fault)
{
	if (restores->install == NULL || !is_sender(restores, sender)) {
		fault_set(
			fault, STATUS_FAILED_PRECONDITION, "number",
			"no restore is under way on this connection: it was given up, or not begun; start with part 0");
		return -EPERM;
	}
	if (request->number == restores->next_number)
		return 0;
	fault_set(fault, STATUS_FAILED_PRECONDITION, "number", "part %u came instead of part %u; start with part 0",
		  request->number, restores->next_number);
	return -EPERM;
}

static int take_over(struct restores *restores, const struct snapshot_end *end, struct restore_response *response,
		     struct fault *fault)
{
	struct service *service = restores->service;
	struct store_position position;
	const int result = store_install_commit(&restores->install, end, NULL, UINT64_MAX, fault);
	if (result != 0)
		return result;
	store_get_position(service->store, &position);
	response->revision = position.revision;
	log_info("restored", "%llu records are in place of what the store had, at revision %llu",
		 (unsigned long long)restores->records, (unsigned long long)position.revision);
	if (service->feed.on_restored != NULL)
		service->feed.on_restored(service->feed.context);
	return 0;
}

static int take_part(struct restores *restores, const struct job *job, struct restore_response *response,
		     struct fault *fault)
{
	const struct restore_request *request = job->request;
	const struct sender sender = {.worker = job->worker, .conn = job->conn};
	int result = request->number == 0 ? begin(restores, &sender, fault) : 0;
	if (result == 0)
		result = check_order(restores, &sender, request, fault);
	if (result != 0)
		return result;
	result = store_install_add(restores->install, request->records, request->records_count, fault);
	restores->next_number++;
	restores->records += request->records_count;
	response->records = restores->records;
	if (result == 0 && request->end != NULL)
		result = take_over(restores, request->end, response, fault);
	if (result != 0 || request->end != NULL)
		give_up(restores);
	return result;
}

static void do_part(struct restores *restores, struct job *job)
{
	struct restore_response *response = arena_calloc(&job->store.arena, 1, sizeof(*response));
	struct fault *fault = &job->store.fault;
	if (response == NULL)
		job->store.result = -ENOMEM;
	else if (atomic_load(&restores->service->stopping))
		job->store.result = -ESHUTDOWN;
	else if (job_is_late(job))
		job->store.result = -ETIME;
	else
		job->store.result = take_part(restores, job, response, fault);
	if (job->store.result == -ESHUTDOWN)
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "the daemon is stopping");
	job->response = response;
	job_post(job);
}

// ---------------------------------------------------------------- the thread

// With the lock. false: nothing came for too long.
static bool wait_for_part(struct restores *restores)
{
	struct timespec deadline;
	if (restores->install == NULL)
		return pthread_cond_wait(&restores->changed, &restores->lock) == 0;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += RESTORE_SILENCE_S;
	return pthread_cond_timedwait(&restores->changed, &restores->lock, &deadline) != ETIMEDOUT;
}

// NULL: there is none; the restore at hand is to be given up.
static struct job *take_job(struct restores *restores, bool *ret_stopping)
{
	bool is_waiting = true;
	pthread_mutex_lock(&restores->lock);
	while (is_waiting && restores->first == NULL && !restores->stopping && !restores->is_forgotten)
		is_waiting = wait_for_part(restores);
	struct job *job = restores->first;
	if (job != NULL) {
		restores->first = job->next;
		restores->count--;
		if (restores->first == NULL)
			restores->end = &restores->first;
	}
	*ret_stopping = job == NULL && restores->stopping;
	pthread_mutex_unlock(&restores->lock);
	return job;
}

static void *restores_run(void *argument)
{
	struct restores *restores = argument;
	bool is_stopping = false;
	(void)setpriority(PRIO_PROCESS, 0, LISTER_NICE); // best effort: a sandbox may forbid it
	while (!is_stopping) {
		struct job *job = take_job(restores, &is_stopping);
		if (job != NULL)
			do_part(restores, job);
		else
			give_up(restores);
	}
	return NULL;
}

int restores_create(struct service *service, struct restores **ret_restores)
{
	struct restores *restores = calloc(1, sizeof(*restores));
	pthread_condattr_t attributes;
	if (restores == NULL)
		return -ENOMEM;
	restores->service = service;
	restores->end = &restores->first;
	pthread_mutex_init(&restores->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&restores->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	const int result = thread_start(&restores->thread, "evauthd-restore", restores_run, restores);
	if (result != 0) {
		pthread_cond_destroy(&restores->changed);
		pthread_mutex_destroy(&restores->lock);
		free(restores);
		return result;
	}
	*ret_restores = restores;
	return 0;
}

void restores_destroy(struct restores *restores)
{
	if (restores == NULL)
		return;
	pthread_mutex_lock(&restores->lock);
	ASSERT(restores->first == NULL);
	restores->stopping = true;
	pthread_cond_signal(&restores->changed);
	pthread_mutex_unlock(&restores->lock);
	pthread_join(restores->thread, NULL);
	pthread_cond_destroy(&restores->changed);
	pthread_mutex_destroy(&restores->lock);
	free(restores);
}

// ---------------------------------------------------------------- the worker's side

void restores_forget(struct restores *restores, const struct worker *worker, const struct conn *conn)
{
	const struct sender sender = {.worker = worker, .conn = conn_ref(conn)};
	pthread_mutex_lock(&restores->lock);
	if (is_sender(restores, &sender)) {
		restores->is_forgotten = true;
		pthread_cond_signal(&restores->changed);
	}
	pthread_mutex_unlock(&restores->lock);
}

int method_restore(struct job *job)
{
	struct restores *restores = job->worker->service->restores;
	struct session *session = conn_session(conn_find(job->worker->conns, job->conn));
	int result = -EAGAIN;
	job->next = NULL;
	pthread_mutex_lock(&restores->lock);
	if (restores->count < RESTORE_QUEUE_MAX) {
		*restores->end = job;
		restores->end = &job->next;
		restores->count++;
		pthread_cond_signal(&restores->changed);
		result = 0;
	}
	pthread_mutex_unlock(&restores->lock);
	session->restores = true;
	if (result != 0)
		fault_set(&job->store.fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			  "too many parts of restores are waiting; send the next one when the last one was answered");
	return result;
}
