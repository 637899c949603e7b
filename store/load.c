// SPDX-License-Identifier: Apache-2.0
#include "store/load.h"

#include "proto/codec.h"
#include "store/image_fields.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum {
	LOAD_BATCH = 32,
	LOAD_ARENA_CHUNK = 64 * 1024,
	LOAD_ARENA_BUDGET = 256 * 1024 * 1024, // of one batch
	LOAD_PROGRESS_STEP = 65536,
};

struct loader {
	const struct load_options *options;
	struct db_read *read;
	struct image *image;
	struct strings *strings;
	struct arena arena; // of one batch
	struct fault *fault;
	uint64_t done;
	uint64_t total;
	uint32_t last_group; // of a membership
	struct bytes last_group_id;
};

// A record on its way. Most of the time goes into waiting for memory, so that a batch of them goes step by step, each
// step starting to load what the next one reads.
struct load_item {
	struct db_record record;
	const void *message;
	uint64_t hash;             // under which it will stand in its table
	struct image_key customer; // whom it refers to; size 0: nobody
	uint32_t customer_handle;
	uint32_t group_handle;
};

// One step of one record. The key of an object known by one id is its compare form. -EBADMSG when the record refers to
// what is not there.
typedef int load_step(struct loader *loader, struct load_item *item);

// ---------------------------------------------------------------- helpers

static uint32_t find(const struct loader *loader, enum image_slab slab, struct bytes id)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, id, &key);
	return image_find(loader->image, slab, &key);
}

// A record in its table; *ret_record is of the slab's type.
static int add(struct loader *loader, enum image_slab slab, uint64_t hash, uint32_t *ret_handle, void *ret_record)
{
	struct image *image = loader->image;
	int result = slab_reserve(&image->slabs[slab]);
	if (result == 0)
		result = table_reserve(&image->tables[slab]);
	if (result != 0)
		return result;
	const uint32_t handle = slab_take(&image->slabs[slab]);
	table_insert(&image->tables[slab], table_tag(hash), handle);
	void *record = slab_get(&image->slabs[slab], handle);
	memcpy(ret_record, &record, sizeof(record));
	*ret_handle = handle;
	return 0;
}

static uint64_t hash_key(const struct loader *loader, struct bytes key)
{
	return hash_bytes(key.data, key.size, loader->image->seed);
}

static void expect_slot(const struct loader *loader, enum image_slab slab, struct load_item *item, uint64_t hash)
{
	item->hash = hash;
	image_prefetch_slot(loader->image, slab, hash);
}

// ---------------------------------------------------------------- one record of each kind

static int load_tariff(struct loader *loader, struct load_item *item)
{
	const struct tariff *tariff = item->message;
	struct tariff_record *record;
	const struct bytes encoded = item->record.value;
	struct tariff_body *body = malloc(sizeof(*body) + encoded.size);
	if (body == NULL)
		return -ENOMEM;
	body->size = (uint32_t)encoded.size;
	memcpy(body->data, encoded.data, encoded.size);
	uint32_t handle;
	const int result = add(loader, IMAGE_TARIFFS, hash_key(loader, item->record.key), &handle, &record);
	if (result != 0) {
		free(body);
		return result;
	}
	record->body = body;
	return short_id_set(loader->strings, tariff->id, &record->id);
}

// 0 when `id` is empty, -EBADMSG when there is no such tariff.
static int use_tariff(struct loader *loader, struct bytes id, uint32_t *ret_tariff)
{
	*ret_tariff = 0;
	if (bytes_is_empty(id))
		return 0;
	*ret_tariff = find(loader, IMAGE_TARIFFS, id);
	if (*ret_tariff == 0)
		return -EBADMSG;
	image_tariff(loader->image, *ret_tariff)->uses++;
	return 0;
}

static int load_group(struct loader *loader, struct load_item *item)
{
	const struct charge_group *group = item->message;
	struct group_record *record;
	uint32_t handle;
	int result = add(loader, IMAGE_GROUPS, hash_key(loader, item->record.key), &handle, &record);
	if (result != 0)
		return result;
	record->type = (uint8_t)group->type;
	record->flags = group_flags_of(group);
	result = short_id_set(loader->strings, group->id, &record->id);
	if (result == 0)
		result = folded_intern(loader->strings, group->user_group, &record->user_group);
	if (result == 0)
		result = use_tariff(loader, group->tariff_id, &record->tariff);
	if (result == 0)
		result = use_tariff(loader, group->prepaid_tariff_id, &record->prepaid_tariff);
	return result == 0 && record->tariff == 0 ? -EBADMSG : result;
}

static int load_evse(struct loader *loader, uint32_t point, struct bytes evse_id)
{
	struct evse_record *record;
	struct id_key key;
	uint32_t handle;
	id_fold(ID_FOLD_EVSE, evse_id, &key);
	if (image_find(loader->image, IMAGE_EVSES, &key) != 0)
		return -EBADMSG; // an EVSE belongs to one point
	const int result = add(loader, IMAGE_EVSES, image_hash_key(loader->image, &key), &handle, &record);
	if (result != 0)
		return result;
	struct point_record *owner = image_point(loader->image, point);
	record->point = point;
	record->next_of_point = owner->first_evse;
	owner->first_evse = handle;
	return short_id_set(loader->strings, evse_id, &record->id);
}

static int attach_point(struct loader *loader, uint32_t point, struct bytes group_id)
{
	struct point_record *record = image_point(loader->image, point);
	if (bytes_is_empty(group_id))
		return 0;
	record->group = find(loader, IMAGE_GROUPS, group_id);
	if (record->group == 0)
		return -EBADMSG;
	struct group_record *group = image_group(loader->image, record->group);
	record->next_of_group = group->first_point;
	if (group->first_point != 0)
		image_point(loader->image, group->first_point)->previous_of_group = point;
	group->first_point = point;
	group->points_count++;
	return 0;
}

static int load_point(struct loader *loader, struct load_item *item)
{
	const struct charge_point *point = item->message;
	struct point_record *record;
	uint32_t handle;
	int result = add(loader, IMAGE_POINTS, hash_key(loader, item->record.key), &handle, &record);
	if (result != 0)
		return result;
	record->home_charger = point->home_charger;
	result = short_id_set(loader->strings, point->id, &record->id);
	if (result == 0)
		result = short_id_set(loader->strings, point->location_id, &record->location_id);
	// Backwards, as each becomes the first of the chain.
	for (size_t i = point->evses_count; i > 0 && result == 0; i--)
		result = load_evse(loader, handle, point->evses[i - 1].evse_id);
	return result == 0 ? attach_point(loader, handle, point->charge_group_id) : result;
}

static int prepare_customer(struct loader *loader, struct load_item *item)
{
	expect_slot(loader, IMAGE_CUSTOMERS, item, hash_key(loader, item->record.key));
	return 0;
}

static int load_customer(struct loader *loader, struct load_item *item)
{
	const struct customer *customer = item->message;
	struct customer_record *record;
	uint32_t handle;
	const int result = add(loader, IMAGE_CUSTOMERS, item->hash, &handle, &record);
	if (result != 0)
		return result;
	record->flags = customer_flags_of(customer);
	const int error = short_id_set(loader->strings, customer->id, &record->id);
	return error == 0 ? folded_intern(loader->strings, customer->user_group, &record->user_group) : error;
}

static int prepare_token(struct loader *loader, struct load_item *item)
{
	const struct token *token = item->message;
	expect_slot(loader, IMAGE_TOKENS, item, image_token_hash(loader->image, token->type, token->uid));
	if (token->issuer == NULL)
		image_key_prepare(loader->image, IMAGE_CUSTOMERS, token->customer_id, &item->customer);
	return 0;
}

static int resolve_token(struct loader *loader, struct load_item *item)
{
	const struct token *token = item->message;
	item->customer_handle = image_key_find(loader->image, IMAGE_CUSTOMERS, &item->customer);
	return token->issuer == NULL && item->customer_handle == 0 ? -EBADMSG : 0;
}

static int set_token_owner(struct loader *loader, uint32_t token, const struct load_item *item)
{
	const struct token *message = item->message;
	struct token_record *record = image_token(loader->image, token);
	if (message->issuer != NULL)
		return issuer_intern(loader->strings, message->issuer, &record->owner);
	struct customer_record *customer = image_customer(loader->image, item->customer_handle);
	record->owner = item->customer_handle;
	record->next_of_customer = customer->first_token;
	customer->first_token = token;
	return 0;
}

static int load_token(struct loader *loader, struct load_item *item)
{
	const struct token *token = item->message;
	struct token_record *record;
	uint32_t handle;
	int result = add(loader, IMAGE_TOKENS, item->hash, &handle, &record);
	if (result != 0)
		return result;
	record->valid_from = token->valid_from;
	record->valid_until = token->valid_until;
	record->type = (uint8_t)token->type;
	record->flags = token_flags_of(token, token->issuer);
	record->whitelist = token_whitelist_of(token);
	result = short_id_set(loader->strings, token->uid, &record->uid);
	if (result == 0)
		result = short_id_set(loader->strings, token->contract_id, &record->contract_id);
	if (result == 0)
		result = strings_intern(loader->strings, token->parent_id, &record->parent_id);
	return result == 0 ? set_token_owner(loader, handle, item) : result;
}

// Memberships come in the order of their groups.
static uint32_t find_group(struct loader *loader, struct bytes id)
{
	if (!bytes_equal(id, loader->last_group_id)) {
		loader->last_group = find(loader, IMAGE_GROUPS, id);
		loader->last_group_id =
			loader->last_group
				? image_id(loader->image, &image_group(loader->image, loader->last_group)->id)
				: (struct bytes){0};
	}
	return loader->last_group;
}

static int prepare_membership(struct loader *loader, struct load_item *item)
{
	const struct membership *membership = item->message;
	image_key_prepare(loader->image, IMAGE_CUSTOMERS, membership->customer_id, &item->customer);
	return 0;
}

static int resolve_membership(struct loader *loader, struct load_item *item)
{
	const struct membership *membership = item->message;
	item->group_handle = find_group(loader, membership->charge_group_id);
	item->customer_handle = image_key_find(loader->image, IMAGE_CUSTOMERS, &item->customer);
	if (item->group_handle == 0 || item->customer_handle == 0)
		return -EBADMSG;
	expect_slot(loader, IMAGE_MEMBERSHIPS, item,
		    image_membership_hash(loader->image, item->group_handle, item->customer_handle));
	return 0;
}

static int load_membership(struct loader *loader, struct load_item *item)
{
	const struct membership *membership = item->message;
	struct membership_record *record;
	uint32_t handle;
	const int result = add(loader, IMAGE_MEMBERSHIPS, item->hash, &handle, &record);
	if (result != 0)
		return result;
	struct group_record *group_record = image_group(loader->image, item->group_handle);
	struct customer_record *customer_record = image_customer(loader->image, item->customer_handle);
	*record = (struct membership_record){
		.group = item->group_handle,
		.customer = item->customer_handle,
		.next_of_customer = customer_record->first_membership,
		.next_of_group = group_record->first_membership,
	};
	if (record->next_of_group != 0)
		image_membership(loader->image, record->next_of_group)->previous_of_group = handle;
	customer_record->first_membership = handle;
	group_record->first_membership = handle;
	group_record->memberships_count++;
	return use_tariff(loader, membership->tariff_id, &record->tariff);
}

// ---------------------------------------------------------------- all of them

// In an order in which what is referred to comes first.
static const struct load_kind {
	enum db_table table;
	enum image_slab slab;
	const struct schema *schema; // NULL: of no object, only read to see that it is sound
	load_step *prepare;          // hash, and start to look up; may be NULL
	load_step *resolve;          // finish looking up; may be NULL
	load_step *load;             // put it into the image
} load_kinds[] = {
	{DB_META, IMAGE_SLABS, NULL, NULL, NULL, NULL},
	{DB_TARIFFS, IMAGE_TARIFFS, &schema_tariff, NULL, NULL, load_tariff},
	{DB_GROUPS, IMAGE_GROUPS, &schema_charge_group, NULL, NULL, load_group},
	{DB_POINTS, IMAGE_POINTS, &schema_charge_point, NULL, NULL, load_point},
	{DB_CUSTOMERS, IMAGE_CUSTOMERS, &schema_customer, prepare_customer, NULL, load_customer},
	{DB_TOKENS, IMAGE_TOKENS, &schema_token, prepare_token, resolve_token, load_token},
	{DB_MEMBERSHIPS, IMAGE_MEMBERSHIPS, &schema_membership, prepare_membership, resolve_membership,
	 load_membership},
	{DB_IDEMPOTENCY, IMAGE_SLABS, NULL, NULL, NULL, NULL},
	{DB_IDEMPOTENCY_AGE, IMAGE_SLABS, NULL, NULL, NULL, NULL},
};

// A token's key is personal data; a membership's has a NUL in it.
static void refuse(struct loader *loader, const struct load_kind *kind, struct bytes key, uint64_t number)
{
	char name[DB_KEY_SIZE_MAX + 1] = "";
	if (kind->table != DB_TOKENS && key.size < sizeof(name))
		for (size_t i = 0; i < key.size; i++)
			name[i] = isprint((unsigned char)key.data[i]) ? key.data[i] : '/';
	db_fault_damaged(loader->fault, db_path(loader->options->db), "record %llu of %s %.40s",
			 (unsigned long long)number, db_table_name(kind->table), name);
}

static int decode_item(struct loader *loader, const struct load_kind *kind, struct load_item *item)
{
	struct fault fault = {0};
	void *message;
	const int result =
		codec_decode(kind->schema, CODEC_TOLERANT, item->record.value, &loader->arena, &message, &fault);
	if (result != 0)
		return result == -EINVAL ? -EBADMSG : result;
	item->message = message;
	return kind->prepare != NULL ? kind->prepare(loader, item) : 0;
}

static int touch_item(struct loader *loader, const struct load_kind *kind, struct load_item *item)
{
	(void)kind;
	if (item->customer.key.size > 0)
		image_prefetch_record(loader->image, IMAGE_CUSTOMERS, item->customer.hash);
	return 0;
}

static int resolve_item(struct loader *loader, const struct load_kind *kind, struct load_item *item)
{
	return kind->resolve != NULL ? kind->resolve(loader, item) : 0;
}

static int load_item(struct loader *loader, const struct load_kind *kind, struct load_item *item)
{
	return kind->load(loader, item);
}

// `done` records of the kind came before.
static int load_batch(struct loader *loader, const struct load_kind *kind, struct load_item *items, size_t count,
		      uint64_t done)
{
	static int (*const steps[])(struct loader *, const struct load_kind *,
				    struct load_item *) = {decode_item, touch_item, resolve_item, load_item};
	arena_reset(&loader->arena);
	for (size_t step = 0; step < ARRAY_SIZE(steps); step++) {
		for (size_t i = 0; i < count; i++) {
			const int result = steps[step](loader, kind, &items[i]);
			if (result == -EBADMSG)
				refuse(loader, kind, items[i].record.key, done + i + 1);
			if (result != 0)
				return result;
		}
	}
	return 0;
}

static void tell_progress(struct loader *loader, size_t count)
{
	const uint64_t before = loader->done;
	loader->done += count;
	if (loader->options->on_progress != NULL && before / LOAD_PROGRESS_STEP != loader->done / LOAD_PROGRESS_STEP)
		loader->options->on_progress(loader->options->context, loader->done, loader->total);
}

// The next records of a table, after the ones read before. -ENOENT at the end, -EBADMSG at a damaged one, which is the
// item behind the *ret_count good ones.
static int read_batch(struct loader *loader, const struct load_kind *kind, bool is_first,
		      struct load_item items[LOAD_BATCH], size_t *ret_count)
{
	size_t count = 0;
	int result = 0;
	for (; count < LOAD_BATCH; count++, is_first = false) {
		items[count] = (struct load_item){0};
		result = is_first ? db_seek(loader->read, kind->table, (struct bytes){0}, &items[count].record)
				  : db_next(loader->read, kind->table, &items[count].record);
		if (result != 0)
			break;
	}
	*ret_count = count;
	return result;
}

static int load_table(struct loader *loader, const struct load_kind *kind)
{
	struct load_item items[LOAD_BATCH];
	uint64_t done = 0;
	for (;;) {
		size_t count;
		const int end = read_batch(loader, kind, done == 0, items, &count);
		const int result = kind->schema != NULL ? load_batch(loader, kind, items, count, done) : 0;
		if (result != 0)
			return result;
		done += count;
		tell_progress(loader, count);
		if (end == -EBADMSG)
			refuse(loader, kind, items[count].record.key, done + 1);
		if (end != 0)
			return end == -ENOENT ? 0 : end;
	}
}

// The tables are made as large as they will be: growing as they fill, they would be moved over and over.
static int count_records(struct loader *loader)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(load_kinds); i++) {
		uint64_t count;
		result = db_count(loader->read, load_kinds[i].table, &count);
		if (result != 0)
			return result;
		loader->total += count;
		if (load_kinds[i].schema != NULL)
			result = table_reserve_empty(&loader->image->tables[load_kinds[i].slab], count);
	}
	return result;
}

int load_image(const struct load_options *options, struct db_read *read, struct image *image, struct fault *fault)
{
	struct loader loader = {
		.options = options, .strings = options->strings, .read = read, .image = image, .fault = fault};
	int result = db_read_start(read, &image->revision);
	if (result != 0)
		return result;
	arena_init(&loader.arena, LOAD_ARENA_CHUNK, LOAD_ARENA_BUDGET);
	result = count_records(&loader);
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(load_kinds); i++)
		result = load_table(&loader, &load_kinds[i]);
	arena_finish(&loader.arena);
	db_read_stop(read);
	return result;
}
