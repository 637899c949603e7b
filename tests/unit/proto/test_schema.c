// SPDX-License-Identifier: Apache-2.0
// Holds evauth.proto, messages.h and the rows of schema.c together.
#include "proto/evauth.pb-c.h"
#include "proto/limits.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

// ---------------------------------------------------------------- rows

static enum schema_kind kind_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
		return SCHEMA_STRING;
	case PROTOBUF_C_TYPE_BOOL:
		return SCHEMA_BOOL;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
		return SCHEMA_WORD;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
		return SCHEMA_INT64;
	case PROTOBUF_C_TYPE_UINT64:
		return SCHEMA_UINT64;
	case PROTOBUF_C_TYPE_MESSAGE:
		return SCHEMA_MESSAGE;
	default:
		ck_abort_msg("a type the codec does not know");
	}
}

static void check_row(const struct schema *schema, size_t index)
{
	const struct schema_field *row = &schema->fields[index];
	const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
	ck_assert_str_eq(row->name, field->name);
	ck_assert_int_eq(row->kind, kind_of(field->type));
	ck_assert_int_eq(row->is_list, field->label == PROTOBUF_C_LABEL_REPEATED);
	ck_assert_int_eq(schema_is_in_oneof(schema, index), (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0);
	ck_assert_uint_lt(row->offset, schema->size);
	ck_assert_ptr_eq(schema_row(schema, field), row);
	ck_assert_ptr_eq(schema_find_field(schema, field->id), field);
	if (row->kind == SCHEMA_MESSAGE)
		ck_assert_ptr_eq(row->sub->descriptor, field->descriptor);
	// What convert.c and guard.c know about lists and oneofs.
	if (row->is_list)
		ck_assert(row->kind == SCHEMA_MESSAGE || row->kind == SCHEMA_STRING || row->kind == SCHEMA_WORD);
	if (schema_is_in_oneof(schema, index))
		ck_assert_int_eq(row->kind, SCHEMA_MESSAGE);
}

// Checks a schema and all below it; returns how deep they nest.
static unsigned check_schema(const struct schema *schema)
{
	unsigned depth = 0, lists_with_maximum = 0;
	ck_assert_uint_eq(schema->fields_count, schema->descriptor->n_fields);
	ck_assert_uint_le(schema->fields_count, 32); // the guard's and JSON's bit sets
	for (size_t i = 0; i < schema->fields_count; i++) {
		const struct schema_field *row = &schema->fields[i];
		check_row(schema, i);
		lists_with_maximum += row->count_max > 0;
		if (row->kind == SCHEMA_MESSAGE) {
			const unsigned below = 1 + check_schema(row->sub);
			depth = below > depth ? below : depth;
		}
	}
	ck_assert_uint_le(lists_with_maximum, 1); // the guard counts one of them
	return depth;
}

START_TEST(every_row_fits_its_field_in_the_proto_file)
{
	const struct named_schema *named = &all_schemas[_i];
	ck_assert_uint_le(check_schema(named->schema), GUARD_NESTING_MAX);
}
END_TEST

START_TEST(only_decimal_is_a_number_in_json)
{
	ck_assert(schema_decimal.is_decimal);
	ck_assert(!schema_price.is_decimal);
}
END_TEST

START_TEST(an_unknown_number_has_no_field)
{
	ck_assert_ptr_null(schema_find_field(&schema_token, 0));
	ck_assert_ptr_null(schema_find_field(&schema_token, 13));
	ck_assert_ptr_null(schema_find_field(&schema_token, UINT32_MAX));
	ck_assert_ptr_null(schema_find_field(&schema_status_request, 1));
}
END_TEST

static void check_kinds(const struct schema *schema, const uint32_t *kinds, const char *const *names, size_t count)
{
	ck_assert_uint_eq(schema->oneof.count, count);
	for (size_t i = 0; i < count; i++) {
		const ProtobufCFieldDescriptor *field = schema_find_field(schema, kinds[i]);
		ck_assert_ptr_nonnull(field);
		ck_assert_str_eq(field->name, names[i]);
	}
}

START_TEST(kinds_are_the_field_numbers_of_the_oneofs)
{
	const uint32_t changes[] = {
		CHANGE_PUT_TARIFF,          CHANGE_DELETE_TARIFF,        CHANGE_PUT_CHARGE_GROUP,
		CHANGE_DELETE_CHARGE_GROUP, CHANGE_PUT_CHARGE_POINT,     CHANGE_DELETE_CHARGE_POINT,
		CHANGE_PUT_CUSTOMER,        CHANGE_DELETE_CUSTOMER,      CHANGE_PUT_TOKEN,
		CHANGE_DELETE_TOKEN,        CHANGE_ATTACH_CHARGE_POINTS, CHANGE_DETACH_CHARGE_POINTS,
		CHANGE_ATTACH_CUSTOMERS,    CHANGE_DETACH_CUSTOMERS,     CHANGE_SET_CUSTOMER_TARIFF,
	};
	const char *const change_names[] = {
		"put_tariff",       "delete_tariff",       "put_charge_group",     "delete_charge_group",
		"put_charge_point", "delete_charge_point", "put_customer",         "delete_customer",
		"put_token",        "delete_token",        "attach_charge_points", "detach_charge_points",
		"attach_customers", "detach_customers",    "set_customer_tariff",
	};
	const uint32_t records[] = {RECORD_TARIFF, RECORD_CHARGE_GROUP, RECORD_CHARGE_POINT, RECORD_CUSTOMER,
				    RECORD_TOKEN,  RECORD_MEMBERSHIP,   RECORD_REMEMBERED};
	const char *const record_names[] = {"tariff", "charge_group", "charge_point", "customer",
					    "token",  "membership",   "remembered"};
	check_kinds(&schema_change, changes, change_names, ARRAY_SIZE(changes));
	check_kinds(&schema_record, records, record_names, ARRAY_SIZE(records));
	ck_assert_uint_eq(CHANGE_KINDS, CHANGE_SET_CUSTOMER_TARIFF + 1);
	ck_assert_uint_eq(RECORD_TARIFF, OBJECT_KIND_TARIFF + 1);
	ck_assert_uint_eq(RECORD_MEMBERSHIP, OBJECT_KIND_MEMBERSHIP + 1);
	ck_assert_uint_eq(OBJECT_KINDS, OBJECT_KIND_MEMBERSHIP + 1);
}
END_TEST

// ---------------------------------------------------------------- enums

struct plain_value {
	const char *name;
	int value;
};

#define V(value)              \
	{                     \
#value, value \
	}
static const struct plain_value tariff_type_values[] = {
	V(TARIFF_TYPE_UNSPECIFIED),  V(TARIFF_TYPE_AD_HOC_PAYMENT), V(TARIFF_TYPE_PROFILE_CHEAP),
	V(TARIFF_TYPE_PROFILE_FAST), V(TARIFF_TYPE_PROFILE_GREEN),  V(TARIFF_TYPE_REGULAR),
};

static const struct plain_value tariff_dimension_type_values[] = {
	V(TARIFF_DIMENSION_TYPE_UNSPECIFIED),  V(TARIFF_DIMENSION_TYPE_ENERGY), V(TARIFF_DIMENSION_TYPE_FLAT),
	V(TARIFF_DIMENSION_TYPE_PARKING_TIME), V(TARIFF_DIMENSION_TYPE_TIME),
};

static const struct plain_value day_of_week_values[] = {
	V(DAY_OF_WEEK_UNSPECIFIED), V(DAY_OF_WEEK_MONDAY), V(DAY_OF_WEEK_TUESDAY),  V(DAY_OF_WEEK_WEDNESDAY),
	V(DAY_OF_WEEK_THURSDAY),    V(DAY_OF_WEEK_FRIDAY), V(DAY_OF_WEEK_SATURDAY), V(DAY_OF_WEEK_SUNDAY),
};

static const struct plain_value reservation_restriction_type_values[] = {
	V(RESERVATION_RESTRICTION_TYPE_UNSPECIFIED),
	V(RESERVATION_RESTRICTION_TYPE_RESERVATION),
	V(RESERVATION_RESTRICTION_TYPE_RESERVATION_EXPIRES),
};

static const struct plain_value charge_group_type_values[] = {
	V(CHARGE_GROUP_TYPE_UNSPECIFIED),
	V(CHARGE_GROUP_TYPE_HOME),
	V(CHARGE_GROUP_TYPE_OTHER),
};

static const struct plain_value payment_values[] = {
	V(PAYMENT_UNSPECIFIED),
	V(PAYMENT_CONTRACT),
	V(PAYMENT_PREPAID),
};

static const struct plain_value token_type_values[] = {
	V(TOKEN_TYPE_UNSPECIFIED), V(TOKEN_TYPE_RFID),  V(TOKEN_TYPE_APP_USER),
	V(TOKEN_TYPE_AD_HOC_USER), V(TOKEN_TYPE_EMAID), V(TOKEN_TYPE_OTHER),
};

static const struct plain_value whitelist_values[] = {
	V(WHITELIST_UNSPECIFIED),     V(WHITELIST_ALWAYS), V(WHITELIST_ALLOWED),
	V(WHITELIST_ALLOWED_OFFLINE), V(WHITELIST_NEVER),
};

static const struct plain_value object_kind_values[] = {
	V(OBJECT_KIND_UNSPECIFIED), V(OBJECT_KIND_TARIFF), V(OBJECT_KIND_CHARGE_GROUP), V(OBJECT_KIND_CHARGE_POINT),
	V(OBJECT_KIND_CUSTOMER),    V(OBJECT_KIND_TOKEN),  V(OBJECT_KIND_MEMBERSHIP),
};

static const struct plain_value change_outcome_values[] = {
	V(CHANGE_OUTCOME_UNSPECIFIED), V(CHANGE_OUTCOME_CREATED),   V(CHANGE_OUTCOME_UPDATED),
	V(CHANGE_OUTCOME_DELETED),     V(CHANGE_OUTCOME_UNCHANGED),
};

static const struct plain_value purpose_values[] = {
	V(PURPOSE_UNSPECIFIED),
	V(PURPOSE_START),
	V(PURPOSE_STOP),
	V(PURPOSE_RESERVE),
};

static const struct plain_value verdict_values[] = {
	V(VERDICT_UNSPECIFIED),
	V(VERDICT_ALLOWED),
	V(VERDICT_DENIED),
	V(VERDICT_ASK_ISSUER),
};

static const struct plain_value reason_values[] = {
	V(REASON_UNSPECIFIED),
	V(REASON_OK),
	V(REASON_UNKNOWN_CHARGE_POINT),
	V(REASON_NO_CHARGE_GROUP),
	V(REASON_ROAMING_OFF),
	V(REASON_UNKNOWN_TOKEN),
	V(REASON_TOKEN_BLOCKED),
	V(REASON_TOKEN_NOT_YET_VALID),
	V(REASON_TOKEN_EXPIRED),
	V(REASON_CUSTOMER_BLOCKED),
	V(REASON_NOT_ATTACHED),
	V(REASON_NO_ROAMING_CONSENT),
	V(REASON_NO_CREDIT),
	V(REASON_ISSUER_DECIDES),
};

static const struct plain_value access_values[] = {
	V(ACCESS_UNSPECIFIED), V(ACCESS_MEMBER), V(ACCESS_ALL_CUSTOMERS), V(ACCESS_ROAMING), V(ACCESS_DIRECT_PAYMENT),
};

static const struct plain_value caller_class_values[] = {
	V(CALLER_CLASS_UNSPECIFIED),
	V(CALLER_CLASS_CUSTOMER),
	V(CALLER_CLASS_ROAMING),
	V(CALLER_CLASS_DIRECT_PAYMENT),
};

static const struct plain_value tariff_source_values[] = {
	V(TARIFF_SOURCE_UNSPECIFIED),
	V(TARIFF_SOURCE_OVERRIDE),
	V(TARIFF_SOURCE_PREPAID),
	V(TARIFF_SOURCE_GROUP),
};

struct plain_enum {
	const ProtobufCEnumDescriptor *type;
	const struct plain_value *values;
	size_t count;
};

#define E(name)                                                                             \
	{                                                                                   \
		&evauth__v1__##name##__descriptor, name##_values, ARRAY_SIZE(name##_values) \
	}
static const struct plain_enum plain_enums[] = {
	E(tariff_type),
	E(tariff_dimension_type),
	E(day_of_week),
	E(reservation_restriction_type),
	E(charge_group_type),
	E(payment),
	E(token_type),
	E(whitelist),
	E(object_kind),
	E(change_outcome),
	E(purpose),
	E(verdict),
	E(reason),
	E(access),
	E(caller_class),
	E(tariff_source),
};

START_TEST(plain_enums_equal_those_of_the_proto_file)
{
	const struct plain_enum *plain = &plain_enums[_i];
	ck_assert_uint_eq(plain->count, plain->type->n_values);
	for (size_t i = 0; i < plain->count; i++) {
		ck_assert_str_eq(plain->values[i].name, plain->type->values[i].name);
		ck_assert_int_eq(plain->values[i].value, plain->type->values[i].value);
		ck_assert(schema_enum_has(plain->type, (uint64_t)plain->values[i].value));
	}
	ck_assert(!schema_enum_has(plain->type, plain->count));
	ck_assert(!schema_enum_has(plain->type, UINT64_MAX));
	ck_assert(!schema_enum_has(plain->type, 1ull << 32));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("schema");
	tcase_add_loop_test(tcase, every_row_fits_its_field_in_the_proto_file, 0, ALL_SCHEMAS);
	tcase_add_test(tcase, only_decimal_is_a_number_in_json);
	tcase_add_test(tcase, an_unknown_number_has_no_field);
	tcase_add_test(tcase, kinds_are_the_field_numbers_of_the_oneofs);
	tcase_add_loop_test(tcase, plain_enums_equal_those_of_the_proto_file, 0, (int)ARRAY_SIZE(plain_enums));
	Suite *suite = suite_create("proto/schema");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
