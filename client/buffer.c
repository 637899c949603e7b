// SPDX-License-Identifier: Apache-2.0
#include "client/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

enum { BUFFER_CAPACITY_MIN = 4096 };

// Moving the queue to the front costs its size, so it is done only when that at least halves the need to grow.
static void buffer_compact(struct buffer *buffer)
{
	if (buffer->begin == 0)
		return;
	memmove(buffer->data, buffer->data + buffer->begin, buffer_size(buffer));
	buffer->end -= buffer->begin;
	buffer->begin = 0;
}

int buffer_reserve(struct buffer *buffer, size_t size)
{
	if (buffer->capacity - buffer->end >= size)
		return 0;
	if (buffer->begin >= buffer_size(buffer) && buffer->capacity - buffer_size(buffer) >= size) {
		buffer_compact(buffer);
		return 0;
	}
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_CAPACITY_MIN;
	while (capacity - buffer->end < size) {
		if (capacity > SIZE_MAX / 2)
			return -ENOMEM;
		capacity *= 2;
	}
	char *data = realloc(buffer->data, capacity);
	if (data == NULL)
		return -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int buffer_append(struct buffer *buffer, struct bytes source)
{
	const int result = buffer_reserve(buffer, source.size);
	if (result < 0)
		return result;
	if (source.size > 0)
		memcpy(buffer->data + buffer->end, source.data, source.size);
	buffer->end += source.size;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
	ASSERT(size <= buffer_size(buffer));
	buffer->begin += size;
	if (buffer->begin == buffer->end)
		buffer_clear(buffer);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->begin = buffer->end = 0;
}

void buffer_finish(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
