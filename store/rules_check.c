// SPDX-License-Identifier: Apache-2.0
#include "store/rules_impl.h"

#include "proto/utf8.h"

#include <errno.h>

// ---------------------------------------------------------------- values

static bool is_control(unsigned char byte)
{
	return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

// U+0080 to U+009F, the controls nobody sees coming.
static bool is_c1_control(const char *sequence, size_t size)
{
	return size == 2 && (unsigned char)sequence[0] == 0xc2 && (unsigned char)sequence[1] < 0xa0;
}

static bool is_plain_text(struct bytes text)
{
	for (size_t i = 0; i < text.size;) {
		const size_t size =
			(unsigned char)text.data[i] < 0x80 ? 1 : utf8_sequence_size(text.data + i, text.size - i);
		if (size == 0 || is_control((unsigned char)text.data[i]) || is_c1_control(text.data + i, size))
			return false;
		i += size;
	}
	return true;
}

int rules_check_text(struct bytes text, size_t size_max, const char *field, struct fault *fault)
{
	if (text.size > size_max)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, field, "%s is longer than %zu bytes", field,
				    size_max);
	if (is_plain_text(text))
		return 0;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, field,
			    "%s has control characters or is not UTF-8; only newline and tab are taken", field);
}

int rules_check_enum(int value, int min, int max, const char *field, struct fault *fault)
{
	if (value >= min && value <= max)
		return 0;
	if (value == 0)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, field, "%s must be given", field);
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, field, "%s has the unknown value %d", field, value);
}

static int check_time(int64_t time, const char *field, struct fault *fault)
{
	return time >= 0 ? 0
			 : store_refuse(fault, STATUS_INVALID_ARGUMENT, field,
					"%s is before 1970; it is in seconds since then, 0 for none", field);
}

static bool is_time_zone_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '_' || byte == '+' || byte == '-';
}

// By syntax only: which zones there are differs from machine to machine (DESIGN 1.4).
static int check_time_zone(struct bytes zone, const char *field, struct fault *fault)
{
	bool is_name = zone.size <= ID_SIZE_MAX;
	char former = '/';
	for (size_t i = 0; i < zone.size && is_name; i++) {
		is_name = is_time_zone_byte(zone.data[i]) || (zone.data[i] == '/' && former != '/');
		former = zone.data[i];
	}
	if (bytes_is_empty(zone) || (is_name && former != '/'))
		return 0;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, field, "%s is no time zone name such as Europe/Amsterdam",
			    field);
}

static int check_ids(const struct bytes *ids, size_t ids_count, const char *field, struct fault *fault)
{
	if (ids_count > IDS_PER_CHANGE_MAX)
		return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, field,
				    "%s has %zu ids, at most %d are taken; split the change", field, ids_count,
				    IDS_PER_CHANGE_MAX);
	for (size_t i = 0; i < ids_count; i++) {
		const int error = id_check(ID_FOLD_PLAIN, ids[i], field, fault);
		if (error != 0) {
			fault->field[0] = '\0';
			rules_fault_prefix(fault, "%s[%zu]", field, i);
			return error;
		}
	}
	return 0;
}

// ---------------------------------------------------------------- put

int rules_check_put_tariff(const struct change *change, struct fault *fault)
{
	const int error = rules_check_tariff(change->put_tariff, fault);
	if (error != 0)
		rules_fault_prefix(fault, "put_tariff.");
	return error;
}

int rules_check_put_charge_group(const struct change *change, struct fault *fault)
{
	const struct charge_group *group = change->put_charge_group;
	int error = id_check(ID_FOLD_PLAIN, group->id, "put_charge_group.id", fault);
	if (error == 0)
		error = rules_check_text(group->name, TEXT_SIZE_MAX, "put_charge_group.name", fault);
	if (error == 0)
		error = rules_check_text(group->additional_information, TEXT_SIZE_MAX,
					 "put_charge_group.additional_information", fault);
	if (error == 0)
		error = rules_check_enum((int)group->type, CHARGE_GROUP_TYPE_HOME, CHARGE_GROUP_TYPE_OTHER,
					 "put_charge_group.type", fault);
	if (error == 0)
		error = id_check(ID_FOLD_PLAIN, group->tariff_id, "put_charge_group.tariff_id", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, group->prepaid_tariff_id, "put_charge_group.prepaid_tariff_id",
					  fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, group->user_group, "put_charge_group.user_group", fault);
	return error;
}

// DESIGN 1.1: an EVSE id belongs to one point, and once to it.
static int check_evse_is_new(const struct evse *evses, size_t index, struct fault *fault)
{
	struct id_key key, other;
	id_fold(ID_FOLD_EVSE, evses[index].evse_id, &key);
	for (size_t i = 0; i < index; i++) {
		id_fold(ID_FOLD_EVSE, evses[i].evse_id, &other);
		if (bytes_equal(id_key_bytes(&key), id_key_bytes(&other)))
			return store_refuse(fault, STATUS_INVALID_ARGUMENT, "evse_id", "EVSE %.*s is there twice",
					    BYTES_ARG(evses[index].evse_id));
	}
	return 0;
}

static int check_evses(const struct charge_point *point, struct fault *fault)
{
	if (point->evses_count > EVSES_PER_POINT_MAX)
		return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, "put_charge_point.evses",
				    "the charge point has %zu EVSEs, at most %d are taken", point->evses_count,
				    EVSES_PER_POINT_MAX);
	for (size_t i = 0; i < point->evses_count; i++) {
		int error = id_check(ID_FOLD_EVSE, point->evses[i].evse_id, "evse_id", fault);
		if (error == 0)
			error = id_check_optional(ID_FOLD_PLAIN, point->evses[i].connector_type, "connector_type",
						  fault);
		if (error == 0)
			error = check_evse_is_new(point->evses, i, fault);
		if (error != 0) {
			rules_fault_prefix(fault, "put_charge_point.evses[%zu].", i);
			return error;
		}
	}
	return 0;
}

// charge_group_id is read only: whatever it holds is ignored.
int rules_check_put_charge_point(const struct change *change, struct fault *fault)
{
	const struct charge_point *point = change->put_charge_point;
	int error = id_check(ID_FOLD_PLAIN, point->id, "put_charge_point.id", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, point->location_id, "put_charge_point.location_id", fault);
	if (error == 0)
		error = check_evses(point, fault);
	if (error == 0)
		error = check_time_zone(point->time_zone, "put_charge_point.time_zone", fault);
	return error;
}

int rules_check_put_customer(const struct change *change, struct fault *fault)
{
	const struct customer *customer = change->put_customer;
	int error = id_check(ID_FOLD_PLAIN, customer->id, "put_customer.id", fault);
	if (error == 0)
		error = rules_check_text(customer->name, TEXT_SIZE_MAX, "put_customer.name", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, customer->user_group, "put_customer.user_group", fault);
	if (error == 0)
		error = rules_check_enum((int)customer->payment, PAYMENT_UNSPECIFIED, PAYMENT_PREPAID,
					 "put_customer.payment", fault);
	return error;
}

static int check_token_owner(const struct token *token, struct fault *fault)
{
	const struct issuer *issuer;
	int error = issuer_check(token->issuer, "put_token.issuer", &issuer, fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, token->customer_id, "put_token.customer_id", fault);
	if (error != 0 || (issuer == NULL) != bytes_is_empty(token->customer_id))
		return error;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, "put_token.customer_id",
			    "token %.*s has %s of customer_id (an own token) and issuer (a foreign one); give one",
			    BYTES_ARG(token->uid), issuer ? "both" : "neither");
}

static int check_token_times(const struct token *token, struct fault *fault)
{
	int error = check_time(token->valid_from, "put_token.valid_from", fault);
	if (error == 0)
		error = check_time(token->valid_until, "put_token.valid_until", fault);
	if (error != 0 || token->valid_from == 0 || token->valid_until == 0 || token->valid_until > token->valid_from)
		return error;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, "put_token.valid_until",
			    "token %.*s is valid until %lld, which is not after valid_from %lld", BYTES_ARG(token->uid),
			    (long long)token->valid_until, (long long)token->valid_from);
}

static int check_token_texts(const struct token *token, struct fault *fault)
{
	int error = id_check_optional(ID_FOLD_PLAIN, token->contract_id, "put_token.contract_id", fault);
	if (error == 0)
		error = rules_check_text(token->visual_number, ID_SIZE_MAX, "put_token.visual_number", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, token->parent_id, "put_token.parent_id", fault);
	return error;
}

int rules_check_put_token(const struct change *change, struct fault *fault)
{
	const struct token *token = change->put_token;
	int error = id_check(id_fold_of_token(token->type), token->uid, "put_token.uid", fault);
	if (error == 0)
		error = rules_check_enum((int)token->type, TOKEN_TYPE_RFID, TOKEN_TYPE_OTHER, "put_token.type", fault);
	if (error == 0)
		error = check_token_owner(token, fault);
	if (error == 0)
		error = check_token_texts(token, fault);
	if (error == 0)
		error = check_token_times(token, fault);
	if (error == 0)
		error = rules_check_enum((int)token->whitelist, WHITELIST_UNSPECIFIED, WHITELIST_NEVER,
					 "put_token.whitelist", fault);
	return error;
}

// ---------------------------------------------------------------- delete

int rules_check_delete_tariff(const struct change *change, struct fault *fault)
{
	return id_check(ID_FOLD_PLAIN, change->delete_object->id, "delete_tariff.id", fault);
}

int rules_check_delete_charge_group(const struct change *change, struct fault *fault)
{
	return id_check(ID_FOLD_PLAIN, change->delete_object->id, "delete_charge_group.id", fault);
}

int rules_check_delete_charge_point(const struct change *change, struct fault *fault)
{
	return id_check(ID_FOLD_PLAIN, change->delete_object->id, "delete_charge_point.id", fault);
}

int rules_check_delete_customer(const struct change *change, struct fault *fault)
{
	return id_check(ID_FOLD_PLAIN, change->delete_object->id, "delete_customer.id", fault);
}

int rules_check_delete_token(const struct change *change, struct fault *fault)
{
	const struct delete_token *delete = change->delete_token;
	const struct issuer *issuer;
	int error = id_check(id_fold_of_token(delete->type), delete->uid, "delete_token.uid", fault);
	if (error == 0)
		error = rules_check_enum((int)delete->type, TOKEN_TYPE_RFID, TOKEN_TYPE_OTHER, "delete_token.type",
					 fault);
	if (error == 0)
		error = issuer_check(delete->issuer, "delete_token.issuer", &issuer, fault);
	return error;
}

// ---------------------------------------------------------------- attach and detach

int rules_check_attach_charge_points(const struct change *change, struct fault *fault)
{
	const struct attach_charge_points *attach = change->attach_charge_points;
	const int error =
		id_check(ID_FOLD_PLAIN, attach->charge_group_id, "attach_charge_points.charge_group_id", fault);
	return error != 0 ? error
			  : check_ids(attach->charge_point_ids, attach->charge_point_ids_count,
				      "attach_charge_points.charge_point_ids", fault);
}

int rules_check_detach_charge_points(const struct change *change, struct fault *fault)
{
	const struct detach_charge_points *detach = change->detach_charge_points;
	return check_ids(detach->charge_point_ids, detach->charge_point_ids_count,
			 "detach_charge_points.charge_point_ids", fault);
}

int rules_check_attach_customers(const struct change *change, struct fault *fault)
{
	const struct attach_customers *attach = change->attach_customers;
	int error = id_check(ID_FOLD_PLAIN, attach->charge_group_id, "attach_customers.charge_group_id", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, attach->tariff_id, "attach_customers.tariff_id", fault);
	if (error == 0)
		error = check_ids(attach->customer_ids, attach->customer_ids_count, "attach_customers.customer_ids",
				  fault);
	return error;
}

int rules_check_detach_customers(const struct change *change, struct fault *fault)
{
	const struct detach_customers *detach = change->detach_customers;
	const int error = id_check(ID_FOLD_PLAIN, detach->charge_group_id, "detach_customers.charge_group_id", fault);
	return error != 0 ? error
			  : check_ids(detach->customer_ids, detach->customer_ids_count, "detach_customers.customer_ids",
				      fault);
}

int rules_check_set_customer_tariff(const struct change *change, struct fault *fault)
{
	const struct set_customer_tariff *tariff = change->set_customer_tariff;
	int error = id_check(ID_FOLD_PLAIN, tariff->charge_group_id, "set_customer_tariff.charge_group_id", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_PLAIN, tariff->tariff_id, "set_customer_tariff.tariff_id", fault);
	if (error == 0)
		error = check_ids(tariff->customer_ids, tariff->customer_ids_count, "set_customer_tariff.customer_ids",
				  fault);
	return error;
}
