// SPDX-License-Identifier: Apache-2.0
#include "store/db.h"
#include "store/digest.h"
#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 400 };

static struct temporary directory;
static struct db *db;
static struct fault fault;
static uint64_t revision;

static void open_db(void)
{
	const struct db_options options = {.directory = directory.path, .map_size = 64 * 1024 * 1024};
	ck_assert_msg(db_open(&options, &db, &fault) == 0, "%s", fault.message);
}

static void setup(void)
{
	temporary_create(&directory);
	revision = 1;
	open_db();
}

static void teardown(void)
{
	db_close(db);
	temporary_remove(&directory);
}

// Values of `size` bytes that begin with `word`; NULL: deletes them.
static void write_some(const char *word, size_t size, int step)
{
	static char keys[RECORDS][16], value[8192];
	struct db_write writes[RECORDS];
	size_t count = 0;
	memset(value, 'v', sizeof(value));
	if (word != NULL)
		memcpy(value, word, strlen(word));
	for (int i = 0; i < RECORDS; i += step) {
		snprintf(keys[count], sizeof(keys[count]), "K%06d", i);
		writes[count] = (struct db_write){.table = DB_CUSTOMERS,
						  .key = bytes_from(keys[count]),
						  .modified_revision = revision + 1,
						  .value = {.data = word ? value : NULL, .size = word ? size : 0}};
		count++;
	}
	ck_assert_int_eq(db_commit(db, writes, count, ++revision), 0);
}

static bool is_in_file(const char *word)
{
	FILE *file = fopen(db_path(db), "r");
	ck_assert_ptr_nonnull(file);
	fseek(file, 0, SEEK_END);
	const size_t size = (size_t)ftell(file);
	char *data = malloc(size);
	rewind(file);
	ck_assert_uint_eq(fread(data, 1, size, file), size);
	fclose(file);
	const bool is_there = memmem(data, size, word, strlen(word)) != NULL;
	free(data);
	return is_there;
}

static void assert_sound(void)
{
	struct db_read *read;
	struct digest kept, computed;
	uint64_t at;
	ck_assert_msg(db_check_pages(db, &fault) == 0, "%s", fault.message);
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &at), 0);
	ck_assert_uint_eq(at, revision);
	ck_assert_int_eq(db_read_digest(read, &kept), 0);
	ck_assert_int_eq(db_compute_digest(read, &computed), 0);
	ck_assert(kept.low == computed.low && kept.high == computed.high);
	db_read_stop(read);
	db_read_destroy(read);
}

// Small values share pages, large ones have pages of their own.
static const size_t sizes[] = {100, 1000, 5000};

START_TEST(no_byte_of_what_was_deleted_or_replaced_is_left)
{
	uint64_t bytes;
	write_some("SECRET", sizes[_i], 1);
	write_some("PUBLIC", sizes[_i], 2);
	write_some(NULL, 0, 1);
	write_some("PUBLIC", sizes[_i], 3);
	ck_assert(is_in_file("SECRET"));
	ck_assert_int_eq(db_wipe(db, revision, &bytes), 0);
	ck_assert_uint_gt(bytes, 0);
	ck_assert(!is_in_file("SECRET"));
	ck_assert(is_in_file("PUBLIC"));
	assert_sound();
	write_some("LATER", sizes[_i], 5);
	ck_assert(!is_in_file("SECRET"));
	db_close(db);
	open_db();
	assert_sound();
}
END_TEST

START_TEST(what_a_snapshot_may_see_is_not_touched)
{
	struct db_read *read;
	struct db_record record;
	uint64_t at, bytes;
	write_some("SECRET", 1000, 1);
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &at), 0);
	write_some(NULL, 0, 1);
	ck_assert_int_eq(db_wipe(db, revision, &bytes), -EBUSY);
	ck_assert_int_eq(db_get(read, DB_CUSTOMERS, BYTES_LITERAL("K000007"), &record), 0);
	ck_assert_int_eq(memcmp(record.value.data, "SECRET", 6), 0);
	db_read_stop(read);
	ck_assert_int_eq(db_wipe(db, revision, &bytes), 0);
	ck_assert(!is_in_file("SECRET"));
	db_read_destroy(read);
	assert_sound();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("wipe");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, no_byte_of_what_was_deleted_or_replaced_is_left, 0, (int)ARRAY_SIZE(sizes));
	tcase_add_test(tcase, what_a_snapshot_may_see_is_not_touched);
	Suite *suite = suite_create("store/db_wipe");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
