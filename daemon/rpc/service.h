// SPDX-License-Identifier: Apache-2.0
// What all workers of the daemon share: the store, the threads for slow questions, limits and settings.
#pragma once

#include "daemon/net/conn.h"
#include "daemon/rpc/clients.h"
#include "store/position.h"
#include "store/store.h"

#include <stdatomic.h>

struct access_rules;
struct lister;
struct notifier;
struct restores;
struct snapshots;
struct tls_context;

// What the feed does for the RPC when changes are ordered by Redis (daemon/feed/feed.h); all NULL without one.
struct service_feed {
	void *context;
	// Instead of store_submit().
	int (*submit)(void *context, struct store_job *job);
	// Texts live in `arena`. -ENOMEM. Any thread.
	int (*get_replication)(void *context, struct arena *arena, struct replication *ret_replication);
	// 0: done() will be called, on another thread.
	int (*adopt)(void *context, const struct id128 *epoch,
		     void (*done)(void *done_context, int result, const struct store_position *position,
				  const struct fault *fault),
		     void *done_context);
	// The store's content was replaced by a Restore. Any thread.
	void (*on_restored)(void *context);
	_Atomic bool is_stale; // queries are refused: this replica has not known for too long whether it is up to date
};

// What the server answers to Figures: it knows all workers.
struct service_figures {
	void *context;
	// Texts live in `arena`. -ENOMEM. A worker's thread.
	int (*get)(void *context, struct arena *arena, struct figures_response *ret_response);
};

// A question that was denied, for as long as it is told of.
struct denial {
	struct bytes token_uid; // as it was asked
	enum token_type token_type;
	struct bytes charge_point_id; // of the store; empty: there is none by what was asked
	enum reason reason;
	const char *client;
};

// Who is told of denied questions.
struct service_denials {
	_Atomic bool are_wanted; // looked at once per batch
	void *context;
	void (*note)(void *context, const struct denial *denial); // a worker's thread
};

// Made by the server before the first worker, outlives the last one. Plain fields do not change meanwhile.
struct service {
	struct store *store;
	struct tls_context *tls;     // of those who connect by TLS; NULL: nobody does
	struct access_rules *access; // NULL: the default (access.h)
	struct clients *clients;
	struct lister *lister;
	struct notifier *notifier;
	struct snapshots *snapshots;
	struct restores *restores;
	struct service_feed feed;
	struct service_figures figures;
	struct service_denials denials;
	uint32_t frame_size_max;
	uint32_t workers_count; // those of them that questions are for
	struct worker *writes;  // has the connections that only write; set by worker_take_writes(). NULL: there is none
	uint32_t queue_max;
	int64_t started_at; // unix seconds
	// These may be changed while workers run.
	struct conn_limits limits;
	struct client_budgets budgets;
	_Atomic uint32_t min_revision_wait_ms;
	_Atomic uint32_t snapshot_timeout_ms;
	_Atomic bool stopping; // streams end now
	// Monotonic clock, s, of the last query answered; 0: none yet. Written once a second, so it costs them nothing.
	_Atomic uint64_t answered_s;
};

// For listing_set_give_way(): whether queries are being answered, in this second or the one before. `service` is a
// struct service. Any thread.
bool service_is_answering(void *service);
