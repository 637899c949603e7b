// SPDX-License-Identifier: Apache-2.0
// What was deleted stays in the file: in pages that are free now, in the gaps of pages that are not full, and, in
// memory, in the buffers LMDB makes pages in, whose gaps it writes as they are. Here all of that becomes zeroes, in
// place: nothing reads it, and a page that is in use changes only where it says that it holds nothing.
#include "store/db_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUFFERS_MAX = 100 * 1000, // below what LMDB takes of one transaction without writing
	CLEAN_BUFFERS_ENOUGH = 1024,
	MARGIN = 256, // buffers
	PASSES = 2,
};

// ---------------------------------------------------------------- LMDB's buffers

static bool is_zero(const char *data, size_t size)
{
	return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

// Fills a page's buffer with zeroes.
static int fill_buffer(MDB_txn *txn, MDB_dbi table, uint32_t number, size_t size, bool *ret_was_clean)
{
	char name[16];
	const int name_size = snprintf(name, sizeof(name), "~%010u", number);
	MDB_val key = {.mv_data = name, .mv_size = (size_t)name_size}, value = {.mv_size = size};
	const int result = mdb_put(txn, table, &key, &value, MDB_RESERVE | MDB_APPEND);
	if (result != 0)
		return result;
	*ret_was_clean = is_zero(value.mv_data, size);
	memset(value.mv_data, 0, size);
	return 0;
}

// As many values of a page each as there are buffers: they are taken latest used first, so that behind many clean ones
// there are no others. `count_min` at least. Nothing is written: the transaction is given up.
static int clean_buffers(struct db *db, uint32_t count_min, uint32_t *ret_count)
{
	MDB_txn *txn;
	MDB_stat stat;
	uint32_t count = 0, clean = 0;
	int result = mdb_txn_begin(db->env, NULL, 0, &txn);
	if (result != 0)
		return db_error(result);
	const MDB_dbi table = db->tables[0][DB_META];
	result = mdb_stat(txn, table, &stat);
	while (result == 0 && count < BUFFERS_MAX && (count < count_min || clean < CLEAN_BUFFERS_ENOUGH)) {
		bool was_clean;
		result = fill_buffer(txn, table, count++, stat.ms_psize - 16, &was_clean);
		clean = result == 0 && was_clean ? clean + 1 : 0;
	}
	mdb_txn_abort(txn);
	*ret_count = count;
	return result == MDB_MAP_FULL || result == MDB_TXN_FULL ? 0 : db_error(result);
}

// Twice: the pages that hold the keys of the values are made in buffers as well, which come to be values then.
static int clean_all_buffers(struct db *db)
{
	uint32_t count;
	int result = clean_buffers(db, 0, &count);
	if (result == 0)
		result = clean_buffers(db, count + count / 16 + MARGIN, &count);
	return result;
}

// ---------------------------------------------------------------- readers

// A line of LMDB's table of readers: process, thread, transaction or "-".
static int look_at_reader(const char *line, void *context)
{
	uint64_t *oldest = context;
	int pid;
	char thread[32], txn[32];
	if (sscanf(line, "%d %31s %31s", &pid, thread, txn) == 3 && txn[0] >= '0' && txn[0] <= '9') {
		const uint64_t number = strtoull(txn, NULL, 10);
		*oldest = number < *oldest ? number : *oldest;
	}
	return 0;
}

static int find_oldest_reader(struct db *db, uint64_t *ret_oldest)
{
	uint64_t oldest = UINT64_MAX;
	const int result = mdb_reader_list(db->env, look_at_reader, &oldest);
	*ret_oldest = oldest;
	return result < 0 ? -EIO : 0;
}

// ---------------------------------------------------------------- the file

// Two commits, so that neither header refers to what was freed before them.
static int move_on(struct db *db, uint64_t revision, uint64_t *ret_txn)
{
	MDB_envinfo info;
	int result = db_commit(db, NULL, 0, revision);
	if (result == 0)
		result = db_commit(db, NULL, 0, revision);
	if (result == 0)
		result = db_error(mdb_env_info(db->env, &info));
	if (result == 0)
		*ret_txn = info.me_last_txnid;
	return result;
}

int db_wipe(struct db *db, uint64_t revision, uint64_t *ret_bytes)
{
	uint64_t txn, oldest;
	*ret_bytes = 0;
	int result = clean_all_buffers(db);
	// What the first pass leaves is what its own commits freed.
	for (int pass = 0; result == 0 && pass < PASSES; pass++) {
		result = move_on(db, revision, &txn);
		if (result == 0)
			result = find_oldest_reader(db, &oldest);
		if (result == 0 && oldest < txn - 1)
			result = -EBUSY;
		if (result == 0)
			result = db_wipe_file(db->path, txn - 1, ret_bytes);
	}
	return result;
}
