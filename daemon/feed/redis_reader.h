// SPDX-License-Identifier: Apache-2.0
// hiredis' reader with limits: bytes in, replies out. What a server may make us hold is bounded in bytes and in
// objects, and what is not understood is an error.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "daemon/feed/redis_error.h"

#include <hiredis/hiredis.h>
#include <stddef.h>

enum { REDIS_LINE_MAX = 64 * 1024 }; // of a status, an error or a number

// In the caller's memory; must not move between init and finish.
struct redis_reader {
	redisReader *reader;
	redisReplyObjectFunctions functions;
	const redisReplyObjectFunctions *defaults;
	size_t reply_size_max, objects_max;
	size_t reply_size; // bytes that belong to the reply that is not complete, at most
	size_t objects;    // of that reply, so far
};

// -ENOMEM
MUST_CHECK int redis_reader_init(struct redis_reader *reader, size_t reply_size_max, size_t objects_max);
// Zeroed memory is fine.
void redis_reader_finish(struct redis_reader *reader);
// Any error is final: -ENOMEM, and -EMSGSIZE or -EPROTO.
MUST_CHECK int redis_reader_feed(struct redis_reader *reader, struct bytes input, struct redis_error *error);
// The next complete reply, the caller's to free with freeReplyObject(); NULL: none yet.
MUST_CHECK int redis_reader_next(struct redis_reader *reader, redisReply **ret_reply, struct redis_error *error);
