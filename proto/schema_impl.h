// SPDX-License-Identifier: Apache-2.0
// Inside of a schema, for proto/ alone: one row per field, tying a member of a plain struct (messages.h) to the field
// of the same place in protobuf-c's descriptor. Codec, guard and JSON walk these rows; there is no code per message.
//
// To add a field: evauth.proto, messages.h, and a row in schema.c, in the order of the field numbers.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "proto/messages.h"
#include "proto/schema.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

// How a value lies in the plain struct.
enum schema_kind {
	SCHEMA_STRING,  // struct bytes
	SCHEMA_BOOL,    // bool
	SCHEMA_WORD,    // uint32_t, or an enum
	SCHEMA_INT64,   // int64_t
	SCHEMA_UINT64,  // uint64_t
	SCHEMA_MESSAGE, // pointer to a struct; in a list the structs themselves
};

struct schema_field {
	uint16_t offset;       // of the member
	uint16_t count_offset; // of its count; lists only
	uint8_t kind;          // enum schema_kind
	bool is_list;
	bool is_time;             // int64: unix seconds, also written as RFC 3339
	uint32_t count_max;       // of a list; 0: only what GUARD_COST_MAX lets through
	const struct schema *sub; // MESSAGE only
	const char *name;         // as in evauth.proto
};

// The members of a oneof share one pointer of the plain struct, and have consecutive rows.
struct schema_oneof {
	uint8_t first, count; // rows; count 0: the message has no oneof
	uint16_t kind_offset; // of the field number of the member that is set
};

struct schema {
	const ProtobufCMessageDescriptor *descriptor;
	const struct schema_field *fields;
	uint16_t fields_count; // the descriptor's n_fields
	uint16_t size;         // of the plain struct
	bool is_decimal;       // JSON: a number
	struct schema_oneof oneof;
};

// Messages that only occur inside others.
extern const struct schema schema_decimal, schema_issuer, schema_display_text, schema_price, schema_price_component,
	schema_tariff_restrictions, schema_tariff_element, schema_energy_source, schema_environmental_impact,
	schema_energy_mix, schema_evse, schema_delete_object, schema_delete_token, schema_attach_charge_points,
	schema_detach_charge_points, schema_attach_customers, schema_detach_customers, schema_set_customer_tariff,
	schema_change_result, schema_explanation_step, schema_permitted_customer, schema_permitted_class,
	schema_method_info, schema_limit, schema_object_count, schema_remembered, schema_log_entry, schema_logged_set,
	schema_replication, schema_bin, schema_distribution, schema_status_count, schema_method_figures,
	schema_decision_count, schema_connection_figures, schema_writer_figures, schema_store_usage,
	schema_process_usage, schema_client_info;

// NULL: no field has this number.
const ProtobufCFieldDescriptor *schema_find_field(const struct schema *schema, uint32_t number);

static inline const struct schema_field *schema_row(const struct schema *schema, const ProtobufCFieldDescriptor *field)
{
	return &schema->fields[field - schema->descriptor->fields];
}

static inline bool schema_is_in_oneof(const struct schema *schema, size_t row)
{
	return row - schema->oneof.first < schema->oneof.count;
}

// Whether the enum knows `value`, as it stands on the wire.
bool schema_enum_has(const ProtobufCEnumDescriptor *type, uint64_t value);

// Of the member itself, or of one element of a list; for messages, of the struct.
size_t schema_element_size(const struct schema_field *row);
