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
#include "proto/fault.h"

#include <stdint.h>

struct db;
struct db_read;

enum db_table {
	DB_META,            // format, revision, time
	DB_TARIFFS,         // key: compare form
	DB_GROUPS,          // likewise
	DB_POINTS,          // likewise; the stored ChargePoint has its charge_group_id
	DB_CUSTOMERS,       // likewise
	DB_TOKENS,          // country_code 0 party_id 0 type uid, in compare form; own tokens have empty issuers
	DB_MEMBERSHIPS,     // charge group 0 customer
	DB_IDEMPOTENCY,     // actor 0 key -> remembered result
	DB_IDEMPOTENCY_AGE, // revision, change set number -> key of DB_IDEMPOTENCY; for trimming
	DB_TABLES,
};

enum {
	DB_KEY_SIZE_MAX = 200,
	DB_MAP_FULL_PERCENT = 80, // the caller admits only deletes from here on: they need free pages, too
};

struct db_options {
	const char *directory; // created, mode 0700, if it is not there; its parent must be
	uint64_t map_size;     // bytes of address space; the most the file can grow to
	bool read_only;
};

// Opens or creates. A damaged, truncated or foreign file is refused: -EBADMSG or another errno, and a fault that
// says what is wrong with which file and the way out.
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
MUST_CHECK int db_count(struct db_read *read, enum db_table table, uint64_t *ret_count);

// ---------------------------------------------------------------- writing (writer thread)

// One put, or a delete when `value.data` is NULL. A commit is a list of them.
struct db_write {
	enum db_table table;
	struct bytes key;
	uint64_t modified_revision;
	struct bytes value;
};

// All of `writes` and the new revision in one synced transaction, or nothing. Later entries under a key win.
// 0 only when it is on disk. -ENOSPC (map or disk), -ENOMEM: nothing was written, the store goes on.
// Any other error: whether it is on disk is unknown, and the store refuses every later commit with -EIO.
MUST_CHECK int db_commit(struct db *db, const struct db_write *writes, size_t writes_count, uint64_t revision);

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
void db_read_stop(struct db_read *read);

// A damaged record (-EBADMSG) is told by its key in *ret_record, unless that is damaged, too.
MUST_CHECK int db_get(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record);
// The first record with key >= `key`, then the ones after it. -ENOENT at the end. One walk per table at a time.
MUST_CHECK int db_seek(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record);
MUST_CHECK int db_next(struct db_read *read, enum db_table table, struct db_record *ret_record);
