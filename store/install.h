// SPDX-License-Identifier: Apache-2.0
// Putting a snapshot in place of everything a store has, while it goes on answering from what it had: the records are
// staged in tables of their own, checked against the snapshot's digest, and taken over in one commit. Until that commit
// a crash leaves the store as it was.
//
// One at a time. All functions wait for the writer thread where they must: any thread but a worker's or the writer's.
#pragma once

#include "proto/messages.h"
#include "store/position.h"
#include "store/store.h"

struct store_install;

// -EBUSY: another one is under way. Both give the fault.
MUST_CHECK int store_install_begin(struct store *store, struct store_install **ret_install, struct fault *fault);
// Records as a Snapshot for a replica sends them, in that order. The fault names what is wrong with which record.
MUST_CHECK int store_install_add(struct store_install *install, const struct record *records, size_t count,
				 struct fault *fault);
// Takes the staged records over at `position` and destroys *install: also when it fails, and then nothing has changed.
// NULL: the state begins a history of its own, with a random epoch and nonce, at a revision after the store's and the
// snapshot's; attached if the store is.
// `end` is the snapshot's: -EBADMSG when counts or digest differ from what was staged, or the records do not fit
// together. The log of the store so far is dropped; with `orphans_after` < UINT64_MAX, its entries with a higher
// revision than that are kept aside as orphans first. on_publish() of the readers is called; readers see the old state
// until everything is there.
MUST_CHECK int store_install_commit(struct store_install **install, const struct snapshot_end *end,
				    const struct store_position *position, uint64_t orphans_after, struct fault *fault);
// Forgets what was staged. NULL is fine.
void store_install_abort(struct store_install *install);
