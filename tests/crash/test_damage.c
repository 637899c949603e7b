// SPDX-License-Identifier: Apache-2.0
// Hundreds of damaged copies of a store, each opened in a process of its own. Each is either refused with a message, or
// every object in it is as it was, and changes can be made; none ends by a signal.
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	PAGE_SIZE = 4096,
	CUSTOMERS = 400,
	CASES = 150, // of each kind of damage

	CHILD_INTACT = 0,
	CHILD_REFUSED = 1,
	CHILD_SILENT = 2,  // refused without a message
	CHILD_CHANGED = 3, // opened, but not what it was
	CHILD_STUCK = 4,   // opened, but takes no change
};

static struct store_fixture fixture;
static char *original; // the data file
static size_t original_size;
static uint64_t original_digest;

// ---------------------------------------------------------------- what is in a store

// Every object, by key, revision and text.
static uint64_t digest_objects(struct db *db)
{
	struct db_read *read;
	struct db_record record;
	uint64_t revision, digest = 0;
	ck_assert_int_eq(db_read_create(db, &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	for (int table = DB_TARIFFS; table <= DB_MEMBERSHIPS; table++) {
		int result = db_seek(read, (enum db_table)table, (struct bytes){0}, &record);
		for (; result == 0; result = db_next(read, (enum db_table)table, &record)) {
			digest = hash_bytes(record.key.data, record.key.size, digest + record.modified_revision);
			digest = hash_bytes(record.value.data, record.value.size, digest);
		}
		ck_assert_int_eq(result, -ENOENT);
	}
	db_read_destroy(read);
	return digest + revision;
}

// Tariffs of more than a page, tables of several levels, free pages, remembered answers.
static void fill_store(void)
{
	static char text[900];
	memset(text, 't', sizeof(text) - 1);
	for (int i = 0; i < 6; i++) {
		struct change change = change_put_tariff(store_fixture_text("t-%d", i));
		struct display_text texts[8];
		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			texts[k] = (struct display_text){.language = BYTES_LITERAL("en"), .text = bytes_from(text)};
		change.put_tariff->tariff_alt_text = texts;
		change.put_tariff->tariff_alt_text_count = ARRAY_SIZE(texts);
		ck_assert_int_eq(store_fixture_apply(&fixture, change), 0);
	}
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_group("g", "t-0")), 0);
	for (int i = 0; i < CUSTOMERS; i++) {
		char *id = store_fixture_text("cust-%d", i);
		struct change changes[] = {change_put_customer(id, "Somebody"), change_put_token(id, id),
					   change_put_point(id, id), change_attach_customer("g", id, "")};
		struct test_job job;
		test_job_init(&job, changes, ARRAY_SIZE(changes));
		job.set.idempotency_key = bytes_from(id);
		ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
		ck_assert_msg(test_job_wait(&job) == 0, "%s", job.job.fault.message);
		test_job_finish(&job);
		if (i % 3 == 0)
			ck_assert_int_eq(store_fixture_apply(&fixture, change_delete_customer(id)), 0);
	}
}

static void setup(void)
{
	char path[128];
	struct stat status;
	store_fixture_init(&fixture);
	fill_store();
	original_digest = digest_objects(store_db(fixture.store));
	store_fixture_close(&fixture);
	const int fd = open(temporary_file(&fixture.directory, "data.mdb", path), O_RDONLY);
	ck_assert_int_eq(fstat(fd, &status), 0);
	original_size = (size_t)status.st_size;
	original = malloc(original_size);
	ck_assert_int_eq(read(fd, original, original_size), (ssize_t)original_size);
	close(fd);
	srand(7);
}

static void teardown(void)
{
	free(original);
	store_fixture_finish(&fixture);
}

// ---------------------------------------------------------------- one case

static void write_file(const char *data, size_t size)
{
	char path[128];
	const int fd = open(temporary_file(&fixture.directory, "data.mdb", path), O_WRONLY | O_TRUNC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

// Changes that touch every table, in two commits: what is wrong with free pages shows when pages are taken.
static bool change_store(void)
{
	enum { COUNT = 20 };
	struct change changes[3 * COUNT];
	for (int i = 0; i < COUNT; i++) {
		char *id = store_fixture_text("cust-%d", 1 + i * (CUSTOMERS / COUNT));
		changes[i] = change_put_customer(id, "Changed");
		changes[COUNT + i] = change_put_tariff(store_fixture_text("t-%d", i));
		changes[2 * COUNT + i] = change_delete_customer(id);
	}
	bool took_all = true;
	for (int i = 0; i < 2 && took_all; i++) {
		struct test_job job;
		test_job_init(&job, changes + i * COUNT, 2 * COUNT);
		took_all = test_job_submit(&job, fixture.store) == 0 && test_job_wait(&job) == 0;
		test_job_finish(&job);
	}
	return took_all;
}

static int open_damaged(void)
{
	fixture.fault = (struct fault){0};
	if (store_open(&fixture.options, &fixture.store, &fixture.fault) != 0)
		return fixture.fault.message[0] != '\0' ? CHILD_REFUSED : CHILD_SILENT;
	if (digest_objects(store_db(fixture.store)) != original_digest)
		return CHILD_CHANGED;
	const bool took_changes = change_store();
	store_close(fixture.store);
	fixture.store = NULL;
	if (!took_changes || store_open(&fixture.options, &fixture.store, &fixture.fault) != 0)
		return CHILD_STUCK;
	store_close(fixture.store);
	return CHILD_INTACT;
}

// How a process that opens the file as it is ends.
static int try_file(const char *what, size_t where)
{
	int status;
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		alarm(60);
		_exit(open_damaged());
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "%s at %zu: signal %d", what, where, WTERMSIG(status));
	const int ended = WEXITSTATUS(status);
	ck_assert_msg(ended == CHILD_INTACT || ended == CHILD_REFUSED, "%s at %zu: ended with %d", what, where, ended);
	return ended;
}

// Tries CASES copies with `damage` done to them, which returns where. Returns how many were refused.
static int try_damage(const char *what, size_t (*damage)(char *data))
{
	char *data = malloc(original_size);
	int refused = 0;
	for (int i = 0; i < CASES; i++) {
		memcpy(data, original, original_size);
		const size_t where = damage(data);
		write_file(data, original_size);
		refused += try_file(what, where) == CHILD_REFUSED;
	}
	free(data);
	return refused;
}

static size_t random_below(size_t limit)
{
	return ((size_t)rand() << 16 ^ (size_t)rand()) % limit;
}

// ---------------------------------------------------------------- kinds of damage

START_TEST(an_undamaged_copy_is_intact)
{
	write_file(original, original_size);
	ck_assert_int_eq(try_file("nothing", 0), CHILD_INTACT);
	ck_assert_uint_gt(original_size, 100 * PAGE_SIZE);
}
END_TEST

START_TEST(a_file_cut_short_is_refused)
{
	static const size_t sizes[] = {0, 1, 15, 151, 152, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 152, 2 * PAGE_SIZE};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		write_file(original, sizes[i]);
		ck_assert_int_eq(try_file("cut", sizes[i]), CHILD_REFUSED);
	}
	int refused = 0;
	for (int i = 0; i < CASES; i++) {
		const size_t size = random_below(original_size / PAGE_SIZE) * PAGE_SIZE + (i % 2 ? 100 : 0);
		write_file(original, size);
		refused += try_file("cut", size) == CHILD_REFUSED;
	}
	// At the end of the file there are free pages, which nobody misses.
	ck_assert_int_gt(refused, CASES * 3 / 4);
}
END_TEST

static size_t flip_byte(char *data)
{
	const size_t where = random_below(original_size);
	data[where] ^= (char)(1 + random_below(255));
	return where;
}

START_TEST(a_flipped_byte_is_found_or_harmless)
{
	ck_assert_int_gt(try_damage("byte", flip_byte), CASES / 4);
}
END_TEST

// In the header of a page, where LMDB keeps its offsets and counts.
static size_t flip_page_header(char *data)
{
	const size_t where = random_below(original_size / PAGE_SIZE) * PAGE_SIZE + random_below(32);
	data[where] ^= (char)(1 + random_below(255));
	return where;
}

START_TEST(a_flipped_byte_in_a_page_header_is_found_or_harmless)
{
	ck_assert_int_gt(try_damage("page header", flip_page_header), CASES / 4);
}
END_TEST

// In one of the two pages the file starts with.
static size_t flip_file_header(char *data)
{
	const size_t where = random_below(2) * PAGE_SIZE + random_below(152);
	data[where] ^= (char)(1 + random_below(255));
	return where;
}

START_TEST(a_flipped_byte_in_a_file_header_is_found_or_harmless)
{
	ck_assert_int_gt(try_damage("file header", flip_file_header), CASES / 4);
}
END_TEST

static size_t overwrite_run(char *data)
{
	const size_t size = 1 + random_below(64), where = random_below(original_size - size);
	for (size_t i = 0; i < size; i++)
		data[where + i] = (char)rand();
	return where;
}

START_TEST(a_run_of_garbage_is_found_or_harmless)
{
	ck_assert_int_gt(try_damage("run", overwrite_run), CASES / 4);
}
END_TEST

static size_t clear_page(char *data)
{
	const size_t where = random_below(original_size / PAGE_SIZE) * PAGE_SIZE;
	memset(data + where, 0, PAGE_SIZE);
	return where;
}

START_TEST(a_lost_page_is_found_or_was_free)
{
	ck_assert_int_gt(try_damage("lost page", clear_page), CASES / 4);
}
END_TEST

// Misdirected writes: a page that is sound, but of somewhere else.
static size_t swap_pages(char *data)
{
	char page[PAGE_SIZE];
	char *a = data + random_below(original_size / PAGE_SIZE) * PAGE_SIZE;
	char *b = data + random_below(original_size / PAGE_SIZE) * PAGE_SIZE;
	memcpy(page, a, PAGE_SIZE);
	memcpy(a, b, PAGE_SIZE);
	memcpy(b, page, PAGE_SIZE);
	return (size_t)(a - data);
}

START_TEST(swapped_pages_are_found_or_were_free)
{
	ck_assert_int_gt(try_damage("swap", swap_pages), CASES / 4);
}
END_TEST

// A page with the number it has, but in the state of another one: what a lost write leaves behind.
static size_t repeat_page(char *data)
{
	char *a = data + random_below(original_size / PAGE_SIZE) * PAGE_SIZE;
	const char *b = data + random_below(original_size / PAGE_SIZE) * PAGE_SIZE;
	memcpy(a + 8, b + 8, PAGE_SIZE - 8);
	return (size_t)(a - data);
}

START_TEST(a_page_that_repeats_another_is_found_or_was_free)
{
	ck_assert_int_gt(try_damage("repeat", repeat_page), CASES / 4);
}
END_TEST

START_TEST(files_of_others_are_refused)
{
	static const char text[] = "SQLite format 3\0and so on";
	char *garbage = malloc(64 * 1024);
	for (size_t i = 0; i < 64 * 1024; i++)
		garbage[i] = (char)rand();
	write_file(garbage, 64 * 1024);
	ck_assert_int_eq(try_file("garbage", 0), CHILD_REFUSED);
	memset(garbage, 0, 64 * 1024);
	write_file(garbage, 64 * 1024);
	ck_assert_int_eq(try_file("zeros", 0), CHILD_REFUSED);
	memcpy(garbage, text, sizeof(text));
	write_file(garbage, 64 * 1024);
	ck_assert_int_eq(try_file("other format", 0), CHILD_REFUSED);
	free(garbage);
}
END_TEST

// A disk that cannot read what it holds shows as a file that gives way under the mapping.
static void read_from_a_file_that_gives_way(void)
{
	char path[128];
	write_file(original, original_size);
	store_fixture_open(&fixture);
	if (truncate(temporary_file(&fixture.directory, "data.mdb", path), 2 * PAGE_SIZE) != 0)
		_exit(9);
	digest_objects(store_db(fixture.store));
	_exit(0);
}

START_TEST(a_file_that_gives_way_while_it_is_read_is_named_in_a_last_line)
{
	char text[4096];
	size_t size = 0;
	ssize_t got;
	int fds[2], status;
	ck_assert_int_eq(pipe(fds), 0);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(fds[1], STDERR_FILENO);
		read_from_a_file_that_gives_way();
	}
	close(fds[1]);
	while ((got = read(fds[0], text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	text[size] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(strstr(text, fixture.directory.path) != NULL, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "backup"));
	ck_assert_int_ne(status, 0); // the signal as ever, or what a sanitizer makes of it
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("damage");
	tcase_add_unchecked_fixture(tcase, setup, teardown); // once: what it made stays in memory
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, an_undamaged_copy_is_intact);
	tcase_add_test(tcase, a_file_cut_short_is_refused);
	tcase_add_test(tcase, a_flipped_byte_is_found_or_harmless);
	tcase_add_test(tcase, a_flipped_byte_in_a_page_header_is_found_or_harmless);
	tcase_add_test(tcase, a_flipped_byte_in_a_file_header_is_found_or_harmless);
	tcase_add_test(tcase, a_run_of_garbage_is_found_or_harmless);
	tcase_add_test(tcase, a_lost_page_is_found_or_was_free);
	tcase_add_test(tcase, swapped_pages_are_found_or_were_free);
	tcase_add_test(tcase, a_page_that_repeats_another_is_found_or_was_free);
	tcase_add_test(tcase, files_of_others_are_refused);
	tcase_add_test(tcase, a_file_that_gives_way_while_it_is_read_is_named_in_a_last_line);
	Suite *suite = suite_create("crash/damage");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
