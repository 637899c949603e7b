// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/worker.h"

#include "daemon/net/listener.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <sys/socket.h>

static struct rpc_fixture fixture;

static void setup(void)
{
	rpc_fixture_start(&fixture);
}

static void teardown(void)
{
	rpc_fixture_finish(&fixture);
}

START_TEST(a_worker_gives_signs_of_life)
{
	for (int i = 0; i < 10; i++) {
		while (!worker_is_alive(fixture.worker))
			sched_yield();
	}
}
END_TEST

START_TEST(a_stop_answers_what_was_sent_before_it)
{
	struct test_gate gate;
	const int fd = rpc_fixture_connect(&fixture);
	test_gate_close(&gate, fixture.store.store);
	for (uint32_t i = 0; i < 100; i++)
		send_authorize(fd, i, "04AA", 0);
	send_put_customer(fd, 100, "last");
	expect_verdict(fd, 0, VERDICT_ALLOWED);
	rpc_fixture_stop(&fixture, 10000);
	for (uint32_t i = 1; i < 100; i++)
		expect_verdict(fd, i, VERDICT_ALLOWED);
	test_gate_open(&gate);
	expect_status(fd, 100, STATUS_OK);
	expect_end(fd);
	close(fd);
}
END_TEST

START_TEST(after_its_time_a_stop_cuts_and_still_waits_for_the_writer)
{
	struct test_gate gate;
	const int fd = rpc_fixture_connect(&fixture);
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(fd, 1, "late");
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	rpc_fixture_stop(&fixture, 20);
	expect_end(fd);
	test_gate_open(&gate); // now the job comes back to a worker that must still be there
	close(fd);
}
END_TEST

START_TEST(a_stop_without_connections_is_quick)
{
	rpc_fixture_stop(&fixture, 60000);
}
END_TEST

START_TEST(connections_that_come_after_the_stop_are_closed)
{
	const int busy = rpc_fixture_connect(&fixture);
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(busy, 1, "slow");
	send_authorize(busy, 2, "04AA", 0);
	expect_verdict(busy, 2, VERDICT_ALLOWED);
	rpc_fixture_stop(&fixture, 10000);
	const int late = rpc_fixture_connect(&fixture);
	expect_end(late);
	test_gate_open(&gate);
	expect_status(busy, 1, STATUS_OK);
	close(busy);
	close(late);
}
END_TEST

START_TEST(a_worker_that_never_ran_can_be_destroyed)
{
	struct worker *worker;
	struct address address;
	int fd;
	ck_assert_int_eq(worker_create(&fixture.service, &worker), 0);
	ck_assert_int_eq(address_resolve("127.0.0.1:0", &address, 1), 1);
	ck_assert_int_eq(listener_bind_tcp(&address, true, &fd), 0);
	ck_assert_int_eq(worker_listen(worker, fd, NULL), 0);
	worker_destroy(worker);
	worker_destroy(NULL);
}
END_TEST

static void *run_worker(void *worker)
{
	worker_run(worker);
	return NULL;
}

START_TEST(a_worker_accepts_on_its_listener)
{
	struct worker *worker;
	struct address address;
	pthread_t thread;
	int listening;
	ck_assert_int_eq(worker_create(&fixture.service, &worker), 0);
	ck_assert_int_eq(address_resolve("127.0.0.1:0", &address, 1), 1);
	ck_assert_int_eq(listener_bind_tcp(&address, true, &listening), 0);
	ck_assert_int_eq(worker_listen(worker, listening, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_worker, worker), 0);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address.storage, address.size), 0);
	send_authorize(fd, 1, "04AA", 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	worker_stop(worker, 10000, NULL, 0);
	expect_end(fd);
	close(fd);
	pthread_join(thread, NULL);
	worker_destroy(worker);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/worker");
	TCase *tests = tcase_create("worker");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_worker_gives_signs_of_life);
	tcase_add_test(tests, a_stop_answers_what_was_sent_before_it);
	tcase_add_test(tests, after_its_time_a_stop_cuts_and_still_waits_for_the_writer);
	tcase_add_test(tests, a_stop_without_connections_is_quick);
	tcase_add_test(tests, connections_that_come_after_the_stop_are_closed);
	tcase_add_test(tests, a_worker_that_never_ran_can_be_destroyed);
	tcase_add_test(tests, a_worker_accepts_on_its_listener);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
