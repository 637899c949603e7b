// SPDX-License-Identifier: Apache-2.0
// One connection to a daemon: frames out, frames in, on a non-blocking socket, plain or with TLS, and poll(2). Knows
// nothing of messages. Times are deadlines on the monotonic clock, in milliseconds.
#pragma once

#include "client/address.h"
#include "client/buffer.h"
#include "proto/frame.h"

struct client_tls;
struct tls_stream;

struct transport {
	int fd;                    // -1: not connected
	struct client_tls *tls;    // borrowed; NULL: plain
	struct tls_stream *stream; // on fd
	bool has_heard;            // the peer has sent something for us: it has let us in
	struct buffer in;
	struct buffer out;
	uint64_t bytes_sent;     // of frames, taken by the kernel or by TLS since the connection was made
	uint32_t frame_size_max; // of frames received
};

void transport_init(struct transport *transport, struct client_tls *tls, uint32_t frame_size_max);
// Closes and frees.
void transport_finish(struct transport *transport);

// See address_connect() and client_tls_open(). Must be closed.
MUST_CHECK int transport_connect(struct transport *transport, const struct address *address, uint64_t deadline_ms,
				 struct fault *fault);
// Forgets what was not sent and not read. Closed already: fine.
void transport_close(struct transport *transport);
static inline bool transport_is_open(const struct transport *transport)
{
	return transport->fd >= 0;
}
// With nothing outstanding: the peer has closed, or sent what nobody asked for.
bool transport_is_stale(const struct transport *transport);

// Puts a request at the end of what is to be sent. -ENOMEM.
MUST_CHECK int transport_queue(struct transport *transport, const struct frame *frame);
// Sends what the kernel takes now. A broken connection shows when it is read from: a daemon that refuses us says why
// before it closes.
void transport_send_some(struct transport *transport);
// The next frame, waiting for it and sending meanwhile; its body is valid until the next call of any function here.
// -ETIMEDOUT, -ECONNRESET, -EPROTO (not a frame of ours), -EKEYREJECTED (TLS: the peer does not let us in), -ENOMEM.
// Does not close.
MUST_CHECK int transport_receive(struct transport *transport, uint64_t deadline_ms, struct frame *ret_frame,
				 struct fault *fault);
