// SPDX-License-Identifier: Apache-2.0
// What the files of the database share. Nobody else includes this, nor lmdb.h.
//
//     db_check.c  the file before LMDB sees it: is every page it will follow there, and sound?
//     db_open.c   directory, lock, creation, opening
//     db_format.c what is in a new store, and what an older one lacks
//     db_write.c  commits
//     db_stage.c  the second set of tables: filled, taken over, emptied
//     db_read.c   snapshots
//     db_wipe.c   the bytes of what was deleted
#pragma once

#include "store/db.h"
#include "store/digest.h"

#include <assert.h>
#include <lmdb.h>
#include <stdatomic.h>

enum {
	DB_FORMAT = 2,       // what this build writes; a newer one is refused
	DB_RECORD_SIZE = 16, // of struct db_header
	DB_GENERATIONS = 2,
	DB_NAME_SIZE = 32, // of a table in LMDB
};

// In front of every value. In the byte order of the machine, as LMDB's own structures are.
struct db_header {
	uint32_t crc;      // CRC-32C, started with the table's number, over key, the rest of this, and the body
	uint32_t reserved; // 0
	uint64_t modified_revision;
};
static_assert(sizeof(struct db_header) == DB_RECORD_SIZE, "on disk");

// The end of a table, so that a key beyond it can be appended without a search. May be beyond the last record.
struct db_last {
	uint32_t size;
	char data[DB_KEY_SIZE_MAX];
};

struct db {
	MDB_env *env;
	MDB_dbi tables[DB_GENERATIONS][DB_TABLES]; // those that are there once have the same handle in both
	uint32_t live;                             // the writer's, as are the next ones
	uint32_t swaps;
	struct db_last last[DB_GENERATIONS][DB_TABLES];
	struct db_order *order; // scratch
	size_t order_limit;
	struct digest digests[DB_GENERATIONS]; // of the last commit
	bool is_fatal;                         // a commit failed: nothing more is written
	int lock_fd;                           // flock: one process per store
	uint64_t bytes_max;                    // of the map
	_Atomic uint64_t bytes_used;
	char *path; // of the data file
};

// Where the last key of a table is kept.
static inline struct db_last *db_last_of(struct db *db, uint32_t generation, enum db_table table)
{
	return &db->last[db_is_staged_table(table) ? generation : 0][table];
}

// A transaction on its way.
struct db_commit {
	struct db *db;
	uint32_t generation; // it writes to
	MDB_txn *txn;
	MDB_cursor *cursors[DB_TABLES];
	const struct db_write *writes;
	size_t writes_count;
	struct digest digest;                    // of the objects with the writes so far
	int (*finish)(struct db_commit *commit); // in the transaction, after the writes; LMDB's error. NULL: nothing
	uint64_t revision;                       // for db_write_metas()
	uint64_t orphans_after;
};

// db_write.c. Runs it: 0, or an error of db_commit(). `digest` is that of its generation then.
MUST_CHECK int db_run_commit(struct db_commit *commit);
// For `finish`. The new revision and the digest.
MUST_CHECK int db_write_metas(struct db_commit *commit);
MUST_CHECK int db_write_meta(struct db_commit *commit, struct bytes key, const void *data, size_t size);

// LMDB's error as a negative errno: the only place that knows them.
int db_error(int lmdb_error);
uint32_t db_crc(enum db_table table, struct bytes key, const struct db_header *header, struct bytes body);
// The record at (key, value) of LMDB. -EBADMSG when it is damaged.
MUST_CHECK int db_decode(enum db_table table, const MDB_val *key, const MDB_val *value, struct db_record *ret_record);
// Bytes of the pages that hold something, within `txn`.
MUST_CHECK int db_measure(struct db *db, MDB_txn *txn, uint64_t *ret_bytes);

extern const struct bytes db_key_format, db_key_digest;

// db_format.c. The format of the store in `txn`, whose table of meta records is open. -EBADMSG, or -ENOTSUP for a newer
// one, with the fault.
MUST_CHECK int db_read_format(const struct db *db, MDB_txn *txn, uint32_t *ret_format, struct fault *fault);
// The name of a table in LMDB.
void db_make_name(uint32_t generation, enum db_table table, char ret_name[DB_NAME_SIZE]);
// Tables and meta records of a new store.
MUST_CHECK int db_write_empty(MDB_env *env);
// Brings a store of an older format up to DB_FORMAT, in one transaction.
MUST_CHECK int db_upgrade(struct db *db);
// One record of the meta table.
MUST_CHECK int db_find_meta(MDB_txn *txn, MDB_dbi meta, struct bytes key, void *ret_value, size_t size);

// db_check.c. Refuses a file that LMDB must not be let near. 0, -ENOENT when there is none, or the fault is set.
MUST_CHECK int db_check_file(const char *path, struct fault *fault);
// The same walk, and zeroes where nothing is: in the gaps of pages, in those freed by transaction `txn` or earlier
// ones, beyond the last one. Nobody may write meanwhile, nor read as of before `txn`. On the disk on return. Adds to
// *ret_bytes what was not zero.
MUST_CHECK int db_wipe_file(const char *path, uint64_t txn, uint64_t *ret_bytes);
