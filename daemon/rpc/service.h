// SPDX-License-Identifier: Apache-2.0
// What all workers of the daemon share: the store, the threads for slow questions, limits and settings.
#pragma once

#include "daemon/net/conn.h"
#include "store/store.h"

#include <stdatomic.h>

struct lister;
struct snapshots;

// Made by the server before the first worker, outlives the last one. Plain fields do not change meanwhile.
struct service {
	struct store *store;
	struct lister *lister;
	struct snapshots *snapshots;
	uint32_t frame_size_max;
	uint32_t workers_count;
	uint32_t queue_max;
	int64_t started_at; // unix seconds
	// These may be changed while workers run.
	struct conn_limits limits;
	_Atomic uint32_t min_revision_wait_ms;
	_Atomic uint32_t snapshot_timeout_ms;
	_Atomic bool stopping; // streams end now
	// Monotonic clock, s, of the last query answered; 0: none yet. Written once a second, so it costs them nothing.
	_Atomic uint64_t answered_s;
};

// For listing_set_give_way(): whether queries are being answered, in this second or the one before. `service` is a
// struct service. Any thread.
bool service_is_answering(void *service);
