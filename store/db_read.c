// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"
#include "store/db_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct db_read {
	struct db *db;
	MDB_txn *txn;
	MDB_cursor *cursors[DB_TABLES]; // opened when first needed, kept over snapshots
	bool is_current[DB_TABLES];     // the cursor belongs to this snapshot
	uint32_t generation;            // of the tables read, and of the cursors
	uint32_t swaps;
};

uint32_t db_crc(enum db_table table, struct bytes key, const struct db_header *header, struct bytes body)
{
	uint32_t crc = crc32c((uint32_t)table, key.data, key.size);
	crc = crc32c(crc, (const char *)header + sizeof(header->crc), sizeof(*header) - sizeof(header->crc));
	return crc32c(crc, body.data, body.size);
}

int db_decode(enum db_table table, const MDB_val *key, const MDB_val *value, struct db_record *ret_record)
{
	struct db_header header;
	if (key->mv_size > DB_KEY_SIZE_MAX)
		return -EBADMSG;
	ret_record->key = (struct bytes){.data = key->mv_data, .size = key->mv_size};
	if (value->mv_size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, value->mv_data, sizeof(header));
	const struct bytes body = {.data = (const char *)value->mv_data + sizeof(header),
				   .size = value->mv_size - sizeof(header)};
	if (header.crc != db_crc(table, ret_record->key, &header, body))
		return -EBADMSG;
	ret_record->modified_revision = header.modified_revision;
	ret_record->value = body;
	return 0;
}

// ---------------------------------------------------------------- snapshots

int db_read_create(struct db *db, struct db_read **ret_read)
{
	struct db_read *read = calloc(1, sizeof(*read));
	if (read == NULL)
		return -ENOMEM;
	read->db = db;
	const int result = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &read->txn);
	if (result != 0) {
		free(read);
		return db_error(result);
	}
	mdb_txn_reset(read->txn); // keeps the reader slot
	*ret_read = read;
	return 0;
}

static void db_close_cursors(struct db_read *read)
{
	for (int i = 0; i < DB_TABLES; i++)
		if (read->cursors[i] != NULL)
			mdb_cursor_close(read->cursors[i]);
	memset(read->cursors, 0, sizeof(read->cursors));
}

void db_read_destroy(struct db_read *read)
{
	if (read == NULL)
		return;
	db_close_cursors(read);
	mdb_txn_abort(read->txn);
	free(read);
}

static int db_read_generation(struct db_read *read, struct db_generation *ret_generation)
{
	const int result = db_get_meta(read, db_key_generation, ret_generation, sizeof(*ret_generation));
	return result == 0 && ret_generation->live >= DB_GENERATIONS ? -EBADMSG : result;
}

// From the live tables on to the `step`th.
static int db_start(struct db_read *read, uint32_t step, uint64_t *ret_revision)
{
	uint64_t revision;
	struct db_generation stored;
	int result = db_error(mdb_txn_renew(read->txn));
	if (result != 0)
		return result;
	memset(read->is_current, 0, sizeof(read->is_current));
	result = db_read_generation(read, &stored);
	if (result == 0)
		result = db_get_meta(read, db_key_revision, &revision, sizeof(revision));
	if (result != 0) {
		db_read_stop(read);
		return result == -ENOENT ? -EBADMSG : result;
	}
	const uint32_t generation = (stored.live + step) % DB_GENERATIONS;
	if (generation != read->generation)
		db_close_cursors(read);
	read->generation = generation;
	read->swaps = stored.swaps;
	*ret_revision = revision;
	return 0;
}

uint32_t db_read_swaps(const struct db_read *read)
{
	return read->swaps;
}

int db_read_start(struct db_read *read, uint64_t *ret_revision)
{
	return db_start(read, 0, ret_revision);
}

int db_read_start_staged(struct db_read *read)
{
	uint64_t revision; // of the live state
	return db_start(read, 1, &revision);
}

void db_read_stop(struct db_read *read)
{
	mdb_txn_reset(read->txn);
}

// ---------------------------------------------------------------- records

int db_get(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record)
{
	MDB_val wanted = {.mv_data = (void *)key.data, .mv_size = key.size}, value;
	if (key.size == 0)
		return -ENOENT; // LMDB knows no empty key
	const int result = mdb_get(read->txn, read->db->tables[read->generation][table], &wanted, &value);
	return result == 0 ? db_decode(table, &wanted, &value, ret_record) : db_error(result);
}

int db_count(struct db_read *read, enum db_table table, uint64_t *ret_count)
{
	MDB_stat stat;
	const int result = mdb_stat(read->txn, read->db->tables[read->generation][table], &stat);
	if (result == 0)
		*ret_count = stat.ms_entries;
	return db_error(result);
}

static int db_cursor(struct db_read *read, enum db_table table, MDB_cursor **ret_cursor)
{
	int result = 0;
	if (read->cursors[table] == NULL)
		result = mdb_cursor_open(read->txn, read->db->tables[read->generation][table], &read->cursors[table]);
	else if (!read->is_current[table])
		result = mdb_cursor_renew(read->txn, read->cursors[table]);
	read->is_current[table] = result == 0;
	*ret_cursor = read->cursors[table];
	return result;
}

static int db_walk(struct db_read *read, enum db_table table, MDB_val *key, MDB_cursor_op operation,
		   struct db_record *ret_record)
{
	MDB_cursor *cursor;
	MDB_val value;
	int result = db_cursor(read, table, &cursor);
	if (result == 0)
		result = mdb_cursor_get(cursor, key, &value, operation);
	return result == 0 ? db_decode(table, key, &value, ret_record) : db_error(result);
}

int db_seek(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record)
{
	MDB_val from = {.mv_data = (void *)key.data, .mv_size = key.size};
	// An empty key sorts before all, but LMDB has no such key to search for.
	return db_walk(read, table, &from, key.size ? MDB_SET_RANGE : MDB_FIRST, ret_record);
}

int db_next(struct db_read *read, enum db_table table, struct db_record *ret_record)
{
	MDB_val key;
	return db_walk(read, table, &key, MDB_NEXT, ret_record);
}

int db_seek_before(struct db_read *read, enum db_table table, struct bytes key, struct db_record *ret_record)
{
	MDB_cursor *cursor;
	MDB_val found = {.mv_data = (void *)key.data, .mv_size = key.size}, value;
	int result = db_cursor(read, table, &cursor);
	if (result == 0)
		result = mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE);
	// Nothing at or after the key: then the last one is before it.
	if (result == 0 || result == MDB_NOTFOUND)
		result = mdb_cursor_get(cursor, &found, &value, result == 0 ? MDB_PREV : MDB_LAST);
	return result == 0 ? db_decode(table, &found, &value, ret_record) : db_error(result);
}

// ---------------------------------------------------------------- meta and digest

int db_get_meta(struct db_read *read, struct bytes key, void *ret_value, size_t size)
{
	struct db_record record;
	const int result = db_get(read, DB_META, key, &record);
	if (result == 0 && record.value.size != size)
		return -EBADMSG;
	if (result == 0)
		memcpy(ret_value, record.value.data, size);
	return result;
}

int db_read_digest(struct db_read *read, struct digest *ret_digest)
{
	struct id128 id;
	const int result = db_get_meta(read, db_key_digest, &id, sizeof(id));
	if (result == 0)
		*ret_digest = digest_from_id(&id);
	return result;
}

int db_compute_digest(struct db_read *read, struct digest *ret_digest)
{
	struct digest digest = {0};
	for (int i = 0; i < DB_TABLES; i++) {
		const enum db_table table = (enum db_table)i;
		struct db_record record;
		int result = db_is_object_table(table) ? db_seek(read, table, (struct bytes){0}, &record) : -ENOENT;
		for (; result == 0; result = db_next(read, table, &record))
			digest_add(&digest, table, &record);
		if (result != -ENOENT)
			return result;
	}
	*ret_digest = digest;
	return 0;
}
