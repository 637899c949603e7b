// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/figures.h"

#include <assert.h>
#include <string.h>

void figures_limits(const struct figures *figures, struct figures_limit ret_limits[FIGURES_LIMITS])
{
	const struct figures_connections *connections = &figures->connections;
	const struct figures_limit limits[] = {
		{"max-connections", connections->refused},
		{"inflight-bytes-max", connections->throttled},
		{"idle-timeout", connections->ended[CONN_END_IDLE]},
		{"frame-timeout", connections->ended[CONN_END_FRAME_TIMEOUT]},
		{"write-timeout", connections->ended[CONN_END_WRITE_TIMEOUT]},
		{"queue-max", figures->writer.queue_refused},
		{"client-connections-max", figures->budget_refusals[FIGURES_BUDGET_CONNECTIONS]},
		{"client-requests-per-second", figures->budget_refusals[FIGURES_BUDGET_REQUESTS]},
		{"client-inflight-bytes-max", connections->share_throttled},
		{"client-unknown-tokens-per-second", figures->budget_refusals[FIGURES_BUDGET_UNKNOWN_TOKENS]},
		{"tls-handshakes-max", connections->ended[CONN_END_DISPLACED]},
		{"tls-handshake-timeout", connections->ended[CONN_END_HANDSHAKE_TIMEOUT]},
	};
	static_assert(ARRAY_SIZE(limits) == FIGURES_LIMITS, "all are told");
	memcpy(ret_limits, limits, sizeof(limits));
}
