// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/conn_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A connection on its way.
struct conn_parcel {
	struct conn_parcel *next;
	struct conn_set *origin;
	uint32_t moves;
	bool wants_arrival;
	uint64_t arrived_ns; // of the input
	int fd;
	size_t size;
	char input[];
};

uint32_t conn_moves(const struct conn *conn)
{
	return conn->moves;
}

struct conn_set *conn_origin(const struct conn *conn)
{
	return conn->origin;
}

static bool can_move(const struct conn *conn)
{
	return conn->state == CONN_OPEN && conn->tls == NULL && !conn->has_failed && conn->holds == 0 &&
	       conn_unsent(conn) == 0 && !conn->wants_room && !conn->set->draining;
}

static struct conn_parcel *pack(const struct conn *conn, struct bytes input)
{
	struct conn_parcel *parcel = malloc(sizeof(*parcel) + input.size);
	if (parcel == NULL)
		return NULL;
	*parcel = (struct conn_parcel){
		.origin = conn->set,
		.moves = conn->moves + 1,
		.wants_arrival = conn->wants_arrival,
		.arrived_ns = conn->arrived_ns,
		.fd = conn->fd,
		.size = input.size,
	};
	if (input.size > 0)
		memcpy(parcel->input, input.data, input.size);
	return parcel;
}

bool conn_move(struct conn *conn, struct bytes input, struct conn_set *to)
{
	struct conn_parcel *parcel = can_move(conn) ? pack(conn, input) : NULL;
	if (parcel == NULL)
		return false;
	pthread_mutex_lock(&to->inbox_lock);
	const bool is_taken = !to->takes_no_parcels;
	if (is_taken) {
		// Before anybody there can see it: a socket is in one loop at a time.
		conn_detach(conn, CONN_END_MOVED);
		parcel->next = to->parcels;
		to->parcels = parcel;
		loop_wake(to->loop);
	}
	pthread_mutex_unlock(&to->inbox_lock);
	if (is_taken)
		conn_set_unlink(conn->set, conn);
	else
		free(parcel);
	return is_taken;
}

// The input is looked at in the next turn, as if there had been no time for it in this one.
static void put_input(struct conn *conn, struct bytes input)
{
	if (conn->state != CONN_OPEN || input.size == 0)
		return;
	if (conn_buffer_extend(conn, &conn->in, input.size) != 0) {
		conn_close(conn, CONN_END_ERROR);
		return;
	}
	memcpy(conn->in.memory, input.data, input.size);
	conn->in.size = input.size;
	conn->paused = true;
	conn_consider(conn);
}

static void unpack(struct conn_set *set, const struct conn_parcel *parcel)
{
	struct conn *conn = conn_set_enter(set, parcel->fd);
	if (conn == NULL) {
		conn_set_discharge(set);
		close(parcel->fd);
		return;
	}
	conn->moves = parcel->moves;
	conn->origin = parcel->origin;
	conn->wants_arrival = parcel->wants_arrival; // the socket still does
	conn->arrived_ns = parcel->arrived_ns;
	conn_open(conn, parcel->fd, NULL);
	put_input(conn, (struct bytes){.data = parcel->input, .size = parcel->size});
}

void conn_unpack(struct conn_set *set, struct conn_parcel *parcels)
{
	while (parcels != NULL) {
		struct conn_parcel *parcel = parcels;
		parcels = parcel->next;
		unpack(set, parcel);
		free(parcel);
	}
}
