// SPDX-License-Identifier: Apache-2.0
// One connection of the client loop: what is on the way, what is still to be written. Private to load_thread.c.
#pragma once

#include "bench/load.h"

#include <sys/socket.h>

struct tls_stream;

// A request on the way.
struct load_slot {
	uint64_t due_ns; // since when its latency counts
	uint32_t entry;
	uint32_t id;
};

// Where connections lead.
struct load_peer {
	const char *server;
	int (*connect)(const char *server, int *ret_fd); // the protocol's own way, or NULL
	struct client_tls *tls;                          // NULL: plain
	// Of the first connection made, so that no name has to be looked up to make one anew.
	struct sockaddr_storage address;
	socklen_t size; // 0: unknown
};

struct load_connection {
	int fd;
	struct tls_stream *stream; // NULL: plain, or not connected yet
	bool is_connecting;        // TLS: until the handshake is done
	bool waits_for_room;       // EPOLLOUT is on
	bool has_staged;           // there is something for the one write of this turn
	uint32_t depth;            // most requests on the way
	uint32_t in_flight;
	uint32_t churn;      // requests after which it is used up; 0: never
	uint64_t sends_left; // until it is
	bool is_timed;       // what the server does not take soon is not to lie in the socket
	uint64_t connect_ns; // when it was begun to be made anew
	uint32_t first_slot; // of the ring: the oldest request on the way
	struct load_slot *slots;
	char *out; // out_begin .. out_end are still to be written
	size_t out_begin, out_end, out_size;
	char *in; // in_begin .. in_end are not parsed yet
	size_t in_begin, in_end, in_size;
};

// -ENOMEM; connects as the protocol does, else with TCP_NODELAY, and shakes hands; does not block afterwards. The first
// connection of all fills in the peer's address.
MUST_CHECK int load_connection_open(struct load_connection *connection, const struct load_options *options,
				    size_t frame_size_max, struct load_peer *peer);
// Closes the connection, on which nothing is on the way, and begins to make it anew: with is_connecting set, wait for
// EPOLLOUT, then finish, again and again while that says -EAGAIN. A Unix socket, and what has its own way to connect,
// is connected at once.
MUST_CHECK int load_connection_reopen(struct load_connection *connection, const struct load_peer *peer);
MUST_CHECK int load_connection_finish_connecting(struct load_connection *connection, const struct load_peer *peer);
void load_connection_close(struct load_connection *connection);

static inline bool load_connection_has_room(const struct load_connection *connection)
{
	return connection->in_flight < connection->depth && connection->sends_left > 0;
}
static inline bool load_connection_is_used_up(const struct load_connection *connection)
{
	return connection->sends_left == 0 && connection->in_flight == 0 && !connection->is_connecting;
}
// Copies a frame behind those to be written and takes a slot. The caller has looked for room.
char *load_connection_stage(struct load_connection *connection, struct bytes frame, const struct load_slot *slot);
// Writes what the socket takes, in one call. 0, or negative errno.
MUST_CHECK int load_connection_write(struct load_connection *connection);
// Whether there is something to do when the socket has room.
bool load_connection_waits_for_room(const struct load_connection *connection);
// Reads once. 0 also when nothing was there; -ECONNRESET at the end of the stream; -EMSGSIZE when an answer is larger
// than any may be.
MUST_CHECK int load_connection_read(struct load_connection *connection);
// The oldest request on the way, off the ring. -EPROTO when there is none.
MUST_CHECK int load_connection_pop(struct load_connection *connection, struct load_slot *ret_slot);
