// SPDX-License-Identifier: Apache-2.0
// Answers about the log as structs. Strict in what this program wrote: a known field that is missing, malformed or
// there twice is -EUCLEAN, with an error that names the entry; unknown fields are skipped. What is no answer to the
// question is -EPROTO. Bytes are borrowed from the reply.
#pragma once

#include "base/check.h"
#include "daemon/feed/redis_log.h"

#include <hiredis/hiredis.h>

// An entry as XRANGE gives it: id and fields. Without `has_body`, the field body may be missing.
MUST_CHECK int redis_parse_entry(const redisReply *reply, bool has_body, struct redis_log_entry *ret_entry,
				 struct redis_error *error);
// The answer of head.lua, asked about `revision`. A damaged entry is no error here: see redis_log_head.
MUST_CHECK int redis_parse_head(const redisReply *reply, uint64_t revision, struct redis_log_head *ret_head,
				struct redis_error *error);
// The answer of append.lua and begin.lua. A damaged head is zero in it.
MUST_CHECK int redis_parse_written(const redisReply *reply, struct redis_log_written *ret_written,
				   struct redis_error *error);
// The answer of XRANGE after revision `after`: at most `max` entries, ascending. Returns how many: those
// before a damaged one, -EUCLEAN if that is the first.
MUST_CHECK int redis_parse_range(const redisReply *reply, uint64_t after, struct redis_log_entry *ret_entries,
				 size_t max, struct redis_error *error);
// An integer of at least 0.
MUST_CHECK int redis_parse_count(const redisReply *reply, uint32_t *ret_count, struct redis_error *error);
