// SPDX-License-Identifier: Apache-2.0
// What went wrong with Redis: a negative errno for programs, a line of text for people.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

enum { REDIS_ERROR_TEXT_SIZE = 256 };

// The connection is gone:
//     -ECONNREFUSED -ENOENT (socket file) -EHOSTUNREACH …  as the system says
//     -ENXIO         the host name is unknown
//     -ETIMEDOUT     connecting, resolving, or an answer took too long
//     -ECONNRESET    reset
//     -EPIPE         closed by Redis
//     -EPROTO        an answer nobody asked for, or that means nothing: garbage, or not Redis
//     -EMSGSIZE      an answer larger than allowed
//     -EBADMSG       TLS: the handshake failed or the certificate is not accepted
// Redis answered with an error; the connection stays unless it was being set up:
//     -EAGAIN LOADING   -EBUSY BUSY   -ENOKEY NOAUTH   -EKEYREJECTED WRONGPASS   -EPERM NOPERM   -EROFS READONLY
//     -ENOSPC OOM   -EIO MISCONF   -ENOLINK NOREPLICAS   -ESRCH NOSCRIPT   -EXDEV MOVED, ASK, CLUSTERDOWN, CROSSSLOT
//     -EHOSTDOWN MASTERDOWN   -EMEDIUMTYPE WRONGTYPE   -EREMOTEIO everything else
// Redis answered, and an entry of the log is not as evauthd writes it; the connection stays:
//     -EUCLEAN
struct redis_error {
	int code;
	char text[REDIS_ERROR_TEXT_SIZE]; // printable
};

// From an error reply ("NOAUTH Authentication required.").
void redis_error_from_reply(struct redis_error *error, struct bytes line);
PRINTF_LIKE(3, 4) void redis_error_set(struct redis_error *error, int code, const char *format, ...);
