// SPDX-License-Identifier: Apache-2.0
// jansson parses, this fills the plain structs from its tree. The one thing taken from the text itself are decimals:
// jansson has them as double only.
#include "proto/json.h"

#include "proto/json_impl.h"
#include "proto/json_number.h"
#include "proto/limits.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

struct reader {
	struct arena *arena;
	struct fault *fault;
	// The text behind the last number with a fraction or an exponent. The tree is walked in the order of the text
	// and every value is looked at, so the next such number of the tree is the next one of the text.
	struct bytes text_left;
};

// One field on the way down to the value being read, for the path in faults.
struct json_level {
	const struct json_level *parent; // NULL: a field of the outermost message
	const char *name;
	bool is_element;
	size_t index; // elements only
};

// ---------------------------------------------------------------- faults

static size_t write_path(const struct json_level *level, char *path, size_t size)
{
	size_t used = level->parent ? write_path(level->parent, path, size) : 0;
	if (used < size)
		used += (size_t)snprintf(path + used, size - used, "%s%s", used ? "." : "", level->name);
	if (used < size && level->is_element)
		used += (size_t)snprintf(path + used, size - used, "[%zu]", level->index);
	return used;
}

__attribute__((cold)) PRINTF_LIKE(3, 4) static int refuse(const struct reader *reader, const struct json_level *level,
							  const char *format, ...)
{
	char path[sizeof(reader->fault->field)] = "", problem[sizeof(reader->fault->message)];
	if (level != NULL)
		write_path(level, path, sizeof(path));
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(problem, sizeof(problem), format, arguments);
	va_end(arguments);
	fault_set(reader->fault, STATUS_INVALID_ARGUMENT, path, "%s %s", path[0] ? path : "the JSON text", problem);
	return -EINVAL;
}

static int refuse_length(const struct reader *reader, const struct json_level *level, uint32_t max)
{
	char path[sizeof(reader->fault->field)];
	write_path(level, path, sizeof(path));
	fault_set(reader->fault, STATUS_RESOURCE_EXHAUSTED, path, "%s is longer than %u", path, max);
	return -EINVAL;
}

static int out_of_memory(const struct reader *reader)
{
	fault_set(reader->fault, STATUS_RESOURCE_EXHAUSTED, NULL, "the message takes too much memory");
	return -ENOMEM;
}

// ---------------------------------------------------------------- scalars

static struct bytes string_of(const json_t *value)
{
	return (struct bytes){.data = json_string_value(value), .size = json_string_length(value)};
}

static int read_string(struct reader *reader, const struct json_level *level, const json_t *value, struct bytes *ret)
{
	if (!json_is_string(value))
		return refuse(reader, level, "must be a string");
	struct bytes copy = {0};
	if (json_string_length(value) > 0) {
		copy = arena_copy(reader->arena, string_of(value));
		if (copy.data == NULL)
			return out_of_memory(reader);
	}
	*ret = copy;
	return 0;
}

static int read_bool(struct reader *reader, const struct json_level *level, const json_t *value, bool *ret)
{
	if (!json_is_boolean(value))
		return refuse(reader, level, "must be true or false");
	*ret = json_is_true(value);
	return 0;
}

static int refuse_number(struct reader *reader, const struct json_level *level, int result)
{
	return refuse(reader, level, result == -ERANGE ? "is out of range" : "must be a whole number");
}

static int read_int64(struct reader *reader, const struct schema_field *row, const struct json_level *level,
		      const json_t *value, int64_t *ret)
{
	if (json_is_integer(value)) {
		*ret = json_integer_value(value);
		return 0;
	}
	int result = json_is_string(value) ? json_parse_int64(string_of(value), ret) : -EINVAL;
	if (result == -EINVAL && row->is_time) {
		if (json_is_string(value) && json_time_parse(string_of(value), ret) == 0)
			return 0;
		return refuse(reader, level, "must be a time like \"2026-12-01T08:00:00Z\", or unix seconds");
	}
	return result ? refuse_number(reader, level, result) : 0;
}

static int read_uint64(struct reader *reader, const struct json_level *level, const json_t *value, uint64_t *ret)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret = (uint64_t)json_integer_value(value);
		return 0;
	}
	int result = -EINVAL;
	if (json_is_string(value))
		result = json_parse_uint64(string_of(value), ret);
	else if (json_is_integer(value))
		result = -ERANGE;
	return result ? refuse_number(reader, level, result) : 0;
}

static int read_uint32(struct reader *reader, const struct json_level *level, const json_t *value, uint32_t *ret)
{
	uint64_t wide;
	const int result = read_uint64(reader, level, value, &wide);
	if (result != 0)
		return result;
	if (wide > UINT32_MAX)
		return refuse_number(reader, level, -ERANGE);
	*ret = (uint32_t)wide;
	return 0;
}

static int read_enum(struct reader *reader, const ProtobufCEnumDescriptor *type, const struct json_level *level,
		     const json_t *value, uint32_t *ret)
{
	int number = 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    schema_enum_has(type, (uint64_t)json_integer_value(value)))
		number = (int)json_integer_value(value);
	else if (!json_is_string(value) || json_value_of_name(type, string_of(value), &number) != 0)
		return refuse(reader, level, "must be one of the values of %s, such as %s", type->short_name,
			      json_name_of_value(type, type->values[type->n_values - 1].value));
	*ret = (uint32_t)number;
	return 0;
}

// ---------------------------------------------------------------- decimals

static bool is_in_number(char c)
{
	return (unsigned char)(c - '0') < 10 || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

// Behind the string that starts here. The text is JSON, so it has an end.
static size_t skip_string(struct bytes text, size_t i)
{
	for (i++; i < text.size && text.data[i] != '"'; i++)
		i += text.data[i] == '\\';
	return i + 1;
}

// The next number of the text that has a fraction or an exponent; taken off reader->text_left.
static struct bytes take_real(struct reader *reader)
{
	const struct bytes text = reader->text_left;
	for (size_t i = 0; i < text.size;) {
		if (text.data[i] == '"') {
			i = skip_string(text, i);
			continue;
		}
		const size_t start = i;
		bool is_real = false;
		if (text.data[i] == '-' || (unsigned char)(text.data[i] - '0') < 10) {
			for (; i < text.size && is_in_number(text.data[i]); i++)
				is_real = is_real || text.data[i] == '.' || (text.data[i] | 0x20) == 'e';
		} else {
			i++;
		}
		if (is_real) {
			reader->text_left = (struct bytes){.data = text.data + i, .size = text.size - i};
			return (struct bytes){.data = text.data + start, .size = i - start};
		}
	}
	return (struct bytes){0};
}

static int read_decimal(struct reader *reader, const struct json_level *level, const json_t *value, struct decimal *ret)
{
	if (json_is_integer(value)) {
		*ret = (struct decimal){.units = json_integer_value(value)};
		return 0;
	}
	if (!json_is_real(value))
		return refuse(reader, level, "must be a number");
	if (json_parse_decimal(take_real(reader), ret) != 0)
		return refuse(reader, level, "has more than %d decimals or too many digits", DECIMAL_SCALE_MAX);
	return 0;
}

// ---------------------------------------------------------------- messages

static int read_message(struct reader *reader, const struct schema *schema, const struct json_level *level,
			json_t *object, void *to);

static int read_sub_message(struct reader *reader, const struct schema *schema, const struct json_level *level,
			    json_t *value, void *to)
{
	return schema->is_decimal ? read_decimal(reader, level, value, to)
				  : read_message(reader, schema, level, value, to);
}

// `to` is the member, or the element of a list; for a message, the struct itself.
static int read_value(struct reader *reader, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		      const struct json_level *level, json_t *value, void *to)
{
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		return read_string(reader, level, value, to);
	case SCHEMA_BOOL:
		return read_bool(reader, level, value, to);
	case SCHEMA_WORD:
		return json_enum_of(field) ? read_enum(reader, json_enum_of(field), level, value, to)
					   : read_uint32(reader, level, value, to);
	case SCHEMA_INT64:
		return read_int64(reader, row, level, value, to);
	case SCHEMA_UINT64:
		return read_uint64(reader, level, value, to);
	case SCHEMA_MESSAGE:
		return read_sub_message(reader, row->sub, level, value, to);
	}
	return -EINVAL;
}

static int read_list(struct reader *reader, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		     const struct json_level *level, json_t *array, char *to)
{
	if (!json_is_array(array))
		return refuse(reader, level, "must be a list");
	const size_t count = json_array_size(array), size = schema_element_size(row);
	if (row->count_max > 0 && count > row->count_max)
		return refuse_length(reader, level, row->count_max);
	char *elements = arena_calloc(reader->arena, count, size);
	if (elements == NULL)
		return out_of_memory(reader);
	for (size_t i = 0; i < count; i++) {
		const struct json_level at = {level->parent, level->name, true, i};
		const int result = read_value(reader, row, field, &at, json_array_get(array, i), elements + i * size);
		if (result != 0)
			return result;
	}
	memcpy(to + row->offset, &elements, sizeof(elements));
	memcpy(to + row->count_offset, &count, sizeof(count));
	return 0;
}

static int read_singular(struct reader *reader, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
			 const struct json_level *level, json_t *value, char *to)
{
	if (row->kind != SCHEMA_MESSAGE)
		return read_value(reader, row, field, level, value, to + row->offset);
	void *message = arena_calloc(reader->arena, 1, row->sub->size);
	if (message == NULL)
		return out_of_memory(reader);
	memcpy(to + row->offset, &message, sizeof(message));
	return read_value(reader, row, field, level, value, message);
}

// "put_token" and "putToken".
static bool is_name_of(const struct schema_field *row, const char *key)
{
	const char *name = row->name;
	while (*name != '\0' && *name == *key) {
		name++;
		key++;
	}
	for (; *name != '\0'; name++, key++) {
		const bool is_hump = *name == '_' && *key != '_';
		name += is_hump;
		if (*key != (is_hump ? (char)(*name - 'a' + 'A') : *name))
			return false;
	}
	return *key == '\0';
}

// Members mostly come in the order of the fields: the search starts where the last one was found.
static const struct schema_field *find_row(const struct schema *schema, const char *key, size_t start)
{
	for (size_t i = 0; i < schema->fields_count; i++) {
		const size_t index = start + i < schema->fields_count ? start + i : start + i - schema->fields_count;
		if (is_name_of(&schema->fields[index], key))
			return &schema->fields[index];
	}
	return NULL;
}

static int claim_oneof(struct reader *reader, const struct schema *schema, const struct json_level *level,
		       uint32_t number, char *to)
{
	uint32_t *kind = (uint32_t *)(void *)(to + schema->oneof.kind_offset);
	if (*kind != 0)
		return refuse(reader, level, "stands beside another member of the same oneof");
	*kind = number;
	return 0;
}

static int read_member(struct reader *reader, const struct schema *schema, const struct schema_field *row,
		       const struct json_level *level, json_t *value, char *to)
{
	const size_t index = (size_t)(row - schema->fields);
	const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
	if (json_is_null(value))
		return 0;
	if (schema_is_in_oneof(schema, index)) {
		const int result = claim_oneof(reader, schema, level, field->id, to);
		if (result != 0)
			return result;
	}
	return row->is_list ? read_list(reader, row, field, level, value, to)
			    : read_singular(reader, row, field, level, value, to);
}

static int check_oneof(struct reader *reader, const struct schema *schema, const struct json_level *level,
		       const char *message)
{
	if (schema->oneof.count == 0 || *(const uint32_t *)(const void *)(message + schema->oneof.kind_offset) != 0)
		return 0;
	return refuse(reader, level, "says nothing: one of %s, %s, ... is missing",
		      schema->fields[schema->oneof.first].name, schema->fields[schema->oneof.first + 1].name);
}

static int read_message(struct reader *reader, const struct schema *schema, const struct json_level *level,
			json_t *object, void *to)
{
	if (!json_is_object(object))
		return refuse(reader, level, "must be an object");
	uint32_t seen = 0; // bit per row
	size_t next_row = 0;
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		const struct schema_field *row = find_row(schema, key, next_row);
		const struct json_level at = {level, row ? row->name : key, false, 0};
		if (row == NULL)
			return refuse(reader, &at, "is not a field of %s", schema->descriptor->short_name);
		next_row = (size_t)(row - schema->fields) + 1;
		if (seen & 1u << (next_row - 1))
			return refuse(reader, &at, "is there twice");
		seen |= 1u << (next_row - 1);
		const int result = read_member(reader, schema, row, &at, value, to);
		if (result != 0)
			return result;
	}
	return check_oneof(reader, schema, level, to);
}

static json_t *parse(struct reader *reader, struct bytes text)
{
	json_error_t error;
	json_t *root = json_loadb(text.data ? text.data : "", text.size, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		refuse(reader, NULL, "is not valid at line %d, column %d: %s", error.line, error.column, error.text);
	return root;
}

int json_decode_tree(const struct schema *schema, struct bytes text, struct arena *arena, void *ret_message,
		     struct fault *fault)
{
	struct reader reader = {.arena = arena, .fault = fault, .text_left = text};
	json_t *root = parse(&reader, text);
	if (root == NULL)
		return -EINVAL;
	void *message = arena_calloc(arena, 1, schema->size);
	const int result = message ? read_message(&reader, schema, NULL, root, message) : out_of_memory(&reader);
	json_decref(root);
	if (result == 0)
		memcpy(ret_message, &message, sizeof(message));
	return result;
}

int json_decode(const struct schema *schema, struct bytes text, struct arena *arena, void *ret_message,
		struct fault *fault)
{
	if (LIKELY(json_decode_plain(schema, text, arena, ret_message)))
		return 0;
	return json_decode_tree(schema, text, arena, ret_message, fault);
}
