// SPDX-License-Identifier: Apache-2.0
// What both directions of the JSON mapping know about enums. For proto/ alone.
#pragma once

#include "base/bytes.h"
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
