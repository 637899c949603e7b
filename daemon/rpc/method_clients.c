// SPDX-License-Identifier: Apache-2.0
// Clients: who uses the daemon. On the lister's thread, as there may be a thousand of them.
#include "base/clock.h"
#include "daemon/rpc/rpc.h"

#include <errno.h>

static int set_roles(uint32_t roles, struct arena *arena, struct client_info *info)
{
	const char *names[ROLES_MAX];
	const size_t count = roles_list(roles, names);
	info->roles = arena_calloc(arena, ROLES_MAX, sizeof(*info->roles));
	if (info->roles == NULL)
		return -ENOMEM;
	info->roles_count = count;
	for (size_t i = 0; i < count; i++)
		info->roles[i] = bytes_from(names[i]);
	return 0;
}

static int64_t wall_s(uint64_t monotonic_ms)
{
	const uint64_t now_ms = clock_monotonic_ms();
	return clock_wall_s() - (int64_t)((now_ms > monotonic_ms ? now_ms - monotonic_ms : 0) / 1000);
}

static int set_info(const struct client_figures *figures, struct arena *arena, struct client_info *info)
{
	*info = (struct client_info){
		.name = bytes_from(figures->name),
		.connections = figures->connections,
		.requests = figures->requests,
		.allowed = figures->verdicts[VERDICT_ALLOWED],
		.denied = figures->verdicts[VERDICT_DENIED],
		.asked_issuer = figures->verdicts[VERDICT_ASK_ISSUER],
		.unknown_tokens = figures->unknown_tokens,
		.refused = figures->refused,
		.bytes_in = figures->bytes_in,
		.bytes_out = figures->bytes_out,
		.inflight_bytes = figures->inflight_bytes,
		.last_seen_at = wall_s(figures->seen_ms),
		.unknown_tokens_left = figures->unknown_tokens_left == UINT64_MAX ? 0 : figures->unknown_tokens_left,
	};
	return set_roles(figures->roles, arena, info);
}

int method_clients(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		   struct fault *fault)
{
	struct service *service = lister_service(lister);
	const uint32_t count_max = ((const struct clients_request *)request)->count_max;
	struct clients_response *response = arena_calloc(arena, 1, sizeof(*response));
	struct client_figures *figures;
	size_t count;
	(void)fault;
	*ret_response = response;
	if (response == NULL || clients_collect(service->clients, clock_monotonic_ms(), arena, &figures, &count) != 0)
		return -ENOMEM;
	response->clients_total = (uint32_t)count;
	response->clients_count = count_max != 0 && count_max < count ? count_max : count;
	response->unknown_tokens_max = bucket_burst(&service->budgets.unknown_tokens);
	response->clients = arena_calloc(arena, response->clients_count + 1, sizeof(*response->clients));
	if (response->clients == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < response->clients_count; i++) {
		if (set_info(&figures[i], arena, &response->clients[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}
