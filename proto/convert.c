// SPDX-License-Identifier: Apache-2.0
#include "proto/convert.h"

#include <assert.h>
#include <errno.h>

// Members are copied bytewise where the two sides differ in type but not in representation.
static_assert(sizeof(enum token_type) == sizeof(uint32_t) && sizeof(int) == sizeof(uint32_t), "enums are 32 bits");

// ---------------------------------------------------------------- reading and writing members by offset

static const void *at(const void *structure, size_t offset)
{
	return (const char *)structure + offset;
}

static void *at_of(void *structure, size_t offset)
{
	return (char *)structure + offset;
}

static size_t get_size(const void *structure, size_t offset)
{
	size_t value;
	memcpy(&value, at(structure, offset), sizeof(value));
	return value;
}

static const void *get_pointer(const void *structure, size_t offset)
{
	const void *value;
	memcpy(&value, at(structure, offset), sizeof(value));
	return value;
}

static uint32_t get_word(const void *structure, size_t offset)
{
	uint32_t value;
	memcpy(&value, at(structure, offset), sizeof(value));
	return value;
}

static void put_size(void *structure, size_t offset, size_t value)
{
	memcpy(at_of(structure, offset), &value, sizeof(value));
}

static void put_pointer(void *structure, size_t offset, const void *value)
{
	memcpy(at_of(structure, offset), &value, sizeof(value));
}

static void put_word(void *structure, size_t offset, uint32_t value)
{
	memcpy(at_of(structure, offset), &value, sizeof(value));
}

// ---------------------------------------------------------------- protobuf-c to plain

static int message_from_pb(const struct schema *schema, const ProtobufCMessage *from, struct arena *arena,
			   void *ret_pointer)
{
	void *to = arena_calloc(arena, 1, schema->size);
	if (to == NULL)
		return -ENOMEM;
	memcpy(ret_pointer, &to, sizeof(to));
	return convert_from_pb(schema, from, arena, to);
}

static struct bytes string_from_pb(const char *text)
{
	return text == protobuf_c_empty_string ? (struct bytes){0} : bytes_from(text);
}

static int messages_from_pb(const struct schema *schema, ProtobufCMessage *const *from, size_t count,
			    struct arena *arena, char *to)
{
	for (size_t i = 0; i < count; i++) {
		const int result = convert_from_pb(schema, from[i], arena, to + i * schema->size);
		if (result != 0)
			return result;
	}
	return 0;
}

static void strings_from_pb(char *const *from, size_t count, struct bytes *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = string_from_pb(from[i]);
}

// Lists of messages, strings and enums: the only ones of the schema, a test says.
static int list_from_pb(const struct schema_field *row, const ProtobufCFieldDescriptor *field,
			const ProtobufCMessage *from, struct arena *arena, void *to)
{
	const size_t count = get_size(from, field->quantifier_offset);
	if (count == 0)
		return 0;
	const void *elements = get_pointer(from, field->offset);
	void *copies = arena_calloc(arena, count, schema_element_size(row));
	if (copies == NULL)
		return -ENOMEM;
	put_pointer(to, row->offset, copies);
	put_size(to, row->count_offset, count);
	if (row->kind == SCHEMA_MESSAGE)
		return messages_from_pb(row->sub, elements, count, arena, copies);
	if (row->kind == SCHEMA_STRING)
		strings_from_pb(elements, count, copies);
	else
		memcpy(copies, elements, count * sizeof(uint32_t));
	return 0;
}

static int field_from_pb(const struct schema_field *row, const ProtobufCFieldDescriptor *field,
			 const ProtobufCMessage *from, struct arena *arena, void *to)
{
	const void *value;
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		*(struct bytes *)at_of(to, row->offset) = string_from_pb(get_pointer(from, field->offset));
		return 0;
	case SCHEMA_BOOL:
		*(bool *)at_of(to, row->offset) = get_word(from, field->offset) != 0;
		return 0;
	case SCHEMA_WORD:
		put_word(to, row->offset, get_word(from, field->offset));
		return 0;
	case SCHEMA_INT64:
	case SCHEMA_UINT64:
		memcpy(at_of(to, row->offset), at(from, field->offset), sizeof(uint64_t));
		return 0;
	case SCHEMA_MESSAGE:
		value = get_pointer(from, field->offset);
		return value ? message_from_pb(row->sub, value, arena, at_of(to, row->offset)) : 0;
	}
	return -EINVAL;
}

static int oneof_from_pb(const struct schema *schema, const ProtobufCMessage *from, struct arena *arena, void *to)
{
	const ProtobufCFieldDescriptor *first = &schema->descriptor->fields[schema->oneof.first];
	const uint32_t number = get_word(from, first->quantifier_offset);
	const ProtobufCFieldDescriptor *field = number ? schema_find_field(schema, number) : NULL;
	if (field == NULL)
		return 0;
	put_word(to, schema->oneof.kind_offset, number);
	return field_from_pb(schema_row(schema, field), field, from, arena, to);
}

int convert_from_pb(const struct schema *schema, const ProtobufCMessage *from, struct arena *arena, void *to)
{
	int result = schema->oneof.count > 0 ? oneof_from_pb(schema, from, arena, to) : 0;
	for (size_t i = 0; i < schema->fields_count && result == 0; i++) {
		const struct schema_field *row = &schema->fields[i];
		const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
		if (schema_is_in_oneof(schema, i))
			i = schema->oneof.first + schema->oneof.count - 1u;
		else if (row->is_list)
			result = list_from_pb(row, field, from, arena, to);
		else
			result = field_from_pb(row, field, from, arena, to);
	}
	return result;
}

// ---------------------------------------------------------------- plain to protobuf-c

static int message_to_pb(const struct schema *schema, const void *from, struct arena *arena, void *ret_pointer)
{
	ProtobufCMessage *to = arena_alloc(arena, schema->descriptor->sizeof_message);
	if (to == NULL)
		return -ENOMEM;
	memcpy(ret_pointer, &to, sizeof(to));
	return convert_to_pb(schema, from, arena, to);
}

// protobuf-c wants strings terminated, and takes NULL for an empty one. The data of empty bytes may point anywhere.
static int string_to_pb(struct bytes text, struct arena *arena, void *ret_pointer)
{
	const struct bytes copy = bytes_is_empty(text) ? (struct bytes){0} : arena_copy(arena, text);
	if (copy.data == NULL && !bytes_is_empty(text))
		return -ENOMEM;
	memcpy(ret_pointer, &copy.data, sizeof(copy.data));
	return 0;
}

static int messages_to_pb(const struct schema *schema, const char *from, size_t count, struct arena *arena, void **to)
{
	const size_t size = schema->descriptor->sizeof_message;
	char *structures = arena_calloc(arena, count, size);
	if (structures == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		to[i] = structures + i * size;
		const int result = convert_to_pb(schema, from + i * schema->size, arena, to[i]);
		if (result != 0)
			return result;
	}
	return 0;
}

static int strings_to_pb(const struct bytes *from, size_t count, struct arena *arena, void **to)
{
	for (size_t i = 0; i < count; i++) {
		const int result = string_to_pb(from[i], arena, &to[i]);
		if (result != 0)
			return result;
		if (to[i] == NULL) // in a list an empty string is written
			to[i] = (char *)protobuf_c_empty_string;
	}
	return 0;
}

static int list_to_pb(const struct schema_field *row, const ProtobufCFieldDescriptor *field, const void *from,
		      struct arena *arena, ProtobufCMessage *to)
{
	const size_t count = get_size(from, row->count_offset);
	if (count == 0)
		return 0;
	const void *elements = get_pointer(from, row->offset);
	put_size(to, field->quantifier_offset, count);
	if (row->kind == SCHEMA_WORD) {
		put_pointer(to, field->offset, elements);
		return 0;
	}
	void **pointers = arena_calloc(arena, count, sizeof(*pointers));
	if (pointers == NULL)
		return -ENOMEM;
	put_pointer(to, field->offset, pointers);
	return row->kind == SCHEMA_MESSAGE ? messages_to_pb(row->sub, elements, count, arena, pointers)
					   : strings_to_pb(elements, count, arena, pointers);
}

static int field_to_pb(const struct schema_field *row, const ProtobufCFieldDescriptor *field, const void *from,
		       struct arena *arena, ProtobufCMessage *to)
{
	const void *value;
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		return string_to_pb(*(const struct bytes *)at(from, row->offset), arena, at_of(to, field->offset));
	case SCHEMA_BOOL:
		put_word(to, field->offset, *(const bool *)at(from, row->offset));
		return 0;
	case SCHEMA_WORD:
		put_word(to, field->offset, get_word(from, row->offset));
		return 0;
	case SCHEMA_INT64:
	case SCHEMA_UINT64:
		memcpy(at_of(to, field->offset), at(from, row->offset), sizeof(uint64_t));
		return 0;
	case SCHEMA_MESSAGE:
		value = get_pointer(from, row->offset);
		return value ? message_to_pb(row->sub, value, arena, at_of(to, field->offset)) : 0;
	}
	return -EINVAL;
}

static int oneof_to_pb(const struct schema *schema, const void *from, struct arena *arena, ProtobufCMessage *to)
{
	const uint32_t number = get_word(from, schema->oneof.kind_offset);
	const ProtobufCFieldDescriptor *field = number ? schema_find_field(schema, number) : NULL;
	if (field == NULL || get_pointer(from, schema_row(schema, field)->offset) == NULL)
		return 0;
	put_word(to, field->quantifier_offset, number);
	return field_to_pb(schema_row(schema, field), field, from, arena, to);
}

int convert_to_pb(const struct schema *schema, const void *from, struct arena *arena, ProtobufCMessage *to)
{
	schema->descriptor->message_init(to);
	int result = schema->oneof.count > 0 ? oneof_to_pb(schema, from, arena, to) : 0;
	for (size_t i = 0; i < schema->fields_count && result == 0; i++) {
		const struct schema_field *row = &schema->fields[i];
		const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
		if (schema_is_in_oneof(schema, i))
			i = schema->oneof.first + schema->oneof.count - 1u;
		else if (row->is_list)
			result = list_to_pb(row, field, from, arena, to);
		else
			result = field_to_pb(row, field, from, arena, to);
	}
	return result;
}
