// SPDX-License-Identifier: Apache-2.0
#include "proto/codec_direct.h"

#include "proto/schema_impl.h"
#include "proto/utf8.h"
#include "proto/wire.h"

enum { DIRECT_NESTING_MAX = 2 }; // below the guard's

static bool decode_message(const struct schema *schema, struct bytes body, struct arena *arena, unsigned depth,
			   void *to);

// Numbers whose form on the wire is the value itself, and that fit the member.
static bool decode_number(const struct schema_field *row, const ProtobufCFieldDescriptor *field, uint64_t value,
			  char *to)
{
	const uint32_t word = (uint32_t)value;
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		*(bool *)(to + row->offset) = value != 0;
		return row->kind == SCHEMA_BOOL && value <= 1;
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_UINT32:
		memcpy(to + row->offset, &word, sizeof(word));
		return row->kind == SCHEMA_WORD && value <= INT32_MAX;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(to + row->offset, &value, sizeof(value));
		return true;
	default:
		return false;
	}
}

static bool decode_string(const struct schema_field *row, struct bytes text, char *to)
{
	if (!utf8_is_plain_ascii(text) && !utf8_is_text(text))
		return false;
	if (text.size > 0)
		memcpy(to + row->offset, &text, sizeof(text));
	return true;
}

static bool decode_sub(const struct schema_field *row, struct bytes body, struct arena *arena, unsigned depth, char *to)
{
	void *sub = arena_calloc(arena, 1, row->sub->size);
	if (sub == NULL || !decode_message(row->sub, body, arena, depth + 1, sub))
		return false;
	memcpy(to + row->offset, &sub, sizeof(sub));
	return true;
}

static size_t count_same(struct wire_reader reader, uint32_t number)
{
	struct wire_field field;
	size_t count = 1; // the one that was read
	while (reader.next < reader.end && wire_read_field(&reader, &field) == NULL && field.number == number)
		count++;
	return count;
}

// The elements of a list stand one after the other; the first is read already.
static bool decode_list(const struct schema_field *row, struct wire_field *field, struct wire_reader *reader,
			struct arena *arena, unsigned depth, char *to)
{
	const size_t count = count_same(*reader, field->number);
	if (row->kind != SCHEMA_MESSAGE || (row->count_max != 0 && count > row->count_max))
		return false;
	char *elements = arena_calloc(arena, count, row->sub->size);
	if (elements == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && wire_read_field(reader, field) != NULL)
			return false;
		if (field->type != WIRE_BYTES ||
		    !decode_message(row->sub, field->content, arena, depth + 1, elements + i * row->sub->size))
			return false;
	}
	memcpy(to + row->offset, &elements, sizeof(elements));
	memcpy(to + row->count_offset, &count, sizeof(count));
	return true;
}

// A message on its way.
struct direct {
	const struct schema *schema;
	struct wire_reader reader;
	struct arena *arena;
	unsigned depth;
	char *to;
};

static bool decode_field(struct direct *direct, unsigned index, struct wire_field *field)
{
	const struct schema_field *row = &direct->schema->fields[index];
	if (row->is_list)
		return decode_list(row, field, &direct->reader, direct->arena, direct->depth, direct->to);
	if (row->kind == SCHEMA_STRING)
		return field->type == WIRE_BYTES && decode_string(row, field->content, direct->to);
	if (row->kind == SCHEMA_MESSAGE)
		return field->type == WIRE_BYTES &&
		       decode_sub(row, field->content, direct->arena, direct->depth, direct->to);
	return field->type == WIRE_VARINT &&
	       decode_number(row, &direct->schema->descriptor->fields[index], field->varint, direct->to);
}

static bool decode_message(const struct schema *schema, struct bytes body, struct arena *arena, unsigned depth,
			   void *to)
{
	struct direct direct = {
		.schema = schema, .reader = wire_reader_of(body), .arena = arena, .depth = depth, .to = to};
	unsigned next = 0;
	if (depth > DIRECT_NESTING_MAX || schema->oneof.count > 0)
		return false;
	while (direct.reader.next < direct.reader.end) {
		struct wire_field field;
		if (wire_read_field(&direct.reader, &field) != NULL)
			return false;
		while (next < schema->fields_count && schema->descriptor->fields[next].id != field.number)
			next++;
		if (next == schema->fields_count || !decode_field(&direct, next++, &field))
			return false;
	}
	return true;
}

bool codec_decode_direct(const struct schema *schema, struct bytes body, struct arena *arena, void *ret_message)
{
	void *message = arena_calloc(arena, 1, schema->size);
	if (message == NULL || !decode_message(schema, body, arena, 0, message))
		return false;
	memcpy(ret_message, &message, sizeof(message));
	return true;
}
