// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/image_builder.h"

#include "tests/unit/unit.h"

enum { STRINGS_SIZE_MAX = 64 * 1024 * 1024 };
static const uint64_t SEED = 0x5eed;

void image_builder_init(struct image_builder *builder)
{
	ck_assert_int_eq(strings_create(STRINGS_SIZE_MAX, SEED, &builder->strings), 0);
	ck_assert_int_eq(image_init(&builder->image, builder->strings, SEED), 0);
	builder->image.revision = 1;
	ck_assert_int_eq(image_edit_create(builder->strings, &builder->edit), 0);
	image_edit_begin(builder->edit, &builder->image, NULL);
}

void image_builder_finish(struct image_builder *builder)
{
	image_edit_end(builder->edit);
	image_edit_destroy(builder->edit);
	image_free_bodies(&builder->image);
	image_finish(&builder->image);
	strings_destroy(builder->strings);
}

// ---------------------------------------------------------------- fields

static struct short_id short_id_of(struct image_builder *builder, struct bytes text)
{
	struct short_id id;
	ck_assert_int_eq(short_id_set(builder->strings, text, &id), 0);
	return id;
}

static uint32_t string_of(struct image_builder *builder, struct bytes text)
{
	uint32_t string;
	ck_assert_int_eq(strings_intern(builder->strings, text, &string), 0);
	return string;
}

static uint32_t key_string_of(struct image_builder *builder, struct bytes id)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, id, &key);
	return string_of(builder, id_key_bytes(&key));
}

static uint32_t issuer_of(struct image_builder *builder, const struct issuer *issuer)
{
	char joined[8];
	ck_assert_uint_eq(issuer->country_code.size, 2);
	ck_assert_uint_le(issuer->party_id.size, 3);
	memcpy(joined, issuer->country_code.data, 2);
	memcpy(joined + 2, issuer->party_id.data, issuer->party_id.size);
	return string_of(builder, (struct bytes){joined, 2 + issuer->party_id.size});
}

// ---------------------------------------------------------------- records

uint32_t image_builder_find(const struct image_builder *builder, enum image_slab slab, struct bytes id)
{
	struct image_key key;
	image_key_prepare(&builder->image, slab, id, &key);
	return image_key_find(&builder->image, slab, &key);
}

static uint32_t find(const struct image_builder *builder, enum image_slab slab, struct bytes id)
{
	const uint32_t handle = image_builder_find(builder, slab, id);
	ck_assert_msg(handle != 0, "%.*s is not there", BYTES_ARG(id));
	return handle;
}

static uint32_t add(struct image_builder *builder, enum image_slab slab)
{
	uint32_t handle;
	ck_assert_int_eq(image_edit_add(builder->edit, slab, &handle), 0);
	return handle;
}

// So that the image can be read after every call.
static void seal(struct image_builder *builder)
{
	image_edit_seal(builder->edit, builder->image.revision);
}

static void *modify(struct image_builder *builder, enum image_slab slab, uint32_t handle)
{
	void *record;
	ck_assert_int_eq(image_edit_modify(builder->edit, slab, handle, &record), 0);
	return record;
}

static void link_id(struct image_builder *builder, enum image_slab slab, struct bytes id, uint32_t handle)
{
	struct image_key key;
	ck_assert_uint_eq(image_builder_find(builder, slab, id), 0);
	image_key_prepare(&builder->image, slab, id, &key);
	ck_assert_int_eq(image_edit_link(builder->edit, slab, key.hash, handle), 0);
}

uint32_t image_builder_add_tariff(struct image_builder *builder, const char *id)
{
	const uint32_t handle = add(builder, IMAGE_TARIFFS);
	struct tariff_record *record = modify(builder, IMAGE_TARIFFS, handle);
	record->id = short_id_of(builder, bytes_from(id));
	ck_assert_int_eq(image_edit_set_tariff_body(builder->edit, handle, bytes_from(id)), 0);
	link_id(builder, IMAGE_TARIFFS, bytes_from(id), handle);
	seal(builder);
	return handle;
}

static uint32_t use_tariff(struct image_builder *builder, struct bytes id)
{
	if (bytes_is_empty(id))
		return 0;
	const uint32_t handle = find(builder, IMAGE_TARIFFS, id);
	struct tariff_record *record = modify(builder, IMAGE_TARIFFS, handle);
	record->uses++;
	return handle;
}

uint32_t image_builder_add_group(struct image_builder *builder, const struct charge_group *group)
{
	const uint32_t tariff = use_tariff(builder, group->tariff_id);
	const uint32_t prepaid_tariff = use_tariff(builder, group->prepaid_tariff_id);
	const uint32_t handle = add(builder, IMAGE_GROUPS);
	struct group_record *record = modify(builder, IMAGE_GROUPS, handle);
	record->id = short_id_of(builder, group->id);
	record->tariff = tariff;
	record->prepaid_tariff = prepaid_tariff;
	record->user_group = key_string_of(builder, group->user_group);
	record->type = (uint8_t)group->type;
	record->flags = (uint8_t)((group->open_to_all_customers ? GROUP_OPEN_TO_ALL_CUSTOMERS : 0) |
				  (group->open_to_roaming ? GROUP_OPEN_TO_ROAMING : 0));
	link_id(builder, IMAGE_GROUPS, group->id, handle);
	seal(builder);
	return handle;
}

static void add_evse(struct image_builder *builder, uint32_t point, struct bytes evse_id)
{
	const uint32_t handle = add(builder, IMAGE_EVSES);
	struct point_record *point_record = modify(builder, IMAGE_POINTS, point);
	struct evse_record *record = modify(builder, IMAGE_EVSES, handle);
	record->id = short_id_of(builder, evse_id);
	record->point = point;
	record->next_of_point = point_record->first_evse;
	point_record->first_evse = handle;
	link_id(builder, IMAGE_EVSES, evse_id, handle);
}

static void attach_point(struct image_builder *builder, uint32_t point, uint32_t group)
{
	struct group_record *group_record = modify(builder, IMAGE_GROUPS, group);
	struct point_record *record = modify(builder, IMAGE_POINTS, point);
	record->group = group;
	record->next_of_group = group_record->first_point;
	if (group_record->first_point != 0) {
		struct point_record *next = modify(builder, IMAGE_POINTS, group_record->first_point);
		next->previous_of_group = point;
	}
	group_record->first_point = point;
	group_record->points_count++;
}

uint32_t image_builder_add_point(struct image_builder *builder, const struct charge_point *point)
{
	const uint32_t handle = add(builder, IMAGE_POINTS);
	struct point_record *record = modify(builder, IMAGE_POINTS, handle);
	record->id = short_id_of(builder, point->id);
	record->location_id = short_id_of(builder, point->location_id);
	record->home_charger = point->home_charger;
	link_id(builder, IMAGE_POINTS, point->id, handle);
	for (size_t i = 0; i < point->evses_count; i++)
		add_evse(builder, handle, point->evses[i].evse_id);
	if (!bytes_is_empty(point->charge_group_id))
		attach_point(builder, handle, find(builder, IMAGE_GROUPS, point->charge_group_id));
	seal(builder);
	return handle;
}

uint32_t image_builder_add_customer(struct image_builder *builder, const struct customer *customer)
{
	const uint32_t handle = add(builder, IMAGE_CUSTOMERS);
	struct customer_record *record = modify(builder, IMAGE_CUSTOMERS, handle);
	record->id = short_id_of(builder, customer->id);
	record->user_group = key_string_of(builder, customer->user_group);
	record->flags =
		(uint8_t)((customer->blocked ? CUSTOMER_BLOCKED : 0) | (customer->no_credit ? CUSTOMER_NO_CREDIT : 0) |
			  (customer->payment == PAYMENT_PREPAID ? CUSTOMER_PREPAID : 0));
	link_id(builder, IMAGE_CUSTOMERS, customer->id, handle);
	seal(builder);
	return handle;
}

static void fill_token(struct image_builder *builder, const struct token *token, struct token_record *record)
{
	record->uid = short_id_of(builder, token->uid);
	record->contract_id = short_id_of(builder, token->contract_id);
	record->valid_from = token->valid_from;
	record->valid_until = token->valid_until;
	record->parent_id = string_of(builder, token->parent_id);
	record->type = (uint8_t)token->type;
	record->flags =
		(uint8_t)((token->blocked ? TOKEN_BLOCKED : 0) | (token->roaming_allowed ? TOKEN_ROAMING_ALLOWED : 0) |
			  (token->issuer != NULL ? TOKEN_FOREIGN : 0));
	record->whitelist = (uint8_t)(token->whitelist == WHITELIST_UNSPECIFIED ? WHITELIST_NEVER : token->whitelist);
}

uint32_t image_builder_add_token(struct image_builder *builder, const struct token *token)
{
	const uint32_t handle = add(builder, IMAGE_TOKENS);
	struct token_record *record = modify(builder, IMAGE_TOKENS, handle);
	fill_token(builder, token, record);
	if (token->issuer != NULL) {
		record->owner = issuer_of(builder, token->issuer);
	} else {
		record->owner = find(builder, IMAGE_CUSTOMERS, token->customer_id);
		struct customer_record *customer = modify(builder, IMAGE_CUSTOMERS, record->owner);
		record->next_of_customer = customer->first_token;
		customer->first_token = handle;
	}
	const uint64_t hash = image_token_hash(&builder->image, token->type, token->uid);
	ck_assert_int_eq(image_edit_link(builder->edit, IMAGE_TOKENS, hash, handle), 0);
	seal(builder);
	return handle;
}

uint32_t image_builder_add_membership(struct image_builder *builder, const struct membership *membership)
{
	const uint32_t group = find(builder, IMAGE_GROUPS, membership->charge_group_id);
	const uint32_t customer = find(builder, IMAGE_CUSTOMERS, membership->customer_id);
	const uint32_t tariff = use_tariff(builder, membership->tariff_id);
	const uint32_t handle = add(builder, IMAGE_MEMBERSHIPS);
	struct membership_record *record = modify(builder, IMAGE_MEMBERSHIPS, handle);
	struct group_record *group_record = modify(builder, IMAGE_GROUPS, group);
	struct customer_record *customer_record = modify(builder, IMAGE_CUSTOMERS, customer);
	*record = (struct membership_record){
		.group = group,
		.customer = customer,
		.tariff = tariff,
		.next_of_customer = customer_record->first_membership,
		.next_of_group = group_record->first_membership,
	};
	if (record->next_of_group != 0) {
		struct membership_record *next = modify(builder, IMAGE_MEMBERSHIPS, record->next_of_group);
		next->previous_of_group = handle;
	}
	customer_record->first_membership = handle;
	group_record->first_membership = handle;
	group_record->memberships_count++;
	const uint64_t hash = image_membership_hash(&builder->image, group, customer);
	ck_assert_int_eq(image_edit_link(builder->edit, IMAGE_MEMBERSHIPS, hash, handle), 0);
	seal(builder);
	return handle;
}
