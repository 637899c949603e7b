// SPDX-License-Identifier: Apache-2.0
#include "proto/guard.h"

#include "proto/limits.h"
#include "proto/schema_impl.h"
#include "proto/utf8.h"
#include "proto/wire.h"

#include <errno.h>
#include <stdio.h>

struct guard {
	enum codec_mode mode;
	size_t messages_left;
	struct fault *fault;
};

// One message on the way down to the field being looked at.
struct guard_level {
	const struct guard_level *parent; // NULL: the body itself
	const struct schema *schema;
	const char *at;                        // where the current field starts
	const ProtobufCFieldDescriptor *field; // the current field; NULL: unknown here, or not yet known
	struct bytes body;
	unsigned depth;
	unsigned unknown_fields;
	uint32_t singular_seen; // bit per row: messages that may be there once
	uint32_t elements_seen; // of the list that has a maximum; no message has two of them
	bool oneof_seen;
};

// How many fields like the current one come before it: its index, if it is a list. Only for faults: the walk itself
// does not count what has no maximum.
static size_t index_in_list(const struct guard_level *level)
{
	struct wire_reader reader = wire_reader_of(level->body);
	struct wire_field field;
	size_t index = 0;
	while (reader.next < level->at && wire_read_field(&reader, &field) == NULL)
		index += field.number == level->field->id;
	return index;
}

// Writes "changes[3].put_token.uid" and returns its size; what does not fit is cut off.
static size_t write_path(const struct guard_level *level, char *path, size_t size)
{
	size_t used = level->parent ? write_path(level->parent, path, size) : 0;
	if (level->field == NULL || used >= size)
		return used;
	used += (size_t)snprintf(path + used, size - used, "%s%s", used ? "." : "", level->field->name);
	if (level->field->label == PROTOBUF_C_LABEL_REPEATED && used < size)
		used += (size_t)snprintf(path + used, size - used, "[%zu]", index_in_list(level));
	return used;
}

// DESIGN 1.4: an error carries the number of the change it is about.
static uint32_t find_change_number(const struct guard_level *level)
{
	while (level->parent != NULL)
		level = level->parent;
	const bool is_change = level->schema == &schema_change_set && level->field != NULL &&
			       level->field->label == PROTOBUF_C_LABEL_REPEATED;
	return is_change ? (uint32_t)index_in_list(level) + 1 : 0;
}

__attribute__((cold)) static int refuse_as(const struct guard *guard, const struct guard_level *level,
					   enum status_code code, const char *problem)
{
	char path[sizeof(guard->fault->field)] = "";
	write_path(level, path, sizeof(path));
	fault_set(guard->fault, code, path, "%s %s", path[0] ? path : "the body", problem);
	guard->fault->change_number = find_change_number(level);
	return -EINVAL;
}

static int refuse(const struct guard *guard, const struct guard_level *level, const char *problem)
{
	return refuse_as(guard, level, STATUS_INVALID_ARGUMENT, problem);
}

static bool enum_is_fine(const struct guard *guard, const ProtobufCFieldDescriptor *field, uint64_t value)
{
	return guard->mode == CODEC_TOLERANT || field->type != PROTOBUF_C_TYPE_ENUM ||
	       schema_enum_has(field->descriptor, value);
}

static int check_number(struct guard *guard, const struct guard_level *level, uint64_t value)
{
	if (LIKELY(enum_is_fine(guard, level->field, value)))
		return 0;
	return refuse(guard, level, "has a value this version does not know");
}

// A list of numbers in one field; only enums occur.
static int check_packed(struct guard *guard, const struct guard_level *level, struct bytes content)
{
	struct wire_reader reader = wire_reader_of(content);
	while (reader.next < reader.end) {
		uint64_t value;
		if (!wire_read_varint(&reader, &value))
			return refuse(guard, level, "is malformed: a number is cut off or too long");
		const int result = check_number(guard, level, value);
		if (result != 0)
			return result;
	}
	return 0;
}

static int check_string(struct guard *guard, const struct guard_level *level, struct bytes content)
{
	if (LIKELY(utf8_is_text(content)))
		return 0;
	return refuse(guard, level, "is not UTF-8 or has a NUL");
}

// Twice the same message would be merged, which takes protobuf-c quadratic time; twice a member of a oneof contradicts
// itself.
static int check_once(struct guard *guard, struct guard_level *level, const struct schema_field *row)
{
	const size_t index = (size_t)(row - level->schema->fields);
	const uint32_t bit = 1u << index;
	if (UNLIKELY(level->singular_seen & bit))
		return refuse(guard, level, "is there twice");
	level->singular_seen |= bit;
	if (!schema_is_in_oneof(level->schema, index))
		return 0;
	if (UNLIKELY(level->oneof_seen))
		return refuse(guard, level, "stands beside another member of the same oneof");
	level->oneof_seen = true;
	return 0;
}

static int check_message(struct guard *guard, const struct guard_level *parent, const struct schema *schema,
			 struct bytes body);

static int check_sub_message(struct guard *guard, struct guard_level *level, const struct schema_field *row,
			     struct bytes content)
{
	if (UNLIKELY(guard->messages_left-- == 0))
		return refuse_as(guard, level, STATUS_RESOURCE_EXHAUSTED,
				 "is one message too many: send this in smaller parts");
	if (!row->is_list) {
		const int result = check_once(guard, level, row);
		if (result != 0)
			return result;
	}
	return check_message(guard, level, row->sub, content);
}

static int check_count(struct guard *guard, struct guard_level *level, const struct schema_field *row)
{
	char problem[64];
	if (row->count_max == 0 || level->elements_seen++ < row->count_max)
		return 0;
	snprintf(problem, sizeof(problem), "is one too many: at most %u", row->count_max);
	return refuse_as(guard, level, STATUS_RESOURCE_EXHAUSTED, problem);
}

static enum wire_type wire_type_of(const struct schema_field *row)
{
	return row->kind == SCHEMA_STRING || row->kind == SCHEMA_MESSAGE ? WIRE_BYTES : WIRE_VARINT;
}

static int check_known(struct guard *guard, struct guard_level *level, const struct wire_field *field)
{
	const struct schema_field *row = schema_row(level->schema, level->field);
	if (row->is_list) {
		const int result = check_count(guard, level, row);
		if (result != 0)
			return result;
	}
	if (UNLIKELY(field->type != wire_type_of(row))) {
		if (row->is_list && field->type == WIRE_BYTES)
			return check_packed(guard, level, field->content);
		return refuse(guard, level, "has the wrong wire type");
	}
	if (row->kind == SCHEMA_STRING)
		return check_string(guard, level, field->content);
	if (row->kind == SCHEMA_MESSAGE)
		return check_sub_message(guard, level, row, field->content);
	return check_number(guard, level, field->varint);
}

static int check_unknown(struct guard *guard, struct guard_level *level, uint32_t number)
{
	char problem[96];
	if (guard->mode == CODEC_STRICT) {
		snprintf(problem, sizeof(problem), "has field number %u, which this version does not know", number);
		return refuse(guard, level, problem);
	}
	if (level->unknown_fields++ >= GUARD_UNKNOWN_FIELDS_MAX)
		return refuse(guard, level, "has too many fields that this version does not know");
	return 0;
}

static int check_end(struct guard *guard, struct guard_level *level)
{
	level->field = NULL;
	if (guard->mode == CODEC_STRICT && level->schema->oneof.count > 0 && !level->oneof_seen)
		return refuse(guard, level, "says nothing: one member of its oneof must be set");
	return 0;
}

static int check_message(struct guard *guard, const struct guard_level *parent, const struct schema *schema,
			 struct bytes body)
{
	struct guard_level level = {
		.parent = parent, .schema = schema, .body = body, .depth = parent ? parent->depth + 1 : 0};
	if (UNLIKELY(level.depth > GUARD_NESTING_MAX))
		return refuse(guard, parent, "is nested too deeply");
	struct wire_reader reader = wire_reader_of(body);
	while (reader.next < reader.end) {
		struct wire_field field;
		level.at = reader.next;
		level.field = NULL;
		const char *problem = wire_read_field(&reader, &field);
		if (UNLIKELY(problem != NULL))
			return refuse(guard, &level, problem);
		level.field = schema_find_field(schema, field.number);
		const int result = LIKELY(level.field != NULL) ? check_known(guard, &level, &field)
							       : check_unknown(guard, &level, field.number);
		if (UNLIKELY(result != 0))
			return result;
	}
	return check_end(guard, &level);
}

int guard_check(const struct schema *schema, enum codec_mode mode, struct bytes body, struct fault *fault)
{
	// Bodies above the largest request are answers and snapshots, read by clients.
	const size_t in_proportion = body.size / GUARD_BYTES_PER_MESSAGE;
	struct guard guard = {
		.mode = mode,
		.messages_left = in_proportion > GUARD_MESSAGES_MAX ? in_proportion : GUARD_MESSAGES_MAX,
		.fault = fault,
	};
	return check_message(&guard, NULL, schema, body);
}
