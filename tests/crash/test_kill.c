// SPDX-License-Identifier: Apache-2.0
// A process that applies change sets as fast as it can is killed at any moment, over and over, on the same store.
// Afterwards every set it had acknowledged is there, and none is half there; and where the store stands, its digest and
// its log are those of its revision. The same for entries, whose order is known. (That data reaches the disk before the
// acknowledgement is not seen this way: the kernel keeps what a killed process wrote.)
#include "store/digest.h"
#include "store/log.h"
#include "tests/unit/store/entry_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

enum {
	ROUNDS = 25,
	IN_FLIGHT = 16,
	SETS_MAX = 1000000,
	LOG_KEPT = 500,
	ENTRY_TIME = 2000000000,
};

static struct store_fixture fixture;

static void setup(void)
{
	store_fixture_init(&fixture);
	store_fixture_close(&fixture);
	fixture.options.log_entries_max = LOG_KEPT;
	fixture.options.log_bytes_max = LOG_BYTES_MAX_DEFAULT;
	fixture.options.log_age_max_s = LOG_AGE_MAX_DEFAULT_S;
	store_fixture_open(&fixture);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_tariff("t")), 0);
	ck_assert_int_eq(store_fixture_apply(&fixture, change_put_group("g", "t")), 0);
	store_fixture_close(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

// ---------------------------------------------------------------- the process that is killed

// Set `number`: a customer, a token of hers and her membership, and the customer of set `number` - 5 away with all
// hers.
struct load_set {
	struct store_job job;
	struct change_set set;
	struct change changes[4];
	struct customer customer;
	struct token token;
	struct attach_customers attach;
	struct delete_object delete;
	struct bytes attach_id;
	char id[16];
	char delete_id[16];
	uint32_t number;
};

static int acknowledged_fd;

static void id_of(uint32_t number, char id[16])
{
	snprintf(id, 16, "C%08u", number);
}

static void submit(struct store *store, struct load_set *load);

static struct store *load_store;
static _Atomic uint32_t next_number;

static void acknowledge(struct store_job *job)
{
	struct load_set *load = job->context;
	if (job->result != 0)
		_exit(3);
	if (write(acknowledged_fd, &load->number, sizeof(load->number)) != sizeof(load->number))
		_exit(4);
	arena_reset(&job->arena);
	load->number = atomic_fetch_add(&next_number, 1);
	submit(load_store, load);
}

static void submit(struct store *store, struct load_set *load)
{
	id_of(load->number, load->id);
	id_of(load->number - 5, load->delete_id);
	const struct bytes id = bytes_from(load->id);
	load->customer = (struct customer){.id = id, .name = BYTES_LITERAL("Somebody with a name")};
	load->token = (struct token){.uid = id, .type = TOKEN_TYPE_RFID, .customer_id = id};
	load->attach_id = id;
	load->attach = (struct attach_customers){
		.charge_group_id = BYTES_LITERAL("g"), .customer_ids = &load->attach_id, .customer_ids_count = 1};
	load->delete = (struct delete_object){.id = bytes_from(load->delete_id)};
	load->changes[0] = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &load->customer};
	load->changes[1] = (struct change){.kind = CHANGE_PUT_TOKEN, .put_token = &load->token};
	load->changes[2] = (struct change){.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &load->attach};
	load->changes[3] = (struct change){.kind = CHANGE_DELETE_CUSTOMER, .delete_object = &load->delete};
	load->set = (struct change_set){
		.changes = load->changes,
		.changes_count = load->number % 10 < 5 ? 3 : 4, // half of them stay
		.idempotency_key = id,
	};
	load->job.set = &load->set;
	load->job.body_size = load->number % 3 == 0 ? COMMIT_BODIES_MAX : 1; // commits go on in parts
	load->job.done = acknowledge;
	load->job.context = load;
	if (store_submit(store, &load->job) != 0)
		_exit(5);
}

// Never returns.
static void run_load(uint32_t first_number)
{
	static struct load_set loads[IN_FLIGHT];
	struct fault fault = {0};
	if (store_open(&fixture.options, &load_store, &fault) != 0) {
		fprintf(stderr, "%s\n", fault.message);
		_exit(2);
	}
	atomic_store(&next_number, first_number + IN_FLIGHT);
	for (uint32_t i = 0; i < IN_FLIGHT; i++) {
		loads[i].number = first_number + i;
		arena_init(&loads[i].job.arena, 4096, 1024 * 1024);
		submit(load_store, &loads[i]);
	}
	for (;;)
		pause();
}

// ---------------------------------------------------------------- the round

static bool acknowledged[SETS_MAX];
static bool present[SETS_MAX];

// Notes what is acknowledged until `milliseconds` are over, counted from the first one; kills; notes the rest.
static uint32_t kill_load(pid_t child, int fd, int milliseconds)
{
	uint32_t number, count = 0;
	ck_assert_int_eq(read(fd, &number, sizeof(number)), sizeof(number));
	acknowledged[number] = true;
	struct itimerspec timeout = {.it_value = {.tv_nsec = milliseconds * 1000000l + 1}};
	timer_t timer;
	struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &nothing, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &timeout, NULL), 0);
	do {
		if (read(fd, &number, sizeof(number)) != sizeof(number))
			break; // it ended by itself, which the caller finds out
		acknowledged[number] = true;
		count++;
		ck_assert_int_eq(timer_gettime(timer, &timeout), 0);
	} while (timeout.it_value.tv_nsec > 0 && number < SETS_MAX - IN_FLIGHT);
	kill(child, SIGKILL);
	while (read(fd, &number, sizeof(number)) == sizeof(number)) {
		acknowledged[number] = true;
		count++;
	}
	timer_delete(timer);
	return count;
}

static uint32_t run_round(void (*run)(uint32_t first_number), uint32_t first_number, int milliseconds)
{
	int fds[2], status;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		acknowledged_fd = fds[1];
		run(first_number);
	}
	close(fds[1]);
	const uint32_t count = kill_load(child, fds[0], milliseconds);
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "ended by itself: %x", status);
	return count;
}

// ---------------------------------------------------------------- afterwards

static bool set_deletes(uint32_t number)
{
	return number % 10 >= 5;
}

// Whether customer, token and membership of the set are there: all or none.
static bool is_present(const struct image *image, uint32_t group, uint32_t number)
{
	char id[16];
	struct id_key key;
	id_of(number, id);
	id_fold(ID_FOLD_PLAIN, bytes_from(id), &key);
	const uint32_t customer = image_find(image, IMAGE_CUSTOMERS, &key);
	const uint32_t token = image_find_token(image, NULL, TOKEN_TYPE_RFID, bytes_from(id));
	const uint32_t membership = customer ? image_find_membership(image, group, customer) : 0;
	ck_assert_msg((customer != 0) == (token != 0) && (customer != 0) == (membership != 0), "set %u is half there",
		      number);
	return customer != 0;
}

// Sets 0-4 of ten are deleted by sets 5-9. In a round they may be carried out in any order.
static void check_sets(const struct image *image, uint32_t group, uint32_t end)
{
	for (uint32_t number = 10; number < end; number++)
		present[number] = is_present(image, group, number);
	for (uint32_t number = 10; number < end; number++) {
		if (!acknowledged[number])
			continue;
		if (set_deletes(number))
			ck_assert_msg(present[number], "set %u was acknowledged and is gone", number);
		else if (number + 5 < end && !present[number])
			ck_assert_msg(present[number + 5], "set %u was acknowledged and is gone", number);
	}
}

static void check_digest(void)
{
	struct db_read *read;
	struct digest kept, computed;
	struct store_status status;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(store_db(fixture.store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_read_digest(read, &kept), 0);
	ck_assert_int_eq(db_compute_digest(read, &computed), 0);
	db_read_destroy(read);
	ck_assert(kept.low == computed.low && kept.high == computed.high);
	store_get_status(fixture.store, &status);
	ck_assert_uint_eq(status.revision, revision);
}

static void check_id(struct bytes text, const struct id128 *id)
{
	struct id128 found;
	ck_assert_int_eq(id128_parse(text, &found), 0);
	ck_assert(id128_equal(&found, id));
}

// Every revision that is kept, each made by the one before it, up to the store's own.
static void check_log(void)
{
	struct log_reader *reader;
	struct arena arena;
	struct log_entry entry = {0};
	struct store_position position;
	struct store_status status;
	struct id128 nonce = {0};
	store_get_position(fixture.store, &position);
	store_get_status(fixture.store, &status);
	arena_init(&arena, 4096, 16 * 1024 * 1024);
	ck_assert_int_eq(log_reader_create(fixture.store, &reader), 0);
	ck_assert_uint_gt(status.log_oldest_revision, 0);
	for (uint64_t after = status.log_oldest_revision - 1; after < position.revision; after++) {
		arena_reset(&arena);
		ck_assert_int_eq(log_read_after(reader, after, &arena, &entry), 0);
		ck_assert_uint_eq(entry.revision, after + 1);
		ck_assert_uint_gt(entry.change_sets_count, 0);
		check_id(entry.epoch, &position.epoch);
		if (after + 1 > status.log_oldest_revision)
			check_id(entry.prev, &nonce);
		ck_assert_int_eq(id128_parse(entry.nonce, &nonce), 0);
	}
	ck_assert(id128_equal(&nonce, &position.nonce));
	ck_assert_int_eq(log_read_after(reader, position.revision, &arena, &entry), -ENOENT);
	log_reader_destroy(reader);
	arena_finish(&arena);
}

static void check_store(uint32_t end)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, BYTES_LITERAL("g"), &key);
	store_fixture_open(&fixture);
	const struct image *image = store_pin(fixture.reader);
	check_sets(image, image_find(image, IMAGE_GROUPS, &key), end);
	store_unpin(fixture.reader);
	check_digest();
	check_log();
	store_fixture_close(&fixture);
}

START_TEST(every_acknowledged_set_survives_a_kill_and_none_is_half_there)
{
	uint32_t first_number = 10, total = 0;
	srand(11);
	for (int round = 0; round < ROUNDS; round++) {
		total += run_round(run_load, first_number, rand() % 40);
		uint32_t end = first_number;
		for (uint32_t number = first_number; number < SETS_MAX; number++)
			if (acknowledged[number])
				end = number + 1;
		end += IN_FLIGHT;
		check_store(end);
		first_number = (end / 10 + 1) * 10;
		ck_assert_uint_lt(first_number, SETS_MAX - 100000);
	}
	ck_assert_uint_gt(total, ROUNDS);
}
END_TEST

// ---------------------------------------------------------------- entries

// Entry `revision` puts the customer of that number, so that the store tells how far it came.
static struct id128 nonce_of(uint64_t revision)
{
	struct id128 nonce = {{1}};
	memcpy(nonce.data + 8, &revision, sizeof(revision));
	return nonce;
}

struct load_entry {
	struct store_entry entry;
	struct test_job job;
	struct change change;
	struct customer customer;
	char id[16];
};

static void submit_entry(struct load_entry *load, uint64_t revision)
{
	struct store_entry *entry = &load->entry;
	entry->revision = revision;
	entry->nonce = nonce_of(revision);
	entry->prev = nonce_of(revision - 1);
	entry->time = ENTRY_TIME;
	id_of((uint32_t)revision, load->id);
	load->customer = (struct customer){.id = bytes_from(load->id)};
	load->change = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &load->customer};
	entry->jobs = &load->job.job;
	load->job.job.next = NULL;
	if (store_submit_entry(load_store, entry) != 0)
		_exit(5);
}

static void acknowledge_entry(struct store_entry *entry)
{
	struct load_entry *load = entry->context;
	const uint32_t revision = (uint32_t)entry->revision;
	if (entry->result != 0 || load->job.job.result != 0)
		_exit(3);
	if (write(acknowledged_fd, &revision, sizeof(revision)) != sizeof(revision))
		_exit(4);
	arena_reset(&load->job.job.arena);
	submit_entry(load, entry->revision + IN_FLIGHT);
}

// Never returns.
static void run_entries(uint32_t unused)
{
	static struct load_entry loads[IN_FLIGHT];
	struct fault fault = {0};
	struct store_position position;
	(void)unused;
	if (store_open(&fixture.options, &load_store, &fault) != 0)
		_exit(2);
	store_get_position(load_store, &position);
	for (uint32_t i = 0; i < IN_FLIGHT; i++) {
		test_job_init(&loads[i].job, &loads[i].change, 1);
		loads[i].entry.epoch = position.epoch;
		loads[i].entry.done = acknowledge_entry;
		loads[i].entry.context = &loads[i];
		submit_entry(&loads[i], position.revision + 1 + i);
	}
	for (;;)
		pause();
}

// Exactly the entries up to the store's revision are in it.
static uint64_t check_entries(uint64_t first)
{
	struct store_position position;
	store_fixture_open(&fixture);
	store_get_position(fixture.store, &position);
	const struct id128 nonce = nonce_of(position.revision);
	ck_assert(id128_equal(&position.nonce, &nonce));
	for (uint64_t revision = first; revision <= position.revision + IN_FLIGHT; revision++) {
		char id[16];
		id_of((uint32_t)revision, id);
		ck_assert(store_fixture_has(&fixture, IMAGE_CUSTOMERS, id) == (revision <= position.revision));
		ck_assert(!acknowledged[revision] || revision <= position.revision);
	}
	check_digest();
	check_log();
	store_fixture_close(&fixture);
	return position.revision;
}

START_TEST(after_a_kill_exactly_the_entries_up_to_its_revision_are_in_the_store)
{
	struct store_position position, start;
	store_fixture_open(&fixture);
	store_get_position(fixture.store, &position);
	start = position;
	start.nonce = nonce_of(position.revision);
	start.is_attached = true;
	ck_assert_int_eq(store_set_position(fixture.store, &position, &start), 0);
	store_fixture_close(&fixture);
	const uint64_t first = start.revision + 1;
	uint64_t last = start.revision;
	srand(12);
	for (int round = 0; round < ROUNDS; round++) {
		(void)run_round(run_entries, 0, rand() % 40);
		const uint64_t now = check_entries(first);
		ck_assert_uint_gt(now, last);
		last = now;
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("kill");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, every_acknowledged_set_survives_a_kill_and_none_is_half_there);
	tcase_add_test(tcase, after_a_kill_exactly_the_entries_up_to_its_revision_are_in_the_store);
	Suite *suite = suite_create("crash/kill");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
