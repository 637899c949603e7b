// SPDX-License-Identifier: Apache-2.0
#include "proto/log_body.h"
#include "proto/limits.h"
#include "proto/wire.h"

#include <errno.h>
#include <stdlib.h>

enum {
	TAG_SETS = 1 << 3 | WIRE_BYTES,       // LogBody.sets
	TAG_CHANGE_SET = 1 << 3 | WIRE_BYTES, // LoggedSet.change_set
	TAG_WINDOW = 2 << 3 | WIRE_VARINT,    // LoggedSet.repeat_window_s
	CAPACITY_MIN = 4096,
};

static size_t varint_size(uint64_t value)
{
	size_t size = 1;
	for (; value >= 0x80; value >>= 7)
		size++;
	return size;
}

static char *put_varint(char *to, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = (char)(0x80 | (value & 0x7f));
	*to++ = (char)value;
	return to;
}

static size_t logged_size(struct bytes set, uint32_t repeat_window_s)
{
	return 1 + varint_size(set.size) + set.size + (repeat_window_s != 0 ? 1 + varint_size(repeat_window_s) : 0);
}

static int reserve(struct log_body_writer *writer, size_t size)
{
	size_t capacity = writer->capacity > 0 ? writer->capacity : CAPACITY_MIN;
	while (capacity < size)
		capacity *= 2;
	if (capacity == writer->capacity)
		return 0;
	char *data = realloc(writer->data, capacity);
	if (data == NULL)
		return -ENOMEM;
	writer->data = data;
	writer->capacity = capacity;
	return 0;
}

int log_body_add(struct log_body_writer *writer, struct bytes set, uint32_t repeat_window_s)
{
	if (set.size > COMMIT_BODIES_MAX || writer->sets == ENTRY_SETS_MAX)
		return -ENOSPC;
	const size_t inner = logged_size(set, repeat_window_s);
	const size_t size = writer->size + 1 + varint_size(inner) + inner;
	if (size > COMMIT_BODIES_MAX)
		return -ENOSPC;
	const int result = reserve(writer, size);
	if (result != 0)
		return result;
	char *to = writer->data + writer->size;
	*to++ = TAG_SETS;
	to = put_varint(to, inner);
	*to++ = TAG_CHANGE_SET;
	to = put_varint(to, set.size);
	if (set.size > 0)
		memcpy(to, set.data, set.size);
	to += set.size;
	if (repeat_window_s != 0) {
		*to++ = TAG_WINDOW;
		put_varint(to, repeat_window_s);
	}
	writer->size = size;
	writer->sets++;
	return 0;
}

struct bytes log_body_take(struct log_body_writer *writer)
{
	const struct bytes body = {.data = writer->data, .size = writer->size};
	*writer = (struct log_body_writer){0};
	return body;
}

void log_body_finish(struct log_body_writer *writer)
{
	free(writer->data);
	*writer = (struct log_body_writer){0};
}

// ---------------------------------------------------------------- reading

// Every field once at most: nobody but this file writes them, and two change sets in one would have to be merged.
static int read_logged(struct bytes logged, struct log_body_set *ret_set)
{
	struct wire_reader reader = wire_reader_of(logged);
	struct log_body_set set = {0};
	bool has_set = false;
	while (reader.next < reader.end) {
		struct wire_field field;
		if (wire_read_field(&reader, &field) != NULL)
			return -EINVAL;
		if (field.number == 1 && field.type == WIRE_BYTES && !has_set) {
			has_set = true;
			set.set = field.content;
		} else if (field.number == 2 && field.type == WIRE_VARINT && set.repeat_window_s == 0 &&
			   field.varint <= UINT32_MAX) {
			set.repeat_window_s = (uint32_t)field.varint;
		} else {
			return -EINVAL;
		}
	}
	if (!has_set)
		return -EINVAL;
	*ret_set = set;
	return 0;
}

int log_body_next(struct log_body_reader *reader, struct log_body_set *ret_set)
{
	if (reader->rest.size == 0)
		return 0;
	if (reader->rest.size > COMMIT_BODIES_MAX || reader->sets == ENTRY_SETS_MAX)
		return -EINVAL;
	struct wire_reader wire = wire_reader_of(reader->rest);
	struct wire_field field;
	if (wire_read_field(&wire, &field) != NULL || field.number != 1 || field.type != WIRE_BYTES)
		return -EINVAL;
	const int result = read_logged(field.content, ret_set);
	if (result != 0)
		return result;
	reader->rest = (struct bytes){.data = wire.next, .size = (size_t)(wire.end - wire.next)};
	reader->sets++;
	return 1;
}

int log_body_check(struct bytes body, size_t *ret_sets)
{
	struct log_body_reader reader = {.rest = body};
	struct log_body_set set;
	int result;
	while ((result = log_body_next(&reader, &set)) > 0)
		;
	if (result != 0 || reader.sets == 0)
		return -EINVAL;
	*ret_sets = reader.sets;
	return 0;
}

bool log_body_is_wire(struct bytes body)
{
	struct wire_reader reader = wire_reader_of(body);
	struct wire_field field;
	while (reader.next < reader.end)
		if (wire_read_field(&reader, &field) != NULL)
			return false;
	return true;
}
