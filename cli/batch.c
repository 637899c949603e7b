// SPDX-License-Identifier: Apache-2.0
#include "cli/batch.h"

#include "proto/codec.h"

#include <errno.h>
#include <string.h>

enum {
	CHANGES_TAG = 1 << 3 | 2, // field 1 of ChangeSet, length-delimited
	VARINT_SIZE_MAX = 5,
};

int batch_init(struct batch *batch, const struct change_set *frame, struct arena *arena)
{
	struct change_set empty = *frame;
	struct bytes prefix;
	empty.changes_count = 0;
	const int result = codec_encode(&schema_change_set, &empty, arena, &prefix);
	if (result < 0)
		return result;
	memcpy(batch->body, prefix.data, prefix.size);
	batch->prefix_size = prefix.size;
	batch->lines.last = 0;
	batch_clear(batch);
	return 0;
}

void batch_clear(struct batch *batch)
{
	batch->size = batch->prefix_size;
	batch->lines.count = 0;
	batch->lines.first = batch->lines.last + 1;
}

static size_t write_varint(char *to, size_t value)
{
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		to[size++] = (char)(value | 0x80);
	to[size++] = (char)value;
	return size;
}

// The encoding of a message is that of its parts, one after the other: a repeated field grows by appending.
bool batch_add(struct batch *batch, struct bytes change, uint64_t line)
{
	char head[1 + VARINT_SIZE_MAX] = {CHANGES_TAG};
	const size_t head_size = 1 + write_varint(head + 1, change.size);
	if (batch->lines.count == CHANGES_PER_SET_MAX || change.size + head_size > sizeof(batch->body) - batch->size)
		return false;
	memcpy(batch->body + batch->size, head, head_size);
	memcpy(batch->body + batch->size + head_size, change.data, change.size);
	batch->size += head_size + change.size;
	batch->lines.numbers[batch->lines.count++] = (uint32_t)line;
	batch->lines.last = line;
	return true;
}
