// SPDX-License-Identifier: Apache-2.0
// A connection from inside, shared by conn.c (life, input), conn_output.c and conn_set.c. Private to this folder.
#pragma once

#include "daemon/net/conn.h"
#include "daemon/net/loop_internal.h"
#include "daemon/net/pool.h"

#include <pthread.h>

enum {
	CONN_SCRATCH_SIZE = 64 * 1024, // one read of a connection without kept input
	CONN_TURN_BYTES_MAX = 64 * 1024,
	CONN_INBOX_MAX = 1024,
	CONN_SEALED_SIZE = 32 * 1024, // one read, or write, of encrypted bytes
	CONN_DATED_SIZE = 16 * 1024,  // one read whose arrival is wanted: one moment for so much at most
};

enum conn_state {
	CONN_HANDSHAKING, // TLS; the handler does not know of it yet
	CONN_OPEN,        // reads and answers
	CONN_FINISHING,   // reads no more; what was accepted is being answered
	CONN_LINGERING,   // all is sent and our side shut down; what arrives is thrown away until the peer closes too
	CONN_CLOSED,      // the slot waits for libuv to let go of the handle, or for its next connection
};

// A run of bytes in pool memory. NULL memory when it is empty.
struct conn_buffer {
	char *memory;
	size_t capacity;
	size_t start;
	size_t size;
};

struct conn {
	uv_poll_t poll;
	struct conn_set *set;
	uint32_t index;
	uint32_t generation;
	int fd;
	int polled; // events asked of libuv
	enum conn_state state;
	enum conn_end end;  // once all is answered and sent
	bool input_ended;   // by the peer
	size_t input_left;  // bytes still to be read from the socket; SIZE_MAX unless the set drains
	bool paused;        // whole messages wait in `in`
	bool throttled;     // too much in flight, until half of it is gone
	bool has_asked;     // a message of it was consumed
	bool is_awaited;    // the set drains, but its first message is on its way
	bool last_called;   // on_last()
	bool is_dirty;      // in the list of connections to write at the end of the turn
	bool is_ready;      // in the list of connections to look at in the next turn
	bool is_waiting;    // in the list of connections that wait for others to take what their share has in flight
	bool write_blocked; // the socket took less than all; wait until it is writable
	bool has_failed;    // there was no memory for an answer
	bool wants_room;
	size_t room_mark;
	bool wants_arrival;
	uint64_t arrived_ns; // conn_arrived_ns()
	uint64_t stamp_ns;   // of the last read, as TCP says; else when it was
	bool left_some;      // that read left as much as the next one takes
	struct conn_buffer in;
	size_t message_size; // of the message begun in `in`, 0: unknown
	struct conn_buffer out;
	struct tls_engine *tls;    // NULL: plain. The rest is for TLS:
	struct conn_buffer sealed; // encrypted, not sent yet
	bool has_opened;           // on_open() was called (plain connections: always)
	bool has_pending;          // there may be plain input without the socket becoming readable
	bool said_goodbye;
	int64_t expires_s; // unix time; from then on its certificate holds no more
	uint64_t source;   // of the handshake: a hash of the peer's host
	struct conn *next_older, *next_younger;
	uint32_t holds;
	size_t held_bytes;
	struct conn_share *share;
	struct conn_traffic *traffic;
	size_t shared_bytes;        // in flight, as the share knows
	uint64_t active_ms;         // when something was last received or sent
	uint64_t message_begun_ms;  // 0: no message begun
	uint64_t write_progress_ms; // when output last began to wait or to move
	uint64_t linger_until_ms;
	uint32_t moves;          // conn_moves()
	struct conn_set *origin; // conn_origin()
	struct conn *next_dirty;
	struct conn *next_ready;
	struct conn *next_waiting;
	struct conn *previous, *next; // among the open ones of the set; `next` also links free slots
	_Alignas(16) char session[];
};

struct conn_parcel;

// Those of one set, in the order in which they began.
struct conn_handshakes {
	struct conn *oldest, *youngest;
	uint64_t seed; // of the sources' hash
};

struct conn_set {
	struct loop *loop;
	struct conn_limits *limits;
	struct conn_handler handler;
	struct pool pool;
	struct conn **slots;
	uint32_t slots_count, slots_capacity;
	struct conn *first_free;
	struct conn *first_open;
	struct conn_counters counters;
	struct conn_handshakes handshakes;
	int64_t wall_s;   // unix time of the last tick
	uint32_t count;   // open
	uint32_t handles; // of libuv, not closed yet
	struct conn *first_dirty, *last_dirty;
	struct conn *first_ready, *last_ready;
	struct conn *first_waiting;
	size_t turn_bytes; // consumed since the end of the last turn
	uv_idle_t idle;    // active while somebody is ready: the loop does not sleep
	uv_timer_t tick;   // active while somebody is open
	uv_timer_t relief; // active while somebody waits for its share
	bool draining;
	bool destroyed;
	pthread_mutex_t inbox_lock;
	uint32_t inbox_count;
	int inbox[CONN_INBOX_MAX];
	struct conn_parcel *parcels; // under the same lock
	bool takes_no_parcels;       // likewise; the set drains
	char scratch[CONN_SCRATCH_SIZE];
	char sealed[CONN_SEALED_SIZE];
};

// conn.c
void conn_drain(struct conn *conn);
void conn_open(struct conn *conn, int fd, struct tls_context *tls);
// The handler hears of it.
void conn_show(struct conn *conn);
// Sends no more; what still comes is thrown away, until the peer closes.
void conn_linger(struct conn *conn);
void conn_close(struct conn *conn, enum conn_end end);
// Gives back all it has in its set, but for its place among the open ones; what is left is its socket and TLS.
void conn_detach(struct conn *conn, enum conn_end end);
// Something changed that may let the connection go on: read again, be fed again, end.
void conn_consider(struct conn *conn);
// The next turn came, for a connection in the ready list.
void conn_on_ready(struct conn *conn);
void conn_on_tick(struct conn *conn, uint64_t now);
void conn_buffer_release(struct conn *conn, struct conn_buffer *buffer);
// -ENOMEM. Afterwards `room` more bytes fit behind the ones there.
MUST_CHECK int conn_buffer_extend(struct conn *conn, struct conn_buffer *buffer, size_t room);

// conn_receive.c: recv(2), up to where a draining connection is read; notes when the bytes arrived if that is wanted.
MUST_CHECK ssize_t conn_receive(struct conn *conn, char *room, size_t size);

// conn_output.c: writes what it can; may close the connection, never calls on_input or on_room.
void conn_write(struct conn *conn);

// conn_handshake.c
MUST_CHECK int handshake_begin(struct conn *conn, struct tls_context *context);
// The handshake is over, this way or that; counted by `counter` of the set, or elsewhere.
void handshake_leave(struct conn *conn, struct counter *counter);
// For one more. When there are as many as may be, the first of the source with the most of them in this set is closed.
// A set without any has room for one.
void handshake_make_room(struct conn_set *set);

// conn_tls.c: the bytes of a connection with `tls` pass through here on their way.
// Goes on with the handshake; the connection may be open, or gone, afterwards.
void conn_tls_shake(struct conn *conn);
// Like recv(2).
MUST_CHECK ssize_t conn_tls_receive(struct conn *conn, char *room, size_t size);
// Encrypts and sends what it can. Negative: the connection is broken.
MUST_CHECK ssize_t conn_tls_send(struct conn *conn);
// False: a goodbye is to be sent first.
bool conn_tls_has_said_goodbye(struct conn *conn);

// What waits to be sent.
static inline size_t conn_unsent(const struct conn *conn)
{
	return conn->out.size + conn->sealed.size;
}

static inline size_t conn_in_flight(const struct conn *conn)
{
	return conn_unsent(conn) + conn->held_bytes;
}

// conn_share.c
void conn_share_update(struct conn *conn);
// No more of it is in flight, and it has no share.
void conn_share_leave(struct conn *conn);
// With this limit.
bool conn_share_is_above(const struct conn *conn, uint64_t max);
// Looks at the connection again when others may have taken something.
void conn_share_wait(struct conn *conn);

// The same of the share as of the connection itself.
static inline bool conn_share_is_full(const struct conn *conn)
{
	const uint64_t max = atomic_load_explicit(&conn->set->limits->client_inflight_bytes_max, memory_order_relaxed);
	return UNLIKELY(max != 0) && conn_share_is_above(conn, max);
}

// Tells the share what is in flight: when a write has left something, not in the middle of a turn, so that a connection
// whose answers are all taken at once never touches it.
static inline void conn_share_note(struct conn *conn)
{
	if (UNLIKELY(conn_in_flight(conn) != conn->shared_bytes))
		conn_share_update(conn);
}

// conn_move.c: connections come from other sets.
void conn_unpack(struct conn_set *set, struct conn_parcel *parcels);

// conn_set.c
// A slot of the socket's, among the open ones. NULL: no memory.
struct conn *conn_set_enter(struct conn_set *set, int fd);
// The reverse.
void conn_set_unlink(struct conn_set *set, struct conn *conn);
// There is one connection less.
void conn_set_discharge(struct conn_set *set);
void conn_set_flush(struct conn_set *set);
void conn_set_take_inbox(struct conn_set *set);
void conn_set_mark_dirty(struct conn_set *set, struct conn *conn);
void conn_set_mark_ready(struct conn_set *set, struct conn *conn);
// The connection left the open ones; called by conn_close().
void conn_set_remove(struct conn_set *set, struct conn *conn);
// A handle of libuv is closed; the memory goes with the last one of a destroyed set.
void conn_set_release_handle(struct conn_set *set);
