// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_figures.h"

#include "base/clock.h"
#include "daemon/admin/figures_answer.h"
#include "daemon/notify/notifier.h"
#include "daemon/rpc/worker.h"
#include "daemon/server_notify.h"

#include <assert.h>
#include <errno.h>

static_assert((int)FIGURES_METHODS_MAX == (int)METHODS_MAX && (int)FIGURES_STATUSES == (int)STATUSES_MAX &&
		      (int)FIGURES_VERDICTS == (int)VERDICTS_MAX && (int)FIGURES_REASONS == (int)REASONS_MAX &&
		      (int)FIGURES_BUDGETS == (int)BUDGETS,
	      "everything counted is told");

static void add_counters(const struct counters *counters, struct figures *figures)
{
	for (uint16_t i = 0; i < METHODS_MAX; i++) {
		struct figures_method *method = &figures->methods[i];
		for (int status = 0; status < STATUSES_MAX; status++)
			method->answers[status] += counter_get(&counters->answers[i][status]);
		buckets_collect(&counters->times[i], &method->time_ns);
	}
	for (int budget = 0; budget < BUDGETS; budget++)
		figures->budget_refusals[budget] += counter_get(&counters->budget_refusals[budget]);
	figures->token_budgets_spent += counter_get(&counters->token_budgets_spent);
	for (int verdict = 0; verdict < VERDICTS_MAX; verdict++)
		for (int reason = 0; reason < REASONS_MAX; reason++)
			figures->decisions[verdict][reason] += counter_get(&counters->decisions[verdict][reason]);
}

static void add_connections(const struct conn_counters *counters, struct figures_connections *connections)
{
	connections->opened += counter_get(&counters->opened);
	connections->throttled += counter_get(&counters->throttled);
	connections->share_throttled += counter_get(&counters->share_throttled);
	connections->bytes_in += counter_get(&counters->bytes_in);
	connections->bytes_out += counter_get(&counters->bytes_out);
	for (int end = 0; end < CONN_ENDS; end++)
		connections->ended[end] += counter_get(&counters->ended[end]);
	connections->handshakes_full += counter_get(&counters->handshakes_full);
	connections->handshakes_resumed += counter_get(&counters->handshakes_resumed);
	connections->handshakes_left += counter_get(&counters->handshakes_left);
	for (int failure = 0; failure < TLS_FAILURES_COUNT; failure++)
		connections->handshakes_failed[failure] += counter_get(&counters->handshakes_failed[failure]);
}

static int add_replication(const struct service *service, struct arena *arena, struct figures *figures)
{
	if (service->feed.get_replication == NULL)
		return 0;
	struct replication *replication = arena_calloc(arena, 1, sizeof(*replication));
	if (replication == NULL)
		return -ENOMEM;
	figures->replication = replication;
	return service->feed.get_replication(service->feed.context, arena, replication);
}

int server_figures_collect(const struct server_figures_parts *parts, struct arena *arena, struct figures *figures)
{
	struct service *service = parts->service;
	figures->started_at = (uint64_t)service->started_at;
	figures->uptime_ms = clock_monotonic_ms() - parts->started_ms;
	figures->workers = service->workers_count;
	figures->watchers = notifier_count(service->notifier);
	figures->is_stuck = watchdog_is_stuck(parts->watchdog);
	figures->is_stale = atomic_load(&service->feed.is_stale);
	store_get_status(service->store, &figures->store);
	store_get_figures(service->store, &figures->writer);
	figures->clients = clients_count(service->clients);
	figures->connections.open = atomic_load(&service->limits.connections);
	figures->connections.max = atomic_load(&service->limits.connections_max);
	figures->connections.refused = atomic_load(&service->limits.refused);
	figures->connections.handshakes = atomic_load(&service->limits.handshakes);
	figures->connections.handshakes_max = atomic_load(&service->limits.handshakes_max);
	for (size_t i = 0; i < parts->workers_count; i++) {
		add_counters(worker_counters(parts->workers[i]), figures);
		add_connections(worker_conn_counters(parts->workers[i]), &figures->connections);
	}
	for (int status = 0; status < STATUSES_MAX; status++)
		figures->unknown_methods += figures->methods[0].answers[status];
	for (uint16_t i = 0; i < METHODS_MAX; i++)
		figures->methods[i].name = counters_method_name(i);
	return add_replication(service, arena, figures);
}

int server_figures_answer(void *parts, struct arena *arena, struct figures_response *ret_response)
{
	const struct server_figures_parts *from = parts;
	struct figures *figures = arena_calloc(arena, 1, sizeof(*figures));
	if (figures == NULL)
		return -ENOMEM;
	figures->phase = atomic_load(&from->service->stopping) ? FIGURES_STOPPING : FIGURES_SERVING;
	const int result = server_figures_collect(from, arena, figures);
	return result ? result : figures_answer(figures, arena, ret_response);
}
