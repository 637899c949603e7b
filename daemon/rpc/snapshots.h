// SPDX-License-Identifier: Apache-2.0
// Snapshots under way: each has a thread of its own and holds the database back, so there are few of them.
#pragma once

#include "store/store.h"

struct snapshots;

enum {
	SNAPSHOTS_MAX = 2,
	SNAPSHOT_CHUNK_SIZE = 64 * 1024,
	SNAPSHOT_CHUNKS_MAX = 4,  // made and not sent yet
	SNAPSHOT_STALL_MS = 5000, // without progress of the receiver
};

MUST_CHECK int snapshots_create(struct store *store, struct snapshots **ret_snapshots);
// None may be under way. NULL is fine.
void snapshots_destroy(struct snapshots *snapshots);
