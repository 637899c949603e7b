// SPDX-License-Identifier: Apache-2.0
// Snapshot: every record at one revision, as a stream. A thread of its own walks the store and fills chunks of frames;
// the worker moves them into the connection as it takes them. The walk holds the database back, so it is given up when
// the receiver makes no progress, when it lasts too long, and when the daemon stops.
#include "base/clock.h"
#include "daemon/rpc/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { SNAPSHOT_ARENA_CHUNK = 16 * 1024, SNAPSHOT_ARENA_BUDGET = 32 * 1024 * 1024 };

struct snapshots {
	struct store *store;
	_Atomic uint32_t count;
};

struct chunk {
	struct chunk *next;
	size_t size;
	size_t capacity;
	char data[];
};

struct snapshot {
	struct job *job;
	struct service *service;
	struct snapshot *next; // of the same session
	pthread_t thread;
	struct mail mail;

	pthread_mutex_t lock; // for these:
	pthread_cond_t taken;
	struct chunk *first, *last;
	uint32_t count;
	bool is_posted; // the mail is on its way
	bool finished;  // the thread has handed over its last chunk

	_Atomic bool cancelled; // the receiver is gone

	struct chunk *filling; // the thread's, as are the rest
	struct arena frames;
	uint64_t started_ms;
};

uint64_t snapshot_min_revision(const void *request)
{
	return ((const struct snapshot_request *)request)->min_revision;
}

int snapshots_create(struct store *store, struct snapshots **ret_snapshots)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));
	if (snapshots == NULL)
		return -ENOMEM;
	snapshots->store = store;
	*ret_snapshots = snapshots;
	return 0;
}

void snapshots_destroy(struct snapshots *snapshots)
{
	ASSERT(snapshots == NULL || atomic_load(&snapshots->count) == 0);
	free(snapshots);
}

// ---------------------------------------------------------------- the thread

// Why a walk was given up, in the words of the stream's end.
static const struct {
	int error;
	enum status_code code;
	const char *message;
} ends[] = {
	{-ESHUTDOWN, STATUS_UNAVAILABLE, "the daemon is stopping"},
	{-ETIMEDOUT, STATUS_ABORTED, "the snapshot took longer than snapshot-timeout allows"},
	{-ETIME, STATUS_RESOURCE_EXHAUSTED, "the receiver was too slow"},
	{-EMSGSIZE, STATUS_RESOURCE_EXHAUSTED, "a record is larger than frame_size_max"},
	{-ENOMEM, STATUS_RESOURCE_EXHAUSTED, "out of memory"},
};

static struct timespec stall_deadline(void)
{
	struct timespec deadline;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += SNAPSHOT_STALL_MS / 1000;
	return deadline;
}

static void post(struct snapshot *snapshot)
{
	if (snapshot->is_posted)
		return;
	snapshot->is_posted = true;
	mailbox_post(&snapshot->job->worker->mailbox, &snapshot->mail);
}

// Waits until fewer than `max` chunks are waiting for the receiver. -ETIME, -ECANCELED.
static int wait_for_room(struct snapshot *snapshot, uint32_t max)
{
	const struct timespec deadline = stall_deadline();
	int result = 0;
	while (snapshot->count >= max && !snapshot->cancelled && result == 0)
		result = pthread_cond_timedwait(&snapshot->taken, &snapshot->lock, &deadline) == ETIMEDOUT ? -ETIME : 0;
	return snapshot->cancelled ? -ECANCELED : result;
}

// Gives the worker the chunk being filled.
static int hand_over(struct snapshot *snapshot, uint32_t max)
{
	struct chunk *chunk = snapshot->filling;
	if (chunk == NULL)
		return 0;
	pthread_mutex_lock(&snapshot->lock);
	const int result = wait_for_room(snapshot, max);
	if (result == 0) {
		if (snapshot->first == NULL)
			snapshot->first = chunk;
		else
			snapshot->last->next = chunk;
		snapshot->last = chunk;
		snapshot->count++;
		snapshot->filling = NULL;
		post(snapshot);
	}
	pthread_mutex_unlock(&snapshot->lock);
	return result;
}

static int make_room(struct snapshot *snapshot, size_t size)
{
	if (snapshot->filling != NULL && snapshot->filling->capacity - snapshot->filling->size >= size)
		return 0;
	const int result = hand_over(snapshot, SNAPSHOT_CHUNKS_MAX);
	if (result != 0)
		return result;
	const size_t capacity = size > SNAPSHOT_CHUNK_SIZE ? size : SNAPSHOT_CHUNK_SIZE;
	struct chunk *chunk = malloc(sizeof(*chunk) + capacity);
	if (chunk == NULL)
		return -ENOMEM;
	*chunk = (struct chunk){.capacity = capacity};
	snapshot->filling = chunk;
	return 0;
}

static int add_frame(struct snapshot *snapshot, enum frame_kind kind, uint8_t status, struct bytes body)
{
	const struct frame frame = {
		.kind = kind,
		.status = status,
		.method = METHOD_SNAPSHOT,
		.request_id = snapshot->job->request_id,
		.body = body,
	};
	if (FRAME_LENGTH_MIN + body.size > snapshot->service->frame_size_max)
		return -EMSGSIZE;
	const int result = make_room(snapshot, FRAME_HEADER_SIZE + body.size);
	if (result != 0)
		return result;
	struct chunk *chunk = snapshot->filling;
	frame_write_header(chunk->data + chunk->size, &frame);
	if (body.size > 0)
		memcpy(chunk->data + chunk->size + FRAME_HEADER_SIZE, body.data, body.size);
	chunk->size += FRAME_HEADER_SIZE + body.size;
	return 0;
}

static int on_record(void *context, const struct record *record)
{
	struct snapshot *snapshot = context;
	struct service *service = snapshot->service;
	struct bytes body;
	if (atomic_load_explicit(&snapshot->cancelled, memory_order_relaxed))
		return -ECANCELED;
	if (atomic_load_explicit(&service->stopping, memory_order_relaxed))
		return -ESHUTDOWN;
	if (clock_monotonic_ms() - snapshot->started_ms >= atomic_load(&service->snapshot_timeout_ms))
		return -ETIMEDOUT;
	arena_reset(&snapshot->frames);
	const int result = codec_encode(&schema_record, record, &snapshot->frames, &body);
	return result ? result : add_frame(snapshot, FRAME_STREAM_ITEM, STATUS_OK, body);
}

static void fill_fault(int error, struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (ends[i].error == error)
			fault_set(fault, ends[i].code, NULL, "%s", ends[i].message);
	}
	fault_set(fault, STATUS_INTERNAL, NULL, "internal error: %s", strerror(-error));
}

// The end of the stream: an empty body, or an Error.
static void add_end(struct snapshot *snapshot, int error, struct fault *fault)
{
	struct bytes body = {0};
	arena_reset(&snapshot->frames);
	// The end has its place whether or not the receiver takes what is before it.
	(void)hand_over(snapshot, UINT32_MAX);
	if (error != 0) {
		fill_fault(error, fault);
		if (codec_encode_fault(fault, &snapshot->frames, &body) != 0)
			body.size = 0;
	}
	(void)add_frame(snapshot, FRAME_STREAM_END, (uint8_t)fault->code, body);
}

// The listing lives on this thread alone: making and ending its reader waits for the writer, who waits for workers.
static int walk(struct snapshot *snapshot, struct fault *fault)
{
	struct listing *listing;
	uint64_t revision;
	int result = listing_create(snapshot->service->snapshots->store, &listing);
	if (result != 0)
		return result;
	listing_set_give_way(listing, service_is_answering, snapshot->service);
	result = listing_snapshot(listing, &revision, on_record, snapshot, fault);
	listing_destroy(listing);
	return result;
}

static void *snapshot_run(void *argument)
{
	struct snapshot *snapshot = argument;
	struct fault fault = {0};
	(void)setpriority(PRIO_PROCESS, 0, LISTER_NICE); // best effort: a sandbox may forbid it
	const int result = walk(snapshot, &fault);
	if (result != -ECANCELED)
		add_end(snapshot, result, &fault);
	(void)hand_over(snapshot, UINT32_MAX);
	pthread_mutex_lock(&snapshot->lock);
	snapshot->finished = true;
	post(snapshot);
	pthread_mutex_unlock(&snapshot->lock);
	return NULL;
}

// ---------------------------------------------------------------- the worker's side

static struct snapshot **find_link(struct session *session, const struct snapshot *snapshot)
{
	struct snapshot **link = &session->snapshot;
	while (*link != NULL && *link != snapshot)
		link = &(*link)->next;
	return link;
}

static struct chunk *take_chunk(struct snapshot *snapshot)
{
	pthread_mutex_lock(&snapshot->lock);
	struct chunk *chunk = snapshot->first;
	if (chunk != NULL) {
		snapshot->first = chunk->next;
		snapshot->count--;
		pthread_cond_signal(&snapshot->taken);
	}
	pthread_mutex_unlock(&snapshot->lock);
	return chunk;
}

static void free_snapshot(struct snapshot *snapshot)
{
	struct chunk *chunk;
	while ((chunk = take_chunk(snapshot)) != NULL)
		free(chunk);
	free(snapshot->filling);
	arena_finish(&snapshot->frames);
	pthread_cond_destroy(&snapshot->taken);
	pthread_mutex_destroy(&snapshot->lock);
	if (!snapshot->cancelled)
		atomic_fetch_sub(&snapshot->service->snapshots->count, 1);
	free(snapshot);
}

// After the last chunk, or when the connection is gone.
static void end_snapshot(struct snapshot *snapshot)
{
	struct job *job = snapshot->job;
	struct conn *conn = conn_find(job->worker->conns, job->conn);
	pthread_join(snapshot->thread, NULL);
	if (conn != NULL) {
		struct snapshot **link = find_link(conn_session(conn), snapshot);
		*link = snapshot->next;
	}
	free_snapshot(snapshot);
	job_end(job);
}

static void append_chunk(struct conn *conn, struct chunk *chunk)
{
	char *room = conn_reserve(conn, chunk->size);
	if (room != NULL) {
		memcpy(room, chunk->data, chunk->size);
		conn_commit(conn, chunk->size);
	}
	free(chunk);
}

// Moves chunks while the connection takes them. True: that was the last one, and no mail is on its way any more.
static bool pump(struct snapshot *snapshot, struct conn *conn)
{
	struct chunk *chunk;
	while (conn_output_size(conn) < SNAPSHOT_OUTPUT_MAX && (chunk = take_chunk(snapshot)) != NULL)
		append_chunk(conn, chunk);
	pthread_mutex_lock(&snapshot->lock);
	const bool is_empty = snapshot->first == NULL;
	const bool is_over = is_empty && snapshot->finished && !snapshot->is_posted;
	pthread_mutex_unlock(&snapshot->lock);
	if (!is_empty)
		conn_want_room(conn, SNAPSHOT_OUTPUT_MAX / 2);
	return is_over;
}

static void on_mail(struct mail *mail)
{
	struct snapshot *snapshot = (struct snapshot *)((char *)mail - offsetof(struct snapshot, mail));
	struct conn *conn = conn_find(snapshot->job->worker->conns, snapshot->job->conn);
	pthread_mutex_lock(&snapshot->lock);
	snapshot->is_posted = false;
	const bool is_finished = snapshot->finished;
	pthread_mutex_unlock(&snapshot->lock);
	if (conn != NULL ? pump(snapshot, conn) : is_finished)
		end_snapshot(snapshot);
}

void snapshots_room(struct session *session, struct conn *conn)
{
	for (struct snapshot *snapshot = session->snapshot, *next; snapshot != NULL; snapshot = next) {
		next = snapshot->next;
		if (pump(snapshot, conn))
			end_snapshot(snapshot);
	}
}

// Their places are free at once: the threads end with the next record, and their last mail ends the jobs. A thread that
// has ended already, with chunks the receiver did not take, sends none any more: that is done here.
void snapshots_cancel(struct session *session)
{
	for (struct snapshot *snapshot = session->snapshot; snapshot != NULL; snapshot = snapshot->next) {
		pthread_mutex_lock(&snapshot->lock);
		snapshot->cancelled = true;
		atomic_fetch_sub(&snapshot->service->snapshots->count, 1);
		pthread_cond_signal(&snapshot->taken);
		if (snapshot->finished)
			post(snapshot);
		pthread_mutex_unlock(&snapshot->lock);
	}
	session->snapshot = NULL;
}

// ---------------------------------------------------------------- the start

static int admit(struct snapshots *snapshots, struct fault *fault)
{
	if (atomic_fetch_add(&snapshots->count, 1) < SNAPSHOTS_MAX)
		return 0;
	atomic_fetch_sub(&snapshots->count, 1);
	fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "%d snapshots are under way already", SNAPSHOTS_MAX);
	fault->retry_after_ms = 1000;
	return -EAGAIN;
}

static void init_sync(struct snapshot *snapshot)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&snapshot->taken, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&snapshot->lock, NULL);
}

int method_snapshot(struct job *job)
{
	struct service *service = job->worker->service;
	int result = admit(service->snapshots, &job->store.fault);
	if (result != 0)
		return result;
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (snapshot == NULL) {
		atomic_fetch_sub(&service->snapshots->count, 1);
		return -ENOMEM;
	}
	snapshot->job = job;
	snapshot->service = service;
	snapshot->mail.deliver = on_mail;
	snapshot->started_ms = clock_monotonic_ms();
	arena_init(&snapshot->frames, SNAPSHOT_ARENA_CHUNK, SNAPSHOT_ARENA_BUDGET);
	init_sync(snapshot);
	result = -pthread_create(&snapshot->thread, NULL, snapshot_run, snapshot);
	if (result != 0) {
		free_snapshot(snapshot);
		return result;
	}
	struct session *session = conn_session(conn_find(job->worker->conns, job->conn));
	snapshot->next = session->snapshot;
	session->snapshot = snapshot;
	return 0;
}
