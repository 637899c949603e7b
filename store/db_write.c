// SPDX-License-Identifier: Apache-2.0
#include "store/db_impl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DB_ORDER_KEPT_MAX = 16 * 1024 }; // writes; the memory to sort more is given back after the commit

// A write's place in the order of (table, key). The head of both in one number decides nearly every comparison.
struct db_order {
	uint64_t head; // table, then the first 7 bytes of the key
	uint32_t index;
};

// ---------------------------------------------------------------- order

static uint64_t db_order_head(const struct db_write *write)
{
	uint64_t head = 0;
	const size_t size = write->key.size < sizeof(head) - 1 ? write->key.size : sizeof(head) - 1;
	memcpy((char *)&head + 1, write->key.data, size);
	return be64toh(head) | (uint64_t)write->table << 56;
}

static int db_order_keys(const void *a, const void *b, const void *context)
{
	const struct db_order *left = a, *right = b;
	const struct db_write *writes = context;
	if (left->head != right->head)
		return left->head < right->head ? -1 : 1;
	return bytes_compare(writes[left->index].key, writes[right->index].key);
}

static int db_order_compare(const void *a, const void *b, void *context)
{
	const struct db_order *left = a, *right = b;
	const int order = db_order_keys(a, b, context);
	return order ? order : (left->index > right->index) - (left->index < right->index);
}

// Sorted, with the last write of each key alone.
static int db_sort(struct db *db, const struct db_write *writes, size_t count, size_t *ret_count)
{
	if (count == 0) {
		*ret_count = 0;
		return 0;
	}
	if (count > db->order_limit) {
		struct db_order *order = realloc(db->order, count * sizeof(*order));
		if (order == NULL)
			return -ENOMEM;
		db->order = order;
		db->order_limit = count;
	}
	for (size_t i = 0; i < count; i++)
		db->order[i] = (struct db_order){.head = db_order_head(&writes[i]), .index = (uint32_t)i};
	qsort_r(db->order, count, sizeof(*db->order), db_order_compare, (void *)writes);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && db_order_keys(&db->order[kept - 1], &db->order[i], writes) == 0)
			kept--;
		db->order[kept++] = db->order[i];
	}
	*ret_count = kept;
	return 0;
}

// ---------------------------------------------------------------- writes

static int db_cursor_of(struct db_commit *commit, enum db_table table, MDB_cursor **ret_cursor)
{
	int result = 0;
	if (commit->cursors[table] == NULL)
		result = mdb_cursor_open(commit->txn, commit->db->tables[commit->generation][table],
					 &commit->cursors[table]);
	*ret_cursor = commit->cursors[table];
	return result;
}

static bool db_is_beyond(const struct db_last *last, struct bytes key)
{
	return bytes_compare(key, (struct bytes){.data = last->data, .size = last->size}) > 0;
}

// What was there goes out of the digest.
static int db_take_out(struct db_commit *commit, const struct db_write *write, const MDB_val *value)
{
	struct db_header header;
	if (!db_is_object_table(write->table))
		return 0;
	if (value->mv_size < sizeof(header))
		return MDB_CORRUPTED;
	memcpy(&header, value->mv_data, sizeof(header));
	const struct db_record record = {
		.key = write->key,
		.modified_revision = header.modified_revision,
		.value = {.data = (const char *)value->mv_data + sizeof(header),
			  .size = value->mv_size - sizeof(header)},
	};
	digest_subtract(&commit->digest, write->table, &record);
	return 0;
}

static void db_put_in(struct db_commit *commit, const struct db_write *write)
{
	const struct db_record record = {
		.key = write->key, .modified_revision = write->modified_revision, .value = write->value};
	if (db_is_object_table(write->table))
		digest_add(&commit->digest, write->table, &record);
}

// Room for the record; the one search also finds what is there under the key.
static int db_reserve(struct db_commit *commit, MDB_cursor *cursor, const struct db_write *write, bool is_beyond,
		      MDB_val *value)
{
	MDB_val key = {.mv_data = (void *)write->key.data, .mv_size = write->key.size};
	const size_t size = value->mv_size;
	int result = mdb_cursor_put(cursor, &key, value, MDB_RESERVE | (is_beyond ? MDB_APPEND : MDB_NOOVERWRITE));
	if (result != MDB_KEYEXIST)
		return result;
	result = db_take_out(commit, write, value);
	if (result != 0)
		return result;
	value->mv_size = size;
	return mdb_cursor_put(cursor, &key, value, MDB_RESERVE | MDB_CURRENT);
}

static int db_put(struct db_commit *commit, MDB_cursor *cursor, const struct db_write *write)
{
	struct db_last *last = db_last_of(commit->db, commit->generation, write->table);
	struct db_header header = {.modified_revision = write->modified_revision};
	MDB_val value = {.mv_size = sizeof(header) + write->value.size};
	const bool is_beyond = db_is_beyond(last, write->key);
	const int result = db_reserve(commit, cursor, write, is_beyond, &value);
	if (result != 0)
		return result;
	header.crc = db_crc(write->table, write->key, &header, write->value);
	memcpy(value.mv_data, &header, sizeof(header));
	memcpy((char *)value.mv_data + sizeof(header), write->value.data, write->value.size);
	db_put_in(commit, write);
	if (is_beyond) {
		last->size = (uint32_t)write->key.size;
		memcpy(last->data, write->key.data, write->key.size);
	}
	return 0;
}

static int db_delete(struct db_commit *commit, MDB_cursor *cursor, const struct db_write *write)
{
	MDB_val key = {.mv_data = (void *)write->key.data, .mv_size = write->key.size}, value;
	int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
	if (result == MDB_NOTFOUND)
		return 0;
	if (result == 0)
		result = db_take_out(commit, write, &value);
	return result == 0 ? mdb_cursor_del(cursor, 0) : result;
}

static int db_write_one(struct db_commit *commit, const struct db_write *write)
{
	MDB_cursor *cursor;
	ASSERT(write->key.size > 0 && write->key.size <= DB_KEY_SIZE_MAX);
	const int result = db_cursor_of(commit, write->table, &cursor);
	if (result != 0)
		return result;
	return write->value.data != NULL ? db_put(commit, cursor, write) : db_delete(commit, cursor, write);
}

int db_write_meta(struct db_commit *commit, struct bytes key, const void *data, size_t size)
{
	return db_write_one(commit, &(struct db_write){
					    .table = DB_META,
					    .key = key,
					    .modified_revision = commit->revision,
					    .value = {.data = data, .size = size},
				    });
}

int db_write_metas(struct db_commit *commit)
{
	const struct id128 digest = digest_id(&commit->digest);
	const int result = db_write_meta(commit, db_key_revision, &commit->revision, sizeof(commit->revision));
	return result == 0 ? db_write_meta(commit, db_key_digest, &digest, sizeof(digest)) : result;
}

// ---------------------------------------------------------------- commit

// LMDB reports a write cut short by a full disk as EIO (reference/reliability.md 1.1). A probe tells: it needs room
// where the data file would have grown, so it also finds quotas and file size limits.
static bool db_disk_is_full(const struct db *db)
{
	static const char probe[64 * 1024];
	bool is_full = false;
	for (off_t i = 0; !is_full && i < 16; i++) {
		const ssize_t written =
			pwrite(db->lock_fd, probe, sizeof(probe), (off_t)db_bytes_used(db) + i * (off_t)sizeof(probe));
		is_full = written >= 0 ? written < (ssize_t)sizeof(probe)
				       : errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
	}
	if (ftruncate(db->lock_fd, 0) != 0)
		return false;
	return is_full;
}

static int db_write_all(struct db_commit *commit, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const int result = db_write_one(commit, &commit->writes[commit->db->order[i].index]);
		if (result != 0)
			return result;
	}
	return commit->finish != NULL ? commit->finish(commit) : 0;
}

static int db_run(struct db_commit *commit, size_t count)
{
	uint64_t bytes_used = 0;
	int result = mdb_txn_begin(commit->db->env, NULL, 0, &commit->txn);
	if (result != 0)
		return db_error(result);
	result = db_error(db_write_all(commit, count));
	if (result == 0)
		result = db_measure(commit->db, commit->txn, &bytes_used);
	if (result != 0) {
		mdb_txn_abort(commit->txn); // closes the cursors, as the commit does
		return result;
	}
	result = db_error(mdb_txn_commit(commit->txn));
	if (result != 0)
		return result;
	atomic_store_explicit(&commit->db->bytes_used, bytes_used, memory_order_relaxed);
	commit->db->digests[commit->generation] = commit->digest;
	return 0;
}

static void db_give_back_order(struct db *db)
{
	if (db->order_limit <= DB_ORDER_KEPT_MAX)
		return;
	free(db->order);
	db->order = NULL;
	db->order_limit = 0;
}

int db_run_commit(struct db_commit *commit)
{
	struct db *db = commit->db;
	size_t count;
	if (db->is_fatal)
		return -EIO;
	int result = db_sort(db, commit->writes, commit->writes_count, &count);
	if (result != 0)
		return result;
	commit->digest = db->digests[commit->generation];
	result = db_run(commit, count);
	db_give_back_order(db);
	if (result == -EFBIG || result == -EDQUOT || (result == -EIO && db_disk_is_full(db)))
		result = -ENOSPC;
	if (result == 0 || result == -ENOSPC)
		return result;
	db->is_fatal = true;
	return result == -ENOMEM ? -EIO : result; // LMDB's own, who knows when
}

int db_commit(struct db *db, const struct db_write *writes, size_t writes_count, uint64_t revision)
{
	struct db_commit commit = {.db = db,
				   .generation = db->live,
				   .writes = writes,
				   .writes_count = writes_count,
				   .finish = db_write_metas,
				   .revision = revision};
	return db_run_commit(&commit);
}

void db_get_digest(const struct db *db, struct digest *ret_digest)
{
	*ret_digest = db->digests[db->live];
}
