// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/conn_internal.h"

#include <errno.h>
#include <sys/socket.h>

char *conn_reserve(struct conn *conn, size_t size)
{
	return conn_reserve_more(conn, 0, size);
}

char *conn_reserve_more(struct conn *conn, size_t written, size_t size)
{
	if ((conn->state != CONN_OPEN && conn->state != CONN_FINISHING) || conn->has_failed)
		return NULL;
	// What is written counts as output for as long as the buffer may move.
	ASSERT(conn->out.start + conn->out.size + written <= conn->out.capacity);
	conn->out.size += written;
	const int result = conn_buffer_extend(conn, &conn->out, size);
	conn->out.size -= written;
	if (result != 0) {
		// Closed at the end of the turn: whoever is answering still looks at the input.
		conn->has_failed = true;
		conn_set_mark_dirty(conn->set, conn);
		return NULL;
	}
	return conn->out.memory + conn->out.start + conn->out.size;
}

void conn_commit(struct conn *conn, size_t size)
{
	ASSERT(conn->out.start + conn->out.size + size <= conn->out.capacity);
	if (conn_unsent(conn) == 0)
		conn->write_progress_ms = loop_now_ms(conn->set->loop);
	conn->out.size += size;
	if (!conn->write_blocked)
		conn_set_mark_dirty(conn->set, conn);
}

size_t conn_output_size(const struct conn *conn)
{
	return conn->out.size;
}

static ssize_t send_some(struct conn *conn)
{
	const char *data = conn->out.memory + conn->out.start;
	ssize_t sent;
	do
		sent = send(conn->fd, data, conn->out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN ? 0 : sent;
	conn->out.start += (size_t)sent;
	conn->out.size -= (size_t)sent;
	return sent;
}

void conn_write(struct conn *conn)
{
	if (conn->has_failed) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	if (conn_unsent(conn) > 0) {
		const ssize_t sent = UNLIKELY(conn->tls != NULL) ? conn_tls_send(conn) : send_some(conn);
		if (sent < 0) {
			conn_close(conn, CONN_END_ERROR);
			return;
		}
		counter_add(&conn->set->counters.bytes_out, (size_t)sent);
		if (LIKELY(conn->traffic != NULL))
			counter_add(&conn->traffic->bytes_out, (size_t)sent);
		if (sent > 0 && conn->state != CONN_HANDSHAKING)
			conn->active_ms = conn->write_progress_ms = loop_now_ms(conn->set->loop);
	}
	conn->write_blocked = conn_unsent(conn) > 0;
	if (conn->out.size == 0)
		conn_buffer_release(conn, &conn->out);
	conn_share_note(conn);
	conn_consider(conn);
}
