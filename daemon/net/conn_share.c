// SPDX-License-Identifier: Apache-2.0
// What the connections of one client have in flight together.
#include "daemon/net/conn_internal.h"

// A connection may wait for what others have in flight, on other loops: nobody tells it when that is gone.
enum { RELIEF_MS = 10 };

void conn_share_update(struct conn *conn)
{
	const size_t bytes = conn_in_flight(conn);
	if (conn->share == NULL)
		return;
	if (bytes > conn->shared_bytes)
		atomic_fetch_add_explicit(&conn->share->bytes, bytes - conn->shared_bytes, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&conn->share->bytes, conn->shared_bytes - bytes, memory_order_relaxed);
	conn->shared_bytes = bytes;
}

void conn_share_leave(struct conn *conn)
{
	if (conn->share != NULL && conn->shared_bytes > 0)
		atomic_fetch_sub_explicit(&conn->share->bytes, conn->shared_bytes, memory_order_relaxed);
	conn->share = NULL;
	conn->shared_bytes = 0;
}

void conn_set_share(struct conn *conn, struct conn_share *share, struct conn_traffic *traffic)
{
	conn_share_leave(conn);
	conn->share = share;
	conn->traffic = traffic;
	conn_share_note(conn);
}

bool conn_share_is_above(const struct conn *conn, uint64_t max)
{
	if (conn->share == NULL)
		return false;
	// With what this turn has added, and the share does not know yet.
	const uint64_t bytes = atomic_load_explicit(&conn->share->bytes, memory_order_relaxed) + conn_in_flight(conn) -
			       conn->shared_bytes;
	return conn->throttled ? bytes > max / 2 : bytes >= max;
}

static void on_relief(uv_timer_t *timer)
{
	struct conn_set *set = timer->data;
	struct conn *conn = set->first_waiting;
	set->first_waiting = NULL;
	while (conn != NULL) {
		struct conn *next = conn->next_waiting;
		conn->is_waiting = false;
		if (conn->state != CONN_CLOSED)
			conn_consider(conn); // which puts it into the list again if it has to
		conn = next;
	}
}

void conn_share_wait(struct conn *conn)
{
	struct conn_set *set = conn->set;
	if (conn->is_waiting)
		return;
	conn->is_waiting = true;
	conn->next_waiting = set->first_waiting;
	set->first_waiting = conn;
	if (!uv_is_active((uv_handle_t *)&set->relief))
		uv_timer_start(&set->relief, on_relief, RELIEF_MS, 0);
}
