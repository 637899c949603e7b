// SPDX-License-Identifier: Apache-2.0
// A process that applies change sets as fast as it can is killed at any moment, over and over, on the same store.
// Afterwards every set it had acknowledged is there, and none is half there. (That data reaches the disk before the
// acknowledgement is not seen this way: the kernel keeps what a killed process wrote.)
#include "tests/unit/store/store_fixture.h"
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
};

static struct store_fixture fixture;

static void setup(void)
{
	store_fixture_init(&fixture);
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

static uint32_t run_round(uint32_t first_number, int milliseconds)
{
	int fds[2], status;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		acknowledged_fd = fds[1];
		run_load(first_number);
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

static void check_store(uint32_t end)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, BYTES_LITERAL("g"), &key);
	store_fixture_open(&fixture);
	const struct image *image = store_pin(fixture.reader);
	check_sets(image, image_find(image, IMAGE_GROUPS, &key), end);
	store_unpin(fixture.reader);
	store_fixture_close(&fixture);
}

START_TEST(every_acknowledged_set_survives_a_kill_and_none_is_half_there)
{
	uint32_t first_number = 10, total = 0;
	srand(11);
	for (int round = 0; round < ROUNDS; round++) {
		total += run_round(first_number, rand() % 40);
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

int main(void)
{
	TCase *tcase = tcase_create("kill");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, every_acknowledged_set_survives_a_kill_and_none_is_half_there);
	Suite *suite = suite_create("crash/kill");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
