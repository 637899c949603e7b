// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { ARENA_ALIGNMENT = 16, ARENA_CHUNK_MAX = 1024 * 1024 };

struct arena_chunk {
	struct arena_chunk *previous; // NULL: the first one
	size_t size;
	_Alignas(ARENA_ALIGNMENT) char memory[];
};

void arena_init(struct arena *arena, size_t first_chunk_size, size_t budget)
{
	*arena = (struct arena){.first_chunk_size = first_chunk_size, .budget = budget};
}

static void arena_use(struct arena *arena, struct arena_chunk *chunk)
{
	arena->chunk = chunk;
	arena->next = chunk->memory;
	arena->end = chunk->memory + chunk->size;
}

void arena_finish(struct arena *arena)
{
	for (struct arena_chunk *chunk = arena->chunk; chunk != NULL;) {
		struct arena_chunk *previous = chunk->previous;
		free(chunk);
		chunk = previous;
	}
	arena_init(arena, arena->first_chunk_size, arena->budget);
}

void arena_reset(struct arena *arena)
{
	if (arena->chunk == NULL)
		return;
	while (arena->chunk->previous != NULL) {
		struct arena_chunk *chunk = arena->chunk;
		arena->chunk = chunk->previous;
		free(chunk);
	}
	arena_use(arena, arena->chunk);
	arena->used = 0;
}

// Chunks double, so that a big request costs few of them.
static struct arena_chunk *arena_grow(struct arena *arena, size_t size)
{
	size_t chunk_size = arena->chunk ? arena->chunk->size * 2 : arena->first_chunk_size;
	if (chunk_size > ARENA_CHUNK_MAX)
		chunk_size = ARENA_CHUNK_MAX;
	if (chunk_size < size)
		chunk_size = size;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + chunk_size);
	if (chunk == NULL)
		return NULL;
	chunk->previous = arena->chunk;
	chunk->size = chunk_size;
	arena_use(arena, chunk);
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (UNLIKELY(size > arena->budget - arena->used))
		return NULL;
	size = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
	if (size == 0)
		size = ARENA_ALIGNMENT;
	if (UNLIKELY((size_t)(arena->end - arena->next) < size) && arena_grow(arena, size) == NULL)
		return NULL;
	void *memory = arena->next;
	arena->next += size;
	arena->used += size < arena->budget - arena->used ? size : arena->budget - arena->used;
	return memory;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	void *memory = arena_alloc(arena, total);
	return memory ? memset(memory, 0, total) : NULL;
}

struct bytes arena_copy(struct arena *arena, struct bytes source)
{
	char *copy = arena_alloc(arena, source.size + 1);
	if (copy == NULL)
		return (struct bytes){0};
	if (source.size > 0)
		memcpy(copy, source.data, source.size);
	copy[source.size] = '\0';
	return (struct bytes){.data = copy, .size = source.size};
}
