// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/net_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fixture;

static void setup(void)
{
	fixture_start(&fixture);
}

static void teardown(void)
{
	fixture_stop(&fixture);
}

// ---------------------------------------------------------------- input

START_TEST(a_message_is_answered)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "ehello");
	expect_echo(fd, "ehello");
	shutdown(fd, SHUT_WR);
	wait_for(&fixture.closed, 1);
	close(fd);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_FINISHED);
}
END_TEST

START_TEST(messages_sent_together_are_answered_in_order)
{
	const int fd = fixture_connect(&fixture);
	char text[16];
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "e%d", i);
		send_text(fd, text);
	}
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "e%d", i);
		expect_echo(fd, text);
	}
	close(fd);
}
END_TEST

START_TEST(a_message_may_come_byte_by_byte)
{
	const int fd = fixture_connect(&fixture);
	const char message[] = {9, 0, 0, 0, 'e', 'b', 'y', 't', 'e'};
	for (size_t i = 0; i < sizeof(message); i++) {
		send_bytes(fd, &message[i], 1);
		if (i == 0)
			wait_for(&fixture.looks, 1);
	}
	expect_bytes(fd, message, sizeof(message));
	close(fd);
}
END_TEST

START_TEST(a_message_larger_than_any_buffer_is_put_together)
{
	const int fd = fixture_connect(&fixture);
	const uint32_t size = 700 * 1000;
	char *message = malloc(size);
	memset(message, 'z', size);
	memcpy(message, &size, sizeof(size));
	message[4] = 'e';
	atomic_store(&fixture.limits.inflight_bytes_max, 4 * 1024 * 1024);
	send_bytes(fd, message, size);
	expect_bytes(fd, message, size);
	// and the next one is found behind it
	send_text(fd, "enext");
	expect_echo(fd, "enext");
	free(message);
	close(fd);
}
END_TEST

// ---------------------------------------------------------------- the end

START_TEST(a_peer_that_shut_down_its_side_gets_its_answers)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "eone");
	send_text(fd, "h");
	send_text(fd, "etwo");
	shutdown(fd, SHUT_WR);
	expect_echo(fd, "eone");
	expect_echo(fd, "etwo");
	wait_for(&fixture.messages, 3);
	fixture_release(&fixture);
	expect_bytes(fd, "H", 1);
	expect_bytes(fd, "last", 4);
	ck_assert_uint_eq(read_to_end(fd), 0);
	close(fd);
}
END_TEST

START_TEST(half_a_message_at_the_end_is_dropped)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "eone");
	send_bytes(fd, "\x09\0\0\0e", 5);
	shutdown(fd, SHUT_WR);
	expect_echo(fd, "eone");
	expect_bytes(fd, "last", 4);
	ck_assert_uint_eq(read_to_end(fd), 0);
	ck_assert_uint_eq(atomic_load(&fixture.messages), 1);
	close(fd);
}
END_TEST

START_TEST(finishing_answers_what_is_held_and_reads_no_more)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "h");
	send_text(fd, "f");
	send_text(fd, "enever");
	wait_for(&fixture.messages, 2);
	fixture_release(&fixture);
	expect_bytes(fd, "Hlast", 5);
	ck_assert_uint_eq(read_to_end(fd), 0);
	ck_assert_uint_eq(atomic_load(&fixture.messages), 2);
	close(fd);
}
END_TEST

// The peer has not read yet when it sends more: a reset would take the answer away.
START_TEST(what_arrives_after_the_last_word_does_not_reset_the_connection)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "f");
	wait_for(&fixture.messages, 1);
	for (int i = 0; i < 100; i++)
		(void)!send(fd, "more", 4, MSG_NOSIGNAL);
	expect_bytes(fd, "last", 4);
	ck_assert_uint_eq(read_to_end(fd), 0);
	close(fd);
}
END_TEST

START_TEST(a_finished_connection_does_not_wait_for_ever_for_its_peer)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "f");
	wait_for(&fixture.closed, 1);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_FINISHED);
	close(fd);
}
END_TEST

START_TEST(an_aborted_connection_is_gone_at_once)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "h");
	send_text(fd, "a");
	ck_assert_uint_eq(read_to_end(fd), 0);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_ABORTED);
	// its held request finds nobody, also when the slot has a new owner
	const int other = fixture_connect(&fixture);
	fixture_release(&fixture);
	send_text(other, "eother");
	expect_echo(other, "eother");
	close(other);
	close(fd);
}
END_TEST

START_TEST(a_reset_by_the_peer_closes)
{
	const int fd = fixture_connect(&fixture);
	send_bigs(fd, 1, 1000);
	wait_for(&fixture.messages, 1);
	close(fd); // with unread data: a Unix socket reports a reset
	wait_for(&fixture.closed, 1);
}
END_TEST

// ---------------------------------------------------------------- limits

START_TEST(as_many_connections_as_allowed_and_not_one_more)
{
	int fds[3];
	atomic_store(&fixture.limits.connections_max, 2);
	for (int i = 0; i < 3; i++)
		fds[i] = fixture_connect(&fixture);
	ck_assert_uint_eq(read_to_end(fds[2]), 0);
	ck_assert_uint_eq(atomic_load(&fixture.limits.refused), 1);
	ck_assert_uint_eq(atomic_load(&fixture.limits.connections), 2);
	for (int i = 0; i < 2; i++) {
		send_text(fds[i], "ehere");
		expect_echo(fds[i], "ehere");
	}
	close(fds[0]);
	wait_for(&fixture.closed, 1);
	close(fds[2]);
	fds[2] = fixture_connect(&fixture);
	send_text(fds[2], "eroom");
	expect_echo(fds[2], "eroom");
	close(fds[1]);
	close(fds[2]);
}
END_TEST

// One answer may go over the limit, the request after it is not looked at.
START_TEST(a_connection_that_does_not_read_its_answers_is_not_read)
{
	enum { REQUESTS = 400, ANSWER = 40000 };
	const int fd = fixture_connect(&fixture);
	send_bigs(fd, REQUESTS, ANSWER);
	wait_for(&fixture.messages, 3);
	// Whatever the socket holds (at most some hundred KiB) and the limit allow; far from 16 MB.
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&readable, 1, 10000), 1);
	const int other = fixture_connect(&fixture);
	for (int i = 0; i < 100; i++) { // the loop had a hundred turns to do too much
		send_text(other, "eother");
		expect_echo(other, "eother");
	}
	ck_assert_uint_lt(atomic_load(&fixture.messages), 100 + 50);
	close(other);
	char *answer = malloc(ANSWER);
	memset(answer, 'x', ANSWER);
	for (int i = 0; i < REQUESTS; i++)
		expect_bytes(fd, answer, ANSWER);
	free(answer);
	ck_assert_uint_eq(atomic_load(&fixture.messages), REQUESTS + 100);
	close(fd);
}
END_TEST

// 64 KiB in flight: 655 requests of 100 bytes are one less than the limit, 656 reach it.
START_TEST(held_requests_count_as_in_flight)
{
	const int fd = fixture_connect(&fixture);
	atomic_store(&fixture.limits.inflight_bytes_max, 1000);
	for (int i = 0; i < 30; i++)
		send_text(fd, "h");
	wait_for(&fixture.messages, 10);
	const int other = fixture_connect(&fixture);
	send_text(other, "eother");
	expect_echo(other, "eother");
	ck_assert_uint_eq(atomic_load(&fixture.messages), 10 + 1);
	for (uint32_t done = 10; done <= 30; done += 10) {
		wait_for(&fixture.messages, done + 1);
		fixture_release(&fixture);
		expect_bytes(fd, "HHHHHHHHHH", 10);
	}
	close(other);
	close(fd);
}
END_TEST

// What one connection of a client leaves to be sent keeps its others from being read.
START_TEST(connections_with_one_share_are_held_back_together)
{
	enum { REQUESTS = 400, ANSWER = 40000 };
	atomic_store(&fixture.limits.inflight_bytes_max, 1024 * 1024 * 1024);
	atomic_store(&fixture.limits.client_inflight_bytes_max, 100000);
	const int fd = fixture_connect(&fixture), other = fixture_connect(&fixture);
	send_bigs(fd, REQUESTS, ANSWER);
	const struct counter *held_back = &conn_set_counters(fixture.set)->share_throttled;
	while (counter_get(held_back) < 1)
		sched_yield();
	send_text(other, "eother");
	while (counter_get(held_back) < 2)
		sched_yield();
	ck_assert_uint_lt(atomic_load(&fixture.messages), REQUESTS);
	char *answer = malloc(ANSWER);
	memset(answer, 'x', ANSWER);
	for (int i = 0; i < REQUESTS; i++)
		expect_bytes(fd, answer, ANSWER);
	free(answer);
	expect_echo(other, "eother");                  // nothing happens on this one: it is looked at again by itself
	while (atomic_load(&fixture.share.bytes) != 0) // told a moment after the last bytes went
		sched_yield();
	ck_assert_uint_eq(counter_get(&conn_set_counters(fixture.set)->throttled), 0);
	close(other);
	close(fd);
}
END_TEST

START_TEST(who_is_gone_has_nothing_in_flight)
{
	const int fd = fixture_connect(&fixture);
	for (int i = 0; i < 10; i++)
		send_text(fd, "h");
	wait_for(&fixture.messages, 10);
	while (atomic_load(&fixture.share.bytes) < 1000)
		sched_yield();
	send_text(fd, "a");
	wait_for(&fixture.closed, 1);
	ck_assert_uint_eq(atomic_load(&fixture.share.bytes), 0);
	fixture_release(&fixture);
	close(fd);
}
END_TEST

START_TEST(what_a_client_sends_and_gets_is_counted)
{
	const int fd = fixture_connect(&fixture), other = fixture_connect(&fixture);
	send_text(fd, "eone");
	expect_echo(fd, "eone");
	send_text(other, "etwo");
	expect_echo(other, "etwo");
	ck_assert_uint_eq(counter_get(&fixture.traffic.bytes_in), 2 * (MESSAGE_HEADER + 4));
	while (counter_get(&fixture.traffic.bytes_out) < 2 * (MESSAGE_HEADER + 4)) // counted after they were sent
		sched_yield();
	ck_assert_uint_eq(counter_get(&fixture.traffic.bytes_out), 2 * (MESSAGE_HEADER + 4));
	close(other);
	close(fd);
}
END_TEST

START_TEST(a_slow_reader_is_cut)
{
	const int fd = fixture_connect(&fixture);
	atomic_store(&fixture.limits.write_timeout_ms, 50);
	send_bigs(fd, 100, 60000);
	wait_for(&fixture.closed, 1);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_WRITE_TIMEOUT);
	close(fd);
}
END_TEST

START_TEST(a_message_that_does_not_get_complete_is_cut)
{
	const int fd = fixture_connect(&fixture);
	atomic_store(&fixture.limits.frame_timeout_ms, 50);
	send_bytes(fd, "\x09\0\0\0e", 5);
	ck_assert_uint_eq(read_to_end(fd), 0);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_FRAME_TIMEOUT);
	close(fd);
}
END_TEST

START_TEST(a_silent_connection_is_closed)
{
	const int fd = fixture_connect(&fixture);
	atomic_store(&fixture.limits.idle_timeout_ms, 50);
	send_text(fd, "ehello");
	expect_echo(fd, "ehello");
	ck_assert_uint_eq(read_to_end(fd), 0);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_IDLE);
	close(fd);
}
END_TEST

START_TEST(a_connection_that_waits_for_its_answer_is_not_silent)
{
	const int fd = fixture_connect(&fixture), silent = fixture_connect(&fixture);
	send_text(fd, "h");
	wait_for(&fixture.messages, 1);
	atomic_store(&fixture.limits.idle_timeout_ms, 50);
	ck_assert_uint_eq(read_to_end(silent), 0);
	ck_assert_uint_eq(atomic_load(&fixture.closed), 1);
	fixture_release(&fixture);
	expect_bytes(fd, "H", 1);
	close(silent);
	close(fd);
}
END_TEST

START_TEST(on_room_comes_when_the_output_is_sent)
{
	const int fd = fixture_connect(&fixture);
	send_bigs(fd, 1, 60000);
	wait_for(&fixture.messages, 1);
	char *answer = malloc(60000);
	memset(answer, 'x', 60000);
	expect_bytes(fd, answer, 60000);
	free(answer);
	wait_for(&fixture.rooms, 1);
	close(fd);
}
END_TEST

// ---------------------------------------------------------------- drain

START_TEST(draining_answers_what_has_arrived_and_then_ends)
{
	const int busy = fixture_connect(&fixture), silent = fixture_connect(&fixture);
	send_text(busy, "h");
	wait_for(&fixture.messages, 1);
	fixture_drain(&fixture);
	ck_assert_uint_eq(read_to_end(silent), 4); // "last"
	fixture_release(&fixture);
	expect_bytes(busy, "Hlast", 5);
	ck_assert_uint_eq(read_to_end(busy), 0);
	close(busy);
	close(silent);
	pthread_join(fixture.thread, NULL); // on_empty() stops the loop
	ck_assert(atomic_load(&fixture.is_empty));
	const int late = fixture_connect(&fixture);
	conn_set_destroy(fixture.set);
	ck_assert_uint_eq(read_to_end(late), 0);
	close(late);
	loop_destroy(fixture.loop);
}
END_TEST

// The requests wait in our socket, unread because too much is in flight, when the drain comes.
START_TEST(draining_reads_what_lies_in_the_socket)
{
	enum { REQUESTS = 200, ANSWER = 40000 };
	const int fd = fixture_connect(&fixture);
	send_bigs(fd, REQUESTS, ANSWER);
	wait_for(&fixture.messages, 2);
	fixture_drain(&fixture);
	ck_assert_uint_eq(read_to_end(fd), (size_t)REQUESTS * ANSWER + 4);
	close(fd);
	pthread_join(fixture.thread, NULL);
	conn_set_destroy(fixture.set);
	loop_destroy(fixture.loop);
}
END_TEST

static void end_drained(void)
{
	pthread_join(fixture.thread, NULL); // on_empty() stops the loop
	conn_set_destroy(fixture.set);
	loop_destroy(fixture.loop);
}

// The second one would end with the wait for the first message if it were waited for as well.
START_TEST(draining_waits_for_the_first_message_of_who_just_came_and_of_nobody_else)
{
	const int fresh = fixture_connect(&fixture), known = fixture_connect(&fixture);
	send_text(known, "eknown");
	expect_echo(known, "eknown");
	fixture_drain(&fixture);
	ck_assert_uint_eq(read_to_end(known), 4); // "last"
	send_text(fresh, "efresh");
	expect_echo(fresh, "efresh");
	expect_bytes(fresh, "last", 4);
	ck_assert_uint_eq(read_to_end(fresh), 0);
	close(fresh);
	close(known);
	end_drained();
}
END_TEST

START_TEST(draining_waits_for_the_rest_of_a_first_message)
{
	const char message[] = {9, 0, 0, 0, 'e', 'f', 'o', 'u', 'r'};
	const int fd = fixture_connect(&fixture), known = fixture_connect(&fixture);
	send_bytes(fd, message, 6);
	wait_for(&fixture.looks, 1);
	send_text(known, "eknown");
	expect_echo(known, "eknown");
	fixture_drain(&fixture);
	ck_assert_uint_eq(read_to_end(known), 4);
	send_bytes(fd, message + 6, 3);
	expect_echo(fd, "efour");
	ck_assert_uint_eq(read_to_end(fd), 4);
	close(fd);
	close(known);
	end_drained();
}
END_TEST

// Neither by leaving nor by staying when it was finished.
START_TEST(who_just_came_does_not_hold_up_a_drain_once_it_has_spoken)
{
	const int leaving = fixture_connect(&fixture), staying = fixture_connect(&fixture);
	const int known = fixture_connect(&fixture);
	send_text(known, "eknown");
	expect_echo(known, "eknown");
	fixture_drain(&fixture);
	ck_assert_uint_eq(read_to_end(known), 4);
	ck_assert_int_eq(shutdown(leaving, SHUT_WR), 0);
	ck_assert_uint_eq(read_to_end(leaving), 4);
	send_text(staying, "f");
	ck_assert_uint_eq(read_to_end(staying), 4);
	end_drained();
	close(leaving);
	close(staying);
	close(known);
}
END_TEST

START_TEST(a_drain_without_connections_ends_at_once)
{
	fixture_drain(&fixture);
	pthread_join(fixture.thread, NULL);
	conn_set_destroy(fixture.set);
	loop_destroy(fixture.loop);
}
END_TEST

START_TEST(destroying_cuts_what_is_open)
{
	const int fd = fixture_connect(&fixture);
	send_text(fd, "ehello");
	expect_echo(fd, "ehello");
	fixture_stop(&fixture);
	ck_assert_uint_eq(read_to_end(fd), 0);
	close(fd);
}
END_TEST

static void add_all(TCase *tests, const TTest *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tests, list[i]);
}

int main(void)
{
	Suite *suite = suite_create("daemon/net/conn");
	TCase *serving = tcase_create("serving"), *draining = tcase_create("draining");
	const TTest *const with_teardown[] = {
		a_message_is_answered,
		messages_sent_together_are_answered_in_order,
		a_message_may_come_byte_by_byte,
		a_message_larger_than_any_buffer_is_put_together,
		a_peer_that_shut_down_its_side_gets_its_answers,
		half_a_message_at_the_end_is_dropped,
		finishing_answers_what_is_held_and_reads_no_more,
		what_arrives_after_the_last_word_does_not_reset_the_connection,
		a_finished_connection_does_not_wait_for_ever_for_its_peer,
		an_aborted_connection_is_gone_at_once,
		a_reset_by_the_peer_closes,
		as_many_connections_as_allowed_and_not_one_more,
		a_connection_that_does_not_read_its_answers_is_not_read,
		held_requests_count_as_in_flight,
		connections_with_one_share_are_held_back_together,
		who_is_gone_has_nothing_in_flight,
		what_a_client_sends_and_gets_is_counted,
		a_slow_reader_is_cut,
		a_message_that_does_not_get_complete_is_cut,
		a_silent_connection_is_closed,
		a_connection_that_waits_for_its_answer_is_not_silent,
		on_room_comes_when_the_output_is_sent,
	};
	const TTest *const without[] = {
		draining_answers_what_has_arrived_and_then_ends,
		draining_reads_what_lies_in_the_socket,
		draining_waits_for_the_first_message_of_who_just_came_and_of_nobody_else,
		draining_waits_for_the_rest_of_a_first_message,
		who_just_came_does_not_hold_up_a_drain_once_it_has_spoken,
		a_drain_without_connections_ends_at_once,
		destroying_cuts_what_is_open,
	};
	tcase_add_checked_fixture(serving, setup, teardown);
	tcase_add_checked_fixture(draining, setup, NULL);
	add_all(serving, with_teardown, ARRAY_SIZE(with_teardown));
	add_all(draining, without, ARRAY_SIZE(without));
	tcase_set_timeout(serving, 60);
	tcase_set_timeout(draining, 60);
	suite_add_tcase(suite, serving);
	suite_add_tcase(suite, draining);
	return unit_main(suite);
}
