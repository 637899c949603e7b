// SPDX-License-Identifier: Apache-2.0
// The operator's view, by HTTP: /metrics for Prometheus, /health and /ready for probes (docs/metrics.md). A thread of
// its own; nothing it does makes a question wait.
//
//     admin.c      the HTTP server
//     metrics.c    figures -> Prometheus' text
//     readiness.c  figures -> alive, ready, and why not
//     figures.h    what there is to tell; the server (daemon/server_figures.c) collects it
//
// The RPC's method Figures tells the same: figures_answer.c.
#pragma once

#include "base/arena.h"
#include "daemon/admin/figures.h"

struct admin;

enum {
	ADMIN_LISTENERS_MAX = 8,
	ADMIN_CONNECTIONS_MAX = 32, // per listener; more are closed when they arrive
	ADMIN_TIMEOUT_S = 10,       // of a silent connection
};

// Where the figures come from.
struct admin_source {
	// Fills in what is not zero. Texts may live in `arena`. On the HTTP threads, one at a time. Negative errno.
	int (*collect)(void *context, struct arena *arena, struct figures *figures);
	void *context;
};

// Without listeners yet, in phase FIGURES_LOADING. -ENOMEM.
MUST_CHECK int admin_create(struct admin **ret_admin);
// Answers on the listening socket `fd`, which it takes also on failure. Signals should be blocked before. -ENOMEM,
// -EIO.
MUST_CHECK int admin_listen(struct admin *admin, int fd);
// How far the load is. Any thread.
void admin_set_load(struct admin *admin, uint64_t done, uint64_t total);
// `source` is NULL while loading and when stopped, and copied. What the source before used is not used any more when
// this returns. NULL for `admin` is fine, here and below. Any thread.
void admin_set_phase(struct admin *admin, enum figures_phase phase, const struct admin_source *source);
void admin_destroy(struct admin *admin);
