// SPDX-License-Identifier: Apache-2.0
// The same entries, applied one per transaction, in random groups, and with restarts in between: the state, the digest,
// every answer and what is remembered must be the same. And change sets made here come to the same objects as entries.
//
// EVAUTH_SEEDS: how many seeds (8); EVAUTH_SEED: the first one (1).
#include "tests/unit/store/entry_fixture.h"
#include "tests/unit/unit.h"

#include "store/digest.h"
#include "store/store_impl.h"

#include <errno.h>
#include <stdlib.h>

enum {
	ENTRIES = 120,
	GROUP_MAX = 40,
	CHANGES_MAX = 3,
	REMEMBER_AGE_S = 60,
	REMEMBER_COUNT = 12,
	IDS = 6, // of each kind
};

// What is drawn for a set; the change sets themselves are made from it once per run.
struct planned_set {
	struct change changes[CHANGES_MAX];
	size_t count;
	uint64_t expected_revision;
	struct bytes key;
	uint32_t repeat_window_s;
	bool dry_run;
};

struct planned_entry {
	struct planned_set sets[TEST_ENTRY_SETS_MAX];
	size_t count;
	int64_t time;
};

static struct planned_entry plan[ENTRIES];
static struct id128 first_epoch; // all runs start in one history
static unsigned random_state;

static unsigned draw(unsigned limit)
{
	return (unsigned)rand_r(&random_state) % limit;
}

// ---------------------------------------------------------------- plan

static char *draw_id(const char *prefix)
{
	return store_fixture_text("%s%u", prefix, draw(IDS));
}

static struct change draw_change(void)
{
	switch (draw(12)) {
	case 0:
		return change_put_tariff(draw_id("t"));
	case 1:
		return change_delete_tariff(draw_id("t"));
	case 2:
		return change_put_group(draw_id("g"), draw_id("t"));
	case 3:
		return change_put_point(draw_id("p"), draw_id("e"));
	case 4:
		return change_attach_point(draw_id("g"), draw_id("p"));
	case 5:
		return change_attach_customer(draw_id("g"), draw_id("c"), draw(2) ? draw_id("t") : "");
	case 6:
		return change_delete_customer(draw_id("c"));
	case 7:
	case 8:
		return change_put_token(draw_id("0"), draw_id("c"));
	case 9:
		return change_put_foreign_token(draw_id("f"), "NL", "EVC");
	default:
		return change_put_customer(draw_id("c"), draw_id("name "));
	}
}

static bool is_put_or_delete(const struct change *change)
{
	return change->kind != CHANGE_ATTACH_CHARGE_POINTS && change->kind != CHANGE_ATTACH_CUSTOMERS;
}

static void draw_set(struct planned_set *set, uint64_t revision, bool has_expectations)
{
	*set = (struct planned_set){.count = 1 + draw(CHANGES_MAX)};
	for (size_t i = 0; i < set->count; i++) {
		struct change *change = &set->changes[i];
		*change = draw_change();
		if (has_expectations && is_put_or_delete(change) && draw(4) == 0)
			change->expected_object_revision = revision > 12 ? revision - 1 - draw(12) : 1;
	}
	if (has_expectations && draw(6) == 0)
		set->expected_revision = revision - 1 - draw(2);
	if (draw(2) == 0) {
		// Few keys, mostly with few changes, so that some come again, with the same changes or with others.
		set->key = bytes_from(store_fixture_text("key%u", draw(20)));
		set->repeat_window_s = has_expectations && draw(2) ? 1 + draw(40) : 0;
		if (draw(2) == 0) {
			set->count = 1;
			set->changes[0] = change_put_customer("c0", "the same");
		}
	}
	set->dry_run = has_expectations && draw(10) == 0;
}

static void draw_plan(unsigned seed, bool has_expectations)
{
	int64_t time = 1000000;
	random_state = seed;
	for (unsigned i = 0; i < ENTRIES; i++) {
		plan[i] = (struct planned_entry){.count = 1 + draw(TEST_ENTRY_SETS_MAX)};
		time += draw(3) ? (int64_t)draw(8) : (int64_t)draw(60) - 20;
		plan[i].time = time;
		for (size_t k = 0; k < plan[i].count; k++)
			draw_set(&plan[i].sets[k], i + 2, has_expectations);
	}
}

// ---------------------------------------------------------------- one run

struct run {
	struct store_fixture fixture;
	struct store_position position;
	FILE *answers;
	char *answers_text;
	size_t answers_size;
};

static void open_run(struct run *run)
{
	store_fixture_open(&run->fixture);
	run->fixture.store->remember_age_min_s = REMEMBER_AGE_S;
	run->fixture.store->remember_count_min = REMEMBER_COUNT;
	store_get_position(run->fixture.store, &run->position);
}

static void start_run(struct run *run)
{
	*run = (struct run){0};
	temporary_create(&run->fixture.directory);
	run->fixture.options = (struct store_options){.directory = run->fixture.directory.path,
						      .map_size = 64 * 1024 * 1024,
						      .readers_max = 8,
						      .queue_max = STORE_QUEUE_MAX_DEFAULT,
						      .log_entries_max = 30,
						      .log_bytes_max = 1024 * 1024,
						      .log_age_max_s = 1000000};
	run->answers = open_memstream(&run->answers_text, &run->answers_size);
	open_run(run);
	struct store_position renamed = run->position;
	renamed.epoch = first_epoch;
	ck_assert_int_eq(store_set_position(run->fixture.store, &run->position, &renamed), 0);
	store_get_position(run->fixture.store, &run->position);
}

static void finish_run(struct run *run)
{
	store_fixture_close(&run->fixture);
	temporary_remove(&run->fixture.directory);
	free(run->answers_text);
}

static void note_answer(FILE *file, const struct store_job *job)
{
	// Not the message: which of several groups it names depends on the order of a table, seeded per process.
	fprintf(file, "%d %d %s %u:", job->result, (int)job->fault.code, job->fault.field, job->fault.change_number);
	if (job->result != 0) {
		fputc('\n', file);
		return;
	}
	const struct apply_response *response = &job->response;
	fprintf(file, " @%llu %d", (unsigned long long)response->revision, response->replayed);
	for (size_t i = 0; i < response->results_count; i++)
		fprintf(file, " %d/%u/%zu", (int)response->results[i].outcome, response->results[i].changed,
			response->results[i].unchanged_ids_count);
	fputc('\n', file);
}

static void add_sets(struct test_entry *entry, struct planned_entry *planned)
{
	for (size_t i = 0; i < planned->count; i++) {
		struct planned_set *set = &planned->sets[i];
		struct test_job *job = test_entry_add(entry, set->changes, set->count);
		job->set.expected_revision = set->expected_revision;
		job->set.idempotency_key = set->key;
		job->set.dry_run = set->dry_run;
		job->job.repeat_window_s = set->repeat_window_s;
	}
}

// `count` entries from `first` on, in one transaction if they fit.
static void run_group(struct run *run, size_t first, size_t count)
{
	static struct test_entry entries[GROUP_MAX];
	struct test_gate gate;
	test_gate_close(&gate, run->fixture.store);
	for (size_t i = 0; i < count; i++) {
		test_entry_init(&entries[i], &run->position, (uint8_t)(first + i + 1), plan[first + i].time);
		add_sets(&entries[i], &plan[first + i]);
		run->position = test_entry_position(&entries[i]);
		ck_assert_int_eq(test_entry_submit(&entries[i], run->fixture.store), 0);
	}
	test_gate_open(&gate);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(test_entry_wait(&entries[i]), 0);
		for (size_t k = 0; k < entries[i].jobs_count; k++)
			note_answer(run->answers, &entries[i].jobs[k].job);
		test_entry_finish(&entries[i]);
	}
}

static void run_plan(struct run *run, unsigned group_max, bool restarts)
{
	start_run(run);
	for (size_t first = 0; first < ENTRIES;) {
		size_t count = 1 + draw(group_max);
		count = count < ENTRIES - first ? count : ENTRIES - first;
		run_group(run, first, count);
		first += count;
		if (restarts && draw(3) == 0) {
			store_fixture_close(&run->fixture);
			open_run(run);
		}
	}
	fclose(run->answers);
}

// ---------------------------------------------------------------- comparing

// Everything that replicas have in common, and with `revisions` also when each record was changed.
static char *dump(struct run *run, bool revisions)
{
	static const enum db_table tables[] = {DB_TARIFFS,     DB_GROUPS,          DB_POINTS,
					       DB_CUSTOMERS,   DB_TOKENS,          DB_MEMBERSHIPS,
					       DB_IDEMPOTENCY, DB_IDEMPOTENCY_AGE, DB_LOG};
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct db_read *read;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(store_db(run->fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct db_record record;
		if (!revisions && !db_is_object_table(tables[i]))
			continue;
		int result = db_seek(read, tables[i], (struct bytes){0}, &record);
		for (; result == 0; result = db_next(read, tables[i], &record)) {
			fprintf(file, "%d@%llu ", (int)i, revisions ? (unsigned long long)record.modified_revision : 0);
			for (size_t k = 0; k < record.key.size; k++)
				fprintf(file, "%02x", (uint8_t)record.key.data[k]);
			fputc(' ', file);
			for (size_t k = 0; k < record.value.size; k++)
				fprintf(file, "%02x", (uint8_t)record.value.data[k]);
			fputc('\n', file);
		}
		ck_assert_int_eq(result, -ENOENT);
	}
	db_read_destroy(read);
	fclose(file);
	return text;
}

// The digest that is kept is the one of what is there.
static struct id128 check_digest(struct run *run)
{
	struct db_read *read;
	struct digest computed, stored;
	struct store_status status;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(store_db(run->fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_compute_digest(read, &computed), 0);
	ck_assert_int_eq(db_read_digest(read, &stored), 0);
	db_read_destroy(read);
	store_get_status(run->fixture.store, &status);
	const struct id128 id = digest_id(&computed);
	ck_assert_uint_eq(status.revision, revision);
	ck_assert(computed.low == stored.low && computed.high == stored.high);
	ck_assert(id128_equal(&status.digest, &id));
	return id;
}

// Each remembered key has one row in the order of age.
static void check_remembered(struct run *run)
{
	struct db_read *read;
	uint64_t revision, keys, rows;
	ck_assert_int_eq(db_read_create(store_db(run->fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_count(read, DB_IDEMPOTENCY, &keys), 0);
	ck_assert_int_eq(db_count(read, DB_IDEMPOTENCY_AGE, &rows), 0);
	db_read_destroy(read);
	ck_assert_uint_eq(keys, rows);
	ck_assert_uint_gt(keys, 0);
	ck_assert_uint_lt(keys, 20); // of twenty keys, some are forgotten
}

static void check_same(const char *what, unsigned seed, char *expected, char *found)
{
	size_t i = 0;
	while (expected[i] != 0 && expected[i] == found[i])
		i++;
	i = i > 200 ? i - 200 : 0;
	ck_assert_msg(strcmp(expected, found) == 0, "seed %u: %s differ:\n%.500s\n---\n%.500s", seed, what,
		      expected + i, found + i);
}

static void compare(struct run *expected, struct run *found, unsigned seed)
{
	const struct id128 first = check_digest(expected), second = check_digest(found);
	ck_assert_msg(id128_equal(&first, &second), "seed %u: the digests differ", seed);
	check_remembered(found);
	check_same("the answers", seed, expected->answers_text, found->answers_text);
	char *texts[] = {dump(expected, true), dump(found, true)};
	check_same("the stores", seed, texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
}

static unsigned setting(const char *name, unsigned preset)
{
	const char *text = getenv(name);
	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : preset;
}

START_TEST(however_entries_are_grouped_all_is_the_same)
{
	static const struct {
		unsigned group_max;
		bool restarts;
	} ways[] = {{5, false}, {GROUP_MAX, false}, {1, true}, {GROUP_MAX, true}};
	const unsigned first = setting("EVAUTH_SEED", 1), seeds = setting("EVAUTH_SEEDS", 8);
	for (unsigned seed = first; seed < first + seeds; seed++) {
		struct run one_by_one, other;
		struct store_fixture keeper;
		store_fixture_init(&keeper);
		draw_plan(seed, true);
		run_plan(&one_by_one, 1, false);
		run_plan(&other, ways[seed % 4].group_max, ways[seed % 4].restarts);
		compare(&one_by_one, &other, seed);
		finish_run(&one_by_one);
		finish_run(&other);
		store_fixture_finish(&keeper);
	}
}
END_TEST

// ---------------------------------------------------------------- made here

static void run_here(struct run *run)
{
	static struct test_job jobs[TEST_ENTRY_SETS_MAX];
	start_run(run);
	for (size_t i = 0; i < ENTRIES; i++)
		for (size_t k = 0; k < plan[i].count; k++) {
			struct planned_set *set = &plan[i].sets[k];
			test_job_init(&jobs[k], set->changes, set->count);
			ck_assert_int_eq(test_job_submit(&jobs[k], run->fixture.store), 0);
			test_job_wait(&jobs[k]);
			test_job_finish(&jobs[k]);
		}
	fclose(run->answers);
}

START_TEST(change_sets_made_here_come_to_the_same_objects)
{
	for (unsigned seed = 1; seed <= 4; seed++) {
		struct run entries, here;
		struct store_fixture keeper;
		store_fixture_init(&keeper);
		draw_plan(seed, false);
		for (size_t i = 0; i < ENTRIES; i++)
			for (size_t k = 0; k < plan[i].count; k++)
				plan[i].sets[k].key = (struct bytes){0};
		run_plan(&entries, GROUP_MAX, false);
		run_here(&here);
		check_digest(&here);
		char *texts[] = {dump(&entries, false), dump(&here, false)};
		check_same("the objects", seed, texts[0], texts[1]);
		ck_assert_uint_gt(strlen(texts[0]), 1000);
		free(texts[0]);
		free(texts[1]);
		finish_run(&entries);
		finish_run(&here);
		store_fixture_finish(&keeper);
	}
}
END_TEST

int main(void)
{
	first_epoch = id128_random();
	TCase *tcase = tcase_create("entry_random");
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, however_entries_are_grouped_all_is_the_same);
	tcase_add_test(tcase, change_sets_made_here_come_to_the_same_objects);
	Suite *suite = suite_create("store/entry_random");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
