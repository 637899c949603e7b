// SPDX-License-Identifier: Apache-2.0
// Names of enum values; the mapping itself is in json_in.c and json_out.c.
#include "proto/json.h"

#include "proto/evauth.pb-c.h"
#include "proto/json_impl.h"

#include <errno.h>
#include <stdio.h>

static const ProtobufCEnumDescriptor *const enums[] = {
	[JSON_ENUM_VERDICT] = &evauth__v1__verdict__descriptor,
	[JSON_ENUM_REASON] = &evauth__v1__reason__descriptor,
	[JSON_ENUM_ACCESS] = &evauth__v1__access__descriptor,
	[JSON_ENUM_TOKEN_TYPE] = &evauth__v1__token_type__descriptor,
	[JSON_ENUM_CHARGE_GROUP_TYPE] = &evauth__v1__charge_group_type__descriptor,
	[JSON_ENUM_PAYMENT] = &evauth__v1__payment__descriptor,
	[JSON_ENUM_WHITELIST] = &evauth__v1__whitelist__descriptor,
	[JSON_ENUM_OBJECT_KIND] = &evauth__v1__object_kind__descriptor,
	[JSON_ENUM_CALLER_CLASS] = &evauth__v1__caller_class__descriptor,
	[JSON_ENUM_TARIFF_SOURCE] = &evauth__v1__tariff_source__descriptor,
	[JSON_ENUM_CHANGE_OUTCOME] = &evauth__v1__change_outcome__descriptor,
	[JSON_ENUM_REPLICATION_STATE] = &evauth__v1__replication_state__descriptor,
};

// The first value is X_UNSPECIFIED: what comes before that word is the prefix of all of them.
static size_t prefix_size(const ProtobufCEnumDescriptor *type)
{
	return strlen(type->values[0].name) - strlen("UNSPECIFIED");
}

const char *json_name_of_value(const ProtobufCEnumDescriptor *type, int value)
{
	const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
	return known ? known->name + prefix_size(type) : NULL;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

// `expected` is in upper case.
static bool is_name(struct bytes name, const char *expected)
{
	size_t i = 0;
	for (; i < name.size && expected[i] != '\0'; i++) {
		if (upper(name.data[i]) != expected[i])
			return false;
	}
	return i == name.size && expected[i] == '\0';
}

int json_value_of_name(const ProtobufCEnumDescriptor *type, struct bytes name, int *ret_value)
{
	const size_t prefix = prefix_size(type);
	for (unsigned i = 0; i < type->n_values; i++) {
		if (is_name(name, type->values[i].name + prefix) || is_name(name, type->values[i].name)) {
			*ret_value = type->values[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

const char *json_enum_name(enum json_enum type, int value)
{
	static _Thread_local char number[16];
	const char *name = json_name_of_value(enums[type], value);
	if (name != NULL)
		return name;
	snprintf(number, sizeof(number), "%d", value);
	return number;
}

int json_enum_parse(enum json_enum type, struct bytes name, int *ret_value)
{
	return json_value_of_name(enums[type], name, ret_value);
}
