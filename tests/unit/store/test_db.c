// SPDX-License-Identifier: Apache-2.0
#include "store/db.h"

#include "base/crc32c.h"
#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { MAP_SIZE = 64 * 1024 * 1024 };

static struct temporary directory;
static struct db_options options;
static struct db *db;
static struct fault fault;

static void open_db(void)
{
	const int result = db_open(&options, &db, &fault);
	ck_assert_msg(result == 0, "%s", fault.message);
}

static void close_db(void)
{
	db_close(db);
	db = NULL;
}

static void reopen_db(void)
{
	close_db();
	open_db();
}

static void setup(void)
{
	temporary_create(&directory);
	options = (struct db_options){.directory = directory.path, .map_size = MAP_SIZE};
	fault = (struct fault){0};
	db = NULL;
}

static void teardown(void)
{
	close_db();
	temporary_remove(&directory);
}

// ---------------------------------------------------------------- helpers

static struct db_write put(enum db_table table, const char *key, const char *value, uint64_t revision)
{
	return (struct db_write){
		.table = table, .key = bytes_from(key), .value = bytes_from(value), .modified_revision = revision};
}

static struct db_write delete (enum db_table table, const char *key)
{
	return (struct db_write){.table = table, .key = bytes_from(key)};
}

static int commit_one(struct db_write write, uint64_t revision)
{
	return db_commit(db, &write, 1, revision);
}

// What is stored under `key`, as "value@modified_revision", or "" for nothing.
static const char *stored(enum db_table table, const char *key)
{
	static char text[256];
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	const int result = db_get(read, table, bytes_from(key), &record);
	ck_assert(result == 0 || result == -ENOENT);
	text[0] = '\0';
	if (result == 0)
		snprintf(text, sizeof(text), "%.*s@%llu", BYTES_ARG(record.value),
			 (unsigned long long)record.modified_revision);
	db_read_destroy(read);
	return text;
}

static uint64_t stored_revision(void)
{
	struct db_read *read;
	uint64_t revision = 0;
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	db_read_destroy(read);
	return revision;
}

// The keys of a table from `from` on, joined by blanks.
static const char *walked(enum db_table table, const char *from)
{
	static char text[1024];
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	text[0] = '\0';
	int result = db_seek(read, table, bytes_from(from), &record);
	for (; result == 0; result = db_next(read, table, &record)) {
		strncat(text, record.key.data, record.key.size);
		strcat(text, " ");
	}
	ck_assert_int_eq(result, -ENOENT);
	db_read_destroy(read);
	return text;
}

static int refused(void)
{
	fault = (struct fault){0};
	struct db *other = NULL;
	const int result = db_open(&options, &other, &fault);
	ck_assert_int_lt(result, 0);
	ck_assert_ptr_null(other);
	ck_assert_int_ne(fault.code, STATUS_OK);
	return result;
}

// ---------------------------------------------------------------- opening

START_TEST(a_new_store_is_empty_at_revision_1)
{
	open_db();
	ck_assert_uint_eq(stored_revision(), 1);
	ck_assert_str_eq(walked(DB_CUSTOMERS, ""), "");
	ck_assert_uint_eq(db_bytes_max(db), MAP_SIZE);
	ck_assert_uint_gt(db_bytes_used(db), 0);
	ck_assert(!db_is_full(db));
}
END_TEST

START_TEST(the_directory_is_created_for_its_owner_alone)
{
	char path[128], file[160];
	struct stat status;
	options.directory = temporary_file(&directory, "store", path);
	open_db();
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0700);
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	ck_assert_int_eq(stat(file, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	close_db();
	struct temporary inner;
	memcpy(inner.path, path, sizeof(inner.path));
	temporary_remove(&inner);
}
END_TEST

START_TEST(a_directory_without_a_parent_is_refused)
{
	char path[128];
	options.directory = temporary_file(&directory, "no/such", path);
	ck_assert_int_eq(refused(), -ENOENT);
	ck_assert_ptr_nonnull(strstr(fault.message, path));
}
END_TEST

START_TEST(a_directory_others_can_write_is_refused)
{
	ck_assert_int_eq(chmod(directory.path, 0770), 0);
	ck_assert_int_eq(refused(), -EPERM);
	ck_assert_ptr_nonnull(strstr(fault.message, "chmod 700"));
}
END_TEST

START_TEST(a_file_others_can_read_is_refused)
{
	char path[128];
	open_db();
	close_db();
	ck_assert_int_eq(chmod(temporary_file(&directory, "data.mdb", path), 0644), 0);
	ck_assert_int_eq(refused(), -EPERM);
	ck_assert_ptr_nonnull(strstr(fault.message, "chmod 600"));
}
END_TEST

START_TEST(a_file_in_the_directorys_place_is_refused)
{
	char path[128];
	options.directory = temporary_file(&directory, "file", path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(refused(), -ENOTDIR);
}
END_TEST

START_TEST(a_store_that_is_open_is_refused)
{
	open_db();
	ck_assert_int_eq(refused(), -EBUSY);
	ck_assert_ptr_nonnull(strstr(fault.message, directory.path));
	close_db();
	open_db();
}
END_TEST

START_TEST(a_creation_cut_short_is_begun_again)
{
	char path[128];
	const int fd = open(temporary_file(&directory, "new.mdb", path), O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, "half", 4), 4);
	close(fd);
	open_db();
	ck_assert_uint_eq(stored_revision(), 1);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(read_only_takes_no_commit_and_creates_nothing)
{
	options.read_only = true;
	ck_assert_int_eq(refused(), -ENOENT);
	options.read_only = false;
	open_db();
	ck_assert_int_eq(commit_one(put(DB_CUSTOMERS, "A", "a", 2), 2), 0);
	options.read_only = true;
	reopen_db();
	ck_assert_str_eq(stored(DB_CUSTOMERS, "A"), "a@2");
	ck_assert_int_lt(commit_one(put(DB_CUSTOMERS, "A", "b", 3), 3), 0);
}
END_TEST

// ---------------------------------------------------------------- commits

START_TEST(what_was_committed_is_there_after_reopening)
{
	open_db();
	ck_assert_int_eq(commit_one(put(DB_TARIFFS, "T-1", "body", 7), 7), 0);
	ck_assert_str_eq(stored(DB_TARIFFS, "T-1"), "body@7");
	reopen_db();
	ck_assert_str_eq(stored(DB_TARIFFS, "T-1"), "body@7");
	ck_assert_uint_eq(stored_revision(), 7);
}
END_TEST

START_TEST(the_last_write_of_a_key_counts)
{
	open_db();
	const struct db_write writes[] = {put(DB_GROUPS, "B", "first", 2), put(DB_GROUPS, "A", "one", 2),
					  delete (DB_GROUPS, "B"), put(DB_GROUPS, "B", "last", 2),
					  delete (DB_GROUPS, "A")};
	ck_assert_int_eq(db_commit(db, writes, ARRAY_SIZE(writes), 2), 0);
	ck_assert_str_eq(stored(DB_GROUPS, "B"), "last@2");
	ck_assert_str_eq(stored(DB_GROUPS, "A"), "");
}
END_TEST

START_TEST(a_key_in_one_table_is_not_in_another)
{
	open_db();
	const struct db_write writes[] = {put(DB_GROUPS, "A", "group", 2), put(DB_CUSTOMERS, "A", "customer", 2)};
	ck_assert_int_eq(db_commit(db, writes, ARRAY_SIZE(writes), 2), 0);
	ck_assert_int_eq(commit_one(delete (DB_GROUPS, "A"), 3), 0);
	ck_assert_str_eq(stored(DB_GROUPS, "A"), "");
	ck_assert_str_eq(stored(DB_CUSTOMERS, "A"), "customer@2");
}
END_TEST

START_TEST(deleting_what_is_not_there_is_fine)
{
	open_db();
	ck_assert_int_eq(commit_one(delete (DB_GROUPS, "A"), 2), 0);
	ck_assert_uint_eq(stored_revision(), 2);
}
END_TEST

START_TEST(a_commit_of_nothing_moves_the_revision)
{
	open_db();
	ck_assert_int_eq(db_commit(db, NULL, 0, 9), 0);
	ck_assert_uint_eq(stored_revision(), 9);
}
END_TEST

START_TEST(a_value_may_be_empty)
{
	open_db();
	ck_assert_int_eq(commit_one(put(DB_TARIFFS, "T", "", 2), 2), 0);
	ck_assert_str_eq(stored(DB_TARIFFS, "T"), "@2");
}
END_TEST

START_TEST(a_value_may_be_larger_than_a_page)
{
	open_db();
	const size_t size = 300 * 1024;
	char *body = malloc(size);
	memset(body, 'x', size);
	const struct db_write write = {
		.table = DB_TARIFFS, .key = BYTES_LITERAL("T"), .value = {.data = body, .size = size}};
	ck_assert_int_eq(db_commit(db, &write, 1, 2), 0);
	reopen_db();
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_get(read, DB_TARIFFS, BYTES_LITERAL("T"), &record), 0);
	ck_assert(bytes_equal(record.value, write.value));
	db_read_destroy(read);
	free(body);
}
END_TEST

START_TEST(keys_may_come_in_any_order)
{
	open_db();
	const struct db_write first[] = {put(DB_POINTS, "M", "1", 2), put(DB_POINTS, "MM", "1", 2),
					 put(DB_POINTS, "Z", "1", 2), put(DB_POINTS, "A", "1", 2)};
	ck_assert_int_eq(db_commit(db, first, ARRAY_SIZE(first), 2), 0);
	// Beyond the end after the end itself went away, and before it.
	const struct db_write second[] = {delete (DB_POINTS, "Z"), put(DB_POINTS, "Y", "2", 3),
					  put(DB_POINTS, "ABCDEFGHIJ", "2", 3), put(DB_POINTS, "ABCDEFGHI", "2", 3),
					  put(DB_POINTS, "ZZ", "2", 3)};
	ck_assert_int_eq(db_commit(db, second, ARRAY_SIZE(second), 3), 0);
	ck_assert_str_eq(walked(DB_POINTS, ""), "A ABCDEFGHI ABCDEFGHIJ M MM Y ZZ ");
	reopen_db();
	ck_assert_int_eq(commit_one(put(DB_POINTS, "ZZZ", "3", 4), 4), 0);
	ck_assert_int_eq(commit_one(put(DB_POINTS, "ZA", "3", 4), 4), 0);
	ck_assert_str_eq(walked(DB_POINTS, "Y"), "Y ZA ZZ ZZZ ");
}
END_TEST

// The same thousands of random writes to the database and to a plain array.
START_TEST(random_commits_agree_with_a_plain_array)
{
	enum { KEYS = 500, COMMITS = 60, WRITES = 120 };
	static char keys[KEYS][8], bodies[COMMITS][WRITES][8];
	const char *expected[KEYS] = {0};
	struct db_write writes[WRITES];
	srand(1);
	open_db();
	for (int i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "K%d", i);
	for (int commit = 0; commit < COMMITS; commit++) {
		for (int i = 0; i < WRITES; i++) {
			const int key = rand() % KEYS;
			snprintf(bodies[commit][i], sizeof(bodies[commit][i]), "%d", rand() % 100000);
			expected[key] = rand() % 3 ? bodies[commit][i] : NULL;
			writes[i] = expected[key] ? put(DB_TOKENS, keys[key], expected[key], 1)
						  : delete (DB_TOKENS, keys[key]);
		}
		ck_assert_int_eq(db_commit(db, writes, WRITES, (uint64_t)commit + 2), 0);
	}
	for (int i = 0; i < KEYS; i++) {
		char text[16] = "";
		if (expected[i] != NULL)
			snprintf(text, sizeof(text), "%s@1", expected[i]);
		ck_assert_str_eq(stored(DB_TOKENS, keys[i]), text);
	}
}
END_TEST

// ---------------------------------------------------------------- reading

START_TEST(a_snapshot_does_not_see_later_commits)
{
	struct db_read *read;
	struct db_record record;
	uint64_t revision = 0, count = 0;
	open_db();
	ck_assert_int_eq(commit_one(put(DB_GROUPS, "A", "old", 2), 2), 0);
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	const struct db_write writes[] = {put(DB_GROUPS, "A", "new", 3), put(DB_GROUPS, "B", "new", 3)};
	ck_assert_int_eq(db_commit(db, writes, ARRAY_SIZE(writes), 3), 0);
	ck_assert_uint_eq(revision, 2);
	ck_assert_int_eq(db_get(read, DB_GROUPS, BYTES_LITERAL("A"), &record), 0);
	ck_assert(bytes_equal(record.value, BYTES_LITERAL("old")));
	ck_assert_int_eq(db_count(read, DB_GROUPS, &count), 0);
	ck_assert_uint_eq(count, 1);
	db_read_stop(read);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_uint_eq(revision, 3);
	ck_assert_int_eq(db_seek(read, DB_GROUPS, BYTES_LITERAL("AA"), &record), 0);
	ck_assert(bytes_equal(record.key, BYTES_LITERAL("B")));
	db_read_stop(read);
	db_read_destroy(read);
}
END_TEST

START_TEST(walks_of_two_tables_do_not_disturb_each_other)
{
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	open_db();
	const struct db_write writes[] = {put(DB_GROUPS, "A", "", 2), put(DB_GROUPS, "B", "", 2),
					  put(DB_POINTS, "P", "", 2), put(DB_POINTS, "Q", "", 2)};
	ck_assert_int_eq(db_commit(db, writes, ARRAY_SIZE(writes), 2), 0);
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_seek(read, DB_GROUPS, (struct bytes){0}, &record), 0);
	ck_assert_int_eq(db_seek(read, DB_POINTS, BYTES_LITERAL("P"), &record), 0);
	ck_assert_int_eq(db_next(read, DB_GROUPS, &record), 0);
	ck_assert(bytes_equal(record.key, BYTES_LITERAL("B")));
	ck_assert_int_eq(db_next(read, DB_POINTS, &record), 0);
	ck_assert(bytes_equal(record.key, BYTES_LITERAL("Q")));
	ck_assert_int_eq(db_next(read, DB_POINTS, &record), -ENOENT);
	db_read_destroy(read);
}
END_TEST

START_TEST(an_empty_key_names_nothing)
{
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	open_db();
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_get(read, DB_GROUPS, (struct bytes){0}, &record), -ENOENT);
	db_read_destroy(read);
}
END_TEST

// ---------------------------------------------------------------- files that were tampered with

// Overwrites every occurrence of `from` in the data file.
static void patch(const void *from, const void *to, size_t size)
{
	char path[128];
	struct stat status;
	const int fd = open(temporary_file(&directory, "data.mdb", path), O_RDWR);
	ck_assert_int_eq(fstat(fd, &status), 0);
	char *data = malloc((size_t)status.st_size);
	ck_assert_int_eq(read(fd, data, (size_t)status.st_size), status.st_size);
	int count = 0;
	for (char *at = data; (at = memmem(at, (size_t)(data + status.st_size - at), from, size)) != NULL; at += size) {
		ck_assert_int_eq(pwrite(fd, to, size, at - data), (ssize_t)size);
		count++;
	}
	ck_assert_int_gt(count, 0);
	free(data);
	close(fd);
}

START_TEST(a_damaged_record_is_found_when_it_is_read_and_told_by_its_key)
{
	struct db_read *read;
	struct db_record record;
	uint64_t revision;
	open_db();
	const struct db_write writes[] = {put(DB_GROUPS, "A", "sound", 2), put(DB_GROUPS, "B", "a text", 2)};
	ck_assert_int_eq(db_commit(db, writes, ARRAY_SIZE(writes), 2), 0);
	close_db();
	patch("a text", "a tExt", 6);
	open_db();
	ck_assert_str_eq(stored(DB_GROUPS, "A"), "sound@2");
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_get(read, DB_GROUPS, BYTES_LITERAL("B"), &record), -EBADMSG);
	ck_assert(bytes_equal(record.key, BYTES_LITERAL("B")));
	ck_assert_int_eq(db_seek(read, DB_GROUPS, (struct bytes){0}, &record), 0);
	ck_assert_int_eq(db_next(read, DB_GROUPS, &record), -EBADMSG);
	db_read_destroy(read);
}
END_TEST

// The format record as it is on disk, from its key on.
struct format_record {
	char key[6];
	struct {
		uint32_t crc;
		uint32_t reserved;
		uint64_t modified_revision;
		char magic[8];
		uint32_t version;
		uint32_t unused;
	} __attribute__((packed)) value;
} __attribute__((packed));

static struct format_record format_record_of(uint32_t version)
{
	struct format_record record = {
		.key = {'f', 'o', 'r', 'm', 'a', 't'},
		.value = {.modified_revision = 1, .magic = "evauthd", .version = version},
	};
	record.value.crc = crc32c(DB_META, record.key, sizeof(record.key));
	record.value.crc = crc32c(record.value.crc, (const char *)&record.value + sizeof(record.value.crc),
				  sizeof(record.value) - sizeof(record.value.crc));
	return record;
}

START_TEST(a_newer_format_is_refused)
{
	open_db();
	close_db();
	const struct format_record ours = format_record_of(2), newer = format_record_of(3);
	patch(&ours, &newer, sizeof(ours));
	ck_assert_int_eq(refused(), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(fault.message, "newer evauthd (format 3, this one knows up to 2)"));
	ck_assert_ptr_nonnull(strstr(fault.message, "restore a backup or import an export"));
	patch(&newer, &ours, sizeof(ours));
	open_db();
}
END_TEST

START_TEST(a_format_record_that_is_damaged_is_refused)
{
	open_db();
	close_db();
	patch("evauthd", "evauthe", 7);
	ck_assert_int_eq(refused(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(fault.message, "no format record"));
	ck_assert_ptr_nonnull(strstr(fault.message, "backup"));
}
END_TEST

START_TEST(an_lmdb_file_of_another_program_is_refused)
{
	open_db();
	close_db();
	patch("meta", "mexa", 4);
	ck_assert_int_eq(refused(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(fault.message, "not a store of evauthd"));
}
END_TEST

START_TEST(a_file_that_is_no_lmdb_file_is_refused)
{
	char path[128];
	const int fd = open(temporary_file(&directory, "data.mdb", path), O_CREAT | O_WRONLY, 0600);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(write(fd, "some text\n", 10), 10);
	close(fd);
	ck_assert_int_eq(refused(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(fault.message, "not a store"));
}
END_TEST

START_TEST(an_empty_file_is_not_taken_for_an_empty_store)
{
	char path[128];
	close(open(temporary_file(&directory, "data.mdb", path), O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(refused(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(fault.message, "cut short"));
}
END_TEST

// ---------------------------------------------------------------- full

// Puts tariffs of 4 KiB until a commit fails or the store calls itself full. Returns how many went in.
static int fill(int *ret_result)
{
	static char body[4096];
	int count = 0;
	memset(body, 'x', sizeof(body));
	*ret_result = 0;
	for (; *ret_result == 0 && !db_is_full(db); count += *ret_result == 0) {
		char key[16];
		snprintf(key, sizeof(key), "T%06d", count);
		const struct db_write write = {
			.table = DB_TARIFFS, .key = bytes_from(key), .value = {.data = body, .size = sizeof(body)}};
		*ret_result = db_commit(db, &write, 1, (uint64_t)count + 2);
	}
	return count;
}

START_TEST(a_full_map_still_deletes_and_then_takes_more)
{
	int result, count;
	options.map_size = 1024 * 1024;
	open_db();
	count = fill(&result);
	ck_assert_int_eq(result, 0);
	ck_assert(db_is_full(db));
	for (int i = 0; i < count; i++) {
		char key[16];
		snprintf(key, sizeof(key), "T%06d", i);
		ck_assert_int_eq(commit_one(delete (DB_TARIFFS, key), 1000 + (uint64_t)i), 0);
	}
	ck_assert(!db_is_full(db));
	ck_assert_int_ge(fill(&result), count - 1);
	ck_assert_int_eq(result, 0);
	options.map_size = 16 * 1024 * 1024;
	reopen_db();
	ck_assert(!db_is_full(db));
}
END_TEST

START_TEST(a_commit_beyond_the_map_changes_nothing_and_is_not_fatal)
{
	options.map_size = 1024 * 1024;
	open_db();
	ck_assert_int_eq(commit_one(put(DB_GROUPS, "A", "a", 2), 2), 0);
	const size_t size = 2 * 1024 * 1024;
	const struct db_write writes[] = {
		put(DB_GROUPS, "A", "b", 3),
		{.table = DB_TARIFFS, .key = BYTES_LITERAL("T"), .value = {.data = calloc(1, size), .size = size}},
	};
	ck_assert_int_eq(db_commit(db, writes, ARRAY_SIZE(writes), 3), -ENOSPC);
	ck_assert_str_eq(stored(DB_GROUPS, "A"), "a@2");
	ck_assert_uint_eq(stored_revision(), 2);
	ck_assert_int_eq(commit_one(put(DB_GROUPS, "A", "c", 3), 3), 0);
	ck_assert_str_eq(stored(DB_GROUPS, "A"), "c@3");
	free((char *)writes[1].value.data);
}
END_TEST

// A limit on the size of files looks to LMDB as a full disk does: a short write, then errors.
START_TEST(a_full_disk_refuses_writes_and_the_store_goes_on)
{
	open_db();
	ck_assert_int_eq(commit_one(put(DB_GROUPS, "A", "a", 2), 2), 0);
	const struct rlimit limit = {.rlim_cur = 1024 * 1024, .rlim_max = RLIM_INFINITY};
	const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int result;
	const int count = fill(&result);
	ck_assert_int_gt(count, 10);
	ck_assert_int_eq(result, -ENOSPC);
	ck_assert_uint_eq(stored_revision(), (uint64_t)count + 1);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(commit_one(put(DB_GROUPS, "A", "b", 9999), 9999), 0);
	reopen_db();
	ck_assert_str_eq(stored(DB_GROUPS, "A"), "b@9999");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("db");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_new_store_is_empty_at_revision_1);
	tcase_add_test(tcase, the_directory_is_created_for_its_owner_alone);
	tcase_add_test(tcase, a_directory_without_a_parent_is_refused);
	tcase_add_test(tcase, a_directory_others_can_write_is_refused);
	tcase_add_test(tcase, a_file_others_can_read_is_refused);
	tcase_add_test(tcase, a_file_in_the_directorys_place_is_refused);
	tcase_add_test(tcase, a_store_that_is_open_is_refused);
	tcase_add_test(tcase, a_creation_cut_short_is_begun_again);
	tcase_add_test(tcase, read_only_takes_no_commit_and_creates_nothing);
	tcase_add_test(tcase, what_was_committed_is_there_after_reopening);
	tcase_add_test(tcase, the_last_write_of_a_key_counts);
	tcase_add_test(tcase, a_key_in_one_table_is_not_in_another);
	tcase_add_test(tcase, deleting_what_is_not_there_is_fine);
	tcase_add_test(tcase, a_commit_of_nothing_moves_the_revision);
	tcase_add_test(tcase, a_value_may_be_empty);
	tcase_add_test(tcase, a_value_may_be_larger_than_a_page);
	tcase_add_test(tcase, keys_may_come_in_any_order);
	tcase_add_test(tcase, random_commits_agree_with_a_plain_array);
	tcase_add_test(tcase, a_snapshot_does_not_see_later_commits);
	tcase_add_test(tcase, walks_of_two_tables_do_not_disturb_each_other);
	tcase_add_test(tcase, an_empty_key_names_nothing);
	tcase_add_test(tcase, a_damaged_record_is_found_when_it_is_read_and_told_by_its_key);
	tcase_add_test(tcase, a_newer_format_is_refused);
	tcase_add_test(tcase, a_format_record_that_is_damaged_is_refused);
	tcase_add_test(tcase, an_lmdb_file_of_another_program_is_refused);
	tcase_add_test(tcase, a_file_that_is_no_lmdb_file_is_refused);
	tcase_add_test(tcase, an_empty_file_is_not_taken_for_an_empty_store);
	tcase_add_test(tcase, a_full_map_still_deletes_and_then_takes_more);
	tcase_add_test(tcase, a_commit_beyond_the_map_changes_nothing_and_is_not_fatal);
	tcase_add_test(tcase, a_full_disk_refuses_writes_and_the_store_goes_on);
	Suite *suite = suite_create("store/db");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
