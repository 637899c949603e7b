// SPDX-License-Identifier: Apache-2.0
// The index from the database, on start and when another state is taken over: every record is read, checked and put
// straight into an image nobody reads yet. Slabs, tables, notes and chains end up as the change rules (rules_*.c) would
// have left them, but for the order of chains. Two threads share the work by tables: the caller's and one more.
#pragma once

#include "store/db.h"
#include "store/image.h"

struct load_options {
	struct db *db; // for messages
	struct strings *strings;
	bool is_staged; // the tables that are not live: nobody may stage meanwhile; the revision is the caller's
	// Called now and then, on the caller's thread. May be NULL.
	void (*on_progress)(void *context, uint64_t records_done, uint64_t records_total);
	void *context;
};

// Fills `image`, which is empty, with the state and the revision on disk, sealed. Nobody may write the tables
// meanwhile. -EBADMSG for a damaged record or one that refers to what is not there, with the table and the key in the
// fault (never a token's); -ENOMEM.
MUST_CHECK int load_image(const struct load_options *options, struct db_read *read, struct image *image,
			  struct fault *fault);
