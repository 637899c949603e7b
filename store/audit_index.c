// SPDX-License-Identifier: Apache-2.0
#include "store/audit_index.h"

#include "proto/codec.h"
#include "store/image_fields.h"

#include <errno.h>

static const char MISSING[] = "it is not in the index";
static const char DIFFERENT[] = "the index says something else";

// NULL: the index agrees.
typedef const char *compare_object(const struct image *image, const struct db_record *row, const void *message);

// ---------------------------------------------------------------- helpers

static uint32_t find(const struct image *image, enum image_slab slab, struct bytes id)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, id, &key);
	return image_find(image, slab, &key);
}

static bool is_id(const struct image *image, const struct short_id *id, struct bytes text)
{
	return bytes_equal(image_id(image, id), text);
}

static bool is_folded(const struct image *image, uint32_t string, struct bytes text)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, text, &key);
	return bytes_equal(image_string(image, string), id_key_bytes(&key));
}

// Whether a handle is that of the object that is named, and 0 when none is.
static bool is_reference(const struct image *image, enum image_slab slab, uint32_t handle, struct bytes id)
{
	return bytes_is_empty(id) ? handle == 0 : handle != 0 && handle == find(image, slab, id);
}

static const char *verdict(bool is_same)
{
	return is_same ? NULL : DIFFERENT;
}

// ---------------------------------------------------------------- one object of each kind

static const char *compare_tariff(const struct image *image, const struct db_record *row, const void *message)
{
	const struct tariff *tariff = message;
	const uint32_t handle = find(image, IMAGE_TARIFFS, tariff->id);
	if (handle == 0)
		return MISSING;
	const struct tariff_record *record = image_tariff(image, handle);
	return verdict(is_id(image, &record->id, tariff->id) &&
		       bytes_equal((struct bytes){.data = record->body->data, .size = record->body->size}, row->value));
}

static const char *compare_group(const struct image *image, const struct db_record *row, const void *message)
{
	const struct charge_group *group = message;
	const uint32_t handle = find(image, IMAGE_GROUPS, group->id);
	(void)row;
	if (handle == 0)
		return MISSING;
	const struct group_record *record = image_group(image, handle);
	return verdict(is_id(image, &record->id, group->id) && record->type == (uint8_t)group->type &&
		       record->flags == group_flags_of(group) &&
		       is_folded(image, record->user_group, group->user_group) &&
		       is_reference(image, IMAGE_TARIFFS, record->tariff, group->tariff_id) &&
		       is_reference(image, IMAGE_TARIFFS, record->prepaid_tariff, group->prepaid_tariff_id));
}

static bool has_evses(const struct image *image, uint32_t handle, const struct charge_point *point)
{
	uint32_t evse = image_point(image, handle)->first_evse;
	for (size_t i = 0; i < point->evses_count; i++) {
		struct id_key key;
		id_fold(ID_FOLD_EVSE, point->evses[i].evse_id, &key);
		const uint32_t found = image_find(image, IMAGE_EVSES, &key);
		if (found == 0 || evse == 0 || image_evse(image, found)->point != handle)
			return false;
		evse = image_evse(image, evse)->next_of_point; // as many as there are ids
	}
	return evse == 0;
}

static const char *compare_point(const struct image *image, const struct db_record *row, const void *message)
{
	const struct charge_point *point = message;
	const uint32_t handle = find(image, IMAGE_POINTS, point->id);
	(void)row;
	if (handle == 0)
		return MISSING;
	const struct point_record *record = image_point(image, handle);
	return verdict(is_id(image, &record->id, point->id) && is_id(image, &record->location_id, point->location_id) &&
		       record->home_charger == point->home_charger &&
		       is_reference(image, IMAGE_GROUPS, record->group, point->charge_group_id) &&
		       has_evses(image, handle, point));
}

static const char *compare_customer(const struct image *image, const struct db_record *row, const void *message)
{
	const struct customer *customer = message;
	const uint32_t handle = find(image, IMAGE_CUSTOMERS, customer->id);
	(void)row;
	if (handle == 0)
		return MISSING;
	const struct customer_record *record = image_customer(image, handle);
	return verdict(is_id(image, &record->id, customer->id) && record->flags == customer_flags_of(customer) &&
		       is_folded(image, record->user_group, customer->user_group));
}

static bool has_owner(const struct image *image, const struct token_record *record, const struct token *token)
{
	char text[ISSUER_TEXT_MAX];
	if (token->issuer != NULL)
		return bytes_equal(image_string(image, record->owner), issuer_text(token->issuer, text));
	return is_reference(image, IMAGE_CUSTOMERS, record->owner, token->customer_id);
}

static const char *compare_token(const struct image *image, const struct db_record *row, const void *message)
{
	const struct token *token = message;
	const uint32_t handle = image_find_token(image, token->issuer, token->type, token->uid);
	(void)row;
	if (handle == 0)
		return MISSING;
	const struct token_record *record = image_token(image, handle);
	return verdict(is_id(image, &record->uid, token->uid) &&
		       is_id(image, &record->contract_id, token->contract_id) &&
		       record->valid_from == token->valid_from && record->valid_until == token->valid_until &&
		       record->type == (uint8_t)token->type && record->flags == token_flags_of(token, token->issuer) &&
		       record->whitelist == token_whitelist_of(token) &&
		       bytes_equal(image_string(image, record->parent_id), token->parent_id) &&
		       has_owner(image, record, token));
}

static const char *compare_membership(const struct image *image, const struct db_record *row, const void *message)
{
	const struct membership *membership = message;
	const uint32_t group = find(image, IMAGE_GROUPS, membership->charge_group_id);
	const uint32_t customer = find(image, IMAGE_CUSTOMERS, membership->customer_id);
	const uint32_t handle = group && customer ? image_find_membership(image, group, customer) : 0;
	(void)row;
	if (handle == 0)
		return MISSING;
	return verdict(
		is_reference(image, IMAGE_TARIFFS, image_membership(image, handle)->tariff, membership->tariff_id));
}

// ---------------------------------------------------------------- all of them

static const struct {
	const struct schema *schema;
	enum image_slab slab;
	compare_object *compare;
} kinds[DB_TABLES] = {
	[DB_TARIFFS] = {&schema_tariff, IMAGE_TARIFFS, compare_tariff},
	[DB_GROUPS] = {&schema_charge_group, IMAGE_GROUPS, compare_group},
	[DB_POINTS] = {&schema_charge_point, IMAGE_POINTS, compare_point},
	[DB_CUSTOMERS] = {&schema_customer, IMAGE_CUSTOMERS, compare_customer},
	[DB_TOKENS] = {&schema_token, IMAGE_TOKENS, compare_token},
	[DB_MEMBERSHIPS] = {&schema_membership, IMAGE_MEMBERSHIPS, compare_membership},
};

int audit_compare(const struct image *image, enum db_table table, const struct db_record *row, struct arena *arena,
		  const char **ret_problem)
{
	void *message;
	struct fault fault = {0};
	ASSERT(db_is_object_table(table));
	const int result = codec_decode(kinds[table].schema, CODEC_TOLERANT, row->value, arena, &message, &fault);
	if (result == -ENOMEM)
		return result;
	const char *problem = result != 0 ? "it is no such object" : kinds[table].compare(image, row, message);
	if (problem != NULL)
		*ret_problem = problem;
	return 0;
}

uint64_t audit_count(const struct image *image, enum db_table table)
{
	ASSERT(db_is_object_table(table));
	return image->slabs[kinds[table].slab].count;
}
