// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/event_block.h"

#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/methods.h"

#include <errno.h>
#include <stdlib.h>

enum { BLOCK_CAPACITY_MIN = 512 };

int event_block_create(uint64_t after, struct event_block **ret_block)
{
	struct event_block *block = calloc(1, sizeof(*block));
	if (block == NULL)
		return -ENOMEM;
	block->references = 1;
	block->after = block->through = after;
	*ret_block = block;
	return 0;
}

void event_block_acquire(struct event_block *block)
{
	atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
}

void event_block_release(struct event_block *block)
{
	if (block == NULL || atomic_fetch_sub(&block->references, 1) > 1)
		return;
	free(block->frames);
	free(block);
}

static int make_room(struct event_block *block, size_t size)
{
	size_t capacity = block->capacity ? block->capacity : BLOCK_CAPACITY_MIN;
	while (capacity - block->size < size)
		capacity *= 2;
	if (capacity == block->capacity)
		return 0;
	char *frames = realloc(block->frames, capacity);
	if (frames == NULL)
		return -ENOMEM;
	block->frames = frames;
	block->capacity = capacity;
	return 0;
}

int event_block_add(struct event_block *block, const struct event *event, uint32_t frame_size_max, struct arena *arena)
{
	struct frame frame = {.kind = FRAME_STREAM_ITEM, .method = METHOD_WATCH};
	int result = codec_encode(&schema_event, event, arena, &frame.body);
	if (result != 0)
		return result;
	if (FRAME_LENGTH_MIN + frame.body.size > frame_size_max)
		return -EMSGSIZE;
	result = make_room(block, FRAME_HEADER_SIZE + frame.body.size);
	if (result != 0)
		return result;
	char *end = block->frames + block->size;
	frame_write_header(end, &frame);
	memcpy(end + FRAME_HEADER_SIZE, frame.body.data, frame.body.size);
	block->size += FRAME_HEADER_SIZE + frame.body.size;
	block->through = event->revision;
	return 0;
}

// Empty unless all sets have the same.
static struct bytes common_actor(const struct log_entry *entry)
{
	const struct bytes actor = entry->change_sets[0].actor;
	for (size_t i = 1; i < entry->change_sets_count; i++) {
		if (!bytes_equal(entry->change_sets[i].actor, actor))
			return (struct bytes){0};
	}
	return actor;
}

int event_block_add_entry(struct event_block *block, const struct log_entry *entry, uint32_t frame_size_max,
			  struct arena *arena)
{
	if (entry->change_sets_count == 0) {
		block->through = entry->revision;
		return 0;
	}
	const struct event event = {
		.revision = entry->revision,
		.change_sets = entry->change_sets,
		.change_sets_count = entry->change_sets_count,
		.actor = common_actor(entry),
		.time = entry->time,
	};
	return event_block_add(block, &event, frame_size_max, arena);
}
