// SPDX-License-Identifier: Apache-2.0
// How entries of the log lie in LMDB. For history.c, log.c, install.c and erase.c only.
//
// An entry is a struct log_head, the origin, and each accepted change set as it came, with its size in front. It is cut
// into chunks, because LMDB puts a large value into pages in a row, which a file that has lived has few of.
#pragma once

#include "base/id128.h"
#include "store/db.h"

#include <assert.h>

struct log_head {
	struct id128 epoch;
	struct id128 nonce;
	struct id128 prev;
	int64_t time;        // of the commit, unix seconds
	uint64_t size;       // of the whole entry
	uint32_t sets_count; // each a uint32_t size and so many bytes
	uint32_t origin_size;
};
static_assert(sizeof(struct log_head) == 72, "on disk");

enum {
	// With LMDB's page header and ours, four pages.
	LOG_CHUNK_SIZE = 4 * 4096 - 16 - 16,
	LOG_KEY_SIZE = 12,
	LOG_ORPHAN_KEY_SIZE = 28,
};

// Keys in big endian.
struct log_key {
	char data[LOG_KEY_SIZE]; // revision, chunk
};
struct log_orphan_key {
	char data[LOG_ORPHAN_KEY_SIZE]; // revision, nonce, chunk
};

struct log_key log_key_make(uint64_t revision, uint32_t chunk);
struct log_orphan_key log_orphan_key_make(uint64_t revision, const struct id128 *nonce, uint32_t chunk);
// Of a key of either table. -EBADMSG.
MUST_CHECK int log_key_read(struct bytes key, uint64_t *ret_revision, uint32_t *ret_chunk);
// The entry whose first chunk is `row`, which a walk of the table has come to; the walk is at its last chunk then. It
// lives in `arena`. -EBADMSG, -ENOMEM.
struct arena;
struct log_entry;
MUST_CHECK int log_entry_read(struct db_read *read, enum db_table table, const struct db_record *row,
			      struct arena *arena, struct log_entry *ret_entry);
// Of the first chunk. -EBADMSG.
MUST_CHECK int log_head_read(struct bytes value, struct log_head *ret_head);
// A row of the log, or of the orphans: where it belongs, and in chunk 0 the head as well. -EBADMSG.
MUST_CHECK int log_row_read(const struct db_record *row, uint64_t *ret_revision, uint32_t *ret_chunk,
			    struct log_head *ret_head);

static inline struct bytes log_key_bytes(const struct log_key *key)
{
	return (struct bytes){.data = key->data, .size = sizeof(key->data)};
}
static inline struct bytes log_orphan_key_bytes(const struct log_orphan_key *key)
{
	return (struct bytes){.data = key->data, .size = sizeof(key->data)};
}
// What a record of the log counts for the limit of bytes.
static inline uint64_t log_row_size(struct bytes key, struct bytes value)
{
	return key.size + value.size;
}
