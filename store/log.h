// SPDX-License-Identifier: Apache-2.0
// The log of changes: every applied revision with the change sets it accepted, in LMDB, written by the commit that
// makes the revision (DESIGN 3.3). For Watch, audit and repair. What is too old, or too much, is forgotten from the
// oldest on; that is no part of the state.
//
// And the orphans: entries of this store that the history it took over does not have, kept aside until an operator
// forgets them.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/store.h"

enum {
	LOG_ENTRIES_MAX_DEFAULT = 100000,
	LOG_AGE_MAX_DEFAULT_S = 90 * 24 * 60 * 60,
};
#define LOG_BYTES_MAX_DEFAULT ((uint64_t)256 * 1024 * 1024)

struct log_reader;

// Reads the log of a store. One thread at a time; holds a read transaction only within a call. -ENOMEM, -EAGAIN.
MUST_CHECK int log_reader_create(struct store *store, struct log_reader **ret_reader);
void log_reader_destroy(struct log_reader *reader);

// The entry with the lowest revision > `after`, decoded into `arena`. -ENOENT: none yet. -ERANGE: `after` lies before
// what is kept, or beyond the store's revision. An entry without change sets (all were refused) comes as well.
MUST_CHECK int log_read_after(struct log_reader *reader, uint64_t after, struct arena *arena,
			      struct log_entry *ret_entry);
// A page for method Log, newest first: up to page_size entries and PAGE_BYTES_MAX.
MUST_CHECK int log_read_page(struct log_reader *reader, const struct log_request *request, struct arena *arena,
			     struct log_response *ret_response);
// Forgets orphans up to `through_revision`. Waits for the writer. Any thread but a worker's.
MUST_CHECK int log_forget_orphans(struct store *store, uint64_t through_revision, uint64_t *ret_forgotten);
