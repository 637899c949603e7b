// SPDX-License-Identifier: Apache-2.0
#include "daemon/tariff/tariff_choice.h"

#include <errno.h>

uint32_t tariff_choose(const struct image *image, uint32_t group, uint32_t membership, bool prepaid,
		       enum tariff_source *ret_source)
{
	const struct group_record *record = image_group(image, group);
	const uint32_t override = membership != 0 ? image_membership(image, membership)->tariff : 0;
	if (override != 0) {
		*ret_source = TARIFF_SOURCE_OVERRIDE;
		return override;
	}
	if (prepaid && record->prepaid_tariff != 0) {
		*ret_source = TARIFF_SOURCE_PREPAID;
		return record->prepaid_tariff;
	}
	*ret_source = TARIFF_SOURCE_GROUP;
	return record->tariff;
}

static int refuse(struct fault *fault, const char *field, const char *message)
{
	fault_set(fault, STATUS_INVALID_ARGUMENT, field, "%s", message);
	return -EINVAL;
}

// ---------------------------------------------------------------- what is asked

static bool names_point(const struct get_tariff_request *request)
{
	return !bytes_is_empty(request->charge_point_id) || !bytes_is_empty(request->evse_id);
}

// A direct payment caller may come without a uid.
static bool names_token(const struct get_tariff_request *request)
{
	return !bytes_is_empty(request->token_uid) || request->token_type == TOKEN_TYPE_AD_HOC_USER;
}

static int check_request(const struct get_tariff_request *request, struct fault *fault)
{
	const bool by_group = !bytes_is_empty(request->charge_group_id);
	const bool by_customer = !bytes_is_empty(request->customer_id);
	const bool by_class = request->caller_class != CALLER_CLASS_UNSPECIFIED;
	if (request->at < 0)
		return refuse(fault, "at", "at must not be negative");
	if (names_point(request) + by_group != 1)
		return refuse(fault, "charge_point_id",
			      "exactly one place is needed: a charge point (by charge_point_id or evse_id) or a "
			      "charge_group_id");
	if (names_token(request) + by_customer + by_class != 1)
		return refuse(fault, "token_uid",
			      "exactly one caller is needed: a token_uid, a customer_id or a caller_class");
	if ((int)request->caller_class < 0 || request->caller_class > CALLER_CLASS_DIRECT_PAYMENT)
		return refuse(fault, "caller_class", "caller_class is none of the known ones");
	return 0;
}

// ---------------------------------------------------------------- the place

// The object of `id`, which must be there.
static int find(const struct image *image, enum image_slab slab, struct bytes id, const char *field,
		uint32_t *ret_handle, struct fault *fault)
{
	static const char *const nouns[IMAGE_SLABS] = {
		[IMAGE_GROUPS] = "charge group",
		[IMAGE_POINTS] = "charge point",
		[IMAGE_EVSES] = "EVSE",
		[IMAGE_CUSTOMERS] = "customer",
	};
	const int error = id_check(slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN, id, field, fault);
	if (error != 0)
		return error;
	struct image_key key;
	image_key_prepare(image, slab, id, &key);
	const uint32_t handle = image_key_find(image, slab, &key);
	if (handle == 0) {
		fault_set(fault, STATUS_NOT_FOUND, field, "%s %.*s is unknown", nouns[slab], BYTES_ARG(id));
		return -ENOENT;
	}
	*ret_handle = handle;
	return 0;
}

// The point named by id, by EVSE, or by both, which must belong together.
static int find_point(const struct image *image, const struct get_tariff_request *request, uint32_t *ret_point,
		      struct fault *fault)
{
	uint32_t point = 0, evse = 0;
	int error = 0;
	if (!bytes_is_empty(request->charge_point_id))
		error = find(image, IMAGE_POINTS, request->charge_point_id, "charge_point_id", &point, fault);
	if (error == 0 && !bytes_is_empty(request->evse_id))
		error = find(image, IMAGE_EVSES, request->evse_id, "evse_id", &evse, fault);
	if (error != 0)
		return error;
	const uint32_t point_of_evse = evse != 0 ? image_evse(image, evse)->point : point;
	if (point != 0 && point != point_of_evse) {
		fault_set(fault, STATUS_NOT_FOUND, "evse_id", "EVSE %.*s does not belong to charge point %.*s",
			  BYTES_ARG(request->evse_id), BYTES_ARG(request->charge_point_id));
		return -ENOENT;
	}
	*ret_point = point_of_evse;
	return 0;
}

static int find_group(const struct image *image, const struct get_tariff_request *request, uint32_t *ret_group,
		      struct fault *fault)
{
	if (!names_point(request))
		return find(image, IMAGE_GROUPS, request->charge_group_id, "charge_group_id", ret_group, fault);
	uint32_t point;
	const int error = find_point(image, request, &point, fault);
	if (error != 0)
		return error;
	const struct point_record *record = image_point(image, point);
	if (record->group == 0) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, "charge_point_id",
			  "charge point %.*s is in no charge group", BYTES_ARG(image_id(image, &record->id)));
		return -EINVAL;
	}
	*ret_group = record->group;
	return 0;
}

// ---------------------------------------------------------------- the caller

// A token nobody stored counts as the caller class it would be let in as (DESIGN 1.3).
static enum caller_class class_of_unknown(const struct image *image, const struct get_tariff_request *request,
					  const struct issuer *issuer)
{
	if (request->token_type != TOKEN_TYPE_AD_HOC_USER || issuer != NULL)
		return CALLER_CLASS_ROAMING;
	const bool stored = !bytes_is_empty(request->token_uid) &&
			    image_lookup_token(image, request->token_uid, TOKEN_TYPE_UNSPECIFIED, NULL) != 0;
	return stored ? CALLER_CLASS_ROAMING : CALLER_CLASS_DIRECT_PAYMENT;
}

static int find_by_token(const struct image *image, const struct get_tariff_request *request,
			 struct tariff_choice *choice, struct fault *fault)
{
	const struct issuer *issuer;
	const enum id_fold fold = id_fold_of_token(request->token_type);
	int error = issuer_check(request->issuer, "issuer", &issuer, fault);
	if (error != 0)
		return error;
	if (request->token_type == TOKEN_TYPE_AD_HOC_USER && issuer == NULL)
		error = id_check_optional(fold, request->token_uid, "token_uid", fault);
	else
		error = id_check(fold, request->token_uid, "token_uid", fault);
	if (error != 0)
		return error;
	if (!bytes_is_empty(request->token_uid))
		choice->token = image_lookup_token(image, request->token_uid, request->token_type, issuer);
	if (choice->token == 0) {
		choice->caller_class = class_of_unknown(image, request, issuer);
		return 0;
	}
	const struct token_record *token = image_token(image, choice->token);
	const bool foreign = token->flags & TOKEN_FOREIGN;
	choice->customer = foreign ? 0 : token->owner;
	choice->caller_class = foreign ? CALLER_CLASS_ROAMING : CALLER_CLASS_CUSTOMER;
	return 0;
}

static int find_caller(const struct image *image, const struct get_tariff_request *request,
		       struct tariff_choice *choice, struct fault *fault)
{
	if (names_token(request))
		return find_by_token(image, request, choice, fault);
	if (bytes_is_empty(request->customer_id)) {
		choice->caller_class = request->caller_class;
		return 0;
	}
	choice->caller_class = CALLER_CLASS_CUSTOMER;
	return find(image, IMAGE_CUSTOMERS, request->customer_id, "customer_id", &choice->customer, fault);
}

// ---------------------------------------------------------------- the tariff

static bool is_prepaid(const struct image *image, const struct tariff_choice *choice)
{
	if (choice->customer != 0)
		return image_customer(image, choice->customer)->flags & CUSTOMER_PREPAID;
	return choice->caller_class == CALLER_CLASS_DIRECT_PAYMENT;
}

int tariff_choice_find(const struct image *image, const struct get_tariff_request *request,
		       struct tariff_choice *ret_choice, struct fault *fault)
{
	struct tariff_choice choice = {0};
	int error = check_request(request, fault);
	if (error == 0)
		error = find_group(image, request, &choice.group, fault);
	if (error == 0)
		error = find_caller(image, request, &choice, fault);
	if (error != 0)
		return error;
	const uint32_t membership =
		choice.customer != 0 ? image_find_membership(image, choice.group, choice.customer) : 0;
	choice.tariff = tariff_choose(image, choice.group, membership, is_prepaid(image, &choice), &choice.source);
	*ret_choice = choice;
	return 0;
}
