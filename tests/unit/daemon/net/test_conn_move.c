// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/net_fixture.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fixture, other;
static int fd;

static void setup(void)
{
	fixture_start(&fixture);
	fixture_start_beside(&other, &fixture);
	fixture.other = &other;
	fd = fixture_connect(&fixture);
}

static void teardown(void)
{
	close(fd);
	fixture_stop(&other);
	fixture_stop(&fixture);
}

START_TEST(a_connection_goes_on_in_another_set)
{
	send_text(fd, "mhello");
	expect_echo(fd, "mhello");
	send_text(fd, "eagain");
	expect_echo(fd, "eagain");
	ck_assert_uint_eq(atomic_load(&fixture.messages), 0);
	ck_assert_uint_eq(atomic_load(&other.messages), 2);
	ck_assert_uint_eq(atomic_load(&fixture.closed), 1);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_MOVED);
	ck_assert_uint_eq(atomic_load(&fixture.limits.connections), 1);
	shutdown(fd, SHUT_WR);
	wait_for(&other.closed, 1);
	ck_assert_int_eq(atomic_load(&other.last_end), CONN_END_FINISHED);
	while (atomic_load(&fixture.limits.connections) != 0) // a moment after on_close()
		sched_yield();
}
END_TEST

START_TEST(moving_is_neither_opening_nor_ending)
{
	send_text(fd, "mhello");
	expect_echo(fd, "mhello");
	const struct conn_counters *here = conn_set_counters(fixture.set), *there = conn_set_counters(other.set);
	ck_assert_uint_eq(counter_get(&here->opened), 1);
	ck_assert_uint_eq(counter_get(&there->opened), 0);
	for (int end = 0; end < CONN_ENDS; end++)
		ck_assert_uint_eq(counter_get(&here->ended[end]), 0);
}
END_TEST

START_TEST(what_came_with_it_and_what_is_missing_of_it_are_answered_there)
{
	const char messages[] = {6, 0, 0, 0, 'm', '1', 6, 0, 0, 0, 'e', '2', 6, 0, 0, 0, 'e'};
	send_bytes(fd, messages, sizeof(messages));
	expect_echo(fd, "m1");
	expect_echo(fd, "e2");
	send_bytes(fd, "3", 1);
	expect_echo(fd, "e3");
	ck_assert_uint_eq(atomic_load(&other.messages), 3);
}
END_TEST

START_TEST(a_message_larger_than_one_read_moves_whole)
{
	enum { SIZE = 300 * 1000 };
	char *message = malloc(SIZE);
	memset(message, 'z', SIZE);
	message[0] = 'm';
	atomic_store(&fixture.limits.inflight_bytes_max, 4 * 1024 * 1024);
	const uint32_t size = MESSAGE_HEADER + SIZE;
	send_message(fd, message, SIZE);
	expect_bytes(fd, &size, sizeof(size));
	expect_bytes(fd, message, SIZE);
	ck_assert_uint_eq(atomic_load(&other.messages), 1);
	free(message);
}
END_TEST

START_TEST(it_comes_back)
{
	send_text(fd, "mthere");
	expect_echo(fd, "mthere");
	send_text(fd, "rback");
	expect_echo(fd, "rback");
	send_text(fd, "mnot again");
	expect_echo(fd, "mnot again");
	ck_assert_uint_eq(atomic_load(&fixture.messages), 2);
	ck_assert_uint_eq(atomic_load(&other.messages), 1);
}
END_TEST

START_TEST(when_its_input_came_is_known_there_if_it_was_here)
{
	const char messages[] = {6, 0, 0, 0, 'm', '1', 5, 0, 0, 0, 'w'};
	send_text(fd, "w");
	expect_bytes(fd, "0", 1);
	send_bytes(fd, messages, sizeof(messages));
	expect_echo(fd, "m1");
	expect_bytes(fd, "1", 1); // came with it
	send_text(fd, "w");
	expect_bytes(fd, "1", 1); // came later
}
END_TEST

START_TEST(with_something_in_flight_it_stays)
{
	const char messages[] = {5, 0, 0, 0, 'h', 6, 0, 0, 0, 'm', '1'};
	send_bytes(fd, messages, sizeof(messages));
	expect_echo(fd, "m1");
	fixture_release(&fixture);
	expect_bytes(fd, "H", 1);
	ck_assert_uint_eq(atomic_load(&fixture.messages), 2);
}
END_TEST

START_TEST(with_output_of_this_turn_it_stays)
{
	const char messages[] = {6, 0, 0, 0, 'e', '1', 6, 0, 0, 0, 'm', '2'};
	send_bytes(fd, messages, sizeof(messages));
	expect_echo(fd, "e1");
	expect_echo(fd, "m2");
	ck_assert_uint_eq(atomic_load(&fixture.messages), 2);
}
END_TEST

START_TEST(a_set_that_drains_takes_none)
{
	fixture_drain(&other);
	while (!atomic_load(&other.is_empty))
		sched_yield();
	send_text(fd, "mhello");
	expect_echo(fd, "mhello");
	ck_assert_uint_eq(atomic_load(&fixture.messages), 1);
}
END_TEST

START_TEST(one_that_was_moved_is_finished_by_a_drain_there)
{
	send_text(fd, "mhello");
	expect_echo(fd, "mhello");
	fixture_drain(&other);
	ck_assert_uint_eq(read_to_end(fd), 4); // "last"
}
END_TEST

START_TEST(one_that_arrives_where_nothing_runs_any_more_is_closed)
{
	fixture_end_loop(&other);
	send_text(fd, "mhello");
	wait_for(&fixture.closed, 1);
	fixture_stop(&other);
	ck_assert_uint_eq(read_to_end(fd), 0);
	fixture_start_beside(&other, &fixture); // for teardown()
}
END_TEST

START_TEST(many_move_at_once_in_both_directions)
{
	enum { COUNT = 40, ROUNDS = 20 };
	int fds[COUNT];
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < COUNT; i++) {
			fds[i] = fixture_connect(&fixture);
			send_text(fds[i], "mthere");
		}
		for (int i = 0; i < COUNT; i++) {
			expect_echo(fds[i], "mthere");
			send_text(fds[i], "rback");
		}
		for (int i = 0; i < COUNT; i++) {
			expect_echo(fds[i], "rback");
			close(fds[i]);
		}
	}
	ck_assert_uint_eq(atomic_load(&other.messages), COUNT * ROUNDS);
	ck_assert_uint_eq(atomic_load(&fixture.messages), COUNT * ROUNDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/conn_move");
	TCase *tests = tcase_create("moves");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_connection_goes_on_in_another_set);
	tcase_add_test(tests, moving_is_neither_opening_nor_ending);
	tcase_add_test(tests, what_came_with_it_and_what_is_missing_of_it_are_answered_there);
	tcase_add_test(tests, a_message_larger_than_one_read_moves_whole);
	tcase_add_test(tests, it_comes_back);
	tcase_add_test(tests, when_its_input_came_is_known_there_if_it_was_here);
	tcase_add_test(tests, with_something_in_flight_it_stays);
	tcase_add_test(tests, with_output_of_this_turn_it_stays);
	tcase_add_test(tests, a_set_that_drains_takes_none);
	tcase_add_test(tests, one_that_was_moved_is_finished_by_a_drain_there);
	tcase_add_test(tests, one_that_arrives_where_nothing_runs_any_more_is_closed);
	tcase_add_test(tests, many_move_at_once_in_both_directions);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
