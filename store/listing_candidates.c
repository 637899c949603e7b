// SPDX-License-Identifier: Apache-2.0
// The chains of the image have no order, so their keys are copied out, and sorted when the image is unpinned again.
#include "store/listing_impl.h"

#include <errno.h>
#include <stdlib.h>

struct collector {
	struct listing *listing;
	const struct image *image;
	struct bytes position;
	struct bytes *keys;
	size_t count;
	size_t visited; // records of the image; past LISTING_PINNED_MAX it is too much
};

static int collect(struct collector *collector, struct bytes key)
{
	if (bytes_compare(key, collector->position) <= 0)
		return 0;
	const struct bytes copy = arena_copy(&collector->listing->work, key);
	if (copy.data == NULL)
		return -ENOMEM;
	collector->keys[collector->count++] = copy;
	return 0;
}

// Counts one more record. False: too many, the caller stops.
static bool visit(struct collector *collector)
{
	return collector->visited++ < LISTING_PINNED_MAX;
}

static int collect_id(struct collector *collector, const struct short_id *id)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, image_id(collector->image, id), &key);
	return collect(collector, id_key_bytes(&key));
}

// ---------------------------------------------------------------- chains

static int collect_points(struct collector *collector, uint32_t group)
{
	const struct image *image = collector->image;
	uint32_t point = image_group(image, group)->first_point;
	int error = 0;
	while (point != 0 && error == 0 && visit(collector)) {
		error = collect_id(collector, &image_point(image, point)->id);
		point = image_point(image, point)->next_of_group;
	}
	return error;
}

static int collect_tokens(struct collector *collector, uint32_t customer)
{
	const struct image *image = collector->image;
	uint32_t handle = image_customer(image, customer)->first_token;
	int error = 0;
	while (handle != 0 && error == 0 && visit(collector)) {
		const struct token_record *token = image_token(image, handle);
		struct db_key key;
		key_of_token(NULL, token->type, image_id(image, &token->uid), &key);
		error = collect(collector, db_key_bytes(&key));
		handle = token->next_of_customer;
	}
	return error;
}

static int collect_groups(struct collector *collector, uint32_t customer)
{
	const struct image *image = collector->image;
	uint32_t membership = image_customer(image, customer)->first_membership;
	int error = 0;
	while (membership != 0 && error == 0 && visit(collector)) {
		const struct membership_record *record = image_membership(image, membership);
		error = collect_id(collector, &image_group(image, record->group)->id);
		membership = record->next_of_customer;
	}
	return error;
}

static int collect_memberships(struct collector *collector, uint32_t customer)
{
	const struct image *image = collector->image;
	const struct bytes customer_id = image_id(image, &image_customer(image, customer)->id);
	uint32_t membership = image_customer(image, customer)->first_membership;
	int error = 0;
	while (membership != 0 && error == 0 && visit(collector)) {
		const struct membership_record *record = image_membership(image, membership);
		struct db_key key;
		key_of_membership(image_id(image, &image_group(image, record->group)->id), customer_id, &key);
		error = collect(collector, db_key_bytes(&key));
		membership = record->next_of_customer;
	}
	return error;
}

// Points of the groups the customer is attached to, and of those open to all customers of its own user group.
static int collect_shown_points(struct collector *collector, uint32_t customer)
{
	const struct image *image = collector->image;
	const uint32_t user_group = image_customer(image, customer)->user_group;
	uint32_t membership = image_customer(image, customer)->first_membership;
	int error = 0;
	while (membership != 0 && error == 0 && visit(collector)) {
		const struct membership_record *record = image_membership(image, membership);
		error = collect_points(collector, record->group);
		membership = record->next_of_customer;
	}
	const struct table *table = &image->tables[IMAGE_GROUPS];
	for (uint32_t i = 0; i < table->slots_count && error == 0; i++) {
		const uint32_t group = table_at(table, i)->handle;
		const struct group_record *record = image_group(image, group);
		if (group != 0 && record->user_group == user_group && record->first_point != 0 &&
		    record->flags & (GROUP_OPEN_TO_ALL_CUSTOMERS | GROUP_OPEN_TO_ROAMING))
			error = collect_points(collector, group);
		if (collector->visited > LISTING_PINNED_MAX)
			break;
	}
	return error;
}

// ---------------------------------------------------------------- which chain

enum { BY_GROUP, BY_CUSTOMER };

struct chain {
	enum object_kind kind;
	bool shown;
	int of; // the chain of the query's group or of its customer
	int (*collect)(struct collector *collector, uint32_t handle);
};

static const struct chain chains[] = {
	{OBJECT_KIND_CHARGE_POINT, true, BY_CUSTOMER, collect_shown_points},
	{OBJECT_KIND_CHARGE_POINT, false, BY_GROUP, collect_points},
	{OBJECT_KIND_TOKEN, false, BY_CUSTOMER, collect_tokens},
	{OBJECT_KIND_CHARGE_GROUP, false, BY_CUSTOMER, collect_groups},
	{OBJECT_KIND_MEMBERSHIP, false, BY_CUSTOMER, collect_memberships},
};

static const struct id_key *key_of_chain(const struct chain *chain, const struct listing_query *query)
{
	return chain->of == BY_GROUP ? &query->group : &query->customer;
}

static const struct chain *find_chain(const struct listing_query *query)
{
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		if (chains[i].kind == query->kind && chains[i].shown == query->shown &&
		    key_of_chain(&chains[i], query)->size > 0)
			return &chains[i];
	return NULL;
}

bool listing_needs_image(const struct listing_query *query)
{
	return find_chain(query) != NULL || (query->kind == OBJECT_KIND_CUSTOMER && query->unattached);
}

static int compare_keys(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static size_t sort_keys(struct bytes *keys, size_t count)
{
	qsort(keys, count, sizeof(*keys), compare_keys);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !bytes_equal(keys[i], keys[kept - 1]))
			keys[kept++] = keys[i];
	return kept;
}

int listing_candidates(struct listing *listing, const struct listing_query *query, struct bytes position,
		       struct listing_keys *ret_keys)
{
	const struct chain *chain = find_chain(query);
	*ret_keys = (struct listing_keys){0};
	if (chain == NULL)
		return 0;
	const enum image_slab slab = chain->of == BY_GROUP ? IMAGE_GROUPS : IMAGE_CUSTOMERS;
	struct collector collector = {.listing = listing, .image = listing->image, .position = position};
	collector.keys = arena_alloc(&listing->work, LISTING_PINNED_MAX * sizeof(*collector.keys));
	if (collector.keys == NULL)
		return -ENOMEM;
	const uint32_t handle = image_find(listing->image, slab, key_of_chain(chain, query));
	const int error = handle != 0 ? chain->collect(&collector, handle) : 0;
	if (error != 0)
		return error;
	listing_unpin(listing);
	if (collector.visited > LISTING_PINNED_MAX)
		return 0;
	ret_keys->keys = collector.keys;
	ret_keys->count = sort_keys(collector.keys, collector.count);
	ret_keys->are_known = true;
	return 0;
}
