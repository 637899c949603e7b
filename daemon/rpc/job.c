// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/rpc.h"
#include "proto/timeout.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

// The log keeps it as it came, but for what concerns this request alone. -ENOMEM: without it the log in Redis would say
// that nothing was changed.
static int keep_body(const struct call *call, struct store_job *job)
{
	if (call->body.size == 0 || call->method->request != &schema_change_set)
		return 0;
	char *kept = arena_alloc(&job->arena, call->body.size);
	if (kept == NULL)
		return -ENOMEM;
	job->body = (struct bytes){.data = kept, .size = timeout_strip(call->body, kept)};
	return 0;
}

int job_create(const struct call *call, uint32_t timeout_ms, struct job **ret_job, struct fault *fault)
{
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	arena_init(&job->store.arena, JOB_ARENA_CHUNK, JOB_ARENA_BUDGET);
	void *request;
	int result =
		codec_decode(call->method->request, call->method->mode, call->body, &job->store.arena, &request, fault);
	if (result == 0)
		result = keep_body(call, &job->store);
	if (result != 0) {
		job_destroy(job);
		return result;
	}
	job->worker = call->worker;
	job->conn = conn_ref(call->conn);
	job->method = call->method;
	job->request_id = call->request_id;
	job->since_ns = call->worker->since_ns ? call->worker->since_ns : worker_now_ns(call->worker);
	job->request = request;
	job->store.body_size = call->body.size;
	job->store.late_ns = call_late_ns(call, timeout_ms);
	job->held = sizeof(*job) + call->body.size; // DESIGN 4 counts bytes of the wire
	*ret_job = job;
	return 0;
}

void job_destroy(struct job *job)
{
	if (job == NULL)
		return;
	arena_finish(&job->store.arena);
	free(job);
}

// The connection may be gone: then there is nobody to answer, and nothing of it left to release.
static void job_answer(struct job *job, struct conn *conn)
{
	const struct call call = {
		.worker = job->worker,
		.conn = conn,
		.number = dispatch_number(job->method),
		.request_id = job->request_id,
		.method = job->method,
	};
	if (job->store.result != 0)
		reply_fault(&call, job->store.result, &job->store.fault);
	else if (job->response != NULL)
		reply_message(&call, job->response, &job->store.arena);
	else
		reply_body(&call, job->body);
}

bool job_is_late(const struct job *job)
{
	return job->store.late_ns != 0 && clock_wall_ns() >= job->store.late_ns;
}

void job_note_time(const struct job *job)
{
	struct worker *worker = job->worker;
	counters_add_time(&worker->counters, dispatch_number(job->method),
			  counters_time(job->since_ns, worker_now_ns(worker)));
}

static void job_release(struct job *job)
{
	struct conn *conn = conn_find(job->worker->conns, job->conn);
	if (conn != NULL)
		conn_release_hold(conn, job->held);
}

void job_end(struct job *job)
{
	struct worker *worker = job->worker;
	job_release(job);
	job_destroy(job);
	worker_job_ended(worker);
}

static void on_mail(struct mail *mail)
{
	struct job *job = (struct job *)((char *)mail - offsetof(struct job, mail));
	struct conn *conn = conn_find(job->worker->conns, job->conn);
	job_note_time(job);
	if (conn != NULL) {
		job_answer(job, conn);
		if (job->has_paid)
			budget_settle_token(job->worker, conn_session(conn), job->found_no_token);
	}
	job_end(job);
}

void job_begin(struct job *job)
{
	conn_hold(conn_find(job->worker->conns, job->conn), job->held);
	job->worker->jobs++;
}

void job_post(struct job *job)
{
	job->mail.deliver = on_mail;
	mailbox_post(&job->worker->mailbox, &job->mail);
}
