// SPDX-License-Identifier: Apache-2.0
// The body of a log entry (LogBody of evauth.proto), put together from encoded change sets and cut apart again without
// decoding them. What is written here reads the same through the codec, and the other way round.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdint.h>

// The caller zeroes it. `data` is on the heap.
struct log_body_writer {
	char *data;
	size_t size;
	size_t capacity;
	size_t sets;
};

// Adds an encoded ChangeSet. -ENOSPC: ENTRY_SETS_MAX or COMMIT_BODIES_MAX (of all bytes of the body) would be exceeded;
// -ENOMEM. Nothing is added then.
MUST_CHECK int log_body_add(struct log_body_writer *writer, struct bytes set, uint32_t repeat_window_s);
// The heap's memory with the body becomes the caller's; the writer is as new.
struct bytes log_body_take(struct log_body_writer *writer);
void log_body_finish(struct log_body_writer *writer);

// Of one body: `rest` is what is still to be read.
struct log_body_reader {
	struct bytes rest;
	size_t sets; // read so far
};

struct log_body_set {
	struct bytes set; // an encoded ChangeSet; borrowed
	uint32_t repeat_window_s;
};

// The next set. 1, or 0 at the end. -EINVAL: malformed, too large, too many sets, or fields this version does not know.
MUST_CHECK int log_body_next(struct log_body_reader *reader, struct log_body_set *ret_set);
// Reads it to the end. -EINVAL as above, and for a body without sets.
MUST_CHECK int log_body_check(struct bytes body, size_t *ret_sets);
// Whether it is fields of protobuf at all, known or not: else no version of this program wrote it.
bool log_body_is_wire(struct bytes body);
