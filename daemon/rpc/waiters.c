// SPDX-License-Identifier: Apache-2.0
// Requests that wait for their min_revision (DESIGN 2): read-your-writes on a daemon that has not heard of the write.
#include "daemon/rpc/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WAITERS_MAX = 1024 /* per worker */, NS_PER_MS = 1000000 };

struct waiter {
	struct waiter *next;
	struct conn_ref conn;
	const struct method_row *method;
	uint32_t request_id;
	uint32_t wait_ms;
	uint64_t revision;
	uint64_t deadline_ms;
	uint64_t expires_ns; // call_deadline_ns(); 0: whenever it is there
	bool is_impatient;   // that comes before the daemon's patience ends
	uint64_t since_ns;
	size_t body_size;
	char body[];
};

static void on_deadline(void *context)
{
	waiters_look(context);
}

int waiters_init(struct waiters *waiters, struct worker *worker)
{
	return loop_timer_create(worker->loop, on_deadline, worker, &waiters->timer);
}

void waiters_finish(struct waiters *waiters)
{
	ASSERT(waiters->first == NULL);
	loop_timer_destroy(waiters->timer);
}

static void refuse(const struct call *call, uint64_t revision, uint32_t wait_ms)
{
	struct fault fault = {0};
	fault_set(&fault, STATUS_UNAVAILABLE, "min_revision",
		  "revision %llu did not come within %u ms; this daemon is at revision %llu",
		  (unsigned long long)revision, wait_ms, (unsigned long long)worker_image(call->worker)->revision);
	reply_fault(call, 0, &fault);
}

static uint64_t left_ms(uint64_t now_ns, uint64_t expires_ns)
{
	return expires_ns == 0 ? UINT64_MAX : counters_time(now_ns, expires_ns) / NS_PER_MS;
}

static void append(struct waiters *waiters, struct waiter *waiter)
{
	if (waiters->first == NULL)
		waiters->first = waiter;
	else
		waiters->last->next = waiter;
	waiters->last = waiter;
}

// There is a place when the one that came first has lost its patience, at the latest.
static void refuse_full(const struct waiters *waiters, const struct call *call)
{
	const uint64_t now_ms = loop_now_ms(call->worker->loop), first_ms = waiters->first->deadline_ms;
	struct fault fault = {.retry_after_ms = first_ms > now_ms ? (uint32_t)(first_ms - now_ms) : 1};
	fault_set(&fault, STATUS_RESOURCE_EXHAUSTED, "min_revision", "%d requests wait for a revision already",
		  WAITERS_MAX);
	reply_fault(call, -EAGAIN, &fault);
}

void waiters_add(const struct call *call, uint64_t revision, uint32_t timeout_ms)
{
	struct worker *worker = call->worker;
	const struct fault none = {0};
	const uint32_t wait_ms = atomic_load_explicit(&worker->service->min_revision_wait_ms, memory_order_relaxed);
	if (wait_ms == 0 || worker->stopping) {
		refuse(call, revision, 0);
		return;
	}
	const bool is_full = atomic_load(&worker->waiters.count) >= WAITERS_MAX;
	struct waiter *waiter = is_full ? NULL : malloc(sizeof(*waiter) + call->body.size);
	if (waiter == NULL) {
		if (is_full)
			refuse_full(&worker->waiters, call);
		else
			reply_fault(call, -ENOMEM, &none);
		return;
	}
	const uint64_t now_ns = worker_now_ns(worker), expires_ns = call_deadline_ns(call, timeout_ms);
	const uint64_t expires_ms = left_ms(now_ns, expires_ns);
	*waiter = (struct waiter){
		.conn = conn_ref(call->conn),
		.method = call->method,
		.request_id = call->request_id,
		.wait_ms = wait_ms,
		.revision = revision,
		.deadline_ms = loop_now_ms(worker->loop) + (expires_ms < wait_ms ? expires_ms : wait_ms),
		.is_impatient = expires_ms < wait_ms,
		.expires_ns = expires_ns,
		.since_ns = now_ns,
		.body_size = call->body.size,
	};
	if (call->body.size > 0)
		memcpy(waiter->body, call->body.data, call->body.size);
	conn_hold(call->conn, sizeof(*waiter) + call->body.size);
	append(&worker->waiters, waiter);
	if (method_is_immediate(call->method)) // not in this turn
		worker->turn_calls[call->number]--;
	atomic_fetch_add(&worker->waiters.count, 1);
	// The revision may have come since this turn's image was pinned, when the writer saw nobody waiting: look again
	// in the next turn.
	loop_wake(worker->loop);
}

// What is left of its time is halved as if it had come now.
static uint64_t late_ns_of(const struct waiter *waiter, uint64_t now_ns)
{
	return waiter->expires_ns == 0 ? 0 : now_ns + counters_time(now_ns, waiter->expires_ns) / 2;
}

// Answered with the image of this turn, or refused. The hold is released after the answer, so that a connection that
// finishes stays for it.
static void waiter_end(struct worker *worker, struct waiter *waiter, bool is_there)
{
	struct conn *conn = conn_find(worker->conns, waiter->conn);
	if (conn != NULL) {
		const struct call call = {
			.worker = worker,
			.conn = conn,
			.number = dispatch_number(waiter->method),
			.request_id = waiter->request_id,
			.method = waiter->method,
			.body = {.data = waiter->body, .size = waiter->body_size},
		};
		worker->since_ns = waiter->since_ns;
		worker->late_ns = late_ns_of(waiter, worker_now_ns(worker));
		if (is_there)
			dispatch_calls(&call, 1);
		else if (waiter->is_impatient)
			reply_late(&call);
		else
			refuse(&call, waiter->revision, waiter->wait_ms);
		worker->since_ns = 0;
		if (!is_there || method_is_immediate(waiter->method))
			counters_add_time(&worker->counters, call.number,
					  counters_time(waiter->since_ns, worker_now_ns(worker)));
	}
	conn = conn_find(worker->conns, waiter->conn);
	if (conn != NULL)
		conn_release_hold(conn, sizeof(*waiter) + waiter->body_size);
	free(waiter);
	atomic_fetch_sub(&worker->waiters.count, 1);
}

void waiters_look(struct worker *worker)
{
	struct waiters *waiters = &worker->waiters;
	const uint64_t now = loop_now_ms(worker->loop);
	uint64_t next_deadline = UINT64_MAX;
	struct waiter *waiter = waiters->first;
	if (waiter == NULL)
		return;
	waiters->first = waiters->last = NULL;
	while (waiter != NULL) {
		struct waiter *next = waiter->next;
		const bool is_there = waiter->revision <= worker_image(worker)->revision;
		waiter->next = NULL;
		if (is_there || now >= waiter->deadline_ms || worker->stopping) {
			waiter_end(worker, waiter, is_there);
		} else {
			append(waiters, waiter);
			if (waiter->deadline_ms < next_deadline)
				next_deadline = waiter->deadline_ms;
		}
		waiter = next;
	}
	if (next_deadline != UINT64_MAX)
		loop_timer_start(waiters->timer, next_deadline - now);
	else
		loop_timer_stop(waiters->timer);
}
