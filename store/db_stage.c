// SPDX-License-Identifier: Apache-2.0
#include "store/db_impl.h"

#include <errno.h>

enum {
	EMPTY_RECORDS_MAX = 2048, // taken out by one transaction
	EMPTY_PAGES_MAX = 256,    // of a table that is dropped at once
};

static uint32_t db_staged_generation(const struct db *db)
{
	return (db->live + 1) % DB_GENERATIONS;
}

int db_stage(struct db *db, const struct db_write *writes, size_t writes_count)
{
	struct db_commit commit = {
		.db = db, .generation = db_staged_generation(db), .writes = writes, .writes_count = writes_count};
	return db_run_commit(&commit);
}

void db_get_staged_digest(const struct db *db, struct digest *ret_digest)
{
	*ret_digest = db->digests[db_staged_generation(db)];
}

// ---------------------------------------------------------------- taking over

static int db_finish_swap(struct db_commit *commit)
{
	const struct db_generation generation = {
		.live = commit->generation, .swaps = commit->db->swaps + 1, .orphans_after = commit->orphans_after};
	const int result = db_write_meta(commit, db_key_generation, &generation, sizeof(generation));
	return result == 0 ? db_write_metas(commit) : result;
}

int db_swap(struct db *db, const struct db_write *writes, size_t writes_count, uint64_t revision,
	    uint64_t orphans_after)
{
	struct db_commit commit = {.db = db,
				   .generation = db_staged_generation(db),
				   .writes = writes,
				   .writes_count = writes_count,
				   .finish = db_finish_swap,
				   .revision = revision,
				   .orphans_after = orphans_after};
	const int result = db_run_commit(&commit);
	if (result != 0)
		return result;
	db->live = commit.generation;
	db->swaps++;
	return 0;
}

uint32_t db_swaps(const struct db *db)
{
	return db->swaps;
}

// ---------------------------------------------------------------- emptying

static int db_drop_records(MDB_txn *txn, MDB_dbi table, size_t count_max)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn, table, &cursor);
	if (result != 0)
		return result;
	for (size_t i = 0; result == 0 && i < count_max; i++) {
		result = mdb_cursor_get(cursor, &key, &value, i == 0 ? MDB_FIRST : MDB_NEXT);
		if (result == 0)
			result = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return result == MDB_NOTFOUND ? 0 : result;
}

// Counts what it took out down from *budget, in records; 0: there may be more.
static int db_empty_table(struct db_commit *commit, enum db_table table, size_t *budget)
{
	const MDB_dbi handle = commit->db->tables[commit->generation][table];
	MDB_stat stat;
	int result = mdb_stat(commit->txn, handle, &stat);
	if (result != 0 || stat.ms_entries == 0)
		return result;
	if (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages <= EMPTY_PAGES_MAX) {
		*budget -= stat.ms_entries < *budget ? stat.ms_entries : *budget;
		return mdb_drop(commit->txn, handle, 0);
	}
	result = db_drop_records(commit->txn, handle, *budget);
	*budget = 0;
	return result;
}

static int db_finish_emptying(struct db_commit *commit)
{
	size_t budget = EMPTY_RECORDS_MAX;
	int result = 0;
	for (int i = 0; result == 0 && budget > 0 && i < DB_TABLES; i++)
		if (db_is_staged_table((enum db_table)i))
			result = db_empty_table(commit, (enum db_table)i, &budget);
	return result;
}

static int db_count_staged(struct db *db, uint64_t *ret_count)
{
	MDB_txn *txn;
	uint64_t count = 0;
	int result = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);
	if (result != 0)
		return db_error(result);
	for (int i = 0; result == 0 && i < DB_TABLES; i++) {
		MDB_stat stat = {0};
		if (db_is_staged_table((enum db_table)i))
			result = mdb_stat(txn, db->tables[db_staged_generation(db)][i], &stat);
		count += stat.ms_entries;
	}
	mdb_txn_abort(txn);
	*ret_count = count;
	return db_error(result);
}

int db_empty_staged(struct db *db)
{
	const uint32_t generation = db_staged_generation(db);
	struct db_commit commit = {.db = db, .generation = generation, .finish = db_finish_emptying};
	uint64_t count;
	int result = db_count_staged(db, &count);
	if (result == 0 && count > 0)
		result = db_run_commit(&commit);
	if (result == 0 && count > 0)
		result = db_count_staged(db, &count);
	if (result != 0 || count > 0)
		return result != 0 ? result : 1;
	for (int i = 0; i < DB_TABLES; i++)
		if (db_is_staged_table((enum db_table)i))
			db->last[generation][i].size = 0;
	db->digests[generation] = (struct digest){0};
	return 0;
}
