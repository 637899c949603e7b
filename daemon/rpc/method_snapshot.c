// SPDX-License-Identifier: Apache-2.0
// Snapshot: every record at one revision, as a stream. A thread of its own walks the store and fills chunks of frames.
// The walk holds the database back, so it is given up when the receiver makes no progress, when it lasts too long, and
// when the daemon stops.
#include "base/clock.h"
#include "base/thread.h"
#include "daemon/rpc/rpc.h"
#include "daemon/rpc/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	SNAPSHOT_ARENA_CHUNK = 16 * 1024,
	SNAPSHOT_ARENA_BUDGET = 32 * 1024 * 1024,
	SNAPSHOT_END_CHUNK = 1024,
};

struct snapshots {
	struct store *store;
	_Atomic uint32_t count;
};

struct snapshot_chunk {
	struct chunk chunk;
	size_t capacity;
	char data[];
};

struct snapshot {
	struct stream stream;
	struct service *service;
	pthread_t thread;

	struct snapshot_chunk *filling; // the thread's, as are the rest
	struct arena frames;
	struct arena end; // texts of the stream's end
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

static void release_chunk(struct chunk *chunk)
{
	free((char *)chunk - offsetof(struct snapshot_chunk, chunk));
}

// Gives the worker the chunk being filled.
static int hand_over(struct snapshot *snapshot, uint32_t max)
{
	struct snapshot_chunk *chunk = snapshot->filling;
	if (chunk == NULL)
		return 0;
	const int result = stream_wait(&snapshot->stream, max, SNAPSHOT_STALL_MS);
	if (result == 0) {
		snapshot->filling = NULL;
		stream_put(&snapshot->stream, &chunk->chunk);
	}
	return result;
}

static int make_room(struct snapshot *snapshot, size_t size)
{
	if (snapshot->filling != NULL && snapshot->filling->capacity - snapshot->filling->chunk.frames.size >= size)
		return 0;
	const int result = hand_over(snapshot, SNAPSHOT_CHUNKS_MAX);
	if (result != 0)
		return result;
	const size_t capacity = size > SNAPSHOT_CHUNK_SIZE ? size : SNAPSHOT_CHUNK_SIZE;
	struct snapshot_chunk *chunk = malloc(sizeof(*chunk) + capacity);
	if (chunk == NULL)
		return -ENOMEM;
	chunk->chunk = (struct chunk){.frames = {.data = chunk->data}, .release = release_chunk};
	chunk->capacity = capacity;
	snapshot->filling = chunk;
	return 0;
}

static int add_frame(struct snapshot *snapshot, enum frame_kind kind, uint8_t status, struct bytes body)
{
	const struct frame frame = {
		.kind = kind,
		.status = status,
		.method = METHOD_SNAPSHOT,
		.request_id = snapshot->stream.job->request_id,
		.body = body,
	};
	if (FRAME_LENGTH_MIN + body.size > snapshot->service->frame_size_max)
		return -EMSGSIZE;
	const int result = make_room(snapshot, FRAME_HEADER_SIZE + body.size);
	if (result != 0)
		return result;
	struct bytes *frames = &snapshot->filling->chunk.frames;
	char *end = snapshot->filling->data + frames->size;
	frame_write_header(end, &frame);
	if (body.size > 0)
		memcpy(end + FRAME_HEADER_SIZE, body.data, body.size);
	frames->size += FRAME_HEADER_SIZE + body.size;
	return 0;
}

static int on_record(void *context, const struct record *record)
{
	struct snapshot *snapshot = context;
	struct service *service = snapshot->service;
	struct bytes body;
	if (atomic_load_explicit(&snapshot->stream.is_cancelled, memory_order_relaxed))
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

// The end of the stream: what it was, or an Error.
static void add_end(struct snapshot *snapshot, int error, const struct snapshot_end *end, struct fault *fault)
{
	struct bytes body = {0};
	arena_reset(&snapshot->frames);
	if (error == 0)
		error = codec_encode(&schema_snapshot_end, end, &snapshot->frames, &body);
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
static int walk(struct snapshot *snapshot, struct snapshot_end *ret_end, struct fault *fault)
{
	const struct snapshot_request *request = snapshot->stream.job->request;
	const struct listing_walk walk = {
		.is_replica = request->replica, .each = on_record, .context = snapshot, .arena = &snapshot->end};
	struct listing *listing;
	int result = listing_create(snapshot->service->snapshots->store, &listing);
	if (result != 0)
		return result;
	listing_set_give_way(listing, service_is_answering, snapshot->service);
	result = listing_snapshot(listing, &walk, ret_end, fault);
	listing_destroy(listing);
	return result;
}

static void *snapshot_run(void *argument)
{
	struct snapshot *snapshot = argument;
	struct fault fault = {0};
	struct snapshot_end end;
	(void)setpriority(PRIO_PROCESS, 0, LISTER_NICE); // best effort: a sandbox may forbid it
	const int result = walk(snapshot, &end, &fault);
	if (result != -ECANCELED)
		add_end(snapshot, result, &end, &fault);
	(void)hand_over(snapshot, UINT32_MAX);
	stream_close(&snapshot->stream);
	return NULL;
}

// ---------------------------------------------------------------- the worker's side

static struct snapshot *snapshot_of(struct stream *stream)
{
	return (struct snapshot *)((char *)stream - offsetof(struct snapshot, stream));
}

static void free_snapshot(struct snapshot *snapshot)
{
	if (!snapshot->stream.is_cancelled)
		atomic_fetch_sub(&snapshot->service->snapshots->count, 1);
	stream_finish(&snapshot->stream);
	free(snapshot->filling);
	arena_finish(&snapshot->frames);
	arena_finish(&snapshot->end);
	free(snapshot);
}

// Its place is free at once; the thread ends with the next record.
static void on_cancel(struct stream *stream)
{
	atomic_fetch_sub(&snapshot_of(stream)->service->snapshots->count, 1);
}

static void on_over(struct stream *stream)
{
	struct snapshot *snapshot = snapshot_of(stream);
	pthread_join(snapshot->thread, NULL);
	free_snapshot(snapshot);
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
	snapshot->service = service;
	snapshot->stream.on_cancel = on_cancel;
	snapshot->stream.on_over = on_over;
	snapshot->started_ms = clock_monotonic_ms();
	arena_init(&snapshot->frames, SNAPSHOT_ARENA_CHUNK, SNAPSHOT_ARENA_BUDGET);
	arena_init(&snapshot->end, SNAPSHOT_END_CHUNK, SNAPSHOT_END_CHUNK);
	stream_init(&snapshot->stream, job);
	result = thread_start(&snapshot->thread, "evauthd-stream", snapshot_run, snapshot);
	if (result != 0) {
		free_snapshot(snapshot);
		return result;
	}
	stream_begin(&snapshot->stream);
	return 0;
}
