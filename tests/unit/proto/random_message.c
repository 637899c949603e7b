// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proto/random_message.h"

#include "proto/convert.h"
#include "proto/messages.h"

#define NAMED(schema)                     \
	{                                 \
#schema, &schema_##schema \
	}
const struct named_schema all_schemas[ALL_SCHEMAS + 1] = {
	NAMED(tariff),
	NAMED(charge_group),
	NAMED(charge_point),
	NAMED(customer),
	NAMED(token),
	NAMED(membership),
	NAMED(record),
	NAMED(change),
	NAMED(change_set),
	NAMED(apply_response),
	NAMED(error),
	NAMED(authorize_request),
	NAMED(authorize_response),
	NAMED(authorize_batch_request),
	NAMED(authorize_batch_response),
	NAMED(get_tariff_request),
	NAMED(get_tariff_response),
	NAMED(list_visible_charge_points_request),
	NAMED(list_visible_charge_points_response),
	NAMED(list_permitted_request),
	NAMED(list_permitted_response),
	NAMED(search_request),
	NAMED(search_response),
	NAMED(get_request),
	NAMED(watch_request),
	NAMED(event),
	NAMED(snapshot_request),
	NAMED(status_request),
	NAMED(status_response),
	NAMED(snapshot_end),
	NAMED(log_request),
	NAMED(log_response),
	NAMED(log_body),
	NAMED(adopt_request),
	NAMED(adopt_response),
	NAMED(restore_request),
	NAMED(restore_response),
	NAMED(forget_orphans_request),
	NAMED(forget_orphans_response),
	NAMED(check_request),
	NAMED(check_response),
	NAMED(erase_request),
	NAMED(erase_response),
	NAMED(clients_request),
	NAMED(clients_response),
	NAMED(figures_request),
	NAMED(figures_response),
	{NULL, NULL},
};

// splitmix64
uint64_t random_next(struct random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15ull);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

struct bytes random_text(struct random *random, struct arena *arena)
{
	static const char *const pieces[] = {"a",  "NL*EVC*E0001", " ",    "04A1B2C3", "\"", "\\",
					     "\n", "\x01",         "\x7f", "é",        "€",  "😀"};
	const size_t pieces_count = random->is_ascii ? 9 : ARRAY_SIZE(pieces);
	char text[256] = "";
	for (uint64_t left = 1 + random_below(random, 12); left > 0; left--)
		strcat(text, pieces[random_below(random, pieces_count)]);
	return arena_copy(arena, bytes_from(text));
}

// Small ones, large ones, and those around the sizes of a varint.
static uint64_t random_number(struct random *random)
{
	const unsigned bits = (unsigned)random_below(random, 65);
	return bits == 0 ? 0 : random_next(random) >> (64 - bits);
}

static uint32_t random_enum(struct random *random, const ProtobufCEnumDescriptor *type)
{
	return (uint32_t)type->values[random_below(random, type->n_values)].value;
}

static void fill_message(struct random *random, const struct schema *schema, struct arena *arena, void *message);

static void fill_value(struct random *random, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		       struct arena *arena, void *to)
{
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		*(struct bytes *)to = random_text(random, arena);
		break;
	case SCHEMA_BOOL:
		*(bool *)to = true;
		break;
	case SCHEMA_WORD:
		*(uint32_t *)to = field->type == PROTOBUF_C_TYPE_ENUM ? random_enum(random, field->descriptor)
								      : (uint32_t)random_number(random);
		break;
	case SCHEMA_INT64:
	case SCHEMA_UINT64:
		*(uint64_t *)to = random_number(random);
		break;
	case SCHEMA_MESSAGE:
		fill_message(random, row->sub, arena, to);
		break;
	}
}

static void *new_values(struct random *random, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
			struct arena *arena, size_t count)
{
	const size_t size = schema_element_size(row);
	char *values = arena_calloc(arena, count, size);
	ASSERT(values != NULL);
	for (size_t i = 0; i < count; i++)
		fill_value(random, row, field, arena, values + i * size);
	return values;
}

static void fill_field(struct random *random, const struct schema *schema, size_t index, struct arena *arena,
		       char *message)
{
	const struct schema_field *row = &schema->fields[index];
	const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
	const size_t count = row->is_list ? 1 + random_below(random, random->list_max ? random->list_max : 3) : 1;
	if (!row->is_list && row->kind != SCHEMA_MESSAGE) {
		fill_value(random, row, field, arena, message + row->offset);
		return;
	}
	void *values = new_values(random, row, field, arena, count);
	memcpy(message + row->offset, &values, sizeof(values));
	if (row->is_list)
		memcpy(message + row->count_offset, &count, sizeof(count));
}

static void fill_message(struct random *random, const struct schema *schema, struct arena *arena, void *message)
{
	const size_t member =
		schema->oneof.count ? schema->oneof.first + random_below(random, schema->oneof.count) : SIZE_MAX;
	for (size_t i = 0; i < schema->fields_count; i++) {
		if (schema_is_in_oneof(schema, i) ? i == member : random_below(random, 2))
			fill_field(random, schema, i, arena, message);
	}
	if (member != SIZE_MAX)
		*(uint32_t *)(void *)((char *)message + schema->oneof.kind_offset) =
			schema->descriptor->fields[member].id;
	if (schema->is_decimal)
		((struct decimal *)message)->scale %= 5;
}

void *random_message(struct random *random, const struct schema *schema, struct arena *arena)
{
	void *message = arena_calloc(arena, 1, schema->size);
	ASSERT(message != NULL);
	fill_message(random, schema, arena, message);
	return message;
}

struct bytes pack_by_protobuf_c(const struct schema *schema, const void *message, struct arena *arena)
{
	ProtobufCMessage *converted = arena_alloc(arena, schema->descriptor->sizeof_message);
	ASSERT(converted != NULL);
	const int result = convert_to_pb(schema, message, arena, converted);
	ASSERT(result == 0);
	uint8_t *packed = arena_alloc(arena, protobuf_c_message_get_packed_size(converted));
	ASSERT(packed != NULL);
	return (struct bytes){.data = (const char *)packed, .size = protobuf_c_message_pack(converted, packed)};
}

// ---------------------------------------------------------------- comparison

static bool value_equal(const struct schema_field *row, const void *a, const void *b)
{
	if (row->kind == SCHEMA_MESSAGE)
		return message_equal(row->sub, a, b);
	if (row->kind == SCHEMA_STRING)
		return bytes_equal(*(const struct bytes *)a, *(const struct bytes *)b);
	return memcmp(a, b, schema_element_size(row)) == 0;
}

static bool values_equal(const struct schema_field *row, const char *a, const char *b, size_t count)
{
	const size_t size = schema_element_size(row);
	for (size_t i = 0; i < count; i++) {
		if (!value_equal(row, a + i * size, b + i * size))
			return false;
	}
	return true;
}

static bool field_equal(const struct schema_field *row, const char *a, const char *b)
{
	const void *pointer_a, *pointer_b;
	size_t count_a = 1, count_b = 1;
	if (!row->is_list && row->kind != SCHEMA_MESSAGE)
		return value_equal(row, a + row->offset, b + row->offset);
	memcpy(&pointer_a, a + row->offset, sizeof(pointer_a));
	memcpy(&pointer_b, b + row->offset, sizeof(pointer_b));
	if (row->is_list) {
		memcpy(&count_a, a + row->count_offset, sizeof(count_a));
		memcpy(&count_b, b + row->count_offset, sizeof(count_b));
		return count_a == count_b && values_equal(row, pointer_a, pointer_b, count_a);
	}
	if (pointer_a == NULL || pointer_b == NULL)
		return pointer_a == pointer_b;
	return value_equal(row, pointer_a, pointer_b);
}

bool message_equal(const struct schema *schema, const void *a, const void *b)
{
	uint32_t set = 0;
	if (schema->oneof.count > 0) {
		memcpy(&set, (const char *)a + schema->oneof.kind_offset, sizeof(set));
		if (memcmp(&set, (const char *)b + schema->oneof.kind_offset, sizeof(set)) != 0)
			return false;
	}
	for (size_t i = 0; i < schema->fields_count; i++) {
		if (schema_is_in_oneof(schema, i) && schema->descriptor->fields[i].id != set)
			continue;
		if (!field_equal(&schema->fields[i], a, b))
			return false;
	}
	return true;
}
