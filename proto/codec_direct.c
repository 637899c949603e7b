// SPDX-License-Identifier: Apache-2.0
#include "proto/codec_direct.h"

#include "proto/schema_impl.h"
#include "proto/utf8.h"
#include "proto/wire.h"

enum {
	DIRECT_NESTING_MAX = 2, // of what is decoded; below the guard's
	DIRECT_SIZE_MAX = 1024, // of what is encoded
};

// ---------------------------------------------------------------- decoding

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

// ---------------------------------------------------------------- encoding

// A message is written from its end to its start: a message within it is there before its size is needed.
struct direct_writer {
	char *start;
	char *at; // the first byte written
};

static bool encode_message(struct direct_writer *writer, const struct schema *schema, const char *from);

static bool write_bytes(struct direct_writer *writer, const char *data, size_t size)
{
	if (size > (size_t)(writer->at - writer->start))
		return false;
	writer->at -= size;
	memcpy(writer->at, data, size);
	return true;
}

static bool write_varint(struct direct_writer *writer, uint64_t value)
{
	char bytes[10];
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[size++] = (char)(value | 0x80);
	bytes[size++] = (char)value;
	return write_bytes(writer, bytes, size);
}

static bool write_tag(struct direct_writer *writer, const ProtobufCFieldDescriptor *field, enum wire_type type)
{
	return write_varint(writer, (uint64_t)field->id << 3 | type);
}

// In front of what was written since `end`.
static bool write_head(struct direct_writer *writer, const ProtobufCFieldDescriptor *field, const char *end)
{
	return write_varint(writer, (uint64_t)(end - writer->at)) && write_tag(writer, field, WIRE_BYTES);
}

static bool encode_number(struct direct_writer *writer, const ProtobufCFieldDescriptor *field, uint64_t value)
{
	if (value == 0)
		return true;
	switch (field->type) {
	case PROTOBUF_C_TYPE_SINT64:
		value = value << 1 ^ (uint64_t) - (int64_t)(value >> 63);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		if (value > INT32_MAX) // it would take ten bytes
			return false;
		break;
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		break;
	default:
		return false;
	}
	return write_varint(writer, value) && write_tag(writer, field, WIRE_VARINT);
}

// protobuf-c's texts end at a NUL.
static bool encode_string(struct direct_writer *writer, const ProtobufCFieldDescriptor *field, struct bytes text)
{
	const char *end = writer->at;
	if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
		return false;
	return (text.size == 0 || write_bytes(writer, text.data, text.size)) && write_head(writer, field, end);
}

static bool encode_sub(struct direct_writer *writer, const ProtobufCFieldDescriptor *field, const struct schema *schema,
		       const char *from)
{
	const char *end = writer->at;
	return encode_message(writer, schema, from) && write_head(writer, field, end);
}

static bool encode_list(struct direct_writer *writer, const struct schema_field *row,
			const ProtobufCFieldDescriptor *field, const char *from)
{
	size_t count;
	const char *elements;
	memcpy(&count, from + row->count_offset, sizeof(count));
	memcpy(&elements, from + row->offset, sizeof(elements));
	if (count > 0 && row->kind != SCHEMA_MESSAGE && row->kind != SCHEMA_STRING)
		return false;
	for (size_t i = count; i > 0; i--) {
		const char *element = elements + (i - 1) * schema_element_size(row);
		const bool is_written =
			row->kind == SCHEMA_MESSAGE
				? encode_sub(writer, field, row->sub, element)
				: encode_string(writer, field, *(const struct bytes *)(const void *)element);
		if (!is_written)
			return false;
	}
	return true;
}

// Zero and empty values are left out.
static bool encode_field(struct direct_writer *writer, const struct schema_field *row,
			 const ProtobufCFieldDescriptor *field, const char *from)
{
	uint64_t number = 0;
	uint32_t word;
	struct bytes text;
	const char *sub;
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		memcpy(&text, from + row->offset, sizeof(text));
		return text.size == 0 || encode_string(writer, field, text);
	case SCHEMA_MESSAGE:
		memcpy(&sub, from + row->offset, sizeof(sub));
		return sub == NULL || encode_sub(writer, field, row->sub, sub);
	case SCHEMA_BOOL:
		return encode_number(writer, field, *(const bool *)(from + row->offset));
	case SCHEMA_WORD:
		memcpy(&word, from + row->offset, sizeof(word));
		return encode_number(writer, field, word);
	case SCHEMA_INT64:
	case SCHEMA_UINT64:
		memcpy(&number, from + row->offset, sizeof(number));
		return encode_number(writer, field, number);
	}
	return false;
}

// Of a oneof, whose members are messages, only the one that is set.
static bool is_set(const struct schema *schema, size_t index, const char *from)
{
	uint32_t number;
	if (!schema_is_in_oneof(schema, index))
		return true;
	memcpy(&number, from + schema->oneof.kind_offset, sizeof(number));
	return number == schema->descriptor->fields[index].id;
}

static bool encode_message(struct direct_writer *writer, const struct schema *schema, const char *from)
{
	for (size_t i = schema->fields_count; i > 0; i--) {
		const struct schema_field *row = &schema->fields[i - 1];
		const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i - 1];
		if (!is_set(schema, i - 1, from))
			continue;
		if (!(row->is_list ? encode_list(writer, row, field, from) : encode_field(writer, row, field, from)))
			return false;
	}
	return true;
}

bool codec_encode_direct(const struct schema *schema, const void *message, struct arena *arena, struct bytes *ret_body)
{
	char room[DIRECT_SIZE_MAX];
	struct direct_writer writer = {.start = room, .at = room + sizeof(room)};
	if (!encode_message(&writer, schema, message))
		return false;
	const size_t size = (size_t)(room + sizeof(room) - writer.at);
	char *body = arena_alloc(arena, size);
	if (body == NULL)
		return false;
	memcpy(body, writer.at, size);
	*ret_body = (struct bytes){.data = body, .size = size};
	return true;
}
