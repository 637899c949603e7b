// SPDX-License-Identifier: Apache-2.0
// Collects what is told to operators from everything that counts: one source for the HTTP port and for the RPC's
// method Figures.
#pragma once

#include "daemon/admin/figures.h"
#include "daemon/rpc/service.h"

struct watchdog;
struct worker;

// What is collected from; all of it stays where it is while anybody may collect.
struct server_figures_parts {
	struct service *service;
	struct worker **workers;
	size_t workers_count;
	struct watchdog *watchdog;
	uint64_t started_ms; // monotonic clock
};

// Fills in what is not zero, but for the phase. Texts live in `arena`. -ENOMEM. Any thread.
MUST_CHECK int server_figures_collect(const struct server_figures_parts *parts, struct arena *arena,
				      struct figures *figures);
// For service->figures; `parts` is a struct server_figures_parts.
int server_figures_answer(void *parts, struct arena *arena, struct figures_response *ret_response);
