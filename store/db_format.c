// SPDX-License-Identifier: Apache-2.0
// The formats of a store:
//
//     1  objects, what is remembered of idempotency keys
//     2  and where it stands in its history, the digest of the objects, the log, orphans, a second set of tables
#include "store/db_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct bytes db_key_format = {.data = "format", .size = 6};
const struct bytes db_key_revision = {.data = "revision", .size = 8};
const struct bytes db_key_time = {.data = "time", .size = 4};
const struct bytes db_key_position = {.data = "position", .size = 8};
const struct bytes db_key_digest = {.data = "digest", .size = 6};
const struct bytes db_key_log = {.data = "log", .size = 3};

const struct bytes db_key_generation = {.data = "generation", .size = 10};

static_assert(sizeof(struct db_position) == 40 && sizeof(struct db_log_state) == 32 &&
		      sizeof(struct db_generation) == 16,
	      "on disk");

// The format record, so that somebody else's LMDB file is told from ours.
struct db_format {
	char magic[8];
	uint32_t version;
	uint32_t reserved;
};
static_assert(sizeof(struct db_format) == 16, "on disk");

static const char DB_MAGIC[8] = "evauthd";
static const uint64_t DB_REVISION_EMPTY = 1; // DESIGN 1.4

// ---------------------------------------------------------------- meta records

int db_find_meta(MDB_txn *txn, MDB_dbi meta, struct bytes key, void *ret_value, size_t size)
{
	MDB_val wanted = {.mv_data = (void *)key.data, .mv_size = key.size}, value;
	struct db_record record;
	const int result = mdb_get(txn, meta, &wanted, &value);
	if (result != 0)
		return result == MDB_NOTFOUND ? -EBADMSG : db_error(result);
	if (db_decode(DB_META, &wanted, &value, &record) != 0 || record.value.size != size)
		return -EBADMSG;
	memcpy(ret_value, record.value.data, size);
	return 0;
}

static int db_put_meta(MDB_txn *txn, MDB_dbi meta, struct bytes key, uint64_t revision, struct bytes body)
{
	char value[64];
	struct db_header header = {.modified_revision = revision};
	ASSERT(sizeof(header) + body.size <= sizeof(value));
	header.crc = db_crc(DB_META, key, &header, body);
	memcpy(value, &header, sizeof(header));
	memcpy(value + sizeof(header), body.data, body.size);
	return mdb_put(txn, meta, &(MDB_val){.mv_data = (void *)key.data, .mv_size = key.size},
		       &(MDB_val){.mv_data = value, .mv_size = sizeof(header) + body.size}, 0);
}

int db_read_format(const struct db *db, MDB_txn *txn, uint32_t *ret_format, struct fault *fault)
{
	struct db_format format;
	const int result = db_find_meta(txn, db->tables[0][DB_META], db_key_format, &format, sizeof(format));
	if (result == -EBADMSG)
		db_fault_damaged(fault, db->path, "no format record");
	if (result != 0)
		return result;
	if (memcmp(format.magic, DB_MAGIC, sizeof(DB_MAGIC)) == 0 && format.version <= DB_FORMAT) {
		*ret_format = format.version;
		return 0;
	}
	fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
		  "%s was written by a newer evauthd (format %u, this one knows up to %u) and is left as it is: start "
		  "that version again, or move the file away and restore a backup or import an export",
		  db->path, format.version, (unsigned)DB_FORMAT);
	return -ENOTSUP;
}

// Everything of DB_META that a store of DB_FORMAT has and an older one may lack. The history gets its name here.
static int db_put_metas(MDB_txn *txn, MDB_dbi meta, uint64_t revision, const struct digest *digest)
{
	struct db_format format = {.version = DB_FORMAT};
	memcpy(format.magic, DB_MAGIC, sizeof(format.magic));
	const struct db_position position = {.epoch = id128_random()};
	const struct db_log_state log = {.floor = revision};
	const struct db_generation generation = {.orphans_after = UINT64_MAX};
	const struct id128 digest_bytes = digest_id(digest);
	const struct {
		struct bytes key;
		struct bytes body;
	} rows[] = {
		{db_key_format, {.data = (const char *)&format, .size = sizeof(format)}},
		{db_key_position, {.data = (const char *)&position, .size = sizeof(position)}},
		{db_key_log, {.data = (const char *)&log, .size = sizeof(log)}},
		{db_key_generation, {.data = (const char *)&generation, .size = sizeof(generation)}},
		{db_key_digest, {.data = (const char *)&digest_bytes, .size = sizeof(digest_bytes)}},
	};
	int result = 0;
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(rows); i++)
		result = db_put_meta(txn, meta, rows[i].key, revision, rows[i].body);
	return result;
}

void db_make_name(uint32_t generation, enum db_table table, char ret_name[DB_NAME_SIZE])
{
	const bool is_second = generation > 0 && db_is_staged_table(table);
	snprintf(ret_name, DB_NAME_SIZE, "%s%s", db_table_name(table), is_second ? ".second" : "");
}

// `tables`: one row per generation.
static int db_make_tables(MDB_txn *txn, MDB_dbi (*tables)[DB_TABLES])
{
	char name[DB_NAME_SIZE];
	int result = 0;
	for (uint32_t i = 0; result == 0 && i < DB_GENERATIONS * DB_TABLES; i++) {
		const uint32_t generation = i / DB_TABLES, table = i % DB_TABLES;
		db_make_name(generation, (enum db_table)table, name);
		result = mdb_dbi_open(txn, name, MDB_CREATE, &tables[generation][table]);
	}
	return result;
}

static int db_end_writing(MDB_txn *txn, int result)
{
	if (result == 0)
		return db_error(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return result;
}

// ---------------------------------------------------------------- a new store

int db_write_empty(MDB_env *env)
{
	static const struct bytes revision = {.data = (const char *)&DB_REVISION_EMPTY,
					      .size = sizeof(DB_REVISION_EMPTY)};
	MDB_txn *txn;
	MDB_dbi tables[DB_GENERATIONS][DB_TABLES];
	int result = mdb_txn_begin(env, NULL, 0, &txn);
	if (result != 0)
		return db_error(result);
	result = db_make_tables(txn, tables);
	if (result == 0)
		result = db_put_meta(txn, tables[0][DB_META], db_key_revision, DB_REVISION_EMPTY, revision);
	if (result == 0)
		result = db_put_metas(txn, tables[0][DB_META], DB_REVISION_EMPTY, &(struct digest){0});
	return db_end_writing(txn, db_error(result));
}

// ---------------------------------------------------------------- an older one

static int db_sum_table(MDB_txn *txn, const MDB_dbi *tables, enum db_table table, struct digest *digest)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	struct db_record record;
	int result = mdb_cursor_open(txn, tables[table], &cursor);
	if (result != 0)
		return db_error(result);
	while ((result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		result = db_decode(table, &key, &value, &record);
		if (result != 0)
			break;
		digest_add(digest, table, &record);
	}
	mdb_cursor_close(cursor);
	return result == MDB_NOTFOUND ? 0 : result < 0 && result == -EBADMSG ? result : db_error(result);
}

static int db_upgrade_in(MDB_txn *txn, MDB_dbi (*tables)[DB_TABLES])
{
	uint64_t revision;
	struct digest digest = {0};
	int result = db_error(db_make_tables(txn, tables));
	if (result == 0)
		result = db_find_meta(txn, tables[0][DB_META], db_key_revision, &revision, sizeof(revision));
	for (int i = 0; result == 0 && i < DB_TABLES; i++)
		if (db_is_object_table((enum db_table)i))
			result = db_sum_table(txn, tables[0], (enum db_table)i, &digest);
	return result == 0 ? db_error(db_put_metas(txn, tables[0][DB_META], revision, &digest)) : result;
}

int db_upgrade(struct db *db)
{
	MDB_txn *txn;
	const int result = mdb_txn_begin(db->env, NULL, 0, &txn);
	return result == 0 ? db_end_writing(txn, db_upgrade_in(txn, db->tables)) : db_error(result);
}
