// SPDX-License-Identifier: Apache-2.0
// Watch: the changes as a stream, between the subscriptions of daemon/notify and a connection.
#include "daemon/notify/notifier.h"
#include "daemon/rpc/rpc.h"
#include "daemon/rpc/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	END_FRAME_MAX = 1024, // a fault has less than 400 bytes of text
	END_ARENA_SIZE = 4096,
};

struct watch {
	struct stream stream;
	struct subscription subscription;
	// Here from the start, so that no stream goes without its end.
	struct chunk end;
	char end_frame[END_FRAME_MAX];
};

// A block in the queue of one subscriber.
struct watch_chunk {
	struct chunk chunk;
	struct event_block *block;
};

// ---------------------------------------------------------------- the notifier's thread

static struct watch *watch_of(struct subscription *subscription)
{
	return (struct watch *)((char *)subscription - offsetof(struct watch, subscription));
}

static void release_block(struct chunk *chunk)
{
	struct watch_chunk *shared = (struct watch_chunk *)((char *)chunk - offsetof(struct watch_chunk, chunk));
	event_block_release(shared->block);
	free(shared);
}

static int on_block(struct subscription *subscription, struct event_block *block)
{
	struct watch_chunk *shared = malloc(sizeof(*shared));
	if (shared == NULL)
		return -ENOMEM;
	event_block_acquire(block);
	shared->block = block;
	shared->chunk = (struct chunk){
		.frames = {.data = block->frames, .size = block->size}, .lacks_id = true, .release = release_block};
	stream_put(&watch_of(subscription)->stream, &shared->chunk);
	return 0;
}

static void release_end(struct chunk *chunk)
{
	(void)chunk;
}

static void put_end(struct watch *watch, const struct fault *fault)
{
	struct frame frame = {.kind = FRAME_STREAM_END,
			      .status = (uint8_t)fault->code,
			      .method = METHOD_WATCH,
			      .request_id = watch->stream.job->request_id};
	struct arena arena;
	arena_init(&arena, END_ARENA_SIZE, END_ARENA_SIZE);
	// Without memory the status alone has to do.
	if (codec_encode_fault(fault, &arena, &frame.body) != 0 || frame.body.size > END_FRAME_MAX - FRAME_HEADER_SIZE)
		frame.body = (struct bytes){0};
	frame_write_header(watch->end_frame, &frame);
	if (frame.body.size > 0)
		memcpy(watch->end_frame + FRAME_HEADER_SIZE, frame.body.data, frame.body.size);
	arena_finish(&arena);
	watch->end = (struct chunk){
		.frames = {.data = watch->end_frame, .size = FRAME_HEADER_SIZE + frame.body.size},
		.release = release_end,
	};
	stream_put(&watch->stream, &watch->end);
}

static void on_end(struct subscription *subscription, const struct fault *fault)
{
	struct watch *watch = watch_of(subscription);
	if (fault != NULL)
		put_end(watch, fault);
	stream_close(&watch->stream);
}

// ---------------------------------------------------------------- the worker

static struct watch *watch_of_stream(struct stream *stream)
{
	return (struct watch *)((char *)stream - offsetof(struct watch, stream));
}

// Somebody who sends nothing more mostly has closed, and whether it has shows only when something is sent to it.
static void unsubscribe(struct stream *stream)
{
	notifier_unsubscribe(&watch_of_stream(stream)->subscription);
}

static void on_taken(struct stream *stream, size_t size)
{
	notifier_taken(&watch_of_stream(stream)->subscription, size);
}

static void on_over(struct stream *stream)
{
	stream_finish(stream);
	free(watch_of_stream(stream));
}

int method_watch(struct job *job)
{
	const struct watch_request *request = job->request;
	struct watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		return -ENOMEM;
	watch->stream.on_input_end = watch->stream.on_cancel = unsubscribe;
	watch->stream.on_taken = on_taken;
	watch->stream.on_over = on_over;
	watch->subscription.after = request->after_revision;
	watch->subscription.on_block = on_block;
	watch->subscription.on_end = on_end;
	stream_init(&watch->stream, job);
	const int result = notifier_subscribe(job->worker->service->notifier, &watch->subscription);
	if (result != 0) {
		fault_set(&job->store.fault, STATUS_RESOURCE_EXHAUSTED, NULL, "%d watch already", WATCHERS_MAX);
		job->store.fault.retry_after_ms = 1000;
		on_over(&watch->stream);
		return result;
	}
	stream_begin(&watch->stream);
	return 0;
}
