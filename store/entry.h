// SPDX-License-Identifier: Apache-2.0
// Revisions that were ordered elsewhere: entries of the log in Redis, applied one by one and in order.
#pragma once

#include "store/position.h"
#include "store/store.h"

// One revision to be made exactly as every other replica makes it. Everything the change rules use is in here and in
// the store: no clock, no limits, no fill level.
struct store_entry {
	uint64_t revision;
	struct id128 epoch;
	struct id128 nonce;
	struct id128 prev; // nonce of the revision before
	int64_t time;      // appender's clock, unix seconds; recorded is the later of this and the last commit's
	struct bytes origin;
	// Its change sets in order, linked by `next`, at least one. Each job's result and response are filled in;
	// done() of a job is not called: done() of the entry answers for all. `repeat_window_s` of a job counts here.
	struct store_job *jobs;
	// Called on the writer thread once the entry is durable and visible, or could not be applied. Must not block.
	void (*done)(struct store_entry *entry);
	void *context;
	// 0, also when sets in it were refused (see their jobs). Else nothing of it happened:
	//   -ESTALE           it does not follow the store's position (revision, epoch or prev); nor was anything
	//                     behind it applied
	//   -ENOSPC, -ENOMEM  not now: this machine is short of room. It can be submitted again; what was queued
	//                     behind it is returned as -ESTALE
	//   -EIO              the store failed for good
	int result;
	struct store_entry *next; // the store's until done()
};

// Any thread; entries of one thread keep their order. Several may share one LMDB transaction, with one revision each.
// -EAGAIN: the queue is full; -EIO: closed to writes. done() is not called then.
MUST_CHECK int store_submit_entry(struct store *store, struct store_entry *entry);

// Gives the store a new name for its place in history, in one durable commit without any change: a store joins the
// log (is_attached), or starts a new history. -ESTALE when it does not stand at `expected` any more. Waits for the
// writer: not to be called from a worker. Any other thread.
MUST_CHECK int store_set_position(struct store *store, const struct store_position *expected,
				  const struct store_position *position);
// Any thread: epoch, revision and nonce of one moment, of a revision that is durable and visible.
void store_get_position(struct store *store, struct store_position *ret_position);
