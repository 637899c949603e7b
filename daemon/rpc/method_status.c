// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/notifier.h"
#include "daemon/rpc/rpc.h"

#include <errno.h>

static int add_methods(struct arena *arena, struct status_response *response)
{
	size_t count = 0;
	for (const struct method_row *method = dispatch_next(NULL); method != NULL; method = dispatch_next(method))
		count++;
	response->methods = arena_calloc(arena, count, sizeof(*response->methods));
	if (response->methods == NULL)
		return -ENOMEM;
	for (const struct method_row *method = dispatch_next(NULL); method != NULL; method = dispatch_next(method)) {
		response->methods[response->methods_count++] = (struct method_info){
			.number = dispatch_number(method),
			.name = bytes_from(method->name),
			.body_size_max = method->body_size_max,
		};
	}
	return 0;
}

static int add_limits(struct service *service, struct arena *arena, struct status_response *response)
{
	const struct limit limits[] = {
		{BYTES_LITERAL("frame_size_max"), service->frame_size_max},
		{BYTES_LITERAL("connections_max"), atomic_load(&service->limits.connections_max)},
		{BYTES_LITERAL("inflight_bytes_max"), atomic_load(&service->limits.inflight_bytes_max)},
		{BYTES_LITERAL("client_connections_max"), atomic_load(&service->budgets.connections_max)},
		{BYTES_LITERAL("client_inflight_bytes_max"), atomic_load(&service->limits.client_inflight_bytes_max)},
		{BYTES_LITERAL("idle_timeout_ms"), atomic_load(&service->limits.idle_timeout_ms)},
		{BYTES_LITERAL("frame_timeout_ms"), atomic_load(&service->limits.frame_timeout_ms)},
		{BYTES_LITERAL("write_timeout_ms"), atomic_load(&service->limits.write_timeout_ms)},
		{BYTES_LITERAL("min_revision_wait_ms"), atomic_load(&service->min_revision_wait_ms)},
		{BYTES_LITERAL("queue_max"), service->queue_max},
		{BYTES_LITERAL("batch_requests_max"), BATCH_REQUESTS_MAX},
		{BYTES_LITERAL("batch_explain_max"), BATCH_EXPLAIN_MAX},
		{BYTES_LITERAL("changes_per_set_max"), CHANGES_PER_SET_MAX},
		{BYTES_LITERAL("ids_per_change_max"), IDS_PER_CHANGE_MAX},
		{BYTES_LITERAL("id_size_max"), ID_SIZE_MAX},
		{BYTES_LITERAL("text_size_max"), TEXT_SIZE_MAX},
		{BYTES_LITERAL("page_size_max"), PAGE_SIZE_MAX},
		{BYTES_LITERAL("page_bytes_max"), PAGE_BYTES_MAX},
		{BYTES_LITERAL("snapshots_max"), SNAPSHOTS_MAX},
		{BYTES_LITERAL("watchers_max"), WATCHERS_MAX},
	};
	response->limits = arena_alloc(arena, sizeof(limits));
	if (response->limits == NULL)
		return -ENOMEM;
	memcpy(response->limits, limits, sizeof(limits));
	response->limits_count = ARRAY_SIZE(limits);
	return 0;
}

static int add_objects(const struct store_status *status, struct arena *arena, struct status_response *response)
{
	response->objects = arena_calloc(arena, OBJECT_KINDS, sizeof(*response->objects));
	if (response->objects == NULL)
		return -ENOMEM;
	for (int kind = OBJECT_KIND_UNSPECIFIED + 1; kind < OBJECT_KINDS; kind++) {
		response->objects[response->objects_count++] = (struct object_count){
			.kind = (enum object_kind)kind,
			.count = status->objects[kind],
		};
	}
	return 0;
}

static int add_replication(const struct service *service, struct arena *arena, struct status_response *response)
{
	if (service->feed.get_replication == NULL)
		return 0;
	response->replication = arena_calloc(arena, 1, sizeof(*response->replication));
	if (response->replication == NULL)
		return -ENOMEM;
	return service->feed.get_replication(service->feed.context, arena, response->replication);
}

// Empty without memory: the arena is nearly unused.
static struct bytes id_text(const struct id128 *id, struct arena *arena)
{
	char text[ID128_TEXT_SIZE + 1];
	id128_format(id, text);
	return arena_copy(arena, bytes_from(text));
}

int method_status(struct worker *worker, const void *request, const void **ret_response, struct fault *fault)
{
	struct service *service = worker->service;
	struct status_response *response = arena_calloc(&worker->arena, 1, sizeof(*response));
	struct store_status status;
	(void)request;
	(void)fault;
	if (response == NULL)
		return -ENOMEM;
	store_get_status(service->store, &status);
	response->version = BYTES_LITERAL(EVAUTH_VERSION);
	response->revision = status.revision;
	response->started_at = service->started_at;
	response->store_bytes_used = status.bytes_used;
	response->store_bytes_max = status.bytes_max;
	response->accepts_writes = status.accepts_writes;
	response->workers = service->workers_count;
	response->connections = atomic_load(&service->limits.connections);
	response->watchers = notifier_count(service->notifier);
	response->log_oldest_revision = status.log_oldest_revision;
	response->orphans = status.orphans;
	response->digest = id_text(&status.digest, &worker->arena);
	response->epoch = id_text(&status.epoch, &worker->arena);
	int result = add_methods(&worker->arena, response);
	if (result == 0)
		result = add_limits(service, &worker->arena, response);
	if (result == 0)
		result = add_objects(&status, &worker->arena, response);
	if (result == 0)
		result = add_replication(service, &worker->arena, response);
	*ret_response = response;
	return result;
}
