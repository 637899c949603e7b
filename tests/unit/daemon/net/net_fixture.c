// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/net_fixture.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, MESSAGE_MAX = 1024 * 1024 };

static void answer(struct conn *conn, const void *data, size_t size)
{
	char *room = conn_reserve(conn, size);
	if (room == NULL)
		return;
	memcpy(room, data, size);
	conn_commit(conn, size);
}

static void answer_big(struct conn *conn, const char *payload)
{
	uint32_t size;
	memcpy(&size, payload + 1, sizeof(size));
	char *room = conn_reserve(conn, size);
	if (room == NULL)
		return;
	memset(room, 'x', size);
	conn_commit(conn, size);
	conn_want_room(conn, 0);
}

static void hold(struct fixture *fixture, struct conn *conn)
{
	ck_assert_uint_lt(fixture->held_count, 64);
	conn_hold(conn, 100);
	fixture->held[fixture->held_count++] = conn_ref(conn);
}

static void do_message(struct fixture *fixture, struct conn *conn, struct bytes message)
{
	const char *payload = message.data + MESSAGE_HEADER;
	switch (payload[0]) {
	case 'e':
	case 'm':
	case 'r':
		answer(conn, message.data, message.size);
		break;
	case 'b':
		answer_big(conn, payload);
		break;
	case 'h':
		hold(fixture, conn);
		break;
	case 'w':
		answer(conn, conn_arrived_ns(conn) != 0 ? "1" : "0", 1);
		conn_want_arrival(conn);
		break;
	case 'f':
		conn_finish(conn);
		break;
	case 'a':
		conn_abort(conn);
		break;
	}
	atomic_fetch_add(&fixture->messages, 1);
}

static bool moves(struct fixture *fixture, struct conn *conn, struct bytes input)
{
	const char command = input.data[MESSAGE_HEADER];
	if (command == 'm' && conn_moves(conn) == 0)
		return conn_move(conn, input, fixture->other->set);
	return command == 'r' && conn_moves(conn) == 1 && conn_move(conn, input, conn_origin(conn));
}

static void on_input(void *context, struct conn *conn, struct conn_input *input)
{
	struct fixture *fixture = context;
	atomic_fetch_add(&fixture->looks, 1);
	while (conn_is_reading(conn) && input->bytes.size - input->consumed >= MESSAGE_HEADER) {
		const struct bytes rest = {.data = input->bytes.data + input->consumed,
					   .size = input->bytes.size - input->consumed};
		uint32_t size;
		memcpy(&size, rest.data, sizeof(size));
		if (rest.size < size) {
			input->message_size = size;
			return;
		}
		if (conn_is_full(conn)) {
			input->paused = true;
			return;
		}
		if (moves(fixture, conn, rest))
			return;
		do_message(fixture, conn, (struct bytes){.data = rest.data, .size = size});
		input->consumed += size;
	}
}

static void on_open(void *context, struct conn *conn)
{
	struct fixture *fixture = context;
	const char *session = conn_session(conn);
	conn_set_share(conn, &fixture->share, &fixture->traffic);
	for (int i = 0; i < 16; i++)
		ck_assert_int_eq(session[i], 0);
	memset(conn_session(conn), 1, 16);
}

static void on_last(void *context, struct conn *conn)
{
	(void)context;
	answer(conn, "last", 4);
}

static void on_room(void *context, struct conn *conn)
{
	struct fixture *fixture = context;
	ck_assert_uint_eq(conn_output_size(conn), 0);
	atomic_fetch_add(&fixture->rooms, 1);
}

static void on_close(void *context, struct conn *conn, enum conn_end end)
{
	struct fixture *fixture = context;
	ck_assert_int_eq(*(char *)conn_session(conn), 1);
	atomic_store(&fixture->last_end, end);
	atomic_fetch_add(&fixture->closed, 1);
}

static void on_empty(void *context)
{
	struct fixture *fixture = context;
	atomic_store(&fixture->is_empty, true);
	loop_stop(fixture->loop);
}

static void release(struct fixture *fixture)
{
	for (uint32_t i = 0; i < fixture->held_count; i++) {
		struct conn *conn = conn_find(fixture->set, fixture->held[i]);
		if (conn == NULL)
			continue;
		answer(conn, "H", 1);
		conn_release_hold(conn, 100);
	}
	fixture->held_count = 0;
}

static void on_wake(void *context)
{
	struct fixture *fixture = context;
	if (atomic_exchange(&fixture->release_asked, false))
		release(fixture);
	if (atomic_exchange(&fixture->drain_asked, false))
		conn_set_drain(fixture->set);
	const int tls_fd = atomic_load(&fixture->tls_fd);
	if (tls_fd != 0) {
		conn_set_add_tls(fixture->set, tls_fd, fixture->tls);
		atomic_store(&fixture->tls_fd, 0); // it is there now
	}
	if (atomic_load(&fixture->stop_asked))
		loop_stop(fixture->loop);
}

static void on_turn_end(void *context)
{
	struct fixture *fixture = context;
	atomic_fetch_add(&fixture->turn_ends, 1);
}

static void *run(void *argument)
{
	struct fixture *fixture = argument;
	loop_run(fixture->loop);
	return NULL;
}

static void start(struct fixture *fixture, struct conn_limits *limits)
{
	const struct loop_hooks hooks = {.on_wake = on_wake, .on_turn_end = on_turn_end, .context = fixture};
	const struct conn_handler handler = {
		.session_size = 16,
		.on_open = on_open,
		.on_input = on_input,
		.on_last = on_last,
		.on_room = on_room,
		.on_close = on_close,
		.on_empty = on_empty,
		.context = fixture,
	};
	ck_assert_int_eq(loop_create(&fixture->loop), 0);
	loop_set_hooks(fixture->loop, &hooks);
	ck_assert_int_eq(conn_set_create(fixture->loop, limits, &handler, &fixture->set), 0);
	ck_assert_int_eq(pthread_create(&fixture->thread, NULL, run, fixture), 0);
}

void fixture_start(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	fixture->limits.connections_max = 100;
	fixture->limits.inflight_bytes_max = 64 * 1024;
	fixture->limits.idle_timeout_ms = 60000;
	fixture->limits.frame_timeout_ms = 60000;
	fixture->limits.write_timeout_ms = 60000;
	fixture->limits.handshakes_max = 100;
	fixture->limits.handshake_timeout_ms = 60000;
	start(fixture, &fixture->limits);
}

void fixture_start_beside(struct fixture *fixture, struct fixture *first)
{
	memset(fixture, 0, sizeof(*fixture));
	start(fixture, &first->limits);
}

void fixture_end_loop(struct fixture *fixture)
{
	if (fixture->has_ended)
		return;
	atomic_store(&fixture->stop_asked, true);
	loop_wake(fixture->loop);
	pthread_join(fixture->thread, NULL);
	fixture->has_ended = true;
}

void fixture_stop(struct fixture *fixture)
{
	fixture_end_loop(fixture);
	conn_set_destroy(fixture->set);
	loop_destroy(fixture->loop);
	ck_assert_uint_eq(atomic_load(&fixture->limits.connections), 0);
}

static void make_pair(int pair[2])
{
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	ck_assert_int_eq(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
}

int fixture_connect(struct fixture *fixture)
{
	int pair[2];
	make_pair(pair);
	conn_set_hand_over(fixture->set, pair[1]);
	return pair[0];
}

int fixture_connect_tls(struct fixture *fixture)
{
	int pair[2];
	make_pair(pair);
	atomic_store(&fixture->tls_fd, pair[1]);
	loop_wake(fixture->loop);
	while (atomic_load(&fixture->tls_fd) != 0)
		sched_yield();
	return pair[0];
}

void fixture_drain(struct fixture *fixture)
{
	atomic_store(&fixture->drain_asked, true);
	loop_wake(fixture->loop);
}

void fixture_release(struct fixture *fixture)
{
	atomic_store(&fixture->release_asked, true);
	loop_wake(fixture->loop);
}

void wait_for(const _Atomic uint32_t *value, uint32_t wanted)
{
	const uint64_t end = clock_monotonic_ms() + PATIENCE_MS;
	while (atomic_load(value) < wanted) {
		ck_assert_msg(clock_monotonic_ms() < end, "waited in vain for %u, there are %u", wanted,
			      atomic_load(value));
		sched_yield();
	}
}

// ---------------------------------------------------------------- the client's side

void send_bytes(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t sent = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
		ck_assert_int_gt(sent, 0);
		done += (size_t)sent;
	}
}

void send_message(int fd, const char *payload, size_t payload_size)
{
	const uint32_t size = (uint32_t)(MESSAGE_HEADER + payload_size);
	send_bytes(fd, &size, sizeof(size));
	send_bytes(fd, payload, payload_size);
}

void send_text(int fd, const char *payload)
{
	send_message(fd, payload, strlen(payload));
}

// At once: small pieces cost a Unix socket more than their size.
void send_bigs(int fd, size_t count, uint32_t answer_size)
{
	enum { SIZE = MESSAGE_HEADER + 5 };
	const uint32_t size = SIZE;
	char *messages = malloc(count * SIZE);
	for (size_t i = 0; i < count; i++) {
		memcpy(messages + i * SIZE, &size, sizeof(size));
		messages[i * SIZE + MESSAGE_HEADER] = 'b';
		memcpy(messages + i * SIZE + MESSAGE_HEADER + 1, &answer_size, sizeof(answer_size));
	}
	send_bytes(fd, messages, count * SIZE);
	free(messages);
}

void expect_bytes(int fd, const void *data, size_t size)
{
	char *buffer = malloc(size);
	for (size_t done = 0; done < size;) {
		const ssize_t received = recv(fd, buffer + done, size - done, 0);
		ck_assert_msg(received > 0, "got %zd (errno %d) after %zu of %zu bytes", received, errno, done, size);
		done += (size_t)received;
	}
	ck_assert_mem_eq(buffer, data, size);
	free(buffer);
}

void expect_echo(int fd, const char *payload)
{
	const uint32_t size = (uint32_t)(MESSAGE_HEADER + strlen(payload));
	expect_bytes(fd, &size, sizeof(size));
	expect_bytes(fd, payload, strlen(payload));
}

size_t read_to_end(int fd)
{
	char buffer[65536];
	size_t total = 0;
	ssize_t received;
	while ((received = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		total += (size_t)received;
	ck_assert_msg(received == 0 || errno == ECONNRESET, "no end came: errno %d", errno);
	return total;
}
