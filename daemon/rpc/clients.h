// SPDX-License-Identifier: Apache-2.0
// Who uses the daemon, whatever number of connections and workers that takes: what each client has left of its
// budgets, and what it did. The registry is shared by all workers; a lock is taken when a connection opens or closes,
// never for a request.
//
// A client is who a connection proves to be: "uid:1000" on the Unix socket; on TLS the first name of the certificate
// that a rule of access names, else its first one; on plain TCP, which proves nothing, "tcp:" and what one client can
// have for itself of the addresses (conn_get_host()). Memory is constant: who comes when there are CLIENTS_MAX clients
// shares the entry "others", and the unproven ones have no more than CLIENTS_UNPROVEN_MAX places and an entry of their
// own, "tcp:others": with many addresses nobody gets in the way of proven names. A client without connections is kept
// until its place is needed, and not given up before its budgets are full again: nobody fills them by connecting anew.
#pragma once

#include "base/arena.h"
#include "base/check.h"
#include "base/counter.h"
#include "daemon/net/conn.h"
#include "daemon/rpc/bucket.h"
#include "proto/messages.h"

#include <stdbool.h>

enum {
	CLIENTS_MAX = 1024,         // besides the others
	CLIENTS_UNPROVEN_MAX = 512, // of them
	CLIENT_NAME_SIZE = 256,     // who has a longer name is one of the others
	CLIENT_SAY_MS = 60 * 1000,  // between two lines of the log about the same of one client
};

struct clients;

// The budgets of each client; zeroed: no limits. May be changed at any time, by any thread. (That of bytes in flight
// is client_inflight_bytes_max of struct conn_limits.)
struct client_budgets {
	_Atomic uint32_t connections_max; // 0: no limit
	struct bucket_rate requests;
	struct bucket_rate unknown_tokens;
};

// What a client did by one worker, which counts.
struct client_counters {
	_Alignas(64) struct counter requests;
	struct counter verdicts[VERDICT_ASK_ISSUER + 1];
	struct counter unknown_tokens;
	struct counter refused; // because of a budget
	struct conn_traffic traffic;
	_Atomic uint64_t seen_ms; // monotonic clock; of the last request
};

struct client {
	char name[CLIENT_NAME_SIZE];
	struct bucket requests;
	struct bucket unknown_tokens;
	struct conn_share share;
	_Atomic uint64_t tokens_said_ms, requests_said_ms, connections_said_ms; // lines of the log; 0: none yet
	// The rest is the registry's, with its lock:
	uint64_t hash;
	uint32_t roles;
	uint32_t connections;
	uint32_t leaving;                 // connections that were too many
	uint64_t opened_ms;               // monotonic clock; of the last connection
	struct client_counters *counters; // by worker
};

// `budgets` outlives the registry. -ENOMEM.
MUST_CHECK int clients_create(const struct client_budgets *budgets, uint32_t workers_max, struct clients **ret_clients);
// Nobody is attached any more. NULL is fine.
void clients_destroy(struct clients *clients);
// The place of one more worker in `counters`: at most workers_max times.
uint32_t clients_add_worker(struct clients *clients);

// One more connection of `name` with these roles, until clients_detach(). *ret_is_over: it has as many as it may have,
// and this one is not counted among them. Any thread.
struct client *clients_attach(struct clients *clients, const char *name, uint32_t roles, uint64_t now_ms,
			      bool *ret_is_over);
// One that was let in, was detached a moment ago and goes on with another worker: no limit is looked at, as somebody
// else may have come meanwhile.
struct client *clients_attach_again(struct clients *clients, const char *name, uint32_t roles, uint64_t now_ms);
// A connection is of `name` with these roles now, and was of `former`, which may be the same client. No limit is looked
// at: it was let in, or not (`is_over`), when it came.
struct client *clients_rename(struct clients *clients, struct client *former, const char *name, uint32_t roles,
			      uint64_t now_ms, bool is_over);
// `is_over` as it was told.
void clients_detach(struct clients *clients, struct client *client, bool is_over);

// What one client is and did, by all workers.
struct client_figures {
	const char *name; // in the arena
	uint32_t roles;
	uint32_t connections;
	uint64_t requests;
	uint64_t verdicts[VERDICT_ASK_ISSUER + 1];
	uint64_t unknown_tokens;
	uint64_t unknown_tokens_left; // UINT64_MAX: no limit
	uint64_t refused;
	uint64_t bytes_in, bytes_out;
	uint64_t inflight_bytes;
	uint64_t seen_ms; // monotonic clock; of its last request or connection
};

// All there are, in `arena`, those with the most requests first. -ENOMEM. Any thread.
MUST_CHECK int clients_collect(struct clients *clients, uint64_t now_ms, struct arena *arena,
			       struct client_figures **ret_figures, size_t *ret_count);
// How many there are.
uint32_t clients_count(struct clients *clients);
