// SPDX-License-Identifier: Apache-2.0
// The JSON mapping (DESIGN 2; PROTOCOL.md "JSON"), driven by the protobuf-c descriptors, on jansson.
// Out: snake_case, 64-bit integers as strings, enum names without prefix, Decimal as a number, absent fields left
// out. In: also camelCase, numbers, any case of enum names, with or without prefix; unknown names are refused.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/fault.h"
#include "proto/schema.h"

#include <stdint.h>

enum json_style {
	JSON_COMPACT, // one line, no spaces
	JSON_INDENT,
};

// Reads one JSON object that fills `text`. -EINVAL and a fault that names the field and, for bad JSON, the line and
// column within `text`: INVALID_ARGUMENT, RESOURCE_EXHAUSTED for a list that is too long. -ENOMEM with
// RESOURCE_EXHAUSTED when the arena's budget is spent. Unknown enum values and a oneof with nothing set are refused.
// *ret_message (a pointer to a plain struct) lives in `arena`, as does all it points to.
MUST_CHECK int json_decode(const struct schema *schema, struct bytes text, struct arena *arena, void *ret_message,
			   struct fault *fault);

// A terminated string in `arena`.
MUST_CHECK int json_encode(const struct schema *schema, const void *message, enum json_style style, struct arena *arena,
			   struct bytes *ret_text);

// An instant as RFC 3339 writes it, "2026-12-01T08:00:00Z" or with an offset; a fraction of a second is dropped.
// -EINVAL.
MUST_CHECK int json_time_parse(struct bytes text, int64_t *ret_unix_s);

// The name of an enum's value without its prefix, e.g. json_enum_name(JSON_ENUM_VERDICT, VERDICT_DENIED) is
// "DENIED"; the number in decimal for a value that is not in the schema. Static or thread-local storage.
enum json_enum {
	JSON_ENUM_VERDICT,
	JSON_ENUM_REASON,
	JSON_ENUM_ACCESS,
	JSON_ENUM_TOKEN_TYPE,
	JSON_ENUM_CHARGE_GROUP_TYPE,
	JSON_ENUM_PAYMENT,
	JSON_ENUM_WHITELIST,
	JSON_ENUM_OBJECT_KIND,
	JSON_ENUM_CALLER_CLASS,
	JSON_ENUM_TARIFF_SOURCE,
	JSON_ENUM_CHANGE_OUTCOME,
	JSON_ENUM_REPLICATION_STATE,
};
const char *json_enum_name(enum json_enum type, int value);
// Any case, with or without prefix. -EINVAL for a name that is not in the schema.
MUST_CHECK int json_enum_parse(enum json_enum type, struct bytes name, int *ret_value);
