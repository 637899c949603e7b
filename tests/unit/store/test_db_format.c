// SPDX-License-Identifier: Apache-2.0
// A store as an older evauthd left it, made from a new one by taking away what that did not know.
#include "base/crc32c.h"
#include "store/digest.h"
#include "store/log.h"
#include "tests/unit/store/entry_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <lmdb.h>

static struct store_fixture fixture;

static void setup(void)
{
	store_fixture_init(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

static bool is_of_format_1(const char *name, size_t size)
{
	static const char *const names[] = {"meta",   "tariffs",     "charge_groups", "charge_points",  "customers",
					    "tokens", "memberships", "idempotency",   "idempotency_age"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (bytes_equal(bytes_from(names[i]), (struct bytes){.data = name, .size = size}))
			return true;
	return false;
}

static void drop_newer_tables(MDB_txn *txn)
{
	char names[64][64];
	size_t count = 0;
	MDB_dbi main_table, table;
	MDB_cursor *cursor;
	MDB_val key, value;
	ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &main_table), 0);
	ck_assert_int_eq(mdb_cursor_open(txn, main_table, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
		if (!is_of_format_1(key.mv_data, key.mv_size))
			snprintf(names[count++], sizeof(names[0]), "%.*s", (int)key.mv_size, (char *)key.mv_data);
	mdb_cursor_close(cursor);
	ck_assert_uint_gt(count, 1);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(mdb_dbi_open(txn, names[i], 0, &table), 0);
		ck_assert_int_eq(mdb_drop(txn, table, 1), 0);
	}
}

static void put_format(MDB_txn *txn, MDB_dbi meta, uint32_t version)
{
	struct {
		uint32_t crc, reserved;
		uint64_t revision;
		char magic[8];
		uint32_t version, unused;
	} value = {.revision = 1, .magic = "evauthd", .version = version};
	value.crc = crc32c(DB_META, "format", 6);
	value.crc = crc32c(value.crc, (const char *)&value + 4, sizeof(value) - 4);
	ck_assert_int_eq(mdb_put(txn, meta, &(MDB_val){6, (void *)"format"}, &(MDB_val){sizeof(value), &value}, 0), 0);
}

static void delete_newer_meta(MDB_txn *txn, MDB_dbi meta)
{
	static const char *const kept[] = {"format", "revision", "time"};
	MDB_cursor *cursor;
	MDB_val key, value;
	ck_assert_int_eq(mdb_cursor_open(txn, meta, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		bool stays = false;
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			stays |= strlen(kept[i]) == key.mv_size && memcmp(kept[i], key.mv_data, key.mv_size) == 0;
		if (!stays)
			ck_assert_int_eq(mdb_cursor_del(cursor, 0), 0);
	}
	mdb_cursor_close(cursor);
}

// Of the closed store.
static void make_format_1(void)
{
	char path[160];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi meta;
	snprintf(path, sizeof(path), "%s/data.mdb", fixture.directory.path);
	ck_assert_int_eq(mdb_env_create(&env), 0);
	ck_assert_int_eq(mdb_env_set_maxdbs(env, 64), 0);
	ck_assert_int_eq(mdb_env_set_mapsize(env, fixture.options.map_size), 0);
	ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	drop_newer_tables(txn);
	ck_assert_int_eq(mdb_dbi_open(txn, "meta", 0, &meta), 0);
	delete_newer_meta(txn, meta);
	put_format(txn, meta, 1);
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void fill(void)
{
	struct change changes[] = {change_put_tariff("t"),          change_put_group("g", "t"),
				   change_put_point("p", "e"),      change_put_customer("c", "name"),
				   change_put_token("04", "c"),     change_attach_customer("g", "c", ""),
				   change_put_customer("d", "gone")};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		ck_assert_int_eq(store_fixture_apply(&fixture, changes[i]), 0);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_delete_customer("d")), 0);
}

START_TEST(a_store_of_format_1_is_brought_up_to_date)
{
	struct store_status before, after;
	struct store_position position, again;
	fill();
	store_get_status(fixture.store, &before);
	store_fixture_close(&fixture);
	make_format_1();
	store_fixture_open(&fixture);
	store_get_status(fixture.store, &after);
	store_get_position(fixture.store, &position);
	ck_assert_uint_eq(after.revision, before.revision);
	ck_assert(id128_equal(&after.digest, &before.digest));
	ck_assert(!id128_is_zero(&after.digest));
	ck_assert_uint_eq(after.objects[OBJECT_KIND_TOKEN], 1);
	ck_assert(!id128_is_zero(&position.epoch) && !id128_equal(&position.epoch, &before.epoch));
	ck_assert(id128_is_zero(&position.nonce) && !position.is_attached);
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
	store_get_position(fixture.store, &again);
	ck_assert(id128_equal(&position.epoch, &again.epoch)); // once
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("e", "")), 0);
}
END_TEST

START_TEST(its_log_begins_where_it_was_brought_up_to_date)
{
	struct log_reader *reader;
	struct arena arena;
	struct log_entry entry;
	fill();
	store_fixture_close(&fixture);
	make_format_1();
	fixture.options.log_entries_max = fixture.options.log_bytes_max = 100000;
	fixture.options.log_age_max_s = 100000;
	store_fixture_open(&fixture);
	arena_init(&arena, 4096, 1024 * 1024);
	ck_assert_int_eq(log_reader_create(fixture.store, &reader), 0);
	ck_assert_int_eq(log_read_after(reader, 8, &arena, &entry), -ERANGE);
	ck_assert_int_eq(log_read_after(reader, 9, &arena, &entry), -ENOENT);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("e", "")), 0);
	ck_assert_int_eq(log_read_after(reader, 9, &arena, &entry), 0);
	ck_assert_uint_eq(entry.revision, 10);
	log_reader_destroy(reader);
	arena_finish(&arena);
}
END_TEST

START_TEST(a_reader_alone_does_not_bring_it_up_to_date)
{
	const struct db_options options = {
		.directory = fixture.directory.path, .map_size = fixture.options.map_size, .read_only = true};
	struct db *db = NULL;
	struct fault fault = {0};
	store_fixture_close(&fixture);
	make_format_1();
	ck_assert_int_eq(db_open(&options, &db, &fault), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(fault.message, "older evauthd"));
	store_fixture_open(&fixture);
}
END_TEST

START_TEST(the_digest_is_the_one_of_what_is_there)
{
	struct db_read *read;
	struct digest kept, computed;
	uint64_t revision;
	fill();
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "another name, and a longer one")), 0);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer("c", "another name, but as long as it")), 0);
	ck_assert_int_eq(db_read_create(store_db(fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_read_digest(read, &kept), 0);
	ck_assert_int_eq(db_compute_digest(read, &computed), 0);
	ck_assert(kept.low == computed.low && kept.high == computed.high);
	db_read_destroy(read);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("db_format");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_store_of_format_1_is_brought_up_to_date);
	tcase_add_test(tcase, its_log_begins_where_it_was_brought_up_to_date);
	tcase_add_test(tcase, a_reader_alone_does_not_bring_it_up_to_date);
	tcase_add_test(tcase, the_digest_is_the_one_of_what_is_there);
	Suite *suite = suite_create("store/db_format");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
