// SPDX-License-Identifier: Apache-2.0
// The feed: changes that come in through Redis (DESIGN 3.3, docs/replication.md). One thread with a loop of its own
// joins what decides (replica.h), what talks to Redis (redis_*.h), what keeps (store/entry.h) and what fetches
// snapshots from peers (fetch.h).
//
//     Apply: feed_submit() -> replica -> append to the log -> read back -> store_submit_entry() -> done()
//     somebody else's change: push -> read the log -> store_submit_entry()
//
//     feed.c         the thread, the actions of the replica
//     feed_redis.c   the two connections
//     feed_store.c   entries on their way through the store
//     feed_submit.c  change sets from Apply
//     feed_inbox.c   messages of the inbox
//     fetch.c        a snapshot from a peer
#pragma once

#include "daemon/feed/redis_url.h"
#include "proto/fault.h"
#include "proto/messages.h"
#include "store/position.h"
#include "store/store.h"

struct feed;
struct tls_context;

enum {
	FEED_PEERS_MAX = 8,
	FEED_TEXT_MAX = 512,
};

struct feed_options {
	struct store *store;
	const struct redis_url *redis; // copied
	struct tls_context *tls;       // for rediss://, else NULL; outlives the feed
	const char *const *peers;      // servers as libevauth takes them; copied
	size_t peers_count;
	const char *peer_ca_file;   // for peers with TLS; "" or NULL: none; copied, as are these two
	const char *peer_cert_file; // likewise
	const char *peer_key_file;  // likewise
	uint64_t log_entries_max;   // kept in Redis
	uint32_t wait_replicas;
	uint32_t timeout_ms;    // of an append, until its outcome counts as unknown
	uint32_t stale_ms;      // this replica counts as too stale when it knew it had everything so long ago; 0: never
	uint32_t sets_max;      // waiting to be appended
	_Atomic bool *is_stale; // kept up to date; may be NULL
};

// -ENOMEM and others.
MUST_CHECK int feed_create(const struct feed_options *options, struct feed **ret_feed);
// Starts the thread.
MUST_CHECK int feed_start(struct feed *feed);
// What still waits after `timeout_ms` is answered UNAVAILABLE, and so is what comes later. Once; any thread.
void feed_drain(struct feed *feed, uint64_t timeout_ms);
// What waits is answered UNAVAILABLE, the connections are closed, the thread ends. Before store_close(). Any thread.
void feed_stop(struct feed *feed);
// NULL is fine.
void feed_destroy(struct feed *feed);

// Takes a change set for the log; done() is called on the feed's or the writer's thread: with the result every replica
// comes to, or refused before (job->fault says why). A dry run is tried on this replica alone. Any thread.
// -ENOMEM: done() is not called.
MUST_CHECK int feed_submit(struct feed *feed, struct store_job *job);

// Starts a new history from this store, which must be in `epoch` still. done(), on the feed's thread, gets 0 and where
// the new history starts, or negative errno and the fault; it must not block. Any thread. -ENOMEM: done() is not
// called.
MUST_CHECK int feed_adopt(struct feed *feed, const struct id128 *epoch,
			  void (*done)(void *context, int result, const struct store_position *position,
				       const struct fault *fault),
			  void *context);
// The store's position was changed by something else than the feed (Restore). Any thread.
void feed_look_again(struct feed *feed);

// Text lives in `arena`. Any thread. -ENOMEM.
MUST_CHECK int feed_get_replication(struct feed *feed, struct arena *arena, struct replication *ret_replication);
