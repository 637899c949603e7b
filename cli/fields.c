// SPDX-License-Identifier: Apache-2.0
#include "cli/fields.h"

#include "cli/output.h"
#include "cli/words.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define NO_OPTION OPTION_COUNT

static const struct field tariff_fields[] = {
	{"id", offsetof(struct tariff, id), FIELD_TEXT, 0, NO_OPTION, true},
	{"currency", offsetof(struct tariff, currency), FIELD_TEXT, 0, OPTION_CURRENCY, false},
	{"start", offsetof(struct tariff, start_date_time), FIELD_TEXT, 0, OPTION_START, false},
	{"end", offsetof(struct tariff, end_date_time), FIELD_TEXT, 0, OPTION_END, false},
	{"url", offsetof(struct tariff, tariff_alt_url), FIELD_TEXT, 0, OPTION_URL, false},
};

static const struct field charge_group_fields[] = {
	{"id", offsetof(struct charge_group, id), FIELD_TEXT, 0, NO_OPTION, true},
	{"name", offsetof(struct charge_group, name), FIELD_TEXT, 0, OPTION_NAME, false},
	{"info", offsetof(struct charge_group, additional_information), FIELD_TEXT, 0, OPTION_INFO, false},
	{"type", offsetof(struct charge_group, type), FIELD_ENUM, JSON_ENUM_CHARGE_GROUP_TYPE, OPTION_GROUP_TYPE,
	 false},
	{"tariff", offsetof(struct charge_group, tariff_id), FIELD_TEXT, 0, OPTION_TARIFF, false},
	{"prepaid tariff", offsetof(struct charge_group, prepaid_tariff_id), FIELD_TEXT, 0, OPTION_PREPAID_TARIFF,
	 false},
	{"open to all customers", offsetof(struct charge_group, open_to_all_customers), FIELD_SWITCH, 0,
	 OPTION_ALL_CUSTOMERS, false},
	{"open to roaming", offsetof(struct charge_group, open_to_roaming), FIELD_SWITCH, 0, OPTION_ROAMING, false},
	{"user group", offsetof(struct charge_group, user_group), FIELD_TEXT, 0, OPTION_USER_GROUP, false},
};

static const struct field charge_point_fields[] = {
	{"id", offsetof(struct charge_point, id), FIELD_TEXT, 0, NO_OPTION, true},
	{"charge group", offsetof(struct charge_point, charge_group_id), FIELD_TEXT, 0, NO_OPTION, false},
	{"location", offsetof(struct charge_point, location_id), FIELD_TEXT, 0, OPTION_LOCATION, false},
	{"home charger", offsetof(struct charge_point, home_charger), FIELD_SWITCH, 0, OPTION_HOME, false},
	{"time zone", offsetof(struct charge_point, time_zone), FIELD_TEXT, 0, OPTION_TIME_ZONE, false},
	{"EVSE", offsetof(struct charge_point, evses), FIELD_EVSES, 0, OPTION_EVSES, false},
};

static const struct field customer_fields[] = {
	{"id", offsetof(struct customer, id), FIELD_TEXT, 0, NO_OPTION, true},
	{"name", offsetof(struct customer, name), FIELD_TEXT, 0, OPTION_NAME, false},
	{"user group", offsetof(struct customer, user_group), FIELD_TEXT, 0, OPTION_USER_GROUP, false},
	{"payment", offsetof(struct customer, payment), FIELD_ENUM, JSON_ENUM_PAYMENT, OPTION_PAYMENT, false},
	{"blocked", offsetof(struct customer, blocked), FIELD_SWITCH, 0, OPTION_BLOCKED, false},
	{"no credit", offsetof(struct customer, no_credit), FIELD_SWITCH, 0, OPTION_NO_CREDIT, false},
};

static const struct field token_fields[] = {
	{"uid", offsetof(struct token, uid), FIELD_TEXT, 0, NO_OPTION, true},
	{"type", offsetof(struct token, type), FIELD_ENUM, JSON_ENUM_TOKEN_TYPE, OPTION_TOKEN_TYPE, true},
	{"issuer", offsetof(struct token, issuer), FIELD_ISSUER, 0, OPTION_ISSUER, true},
	{"customer", offsetof(struct token, customer_id), FIELD_TEXT, 0, OPTION_CUSTOMER, false},
	{"contract", offsetof(struct token, contract_id), FIELD_TEXT, 0, OPTION_CONTRACT, false},
	{"visual number", offsetof(struct token, visual_number), FIELD_TEXT, 0, OPTION_VISUAL_NUMBER, false},
	{"parent", offsetof(struct token, parent_id), FIELD_TEXT, 0, OPTION_PARENT, false},
	{"blocked", offsetof(struct token, blocked), FIELD_SWITCH, 0, OPTION_BLOCKED, false},
	{"valid from", offsetof(struct token, valid_from), FIELD_TIME, 0, OPTION_VALID_FROM, false},
	{"valid until", offsetof(struct token, valid_until), FIELD_TIME, 0, OPTION_VALID_UNTIL, false},
	{"whitelist", offsetof(struct token, whitelist), FIELD_ENUM, JSON_ENUM_WHITELIST, OPTION_WHITELIST, false},
	{"roaming allowed", offsetof(struct token, roaming_allowed), FIELD_SWITCH, 0, OPTION_ROAMING_ALLOWED, false},
};

static const struct field membership_fields[] = {
	{"charge group", offsetof(struct membership, charge_group_id), FIELD_TEXT, 0, NO_OPTION, true},
	{"customer", offsetof(struct membership, customer_id), FIELD_TEXT, 0, NO_OPTION, true},
	{"tariff", offsetof(struct membership, tariff_id), FIELD_TEXT, 0, NO_OPTION, false},
};

static const struct object_row object_rows[OBJECT_KINDS] = {
	[OBJECT_KIND_TARIFF] = {&schema_tariff, sizeof(struct tariff), CHANGE_PUT_TARIFF, CHANGE_DELETE_TARIFF,
				tariff_fields, ARRAY_SIZE(tariff_fields)},
	[OBJECT_KIND_CHARGE_GROUP] = {&schema_charge_group, sizeof(struct charge_group), CHANGE_PUT_CHARGE_GROUP,
				      CHANGE_DELETE_CHARGE_GROUP, charge_group_fields, ARRAY_SIZE(charge_group_fields)},
	[OBJECT_KIND_CHARGE_POINT] = {&schema_charge_point, sizeof(struct charge_point), CHANGE_PUT_CHARGE_POINT,
				      CHANGE_DELETE_CHARGE_POINT, charge_point_fields, ARRAY_SIZE(charge_point_fields)},
	[OBJECT_KIND_CUSTOMER] = {&schema_customer, sizeof(struct customer), CHANGE_PUT_CUSTOMER,
				  CHANGE_DELETE_CUSTOMER, customer_fields, ARRAY_SIZE(customer_fields)},
	[OBJECT_KIND_TOKEN] = {&schema_token, sizeof(struct token), CHANGE_PUT_TOKEN, CHANGE_DELETE_TOKEN, token_fields,
			       ARRAY_SIZE(token_fields)},
	[OBJECT_KIND_MEMBERSHIP] = {&schema_membership, sizeof(struct membership), CHANGE_NONE, CHANGE_NONE,
				    membership_fields, ARRAY_SIZE(membership_fields)},
};

const struct object_row *object_row(enum object_kind kind)
{
	ASSERT(kind > OBJECT_KIND_UNSPECIFIED && kind < OBJECT_KINDS);
	return &object_rows[kind];
}

struct bytes object_id(enum object_kind kind, const void *object)
{
	return *(const struct bytes *)((const char *)object + object_row(kind)->fields[0].offset);
}

// ---------------------------------------------------------------- from options

static int refuse_value(const struct field *field, const char *value, const char *expected, struct fault *fault)
{
	fault_set(fault, STATUS_INVALID_ARGUMENT, NULL, "--%s: '%.64s' is not %s", option_rows[field->option].name,
		  value, expected);
	return -EINVAL;
}

static int take_enum(const struct field *field, const char *value, void *target, struct fault *fault)
{
	int number;
	if (words_parse_enum((enum json_enum)field->enumeration, value, &number) < 0)
		return refuse_value(field, value, option_rows[field->option].help, fault);
	*(int *)target = number;
	return 0;
}

static int take_issuer(const struct field *field, const char *value, struct issuer **target, struct arena *arena,
		       struct fault *fault)
{
	struct issuer *issuer = arena_calloc(arena, 1, sizeof(*issuer));
	if (issuer == NULL)
		return -ENOMEM;
	if (words_parse_issuer(value, issuer) < 0)
		return refuse_value(field, value, "an issuer, like NL*ABC", fault);
	*target = issuer->country_code.size ? issuer : NULL;
	return 0;
}

// "EVSE" or "EVSE=CONNECTOR", once for each; a single empty one clears the list.
static int take_evses(const struct arguments *arguments, struct charge_point *point, struct arena *arena)
{
	const size_t count = arguments->evses_count == 1 && arguments->evses[0][0] == '\0' ? 0 : arguments->evses_count;
	struct evse *evses = arena_calloc(arena, count + 1, sizeof(*evses));
	if (evses == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(arguments->evses[i], '=');
		evses[i].evse_id = bytes_from(arguments->evses[i]);
		if (equals == NULL)
			continue;
		evses[i].evse_id.size = (size_t)(equals - arguments->evses[i]);
		evses[i].connector_type = bytes_from(equals + 1);
	}
	point->evses = evses;
	point->evses_count = count;
	return 0;
}

static int take_time(const struct field *field, const char *value, int64_t *target, struct fault *fault)
{
	if (words_parse_time(value, target) < 0)
		return refuse_value(field, value, "a time: 2026-12-01T08:00:00Z, 2026-12-01 or unix seconds", fault);
	return 0;
}

static int field_take(const struct field *field, const struct arguments *arguments, void *object, struct arena *arena,
		      struct fault *fault)
{
	const char *value = arguments->values[field->option];
	void *target = (char *)object + field->offset;
	switch (field->type) {
	case FIELD_TEXT:
		*(struct bytes *)target = bytes_from(value);
		return 0;
	case FIELD_SWITCH:
		*(bool *)target = option_is_on(arguments, field->option);
		return 0;
	case FIELD_TIME:
		return take_time(field, value, target, fault);
	case FIELD_ENUM:
		return take_enum(field, value, target, fault);
	case FIELD_ISSUER:
		return take_issuer(field, value, target, arena, fault);
	case FIELD_EVSES:
		return take_evses(arguments, object, arena);
	}
	return -EINVAL;
}

int fields_take(const struct object_row *row, const struct arguments *arguments, bool creating, void *object,
		struct arena *arena, size_t *ret_given, struct fault *fault)
{
	size_t given = 0;
	for (size_t i = 0; i < row->fields_count; i++) {
		const struct field *field = &row->fields[i];
		if (field->option == NO_OPTION || !option_given(arguments, field->option) ||
		    (field->identity && !creating))
			continue;
		const int result = field_take(field, arguments, object, arena, fault);
		if (result < 0) {
			fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "out of memory");
			return result;
		}
		given++;
	}
	*ret_given = given;
	return 0;
}

// ---------------------------------------------------------------- to people

static void print_enum(struct context *context, const struct field *field, int value)
{
	if (value != 0)
		output_field_text(context, field->label, json_enum_name((enum json_enum)field->enumeration, value));
}

static void print_issuer(struct context *context, const struct field *field, const struct issuer *issuer)
{
	char text[2 * ID_SIZE_MAX + 2];
	if (issuer == NULL)
		return;
	snprintf(text, sizeof(text), "%.*s*%.*s", BYTES_ARG(issuer->country_code), BYTES_ARG(issuer->party_id));
	output_field_text(context, field->label, text);
}

static void print_evses(struct context *context, const struct field *field, const struct charge_point *point)
{
	char text[2 * TEXT_SIZE_MAX];
	for (size_t i = 0; i < point->evses_count; i++) {
		const struct evse *evse = &point->evses[i];
		snprintf(text, sizeof(text), "%.*s  %.*s", BYTES_ARG(evse->evse_id), BYTES_ARG(evse->connector_type));
		output_field_text(context, field->label, text);
	}
}

static void field_print(struct context *context, const struct field *field, const void *object)
{
	const void *source = (const char *)object + field->offset;
	char time[WORDS_SIZE];
	switch (field->type) {
	case FIELD_TEXT:
		output_field(context, field->label, *(const struct bytes *)source);
		return;
	case FIELD_SWITCH:
		output_field_bool(context, field->label, *(const bool *)source);
		return;
	case FIELD_TIME:
		output_field_text(context, field->label, words_time(*(const int64_t *)source, time));
		return;
	case FIELD_ENUM:
		print_enum(context, field, *(const int *)source);
		return;
	case FIELD_ISSUER:
		print_issuer(context, field, *(struct issuer *const *)source);
		return;
	case FIELD_EVSES:
		print_evses(context, field, object);
		return;
	}
}

void fields_print(struct context *context, enum object_kind kind, const void *object)
{
	const struct object_row *row = object_row(kind);
	for (size_t i = 0; i < row->fields_count; i++)
		field_print(context, &row->fields[i], object);
}
