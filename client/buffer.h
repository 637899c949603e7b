// SPDX-License-Identifier: Apache-2.0
// A queue of bytes that grows: what came from the socket, what is still to go.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

struct buffer {
	char *data;
	size_t begin; // first byte in the queue
	size_t end;   // one past its last
	size_t capacity;
};

static inline size_t buffer_size(const struct buffer *buffer)
{
	return buffer->end - buffer->begin;
}

// What is in the queue, until the next buffer_reserve() or buffer_append().
static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
	return (struct bytes){.data = buffer->data + buffer->begin, .size = buffer_size(buffer)};
}

// Room for `size` bytes at data + end. -ENOMEM.
MUST_CHECK int buffer_reserve(struct buffer *buffer, size_t size);
// Copies `source` to the end. -ENOMEM.
MUST_CHECK int buffer_append(struct buffer *buffer, struct bytes source);
// Takes `size` bytes off the front.
void buffer_consume(struct buffer *buffer, size_t size);
void buffer_clear(struct buffer *buffer);
// Frees; empty afterwards.
void buffer_finish(struct buffer *buffer);
