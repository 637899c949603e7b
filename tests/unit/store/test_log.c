// SPDX-License-Identifier: Apache-2.0
#include "store/log.h"

#include "proto/codec.h"
#include "store/log_impl.h"
#include "tests/unit/store/entry_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

enum { TIME = 1000000 };

static struct store_fixture fixture;
static struct store_position position;
static struct log_reader *reader;
static struct arena arena;
static struct log_entry entry;
static struct log_response page;

static void open_log(uint64_t entries_max, uint64_t bytes_max, int64_t age_max_s)
{
	log_reader_destroy(reader);
	store_fixture_close(&fixture);
	fixture.options.log_entries_max = entries_max;
	fixture.options.log_bytes_max = bytes_max;
	fixture.options.log_age_max_s = age_max_s;
	store_fixture_open(&fixture);
	ck_assert_int_eq(log_reader_create(fixture.store, &reader), 0);
	store_get_position(fixture.store, &position);
}

static void setup(void)
{
	store_fixture_init(&fixture);
	arena_init(&arena, 4096, 64 * 1024 * 1024);
	reader = NULL;
	open_log(1000, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
}

static void teardown(void)
{
	log_reader_destroy(reader);
	arena_finish(&arena);
	store_fixture_finish(&fixture);
}

static void apply(const char *id)
{
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_customer(id, "")), 0);
}

static void apply_at(int64_t time)
{
	static uint8_t nonce;
	int result;
	ck_assert_int_eq(
		test_entry_apply(fixture.store, &position, ++nonce, time, change_put_customer("c", ""), &result), 0);
	ck_assert_int_eq(result, 0);
}

static int read_after(uint64_t after)
{
	arena_reset(&arena);
	return log_read_after(reader, after, &arena, &entry);
}

static int read_page(struct log_request request)
{
	arena_reset(&arena);
	return log_read_page(reader, &request, &arena, &page);
}

static struct store_status status(void)
{
	struct store_status result;
	store_get_status(fixture.store, &result);
	return result;
}

// The id of the customer that the set of an entry puts.
static struct bytes customer_of(const struct log_entry *of, size_t set)
{
	ck_assert_uint_lt(set, of->change_sets_count);
	ck_assert_uint_eq(of->change_sets[set].changes_count, 1);
	ck_assert_int_eq(of->change_sets[set].changes[0].kind, CHANGE_PUT_CUSTOMER);
	return of->change_sets[set].changes[0].put_customer->id;
}

static void check_id(struct bytes text, const struct id128 *id)
{
	char expected[ID128_TEXT_SIZE + 1];
	id128_format(id, expected);
	ck_assert(bytes_equal(text, bytes_from(expected)));
}

// ---------------------------------------------------------------- reading on

START_TEST(every_revision_is_read_in_its_turn)
{
	struct store_position before = position, after;
	ck_assert_int_eq(read_after(1), -ENOENT);
	ck_assert_int_eq(read_after(2), -ERANGE);
	ck_assert_int_eq(read_after(0), -ERANGE);
	ck_assert_uint_eq(status().log_oldest_revision, 0);
	for (uint64_t revision = 2; revision < 6; revision++) {
		char *id = store_fixture_text("c%d", (int)revision);
		apply(id);
		store_get_position(fixture.store, &after);
		ck_assert_int_eq(read_after(revision - 1), 0);
		ck_assert_uint_eq(entry.revision, revision);
		ck_assert_uint_eq(entry.change_sets_count, 1);
		ck_assert(bytes_equal(customer_of(&entry, 0), bytes_from(id)));
		check_id(entry.epoch, &after.epoch);
		check_id(entry.nonce, &after.nonce);
		if (revision == 2)
			ck_assert_uint_eq(entry.prev.size, 0);
		else
			check_id(entry.prev, &before.nonce);
		ck_assert_int_gt(entry.time, 0);
		ck_assert_int_eq(read_after(revision), -ENOENT);
		before = after;
	}
	ck_assert_int_eq(read_after(1), 0);
	ck_assert_uint_eq(entry.revision, 2);
	ck_assert_uint_eq(status().log_oldest_revision, 2);
}
END_TEST

START_TEST(an_entry_has_the_sets_it_accepted_and_who_made_it)
{
	struct test_entry made;
	struct change good = change_put_customer("good", ""), bad = change_put_group("g", "none"),
		      other = change_put_customer("other", "");
	test_entry_init(&made, &position, 7, TIME);
	test_entry_add(&made, &good, 1)->set.idempotency_key = BYTES_LITERAL("key");
	test_entry_add(&made, &bad, 1);
	test_entry_add(&made, &good, 1)->set.idempotency_key = BYTES_LITERAL("key"); // replayed
	test_entry_add(&made, &other, 1)->set.actor = BYTES_LITERAL("ops");
	ck_assert_int_eq(test_entry_submit(&made, fixture.store), 0);
	ck_assert_int_eq(test_entry_wait(&made), 0);
	ck_assert(made.jobs[2].job.response.replayed);
	ck_assert_int_eq(read_after(1), 0);
	ck_assert_uint_eq(entry.change_sets_count, 2);
	ck_assert(bytes_equal(customer_of(&entry, 0), BYTES_LITERAL("good")));
	ck_assert(bytes_equal(customer_of(&entry, 1), BYTES_LITERAL("other")));
	ck_assert(bytes_equal(entry.change_sets[1].actor, BYTES_LITERAL("ops")));
	ck_assert(bytes_equal(entry.origin, BYTES_LITERAL("a-replica")));
	ck_assert_int_eq(entry.time, TIME);
	check_id(entry.nonce, &made.entry.nonce);
	test_entry_finish(&made);
}
END_TEST

START_TEST(an_entry_that_accepted_nothing_is_read_as_well)
{
	int result;
	ck_assert_int_eq(test_entry_apply(fixture.store, &position, 7, TIME, change_put_group("g", "none"), &result),
			 0);
	ck_assert_int_eq(result, -ENOENT);
	ck_assert_int_eq(read_after(1), 0);
	ck_assert_uint_eq(entry.revision, 2);
	ck_assert_uint_eq(entry.change_sets_count, 0);
}
END_TEST

START_TEST(dry_runs_and_refusals_are_not_logged)
{
	struct change change = change_put_customer("c", "");
	struct test_job job;
	test_job_init(&job, &change, 1);
	job.set.dry_run = true;
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
	ck_assert_int_ne(store_fixture_apply(&fixture, change_put_group("g", "none")), 0);
	ck_assert_int_eq(read_after(1), -ENOENT);
}
END_TEST

// The bytes that came are kept, whatever they would be encoded as.
START_TEST(a_body_is_kept_as_it_came)
{
	struct change change = change_put_customer("c", ""), another = change_put_customer("as-it-came", "");
	const struct change_set set = {.changes = &another, .changes_count = 1};
	struct test_job job;
	test_job_init(&job, &change, 1);
	ck_assert_int_eq(codec_encode(&schema_change_set, &set, &job.job.arena, &job.job.body), 0);
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
	ck_assert_int_eq(read_after(1), 0);
	ck_assert(bytes_equal(customer_of(&entry, 0), BYTES_LITERAL("as-it-came")));
}
END_TEST

static const int sizes[] = {1, 15, 16, 17, 32, 33, 200};

// Of about 1 KiB per customer: entries below, at and above the size of a chunk, and of many chunks.
START_TEST(entries_of_any_size_are_read)
{
	static struct change changes[200];
	char *name = store_fixture_text("%0250d", 0);
	struct test_job job;
	apply("before");
	for (int i = 0; i < sizes[_i]; i++)
		changes[i] = change_put_customer(store_fixture_text("c%d-%0200d", i, 0) + 170, name);
	test_job_init(&job, changes, (size_t)sizes[_i]);
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
	apply("after");
	for (int pass = 0; pass < 2; pass++) {
		ck_assert_int_eq(read_after(2), 0);
		ck_assert_uint_eq(entry.change_sets[0].changes_count, (size_t)sizes[_i]);
		ck_assert_int_eq(read_after(3), 0);
		ck_assert(bytes_equal(customer_of(&entry, 0), BYTES_LITERAL("after")));
		open_log(1000, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	}
}
END_TEST

// ---------------------------------------------------------------- limits

static void check_kept(uint64_t oldest, uint64_t newest)
{
	ck_assert_uint_eq(status().log_oldest_revision, oldest);
	ck_assert_int_eq(read_after(oldest - 2), -ERANGE);
	for (uint64_t revision = oldest; revision <= newest; revision++) {
		ck_assert_int_eq(read_after(revision - 1), 0);
		ck_assert_uint_eq(entry.revision, revision);
	}
	ck_assert_int_eq(read_after(newest), -ENOENT);
}

START_TEST(only_so_many_entries_are_kept)
{
	open_log(3, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	for (int i = 0; i < 10; i++)
		apply("c");
	check_kept(9, 11);
	open_log(5, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	check_kept(9, 11);
	apply("c");
	apply("c");
	apply("c");
	check_kept(10, 14);
}
END_TEST

START_TEST(a_transaction_of_many_revisions_keeps_no_more_than_that)
{
	enum { COUNT = 20 };
	static struct test_entry entries[COUNT];
	struct change change = change_put_customer("c", "");
	struct test_gate gate;
	open_log(4, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	apply("c");
	apply("c");
	store_get_position(fixture.store, &position);
	test_gate_close(&gate, fixture.store);
	for (int i = 0; i < COUNT; i++) {
		test_entry_init(&entries[i], &position, (uint8_t)(i + 1), TIME);
		test_entry_add(&entries[i], &change, 1);
		ck_assert_int_eq(test_entry_submit(&entries[i], fixture.store), 0);
		position = test_entry_position(&entries[i]);
	}
	test_gate_open(&gate);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(test_entry_wait(&entries[i]), 0);
		test_entry_finish(&entries[i]);
	}
	check_kept(20, 23);
}
END_TEST

START_TEST(only_so_many_bytes_are_kept)
{
	open_log(1000, 2000, LOG_AGE_MAX_DEFAULT_S);
	for (int i = 0; i < 50; i++)
		apply("c");
	const uint64_t oldest = status().log_oldest_revision;
	ck_assert_uint_gt(oldest, 25);
	ck_assert_uint_lt(oldest, 49);
	check_kept(oldest, 51);
	// One that is larger than all there may be leaves nothing.
	static struct change changes[100];
	struct test_job job;
	for (int i = 0; i < 100; i++)
		changes[i] = change_put_customer(store_fixture_text("c%d", i), "with a name");
	test_job_init(&job, changes, 100);
	ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
	ck_assert_uint_eq(status().log_oldest_revision, 0);
	ck_assert_int_eq(read_after(51), -ERANGE);
	ck_assert_int_eq(read_after(52), -ENOENT);
	apply("c");
	check_kept(53, 53);
}
END_TEST

START_TEST(what_is_too_old_is_forgotten_by_the_next_commit)
{
	open_log(1000, LOG_BYTES_MAX_DEFAULT, 100);
	for (int i = 0; i < 5; i++)
		apply_at(TIME + 10 * i);
	check_kept(2, 6);
	apply_at(TIME + 100);
	check_kept(2, 7);
	apply_at(TIME + 121);
	check_kept(5, 8);
	apply_at(TIME + 10000);
	check_kept(9, 9);
}
END_TEST

static const struct {
	uint64_t entries, bytes;
	int64_t age;
} nothings[] = {{0, 1000000, 1000}, {1000, 0, 1000}, {1000, 1000000, 0}};

// What was not logged is never skipped by a reader.
START_TEST(without_a_log_nothing_is_kept_and_nothing_is_skipped_later)
{
	apply("c");
	apply("c");
	open_log(nothings[_i].entries, nothings[_i].bytes, nothings[_i].age);
	apply("unlogged");
	ck_assert_uint_eq(status().log_oldest_revision, 0);
	ck_assert_int_eq(read_after(3), -ERANGE);
	ck_assert_int_eq(read_after(4), -ENOENT);
	open_log(1000, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	apply("logged");
	ck_assert_int_eq(read_after(1), -ERANGE);
	check_kept(5, 5);
}
END_TEST

START_TEST(a_jump_of_the_position_leaves_no_hole_for_readers)
{
	apply("c");
	store_get_position(fixture.store, &position);
	struct store_position next = position;
	next.revision = 100;
	next.epoch = id128_random();
	next.nonce = id128_random();
	ck_assert_int_eq(store_set_position(fixture.store, &position, &next), 0);
	ck_assert_int_eq(read_after(2), -ENOENT);
	ck_assert_int_eq(read_after(100), -ENOENT);
	apply("c");
	ck_assert_int_eq(read_after(2), 0); // nothing changed in between
	ck_assert_uint_eq(entry.revision, 101);
	check_id(entry.epoch, &next.epoch);
	check_id(entry.prev, &next.nonce);
}
END_TEST

// ---------------------------------------------------------------- pages

START_TEST(pages_come_newest_first)
{
	for (int i = 0; i < 25; i++)
		apply(store_fixture_text("c%d", i));
	uint64_t before = 0, expected = 26;
	for (int number = 0; number < 4; number++) {
		ck_assert_int_eq(read_page((struct log_request){.before_revision = before, .page_size = 7}), 0);
		ck_assert_uint_eq(page.entries_count, number < 3 ? 7 : 4);
		ck_assert_uint_eq(page.oldest_revision, 2);
		ck_assert_uint_eq(page.revision, 26);
		for (size_t i = 0; i < page.entries_count; i++, expected--) {
			ck_assert_uint_eq(page.entries[i].revision, expected);
			ck_assert(bytes_equal(customer_of(&page.entries[i], 0),
					      bytes_from(store_fixture_text("c%d", (int)expected - 2))));
		}
		before = expected + 1;
	}
	ck_assert_int_eq(read_page((struct log_request){.before_revision = 2}), 0);
	ck_assert_uint_eq(page.entries_count, 0);
	ck_assert_int_eq(read_page((struct log_request){0}), 0);
	ck_assert_uint_eq(page.entries_count, 25);
}
END_TEST

START_TEST(a_page_can_leave_the_changes_out)
{
	apply("c1");
	apply("c2");
	ck_assert_int_eq(read_page((struct log_request){.without_changes = true}), 0);
	ck_assert_uint_eq(page.entries_count, 2);
	ck_assert_uint_eq(page.entries[0].change_sets_count, 0);
	ck_assert_uint_eq(page.entries[1].nonce.size, ID128_TEXT_SIZE);
	ck_assert(bytes_equal(page.entries[0].prev, page.entries[1].nonce));
}
END_TEST

START_TEST(a_page_ends_at_so_many_bytes)
{
	static struct change changes[1000];
	for (int i = 0; i < 1000; i++)
		changes[i] = change_put_customer(store_fixture_text("c%d", i), store_fixture_text("%0200d", i));
	for (int i = 0; i < 4; i++) {
		struct test_job job;
		test_job_init(&job, changes, 1000);
		ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
		ck_assert_int_eq(test_job_wait(&job), 0);
		test_job_finish(&job);
	}
	ck_assert_int_eq(read_page((struct log_request){0}), 0);
	ck_assert_uint_eq(page.entries_count, 2);
	ck_assert_int_eq(read_page((struct log_request){.without_changes = true}), 0);
	ck_assert_uint_eq(page.entries_count, 4);
}
END_TEST

START_TEST(a_page_shows_only_what_is_kept)
{
	open_log(3, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	for (int i = 0; i < 10; i++)
		apply("c");
	ck_assert_int_eq(read_page((struct log_request){0}), 0);
	ck_assert_uint_eq(page.entries_count, 3);
	ck_assert_uint_eq(page.oldest_revision, 9);
	open_log(0, 0, 0);
	apply("c");
	ck_assert_int_eq(read_page((struct log_request){0}), 0);
	ck_assert_uint_eq(page.entries_count, 0);
	ck_assert_uint_eq(page.oldest_revision, 0);
}
END_TEST

// ---------------------------------------------------------------- damage

static void damage(struct bytes key, struct bytes value)
{
	struct store_status now = status();
	const struct db_write write = {.table = DB_LOG, .key = key, .modified_revision = now.revision, .value = value};
	ck_assert_int_eq(db_commit(store_db(fixture.store), &write, 1, now.revision), 0);
}

START_TEST(a_damaged_entry_is_told)
{
	apply("c");
	const struct log_key key = log_key_make(2, 0);
	damage(log_key_bytes(&key), BYTES_LITERAL("short"));
	ck_assert_int_eq(read_after(1), -EBADMSG);
	struct log_head head = {.size = sizeof(head) + 10};
	damage(log_key_bytes(&key), (struct bytes){.data = (const char *)&head, .size = sizeof(head)});
	ck_assert_int_eq(read_after(1), -EBADMSG); // the rest is missing
	head = (struct log_head){.size = sizeof(head), .origin_size = 1};
	damage(log_key_bytes(&key), (struct bytes){.data = (const char *)&head, .size = sizeof(head)});
	ck_assert_int_eq(read_after(1), -EBADMSG);
	head = (struct log_head){.size = sizeof(head), .sets_count = 1};
	damage(log_key_bytes(&key), (struct bytes){.data = (const char *)&head, .size = sizeof(head)});
	ck_assert_int_eq(read_after(1), -EBADMSG);
	ck_assert_int_eq(read_page((struct log_request){0}), -EBADMSG);
}
END_TEST

// ---------------------------------------------------------------- orphans

// `count` orphans of each revision from 10 on, of two chunks each; as an installed snapshot leaves them.
static void add_orphans(uint64_t revisions, unsigned count)
{
	struct log_head head = {.size = sizeof(head) + 4 + 6, .sets_count = 1};
	char first[sizeof(head)];
	const uint64_t now = status().revision;
	struct db_log_state state = {.floor = now, .orphans = revisions * count};
	const struct bytes state_bytes = {.data = (const char *)&state, .size = sizeof(state)};
	struct change change = change_delete_customer("x");
	const struct change_set set = {.changes = &change, .changes_count = 1};
	struct bytes body;
	ck_assert_int_eq(codec_encode(&schema_change_set, &set, &arena, &body), 0);
	const uint32_t size = (uint32_t)body.size;
	head.size = sizeof(head) + sizeof(size) + size;
	for (uint64_t revision = 10; revision < 10 + revisions; revision++)
		for (unsigned i = 0; i < count; i++) {
			char second[256];
			memset(head.nonce.data, (int)i + 1, sizeof(head.nonce.data));
			memcpy(first, &head, sizeof(head));
			memcpy(second, &size, sizeof(size));
			memcpy(second + sizeof(size), body.data, size);
			const struct log_orphan_key keys[] = {log_orphan_key_make(revision, &head.nonce, 0),
							      log_orphan_key_make(revision, &head.nonce, 1)};
			const struct db_write writes[] = {
				{DB_ORPHANS, log_orphan_key_bytes(&keys[0]), revision, {first, sizeof(first)}},
				{DB_ORPHANS, log_orphan_key_bytes(&keys[1]), revision, {second, sizeof(size) + size}},
				{DB_META, db_key_log, now, state_bytes},
			};
			ck_assert_int_eq(db_commit(store_db(fixture.store), writes, ARRAY_SIZE(writes), now), 0);
		}
	open_log(1000, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
}

START_TEST(orphans_are_listed_and_those_of_one_revision_stay_together)
{
	add_orphans(5, 3);
	ck_assert_uint_eq(status().orphans, 15);
	ck_assert_int_eq(read_page((struct log_request){.orphans = true, .page_size = 4}), 0);
	ck_assert_uint_eq(page.entries_count, 6);
	ck_assert_uint_eq(page.entries[5].revision, 13);
	ck_assert_uint_eq(page.oldest_revision, 10);
	ck_assert_uint_eq(page.entries[0].change_sets_count, 1);
	ck_assert_int_eq(page.entries[0].change_sets[0].changes[0].kind, CHANGE_DELETE_CUSTOMER);
	ck_assert(!bytes_equal(page.entries[0].nonce, page.entries[1].nonce));
	ck_assert_int_eq(read_page((struct log_request){.orphans = true, .before_revision = 13}), 0);
	ck_assert_uint_eq(page.entries_count, 9);
	ck_assert_int_eq(read_page((struct log_request){0}), 0);
	ck_assert_uint_eq(page.entries_count, 0);
}
END_TEST

START_TEST(orphans_are_forgotten_up_to_a_revision)
{
	uint64_t forgotten;
	add_orphans(5, 2);
	store_get_position(fixture.store, &position);
	ck_assert_int_eq(log_forget_orphans(fixture.store, 9, &forgotten), 0);
	ck_assert_uint_eq(forgotten, 0);
	ck_assert_int_eq(log_forget_orphans(fixture.store, 12, &forgotten), 0);
	ck_assert_uint_eq(forgotten, 6);
	ck_assert_uint_eq(status().orphans, 4);
	open_log(1000, LOG_BYTES_MAX_DEFAULT, LOG_AGE_MAX_DEFAULT_S);
	ck_assert_uint_eq(status().orphans, 4);
	ck_assert_int_eq(read_page((struct log_request){.orphans = true}), 0);
	ck_assert_uint_eq(page.entries_count, 4);
	ck_assert_uint_eq(page.oldest_revision, 13);
	ck_assert_int_eq(log_forget_orphans(fixture.store, UINT64_MAX, &forgotten), 0);
	ck_assert_uint_eq(forgotten, 4);
	ck_assert_uint_eq(status().orphans, 0);
	ck_assert_uint_eq(status().revision, 1); // nothing of the state has changed
}
END_TEST

// ---------------------------------------------------------------- beside the writer

struct follower {
	struct log_reader *reader;
	atomic_bool is_over;
	uint64_t read;
	bool has_failed;
};

static void *follow(void *argument)
{
	struct follower *follower = argument;
	struct arena own;
	arena_init(&own, 4096, 1024 * 1024);
	bool is_last = false;
	for (;;) {
		struct log_entry next;
		arena_reset(&own);
		const int result = log_read_after(follower->reader, follower->read + 1, &own, &next);
		if (result == 0 && next.revision == follower->read + 2) {
			follower->read++;
		} else if (result != -ENOENT) {
			follower->has_failed = true;
			break;
		} else if (is_last) {
			break;
		} else {
			is_last = atomic_load(&follower->is_over);
		}
	}
	arena_finish(&own);
	return NULL;
}

START_TEST(a_follower_sees_every_revision_while_they_are_made)
{
	struct follower follower = {0};
	pthread_t thread;
	ck_assert_int_eq(log_reader_create(fixture.store, &follower.reader), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, follow, &follower), 0);
	for (int i = 0; i < 100; i++)
		apply("c");
	atomic_store(&follower.is_over, true);
	pthread_join(thread, NULL);
	ck_assert(!follower.has_failed);
	ck_assert_uint_eq(follower.read, 100);
	log_reader_destroy(follower.reader);
	log_reader_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("log");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_revision_is_read_in_its_turn);
	tcase_add_test(tcase, an_entry_has_the_sets_it_accepted_and_who_made_it);
	tcase_add_test(tcase, an_entry_that_accepted_nothing_is_read_as_well);
	tcase_add_test(tcase, dry_runs_and_refusals_are_not_logged);
	tcase_add_test(tcase, a_body_is_kept_as_it_came);
	tcase_add_loop_test(tcase, entries_of_any_size_are_read, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tcase, only_so_many_entries_are_kept);
	tcase_add_test(tcase, a_transaction_of_many_revisions_keeps_no_more_than_that);
	tcase_add_test(tcase, only_so_many_bytes_are_kept);
	tcase_add_test(tcase, what_is_too_old_is_forgotten_by_the_next_commit);
	tcase_add_loop_test(tcase, without_a_log_nothing_is_kept_and_nothing_is_skipped_later, 0, ARRAY_SIZE(nothings));
	tcase_add_test(tcase, a_jump_of_the_position_leaves_no_hole_for_readers);
	tcase_add_test(tcase, pages_come_newest_first);
	tcase_add_test(tcase, a_page_can_leave_the_changes_out);
	tcase_add_test(tcase, a_page_ends_at_so_many_bytes);
	tcase_add_test(tcase, a_page_shows_only_what_is_kept);
	tcase_add_test(tcase, a_damaged_entry_is_told);
	tcase_add_test(tcase, orphans_are_listed_and_those_of_one_revision_stay_together);
	tcase_add_test(tcase, orphans_are_forgotten_up_to_a_revision);
	tcase_add_test(tcase, a_follower_sees_every_revision_while_they_are_made);
	Suite *suite = suite_create("store/log");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
