// SPDX-License-Identifier: Apache-2.0
#include "bench/request_file.h"

#include "bench/varint.h"
#include "proto/codec.h"
#include "proto/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { FIELD_EXPLANATION = 16, FIELD_NUMBER_MAX = 22, WIRE_SIZED = 2 };

// By field number.
static const char *const answer_fields[FIELD_NUMBER_MAX + 1] = {
	[1] = "verdict",         [2] = "reason",         [3] = "access",           [4] = "offline_verdict",
	[5] = "charge_group_id", [6] = "customer_id",    [7] = "issuer",           [8] = "contract_id",
	[9] = "tariff_id",       [10] = "parent_id",     [11] = "valid_until",     [12] = "revision",
	[13] = "ocpi_allowed",   [14] = "ocpp16_status", [15] = "ocpp2_status",    [FIELD_EXPLANATION] = "explanation",
	[17] = "token_uid",      [18] = "token_type",    [19] = "charge_point_id", [20] = "location_id",
	[21] = "decided_at",     [22] = "error",
};

PRINTF_LIKE(3, 4)
static int refuse(struct request_file_fault *fault, size_t column, const char *format, ...)
{
	va_list arguments;
	fault->column = (uint32_t)column;
	va_start(arguments, format);
	vsnprintf(fault->message, sizeof(fault->message), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

// ---------------------------------------------------------------- the members of an object

// Offsets into the line. The text may be no JSON at all: what this makes of it is read as JSON afterwards.
struct member {
	size_t key, key_end;     // within the quotes
	size_t value, value_end; // a comma may follow
};

static size_t skip_spaces(struct bytes text, size_t at)
{
	while (at < text.size && isspace((unsigned char)text.data[at]))
		at++;
	return at;
}

// Behind a string that begins here.
static size_t skip_string(struct bytes text, size_t at)
{
	for (at++; at < text.size && text.data[at] != '"'; at++)
		at += text.data[at] == '\\';
	return at < text.size ? at + 1 : text.size;
}

// Behind the value that begins here: to the next comma or closing bracket that is not within it.
static size_t skip_value(struct bytes text, size_t at)
{
	int depth = 0;
	while (at < text.size) {
		const char c = text.data[at];
		if (c == '"') {
			at = skip_string(text, at);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			break;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		at++;
	}
	return at;
}

// The member at *at, which moves behind it and its comma. False when there is none.
static bool next_member(struct bytes text, size_t *at, struct member *ret_member)
{
	struct member member;
	size_t place = skip_spaces(text, *at);
	if (place >= text.size || text.data[place] != '"')
		return false;
	member.key = place + 1;
	place = skip_string(text, place);
	member.key_end = place - 1;
	place = skip_spaces(text, place);
	if (place >= text.size || text.data[place] != ':')
		return false;
	member.value = skip_spaces(text, place + 1);
	member.value_end = place = skip_value(text, member.value);
	*at = place < text.size && text.data[place] == ',' ? place + 1 : place;
	*ret_member = member;
	return true;
}

// "tokenUid" is "token_uid".
static bool is_name_of(struct bytes key, const char *name)
{
	size_t i = 0;
	for (; *name; name++) {
		while (i < key.size && key.data[i] == '_')
			i++;
		if (*name == '_')
			continue;
		if (i == key.size || tolower((unsigned char)key.data[i++]) != *name)
			return false;
	}
	return i == key.size;
}

// Of the object that begins at `object`. -ENOENT when it has none of this name.
static int find_member(struct bytes text, size_t object, const char *name, struct member *ret_member)
{
	size_t at = skip_spaces(text, object);
	struct member member;
	if (at >= text.size || text.data[at] != '{')
		return -ENOENT;
	at++;
	while (next_member(text, &at, &member)) {
		const struct bytes key = {.data = text.data + member.key, .size = member.key_end - member.key};
		if (is_name_of(key, name)) {
			*ret_member = member;
			return 0;
		}
	}
	return -ENOENT;
}

// ---------------------------------------------------------------- a line

// Where a field that the JSON reader names is, for people: the column of its name.
static size_t column_of(struct bytes text, size_t object, const char *path)
{
	char name[128];
	struct member member;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(path, ".["), path);
	return find_member(text, object, name, &member) == 0 ? member.key : object + 1;
}

// Reads what `text` has from `begin` to `end` as JSON, and nothing else of it, so that columns are those of the line.
static int read_object(struct bytes text, const struct schema *schema, struct member part, struct arena *arena,
		       void *ret_message, struct request_file_fault *fault)
{
	struct fault reason = {0};
	const int error = json_decode(schema, text, arena, ret_message, &reason);
	if (error == 0)
		return 0;
	unsigned line, column;
	const char *place = strstr(reason.message, "at line ");
	if (error == -ENOMEM)
		return error;
	if (place && sscanf(place, "at line %u, column %u", &line, &column) == 2)
		return refuse(fault, column, "is not JSON: %s", place + strcspn(place, ":") + 2);
	return refuse(fault, column_of(text, part.value, reason.field), "%s", reason.message);
}

// A copy of the line in the arena with spaces in place of what lies outside of begin .. end, or, `inside`, within.
static struct bytes blank(struct bytes text, size_t begin, size_t end, bool inside, struct arena *arena)
{
	const struct bytes copy = arena_copy(arena, text);
	for (size_t i = 0; copy.data && i < text.size; i++) {
		if ((i >= begin && i < end) == inside)
			((char *)copy.data)[i] = ' ';
	}
	return copy;
}

static int read_request(struct bytes text, const struct member *expect, struct arena *arena, struct request_line *line,
			struct request_file_fault *fault)
{
	size_t begin = expect->key - 1, end = expect->value_end;
	// With one of the commas around it.
	if (end < text.size && text.data[end] == ',') {
		end++;
	} else {
		size_t before = begin;
		while (before > 0 && isspace((unsigned char)text.data[before - 1]))
			before--;
		if (before > 0 && text.data[before - 1] == ',')
			begin = before - 1;
	}
	const struct bytes rest = blank(text, begin, end, true, arena);
	if (!rest.data)
		return -ENOMEM;
	struct authorize_request *request;
	const int error =
		read_object(rest, &schema_authorize_request, (struct member){.value = 0}, arena, &request, fault);
	if (error == 0)
		line->request = request;
	return error;
}

static int read_fields(struct bytes text, const struct member *expect, uint32_t *ret_fields,
		       struct request_file_fault *fault)
{
	uint32_t fields = 0;
	size_t at = skip_spaces(text, expect->value) + 1;
	struct member member;
	while (next_member(text, &at, &member)) {
		const struct bytes key = {.data = text.data + member.key, .size = member.key_end - member.key};
		uint32_t number = FIELD_NUMBER_MAX;
		while (number > 0 && !is_name_of(key, answer_fields[number]))
			number--;
		if (number == FIELD_EXPLANATION || number == 0)
			return refuse(fault, member.key, "%.*s cannot be expected", BYTES_ARG(key));
		fields |= 1u << number;
	}
	if (fields == 0)
		return refuse(fault, expect->key, "expect names no field");
	*ret_fields = fields;
	return 0;
}

static int read_expected(struct bytes text, const struct member *expect, struct arena *arena, struct request_line *line,
			 struct request_file_fault *fault)
{
	const struct bytes part = blank(text, expect->value, expect->value_end, false, arena);
	if (!part.data)
		return -ENOMEM;
	struct authorize_response *answer;
	int error = read_object(part, &schema_authorize_response, *expect, arena, &answer, fault);
	if (error == 0)
		error = read_fields(text, expect, &line->fields, fault);
	if (error == 0)
		error = codec_encode(&schema_authorize_response, answer, arena, &line->expected);
	return error;
}

int request_line_read(struct bytes text, uint32_t number, struct arena *arena, struct request_line *ret_line,
		      struct request_file_fault *fault)
{
	struct request_line line = {0};
	struct member expect;
	*fault = (struct request_file_fault){.line = number};
	if (text.size > REQUEST_LINE_SIZE_MAX)
		return refuse(fault, REQUEST_LINE_SIZE_MAX + 1, "is longer than %d bytes", REQUEST_LINE_SIZE_MAX);
	if (find_member(text, 0, "expect", &expect) < 0) {
		// If it is no JSON that is what has to be said.
		struct authorize_request *request;
		const struct member whole = {.value = 0};
		const int error = read_object(text, &schema_authorize_request, whole, arena, &request, fault);
		return error < 0 ? error : refuse(fault, 0, "has no \"expect\" with what the answer must have");
	}
	int error = read_request(text, &expect, arena, &line, fault);
	if (error == 0)
		error = read_expected(text, &expect, arena, &line, fault);
	if (error == 0)
		*ret_line = line;
	return error;
}

// ---------------------------------------------------------------- answers

// As in proto3, what is zero or empty and what is absent are one.
struct field_value {
	uint64_t value;      // of a number; the size of what is sized
	const uint8_t *data; // of what is sized
};

// The fields of an encoded message up to FIELD_NUMBER_MAX. False when it is none.
static bool read_values(struct bytes body, struct field_value *values)
{
	const uint8_t *at = (const uint8_t *)body.data, *end = at + body.size;
	while (at < end) {
		uint64_t key, value;
		if (!varint_read(&at, end, &key) || !varint_read(&at, end, &value))
			return false;
		const bool is_sized = (key & 7) == WIRE_SIZED;
		if ((key & 7) > WIRE_SIZED || (key & 7) == 1 || (is_sized && value > (uint64_t)(end - at)))
			return false;
		if (key >> 3 <= FIELD_NUMBER_MAX)
			values[key >> 3] =
				(struct field_value){.value = value, .data = is_sized && value > 0 ? at : NULL};
		at += is_sized ? value : 0;
	}
	return true;
}

static bool values_equal(const struct field_value *a, const struct field_value *b)
{
	if (a->value != b->value || !a->data != !b->data)
		return false;
	return !a->data || memcmp(a->data, b->data, a->value) == 0;
}

bool request_line_is_answered(struct bytes expected, uint32_t fields, struct bytes answer)
{
	struct field_value wanted[FIELD_NUMBER_MAX + 1] = {0}, came[FIELD_NUMBER_MAX + 1] = {0};
	if (!read_values(expected, wanted) || !read_values(answer, came))
		return false;
	for (uint32_t number = 1; number <= FIELD_NUMBER_MAX; number++) {
		if ((fields & 1u << number) && !values_equal(&wanted[number], &came[number]))
			return false;
	}
	return true;
}
