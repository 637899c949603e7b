// SPDX-License-Identifier: Apache-2.0
#include "store/image.h"

#include <endian.h>
#include <stdlib.h>

static const struct {
	uint32_t record_size;
	uint32_t count_max;
	bool has_notes;
} image_kinds[IMAGE_SLABS] = {
	[IMAGE_TARIFFS] = {sizeof(struct tariff_record), IMAGE_TARIFFS_MAX, false},
	[IMAGE_GROUPS] = {sizeof(struct group_record), IMAGE_GROUPS_MAX, false},
	[IMAGE_POINTS] = {sizeof(struct point_record), IMAGE_POINTS_MAX, true},
	[IMAGE_EVSES] = {sizeof(struct evse_record), IMAGE_EVSES_MAX, true},
	[IMAGE_CUSTOMERS] = {sizeof(struct customer_record), IMAGE_CUSTOMERS_MAX, false},
	[IMAGE_TOKENS] = {sizeof(struct token_record), IMAGE_TOKENS_MAX, true},
	[IMAGE_MEMBERSHIPS] = {sizeof(struct membership_record), IMAGE_MEMBERSHIPS_MAX, true},
};

// image_key_find() reads the id of any of them in the same place.
static_assert(sizeof(struct short_id) == ID_WORDS_SIZE && offsetof(struct short_id, size) == ID_WORDS_SIZE - 1,
	      "image_key_finish() writes both words of a short_id");
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
			error = table_init(&image->tables[i], image_kinds[i].has_notes, image_kinds[i].count_max);
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
	for (uint32_t i = 0; i < table->slots_count; i++) {
		const uint32_t handle = table_at(table, i)->handle;
		if (handle == 0)
			continue;
		struct tariff_record *tariff = image_tariff(image, handle);
		free(tariff->body);
		tariff->body = NULL;
	}
}

int image_back(struct image *image, const struct image *source)
{
	for (int i = 0; i < IMAGE_SLABS; i++) {
		int error = slab_extend(&image->slabs[i], source->slabs[i].next);
		if (error == 0)
			error = table_back(&image->tables[i], source->tables[i].slots_count);
		if (error != 0)
			return error;
	}
	return 0;
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
	image->swaps = source->swaps;
	return 0;
}

void image_give_back(const struct image *image)
{
	for (int i = 0; i < IMAGE_SLABS; i++) {
		slab_give_back(&image->slabs[i]);
		table_give_back(&image->tables[i]);
	}
}

static size_t add_range(struct memory_range *ranges, size_t count, struct memory_range range)
{
	ranges[count] = range;
	return count + (range.size > 0);
}

size_t image_ahead(struct image *image, struct memory_range ret_ranges[IMAGE_AHEAD_MAX])
{
	size_t count = 0;
	for (int i = 0; i < IMAGE_SLABS; i++) {
		count = add_range(ret_ranges, count, slab_ahead(&image->slabs[i]));
		count = add_range(ret_ranges, count, table_ahead(&image->tables[i]));
	}
	return count;
}

// ---------------------------------------------------------------- notes

static_assert((uint32_t)IMAGE_CUSTOMERS_MAX < (uint32_t)NOTE_HAS_TARIFF, "a customer's handle and the mark fit a note");

uint32_t image_note(const struct image *image, enum image_slab slab, uint32_t handle)
{
	switch (slab) {
	case IMAGE_POINTS:
		return image_point(image, handle)->group;
	case IMAGE_EVSES:
		return image_evse(image, handle)->point;
	case IMAGE_TOKENS: {
		const struct token_record *token = image_token(image, handle);
		return token->flags & TOKEN_FOREIGN ? 0 : token->owner;
	}
	case IMAGE_MEMBERSHIPS: {
		const struct membership_record *membership = image_membership(image, handle);
		return membership->customer | (membership->tariff != 0 ? NOTE_HAS_TARIFF : 0);
	}
	default:
		return 0;
	}
}

static void note_slot(const struct image *image, enum image_slab slab, struct table_slot *slot)
{
	if (slot->handle != 0)
		slot->note[0] = image_note(image, slab, slot->handle);
}

void image_seal(struct image *image)
{
	for (int i = 0; i < IMAGE_SLABS; i++) {
		struct table *table = &image->tables[i];
		if (!table->has_notes)
			continue;
		for (uint32_t slot = 0; slot < table->slots_count; slot++)
			note_slot(image, (enum image_slab)i, table_at(table, slot));
	}
}

// ---------------------------------------------------------------- look-ups

static enum id_fold fold_of_slab(enum image_slab slab)
{
	return slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN;
}

// Without a loop or a call: this is on the way of every look-up.
void image_key_finish(const struct image *image, struct image_key *key)
{
	const size_t size = key->key.size;
	uint64_t words[2];
	key->hash = image_hash_key(image, &key->key);
	key->spelled = (struct short_id){.size = (uint8_t)size};
	key->asked = (struct bytes){0};
	if (size > sizeof(key->spelled.data))
		return;
	memcpy(words, key->key.data, sizeof(words));
	words[1] |= htole64((uint64_t)size << 56); // the last byte of a short_id
	memcpy(&key->spelled, words, sizeof(words));
}

static __attribute__((noinline)) bool folds_to(const struct image_key *key, enum id_fold fold, struct bytes text)
{
	struct id_key folded;
	id_fold(fold, text, &folded);
	return bytes_equal(id_key_bytes(&folded), id_key_bytes(&key->key));
}

bool image_key_is(const struct image *image, const struct image_key *key, enum id_fold fold, const struct short_id *id)
{
	if (LIKELY(memcmp(id, &key->spelled, sizeof(*id)) == 0))
		return true;
	const struct bytes text = image_id(image, id);
	if (!bytes_is_empty(key->asked) && bytes_equal(key->asked, text))
		return true;
	return folds_to(key, fold, text);
}

void image_key_prepare(const struct image *image, enum image_slab slab, struct bytes id, struct image_key *ret_key)
{
	id_fold(fold_of_slab(slab), id, &ret_key->key);
	image_key_finish(image, ret_key);
	ret_key->asked = id;
	image_prefetch_slot(image, slab, ret_key->hash);
}

bool image_key_prepare_quickly(const struct image *image, enum image_slab slab, struct bytes id,
			       struct image_key *ret_key)
{
	if (UNLIKELY(!id_fold_quickly(fold_of_slab(slab) != ID_FOLD_PLAIN, id, &ret_key->key)))
		return false;
	image_key_finish(image, ret_key);
	ret_key->asked = id;
	image_prefetch_slot(image, slab, ret_key->hash);
	return true;
}

uint32_t image_key_find(const struct image *image, enum image_slab slab, const struct image_key *key)
{
	struct image_hit first;
	first.handle = table_first(&image->tables[slab], table_tag(key->hash), &first.walk);
	return image_key_find_from(image, slab, key, &first);
}

uint32_t image_key_find_from(const struct image *image, enum image_slab slab, const struct image_key *key,
			     const struct image_hit *first)
{
	struct table_walk walk = first->walk;
	uint32_t handle = first->handle;
	if (UNLIKELY(key->key.size == 0))
		return 0;
	while (handle != 0 &&
	       UNLIKELY(!image_key_is(image, key, fold_of_slab(slab), slab_get(&image->slabs[slab], handle))))
		handle = table_next(&image->tables[slab], &walk);
	return handle;
}

uint32_t image_find(const struct image *image, enum image_slab slab, const struct id_key *key)
{
	struct image_key prepared;
	prepared.key = *key;
	image_key_finish(image, &prepared);
	return image_key_find(image, slab, &prepared);
}

// ---------------------------------------------------------------- memberships

// A bijection (the finalizer of MurmurHash3) of what is a bijection of the group for one customer: no two groups of a
// customer have the same tag.
uint64_t image_membership_hash(const struct image *image, uint32_t group, uint32_t customer)
{
	uint32_t x = group ^ (customer * 0x9e3779b9 + (uint32_t)image->seed);
	x = (x ^ (x >> 16)) * 0x85ebca6b;
	x = (x ^ (x >> 13)) * 0xc2b2ae35;
	x = x ^ (x >> 16);
	return (uint64_t)x << 32;
}

uint32_t image_find_membership(const struct image *image, uint32_t group, uint32_t customer)
{
	const struct table *table = &image->tables[IMAGE_MEMBERSHIPS];
	struct table_walk walk = table_walk(table, table_tag(image_membership_hash(image, group, customer)));
	uint32_t handle;
	while ((handle = table_next(table, &walk)) != 0) {
		const struct membership_record *membership = image_membership(image, handle);
		if (LIKELY(membership->group == group && membership->customer == customer))
			break;
	}
	return handle;
}

uint32_t image_find_member(const struct image *image, uint32_t group, uint32_t customer, bool *ret_has_tariff)
{
	const struct table *table = &image->tables[IMAGE_MEMBERSHIPS];
	struct table_walk walk;
	uint32_t handle = table_first(table, table_tag(image_membership_hash(image, group, customer)), &walk);
	while (handle != 0) {
		const uint32_t note = table_note(table, &walk);
		if (LIKELY((note & ~(uint32_t)NOTE_HAS_TARIFF) == customer)) {
			*ret_has_tariff = note & NOTE_HAS_TARIFF;
			break;
		}
		handle = table_next(table, &walk);
	}
	return handle;
}
