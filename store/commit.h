// SPDX-License-Identifier: Apache-2.0
// One LMDB transaction and the revisions it makes, from the first change set to the published image. What is common to
// change sets that are ordered here (apply.c) and entries that were ordered elsewhere (apply_entry.c).
//
//     commit_begin()
//     for each revision:  commit_begin_revision(); commit_job() ...; commit_end_revision()
//     commit_persist()                 everything that can fail comes before
//     commit_publish(); answer; commit_finish()
//
// or commit_abandon() before anything is on disk. Writer thread.
//
// A commit may go on in parts, each a transaction of its own with the revisions since the one before it: in place of
// commit_persist(), commit_gather() and commit_part_persist() for each, which may run on another thread while the next
// revision is being prepared; then commit_keep() with the last part that is on disk.
#pragma once

#include "store/history.h"
#include "store/idempotency.h"
#include "store/rules.h"
#include "store/store_impl.h"

struct commit {
	struct store *store;
	uint64_t head; // the revision before
	struct rules_commit rules;
	struct idempotency idempotency;
	struct history history;
	size_t writes_gathered; // of rules.writes
};

// What a transaction writes. It borrows from the commit.
struct commit_part {
	struct db *db;
	struct db_write *writes;
	size_t writes_count;
	struct history_state state; // with it
	size_t image_mark;          // likewise
};

// The other errors end the store; after an error nothing is left to be done.
MUST_CHECK int commit_begin(struct commit *commit, struct store *store);
MUST_CHECK int commit_begin_revision(struct commit *commit, const struct history_revision *revision);
// One change set: its result, response and fault. `is_limited`: a full store refuses it. Not 0: the commit must be
// given up, for the set was accepted and cannot be taken back alone.
MUST_CHECK int commit_job(struct commit *commit, struct store_job *job, bool is_limited);
MUST_CHECK int commit_end_revision(struct commit *commit);
// Calls commit_abandon() when it fails. Errors of db_commit().
MUST_CHECK int commit_persist(struct commit *commit);
// Everything since the last call, if anything.
MUST_CHECK int commit_gather(struct commit *commit, struct commit_part *ret_part);
// Errors of db_commit().
MUST_CHECK int commit_part_persist(const struct commit_part *part);
// All parts were persisted, or failed. Takes back what came after `part`; NULL: all of it.
void commit_keep(struct commit *commit, const struct commit_part *part);
// Of a commit that changes no object: persists it, publishes it and ends it. -EIO when the store failed for good.
MUST_CHECK int commit_alone(struct commit *commit);
void commit_abandon(struct commit *commit);
void commit_publish(struct commit *commit);
void commit_finish(struct commit *commit);
