// SPDX-License-Identifier: Apache-2.0
// An outgoing connection as a stream of bytes (we dial): finds the host, connects by TCP (each address in turn) or Unix
// socket, speaks TLS if asked to. What the bytes mean is the owner's business; so are time-outs once it is open. On the
// loop's thread.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "daemon/net/loop.h"

#include <stddef.h>
#include <stdint.h>

struct dial;
struct tls_context;

// Texts are copied.
struct dial_target {
	const char *unix_path; // not NULL nor empty: this, else host and port
	const char *host;
	uint16_t port;
	struct tls_context *tls;  // NULL: plain
	uint32_t open_timeout_ms; // until on_open()
	uint32_t user_timeout_ms; // what was sent must be acknowledged by the peer's kernel within (TCP_USER_TIMEOUT)
	size_t output_max;        // bytes that may wait to be sent
};

struct dial_handler {
	void (*on_open)(void *context);
	void (*on_input)(void *context, struct bytes input);
	// Once, the connection is dead then and has to be closed. -EPIPE: the peer closed it; -ETIMEDOUT: it did not
	// open in time; -ENXIO: the host is unknown; -EBADMSG: TLS, `why` says more; other negative errno of the
	// system.
	void (*on_end)(void *context, int error, const char *why);
	void *context;
};

// Never calls back before it returns. -ENOMEM, -EINVAL (no host, a path too long).
MUST_CHECK int dial_open(struct loop *loop, const struct dial_target *target, const struct dial_handler *handler,
			 struct dial **ret_stream);
// At once, also within a callback; none comes afterwards. What was not sent is lost. NULL is fine.
void dial_close(struct dial *dial);
// What is written in one turn of the loop is sent together. -ENOTCONN: not open; -ENOBUFS: more than output_max;
// -ENOMEM; -EBADMSG. Nothing was taken then.
MUST_CHECK int dial_write(struct dial *dial, struct bytes output);
