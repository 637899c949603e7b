// SPDX-License-Identifier: Apache-2.0
#include "store/load.h"

#include "proto/codec.h"
#include "store/image_fields.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LOAD_ARENA_CHUNK = 64 * 1024,
	LOAD_ARENA_BUDGET = 64 * 1024 * 1024, // of one record
	LOAD_PROGRESS_STEP = 65536,
};

struct loader {
	const struct load_options *options;
	struct db_read *read;
	struct image *image;
	struct strings *strings;
	struct arena arena; // of one record
	struct fault *fault;
	uint64_t done;
	uint64_t total;
	uint32_t last_group; // of a membership
	struct bytes last_group_id;
};

// Puts one record's message into the image. The key of an object known by one id is its compare form. -EBADMSG when
// the record refers to what is not there.
typedef int load_function(struct loader *loader, const struct db_record *source, const void *message);

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

static int add_by_key(struct loader *loader, enum image_slab slab, struct bytes key, uint32_t *ret_handle,
		      void *ret_record)
{
	return add(loader, slab, hash_bytes(key.data, key.size, loader->image->seed), ret_handle, ret_record);
}

// ---------------------------------------------------------------- one record of each kind

static int load_tariff(struct loader *loader, const struct db_record *source, const void *message)
{
	const struct tariff *tariff = message;
	struct tariff_record *record;
	struct tariff_body *body = malloc(sizeof(*body) + source->value.size);
	if (body == NULL)
		return -ENOMEM;
	body->size = (uint32_t)source->value.size;
	memcpy(body->data, source->value.data, source->value.size);
	uint32_t handle;
	const int result = add_by_key(loader, IMAGE_TARIFFS, source->key, &handle, &record);
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

static int load_group(struct loader *loader, const struct db_record *source, const void *message)
{
	const struct charge_group *group = message;
	struct group_record *record;
	uint32_t handle;
	int result = add_by_key(loader, IMAGE_GROUPS, source->key, &handle, &record);
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
	const int result = add_by_key(loader, IMAGE_EVSES, id_key_bytes(&key), &handle, &record);
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

static int load_point(struct loader *loader, const struct db_record *source, const void *message)
{
	const struct charge_point *point = message;
	struct point_record *record;
	uint32_t handle;
	int result = add_by_key(loader, IMAGE_POINTS, source->key, &handle, &record);
	if (result != 0)
		return result;
	record->home_charger = point->home_charger;
	result = short_id_set(loader->strings, point->id, &record->id);
	if (result == 0)
		result = strings_intern(loader->strings, point->location_id, &record->location_id);
	// Backwards, as each becomes the first of the chain.
	for (size_t i = point->evses_count; i > 0 && result == 0; i--)
		result = load_evse(loader, handle, point->evses[i - 1].evse_id);
	return result == 0 ? attach_point(loader, handle, point->charge_group_id) : result;
}

static int load_customer(struct loader *loader, const struct db_record *source, const void *message)
{
	const struct customer *customer = message;
	struct customer_record *record;
	uint32_t handle;
	const int result = add_by_key(loader, IMAGE_CUSTOMERS, source->key, &handle, &record);
	if (result != 0)
		return result;
	record->flags = customer_flags_of(customer);
	const int error = short_id_set(loader->strings, customer->id, &record->id);
	return error == 0 ? folded_intern(loader->strings, customer->user_group, &record->user_group) : error;
}

static int set_token_owner(struct loader *loader, uint32_t token, const struct token *message)
{
	struct token_record *record = image_token(loader->image, token);
	if (message->issuer != NULL)
		return issuer_intern(loader->strings, message->issuer, &record->owner);
	record->owner = find(loader, IMAGE_CUSTOMERS, message->customer_id);
	if (record->owner == 0)
		return -EBADMSG;
	struct customer_record *customer = image_customer(loader->image, record->owner);
	record->next_of_customer = customer->first_token;
	customer->first_token = token;
	return 0;
}

static int load_token(struct loader *loader, const struct db_record *source, const void *message)
{
	const struct token *token = message;
	struct token_record *record;
	uint32_t handle;
	(void)source;
	const uint64_t hash = image_token_hash(loader->image, token->type, token->uid);
	int result = add(loader, IMAGE_TOKENS, hash, &handle, &record);
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
	return result == 0 ? set_token_owner(loader, handle, token) : result;
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

static int load_membership(struct loader *loader, const struct db_record *source, const void *message)
{
	const struct membership *membership = message;
	struct membership_record *record;
	uint32_t handle;
	(void)source;
	const uint32_t group = find_group(loader, membership->charge_group_id);
	const uint32_t customer = find(loader, IMAGE_CUSTOMERS, membership->customer_id);
	if (group == 0 || customer == 0)
		return -EBADMSG;
	const uint64_t hash = image_membership_hash(loader->image, group, customer);
	const int result = add(loader, IMAGE_MEMBERSHIPS, hash, &handle, &record);
	if (result != 0)
		return result;
	struct group_record *group_record = image_group(loader->image, group);
	struct customer_record *customer_record = image_customer(loader->image, customer);
	*record = (struct membership_record){
		.group = group,
		.customer = customer,
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
	const struct schema *schema;
	load_function *load;
} load_kinds[] = {
	{DB_TARIFFS, &schema_tariff, load_tariff},     {DB_GROUPS, &schema_charge_group, load_group},
	{DB_POINTS, &schema_charge_point, load_point}, {DB_CUSTOMERS, &schema_customer, load_customer},
	{DB_TOKENS, &schema_token, load_token},        {DB_MEMBERSHIPS, &schema_membership, load_membership},
};

static int load_record(struct loader *loader, const struct load_kind *kind, const struct db_record *record)
{
	struct fault fault = {0};
	void *message;
	arena_reset(&loader->arena);
	const int result = codec_decode(kind->schema, CODEC_TOLERANT, record->value, &loader->arena, &message, &fault);
	if (result != 0)
		return result == -EINVAL ? -EBADMSG : result;
	return kind->load(loader, record, message);
}

// A token's key is personal data; a membership's has a NUL in it.
static void refuse(struct loader *loader, const struct load_kind *kind, struct bytes key, uint64_t number)
{
	char name[DB_KEY_SIZE_MAX + 1] = "";
	if (kind->table != DB_TOKENS && key.size < sizeof(name))
		for (size_t i = 0; i < key.size; i++)
			name[i] = key.data[i] != '\0' ? key.data[i] : '/';
	db_fault_damaged(loader->fault, db_path(loader->options->db), "record %llu of %s %.40s",
			 (unsigned long long)number, db_table_name(kind->table), name);
}

static void tell_progress(struct loader *loader)
{
	loader->done++;
	if (loader->options->on_progress != NULL && loader->done % LOAD_PROGRESS_STEP == 0)
		loader->options->on_progress(loader->options->context, loader->done, loader->total);
}

static int load_table(struct loader *loader, const struct load_kind *kind)
{
	struct db_record record = {0};
	uint64_t number = 1;
	int result = db_seek(loader->read, kind->table, (struct bytes){0}, &record);
	while (result == 0) {
		result = load_record(loader, kind, &record);
		if (result != 0)
			break;
		tell_progress(loader);
		number++;
		record = (struct db_record){0};
		result = db_next(loader->read, kind->table, &record);
	}
	if (result == -ENOENT)
		return 0;
	if (result == -EBADMSG)
		refuse(loader, kind, record.key, number);
	return result;
}

static int count_records(struct loader *loader)
{
	for (size_t i = 0; i < ARRAY_SIZE(load_kinds); i++) {
		uint64_t count;
		const int result = db_count(loader->read, load_kinds[i].table, &count);
		if (result != 0)
			return result;
		loader->total += count;
	}
	return 0;
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
