// SPDX-License-Identifier: Apache-2.0
// Which worker serves a connection: that of the writes, while it does nothing but that.
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

static struct rpc_fixture fixture;
static int fd;

static void setup(void)
{
	rpc_fixture_start_with_writes(&fixture);
	fd = rpc_fixture_connect(&fixture);
}

static void teardown(void)
{
	close(fd);
	rpc_fixture_finish(&fixture);
}

// How many the worker has answered without an error.
static uint64_t answered(const struct worker *worker, enum method method)
{
	return counter_get(&worker_counters(worker)->answers[method][STATUS_OK]);
}

static void put(uint32_t request_id, const char *id)
{
	send_put_customer(fd, request_id, id);
	expect_status(fd, request_id, STATUS_OK);
}

static void ask(uint32_t request_id)
{
	send_authorize(fd, request_id, "04AA", 0);
	expect_verdict(fd, request_id, VERDICT_ALLOWED);
}

START_TEST(who_only_writes_is_with_the_worker_of_the_writes)
{
	put(1, "a");
	put(2, "b");
	ck_assert_uint_eq(answered(fixture.writes, METHOD_APPLY), 2);
	ck_assert_uint_eq(answered(fixture.worker, METHOD_APPLY), 0);
}
END_TEST

START_TEST(who_asks_stays_where_it_is)
{
	ask(1);
	ask(2);
	ck_assert_uint_eq(answered(fixture.worker, METHOD_AUTHORIZE), 2);
}
END_TEST

START_TEST(who_writes_and_asks_is_back_for_good_with_its_first_question)
{
	put(1, "a");
	ask(2);
	put(3, "b");
	ask(4);
	ck_assert_uint_eq(answered(fixture.writes, METHOD_APPLY), 1);
	ck_assert_uint_eq(answered(fixture.writes, METHOD_AUTHORIZE), 0);
	ck_assert_uint_eq(answered(fixture.worker, METHOD_APPLY), 1);
	ck_assert_uint_eq(answered(fixture.worker, METHOD_AUTHORIZE), 2);
}
END_TEST

START_TEST(what_is_no_question_about_tokens_does_not_end_the_stay)
{
	const struct status_request request = {0};
	put(1, "a");
	send_request(fd, METHOD_STATUS, 2, &schema_status_request, &request);
	expect_status(fd, 2, STATUS_OK);
	put(3, "b");
	ck_assert_uint_eq(answered(fixture.writes, METHOD_APPLY), 2);
	ck_assert_uint_eq(answered(fixture.writes, METHOD_STATUS), 1);
}
END_TEST

START_TEST(a_question_behind_a_change_under_way_does_not_wait_for_it)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(fd, 1, "slow");
	ask(2);
	test_gate_open(&gate);
	expect_status(fd, 1, STATUS_OK);
	ck_assert_uint_eq(answered(fixture.writes, METHOD_AUTHORIZE), 1);
}
END_TEST

START_TEST(a_moved_connection_counts_once)
{
	put(1, "a");
	ck_assert_uint_eq(atomic_load(&fixture.service.limits.connections), 1);
	ask(2);
	ck_assert_uint_eq(atomic_load(&fixture.service.limits.connections), 1);
	ck_assert_uint_eq(clients_count(fixture.service.clients), 1);
}
END_TEST

START_TEST(what_was_written_before_a_stop_is_answered)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(fd, 1, "slow");
	ask(2); // so the change was taken
	rpc_fixture_stop(&fixture, 10000);
	test_gate_open(&gate);
	expect_status(fd, 1, STATUS_OK);
	expect_end(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/session_moves");
	TCase *tests = tcase_create("moves");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, who_only_writes_is_with_the_worker_of_the_writes);
	tcase_add_test(tests, who_asks_stays_where_it_is);
	tcase_add_test(tests, who_writes_and_asks_is_back_for_good_with_its_first_question);
	tcase_add_test(tests, what_is_no_question_about_tokens_does_not_end_the_stay);
	tcase_add_test(tests, a_question_behind_a_change_under_way_does_not_wait_for_it);
	tcase_add_test(tests, a_moved_connection_counts_once);
	tcase_add_test(tests, what_was_written_before_a_stop_is_answered);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
