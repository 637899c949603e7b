// SPDX-License-Identifier: Apache-2.0
// Memory that dies in one call: bump allocation for one request, one change set, one page.
//
// The first chunk is kept over resets, so that a request that fits it costs no malloc. The budget bounds what
// hostile input can make us allocate: past it arena_alloc() answers NULL, and the caller refuses the request.
// Not thread-safe: one owner at a time.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
	char *next;                // first free byte of the current chunk
	char *end;                 // one past its last
	struct arena_chunk *chunk; // current; linked to the ones before it
	size_t first_chunk_size;
	size_t used;   // bytes handed out since the last reset
	size_t budget; // bytes
};

// Nothing is allocated until the first arena_alloc(). `first_chunk_size` bytes are kept over resets.
void arena_init(struct arena *arena, size_t first_chunk_size, size_t budget);
// Frees everything. The arena may be used again.
void arena_finish(struct arena *arena);
// Forgets everything handed out; keeps the first chunk.
void arena_reset(struct arena *arena);

// Aligned to 16 bytes, not zeroed. NULL when the budget or the memory is exhausted; never NULL for size 0.
MUST_CHECK void *arena_alloc(struct arena *arena, size_t size);
// Zeroed. NULL as above, and when count * size overflows.
MUST_CHECK void *arena_calloc(struct arena *arena, size_t count, size_t size);
// A terminated copy; data is NULL when out of memory.
struct bytes arena_copy(struct arena *arena, struct bytes source);
