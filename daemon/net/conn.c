// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/conn.h"

#include "daemon/net/conn_internal.h"
#include "tls/tls.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// libuv's streams are not used: a poll handle and recv/send of our own leave the buffers, the one write per turn and
// the accounting of progress to us, and TCP and Unix sockets are one case.

// A finished connection that was silent for so long is closed without lingering.
enum { QUIET_MS = 200 };

static void on_event(uv_poll_t *poll, int status, int events);

static uint32_t limit(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

// ---------------------------------------------------------------- buffers

void conn_buffer_release(struct conn *conn, struct conn_buffer *buffer)
{
	pool_give(&conn->set->pool, buffer->memory, buffer->capacity);
	*buffer = (struct conn_buffer){0};
}

static __attribute__((noinline)) int make_room(struct conn *conn, struct conn_buffer *buffer, size_t room)
{
	if (buffer->capacity - buffer->size >= room && buffer->start >= buffer->size) {
		memcpy(buffer->memory, buffer->memory + buffer->start, buffer->size);
		buffer->start = 0;
		return 0;
	}
	// At least doubled, so that appending stays linear.
	const size_t doubled = 2 * buffer->capacity, needed = buffer->size + room;
	struct conn_buffer larger = {.size = buffer->size};
	larger.memory = pool_take(&conn->set->pool, needed > doubled ? needed : doubled, &larger.capacity);
	if (larger.memory == NULL)
		return -ENOMEM;
	if (buffer->size > 0)
		memcpy(larger.memory, buffer->memory + buffer->start, buffer->size);
	conn_buffer_release(conn, buffer);
	*buffer = larger;
	return 0;
}

int conn_buffer_extend(struct conn *conn, struct conn_buffer *buffer, size_t room)
{
	if (LIKELY(buffer->capacity - buffer->start - buffer->size >= room))
		return 0;
	return make_room(conn, buffer, room);
}

// ---------------------------------------------------------------- in flight

static bool is_full_itself(const struct conn *conn)
{
	const size_t max = limit(&conn->set->limits->inflight_bytes_max);
	return conn->throttled ? conn_in_flight(conn) > max / 2 : conn_in_flight(conn) >= max;
}

bool conn_is_full(const struct conn *conn)
{
	return is_full_itself(conn) || conn_share_is_full(conn);
}

bool conn_is_reading(const struct conn *conn)
{
	return conn->state == CONN_OPEN && !conn->has_failed;
}

void conn_hold(struct conn *conn, size_t bytes)
{
	conn->holds++;
	conn->held_bytes += bytes;
	conn_share_note(conn);
}

void conn_release_hold(struct conn *conn, size_t bytes)
{
	ASSERT(conn->holds > 0 && conn->held_bytes >= bytes);
	conn->holds--;
	conn->held_bytes -= bytes;
	conn_share_note(conn);
	conn_consider(conn);
}

// ---------------------------------------------------------------- what to wait for

static void poll_for(struct conn *conn, int events)
{
	if (events == conn->polled)
		return;
	conn->polled = events;
	if (events == 0)
		uv_poll_stop(&conn->poll);
	else
		uv_poll_start(&conn->poll, events, on_event);
}

static void update_poll(struct conn *conn)
{
	int events = conn->write_blocked ? UV_WRITABLE : 0;
	if (conn->state == CONN_LINGERING || conn->state == CONN_HANDSHAKING ||
	    (conn->state == CONN_OPEN && !conn->paused && !conn->throttled && conn->input_left > 0))
		events |= UV_READABLE;
	poll_for(conn, events);
}

void conn_linger(struct conn *conn)
{
	conn->state = CONN_LINGERING;
	conn->linger_until_ms = loop_now_ms(conn->set->loop) + CONN_LINGER_MS;
	update_poll(conn);
}

// Our FIN tells the peer that this is all. Closing with unread input would reset the connection and could take answers
// away that the peer has not read yet; so input is read and thrown away until the peer closes, or a second is over.
static void linger(struct conn *conn)
{
	int unread = 0, unacknowledged = 0;
	const uint64_t now = loop_now_ms(conn->set->loop);
	(void)ioctl(conn->fd, FIONREAD, &unread);
	(void)ioctl(conn->fd, SIOCOUTQ, &unacknowledged);
	const bool is_quiet = conn->input_ended || now - conn->active_ms >= QUIET_MS;
	if (shutdown(conn->fd, SHUT_WR) != 0 || (is_quiet && unread == 0 && unacknowledged == 0)) {
		conn_close(conn, conn->end);
		return;
	}
	conn_linger(conn);
}

static void consider_finishing(struct conn *conn)
{
	if (conn->holds > 0)
		return;
	if (!conn->last_called) {
		conn->last_called = true;
		conn->set->handler.on_last(conn->set->handler.context, conn);
	}
	if (conn->state == CONN_FINISHING && conn_unsent(conn) == 0 &&
	    (conn->tls == NULL || conn_tls_has_said_goodbye(conn)))
		linger(conn);
}

// The peer's time to complete a message does not count while we do not read.
static void update_throttle(struct conn *conn)
{
	const bool was_throttled = conn->throttled, is_full = is_full_itself(conn);
	struct conn_counters *counters = &conn->set->counters;
	conn->throttled = is_full || conn_share_is_full(conn);
	if (conn->throttled && !was_throttled)
		counter_add(is_full ? &counters->throttled : &counters->share_throttled, 1);
	if (conn->throttled && !is_full)
		conn_share_wait(conn);
	if (was_throttled && !conn->throttled && conn->message_begun_ms != 0)
		conn->message_begun_ms = loop_now_ms(conn->set->loop);
}

void conn_consider(struct conn *conn)
{
	// What is appended now stays for longer than this turn.
	if (UNLIKELY(conn->write_blocked))
		conn_share_note(conn);
	if (conn->state == CONN_OPEN) {
		update_throttle(conn);
		if (((conn->paused || conn->has_pending) && !conn->throttled) ||
		    (conn->wants_room && conn->out.size <= conn->room_mark))
			conn_set_mark_ready(conn->set, conn);
	} else if (conn->state == CONN_FINISHING) {
		if (conn->wants_room && conn->out.size <= conn->room_mark)
			conn_set_mark_ready(conn->set, conn);
		consider_finishing(conn);
	}
	if (conn->state != CONN_CLOSED)
		update_poll(conn);
}

void conn_want_room(struct conn *conn, size_t mark)
{
	conn->wants_room = true;
	conn->room_mark = mark;
	conn_consider(conn);
}

// ---------------------------------------------------------------- input

// Keeps what the handler did not consume.
static int keep_input(struct conn *conn, struct bytes rest, size_t message_size)
{
	if (rest.size == 0) {
		conn_buffer_release(conn, &conn->in);
	} else if (conn->in.memory != NULL) {
		conn->in.start += conn->in.size - rest.size;
		conn->in.size = rest.size;
	} else {
		if (conn_buffer_extend(conn, &conn->in, message_size > rest.size ? message_size : rest.size) != 0)
			return -ENOMEM;
		memcpy(conn->in.memory, rest.data, rest.size);
		conn->in.size = rest.size;
	}
	conn->message_size = message_size;
	return 0;
}

static void note_message_begun(struct conn *conn, const struct conn_input *input)
{
	const bool is_begun = !input->paused && (input->consumed < input->bytes.size || input->message_size > 0);
	const bool is_same = conn->message_begun_ms != 0 && (input->consumed == 0 || input->continued);
	if (!is_begun)
		conn->message_begun_ms = 0;
	else if (!is_same)
		conn->message_begun_ms = loop_now_ms(conn->set->loop);
}

// Also when the set drains: then streams end by themselves, and say why.
static void finish(struct conn *conn)
{
	if (conn->state != CONN_OPEN)
		return;
	conn->state = CONN_FINISHING;
	conn->paused = false;
	conn_consider(conn);
}

// What has arrived is still read and answered, but nothing that comes later: a client that keeps sending must not keep
// us from stopping.
static void limit_input(struct conn *conn)
{
	int unread = 0;
	(void)ioctl(conn->fd, FIONREAD, &unread);
	conn->input_left = unread > 0 ? (size_t)unread : 0;
	conn->is_awaited = false;
}

static void end_full_turn(struct conn_set *set)
{
	if (set->turn_bytes >= CONN_TURN_BYTES_MAX)
		loop_end_turn(set->loop);
}

// Shows the handler `bytes`: all the input there is.
static void feed(struct conn *conn, struct bytes bytes)
{
	struct conn_set *set = conn->set;
	struct conn_input input = {.bytes = bytes};
	set->handler.on_input(set->handler.context, conn, &input);
	set->turn_bytes += input.consumed;
	conn->has_asked |= input.consumed > 0;
	if (conn->state != CONN_OPEN) {
		conn_buffer_release(conn, &conn->in);
		return;
	}
	const struct bytes rest = {.data = bytes.data + input.consumed, .size = bytes.size - input.consumed};
	if (keep_input(conn, rest, input.message_size) != 0) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	conn->paused = input.paused;
	note_message_begun(conn, &input);
	if (UNLIKELY(conn->is_awaited && conn->has_asked))
		limit_input(conn);
	if (conn->input_left == 0 && !conn->paused && !conn->has_pending)
		finish(conn);
	else
		conn_consider(conn);
	end_full_turn(set);
}

// Where the next bytes go: behind the input kept, or into the loop's scratch memory when there is none.
static int input_room(struct conn *conn, struct bytes *ret_kept, char **ret_room, size_t *ret_size)
{
	struct conn_buffer *in = &conn->in;
	if (in->start > 0 && in->size <= in->capacity / 2) {
		memmove(in->memory, in->memory + in->start, in->size);
		in->start = 0;
	}
	if (in->size == 0) {
		*ret_kept = (struct bytes){.data = conn->set->scratch, .size = 0};
		*ret_room = conn->set->scratch;
		*ret_size = CONN_SCRATCH_SIZE;
		return 0;
	}
	const size_t missing = conn->message_size > in->size ? conn->message_size - in->size : 1;
	if (conn_buffer_extend(conn, in, missing) != 0)
		return -ENOMEM;
	*ret_kept = (struct bytes){.data = in->memory + in->start, .size = in->size};
	*ret_room = in->memory + in->start + in->size;
	*ret_size = in->capacity - in->start - in->size;
	return 0;
}

// What came of TLS, but no data, may still have led to output, and has taken time.
static void on_nothing_read(struct conn *conn)
{
	if (errno == EAGAIN && conn->input_left == 0)
		finish(conn);
	else if (errno != EAGAIN && errno != EINTR)
		conn_close(conn, CONN_END_ERROR);
	else if (conn->tls != NULL)
		conn_consider(conn);
	end_full_turn(conn->set);
}

static void on_readable(struct conn *conn)
{
	struct bytes input;
	char *room;
	size_t size;
	if (input_room(conn, &input, &room, &size) != 0) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	const ssize_t received =
		UNLIKELY(conn->tls != NULL) ? conn_tls_receive(conn, room, size) : conn_receive(conn, room, size);
	if (received < 0) {
		on_nothing_read(conn);
		return;
	}
	if (received == 0) {
		conn->input_ended = true;
		conn_finish(conn);
		return;
	}
	conn->active_ms = loop_now_ms(conn->set->loop);
	counter_add(&conn->set->counters.bytes_in, (size_t)received);
	if (LIKELY(conn->traffic != NULL))
		counter_add(&conn->traffic->bytes_in, (size_t)received);
	if (conn->in.size > 0)
		conn->in.size += (size_t)received;
	input.size += (size_t)received;
	feed(conn, input);
}

static void on_readable_lingering(struct conn *conn)
{
	const ssize_t received = recv(conn->fd, conn->set->scratch, CONN_SCRATCH_SIZE, 0);
	if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR))
		conn_close(conn, conn->end);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct conn *conn = poll->data;
	if (status < 0) {
		// libuv says so for EPOLLERR: the peer reset the connection.
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	if (events & UV_WRITABLE)
		conn_write(conn);
	if ((events & UV_READABLE) && (conn->polled & UV_READABLE) && conn->state == CONN_OPEN)
		on_readable(conn);
	else if ((events & UV_READABLE) && conn->state == CONN_LINGERING)
		on_readable_lingering(conn);
	else if ((events & UV_READABLE) && conn->state == CONN_HANDSHAKING)
		conn_tls_shake(conn);
}

void conn_on_ready(struct conn *conn)
{
	struct conn_handler *handler = &conn->set->handler;
	if (conn->wants_room && conn->out.size <= conn->room_mark) {
		conn->wants_room = false;
		handler->on_room(handler->context, conn);
	}
	if (conn->state == CONN_OPEN && conn->paused && !conn->throttled) {
		conn->paused = false;
		feed(conn, (struct bytes){.data = conn->in.memory + conn->in.start, .size = conn->in.size});
	} else if (conn->state == CONN_OPEN && conn->has_pending && !conn->throttled) {
		on_readable(conn);
	}
}

// ---------------------------------------------------------------- life

void conn_show(struct conn *conn)
{
	conn->state = CONN_OPEN;
	conn->has_opened = true;
	conn->active_ms = loop_now_ms(conn->set->loop);
	conn->set->handler.on_open(conn->set->handler.context, conn);
}

void conn_open(struct conn *conn, int fd, struct tls_context *tls)
{
	conn->fd = fd;
	conn->poll.data = conn;
	conn->input_left = SIZE_MAX;
	if (tls == NULL) {
		conn_show(conn);
	} else if (handshake_begin(conn, tls) != 0) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	if (conn->state != CONN_CLOSED)
		update_poll(conn);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;
	struct conn_set *set = conn->set;
	conn->next = set->first_free;
	set->first_free = conn;
	conn_set_release_handle(set);
}

void conn_detach(struct conn *conn, enum conn_end end)
{
	struct conn_set *set = conn->set;
	conn->state = CONN_CLOSED;
	conn_share_leave(conn);
	if (conn->has_opened)
		set->handler.on_close(set->handler.context, conn, end);
	conn->generation++;
	conn_buffer_release(conn, &conn->in);
	conn_buffer_release(conn, &conn->out);
	conn_buffer_release(conn, &conn->sealed);
	uv_close((uv_handle_t *)&conn->poll, on_handle_closed); // stops polling now, so the descriptor can go as well
}

void conn_close(struct conn *conn, enum conn_end end)
{
	struct conn_set *set = conn->set;
	if (conn->state == CONN_CLOSED)
		return;
	if (conn->state == CONN_HANDSHAKING)
		handshake_leave(conn, end == CONN_END_HANDSHAKE_TIMEOUT || end == CONN_END_DISPLACED
					      ? NULL
					      : &set->counters.handshakes_left);
	counter_add(&set->counters.ended[end], 1);
	conn_detach(conn, end);
	tls_engine_destroy(conn->tls);
	conn->tls = NULL;
	close(conn->fd);
	conn_set_remove(set, conn);
}

void conn_finish(struct conn *conn)
{
	if (conn->state == CONN_OPEN && conn->set->handler.on_input_end != NULL)
		conn->set->handler.on_input_end(conn->set->handler.context, conn);
	finish(conn);
}

static bool is_fresh(const struct conn *conn, uint64_t now)
{
	return !conn->has_asked && now < conn->active_ms + CONN_FRESH_MS;
}

// Who was accepted a moment ago has a request under way, which no other daemon will hear.
void conn_drain(struct conn *conn)
{
	const bool is_shaking = conn->state == CONN_HANDSHAKING;
	conn->is_awaited = false;
	if (conn->state != CONN_OPEN && !is_shaking)
		return;
	conn->is_awaited = is_fresh(conn, loop_now_ms(conn->set->loop));
	if (conn->is_awaited)
		return;
	if (is_shaking) {
		conn_close(conn, CONN_END_ABORTED);
		return;
	}
	limit_input(conn);
	if (conn->input_left == 0 && !conn->paused && !conn->has_pending)
		finish(conn);
}

void conn_abort(struct conn *conn)
{
	conn_close(conn, CONN_END_ABORTED);
}

struct conn_ref conn_ref(const struct conn *conn)
{
	return (struct conn_ref){.index = conn->index, .generation = conn->generation};
}

void *conn_session(struct conn *conn)
{
	return conn->session;
}

static bool has_passed(uint64_t since, uint64_t now, const _Atomic uint32_t *timeout)
{
	return now >= since + limit(timeout);
}

// What it was allowed ends with the certificate that says who it is.
static bool has_expired(const struct conn *conn)
{
	return UNLIKELY(conn->tls != NULL) && conn->state == CONN_OPEN && conn->set->wall_s >= conn->expires_s;
}

void conn_on_tick(struct conn *conn, uint64_t now)
{
	const struct conn_limits *limits = conn->set->limits;
	const bool is_partial = conn->state == CONN_OPEN && conn->message_begun_ms != 0 && !conn->throttled;
	if (has_expired(conn)) {
		conn->end = CONN_END_EXPIRED;
		conn_finish(conn);
	} else if (conn->is_awaited && !is_fresh(conn, now)) {
		conn_drain(conn);
	} else if (conn->state == CONN_LINGERING) {
		if (now >= conn->linger_until_ms)
			conn_close(conn, conn->end);
	} else if (conn->state == CONN_HANDSHAKING) {
		if (has_passed(conn->active_ms, now, &limits->handshake_timeout_ms))
			conn_close(conn, CONN_END_HANDSHAKE_TIMEOUT);
	} else if (conn_unsent(conn) > 0) {
		if (has_passed(conn->write_progress_ms, now, &limits->write_timeout_ms))
			conn_close(conn, CONN_END_WRITE_TIMEOUT);
	} else if (is_partial) {
		if (has_passed(conn->message_begun_ms, now, &limits->frame_timeout_ms))
			conn_close(conn, CONN_END_FRAME_TIMEOUT);
	} else if (conn->holds == 0 && has_passed(conn->active_ms, now, &limits->idle_timeout_ms)) {
		conn_close(conn, CONN_END_IDLE);
	}
}
