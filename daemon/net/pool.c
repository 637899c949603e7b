// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/pool.h"

#include <stdlib.h>

struct pool_buffer {
	struct pool_buffer *next; // in the memory of a buffer that is kept
};

static size_t class_of(size_t size)
{
	size_t class = 0;
	while (((size_t)POOL_SIZE_MIN << class) < size)
		class ++;
	return class;
}

void pool_init(struct pool *pool)
{
	*pool = (struct pool){0};
}

void pool_finish(struct pool *pool)
{
	for (size_t i = 0; i < POOL_CLASSES; i++) {
		while (pool->kept[i] != NULL) {
			struct pool_buffer *buffer = pool->kept[i];
			pool->kept[i] = buffer->next;
			free(buffer);
		}
	}
	pool->kept_bytes = 0;
}

char *pool_take(struct pool *pool, size_t size, size_t *ret_size)
{
	if (size > POOL_SIZE_MAX) {
		*ret_size = size;
		return malloc(size);
	}
	const size_t class = class_of(size);
	*ret_size = (size_t)POOL_SIZE_MIN << class;
	struct pool_buffer *buffer = pool->kept[class];
	if (buffer == NULL)
		return malloc(*ret_size);
	pool->kept[class] = buffer->next;
	pool->kept_bytes -= *ret_size;
	return (char *)buffer;
}

void pool_give(struct pool *pool, char *memory, size_t size)
{
	if (memory == NULL)
		return;
	if (size > POOL_SIZE_MAX || pool->kept_bytes + size > POOL_KEPT_MAX) {
		free(memory);
		return;
	}
	struct pool_buffer *buffer = (struct pool_buffer *)memory;
	const size_t class = class_of(size);
	buffer->next = pool->kept[class];
	pool->kept[class] = buffer;
	pool->kept_bytes += size;
}
