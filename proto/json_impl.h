// SPDX-License-Identifier: Apache-2.0
// What the files of the JSON mapping share. For proto/ alone.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/fault.h"
#include "proto/schema_impl.h"

// The enum of a field, NULL for other fields.
static inline const ProtobufCEnumDescriptor *json_enum_of(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_ENUM ? field->descriptor : NULL;
}

// Without the prefix that all names of an enum share; NULL for a value that is not in the schema.
const char *json_name_of_value(const ProtobufCEnumDescriptor *type, int value);
// Any case, with or without prefix. -EINVAL.
MUST_CHECK int json_value_of_name(const ProtobufCEnumDescriptor *type, struct bytes name, int *ret_value);

// The two halves of json_decode(). The first reads what is plain (json_plain.c); what it does not read, for whatever
// reason, is the second one's. What both read is equal.
MUST_CHECK bool json_decode_plain(const struct schema *schema, struct bytes text, struct arena *arena,
				  void *ret_message);
MUST_CHECK int json_decode_tree(const struct schema *schema, struct bytes text, struct arena *arena, void *ret_message,
				struct fault *fault);
