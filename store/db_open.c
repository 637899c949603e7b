// SPDX-License-Identifier: Apache-2.0
#include "store/db_guard.h"
#include "store/db_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DB_FILE_MODE = 0600,
	DB_DIRECTORY_MODE = 0700,
	DB_NAME_SIZE_MAX = 16, // of the files in the directory
};

static const char *const table_names[DB_TABLES] = {
	[DB_META] = "meta",
	[DB_TARIFFS] = "tariffs",
	[DB_GROUPS] = "charge_groups",
	[DB_POINTS] = "charge_points",
	[DB_CUSTOMERS] = "customers",
	[DB_TOKENS] = "tokens",
	[DB_MEMBERSHIPS] = "memberships",
	[DB_IDEMPOTENCY] = "idempotency",
	[DB_IDEMPOTENCY_AGE] = "idempotency_age",
	[DB_LOG] = "log",
	[DB_ORPHANS] = "orphans",
};

const char *db_table_name(enum db_table table)
{
	return table_names[table];
}

int db_error(int lmdb_error)
{
	static const struct {
		int lmdb_error;
		int error;
	} rows[] = {
		{MDB_SUCCESS, 0},
		{MDB_NOTFOUND, ENOENT},
		{MDB_MAP_FULL, ENOSPC},
		{MDB_TXN_FULL, ENOSPC},
		{MDB_READERS_FULL, EAGAIN},
		{MDB_CORRUPTED, EBADMSG},
		{MDB_PAGE_NOTFOUND, EBADMSG},
		{MDB_INVALID, EBADMSG},
		{MDB_INCOMPATIBLE, EBADMSG},
		{MDB_VERSION_MISMATCH, ENOTSUP},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].lmdb_error == lmdb_error)
			return -rows[i].error;
	// LMDB's own errors are negative; the others are errno.
	return lmdb_error < 0 ? -EIO : -lmdb_error;
}

void db_fault_damaged(struct fault *fault, const char *path, const char *format, ...)
{
	char detail[96];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	fault_set(fault, STATUS_DATA_LOSS, NULL,
		  "%.80s is damaged: %s; put a backup in its place, or move it away and import an export", path,
		  detail);
}

static int db_refuse(struct fault *fault, int error, const char *what, const char *path)
{
	fault_set(fault, STATUS_FAILED_PRECONDITION, NULL, "%s %s: %s", what, path, strerror(-error));
	return error;
}

// ---------------------------------------------------------------- directory and lock

static int db_prepare_directory(const struct db_options *options, struct fault *fault)
{
	const char *directory = options->directory;
	struct stat status;
	if (!options->read_only && mkdir(directory, DB_DIRECTORY_MODE) != 0 && errno != EEXIST)
		return db_refuse(fault, -errno, "cannot create the store's directory", directory);
	if (stat(directory, &status) != 0)
		return db_refuse(fault, -errno, "cannot use the store's directory", directory);
	if (!S_ISDIR(status.st_mode))
		return db_refuse(fault, -ENOTDIR, "cannot use the store's directory", directory);
	if (status.st_mode & (S_IWGRP | S_IWOTH)) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "the store's directory %s can be written by others than its owner: chmod 700 it", directory);
		return -EPERM;
	}
	return 0;
}

// The lock is the open file's: it goes with the process, however that ends.
static int db_lock(struct db *db, const struct db_options *options, struct fault *fault)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/LOCK", options->directory);
	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, DB_FILE_MODE);
	if (db->lock_fd < 0)
		return db_refuse(fault, -errno, "cannot open", path);
	if (flock(db->lock_fd, (options->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return db_refuse(fault, -errno, "cannot lock", path);
	fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
		  "another process has the store %s open: stop it, or use a store of your own", options->directory);
	return -EBUSY;
}

// ---------------------------------------------------------------- creation

// LMDB aborts afterwards.
static void db_assert_failed(MDB_env *env, const char *text)
{
	(void)env;
	(void)text;
	db_guard_report();
}

static int db_env_create(const struct db_options *options, const char *path, unsigned flags, MDB_env **ret_env)
{
	MDB_env *env;
	int result = mdb_env_create(&env);
	if (result != 0)
		return db_error(result);
	result = mdb_env_set_assert(env, db_assert_failed);
	if (result == 0)
		result = mdb_env_set_mapsize(env, options->map_size);
	if (result == 0)
		result = mdb_env_set_maxdbs(env, DB_GENERATIONS * DB_TABLES);
	if (result == 0)
		result = mdb_env_open(env, path, flags | MDB_NOTLS | MDB_NOSUBDIR, DB_FILE_MODE);
	if (result != 0)
		mdb_env_close(env); // after a failed open, too
	else
		*ret_env = env;
	return db_error(result);
}

static int db_sync_directory(const char *directory)
{
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const int result = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return result;
}

// Under another name first: data.mdb is either not there, or a store.
static int db_create(const struct db *db, const struct db_options *options, struct fault *fault)
{
	char path[PATH_MAX], lock_path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/new.mdb", options->directory);
	snprintf(lock_path, sizeof(lock_path), "%s/new.mdb-lock", options->directory);
	unlink(path); // of a creation that was cut short
	MDB_env *env = NULL;
	int result = db_env_create(options, path, 0, &env);
	if (result == 0) {
		result = db_write_empty(env);
		mdb_env_close(env);
	}
	unlink(lock_path);
	if (result == 0 && rename(path, db->path) != 0)
		result = -errno;
	if (result == 0)
		result = db_sync_directory(options->directory);
	return result == 0 ? 0 : db_refuse(fault, result, "cannot create", db->path);
}

// ---------------------------------------------------------------- opening

static int db_open_meta(struct db *db, MDB_txn *txn, struct fault *fault)
{
	const int result = mdb_dbi_open(txn, db_table_name(DB_META), 0, &db->tables[0][DB_META]);
	if (result == 0)
		return 0;
	if (result == MDB_NOTFOUND || result == MDB_INCOMPATIBLE) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "%s is not a store of evauthd: use another directory", db->path);
		return -EBADMSG;
	}
	db_fault_damaged(fault, db->path, "table %s: %s", db_table_name(DB_META), mdb_strerror(result));
	return db_error(result);
}

static int db_open_tables(struct db *db, MDB_txn *txn, struct fault *fault)
{
	char name[DB_NAME_SIZE];
	for (uint32_t i = 0; i < DB_GENERATIONS * DB_TABLES; i++) {
		const uint32_t generation = i / DB_TABLES, table = i % DB_TABLES;
		db_make_name(generation, (enum db_table)table, name);
		const int result = mdb_dbi_open(txn, name, 0, &db->tables[generation][table]);
		if (result != 0) {
			db_fault_damaged(fault, db->path, "table %s: %s", name, mdb_strerror(result));
			return db_error(result);
		}
	}
	return 0;
}

// Where a table ends.
static int db_find_last(MDB_txn *txn, MDB_dbi table, struct db_last *ret_last)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn, table, &cursor);
	if (result != 0)
		return result;
	result = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	mdb_cursor_close(cursor);
	if (result != 0)
		return result == MDB_NOTFOUND ? 0 : result;
	if (key.mv_size > sizeof(ret_last->data))
		return MDB_CORRUPTED;
	ret_last->size = (uint32_t)key.mv_size;
	memcpy(ret_last->data, key.mv_data, key.mv_size);
	return 0;
}

static int db_find_lasts(struct db *db, MDB_txn *txn)
{
	int result = 0;
	for (uint32_t i = 0; result == 0 && i < DB_GENERATIONS * DB_TABLES; i++) {
		const uint32_t generation = i / DB_TABLES, table = i % DB_TABLES;
		result = db_find_last(txn, db->tables[generation][table],
				      db_last_of(db, generation, (enum db_table)table));
	}
	return db_error(result);
}

static int db_find_generation(struct db *db, MDB_txn *txn)
{
	struct db_generation generation;
	const int result =
		db_find_meta(txn, db->tables[0][DB_META], db_key_generation, &generation, sizeof(generation));
	if (result == 0 && generation.live >= DB_GENERATIONS)
		return -EBADMSG;
	if (result != 0)
		return result;
	db->live = generation.live;
	db->swaps = generation.swaps;
	return 0;
}

static int db_count_pages(MDB_txn *txn, MDB_dbi table, uint64_t *pages, uint32_t *ret_page_size)
{
	MDB_stat stat;
	const int result = mdb_stat(txn, table, &stat);
	if (result != 0)
		return result;
	*pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
	*ret_page_size = stat.ms_psize;
	return 0;
}

int db_measure(struct db *db, MDB_txn *txn, uint64_t *ret_bytes)
{
	enum { FREE_LIST, MAIN, FIXED_TABLES, META_PAGES = 2 };
	uint64_t pages = META_PAGES;
	uint32_t page_size = 0;
	int result = 0;
	for (MDB_dbi i = FREE_LIST; result == 0 && i < FIXED_TABLES; i++)
		result = db_count_pages(txn, i, &pages, &page_size);
	for (uint32_t i = 0; result == 0 && i < DB_GENERATIONS * DB_TABLES; i++)
		if (i < DB_TABLES || db_is_staged_table((enum db_table)(i - DB_TABLES)))
			result = db_count_pages(txn, db->tables[i / DB_TABLES][i % DB_TABLES], &pages, &page_size);
	if (result == 0)
		*ret_bytes = pages * page_size;
	return db_error(result);
}

// What is in memory of the store's content.
static int db_read_content(struct db *db, MDB_txn *txn, struct fault *fault)
{
	struct id128 digest;
	uint64_t bytes_used = 0;
	int result = db_open_tables(db, txn, fault);
	if (result == 0)
		result = db_find_generation(db, txn);
	if (result == 0)
		result = db_find_lasts(db, txn);
	if (result == 0)
		result = db_find_meta(txn, db->tables[0][DB_META], db_key_digest, &digest, sizeof(digest));
	if (result == 0)
		db->digests[db->live] = digest_from_id(&digest);
	if (result == 0)
		result = db_measure(db, txn, &bytes_used);
	atomic_store_explicit(&db->bytes_used, bytes_used, memory_order_relaxed);
	return result;
}

static int db_end_reading(MDB_txn *txn, int result)
{
	if (result == 0)
		return db_error(mdb_txn_commit(txn)); // keeps the tables' handles; abort would close them
	mdb_txn_abort(txn);
	return result;
}

static int db_read_state(struct db *db, struct fault *fault)
{
	MDB_txn *txn;
	const int result = db_error(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn));
	return result == 0 ? db_end_reading(txn, db_read_content(db, txn, fault)) : result;
}

static int db_ensure_format(struct db *db, const struct db_options *options, struct fault *fault)
{
	MDB_txn *txn;
	uint32_t format;
	int result = db_error(mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn));
	if (result != 0)
		return result;
	result = db_open_meta(db, txn, fault);
	if (result == 0)
		result = db_read_format(db, txn, &format, fault);
	result = db_end_reading(txn, result);
	if (result != 0 || format == DB_FORMAT)
		return result;
	if (options->read_only) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "%s was written by an older evauthd (format %u, this one reads %u): start this evauthd on it "
			  "once",
			  db->path, format, (unsigned)DB_FORMAT);
		return -ENOTSUP;
	}
	result = db_upgrade(db);
	return result == 0 || result == -EBADMSG ? result
						 : db_refuse(fault, result, "cannot bring up to date", db->path);
}

static int db_open_file(struct db *db, const struct db_options *options, struct fault *fault)
{
	int result = db_check_file(db->path, fault);
	if (result == -ENOENT && !options->read_only) {
		result = db_create(db, options, fault);
		if (result == 0)
			result = db_check_file(db->path, fault);
	}
	if (result != 0)
		return result;
	result = db_env_create(options, db->path, options->read_only ? MDB_RDONLY : 0, &db->env);
	if (result != 0)
		return db_refuse(fault, result, "cannot open the store", db->path);
	int dead;
	result = db_error(mdb_reader_check(db->env, &dead)); // slots of a process that was killed
	if (result == 0)
		result = db_ensure_format(db, options, fault);
	if (result == 0)
		result = db_read_state(db, fault);
	if (result != 0)
		db_fault_damaged(fault, db->path, "%s", strerror(-result));
	return result;
}

int db_open(const struct db_options *options, struct db **ret_db, struct fault *fault)
{
	struct db *db = calloc(1, sizeof(*db));
	if (db == NULL)
		return -ENOMEM;
	db->lock_fd = -1;
	db->bytes_max = options->map_size;
	int result = -ENOMEM;
	if (asprintf(&db->path, "%s/data.mdb", options->directory) < 0) {
		db->path = NULL;
		goto failed;
	}
	result = -ENAMETOOLONG;
	if (strlen(db->path) + DB_NAME_SIZE_MAX >= PATH_MAX)
		goto failed;
	result = db_prepare_directory(options, fault);
	if (result == 0)
		result = db_lock(db, options, fault);
	if (result == 0)
		result = db_open_file(db, options, fault);
	if (result != 0)
		goto failed;
	*ret_db = db;
	return 0;

failed:
	db_refuse(fault, result, "cannot open the store in", options->directory);
	db_close(db);
	return result;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	if (db->env != NULL)
		mdb_env_close(db->env);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db->order);
	free(db->path);
	free(db);
}

uint64_t db_bytes_used(const struct db *db)
{
	return atomic_load_explicit(&db->bytes_used, memory_order_relaxed);
}

uint64_t db_bytes_max(const struct db *db)
{
	return db->bytes_max;
}

bool db_is_full(const struct db *db)
{
	return db_bytes_used(db) >= db->bytes_max / 100 * DB_MAP_FULL_PERCENT;
}

const char *db_path(const struct db *db)
{
	return db->path;
}
