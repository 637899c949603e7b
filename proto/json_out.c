// SPDX-License-Identifier: Apache-2.0
// Written as text at once: jansson's own writer would pass every Decimal through a double.
#include "proto/json.h"

#include "proto/json_impl.h"
#include "proto/json_number.h"
#include "proto/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE_FIRST = 512, INDENT_SIZE = 2 };

// Grows by copying within the arena. Once memory is out, the rest is dropped.
struct writer {
	struct arena *arena;
	char *text;
	size_t size, capacity;
	unsigned depth;
	bool is_indented;
	bool failed;
};

// ---------------------------------------------------------------- text

static bool reserve(struct writer *writer, size_t size)
{
	if (LIKELY(writer->capacity - writer->size >= size))
		return true;
	const size_t capacity = (writer->size + size) * 2 + TEXT_SIZE_FIRST;
	char *text = writer->failed ? NULL : arena_alloc(writer->arena, capacity);
	if (text == NULL) {
		writer->failed = true;
		return false;
	}
	if (writer->size > 0)
		memcpy(text, writer->text, writer->size);
	writer->text = text;
	writer->capacity = capacity;
	return true;
}

static void put(struct writer *writer, const char *text, size_t size)
{
	if (!reserve(writer, size))
		return;
	memcpy(writer->text + writer->size, text, size);
	writer->size += size;
}

static void put_char(struct writer *writer, char c)
{
	put(writer, &c, 1);
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

static void put_format(struct writer *writer, const char *format, ...) PRINTF_LIKE(2, 3);
static void put_format(struct writer *writer, const char *format, ...)
{
	char text[32];
	va_list arguments;
	va_start(arguments, format);
	const int size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(writer, text, (size_t)size);
}

static void put_new_line(struct writer *writer)
{
	if (!writer->is_indented)
		return;
	put_char(writer, '\n');
	for (unsigned i = 0; i < writer->depth * INDENT_SIZE; i++)
		put_char(writer, ' ');
}

static void open_bracket(struct writer *writer, char bracket)
{
	put_char(writer, bracket);
	writer->depth++;
}

static void close_bracket(struct writer *writer, char bracket, bool is_empty)
{
	writer->depth--;
	if (!is_empty)
		put_new_line(writer);
	put_char(writer, bracket);
}

static void put_separator(struct writer *writer, bool *is_first)
{
	if (!*is_first)
		put_char(writer, ',');
	*is_first = false;
	put_new_line(writer);
}

// ---------------------------------------------------------------- strings

static bool needs_escape(char c)
{
	return (uint8_t)c < 0x20 || c == '"' || c == '\\' || (uint8_t)c >= 0x7f;
}

static const char *escape_letter(char c)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; // the character, its letter
	for (size_t i = 0; i < sizeof(letters) - 1; i += 2) {
		if (letters[i] == c)
			return &letters[i + 1];
	}
	return NULL;
}

// One character that is not plain ASCII, and its size in the text. What is no UTF-8 becomes the replacement character:
// the output is always JSON.
static size_t put_escaped(struct writer *writer, const char *text, size_t size)
{
	const size_t sequence = utf8_sequence_size(text, size);
	const char *letter = escape_letter(*text);
	if (letter != NULL) {
		put_char(writer, '\\');
		put_char(writer, *letter);
	} else if (sequence == 0) {
		put_text(writer, "\\ufffd");
	} else if (sequence == 1) {
		put_format(writer, "\\u%04x", (unsigned)(uint8_t)*text);
	} else {
		put(writer, text, sequence);
	}
	return sequence ? sequence : 1;
}

static void put_string(struct writer *writer, struct bytes text)
{
	put_char(writer, '"');
	for (size_t i = 0; i < text.size;) {
		size_t plain = i;
		while (plain < text.size && !needs_escape(text.data[plain]))
			plain++;
		put(writer, text.data + i, plain - i);
		i = plain;
		if (i < text.size)
			i += put_escaped(writer, text.data + i, text.size - i);
	}
	put_char(writer, '"');
}

// ---------------------------------------------------------------- messages

static void put_message(struct writer *writer, const struct schema *schema, const void *message);

static void put_word(struct writer *writer, const ProtobufCFieldDescriptor *field, uint32_t value)
{
	const ProtobufCEnumDescriptor *type = json_enum_of(field);
	const char *name = type ? json_name_of_value(type, (int)value) : NULL;
	if (name != NULL)
		put_string(writer, bytes_from(name));
	else if (type != NULL)
		put_format(writer, "%" PRId32, (int32_t)value);
	else
		put_format(writer, "%" PRIu32, value);
}

static void put_sub_message(struct writer *writer, const struct schema *schema, const void *message)
{
	char text[JSON_DECIMAL_SIZE];
	if (schema->is_decimal)
		put(writer, text, json_format_decimal(message, text));
	else
		put_message(writer, schema, message);
}

// `value` points to the member, or to the element of a list. For a message: to the message.
static void put_value(struct writer *writer, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		      const void *value)
{
	switch ((enum schema_kind)row->kind) {
	case SCHEMA_STRING:
		put_string(writer, *(const struct bytes *)value);
		return;
	case SCHEMA_BOOL:
		put_text(writer, *(const bool *)value ? "true" : "false");
		return;
	case SCHEMA_WORD:
		put_word(writer, field, *(const uint32_t *)value);
		return;
	case SCHEMA_INT64:
		put_format(writer, "\"%" PRId64 "\"", *(const int64_t *)value);
		return;
	case SCHEMA_UINT64:
		put_format(writer, "\"%" PRIu64 "\"", *(const uint64_t *)value);
		return;
	case SCHEMA_MESSAGE:
		put_sub_message(writer, row->sub, value);
		return;
	}
}

static void put_name(struct writer *writer, const char *name)
{
	put_char(writer, '"');
	put_text(writer, name);
	put_text(writer, writer->is_indented ? "\": " : "\":");
}

static void put_list(struct writer *writer, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		     const char *elements, size_t count)
{
	const size_t size = schema_element_size(row);
	bool is_first = true;
	open_bracket(writer, '[');
	for (size_t i = 0; i < count && !writer->failed; i++) {
		put_separator(writer, &is_first);
		put_value(writer, row, field, elements + i * size);
	}
	close_bracket(writer, ']', is_first);
}

// The value of a singular field, NULL when it is absent.
static const void *present_value(const struct schema_field *row, const void *message)
{
	static const char zeros[sizeof(uint64_t)];
	const char *member = (const char *)message + row->offset;
	if (row->kind == SCHEMA_STRING)
		return ((const struct bytes *)(const void *)member)->size ? member : NULL;
	if (row->kind == SCHEMA_MESSAGE)
		return *(const void *const *)(const void *)member;
	return memcmp(member, zeros, schema_element_size(row)) ? member : NULL;
}

static void put_field(struct writer *writer, const struct schema_field *row, const ProtobufCFieldDescriptor *field,
		      const void *message, bool *is_first)
{
	const char *base = message;
	if (row->is_list) {
		const size_t count = *(const size_t *)(const void *)(base + row->count_offset);
		if (count == 0)
			return;
		put_separator(writer, is_first);
		put_name(writer, row->name);
		put_list(writer, row, field, *(const char *const *)(const void *)(base + row->offset), count);
		return;
	}
	const void *value = present_value(row, message);
	if (value == NULL)
		return;
	put_separator(writer, is_first);
	put_name(writer, row->name);
	put_value(writer, row, field, value);
}

static void put_message(struct writer *writer, const struct schema *schema, const void *message)
{
	const char *base = message;
	const uint32_t set =
		schema->oneof.count ? *(const uint32_t *)(const void *)(base + schema->oneof.kind_offset) : 0;
	bool is_first = true;
	open_bracket(writer, '{');
	for (size_t i = 0; i < schema->fields_count && !writer->failed; i++) {
		const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[i];
		if (!schema_is_in_oneof(schema, i) || field->id == set)
			put_field(writer, &schema->fields[i], field, message, &is_first);
	}
	close_bracket(writer, '}', is_first);
}

int json_encode(const struct schema *schema, const void *message, enum json_style style, struct arena *arena,
		struct bytes *ret_text)
{
	struct writer writer = {.arena = arena, .is_indented = style == JSON_INDENT};
	put_message(&writer, schema, message);
	put_char(&writer, '\0');
	if (writer.failed)
		return -ENOMEM;
	*ret_text = (struct bytes){.data = writer.text, .size = writer.size - 1};
	return 0;
}
