// SPDX-License-Identifier: Apache-2.0
// Looking ahead: what the changes after this one will look up is on its way from memory by the time it is their turn.
// Most of what applying a change costs is waiting for that. Nothing here decides anything, and nothing is checked yet:
// what is too long to be an id is not looked at.
#include "store/rules_impl.h"

enum { AHEAD_RECORD = RULES_AHEAD / 2, AHEAD_MEMBERSHIP = RULES_AHEAD / 4 };

static bool is_short(struct bytes id)
{
	return id.size > 0 && id.size <= ID_SIZE_MAX;
}

static void ahead_slot(const struct image *image, struct rules_ahead *ahead, size_t at, enum image_slab slab,
		       struct bytes id)
{
	struct image_key key;
	if (!is_short(id))
		return;
	image_key_prepare(image, slab, id, &key);
	ahead->hashes[at % RULES_AHEAD] = key.hash;
	ahead->slabs[at % RULES_AHEAD] = (uint8_t)slab;
}

static void ahead_token(const struct image *image, struct rules_ahead *ahead, size_t at, const struct token *token)
{
	if (is_short(token->uid) && token->type >= TOKEN_TYPE_RFID && token->type <= TOKEN_TYPE_OTHER)
		image_prefetch_slot(image, IMAGE_TOKENS, image_token_hash(image, token->type, token->uid));
	ahead_slot(image, ahead, at, IMAGE_CUSTOMERS, token->customer_id);
}

static void ahead_change(const struct image *image, struct rules_ahead *ahead, size_t at, const struct change *change)
{
	ahead->slabs[at % RULES_AHEAD] = IMAGE_SLABS;
	if (change->change == NULL)
		return;
	if (change->kind == CHANGE_PUT_TOKEN)
		ahead_token(image, ahead, at, change->put_token);
	else if (change->kind == CHANGE_PUT_CUSTOMER)
		ahead_slot(image, ahead, at, IMAGE_CUSTOMERS, change->put_customer->id);
	else if (change->kind == CHANGE_PUT_CHARGE_POINT)
		ahead_slot(image, ahead, at, IMAGE_POINTS, change->put_charge_point->id);
}

static void ahead_record(const struct image *image, const struct rules_ahead *ahead, size_t at)
{
	const uint8_t slab = ahead->slabs[at % RULES_AHEAD];
	if (slab < IMAGE_SLABS)
		(void)image_prefetch_record(image, (enum image_slab)slab, ahead->hashes[at % RULES_AHEAD]);
}

void rules_ahead_changes(const struct image *image, struct rules_ahead *ahead, const struct change *changes,
			 size_t count, size_t i)
{
	for (size_t at = i == 0 ? 0 : i + RULES_AHEAD - 1; at < count && at < i + RULES_AHEAD; at++)
		ahead_change(image, ahead, at, &changes[at]);
	if (i + AHEAD_RECORD < count)
		ahead_record(image, ahead, i + AHEAD_RECORD);
}

static uint32_t first_under(const struct image *image, enum image_slab slab, uint64_t hash)
{
	struct table_walk walk = table_walk(&image->tables[slab], table_tag(hash));
	return table_next(&image->tables[slab], &walk);
}

static void ahead_membership(const struct image *image, const struct rules_ahead *ahead, uint32_t group, size_t at)
{
	if (ahead->slabs[at % RULES_AHEAD] != IMAGE_CUSTOMERS)
		return;
	const uint32_t customer = first_under(image, IMAGE_CUSTOMERS, ahead->hashes[at % RULES_AHEAD]);
	if (customer != 0)
		image_prefetch_slot(image, IMAGE_MEMBERSHIPS, image_membership_hash(image, group, customer));
}

void rules_ahead_customers(const struct image *image, struct rules_ahead *ahead, uint32_t group,
			   const struct bytes *customer_ids, size_t count, size_t i)
{
	for (size_t at = i == 0 ? 0 : i + RULES_AHEAD - 1; at < count && at < i + RULES_AHEAD; at++) {
		ahead->slabs[at % RULES_AHEAD] = IMAGE_SLABS;
		ahead_slot(image, ahead, at, IMAGE_CUSTOMERS, customer_ids[at]);
	}
	if (i + AHEAD_RECORD < count)
		ahead_record(image, ahead, i + AHEAD_RECORD);
	if (i + AHEAD_MEMBERSHIP < count)
		ahead_membership(image, ahead, group, i + AHEAD_MEMBERSHIP);
}
