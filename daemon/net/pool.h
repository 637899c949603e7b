// SPDX-License-Identifier: Apache-2.0
// Buffers of one loop: connections take one when they have bytes to keep and give it back when they have none, so
// that idle connections own no memory and busy ones do not call malloc. Sizes are powers of two. The loop's thread.
#pragma once

#include "base/check.h"

#include <stddef.h>

enum {
	POOL_SIZE_MIN = 16 * 1024,        // smallest buffer
	POOL_SIZE_MAX = 1024 * 1024,      // larger ones are not kept
	POOL_KEPT_MAX = 16 * 1024 * 1024, // bytes kept for later
	POOL_CLASSES = 7,
};

struct pool_buffer;

struct pool {
	struct pool_buffer *kept[POOL_CLASSES];
	size_t kept_bytes;
};

void pool_init(struct pool *pool);
void pool_finish(struct pool *pool);
// A buffer of at least `size` bytes; *ret_size is how many it has. NULL when out of memory.
MUST_CHECK char *pool_take(struct pool *pool, size_t size, size_t *ret_size);
// `size` as pool_take() said. NULL is fine.
void pool_give(struct pool *pool, char *buffer, size_t size);
