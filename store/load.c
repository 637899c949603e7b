// SPDX-License-Identifier: Apache-2.0
#include "store/load.h"

#include "proto/codec.h"
#include "proto/codec_direct.h"
#include "store/both.h"
#include "store/image_fields.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	LOAD_BATCH = 32,
	LOAD_ARENA_CHUNK = 64 * 1024,
	LOAD_ARENA_BUDGET = 256 * 1024 * 1024, // of one batch
	LOAD_PROGRESS_STEP = 65536,
	LOAD_RECENT = 256,
};

// Who loads a table.
enum load_part {
	LOAD_BEFORE, // the caller's thread, before the other one starts
	LOAD_FIRST,  // the caller's thread
	LOAD_SECOND, // the other one, meanwhile
};

// What the two loaders share.
struct load_common {
	const struct load_options *options;
	struct image *image;
	pthread_mutex_t strings_lock;
	pthread_mutex_t customers_lock;
	pthread_cond_t customers_there;
	bool has_customers;    // they are all there, or the first loader has failed
	uint64_t total;        // records
	_Atomic uint64_t done; // likewise
};

// One of two threads that load different tables side by side. Each writes slabs and tables of its own: of a customer,
// the one the chain of its tokens, the other that of its memberships.
struct loader {
	struct load_common *common;
	const struct load_options *options;
	struct db_read *read;
	struct image *image;
	struct strings *strings; // under the lock; texts that were interned before may be read
	struct arena arena;      // of one batch
	struct fault *fault;
	enum load_part part;
	uint32_t recent[LOAD_RECENT]; // strings interned lately, by a hash of their text
	uint32_t last_group;          // of a membership
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

static int set_id(const struct loader *loader, struct bytes text, struct short_id *ret_id)
{
	if (LIKELY(text.size <= sizeof(ret_id->data)))
		return short_id_set(loader->strings, text, ret_id); // in place
	pthread_mutex_lock(&loader->common->strings_lock);
	const int result = short_id_set(loader->strings, text, ret_id);
	pthread_mutex_unlock(&loader->common->strings_lock);
	return result;
}

// What was interned lately is found without the lock: user groups, issuers and parents come again and again.
static int intern(struct loader *loader, struct bytes text, uint32_t *ret_string)
{
	const uint64_t hash = hash_bytes(text.data, text.size, loader->image->seed);
	uint32_t *cached = &loader->recent[hash % LOAD_RECENT];
	if (bytes_equal(image_string(loader->image, *cached), text)) {
		*ret_string = *cached;
		return 0;
	}
	pthread_mutex_lock(&loader->common->strings_lock);
	const int result = strings_intern(loader->strings, text, cached);
	pthread_mutex_unlock(&loader->common->strings_lock);
	*ret_string = *cached;
	return result;
}

static int intern_folded(struct loader *loader, struct bytes text, uint32_t *ret_string)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, text, &key);
	return intern(loader, id_key_bytes(&key), ret_string);
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

// The note of a record that is filled (image.h).
static void note(const struct loader *loader, enum image_slab slab, uint64_t hash, uint32_t handle)
{
	table_set_note(&loader->image->tables[slab], table_tag(hash), handle, image_note(loader->image, slab, handle));
}

static uint64_t hash_key(const struct loader *loader, struct bytes key)
{
	return image_hash_text(loader->image, key);
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
	return set_id(loader, tariff->id, &record->id);
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
	result = set_id(loader, group->id, &record->id);
	if (result == 0)
		result = intern_folded(loader, group->user_group, &record->user_group);
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
	note(loader, IMAGE_EVSES, image_hash_key(loader->image, &key), handle);
	return set_id(loader, evse_id, &record->id);
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

static int prepare_point(struct loader *loader, struct load_item *item)
{
	const struct charge_point *point = item->message;
	struct image_key key;
	expect_slot(loader, IMAGE_POINTS, item, hash_key(loader, item->record.key));
	for (size_t i = 0; i < point->evses_count; i++)
		image_key_prepare(loader->image, IMAGE_EVSES, point->evses[i].evse_id, &key);
	return 0;
}

static int load_point(struct loader *loader, struct load_item *item)
{
	const struct charge_point *point = item->message;
	const uint64_t hash = item->hash;
	struct point_record *record;
	uint32_t handle;
	int result = add(loader, IMAGE_POINTS, hash, &handle, &record);
	if (result != 0)
		return result;
	record->home_charger = point->home_charger;
	result = set_id(loader, point->id, &record->id);
	if (result == 0)
		result = set_id(loader, point->location_id, &record->location_id);
	// Backwards, as each becomes the first of the chain.
	for (size_t i = point->evses_count; i > 0 && result == 0; i--)
		result = load_evse(loader, handle, point->evses[i - 1].evse_id);
	if (result == 0)
		result = attach_point(loader, handle, point->charge_group_id);
	note(loader, IMAGE_POINTS, hash, handle);
	return result;
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
	const int error = set_id(loader, customer->id, &record->id);
	return error == 0 ? intern_folded(loader, customer->user_group, &record->user_group) : error;
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

static int intern_issuer(struct loader *loader, const struct issuer *issuer, uint32_t *ret_string)
{
	char text[ISSUER_TEXT_MAX];
	return intern(loader, issuer_text(issuer, text), ret_string);
}

static int set_token_owner(struct loader *loader, uint32_t token, const struct load_item *item)
{
	const struct token *message = item->message;
	struct token_record *record = image_token(loader->image, token);
	if (message->issuer != NULL)
		return intern_issuer(loader, message->issuer, &record->owner);
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
	result = set_id(loader, token->uid, &record->uid);
	if (result == 0)
		result = set_id(loader, token->contract_id, &record->contract_id);
	if (result == 0)
		result = intern(loader, token->parent_id, &record->parent_id);
	if (result == 0)
		result = set_token_owner(loader, handle, item);
	note(loader, IMAGE_TOKENS, item->hash, handle);
	return result;
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
	int result = add(loader, IMAGE_MEMBERSHIPS, item->hash, &handle, &record);
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
	result = use_tariff(loader, membership->tariff_id, &record->tariff);
	note(loader, IMAGE_MEMBERSHIPS, item->hash, handle);
	return result;
}

// ---------------------------------------------------------------- all of them

// In an order in which what is referred to comes first.
static const struct load_kind {
	enum db_table table;
	enum image_slab slab;
	enum load_part part;
	const struct schema *schema; // NULL: of no object, only read to see that it is sound
	load_step *prepare;          // hash, and start to look up; may be NULL
	load_step *resolve;          // finish looking up; may be NULL
	load_step *load;             // put it into the image
} load_kinds[] = {
	{DB_META, IMAGE_SLABS, LOAD_BEFORE, NULL, NULL, NULL, NULL},
	{DB_TARIFFS, IMAGE_TARIFFS, LOAD_BEFORE, &schema_tariff, NULL, NULL, load_tariff},
	{DB_GROUPS, IMAGE_GROUPS, LOAD_BEFORE, &schema_charge_group, NULL, NULL, load_group},
	{DB_POINTS, IMAGE_POINTS, LOAD_SECOND, &schema_charge_point, prepare_point, NULL, load_point},
	{DB_CUSTOMERS, IMAGE_CUSTOMERS, LOAD_FIRST, &schema_customer, prepare_customer, NULL, load_customer},
	{DB_TOKENS, IMAGE_TOKENS, LOAD_FIRST, &schema_token, prepare_token, resolve_token, load_token},
	{DB_MEMBERSHIPS, IMAGE_MEMBERSHIPS, LOAD_SECOND, &schema_membership, prepare_membership, resolve_membership,
	 load_membership},
	{DB_IDEMPOTENCY, IMAGE_SLABS, LOAD_SECOND, NULL, NULL, NULL, NULL},
	{DB_IDEMPOTENCY_AGE, IMAGE_SLABS, LOAD_SECOND, NULL, NULL, NULL, NULL},
	{DB_LOG, IMAGE_SLABS, LOAD_SECOND, NULL, NULL, NULL, NULL},
	{DB_ORPHANS, IMAGE_SLABS, LOAD_SECOND, NULL, NULL, NULL, NULL},
};

// A token's key is personal data; a membership's has a NUL in it.
static void refuse(struct loader *loader, const struct load_kind *kind, struct bytes key, uint64_t number)
{
	char name[DB_KEY_SIZE_MAX + 1] = "";
	if (kind->table != DB_TOKENS && key.size < sizeof(name))
		for (size_t i = 0; i < key.size; i++)
			name[i] = isprint((unsigned char)key.data[i]) ? key.data[i] : '/';
	if (loader->options->is_staged)
		fault_set(loader->fault, STATUS_INVALID_ARGUMENT, NULL,
			  "record %llu of the snapshot's %s %.40s refers to what is not there, or has what another has",
			  (unsigned long long)number, db_table_name(kind->table), name);
	else
		db_fault_damaged(loader->fault, db_path(loader->options->db), "record %llu of %s %.40s",
				 (unsigned long long)number, db_table_name(kind->table), name);
}

static int decode_item(struct loader *loader, const struct load_kind *kind, struct load_item *item)
{
	if (!codec_decode_direct(kind->schema, item->record.value, &loader->arena, &item->message)) {
		struct fault fault = {0};
		void *message;
		const int result = codec_decode(kind->schema, CODEC_TOLERANT, item->record.value, &loader->arena,
						&message, &fault);
		if (result != 0)
			return result == -EINVAL ? -EBADMSG : result;
		item->message = message;
	}
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

// The first thread is the caller's.
static void tell_progress(struct loader *loader, size_t count)
{
	const struct load_options *options = loader->options;
	struct load_common *common = loader->common;
	const uint64_t before = atomic_fetch_add_explicit(&common->done, count, memory_order_relaxed);
	if (options->on_progress != NULL && loader->part != LOAD_SECOND &&
	    before / LOAD_PROGRESS_STEP != (before + count) / LOAD_PROGRESS_STEP)
		options->on_progress(options->context, before + count, common->total);
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

// Slabs and tables are made as large as they will be: growing as they fill, tables would be moved over and over.
static int make_room(struct image *image, enum image_slab slab, uint64_t count)
{
	struct slab *records = &image->slabs[slab];
	const int result = table_reserve_empty(&image->tables[slab], count);
	if (result != 0 || count > records->count_max)
		return result != 0 ? result : -ENOMEM;
	return slab_extend(records, (uint32_t)count + 1);
}

static int count_records(struct loader *loader)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(load_kinds); i++) {
		uint64_t count;
		result = db_count(loader->read, load_kinds[i].table, &count);
		if (result != 0)
			return result;
		loader->common->total += count;
		if (load_kinds[i].schema != NULL)
			result = make_room(loader->image, load_kinds[i].slab, count);
	}
	return result;
}

static void announce_customers(struct load_common *common)
{
	pthread_mutex_lock(&common->customers_lock);
	common->has_customers = true;
	pthread_cond_signal(&common->customers_there);
	pthread_mutex_unlock(&common->customers_lock);
}

static bool has_customers(struct load_common *common)
{
	pthread_mutex_lock(&common->customers_lock);
	const bool has = common->has_customers;
	pthread_mutex_unlock(&common->customers_lock);
	return has;
}

// While there are no customers yet: the first loader will fill this memory next.
static void prepare_memory(struct load_common *common, const struct memory *memory)
{
	const struct memory_range all = memory_behind(memory, 0);
	for (size_t at = 0; at < all.size && !has_customers(common); at += MEMORY_STEP) {
		const size_t left = all.size - at;
		const struct memory_range step = {.start = all.start + at,
						  .size = left < MEMORY_STEP ? left : (size_t)MEMORY_STEP};
		memory_prepare(&step);
	}
}

static void wait_for_customers(struct load_common *common)
{
	prepare_memory(common, &common->image->tables[IMAGE_TOKENS].memory);
	prepare_memory(common, &common->image->slabs[IMAGE_TOKENS].memory);
	pthread_mutex_lock(&common->customers_lock);
	while (!common->has_customers)
		pthread_cond_wait(&common->customers_there, &common->customers_lock);
	pthread_mutex_unlock(&common->customers_lock);
}

static int load_part(void *argument)
{
	struct loader *loader = argument;
	int result = 0;
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(load_kinds); i++) {
		const struct load_kind *kind = &load_kinds[i];
		if (kind->part != loader->part)
			continue;
		if (kind->table == DB_MEMBERSHIPS)
			wait_for_customers(loader->common);
		result = load_table(loader, kind);
		if (kind->table == DB_CUSTOMERS) // also after a failure: nobody waits for ever
			announce_customers(loader->common);
	}
	return result;
}

static int load_parts(struct loader *first, struct loader *second)
{
	int result = count_records(first);
	first->part = LOAD_BEFORE;
	if (result == 0)
		result = load_part(first);
	first->part = LOAD_FIRST;
	second->part = LOAD_SECOND;
	return result == 0 ? both_run(load_part, first, second) : result;
}

static void loader_init(struct loader *loader, struct load_common *common, struct db_read *read, struct fault *fault)
{
	*loader = (struct loader){
		.common = common,
		.options = common->options,
		.strings = common->options->strings,
		.image = common->image,
		.read = read,
		.fault = fault,
	};
	arena_init(&loader->arena, LOAD_ARENA_CHUNK, LOAD_ARENA_BUDGET);
}

static int start_read(const struct load_options *options, struct db_read *read, uint64_t *ret_revision)
{
	return options->is_staged ? db_read_start_staged(read) : db_read_start(read, ret_revision);
}

// Both read the same state: nobody writes these tables.
static int load_both(struct load_common *common, struct db_read *reads[2], struct fault *fault)
{
	struct loader first, second;
	struct fault second_fault = {0};
	uint64_t revision = common->image->revision;
	int result = start_read(common->options, reads[1], &revision);
	if (result != 0)
		return result;
	ASSERT(revision == common->image->revision);
	loader_init(&first, common, reads[0], fault);
	loader_init(&second, common, reads[1], &second_fault);
	result = load_parts(&first, &second);
	if (result != 0 && fault->code == STATUS_OK)
		*fault = second_fault;
	arena_finish(&first.arena);
	arena_finish(&second.arena);
	db_read_stop(reads[1]);
	return result;
}

int load_image(const struct load_options *options, struct db_read *read, struct image *image, struct fault *fault)
{
	struct load_common common = {.options = options, .image = image};
	struct db_read *reads[2] = {read};
	int result = db_read_create(options->db, &reads[1]);
	if (result != 0)
		return result;
	pthread_mutex_init(&common.strings_lock, NULL);
	pthread_mutex_init(&common.customers_lock, NULL);
	pthread_cond_init(&common.customers_there, NULL);
	result = start_read(options, read, &image->revision);
	if (result == 0) {
		image->swaps = db_read_swaps(read);
		result = load_both(&common, reads, fault);
		db_read_stop(read);
	}
	pthread_cond_destroy(&common.customers_there);
	pthread_mutex_destroy(&common.customers_lock);
	pthread_mutex_destroy(&common.strings_lock);
	db_read_destroy(reads[1]);
	return result;
}
