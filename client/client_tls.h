// SPDX-License-Identifier: Apache-2.0
// A client's side of TLS: its files, read again when they have changed, and what went wrong, in words that name them.
#pragma once

#include "client/address.h"
#include "client/evauth.h"
#include "tls/stream.h"

struct client_tls;

// `address` is a tls: one; what is given is copied. -EINVAL (files that cannot be read or do not fit), -ENOMEM.
// `resumes`: connections take up the session of the one before.
MUST_CHECK int client_tls_create(const struct evauth_tls *settings, const struct address *address, bool resumes,
				 struct client_tls **ret_tls, struct fault *fault);
// After its streams. NULL is fine.
void client_tls_destroy(struct client_tls *tls);

// A stream on a connected socket, whose handshake has not begun. Any thread, but not beside client_tls_open().
// -ENOMEM, -EINVAL.
MUST_CHECK int client_tls_begin(struct client_tls *tls, int fd, struct tls_stream **ret_stream, struct fault *fault);
// The same, with files read anew if they have changed, and the handshake done. -ETIMEDOUT; -ECONNABORTED: the server
// closed the connection; -EKEYREJECTED: one side does not accept the other; -EPROTO: that is no TLS; -ENOMEM; of the
// socket.
MUST_CHECK int client_tls_open(struct client_tls *tls, int fd, uint64_t deadline_ms, struct tls_stream **ret_stream,
			       struct fault *fault);
// Why a stream's handshake failed with `error`, as client_tls_open() returns it. A server refuses us after our half of
// the handshake: reading is the first to hear of it.
int client_tls_fail(const struct client_tls *tls, const struct tls_stream *stream, int error, struct fault *fault);
