// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/stream.h"

#include "base/clock.h"
#include "daemon/rpc/rpc.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { WAIT_SLICE_MS = 50 }; // between looks at whether the daemon is stopping

static void on_mail(struct mail *mail);

void stream_init(struct stream *stream, struct job *job)
{
	pthread_condattr_t attributes;
	stream->job = job;
	stream->mail.deliver = on_mail;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&stream->taken, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&stream->lock, NULL);
}

static struct chunk *take_chunk(struct stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	struct chunk *chunk = stream->first;
	if (chunk != NULL) {
		stream->first = chunk->next;
		stream->count--;
		pthread_cond_signal(&stream->taken);
	}
	pthread_mutex_unlock(&stream->lock);
	return chunk;
}

void stream_finish(struct stream *stream)
{
	struct chunk *chunk;
	while ((chunk = take_chunk(stream)) != NULL)
		chunk->release(chunk);
	pthread_cond_destroy(&stream->taken);
	pthread_mutex_destroy(&stream->lock);
}

void stream_begin(struct stream *stream)
{
	struct job *job = stream->job;
	struct session *session = conn_session(conn_find(job->worker->conns, job->conn));
	stream->next = session->stream;
	session->stream = stream;
	counters_add_answer(&job->worker->counters, dispatch_number(job->method), STATUS_OK);
}

// ---------------------------------------------------------------- the other thread

// With the lock.
static void post(struct stream *stream)
{
	if (stream->is_posted)
		return;
	stream->is_posted = true;
	mailbox_post(&stream->job->worker->mailbox, &stream->mail);
}

void stream_put(struct stream *stream, struct chunk *chunk)
{
	chunk->next = NULL;
	pthread_mutex_lock(&stream->lock);
	if (stream->first == NULL)
		stream->first = chunk;
	else
		stream->last->next = chunk;
	stream->last = chunk;
	stream->count++;
	post(stream);
	pthread_mutex_unlock(&stream->lock);
}

static struct timespec slice_end(void)
{
	const uint64_t end_ns = clock_monotonic_ns() + WAIT_SLICE_MS * 1000000ull;
	return (struct timespec){.tv_sec = (time_t)(end_ns / 1000000000u), .tv_nsec = (long)(end_ns % 1000000000u)};
}

int stream_wait(struct stream *stream, uint32_t chunks_max, uint32_t stall_ms)
{
	const uint64_t deadline_ms = clock_monotonic_ms() + stall_ms;
	int result = 0;
	pthread_mutex_lock(&stream->lock);
	while (stream->count >= chunks_max && !stream->is_cancelled && result == 0) {
		const struct timespec end = slice_end();
		if (atomic_load_explicit(&stream->job->worker->service->stopping, memory_order_relaxed))
			result = -ESHUTDOWN;
		else if (clock_monotonic_ms() >= deadline_ms)
			result = -ETIME;
		else
			(void)pthread_cond_timedwait(&stream->taken, &stream->lock, &end);
	}
	pthread_mutex_unlock(&stream->lock);
	return stream->is_cancelled ? -ECANCELED : result;
}

void stream_close(struct stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->is_closed = true;
	post(stream);
	pthread_mutex_unlock(&stream->lock);
}

// ---------------------------------------------------------------- the worker

// After the last chunk, or when the connection is gone.
static void end_stream(struct stream *stream, struct conn *conn)
{
	struct job *job = stream->job;
	if (conn != NULL) {
		struct stream **link = &((struct session *)conn_session(conn))->stream;
		while (*link != stream)
			link = &(*link)->next;
		*link = stream->next;
	}
	stream->on_over(stream);
	job_end(job);
}

static void move_chunk(struct stream *stream, struct conn *conn, struct chunk *chunk)
{
	const size_t size = chunk->frames.size;
	char *room = conn_reserve(conn, size);
	if (room != NULL) {
		memcpy(room, chunk->frames.data, size);
		if (chunk->lacks_id)
			frames_set_request_id(room, size, stream->job->request_id);
		conn_commit(conn, size);
	}
	chunk->release(chunk);
	if (stream->on_taken != NULL)
		stream->on_taken(stream, size);
}

// Moves chunks while the connection takes them. True: that was the last one, and no mail is on its way any more.
static bool pump(struct stream *stream, struct conn *conn)
{
	struct chunk *chunk;
	while (conn_output_size(conn) < STREAM_OUTPUT_MAX && (chunk = take_chunk(stream)) != NULL)
		move_chunk(stream, conn, chunk);
	pthread_mutex_lock(&stream->lock);
	const bool is_empty = stream->first == NULL;
	const bool is_over = is_empty && stream->is_closed && !stream->is_posted;
	pthread_mutex_unlock(&stream->lock);
	if (!is_empty)
		conn_want_room(conn, STREAM_OUTPUT_MAX / 2);
	return is_over;
}

static void on_mail(struct mail *mail)
{
	struct stream *stream = (struct stream *)((char *)mail - offsetof(struct stream, mail));
	struct conn *conn = conn_find(stream->job->worker->conns, stream->job->conn);
	pthread_mutex_lock(&stream->lock);
	stream->is_posted = false;
	const bool is_closed = stream->is_closed;
	pthread_mutex_unlock(&stream->lock);
	if (conn != NULL ? pump(stream, conn) : is_closed)
		end_stream(stream, conn);
}

void streams_room(struct session *session, struct conn *conn)
{
	for (struct stream *stream = session->stream, *next; stream != NULL; stream = next) {
		next = stream->next;
		if (pump(stream, conn))
			end_stream(stream, conn);
	}
}

void streams_input_end(struct session *session)
{
	for (struct stream *stream = session->stream; stream != NULL; stream = stream->next) {
		if (stream->on_input_end != NULL)
			stream->on_input_end(stream);
	}
}

// The other threads notice and close, and that last mail ends the jobs. One that has closed already, with chunks the
// receiver did not take, sends none any more: that is done here.
void streams_cancel(struct session *session)
{
	for (struct stream *stream = session->stream; stream != NULL; stream = stream->next) {
		pthread_mutex_lock(&stream->lock);
		stream->is_cancelled = true;
		pthread_cond_signal(&stream->taken);
		if (stream->is_closed)
			post(stream);
		if (stream->on_cancel != NULL)
			stream->on_cancel(stream);
		pthread_mutex_unlock(&stream->lock);
	}
	session->stream = NULL;
}
