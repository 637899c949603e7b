// SPDX-License-Identifier: Apache-2.0
// The log of changes as Redis keeps it (DESIGN 3.3): stream `{evauth}:log`, entry id `<revision>-0`; what is read and
// written there, by the scripts of deploy/redis/, which are part of this program.
//
// Answers are parsed strictly: an entry in which a known field is missing or malformed is damaged (-EUCLEAN); unknown
// fields are skipped. What is no answer to the question is -EPROTO and ends the connection. On the thread of the
// connection's loop.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "daemon/feed/redis_connection.h"
#include "daemon/feed/redis_entry.h"

#include <stdbool.h>
#include <stdint.h>

#define REDIS_LOG_KEY "{evauth}:log"
#define REDIS_LOG_CHANGES "{evauth}:changes" // channel; each message is a revision in decimal
#define REDIS_LOG_INBOX "{evauth}:inbox"     // channel

enum {
	REDIS_LOG_RANGE_MAX = 256, // entries of one read; who asks sees to it that they fit into REDIS_REPLY_SIZE_MAX
};

struct redis_log;

struct redis_log_settings {
	uint64_t entries_max;   // the stream is trimmed to about this many
	uint32_t wait_replicas; // WAIT for so many before an append is told; 0: none
	uint32_t timeout_ms;    // of each command; WAIT waits for half of it. 0: the default
};

// Loads the scripts. The connection must be ready, and be closed before the log is destroyed. -ENOMEM, and what
// redis_connection_send() returns.
MUST_CHECK int redis_log_create(struct redis_connection *connection, const struct redis_log_settings *settings,
				struct redis_log **ret_log);
// No callback of anything pending afterwards. NULL is fine.
void redis_log_destroy(struct redis_log *log);

// Callbacks: error is NULL or the rest is; all is gone after the call. They may close the connection and destroy the
// log. Functions return what redis_connection_send() does; several may be under way, and are answered in order.

MUST_CHECK int redis_log_read_head(struct redis_log *log, uint64_t revision,
				   void (*on_head)(void *context, const struct redis_error *error,
						   const struct redis_log_head *head),
				   void *context);

// The entries after revision `after`, at most `count` (up to REDIS_LOG_RANGE_MAX); fewer: there are no more,
// or what follows is damaged, which is -EUCLEAN when it is asked for.
MUST_CHECK int redis_log_read_range(struct redis_log *log, uint64_t after, uint32_t count,
				    void (*on_range)(void *context, const struct redis_error *error,
						     const struct redis_log_entry *entries, size_t entries_count),
				    void *context);

// What a write came to.
struct redis_log_written {
	bool is_written; // false: the head is another one than expected; nothing was changed
	// Replicas of Redis that confirmed it in time; may be fewer than asked for. 0 if nothing was asked for.
	uint32_t replicas;
	bool is_empty;               // the log, when nothing was written
	struct redis_log_entry last; // its head then, without the body
};
// on_written(): an error means that the outcome is unknown, unless Redis itself refused (NOPERM, READONLY, OOM, …).

// Appends `entry` if the head is the entry before it: revision - 1, of the same epoch, with nonce entry->prev. Then
// publishes the revision.
MUST_CHECK int redis_log_append(struct redis_log *log, const struct redis_log_entry *entry,
				void (*on_written)(void *context, const struct redis_error *error,
						   const struct redis_log_written *written),
				void *context);
// Opens a history with the base `entry`, if the log is empty (`expected` NULL), or (adopt) if its head still is
// `expected`: revision, epoch and nonce count, or the mark if it has one. Then the log is only this entry.
MUST_CHECK int redis_log_begin(struct redis_log *log, const struct redis_log_entry *entry,
			       const struct redis_log_entry *expected,
			       void (*on_written)(void *context, const struct redis_error *error,
						  const struct redis_log_written *written),
			       void *context);
