// SPDX-License-Identifier: Apache-2.0
// A client's TLS on a connected, non-blocking socket, which stays its owner's: like send(2) and recv(2). On one thread.
// Whoever waits with poll(2) or the like: for input always, for output while tls_stream_has_output(), and not at all
// while tls_stream_has_input().
#pragma once

#include "tls/tls.h"

struct tls_stream;

// `host`: see tls_engine_create(). -ENOMEM, -EINVAL.
MUST_CHECK int tls_stream_create(struct tls_context *context, const char *host, int fd, struct tls_stream **ret_stream);
// Says goodbye if the socket takes it now. NULL is fine.
void tls_stream_destroy(struct tls_stream *stream);

// Goes on with the handshake. 0: it is complete; -EAGAIN: wait; -EBADMSG: tls_engine_why(); -ECONNRESET: the peer
// closed the connection; -ENOMEM; of the socket.
MUST_CHECK int tls_stream_shake(struct tls_stream *stream);

// How many plain bytes it took (they are on their way then, though not all may have left yet), at most a record's
// worth; -EAGAIN: the socket takes none now; -EBADMSG, -ENOMEM; of the socket. After the handshake.
MUST_CHECK ssize_t tls_stream_send(struct tls_stream *stream, struct bytes plain);
// Sends what has not left yet. 0, -EAGAIN; of the socket.
MUST_CHECK int tls_stream_flush(struct tls_stream *stream);
bool tls_stream_has_output(const struct tls_stream *stream);

// How many plain bytes; 0: the peer ended the connection, in order or not; -EAGAIN: none now; -EBADMSG, -ENOMEM; of the
// socket.
MUST_CHECK ssize_t tls_stream_receive(struct tls_stream *stream, char *ret_plain, size_t size);
// Whether the next tls_stream_receive() finds something without the socket.
bool tls_stream_has_input(const struct tls_stream *stream);

// For what it says of the peer and of failures.
const struct tls_engine *tls_stream_engine(const struct tls_stream *stream);
