// SPDX-License-Identifier: Apache-2.0
// The truth on disk: one LMDB environment with named databases; the only includer of lmdb.h.
//
// Records are (key, value): keys made by key.h, values a header with CRC32C over key and value, the object's
// modified_revision, and the object as protobuf. Flags are MDB_NOTLS only; every commit is synced before it returns.
// One write transaction at a time, on the writer thread; read transactions on any thread, short ones.
// Errors are negative errno: -ENOENT nothing under that key, -ENOSPC map full or disk full, -EBADMSG a damaged
// record, -EIO and others: the store must not be written any more.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/id128.h"
#include "proto/fault.h"

#include <stdint.h>

struct db;
struct db_read;
struct digest;

// Records of DB_META, in the byte order of the machine, as all numbers in values of tables that hold no objects.
extern const struct bytes db_key_revision, db_key_time, db_key_position, db_key_log, db_key_generation;

// Under db_key_position: the part of struct store_position that is not the revision. Made with the store.
struct db_position {
	struct id128 epoch;
	struct id128 nonce;
	uint32_t is_attached;
	uint32_t reserved;
};

// Under db_key_log: what DB_LOG and DB_ORPHANS hold.
struct db_log_state {
	uint64_t floor; // every revision after this one is in the log
	uint64_t entries;
	uint64_t bytes; // of their keys and values
	uint64_t orphans;
};

// Under db_key_generation: which of the two sets of tables is the state. See "staging" below.
struct db_generation {
	uint32_t live;
	uint32_t swaps;         // so often the other one was made the live one
	uint64_t orphans_after; // entries of the other set's log beyond it are still to be made orphans
};

enum db_table {
	DB_META,            // format, revision, time, position, digest, log, generation
	DB_TARIFFS,         // key: compare form
	DB_GROUPS,          // likewise
	DB_POINTS,          // likewise; the stored ChargePoint has its charge_group_id
	DB_CUSTOMERS,       // likewise
	DB_TOKENS,          // country_code 0 party_id 0 type uid, in compare form; own tokens have empty issuers
	DB_MEMBERSHIPS,     // charge group 0 customer
	DB_IDEMPOTENCY,     // actor 0 key -> remembered result
	DB_IDEMPOTENCY_AGE, // revision, change set number -> key of DB_IDEMPOTENCY; for trimming
	DB_LOG,             // revision, chunk -> a part of the entry (log.h)
	DB_ORPHANS,         // revision, nonce, chunk -> likewise
	DB_TABLES,
};

enum {
	DB_KEY_SIZE_MAX = 200,
	DB_MAP_FULL_PERCENT = 80, // the caller admits only deletes from here on: they need free pages, too
};

// Tables of objects: those the digest is about.
static inline bool db_is_object_table(enum db_table table)
{
	return table >= DB_TARIFFS && table <= DB_MEMBERSHIPS;
}

// Tables that are there twice: all that make up the state.
static inline bool db_is_staged_table(enum db_table table)
{
	return table != DB_META && table != DB_ORPHANS;
}

struct db_options {
	const char *directory; // created, mode 0700, if it is not there; its parent must be
	uint64_t map_size;     // bytes of address space; the most the file can grow to
	bool read_only;
};

// Opens or creates. A store of an older format is brought up to date in one transaction. A damaged, truncated or
// foreign file is refused: -EBADMSG or another errno, and a fault that says what is wrong with which file and the way
// out.
MUST_CHECK int db_open(const struct db_options *options, struct db **ret_db, struct fault *fault);
void db_close(struct db *db);
// Bytes of the pages in use after the last commit, and the most there can be. Any thread.
uint64_t db_bytes_used(const struct db *db);
uint64_t db_bytes_max(const struct db *db);
// DB_MAP_FULL_PERCENT is reached: commit only what takes things away. Any thread.
bool db_is_full(const struct db *db);
const char *db_path(const struct db *db); // of the data file, for messages
const char *db_table_name(enum db_table table);
// "FILE is damaged: ...", and the way out.
void db_fault_damaged(struct fault *fault, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
// The structure of the data file, page by page, as db_open() does it. On the writer thread: nothing is written
// meanwhile. -EBADMSG with the fault, or another errno.
MUST_CHECK int db_check_pages(const struct db *db, struct fault *fault);
MUST_CHECK int db_count(struct db_read *read, enum db_table table, uint64_t *ret_count);

// ---------------------------------------------------------------- writing (writer thread)

// One put, or a delete when `value.data` is NULL. A commit is a list of them.
struct db_write {
	enum db_table table;
	struct bytes key;
	uint64_t modified_revision;
	struct bytes value;
};

// All of `writes`, the new revision and the digest in one synced transaction, or nothing. Later entries under a key
// win. 0 only when it is on disk. -ENOSPC (map or disk), -ENOMEM: nothing was written, the store goes on. Any other
// error: whether it is on disk is unknown, and the store refuses every later commit with -EIO.
MUST_CHECK int db_commit(struct db *db, const struct db_write *writes, size_t writes_count, uint64_t revision);

// Of all objects after the last commit. Writer thread.
void db_get_digest(const struct db *db, struct digest *ret_digest);

// Makes zero what of deleted records is still in the file, and in the memory that goes there; `revision` is the
// store's. *ret_bytes: how many bytes there were. -EBUSY: a snapshot is held that may see them: try again. Errors of
// db_commit().
MUST_CHECK int db_wipe(struct db *db, uint64_t revision, uint64_t *ret_bytes);

// ---------------------------------------------------------------- staging (writer thread)
//
// There are two sets of the tables that make up the state. One is live: what is read and committed. The other is
// empty, or a state is being put together in it, which one transaction makes the live one; then what was live before
// is to be emptied, in pieces, for LMDB does badly at freeing a large tree at once.

// As db_commit(), to the set that is not live; DB_META and DB_ORPHANS are there once, and there it writes as well.
// Makes no revision.
MUST_CHECK int db_stage(struct db *db, const struct db_write *writes, size_t writes_count);
// Of the objects that are staged.
void db_get_staged_digest(const struct db *db, struct digest *ret_digest);
// Makes the staged state the live one, at `revision`, with `writes` to DB_META. Errors of db_commit().
MUST_CHECK int db_swap(struct db *db, const struct db_write *writes, size_t writes_count, uint64_t revision,
		       uint64_t orphans_after);
// How often that was done.
uint32_t db_swaps(const struct db *db);
// Takes some records out of the set that is not live, in one transaction of a few milliseconds. 1: there are more; 0:
// it is empty. Errors of db_commit().
MUST_CHECK int db_empty_staged(struct db *db);

// ---------------------------------------------------------------- reading (any thread, one at a time per db_read)

struct db_record {
	struct bytes key;
	uint64_t modified_revision;
	struct bytes value; // of the object; unaligned; valid until db_read_stop()
};

// A reader slot, to be kept: start and stop cost no system call. -ENOMEM, -EAGAIN when all slots are taken.
MUST_CHECK int db_read_create(struct db *db, struct db_read **ret_read);
void db_read_destroy(struct db_read *read);
// Takes a snapshot. Keep it for milliseconds: a held snapshot makes the file grow.
MUST_CHECK int db_read_start(struct db_read *read, uint64_t *ret_revision);
// The same, of the set of tables that is not live.
MUST_CHECK int db_read_start_staged(struct db_read *read);
void db_read_stop(struct db_read *read);

// A damaged record (-EBADMSG) is told by its key in *ret_record, unless that is damaged, too.
MUST_CHECK int db_get(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record);
// The first record with key >= `key`, then the ones after it. -ENOENT at the end. One walk per table at a time.
MUST_CHECK int db_seek(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record);
MUST_CHECK int db_next(struct db_read *read, enum db_table table, struct db_record *ret_record);
// The last record with key < `key`, which is not empty. -ENOENT: none. Ends a walk of the table.
MUST_CHECK int db_seek_before(struct db_read *read, enum db_table table, struct bytes key,
			      struct db_record *ret_record);

// A record of DB_META that is a struct of `size` bytes. -ENOENT, -EBADMSG.
MUST_CHECK int db_get_meta(struct db_read *read, struct bytes key, void *ret_value, size_t size);
// How often another state was made the live one before this snapshot, of the live tables: with its revision, which may
// come again when that happens, it names the state.
uint32_t db_read_swaps(const struct db_read *read);
// The digest as it is kept.
MUST_CHECK int db_read_digest(struct db_read *read, struct digest *ret_digest);
// The digest of all objects, by looking at each of them.
MUST_CHECK int db_compute_digest(struct db_read *read, struct digest *ret_digest);
