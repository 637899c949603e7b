// SPDX-License-Identifier: Apache-2.0
// Entries of the stream `{evauth}:log` as plain structs: what redis_log.h reads and writes and replica.h decides on.
//
// Glossary: a *base* entry opens a history and says nothing about the state at its revision; *head* is the last entry.
#pragma once

#include "base/bytes.h"
#include "base/id128.h"
#include "daemon/feed/redis_error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	REDIS_LOG_ADOPTED_MAX = 16, // former epochs that a base names
	REDIS_LOG_ORIGIN_MAX = 256,
	REDIS_LOG_MARK_SIZE = 41,
};

struct redis_log_entry {
	uint64_t revision;
	struct id128 epoch;
	struct id128 nonce;
	struct id128 prev; // zero in a base
	bool is_base;
	int64_t time; // unix seconds
	struct bytes origin;
	struct bytes body; // LogBody; empty in a base, and in entries of a head
	// Of a base that an operator made by `log adopt`: the epochs it takes the place of, the newest first.
	uint32_t adopted_count;
	struct id128 adopted[REDIS_LOG_ADOPTED_MAX];
	// And the nonce, in epoch adopted[0], of the state it starts from: a store that stands there needs no snapshot.
	// Zero in all other entries.
	struct id128 adopted_nonce;
	// Of the last entry of a head that is not as evauthd writes it: a checksum of what is there, as text, and of
	// the rest at most the revision. Empty in all other entries.
	char mark[REDIS_LOG_MARK_SIZE];
};

// The log at one moment. Without bodies.
struct redis_log_head {
	bool is_empty; // no stream, or nothing in it; nothing below counts then
	struct redis_log_entry first;
	struct redis_log_entry last;
	bool has_mine; // the entry at the revision that was asked about is there
	struct redis_log_entry mine;
	// What is wrong with one of the three, for people: it is zero then (`mine`: not there). "": nothing.
	char damage[REDIS_ERROR_TEXT_SIZE];
};
