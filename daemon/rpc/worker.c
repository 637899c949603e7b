// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/worker.h"

#include "base/clock.h"
#include "daemon/rpc/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

bool service_is_answering(void *service)
{
	struct service *self = service;
	const uint64_t answered_s = atomic_load_explicit(&self->answered_s, memory_order_relaxed);
	return answered_s != 0 && clock_monotonic_ms() / 1000 - answered_s <= 1;
}

void worker_note_answering(struct worker *worker)
{
	_Atomic uint64_t *answered_s = &worker->service->answered_s;
	const uint64_t now_s = loop_now_ms(worker->loop) / 1000;
	if (UNLIKELY(atomic_load_explicit(answered_s, memory_order_relaxed) != now_s))
		atomic_store_explicit(answered_s, now_s, memory_order_relaxed);
}

uint64_t worker_now_ns(struct worker *worker)
{
	if (UNLIKELY(worker->now_ns == 0))
		worker->now_ns = clock_wall_ns();
	return worker->now_ns;
}

int64_t worker_now_s(struct worker *worker)
{
	return (int64_t)(worker_now_ns(worker) / NS_PER_S);
}

const struct image *worker_image(struct worker *worker)
{
	if (UNLIKELY(worker->image == NULL))
		worker->image = store_pin(worker->reader);
	return worker->image;
}

static void on_turn_end(void *context)
{
	struct worker *worker = context;
	if (worker->image != NULL) {
		store_unpin(worker->reader);
		worker->image = NULL;
	}
}

// The time of what was answered in this turn: from its first request to the last write, for all of them. One more
// look at the clock a turn, whatever was answered in it.
static void on_turn_written(void *context)
{
	static const uint8_t immediate[] = {METHOD_AUTHORIZE, METHOD_AUTHORIZE_BATCH, METHOD_GET_TARIFF, METHOD_STATUS,
					    METHOD_FIGURES};
	struct worker *worker = context;
	if (worker->now_ns == 0)
		return;
	const uint64_t took_ns = counters_time(worker->now_ns, clock_wall_ns());
	worker->now_ns = 0;
	for (size_t i = 0; i < ARRAY_SIZE(immediate); i++) {
		uint32_t *count = &worker->turn_calls[immediate[i]];
		if (*count > 0)
			buckets_add(&worker->counters.times[immediate[i]], &buckets_request_ns, took_ns, *count);
		*count = 0;
	}
}

const struct counters *worker_counters(const struct worker *worker)
{
	return &worker->counters;
}

const struct conn_counters *worker_conn_counters(const struct worker *worker)
{
	return conn_set_counters(worker->conns);
}

// On the writer's thread: ring only where somebody waits for a revision.
static void on_publish(void *context)
{
	struct worker *worker = context;
	if (atomic_load(&worker->waiters.count) > 0)
		loop_wake(worker->loop);
}

// ---------------------------------------------------------------- the stop

static void end_if_done(struct worker *worker)
{
	if (worker->stopping && worker->conns_are_empty && worker->jobs == 0 && worker->waiters.first == NULL)
		loop_stop(worker->loop);
}

void worker_job_ended(struct worker *worker)
{
	ASSERT(worker->jobs > 0);
	worker->jobs--;
	end_if_done(worker);
}

void worker_conns_ended(struct worker *worker)
{
	worker->conns_are_empty = true;
	end_if_done(worker);
}

static void on_stop_timeout(void *context)
{
	struct worker *worker = context;
	log_warning("drain_timeout", "%u connections cut with answers under way", conn_set_count(worker->conns));
	conn_set_abort_all(worker->conns);
}

static void close_listeners(struct worker *worker)
{
	while (worker->listeners_count > 0)
		listener_destroy(worker->listeners[--worker->listeners_count]);
}

static void begin_stop(struct worker *worker)
{
	const uint32_t timeout_ms = atomic_load(&worker->stop_timeout_ms);
	worker->stopping = true;
	close_listeners(worker);
	for (uint32_t i = 0; i < worker->stop_others_count; i++)
		worker_stop(worker->stop_others[i], timeout_ms, NULL, 0);
	loop_timer_start(worker->stop_timer, timeout_ms);
	conn_set_drain(worker->conns);
}

static void on_wake(void *context)
{
	struct worker *worker = context;
	atomic_store(&worker->life_shown, atomic_load(&worker->life_asked));
	mailbox_deliver(&worker->mailbox);
	if (atomic_exchange(&worker->access_changed, false))
		sessions_look_at_access(worker);
	if (atomic_load(&worker->stop_asked) && !worker->stopping)
		begin_stop(worker);
	waiters_look(worker);
	end_if_done(worker);
}

void worker_stop(struct worker *worker, uint32_t timeout_ms, struct worker **others, uint32_t others_count)
{
	worker->stop_others = others;
	worker->stop_others_count = others_count;
	atomic_store(&worker->stop_timeout_ms, timeout_ms);
	atomic_store(&worker->stop_asked, true);
	loop_wake(worker->loop);
}

bool worker_is_alive(struct worker *worker)
{
	const uint32_t asked = atomic_load(&worker->life_asked);
	const bool has_answered = atomic_load(&worker->life_shown) == asked;
	if (has_answered)
		atomic_store(&worker->life_asked, asked + 1);
	loop_wake(worker->loop);
	return has_answered;
}

// ---------------------------------------------------------------- create, run, destroy

static int create_parts(struct worker *worker)
{
	const struct loop_hooks hooks = {
		.on_wake = on_wake, .on_turn_end = on_turn_end, .on_turn_written = on_turn_written, .context = worker};
	const struct conn_handler handler = session_handler(worker);
	int result = loop_create(&worker->loop);
	if (result != 0)
		return result;
	loop_set_hooks(worker->loop, &hooks);
	mailbox_init(&worker->mailbox, worker->loop);
	result = waiters_init(&worker->waiters, worker);
	if (result == 0)
		result = loop_timer_create(worker->loop, on_stop_timeout, worker, &worker->stop_timer);
	if (result == 0)
		result = conn_set_create(worker->loop, &worker->service->limits, &handler, &worker->conns);
	if (result == 0)
		result = store_reader_create(worker->service->store, on_publish, worker, &worker->reader);
	return result;
}

int worker_create(struct service *service, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	if (worker == NULL)
		return -ENOMEM;
	worker->service = service;
	worker->clients_index = clients_add_worker(service->clients);
	arena_init(&worker->arena, WORKER_ARENA_CHUNK, WORKER_ARENA_BUDGET);
	const int result = create_parts(worker);
	if (result != 0)
		worker_destroy(worker);
	else
		*ret_worker = worker;
	return result;
}

void worker_destroy(struct worker *worker)
{
	if (worker == NULL)
		return;
	ASSERT(worker->jobs == 0);
	// First: the writer's thread must not ring the doorbell of a loop that is gone.
	if (worker->reader != NULL)
		store_reader_destroy(worker->reader);
	if (worker->loop != NULL) {
		close_listeners(worker);
		conn_set_destroy(worker->conns);
		waiters_finish(&worker->waiters);
		loop_timer_destroy(worker->stop_timer);
		mailbox_finish(&worker->mailbox);
		loop_destroy(worker->loop);
	}
	arena_finish(&worker->arena);
	free(worker);
}

static void on_accept(void *context, int fd)
{
	conn_set_add(((struct worker *)context)->conns, fd);
}

static void on_accept_tls(void *context, int fd)
{
	struct worker *worker = context;
	conn_set_add_tls(worker->conns, fd, worker->service->tls);
}

int worker_listen_tls(struct worker *worker, int fd)
{
	const struct listener_handler handler = {.on_accept = on_accept_tls, .context = worker};
	return worker_listen(worker, fd, &handler);
}

int worker_listen(struct worker *worker, int fd, const struct listener_handler *handler)
{
	const struct listener_handler own = {.on_accept = on_accept, .context = worker};
	if (worker->listeners_count == WORKER_LISTENERS_MAX) {
		close(fd);
		return -ENOSPC;
	}
	const int result = listener_create(worker->loop, fd, handler ? handler : &own,
					   &worker->listeners[worker->listeners_count]);
	worker->listeners_count += result == 0;
	return result;
}

void worker_look_at_access(struct worker *worker)
{
	atomic_store(&worker->access_changed, true);
	loop_wake(worker->loop);
}

void worker_take_connection(struct worker *worker, int fd)
{
	conn_set_hand_over(worker->conns, fd);
}

void worker_take_writes(struct worker *worker)
{
	worker->takes_writes = true;
	worker->service->writes = worker;
}

void worker_run(struct worker *worker)
{
	loop_run(worker->loop);
	on_turn_end(worker);
}
