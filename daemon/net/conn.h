// SPDX-License-Identifier: Apache-2.0
// Connections: bytes in, bytes out, and every limit on both. What the bytes mean is the handler's business.
//
// A connection belongs to the conn_set of one loop and is used on that loop's thread only. Its life, which with TLS
// begins when the handshake is over:
//
//     OPEN ──conn_finish(), peer's end of input──> FINISHING ──everything answered and sent──> LINGERING ──> gone
//       └──────────── conn_abort(), error, time-out ────────────────────────────────────────────────────────┘
//
// Glossary: *input* is what was received and not consumed yet; *output* what was appended and not sent yet; a *hold*
// is a request that was accepted and is answered later; *in flight* are the bytes of holds and output together. Above
// the limit of in-flight bytes the connection is not read (backpressure) until half of them are gone.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "base/counter.h"
#include "daemon/net/loop.h"
#include "tls/tls.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;
struct conn_set;

enum {
	CONN_LINGER_MS = 1000, // how long a finished connection waits for the peer to close as well
	CONN_FRESH_MS = 2000,  // how long a new connection's first message is waited for when the set drains
	CONN_NAMES_SIZE = 4096,
};

// Shared by the sets of all loops. May be changed at any time, by any thread.
struct conn_limits {
	_Atomic uint32_t connections_max;
	_Atomic uint32_t inflight_bytes_max;
	_Atomic uint64_t client_inflight_bytes_max; // of all connections with one share; 0: no limit
	_Atomic uint32_t idle_timeout_ms;           // nothing received or sent, nothing in flight
	_Atomic uint32_t frame_timeout_ms;          // a message that was begun must be complete
	_Atomic uint32_t write_timeout_ms;          // the peer must take something
	_Atomic uint32_t handshakes_max;            // of TLS, under way at once; each set may have one beyond
	_Atomic uint32_t handshake_timeout_ms;
	// Counted here:
	_Atomic uint32_t connections;          // open now
	_Atomic uint64_t refused;              // closed on arrival because of connections_max, since the start
	_Atomic uint32_t handshakes;           // under way
	_Atomic uint64_t handshakes_displaced; // closed because of handshakes_max, since the start
};

enum conn_end {
	CONN_END_FINISHED, // by conn_finish() or the peer, in order
	CONN_END_ERROR,    // the peer reset the connection, or the system failed
	CONN_END_ABORTED,  // conn_abort()
	CONN_END_IDLE,
	CONN_END_FRAME_TIMEOUT,
	CONN_END_WRITE_TIMEOUT,
	CONN_END_HANDSHAKE_TIMEOUT,
	CONN_END_DISPLACED, // its TLS handshake made room for another's
	CONN_END_EXPIRED,   // in order, when the certificate of the peer held no more
	CONN_ENDS,
	CONN_END_MOVED = CONN_ENDS, // by conn_move(): it goes on elsewhere, and is not counted
};

// What a set has counted since it was made. On its loop's thread; read by any.
struct conn_counters {
	struct counter opened;
	struct counter ended[CONN_ENDS];
	struct counter throttled;       // times a connection was not read because too much was in flight
	struct counter share_throttled; // the same, of the connections it shares with
	struct counter bytes_in, bytes_out;
	struct counter handshakes_full, handshakes_resumed;   // of TLS, that let somebody in
	struct counter handshakes_left;                       // the peer went away, or a stop came first
	struct counter handshakes_failed[TLS_FAILURES_COUNT]; // not let in, by why
};

// What the connections of one client have in flight together, on whatever loop they are.
struct conn_share {
	_Atomic uint64_t bytes; // as of the last write, or hold, of each
};

// What they received and sent. Of one loop's connections: it counts.
struct conn_traffic {
	struct counter bytes_in, bytes_out;
};

// One look at the input.
struct conn_input {
	struct bytes bytes;  // borrowed for the call
	size_t consumed;     // out: how many were understood
	size_t message_size; // out: of the message begun after those, as far as known; 0: none begun, or unknown
	bool continued;      // out: that message was begun in an earlier call already
	bool paused; // out: whole messages are left; call again when there is room (the next turn at the earliest)
};

// All are called on the loop's thread, with `context`. A handler may call anything below on any connection.
struct conn_handler {
	size_t session_size; // bytes of the handler's own state in each connection, zeroed at the start
	void (*on_open)(void *context, struct conn *conn);
	void (*on_input)(void *context, struct conn *conn, struct conn_input *input);
	// A peer was not let in, with why, for people. May be NULL.
	void (*on_refused)(void *context, const char *why);
	// Nothing more will be read: the peer has ended its side, or closed, or somebody finishes the connection. What
	// would go on for ever has to end now. May be NULL.
	void (*on_input_end)(void *context, struct conn *conn);
	// Everything accepted is answered and nothing more will be read: last words may be appended. Not called when
	// a connection is aborted.
	void (*on_last)(void *context, struct conn *conn);
	// Output is below the mark given to conn_want_room().
	void (*on_room)(void *context, struct conn *conn);
	// The connection is gone; its session may be read a last time.
	void (*on_close)(void *context, struct conn *conn, enum conn_end end);
	// After conn_set_drain(): the last connection is gone.
	void (*on_empty)(void *context);
	void *context;
};

// ---------------------------------------------------------------- the set

// `limits` and what `handler` points to must outlive the set. One set per loop.
MUST_CHECK int conn_set_create(struct loop *loop, struct conn_limits *limits, const struct conn_handler *handler,
			       struct conn_set **ret_set);
// Aborts what is open. The memory goes with the loop. NULL is fine.
void conn_set_destroy(struct conn_set *set);
// Takes the connected, non-blocking socket `fd`; closes it if there are too many or no memory.
void conn_set_add(struct conn_set *set, int fd);
// The same for a peer that has to speak TLS; on_open() comes when it has shown who it is.
void conn_set_add_tls(struct conn_set *set, int fd, struct tls_context *tls);
// As conn_set_add() from any thread; the connection opens on the loop's thread.
void conn_set_hand_over(struct conn_set *set, int fd);
// Finishes all connections, those that were handed over as well; one that is new and has asked nothing yet has
// CONN_FRESH_MS to do so. New ones are closed at once.
void conn_set_drain(struct conn_set *set);
void conn_set_abort_all(struct conn_set *set);
uint32_t conn_set_count(const struct conn_set *set);
// Calls `each` for every connection that on_open() was called for; it may close that one.
void conn_set_each(struct conn_set *set, void (*each)(void *context, struct conn *conn), void *context);
// As long as the set is there.
const struct conn_counters *conn_set_counters(const struct conn_set *set);

// ---------------------------------------------------------------- one connection

// Names a connection even when it is gone and its memory is another's.
struct conn_ref {
	uint32_t index;
	uint32_t generation;
};
struct conn_ref conn_ref(const struct conn *conn);
// NULL when the connection is gone.
struct conn *conn_find(struct conn_set *set, struct conn_ref ref);
void *conn_session(struct conn *conn);

// Who is at the other end, as far as that is proven, one name after the other, each with its NUL. Unix socket:
// "uid:1000" (the peer's when it connected), then "gid:1000" for each of its groups; plain TCP: "tcp"; TLS: what
// its certificate says (tls_engine_each_name()). What does not fit is left out.
struct conn_names {
	size_t size;
	char text[CONN_NAMES_SIZE];
};
void conn_get_names(const struct conn *conn, struct conn_names *ret_names);
// The one behind `name`; the first for NULL. NULL at the end.
const char *conn_names_next(const struct conn_names *names, const char *name);
// Leaves out what does not fit.
void conn_names_add(struct conn_names *names, const char *name);
// What of its IP address a peer cannot change at will: an IPv4 address (the same on a socket that takes IPv6 as well),
// an IPv6 network ("2001:db8:1:2::/64"), "127.0.0.1" for everybody on this machine. Empty when it has none.
enum { CONN_HOST_SIZE = 64 };
void conn_get_host(const struct conn *conn, char ret_host[CONN_HOST_SIZE]);

// Both stay until others are set, or on_close() is called. NULL, the default: none. The share's limit counts as the
// connection's own does.
void conn_set_share(struct conn *conn, struct conn_share *share, struct conn_traffic *traffic);

// From the next read on conn_arrived_ns() tells when the input at hand, its last byte, reached this machine, in
// clock_wall_ns(): TCP's own record of it, or where there is none (Unix sockets, what came before this) when it was
// read. 0: never asked for. What waits in the socket costs a connection that asks a larger system call per read, and
// the machine a look at the clock per packet.
void conn_want_arrival(struct conn *conn);
uint64_t conn_arrived_ns(const struct conn *conn);

// Room for `size` bytes at the end of the output, to be followed by conn_commit(). NULL when the connection cannot be
// answered any more (then it is, or will be, gone). Written at the end of the turn.
MUST_CHECK char *conn_reserve(struct conn *conn, size_t size);
// The same while an answer is being written: keeps the first `written` bytes of what was reserved; more room, behind
// them, may lie elsewhere then. Gives the start of the answer.
MUST_CHECK char *conn_reserve_more(struct conn *conn, size_t written, size_t size);
// `size` at most what was reserved.
void conn_commit(struct conn *conn, size_t size);
// False: the connection is finishing or gone, the rest of the input is not wanted.
bool conn_is_reading(const struct conn *conn);
// Too much in flight: consume no more input.
bool conn_is_full(const struct conn *conn);
size_t conn_output_size(const struct conn *conn);
// Calls on_room() once, in a later turn, when the output is at most `mark` bytes.
void conn_want_room(struct conn *conn, size_t mark);

// A request of `bytes` in memory is answered later; conn_release_hold() with the same number.
void conn_hold(struct conn *conn, size_t bytes);
void conn_release_hold(struct conn *conn, size_t bytes);

// Reads no more; closes when everything accepted is answered and sent.
void conn_finish(struct conn *conn);
// Closes at once.
void conn_abort(struct conn *conn);

// ---------------------------------------------------------------- from one loop to another

// Within on_input(): the connection goes to the set of another loop, together with `input`, which is what was not
// consumed, and what conn_want_arrival() has asked for. It is closed here (on_close() with CONN_END_MOVED; on_input()
// returns then) and opens there anew. False, and nothing has happened: something is in flight, it speaks TLS, a stop
// has begun here or there, or there is no memory.
MUST_CHECK bool conn_move(struct conn *conn, struct bytes input, struct conn_set *to);
// How often it did.
uint32_t conn_moves(const struct conn *conn);
// The set it came from; NULL: it never moved. Sets that connections move between outlive one another's loops.
struct conn_set *conn_origin(const struct conn *conn);
