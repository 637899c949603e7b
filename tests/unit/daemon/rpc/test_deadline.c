// SPDX-License-Identifier: Apache-2.0
// timeout_ms: what waited for too long is not done; and what waits for its turn. The worker is held up by a mail while
// requests arrive.
#include "base/clock.h"
#include "daemon/rpc/rpc.h"
#include "tests/unit/daemon/net/tcp_fixture.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <sys/socket.h>

enum {
	SHORT_MS = 20,   // over when the test says so
	MEDIUM_MS = 500, // long enough to be read in time
	LONG_MS = 3600 * 1000,

	WRITERS = 8,
	SET_SIZE = WRITE_BYTES_PER_TURN_MAX - 1024,
};

struct hold_up {
	struct mail mail;
	sem_t begun, may_end;
};

static struct rpc_fixture fixture;
static struct hold_up hold_up;
static int fd;

static int connect_tcp(void)
{
	int client, server;
	tcp_pair_create(&client, &server);
	ck_assert_int_eq(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	worker_take_connection(fixture.worker, server);
	return client;
}

static void hold(struct mail *mail)
{
	struct hold_up *self = (struct hold_up *)mail;
	sem_post(&self->begun);
	sem_wait(&self->may_end);
}

static void hold_worker(void)
{
	hold_up.mail.deliver = hold;
	mailbox_post(&fixture.worker->mailbox, &hold_up.mail);
	sem_wait(&hold_up.begun);
}

static void release_worker(void)
{
	sem_post(&hold_up.may_end);
}

static void send_timed_authorize(uint32_t request_id, uint32_t timeout_ms)
{
	const struct authorize_request request = {
		.token_uid = BYTES_LITERAL("04AA"), .charge_point_id = BYTES_LITERAL("CP-1"), .timeout_ms = timeout_ms};
	send_request(fd, METHOD_AUTHORIZE, request_id, &schema_authorize_request, &request);
}

static void send_timed_customer(uint32_t request_id, const char *id, uint32_t timeout_ms)
{
	struct customer customer = {.id = bytes_from(id)};
	struct change change = {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer};
	const struct change_set set = {.changes = &change, .changes_count = 1, .timeout_ms = timeout_ms};
	send_request(fd, METHOD_APPLY, request_id, &schema_change_set, &set);
}

// The connection has sent a time-out before: from then on the kernel tells when bytes came.
static void setup(void)
{
	rpc_fixture_start(&fixture);
	tcp_stamps_begin();
	sem_init(&hold_up.begun, 0, 0);
	sem_init(&hold_up.may_end, 0, 0);
	fd = connect_tcp();
	send_timed_authorize(1000, LONG_MS);
	expect_verdict(fd, 1000, VERDICT_ALLOWED);
}

static void teardown(void)
{
	close(fd);
	tcp_stamps_end();
	rpc_fixture_finish(&fixture);
}

static void expect_late(uint32_t request_id)
{
	expect_fault(fd, request_id, STATUS_DEADLINE_EXCEEDED, "not executed");
}

START_TEST(what_waited_in_the_socket_for_too_long_is_not_decided)
{
	hold_worker();
	send_timed_authorize(1, SHORT_MS);
	send_timed_authorize(2, LONG_MS);
	send_timed_authorize(3, 0);
	send_timed_authorize(4, SHORT_MS);
	let_pass(SHORT_MS + 1);
	release_worker();
	expect_late(1);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	expect_verdict(fd, 3, VERDICT_ALLOWED);
	expect_late(4);
	// And the connection is as before.
	send_timed_authorize(5, LONG_MS);
	expect_verdict(fd, 5, VERDICT_ALLOWED);
}
END_TEST

START_TEST(half_of_the_time_is_for_waiting)
{
	hold_worker();
	send_timed_authorize(1, 2 * SHORT_MS);
	let_pass(SHORT_MS + 1);
	release_worker();
	expect_late(1);
}
END_TEST

START_TEST(questions_of_all_kinds_are_dropped_alike)
{
	struct authorize_request item = {.token_uid = BYTES_LITERAL("04AA"), .charge_point_id = BYTES_LITERAL("CP-1")};
	const struct authorize_batch_request batch = {.requests = &item, .requests_count = 1, .timeout_ms = SHORT_MS};
	const struct get_tariff_request tariff = {
		.token_uid = BYTES_LITERAL("04AA"), .charge_point_id = BYTES_LITERAL("CP-1"), .timeout_ms = SHORT_MS};
	const struct status_request status = {.timeout_ms = SHORT_MS};
	const struct search_request search = {.kind = OBJECT_KIND_CUSTOMER, .timeout_ms = SHORT_MS};
	const struct watch_request watch = {.timeout_ms = SHORT_MS};
	const struct snapshot_request snapshot = {.timeout_ms = SHORT_MS};
	hold_worker();
	send_request(fd, METHOD_AUTHORIZE_BATCH, 1, &schema_authorize_batch_request, &batch);
	send_request(fd, METHOD_GET_TARIFF, 2, &schema_get_tariff_request, &tariff);
	send_request(fd, METHOD_STATUS, 3, &schema_status_request, &status);
	send_request(fd, METHOD_SEARCH, 4, &schema_search_request, &search);
	send_request(fd, METHOD_WATCH, 5, &schema_watch_request, &watch);
	send_request(fd, METHOD_SNAPSHOT, 6, &schema_snapshot_request, &snapshot);
	let_pass(SHORT_MS + 1);
	release_worker();
	for (uint32_t i = 1; i <= 6; i++)
		expect_late(i);
}
END_TEST

START_TEST(a_change_that_waited_in_the_socket_for_too_long_is_not_made)
{
	hold_worker();
	send_timed_customer(1, "late", SHORT_MS);
	send_timed_customer(2, "timely", LONG_MS);
	let_pass(SHORT_MS + 1);
	release_worker();
	expect_late(1);
	expect_status(fd, 2, STATUS_OK);
	ck_assert(!store_fixture_has(&fixture.store, IMAGE_CUSTOMERS, "late"));
	ck_assert(store_fixture_has(&fixture.store, IMAGE_CUSTOMERS, "timely"));
}
END_TEST

START_TEST(a_change_that_waited_for_the_writer_for_too_long_is_not_made)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	send_timed_customer(1, "late", MEDIUM_MS);
	send_timed_authorize(2, 0); // it has been read when this is answered
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	let_pass(MEDIUM_MS + 1);
	test_gate_open(&gate);
	expect_fault(fd, 1, STATUS_DEADLINE_EXCEEDED, "nothing was changed");
	ck_assert(!store_fixture_has(&fixture.store, IMAGE_CUSTOMERS, "late"));
}
END_TEST

START_TEST(the_log_keeps_a_change_without_its_timeout)
{
	const struct log_request request = {.page_size = 1};
	struct answer answer;
	send_timed_customer(1, "timely", LONG_MS);
	expect_status(fd, 1, STATUS_OK);
	send_request(fd, METHOD_LOG, 2, &schema_log_request, &request);
	const struct log_response *response = receive_message(fd, 2, &schema_log_response, &answer);
	ck_assert_uint_eq(response->entries_count, 1);
	ck_assert_uint_eq(response->entries[0].change_sets_count, 1);
	ck_assert_uint_eq(response->entries[0].change_sets[0].changes_count, 1);
	ck_assert_uint_eq(response->entries[0].change_sets[0].timeout_ms, 0);
	answer_finish(&answer);
}
END_TEST

START_TEST(who_waits_for_a_revision_waits_no_longer_than_its_timeout)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04AA"),
						  .charge_point_id = BYTES_LITERAL("CP-1"),
						  .min_revision = UINT64_MAX,
						  .timeout_ms = SHORT_MS};
	send_request(fd, METHOD_AUTHORIZE, 1, &schema_authorize_request, &request);
	expect_late(1);
}
END_TEST

START_TEST(waiting_for_a_revision_is_no_waiting_in_a_queue)
{
	struct authorize_request request = {.token_uid = BYTES_LITERAL("04AA"),
					    .charge_point_id = BYTES_LITERAL("CP-1"),
					    .min_revision = store_fixture_revision(&fixture.store) + 1,
					    .timeout_ms = LONG_MS};
	send_request(fd, METHOD_AUTHORIZE, 1, &schema_authorize_request, &request);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
}
END_TEST

START_TEST(before_the_first_timeout_of_a_connection_nobody_looked_when_bytes_came)
{
	close(fd);
	fd = connect_tcp();
	hold_worker();
	send_timed_authorize(1, SHORT_MS);
	let_pass(SHORT_MS + 1);
	release_worker();
	expect_verdict(fd, 1, VERDICT_ALLOWED);
}
END_TEST

START_TEST(what_waits_in_a_unix_socket_has_just_come)
{
	close(fd);
	fd = rpc_fixture_connect(&fixture);
	send_timed_authorize(1, LONG_MS);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	hold_worker();
	send_timed_authorize(2, MEDIUM_MS);
	let_pass(MEDIUM_MS + 1);
	release_worker();
	expect_verdict(fd, 2, VERDICT_ALLOWED);
}
END_TEST

// Else all sets that came meanwhile would be decoded before the next question is read.
START_TEST(change_sets_of_many_connections_take_a_turn_each)
{
	static char malformed[SET_SIZE];
	int writers[WRITERS];
	memset(malformed, 0xff, sizeof(malformed));
	hold_worker();
	const uint64_t turn_before = loop_turn(fixture.worker->loop);
	for (uint32_t i = 0; i < WRITERS; i++) {
		const struct frame frame = {.kind = FRAME_REQUEST,
					    .method = METHOD_APPLY,
					    .request_id = i,
					    .body = {.data = malformed, .size = sizeof(malformed)}};
		writers[i] = connect_tcp();
		send_frame(writers[i], &frame);
	}
	send_timed_authorize(1, 0);
	release_worker();
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	for (uint32_t i = 0; i < WRITERS; i++)
		expect_status(writers[i], i, STATUS_INVALID_ARGUMENT);
	hold_worker();
	ck_assert_uint_ge(loop_turn(fixture.worker->loop) - turn_before, WRITERS);
	release_worker();
	for (uint32_t i = 0; i < WRITERS; i++)
		close(writers[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/deadline");
	TCase *tests = tcase_create("deadline");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_waited_in_the_socket_for_too_long_is_not_decided);
	tcase_add_test(tests, half_of_the_time_is_for_waiting);
	tcase_add_test(tests, questions_of_all_kinds_are_dropped_alike);
	tcase_add_test(tests, a_change_that_waited_in_the_socket_for_too_long_is_not_made);
	tcase_add_test(tests, a_change_that_waited_for_the_writer_for_too_long_is_not_made);
	tcase_add_test(tests, the_log_keeps_a_change_without_its_timeout);
	tcase_add_test(tests, who_waits_for_a_revision_waits_no_longer_than_its_timeout);
	tcase_add_test(tests, waiting_for_a_revision_is_no_waiting_in_a_queue);
	tcase_add_test(tests, before_the_first_timeout_of_a_connection_nobody_looked_when_bytes_came);
	tcase_add_test(tests, what_waits_in_a_unix_socket_has_just_come);
	tcase_add_test(tests, change_sets_of_many_connections_take_a_turn_each);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
