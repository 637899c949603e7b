// SPDX-License-Identifier: Apache-2.0
// A connection's TLS: between the socket and the input and output that conn.c and conn_output.c know.
#include "daemon/net/conn_internal.h"
#include "tls/tls.h"

#include <errno.h>
#include <sys/socket.h>

// ---------------------------------------------------------------- output

// Takes over what the engine has for the socket. -ENOMEM.
static int take_sealed(struct conn *conn)
{
	for (;;) {
		if (conn_buffer_extend(conn, &conn->sealed, CONN_SEALED_SIZE) != 0)
			return -ENOMEM;
		struct conn_buffer *sealed = &conn->sealed;
		const size_t size =
			tls_engine_send(conn->tls, sealed->memory + sealed->start + sealed->size, CONN_SEALED_SIZE);
		sealed->size += size;
		if (size < CONN_SEALED_SIZE)
			break;
	}
	if (conn->sealed.size == 0)
		conn_buffer_release(conn, &conn->sealed);
	return 0;
}

// A part of the output at a time, so that what waits encrypted stays small.
static int seal_some(struct conn *conn)
{
	struct conn_buffer *out = &conn->out;
	const struct bytes part = {.data = out->memory + out->start,
				   .size = out->size < CONN_SEALED_SIZE ? out->size : CONN_SEALED_SIZE};
	if (part.size == 0)
		return 0;
	const int result = tls_engine_write(conn->tls, part);
	if (result != 0)
		return result;
	out->start += part.size;
	out->size -= part.size;
	return take_sealed(conn);
}

// How many the socket took, 0: none now.
static ssize_t send_sealed(struct conn *conn)
{
	struct conn_buffer *sealed = &conn->sealed;
	ssize_t sent;
	do
		sent = send(conn->fd, sealed->memory + sealed->start, sealed->size, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN ? 0 : -1;
	sealed->start += (size_t)sent;
	sealed->size -= (size_t)sent;
	if (sealed->size == 0)
		conn_buffer_release(conn, sealed);
	return sent;
}

ssize_t conn_tls_send(struct conn *conn)
{
	ssize_t total = 0;
	while (conn_unsent(conn) > 0) {
		if (conn->sealed.size == 0 && seal_some(conn) != 0)
			return -1;
		const ssize_t sent = send_sealed(conn);
		if (sent < 0)
			return -1;
		total += sent;
		if (conn->sealed.size > 0)
			break;
	}
	return total;
}

// The engine answers by itself: to a change of keys, with an alert. That is output like any other.
static void send_answers(struct conn *conn)
{
	const bool was_quiet = conn_unsent(conn) == 0;
	if (take_sealed(conn) != 0)
		conn->has_failed = true;
	else if (conn->sealed.size == 0)
		return;
	if (was_quiet)
		conn->write_progress_ms = loop_now_ms(conn->set->loop);
	conn_set_mark_dirty(conn->set, conn);
}

bool conn_tls_has_said_goodbye(struct conn *conn)
{
	if (conn->said_goodbye)
		return true;
	conn->said_goodbye = true;
	tls_engine_close(conn->tls);
	if (take_sealed(conn) != 0 || conn->sealed.size == 0)
		return true;
	conn->write_progress_ms = loop_now_ms(conn->set->loop);
	conn_set_mark_dirty(conn->set, conn);
	return false;
}

// ---------------------------------------------------------------- input

// Reads encrypted bytes into the engine. Like recv(2); EBADMSG when the engine does not like them, ENOMEM.
static ssize_t receive_sealed(struct conn *conn)
{
	char *sealed = conn->set->sealed;
	const ssize_t received = conn_receive(conn, sealed, CONN_SEALED_SIZE);
	if (received <= 0)
		return received;
	const int result = tls_engine_receive(conn->tls, (struct bytes){.data = sealed, .size = (size_t)received});
	if (result == 0)
		return received;
	errno = -result;
	return -1;
}

// What the engine has decrypted already. Like recv(2), with 0 for the peer's goodbye.
static ssize_t read_plain(struct conn *conn, char *room, size_t size)
{
	const ssize_t got = tls_engine_fill(conn->tls, room, size, &conn->has_pending);
	if (got > 0)
		return got;
	errno = got == 0 ? EAGAIN : EPROTO;
	return got == -EPIPE ? 0 : -1;
}

// Work without data is work: it counts towards the turn as data would.
static ssize_t receive_more(struct conn *conn, char *room, size_t size)
{
	const ssize_t sealed_size = receive_sealed(conn);
	if (sealed_size <= 0)
		return sealed_size;
	const ssize_t received = read_plain(conn, room, size);
	if (received <= 0)
		conn->set->turn_bytes += (size_t)sealed_size;
	return received;
}

ssize_t conn_tls_receive(struct conn *conn, char *room, size_t size)
{
	ssize_t received = read_plain(conn, room, size);
	if (received < 0 && errno == EAGAIN)
		received = receive_more(conn, room, size);
	const int error = errno;
	if (UNLIKELY(tls_engine_has_output(conn->tls)))
		send_answers(conn);
	errno = error;
	return received;
}

// ---------------------------------------------------------------- the handshake

// The peer hears why in TLS's own words (an alert), and has a moment to read them.
static void refuse(struct conn *conn)
{
	struct conn_handler *handler = &conn->set->handler;
	if (handler->on_refused != NULL)
		handler->on_refused(handler->context, tls_engine_why(conn->tls));
	handshake_leave(conn, &conn->set->counters.handshakes_failed[tls_engine_failure(conn->tls)]);
	conn_linger(conn);
	if (conn_tls_send(conn) < 0 || shutdown(conn->fd, SHUT_WR) != 0)
		conn_close(conn, CONN_END_ERROR);
}

void conn_tls_shake(struct conn *conn)
{
	const ssize_t received = receive_sealed(conn);
	if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR && errno != EBADMSG)) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	const bool is_refused = received < 0 && errno == EBADMSG;
	if (take_sealed(conn) != 0) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	if (is_refused) {
		refuse(conn);
		return;
	}
	if (tls_engine_is_open(conn->tls)) {
		struct conn_counters *counters = &conn->set->counters;
		handshake_leave(conn, tls_engine_is_resumed(conn->tls) ? &counters->handshakes_resumed
								       : &counters->handshakes_full);
		conn->expires_s = tls_engine_expires_s(conn->tls);
		conn->has_pending = true; // a request may have come along
		conn_show(conn);
	}
	if (conn->state != CONN_CLOSED)
		conn_write(conn);
}
