// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_admin.h"

#include "daemon/admin/admin.h"
#include "daemon/net/listener.h"
#include "daemon/notify/notifier.h"
#include "daemon/rpc/worker.h"
#include "daemon/server_notify.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct server_admin {
	struct admin *admin;
	struct server_admin_parts parts; // zero: never served
};

static_assert((int)FIGURES_METHODS_MAX == (int)METHODS_MAX && (int)FIGURES_STATUSES == (int)STATUSES_MAX &&
		      (int)FIGURES_VERDICTS == (int)VERDICTS_MAX && (int)FIGURES_REASONS == (int)REASONS_MAX &&
		      (int)FIGURES_BUDGETS == (int)BUDGETS,
	      "everything counted is told");

// ---------------------------------------------------------------- collect

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

static int collect(void *context, struct arena *arena, struct figures *figures)
{
	const struct server_admin_parts *parts = &((struct server_admin *)context)->parts;
	struct service *service = parts->service;
	figures->started_at = (uint64_t)service->started_at;
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

// ---------------------------------------------------------------- life

static int listen_on(struct server_admin *admin, struct address *address)
{
	int fd;
	const int result = listener_bind_tcp(address, true, &fd);
	return result ? result : admin_listen(admin->admin, fd);
}

int server_admin_create(struct server_addresses *addresses, struct server_admin **ret_admin,
			char where[ADDRESS_TEXT_MAX])
{
	*ret_admin = NULL;
	if (addresses->http_count == 0)
		return 0;
	struct server_admin *admin = calloc(1, sizeof(*admin));
	if (admin == NULL)
		return -ENOMEM;
	int result = admin_create(&admin->admin);
	for (size_t i = 0; i < addresses->http_count && result == 0; i++) {
		address_format(&addresses->http[i], where);
		result = listen_on(admin, &addresses->http[i]);
	}
	if (result != 0)
		server_admin_destroy(admin);
	else
		*ret_admin = admin;
	return result;
}

void server_admin_set_load(struct server_admin *admin, uint64_t done, uint64_t total)
{
	if (admin != NULL)
		admin_set_load(admin->admin, done, total);
}

static void set_phase(struct server_admin *admin, enum figures_phase phase)
{
	const struct admin_source source = {.collect = collect, .context = admin};
	admin_set_phase(admin->admin, phase, &source);
}

void server_admin_serving(struct server_admin *admin, const struct server_admin_parts *parts)
{
	if (admin == NULL)
		return;
	watchdog_watch_writer(parts->watchdog);
	admin->parts = *parts;
	set_phase(admin, FIGURES_SERVING);
}

void server_admin_stopping(struct server_admin *admin)
{
	if (admin != NULL && admin->parts.service != NULL)
		set_phase(admin, FIGURES_STOPPING);
}

void server_admin_stopped(struct server_admin *admin)
{
	if (admin != NULL)
		admin_set_phase(admin->admin, FIGURES_STOPPED, NULL);
}

void server_admin_destroy(struct server_admin *admin)
{
	if (admin == NULL)
		return;
	admin_destroy(admin->admin);
	free(admin);
}
