// SPDX-License-Identifier: Apache-2.0
// Reading from sockets alone: what is read, and when it is said to have come. A connection without its set.
#include "base/clock.h"
#include "daemon/net/conn_internal.h"
#include "tests/unit/daemon/net/tcp_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAUSE_MS = 3, ROOM_SIZE = 64 * 1024, PACKET_SIZE = 1024 };

static int theirs;
static struct conn conn;
static size_t unread; // in its socket
static char room[ROOM_SIZE];

// From before something until after it.
struct span {
	uint64_t begin_ns, end_ns;
};

static void setup_tcp(void)
{
	conn = (struct conn){.input_left = SIZE_MAX};
	unread = 0;
	tcp_stamps_begin();
	tcp_pair_create(&theirs, &conn.fd);
}

static void setup_unix(void)
{
	int pair[2];
	conn = (struct conn){.input_left = SIZE_MAX};
	unread = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	theirs = pair[0];
	conn.fd = pair[1];
}

static void teardown_unix(void)
{
	close(theirs);
	close(conn.fd);
}

static void teardown_tcp(void)
{
	teardown_unix();
	tcp_stamps_end();
}

static struct span deliver(size_t size)
{
	static char bytes[ROOM_SIZE];
	struct span span = {.begin_ns = clock_wall_ns()};
	int there;
	for (size_t sent = 0, part; sent < size; sent += part) {
		part = size - sent < PACKET_SIZE ? size - sent : PACKET_SIZE;
		ck_assert_int_eq(send(theirs, bytes, part, MSG_NOSIGNAL), (ssize_t)part);
	}
	unread += size;
	do
		ck_assert_int_eq(ioctl(conn.fd, FIONREAD, &there), 0);
	while ((size_t)there < unread);
	span.end_ns = clock_wall_ns();
	let_pass(PAUSE_MS);
	return span;
}

static struct span receive(size_t expected)
{
	struct span span = {.begin_ns = clock_wall_ns()};
	ck_assert_int_eq(conn_receive(&conn, room, sizeof(room)), (ssize_t)expected);
	unread -= expected;
	span.end_ns = clock_wall_ns();
	return span;
}

static void expect_within(struct span span)
{
	ck_assert_uint_ge(conn_arrived_ns(&conn), span.begin_ns);
	ck_assert_uint_le(conn_arrived_ns(&conn), span.end_ns);
}

// ---------------------------------------------------------------- what is read

START_TEST(everything_is_read_and_nothing_is_dated_unless_asked_for)
{
	(void)deliver(3 * CONN_DATED_SIZE);
	(void)receive(3 * CONN_DATED_SIZE);
	ck_assert_uint_eq(conn_arrived_ns(&conn), 0);
}
END_TEST

START_TEST(what_is_dated_is_read_in_pieces)
{
	conn_want_arrival(&conn);
	(void)deliver(CONN_DATED_SIZE + 5);
	(void)receive(CONN_DATED_SIZE);
	(void)receive(5);
}
END_TEST

START_TEST(a_connection_that_drains_is_read_up_to_its_limit)
{
	if (_i == 1)
		conn_want_arrival(&conn);
	conn.input_left = 3;
	(void)deliver(5);
	(void)receive(3);
	ck_assert_int_eq(conn_receive(&conn, room, sizeof(room)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	conn.input_left = SIZE_MAX;
	(void)receive(2);
}
END_TEST

START_TEST(the_end_and_nothing_are_told_apart_and_change_no_date)
{
	conn_want_arrival(&conn);
	const struct span span = deliver(5);
	(void)receive(5);
	const uint64_t arrived_ns = conn_arrived_ns(&conn);
	ck_assert_uint_le(arrived_ns, span.end_ns);
	ck_assert_int_eq(fcntl(conn.fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(conn_receive(&conn, room, sizeof(room)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(shutdown(theirs, SHUT_WR), 0);
	(void)receive(0);
	ck_assert_uint_eq(conn_arrived_ns(&conn), arrived_ns);
}
END_TEST

// ---------------------------------------------------------------- when it came

START_TEST(what_waited_in_the_socket_is_as_old_as_it_is)
{
	conn_want_arrival(&conn);
	for (int i = 0; i < 3; i++) {
		const struct span span = deliver(5);
		(void)receive(5);
		expect_within(span);
	}
}
END_TEST

// TCP has one moment for packets that it joined, that of the last one.
START_TEST(what_a_read_has_left_is_not_made_younger_by_what_came_behind_it)
{
	conn_want_arrival(&conn);
	const struct span first = deliver(2 * CONN_DATED_SIZE);
	(void)receive(CONN_DATED_SIZE);
	expect_within(first);
	const struct span second = deliver(2 * CONN_DATED_SIZE);
	(void)receive(CONN_DATED_SIZE);
	expect_within(first);
	// What came second is approached: never younger than it is, and older by one read at most.
	uint64_t before_ns = conn_arrived_ns(&conn);
	for (int i = 0; i < 2; i++) {
		(void)receive(CONN_DATED_SIZE);
		ck_assert_uint_ge(conn_arrived_ns(&conn), before_ns);
		ck_assert_uint_le(conn_arrived_ns(&conn), second.end_ns);
		before_ns = conn_arrived_ns(&conn);
	}
	// Nothing was left: the next is known again.
	const struct span third = deliver(5);
	(void)receive(5);
	expect_within(third);
}
END_TEST

START_TEST(in_a_unix_socket_it_came_when_it_is_read_or_when_the_read_before_left_it)
{
	conn_want_arrival(&conn);
	(void)deliver(3 * CONN_DATED_SIZE);
	const struct span first = receive(CONN_DATED_SIZE);
	expect_within(first);
	let_pass(PAUSE_MS);
	const struct span second = receive(CONN_DATED_SIZE);
	expect_within(first);
	let_pass(PAUSE_MS);
	(void)receive(CONN_DATED_SIZE);
	expect_within(second);
	(void)deliver(5);
	expect_within(second);
	const struct span last = receive(5);
	expect_within(last);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/conn_receive");
	TCase *tcp = tcase_create("tcp"), *local = tcase_create("unix");
	tcase_add_checked_fixture(tcp, setup_tcp, teardown_tcp);
	tcase_add_test(tcp, everything_is_read_and_nothing_is_dated_unless_asked_for);
	tcase_add_test(tcp, what_is_dated_is_read_in_pieces);
	tcase_add_loop_test(tcp, a_connection_that_drains_is_read_up_to_its_limit, 0, 2);
	tcase_add_test(tcp, the_end_and_nothing_are_told_apart_and_change_no_date);
	tcase_add_test(tcp, what_waited_in_the_socket_is_as_old_as_it_is);
	tcase_add_test(tcp, what_a_read_has_left_is_not_made_younger_by_what_came_behind_it);
	suite_add_tcase(suite, tcp);
	tcase_add_checked_fixture(local, setup_unix, teardown_unix);
	tcase_add_test(local, in_a_unix_socket_it_came_when_it_is_read_or_when_the_read_before_left_it);
	suite_add_tcase(suite, local);
	return unit_main(suite);
}
