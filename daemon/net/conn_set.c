// SPDX-License-Identifier: Apache-2.0
// The connections of one loop: their slots, the lists a turn works through, time-outs, and the way in.
#include "base/clock.h"
#include "base/hash.h"
#include "daemon/net/conn_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MIN_MS = 10, TICK_MAX_MS = 250 };

static void on_tick(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

// ---------------------------------------------------------------- create, destroy

int conn_set_create(struct loop *loop, struct conn_limits *limits, const struct conn_handler *handler,
		    struct conn_set **ret_set)
{
	struct conn_set *set = calloc(1, sizeof(*set));
	if (set == NULL)
		return -ENOMEM;
	ASSERT(loop->conns == NULL);
	set->loop = loop;
	set->limits = limits;
	set->handler = *handler;
	pool_init(&set->pool);
	pthread_mutex_init(&set->inbox_lock, NULL);
	uv_idle_init(&loop->uv, &set->idle); // these cannot fail
	uv_timer_init(&loop->uv, &set->tick);
	uv_timer_init(&loop->uv, &set->relief);
	set->idle.data = set->tick.data = set->relief.data = set;
	set->handles = 3;
	set->handshakes.seed = hash_random_seed();
	loop->conns = set;
	*ret_set = set;
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	conn_set_release_handle(handle->data);
}

void conn_set_destroy(struct conn_set *set)
{
	if (set == NULL)
		return;
	set->draining = true;
	set->handler.on_empty = NULL;
	conn_set_take_inbox(set);
	conn_set_abort_all(set);
	set->loop->conns = NULL;
	set->destroyed = true;
	uv_close((uv_handle_t *)&set->idle, on_handle_closed);
	uv_close((uv_handle_t *)&set->tick, on_handle_closed);
	uv_close((uv_handle_t *)&set->relief, on_handle_closed);
}

void conn_set_release_handle(struct conn_set *set)
{
	if (--set->handles > 0 || !set->destroyed)
		return;
	for (uint32_t i = 0; i < set->slots_count; i++)
		free(set->slots[i]);
	free(set->slots);
	pool_finish(&set->pool);
	pthread_mutex_destroy(&set->inbox_lock);
	free(set);
}

uint32_t conn_set_count(const struct conn_set *set)
{
	return set->count;
}

void conn_set_each(struct conn_set *set, void (*each)(void *context, struct conn *conn), void *context)
{
	for (struct conn *conn = set->first_open, *next; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->has_opened)
			each(context, conn);
	}
}

const struct conn_counters *conn_set_counters(const struct conn_set *set)
{
	return &set->counters;
}

// ---------------------------------------------------------------- slots

static int slot_create(struct conn_set *set)
{
	if (set->slots_count == set->slots_capacity) {
		const uint32_t capacity = set->slots_capacity ? set->slots_capacity * 2 : 64;
		struct conn **slots = realloc(set->slots, capacity * sizeof(*slots));
		if (slots == NULL)
			return -ENOMEM;
		set->slots = slots;
		set->slots_capacity = capacity;
	}
	// The alignment of struct conn is its session's, which malloc() has as well.
	struct conn *conn = calloc(1, sizeof(*conn) + set->handler.session_size);
	if (conn == NULL)
		return -ENOMEM;
	conn->set = set;
	conn->state = CONN_CLOSED;
	conn->index = set->slots_count;
	set->slots[set->slots_count++] = conn;
	set->first_free = conn;
	return 0;
}

// A slot may still stand in the lists of the turn under its former connection: those fields stay as they are.
static struct conn *slot_take(struct conn_set *set)
{
	if (set->first_free == NULL && slot_create(set) != 0)
		return NULL;
	struct conn *conn = set->first_free;
	set->first_free = conn->next;
	const struct conn fresh = {
		.set = set,
		.index = conn->index,
		.generation = conn->generation,
		.state = CONN_CLOSED,
		.is_dirty = conn->is_dirty,
		.is_ready = conn->is_ready,
		.is_waiting = conn->is_waiting,
		.next_dirty = conn->next_dirty,
		.next_ready = conn->next_ready,
		.next_waiting = conn->next_waiting,
	};
	*conn = fresh;
	memset(conn->session, 0, set->handler.session_size);
	return conn;
}

static void link_open(struct conn_set *set, struct conn *conn)
{
	conn->previous = NULL;
	conn->next = set->first_open;
	if (conn->next != NULL)
		conn->next->previous = conn;
	set->first_open = conn;
	set->count++;
}

void conn_set_unlink(struct conn_set *set, struct conn *conn)
{
	if (conn->previous != NULL)
		conn->previous->next = conn->next;
	else
		set->first_open = conn->next;
	if (conn->next != NULL)
		conn->next->previous = conn->previous;
	set->count--;
	if (set->count > 0)
		return;
	uv_timer_stop(&set->tick);
	if (set->draining && set->handler.on_empty != NULL)
		set->handler.on_empty(set->handler.context);
}

void conn_set_remove(struct conn_set *set, struct conn *conn)
{
	conn_set_discharge(set);
	conn_set_unlink(set, conn);
}

struct conn *conn_find(struct conn_set *set, struct conn_ref ref)
{
	if (ref.index >= set->slots_count)
		return NULL;
	struct conn *conn = set->slots[ref.index];
	return conn->generation == ref.generation && conn->state != CONN_CLOSED ? conn : NULL;
}

// ---------------------------------------------------------------- the way in

static bool is_admitted(struct conn_limits *limits)
{
	const uint32_t max = atomic_load_explicit(&limits->connections_max, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&limits->connections, 1, memory_order_relaxed) < max)
		return true;
	atomic_fetch_sub_explicit(&limits->connections, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&limits->refused, 1, memory_order_relaxed);
	return false;
}

void conn_set_discharge(struct conn_set *set)
{
	atomic_fetch_sub_explicit(&set->limits->connections, 1, memory_order_relaxed);
}

struct conn *conn_set_enter(struct conn_set *set, int fd)
{
	struct conn *conn = slot_take(set);
	if (conn == NULL)
		return NULL;
	if (uv_poll_init(&set->loop->uv, &conn->poll, fd) != 0) {
		conn->next = set->first_free;
		set->first_free = conn;
		return NULL;
	}
	set->handles++;
	link_open(set, conn);
	if (!uv_is_active((uv_handle_t *)&set->tick))
		uv_timer_start(&set->tick, on_tick, TICK_MIN_MS, 0);
	return conn;
}

void conn_set_add(struct conn_set *set, int fd)
{
	conn_set_add_tls(set, fd, NULL);
}

void conn_set_add_tls(struct conn_set *set, int fd, struct tls_context *tls)
{
	if (set->draining || !is_admitted(set->limits)) {
		close(fd);
		return;
	}
	if (tls != NULL)
		handshake_make_room(set);
	struct conn *conn = conn_set_enter(set, fd);
	if (conn == NULL) {
		conn_set_discharge(set);
		close(fd);
		return;
	}
	counter_add(&set->counters.opened, 1);
	conn_open(conn, fd, tls);
}

void conn_set_hand_over(struct conn_set *set, int fd)
{
	pthread_mutex_lock(&set->inbox_lock);
	const bool is_full = set->inbox_count == CONN_INBOX_MAX;
	if (!is_full)
		set->inbox[set->inbox_count++] = fd;
	pthread_mutex_unlock(&set->inbox_lock);
	if (is_full)
		close(fd);
	else
		loop_wake(set->loop);
}

void conn_set_take_inbox(struct conn_set *set)
{
	int fds[CONN_INBOX_MAX];
	pthread_mutex_lock(&set->inbox_lock);
	const uint32_t count = set->inbox_count;
	memcpy(fds, set->inbox, count * sizeof(fds[0]));
	set->inbox_count = 0;
	struct conn_parcel *parcels = set->parcels;
	set->parcels = NULL;
	pthread_mutex_unlock(&set->inbox_lock);
	for (uint32_t i = 0; i < count; i++)
		conn_set_add(set, fds[i]);
	conn_unpack(set, parcels);
}

// ---------------------------------------------------------------- the lists of a turn

void conn_set_mark_dirty(struct conn_set *set, struct conn *conn)
{
	if (conn->is_dirty)
		return;
	conn->is_dirty = true;
	conn->next_dirty = NULL;
	if (set->last_dirty != NULL)
		set->last_dirty->next_dirty = conn;
	else
		set->first_dirty = conn;
	set->last_dirty = conn;
}

void conn_set_flush(struct conn_set *set)
{
	set->turn_bytes = 0;
	while (set->first_dirty != NULL) {
		struct conn *conn = set->first_dirty;
		set->first_dirty = conn->next_dirty;
		if (set->first_dirty == NULL)
			set->last_dirty = NULL;
		conn->is_dirty = false;
		if (conn->state != CONN_CLOSED && (!conn->write_blocked || conn->has_failed))
			conn_write(conn);
	}
}

void conn_set_mark_ready(struct conn_set *set, struct conn *conn)
{
	if (conn->is_ready)
		return;
	conn->is_ready = true;
	conn->next_ready = NULL;
	if (set->last_ready != NULL)
		set->last_ready->next_ready = conn;
	else
		set->first_ready = conn;
	set->last_ready = conn;
	if (!uv_is_active((uv_handle_t *)&set->idle))
		uv_idle_start(&set->idle, on_idle);
}

// Those that become ready meanwhile wait for the next turn, so that nobody else waits for them.
static void on_idle(uv_idle_t *idle)
{
	struct conn_set *set = idle->data;
	struct conn *conn = set->first_ready;
	set->first_ready = set->last_ready = NULL;
	while (conn != NULL) {
		struct conn *next = conn->next_ready;
		conn->is_ready = false;
		if (conn->state != CONN_CLOSED)
			conn_on_ready(conn);
		conn = next;
	}
	if (set->first_ready == NULL)
		uv_idle_stop(idle);
}

// ---------------------------------------------------------------- time-outs and the end

// A quarter of the shortest time-out, so that all are kept to within that.
static uint64_t tick_period_ms(const struct conn_limits *limits)
{
	uint64_t shortest = TICK_MAX_MS * 4;
	const _Atomic uint32_t *const timeouts[] = {&limits->idle_timeout_ms, &limits->frame_timeout_ms,
						    &limits->write_timeout_ms, &limits->handshake_timeout_ms};
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		const uint32_t timeout = atomic_load_explicit(timeouts[i], memory_order_relaxed);
		shortest = timeout != 0 && timeout < shortest ? timeout : shortest;
	}
	return shortest / 4 > TICK_MIN_MS ? shortest / 4 : TICK_MIN_MS;
}

static void on_tick(uv_timer_t *timer)
{
	struct conn_set *set = timer->data;
	const uint64_t now = loop_now_ms(set->loop);
	set->wall_s = clock_wall_s();
	uv_timer_start(timer, on_tick, tick_period_ms(set->limits), 0);
	for (struct conn *conn = set->first_open, *next; conn != NULL; conn = next) {
		next = conn->next;
		conn_on_tick(conn, now);
	}
}

void conn_set_drain(struct conn_set *set)
{
	pthread_mutex_lock(&set->inbox_lock);
	set->takes_no_parcels = true;
	pthread_mutex_unlock(&set->inbox_lock);
	conn_set_take_inbox(set);
	set->draining = true;
	if (set->count == 0 && set->handler.on_empty != NULL)
		set->handler.on_empty(set->handler.context);
	for (struct conn *conn = set->first_open, *next; conn != NULL; conn = next) {
		next = conn->next;
		conn_drain(conn);
	}
}

void conn_set_abort_all(struct conn_set *set)
{
	while (set->first_open != NULL)
		conn_abort(set->first_open);
}
