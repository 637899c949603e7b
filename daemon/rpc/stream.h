// SPDX-License-Identifier: Apache-2.0
// Streams: answers of many frames. Another thread puts chunks of frames in; the worker moves them into the connection
// as it takes them. Snapshot and Watch embed one; what makes their frames is their own business.
//
//     stream_begin() -> stream_put() ... stream_close() -> everything moved, or the connection is gone -> on_over()
//
// Private to this folder.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "daemon/net/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>

struct conn;
struct job;
struct session;

enum { STREAM_OUTPUT_MAX = 64 * 1024 }; // of the connection, before the next chunk goes into it

struct chunk {
	struct chunk *next;
	struct bytes frames; // whole ones
	bool lacks_id;       // the frames are shared: the worker gives its copy the request id of the stream
	void (*release)(struct chunk *chunk);
};

struct stream {
	struct job *job;
	struct stream *next; // of the same session
	struct mail mail;

	pthread_mutex_t lock; // for these:
	pthread_cond_t taken;
	struct chunk *first, *last;
	uint32_t count;
	bool is_posted; // the mail is on its way
	bool is_closed; // nothing more is put in

	_Atomic bool is_cancelled; // the receiver is gone; whoever puts chunks in should soon close

	// All on the worker's thread; the first three may be NULL.
	void (*on_input_end)(struct stream *stream); // the receiver sends nothing more, and may be gone
	void (*on_cancel)(struct stream *stream);    // the receiver is gone; with the lock
	void (*on_taken)(struct stream *stream, size_t size);
	void (*on_over)(struct stream *stream); // last: the memory is the owner's again. The job is ended after this
};

// `stream->on_*` are set already.
void stream_init(struct stream *stream, struct job *job);
// Of one that was not begun, or in on_over().
void stream_finish(struct stream *stream);
// From now on the job is the stream's, and it hears of its connection. The worker's thread.
void stream_begin(struct stream *stream);

// One other thread, each of these:
// Takes the chunk, which may be released at once when the receiver is gone.
void stream_put(struct stream *stream, struct chunk *chunk);
// Waits until fewer than `chunks_max` are waiting for the receiver. -ETIME: it took none for `stall_ms`; -ECANCELED: it
// is gone; -ESHUTDOWN: the daemon is stopping.
MUST_CHECK int stream_wait(struct stream *stream, uint32_t chunks_max, uint32_t stall_ms);
// The last thing that thread does with it.
void stream_close(struct stream *stream);

// session.c: the connection of these has room for more, sends nothing more, or is gone.
void streams_room(struct session *session, struct conn *conn);
void streams_input_end(struct session *session);
void streams_cancel(struct session *session);
