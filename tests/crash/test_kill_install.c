// SPDX-License-Identifier: Apache-2.0
// A process that puts one state after the other in place of what its store has is killed at any of its steps, over and
// over. Afterwards the store has one of these states, whole, and none older than the last one that was there for sure.
#include "proto/codec.h"
#include "proto/schema.h"
#include "store/digest.h"
#include "store/install.h"
#include "store/key.h"
#include "tests/unit/store/entry_fixture.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ROUNDS = 20,
	CUSTOMERS = 4000,
	REVISION_STEP = 1000,
	CUSTOMERS_PER_STEP = 200,
	STEPS = CUSTOMERS / CUSTOMERS_PER_STEP + 3, // of a world: begun, the customers, to be committed, done
	WORLDS_MAX = 4,                             // of a process
	NOT_DONE = 0,                               // a step that ends no world
	NAME_SIZE = 24,
};

static struct store_fixture fixture;
static int steps_fd;

static void setup(void)
{
	store_fixture_init(&fixture);
	store_fixture_close(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

// ---------------------------------------------------------------- the process that is killed

static void must(int result)
{
	if (result != 0)
		_exit(2);
}

// The parent may kill from here on. `done`: the world that is there for sure now, or NOT_DONE.
static void tell_step(unsigned done)
{
	if (write(steps_fd, &done, sizeof(done)) != sizeof(done))
		_exit(3);
}

static struct bytes name_of(char name[NAME_SIZE], const char *word, unsigned number)
{
	const int size = snprintf(name, NAME_SIZE, "%s-%06u", word, number);
	return (struct bytes){.data = name, .size = (size_t)size};
}

static void add_customer(struct store_install *install, struct digest *digest, struct arena *arena,
			 struct customer *customer, uint64_t revision)
{
	const struct record record = {.modified_revision = revision, .kind = RECORD_CUSTOMER, .customer = customer};
	struct db_record row = {.modified_revision = revision};
	struct db_key key;
	struct fault fault = {0};
	arena_reset(arena);
	key_of_id(customer->id, &key);
	row.key = db_key_bytes(&key);
	must(codec_encode(&schema_customer, customer, arena, &row.value));
	digest_add(digest, DB_CUSTOMERS, &row);
	must(store_install_add(install, &record, 1, &fault));
}

// World `number`: all customers have its name.
static void install_world(struct store *store, unsigned number, struct arena *arena)
{
	struct store_install *install;
	struct fault fault = {0};
	struct digest digest = {0};
	char id[NAME_SIZE], name[NAME_SIZE], text[ID128_TEXT_SIZE + 1];
	const struct store_position position = {
		.revision = (uint64_t)REVISION_STEP * number, .epoch = id128_random(), .nonce = id128_random()};
	tell_step(NOT_DONE);
	must(store_install_begin(store, &install, &fault));
	for (unsigned i = 0; i < CUSTOMERS; i++) {
		if (i % CUSTOMERS_PER_STEP == 0)
			tell_step(NOT_DONE);
		struct customer customer = {.id = name_of(id, "customer", i), .name = name_of(name, "world", number)};
		add_customer(install, &digest, arena, &customer, position.revision);
	}
	const struct id128 digest_text = digest_id(&digest);
	id128_format(&digest_text, text);
	const struct snapshot_end end = {
		.revision = position.revision, .records = CUSTOMERS, .digest = bytes_from(text)};
	tell_step(NOT_DONE);
	must(store_install_commit(&install, &end, &position, UINT64_MAX, &fault));
	tell_step(number);
}

// Never returns.
static void run(unsigned first_number)
{
	struct store *store;
	struct fault fault = {0};
	struct arena arena;
	arena_init(&arena, 4096, 1024 * 1024);
	must(store_open(&fixture.options, &store, &fault));
	for (unsigned number = first_number;; number++)
		install_world(store, number, &arena);
}

// False: the process has ended.
static bool read_step(int fd, unsigned *last)
{
	unsigned done;
	if (read(fd, &done, sizeof(done)) != sizeof(done))
		return false;
	*last = done != NOT_DONE ? done : *last;
	return true;
}

// Kills it behind so many steps. The last world that was there for sure; 0: none.
static unsigned run_round(unsigned first_number, int steps)
{
	int fds[2], status;
	unsigned last = 0;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		steps_fd = fds[1];
		run(first_number);
	}
	close(fds[1]);
	for (int i = 0; i < steps; i++)
		ck_assert_msg(read_step(fds[0], &last), "it ended before step %d", i);
	kill(child, SIGKILL);
	while (read_step(fds[0], &last))
		;
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "ended by itself: %x", status);
	return last;
}

// ---------------------------------------------------------------- afterwards

// Which world it is; 0: the store is still empty. The name is in each record.
static unsigned check_records(struct db_read *read)
{
	struct db_record record;
	char first[NAME_SIZE] = "";
	unsigned count = 0;
	int result = db_seek(read, DB_CUSTOMERS, (struct bytes){0}, &record);
	for (; result == 0; result = db_next(read, DB_CUSTOMERS, &record), count++) {
		struct customer *customer;
		struct fault fault = {0};
		struct arena arena;
		arena_init(&arena, 1024, 1024 * 1024);
		ck_assert_int_eq(
			codec_decode(&schema_customer, CODEC_TOLERANT, record.value, &arena, &customer, &fault), 0);
		if (count == 0)
			snprintf(first, sizeof(first), "%.*s", BYTES_ARG(customer->name));
		ck_assert(bytes_equal(customer->name, bytes_from(first)));
		arena_finish(&arena);
	}
	ck_assert(count == 0 || count == CUSTOMERS);
	return count > 0 ? (unsigned)atoi(first + strlen("world-")) : 0;
}

static unsigned check_store(void)
{
	struct db_read *read;
	struct digest kept, computed;
	struct store_status status;
	uint64_t revision;
	store_fixture_open(&fixture);
	ck_assert_int_eq(db_read_create(store_db(fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	const unsigned number = check_records(read);
	ck_assert_int_eq(db_read_digest(read, &kept), 0);
	ck_assert_int_eq(db_compute_digest(read, &computed), 0);
	db_read_stop(read);
	db_read_destroy(read);
	ck_assert(kept.low == computed.low && kept.high == computed.high);
	store_get_status(fixture.store, &status);
	ck_assert_uint_eq(status.revision, revision);
	ck_assert_uint_eq(revision, number > 0 ? (uint64_t)REVISION_STEP * number : 1);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_CUSTOMER], number > 0 ? CUSTOMERS : 0);
	store_fixture_close(&fixture);
	return number;
}

START_TEST(after_a_kill_the_store_has_one_state_whole)
{
	unsigned next = 1, taken_over = 0;
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		const unsigned last = run_round(next, rand() % (WORLDS_MAX * STEPS));
		const unsigned number = check_store();
		ck_assert_uint_ge(number, last);
		taken_over += last > 0;
		next = number + 1;
	}
	ck_assert_uint_gt(taken_over, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("kill");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 200);
	tcase_add_test(tcase, after_a_kill_the_store_has_one_state_whole);
	Suite *suite = suite_create("crash/kill_install");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
