// SPDX-License-Identifier: Apache-2.0
// Most JSON that comes in bulk is plain: names as in evauth.proto, strings without escapes, no numbers but whole ones.
// That is read here in one pass, without a tree: a fifth of what jansson takes. What is not plain, or wrong in any way,
// is left to json_in.c, which knows what to say about it: nothing is refused here.
#include "proto/json_impl.h"
#include "proto/json_number.h"
#include "proto/utf8.h"

enum {
	DIGITS_MAX = 18, // of a number that fits whatever it is for
	LIST_FIRST = 8,  // elements there is room for at first
};

// The text that is left.
struct plain {
	const char *next, *end;
	struct arena *arena;
};

// ---------------------------------------------------------------- tokens

static void skip_space(struct plain *plain)
{
	while (plain->next < plain->end &&
	       (*plain->next == ' ' || *plain->next == '\t' || *plain->next == '\n' || *plain->next == '\r'))
		plain->next++;
}

static bool take(struct plain *plain, char c)
{
	skip_space(plain);
	const bool is_there = plain->next < plain->end && *plain->next == c;
	plain->next += is_there;
	return is_there;
}

static bool take_word(struct plain *plain, struct bytes word)
{
	skip_space(plain);
	if ((size_t)(plain->end - plain->next) < word.size || memcmp(plain->next, word.data, word.size) != 0)
		return false;
	plain->next += word.size;
	return true;
}

// A string as it stands in the text.
static bool take_string(struct plain *plain, struct bytes *ret_string)
{
	uint8_t seen = 0;
	if (!take(plain, '"'))
		return false;
	const char *start = plain->next, *at = start;
	for (; at < plain->end && *at != '"'; at++) {
		if ((uint8_t)*at < 0x20 || *at == '\\')
			return false;
		seen |= (uint8_t)*at;
	}
	if (at == plain->end)
		return false;
	*ret_string = (struct bytes){.data = start, .size = (size_t)(at - start)};
	plain->next = at + 1;
	return seen < 0x80 || utf8_is_text(*ret_string);
}

// A whole number that is not negative.
static bool take_number(struct plain *plain, uint64_t *ret_value)
{
	skip_space(plain);
	const char *start = plain->next, *at = start;
	uint64_t value = 0;
	for (; at < plain->end && (uint8_t)(*at - '0') < 10 && at - start < DIGITS_MAX; at++)
		value = value * 10 + (uint8_t)(*at - '0');
	if (at == start || (*start == '0' && at - start > 1))
		return false;
	plain->next = at; // what would go on with the number is not what may follow
	*ret_value = value;
	return true;
}

static bool is_string_next(struct plain *plain)
{
	skip_space(plain);
	return plain->next < plain->end && *plain->next == '"';
}

// ---------------------------------------------------------------- values

static bool read_message(struct plain *plain, const struct schema *schema, char *to);

static bool read_string(struct plain *plain, struct bytes *ret)
{
	struct bytes text;
	if (!take_string(plain, &text))
		return false;
	*ret = text.size > 0 ? arena_copy(plain->arena, text) : (struct bytes){0};
	return text.size == 0 || ret->data != NULL;
}

static bool read_bool(struct plain *plain, bool *ret)
{
	*ret = take_word(plain, BYTES_LITERAL("true"));
	return *ret || take_word(plain, BYTES_LITERAL("false"));
}

// Numbers of 64 bits may be strings.
static bool read_uint64(struct plain *plain, uint64_t *ret)
{
	struct bytes text;
	if (!is_string_next(plain))
		return take_number(plain, ret);
	return take_string(plain, &text) && json_parse_uint64(text, ret) == 0;
}

static bool read_int64(struct plain *plain, int64_t *ret)
{
	struct bytes text;
	uint64_t value;
	if (is_string_next(plain))
		return take_string(plain, &text) && json_parse_int64(text, ret) == 0;
	if (!take_number(plain, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

static bool read_word(struct plain *plain, const ProtobufCEnumDescriptor *type, uint32_t *ret)
{
	struct bytes name;
	uint64_t wide;
	int value;
	if (type == NULL) {
		if (!read_uint64(plain, &wide) || wide > UINT32_MAX)
			return false;
		*ret = (uint32_t)wide;
		return true;
	}
	if (!take_string(plain, &name) || json_value_of_name(type, name, &value) != 0)
		return false;
	*ret = (uint32_t)value;
	return true;
}

// `to` is the member, or the element of a list; for a message, the struct itself.
static bool read_value(struct plain *plain, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		       void *to)
{
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		return read_string(plain, to);
	case SCHEMA_BOOL:
		return read_bool(plain, to);
	case SCHEMA_WORD:
		return read_word(plain, json_enum_of(field), to);
	case SCHEMA_INT64:
		return read_int64(plain, to);
	case SCHEMA_UINT64:
		return read_uint64(plain, to);
	case SCHEMA_MESSAGE:
		return !row->sub->is_decimal && read_message(plain, row->sub, to);
	}
	return false;
}

// ---------------------------------------------------------------- lists

struct list {
	char *elements;
	size_t count, limit;
	size_t size; // of an element
};

// Room for one more, zeroed.
static char *add_element(struct arena *arena, struct list *list)
{
	if (list->count == list->limit) {
		const size_t limit = list->limit > 0 ? 2 * list->limit : (size_t)LIST_FIRST;
		char *elements = arena_calloc(arena, limit, list->size);
		if (elements == NULL)
			return NULL;
		if (list->count > 0)
			memcpy(elements, list->elements, list->count * list->size);
		list->elements = elements;
		list->limit = limit;
	}
	return list->elements + list->count++ * list->size;
}

static bool read_list(struct plain *plain, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		      char *to)
{
	struct list list = {.size = schema_element_size(row)};
	if (!take(plain, '['))
		return false;
	bool is_over = take(plain, ']');
	while (!is_over) {
		char *element = add_element(plain->arena, &list);
		if (element == NULL || !read_value(plain, row, field, element))
			return false;
		is_over = take(plain, ']');
		if (!is_over && !take(plain, ','))
			return false;
	}
	memcpy(to + row->offset, &list.elements, sizeof(list.elements));
	memcpy(to + row->count_offset, &list.count, sizeof(list.count));
	return row->count_max == 0 || list.count <= row->count_max;
}

// ---------------------------------------------------------------- messages

// Whether the text goes on with the name and what ends it.
static bool take_name(struct plain *plain, const char *name)
{
	const char *at = plain->next;
	for (; *name != '\0' && at < plain->end && *at == *name; at++)
		name++;
	if (*name != '\0' || at == plain->end || *at != '"')
		return false;
	plain->next = at + 1;
	return true;
}

// Members mostly come in the order of the fields: the search starts where the last one was found.
static const struct schema_field *take_row(struct plain *plain, const struct schema *schema, size_t start)
{
	if (!take(plain, '"'))
		return NULL;
	for (size_t i = start; i < schema->fields_count; i++)
		if (take_name(plain, schema->fields[i].name))
			return &schema->fields[i];
	for (size_t i = 0; i < start; i++)
		if (take_name(plain, schema->fields[i].name))
			return &schema->fields[i];
	return NULL;
}

static bool claim_oneof(const struct schema *schema, uint32_t number, char *to)
{
	uint32_t *kind = (uint32_t *)(void *)(to + schema->oneof.kind_offset);
	const bool is_first = *kind == 0;
	*kind = number;
	return is_first;
}

static bool read_member(struct plain *plain, const struct schema *schema, const struct schema_field *row, char *to)
{
	const size_t index = (size_t)(row - schema->fields);
	const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
	if (schema_is_in_oneof(schema, index) && !claim_oneof(schema, field->id, to))
		return false;
	if (row->is_list)
		return read_list(plain, row, field, to);
	if (row->kind != SCHEMA_MESSAGE)
		return read_value(plain, row, field, to + row->offset);
	void *message = arena_calloc(plain->arena, 1, row->sub->size);
	if (message == NULL)
		return false;
	memcpy(to + row->offset, &message, sizeof(message));
	return read_value(plain, row, field, message);
}

static bool read_message(struct plain *plain, const struct schema *schema, char *to)
{
	uint32_t seen = 0; // bit per row
	size_t next_row = 0;
	if (!take(plain, '{'))
		return false;
	bool is_over = take(plain, '}');
	while (!is_over) {
		const struct schema_field *row = take_row(plain, schema, next_row);
		if (row == NULL || !take(plain, ':'))
			return false;
		next_row = (size_t)(row - schema->fields) + 1;
		if ((seen & 1u << (next_row - 1)) != 0 || !read_member(plain, schema, row, to))
			return false;
		seen |= 1u << (next_row - 1);
		is_over = take(plain, '}');
		if (!is_over && !take(plain, ','))
			return false;
	}
	return schema->oneof.count == 0 || *(const uint32_t *)(const void *)(to + schema->oneof.kind_offset) != 0;
}

bool json_decode_plain(const struct schema *schema, struct bytes text, struct arena *arena, void *ret_message)
{
	if (bytes_is_empty(text))
		return false;
	struct plain plain = {.next = text.data, .end = text.data + text.size, .arena = arena};
	void *message = arena_calloc(arena, 1, schema->size);
	if (message == NULL || !read_message(&plain, schema, message))
		return false;
	skip_space(&plain);
	if (plain.next != plain.end)
		return false;
	memcpy(ret_message, &message, sizeof(message));
	return true;
}
