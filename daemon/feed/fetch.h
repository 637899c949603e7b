// SPDX-License-Identifier: Apache-2.0
// A snapshot from a peer, staged beside what the store has and taken over when the replica says so. On a thread of its
// own, for the client library waits; the callbacks come on that thread.
#pragma once

#include "client/evauth.h"
#include "store/position.h"
#include "store/store.h"

struct fetch;

struct fetch_options {
	struct store *store;
	const char *const *peers; // asked one after the other; outlive the fetch
	size_t peers_count;
	struct evauth_tls tls; // of peers with TLS; outlives the fetch
	struct store_position mine;
	bool is_empty;        // nothing of mine is to be kept aside
	struct id128 epoch;   // of the log: a peer in another one does not help
	uint64_t after;       // the lowest revision that helps
	bool is_same_history; // a peer with another entry at my revision: -EXDEV. Else: keep what it lacks as orphans
	void (*on_progress)(void *context, uint64_t records, uint64_t records_total);
	// Everything is staged: fetch_decide() is waited for.
	void (*on_staged)(void *context, const struct store_position *position);
	// Last. 0, or negative errno and why, about the last peer asked.
	void (*on_done)(void *context, int result, const char *why);
	void *context;
};

// -ENOMEM, -EAGAIN (no thread).
MUST_CHECK int fetch_start(const struct fetch_options *options, struct fetch **ret_fetch);
// After on_staged(): take it over, or forget it. Before: false gives up. Any thread.
void fetch_decide(struct fetch *fetch, bool take);
// Gives up if it is not done; waits for the thread. NULL is fine.
void fetch_destroy(struct fetch *fetch);
