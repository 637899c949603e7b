// SPDX-License-Identifier: Apache-2.0
#include "store/image.h"

#include <stdlib.h>

static const struct {
	uint32_t record_size;
	uint32_t count_max;
} image_kinds[IMAGE_SLABS] = {
	[IMAGE_TARIFFS] = {sizeof(struct tariff_record), IMAGE_TARIFFS_MAX},
	[IMAGE_GROUPS] = {sizeof(struct group_record), IMAGE_GROUPS_MAX},
	[IMAGE_POINTS] = {sizeof(struct point_record), IMAGE_POINTS_MAX},
	[IMAGE_EVSES] = {sizeof(struct evse_record), IMAGE_EVSES_MAX},
	[IMAGE_CUSTOMERS] = {sizeof(struct customer_record), IMAGE_CUSTOMERS_MAX},
	[IMAGE_TOKENS] = {sizeof(struct token_record), IMAGE_TOKENS_MAX},
	[IMAGE_MEMBERSHIPS] = {sizeof(struct membership_record), IMAGE_MEMBERSHIPS_MAX},
};

// image_key_find() reads the id of any of them in the same place.
static_assert(offsetof(struct tariff_record, id) == 0 && offsetof(struct group_record, id) == 0 &&
		      offsetof(struct point_record, id) == 0 && offsetof(struct evse_record, id) == 0 &&
		      offsetof(struct customer_record, id) == 0,
	      "a record starts with its id");

int image_init(struct image *image, const struct strings *strings, uint64_t seed)
{
	*image = (struct image){.seed = seed, .base = strings_base(strings)};
	for (int i = 0; i < IMAGE_SLABS; i++) {
		int error = slab_init(&image->slabs[i], image_kinds[i].record_size, image_kinds[i].count_max);
		if (error == 0)
			error = table_init(&image->tables[i]);
		if (error != 0) {
			image_finish(image);
			return error;
		}
	}
	return 0;
}

void image_finish(struct image *image)
{
	for (int i = 0; i < IMAGE_SLABS; i++) {
		slab_finish(&image->slabs[i]);
		table_finish(&image->tables[i]);
	}
}

void image_free_bodies(struct image *image)
{
	const struct table *table = &image->tables[IMAGE_TARIFFS];
	for (size_t i = 0; table->slots != NULL && i <= table->mask; i++) { // none: it was never begun
		if (table->slots[i].handle == 0)
			continue;
		struct tariff_record *tariff = image_tariff(image, table->slots[i].handle);
		free(tariff->body);
		tariff->body = NULL;
	}
}

int image_copy(struct image *image, const struct image *source)
{
	ASSERT(image->seed == source->seed && image->base == source->base);
	for (int i = 0; i < IMAGE_SLABS; i++) {
		int error = slab_copy(&image->slabs[i], &source->slabs[i]);
		if (error == 0)
			error = table_copy(&image->tables[i], &source->tables[i]);
		if (error != 0)
			return error;
	}
	image->revision = source->revision;
	return 0;
}

// ---------------------------------------------------------------- look-ups

void image_prefetch_slot(const struct image *image, enum image_slab slab, uint64_t hash)
{
	table_prefetch(&image->tables[slab], table_tag(hash));
}

void image_prefetch_record(const struct image *image, enum image_slab slab, uint64_t hash)
{
	uint32_t position = table_tag(hash);
	const uint32_t handle = table_next(&image->tables[slab], table_tag(hash), &position);
	image_prefetch(image, slab, handle);
}

static enum id_fold fold_of_slab(enum image_slab slab)
{
	return slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN;
}

// Ids are stored as they were put: mostly in compare form already, so that folding is the exception.
static bool id_matches(struct bytes id, enum id_fold fold, const struct id_key *key)
{
	if (bytes_equal(id, id_key_bytes(key)))
		return true;
	struct id_key folded;
	id_fold(fold, id, &folded);
	return bytes_equal(id_key_bytes(&folded), id_key_bytes(key));
}

static uint32_t find_hashed(const struct image *image, enum image_slab slab, const struct id_key *key, uint64_t hash)
{
	const uint32_t tag = table_tag(hash);
	uint32_t position = tag, handle;
	while ((handle = table_next(&image->tables[slab], tag, &position)) != 0) {
		const struct short_id *id = slab_get(&image->slabs[slab], handle);
		if (LIKELY(id_matches(image_id(image, id), fold_of_slab(slab), key)))
			break;
	}
	return handle;
}

uint32_t image_find(const struct image *image, enum image_slab slab, const struct id_key *key)
{
	return key->size == 0 ? 0 : find_hashed(image, slab, key, image_hash_key(image, key));
}

void image_key_prepare(const struct image *image, enum image_slab slab, struct bytes id, struct image_key *ret_key)
{
	id_fold(fold_of_slab(slab), id, &ret_key->key);
	ret_key->hash = image_hash_key(image, &ret_key->key);
	image_prefetch_slot(image, slab, ret_key->hash);
}

uint32_t image_key_find(const struct image *image, enum image_slab slab, const struct image_key *key)
{
	return key->key.size == 0 ? 0 : find_hashed(image, slab, &key->key, key->hash);
}

uint64_t image_membership_hash(const struct image *image, uint32_t group, uint32_t customer)
{
	return hash_pair(group, customer, image->seed);
}

uint32_t image_find_membership(const struct image *image, uint32_t group, uint32_t customer)
{
	const uint32_t tag = table_tag(image_membership_hash(image, group, customer));
	uint32_t position = tag, handle;
	while ((handle = table_next(&image->tables[IMAGE_MEMBERSHIPS], tag, &position)) != 0) {
		const struct membership_record *membership = image_membership(image, handle);
		if (LIKELY(membership->group == group && membership->customer == customer))
			break;
	}
	return handle;
}
