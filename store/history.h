// SPDX-License-Identifier: Apache-2.0
// What each revision writes besides its objects: where it stands (position.h), its time, its entry of the log (log.h).
// Writer thread.
#pragma once

#include "base/arena.h"
#include "store/db.h"
#include "store/key.h"
#include "store/position.h"
#include "store/store.h"

// How much of the log is kept; 0 entries: nothing.
struct log_limits {
	uint64_t entries_max;
	uint64_t bytes_max;
	int64_t age_max_s;
};

// After a revision.
struct history_state {
	struct store_position position;
	int64_t time; // unix seconds
	struct db_log_state log;
};

struct history_entry;

// Of one commit. The caller zeroes it and sets the first four.
struct history {
	struct db_read *read; // started at the revision before the commit
	struct arena *arena;  // lives as long as the commit
	struct log_limits limits;
	struct history_state state; // before the commit; then after the revisions so far
	// For the caller to commit, once history_end() has put them there.
	struct db_write *writes;
	size_t writes_count;
	// Entries since the last history_end(), in order; the newest one is at hand.
	struct history_entry *oldest, *newest;
	size_t writes_limit;
	struct db_key kept; // the oldest entry of the snapshot that is not forgotten; empty: the first one
	bool has_ended;     // entries of this commit were written that the snapshot does not have
	bool is_all_gone;   // all entries of the snapshot are forgotten
};

// What is known of a revision before its sets are applied.
struct history_revision {
	struct id128 nonce;
	int64_t time; // of whoever orders it; recorded is the later of this and the last one's
	struct bytes origin;
};

MUST_CHECK int history_begin_revision(struct history *history, const struct history_revision *revision);
// Notes a set that was accepted by the revision at hand. Its body is borrowed until the commit is over.
MUST_CHECK int history_accept(struct history *history, const struct store_job *job);
// A write of the caller's own. Its key and value live as long as the commit.
MUST_CHECK int history_write(struct history *history, const struct db_write *write);
// Makes the writes of the revisions since the last call, and of forgetting entries beyond the limits: the last thing of
// a commit, or of each part of one.
MUST_CHECK int history_end(struct history *history);

// The state as it is stored. -EBADMSG.
MUST_CHECK int history_read_state(struct db_read *read, uint64_t revision, struct history_state *ret_state);
