// SPDX-License-Identifier: Apache-2.0
// DESIGN 1.1: references are answered in the spelling of the object's last put, which may be younger than the record
// that refers to it. The snapshot knows it; a small cache saves asking for each member of a group again.
#include "store/listing_impl.h"

#include "proto/codec.h"

#include <errno.h>

static const struct listing_kind kinds[OBJECT_KINDS] = {
	[OBJECT_KIND_TARIFF] = {"tariff", &schema_tariff, DB_TARIFFS, RECORD_TARIFF, 0},
	[OBJECT_KIND_CHARGE_GROUP] = {"charge group", &schema_charge_group, DB_GROUPS, RECORD_CHARGE_GROUP,
				      LISTING_BY_CUSTOMER | LISTING_BY_TARIFF},
	[OBJECT_KIND_CHARGE_POINT] = {"charge point", &schema_charge_point, DB_POINTS, RECORD_CHARGE_POINT,
				      LISTING_BY_GROUP | LISTING_BY_ATTACHMENT},
	[OBJECT_KIND_CUSTOMER] = {"customer", &schema_customer, DB_CUSTOMERS, RECORD_CUSTOMER,
				  LISTING_BY_GROUP | LISTING_BY_ATTACHMENT},
	[OBJECT_KIND_TOKEN] = {"token", &schema_token, DB_TOKENS, RECORD_TOKEN, LISTING_BY_CUSTOMER},
	[OBJECT_KIND_MEMBERSHIP] = {"membership", &schema_membership, DB_MEMBERSHIPS, RECORD_MEMBERSHIP,
				    LISTING_BY_GROUP | LISTING_BY_CUSTOMER | LISTING_BY_TARIFF},
};

const struct listing_kind *listing_kind_get(enum object_kind kind)
{
	if ((unsigned)kind >= OBJECT_KINDS || kind == OBJECT_KIND_UNSPECIFIED)
		return NULL;
	return &kinds[kind];
}

int listing_decode(const struct listing_kind *kind, const struct db_record *stored, struct arena *arena,
		   struct record *ret_record)
{
	void *object;
	struct fault fault = {0};
	const int error = codec_decode(kind->schema, CODEC_TOLERANT, stored->value, arena, &object, &fault);
	if (error != 0)
		return error == -ENOMEM ? error : -EBADMSG;
	*ret_record = (struct record){
		.modified_revision = stored->modified_revision,
		.kind = kind->object,
		.object = object,
	};
	return 0;
}

int listing_find(struct listing *listing, enum object_kind kind, struct bytes key, struct arena *arena,
		 struct record *ret_record)
{
	struct db_record stored;
	const int error = db_get(listing->read, kinds[kind].table, key, &stored);
	return error != 0 ? error : listing_decode(&kinds[kind], &stored, arena, ret_record);
}

// ---------------------------------------------------------------- spelling

static struct bytes id_of(const struct record *record)
{
	switch (record->kind) {
	case RECORD_TARIFF:
		return record->tariff->id;
	case RECORD_CHARGE_GROUP:
		return record->charge_group->id;
	case RECORD_CUSTOMER:
		return record->customer->id;
	default:
		return (struct bytes){0};
	}
}

// An object that is referred to is there; if not, the store is damaged.
static int read_spelling(struct listing *listing, enum object_kind kind, const struct id_key *key,
			 struct listing_spelling *spelling)
{
	struct record record;
	arena_reset(&listing->spelling);
	const int error = listing_find(listing, kind, id_key_bytes(key), &listing->spelling, &record);
	if (error != 0)
		return error == -ENOENT ? -EBADMSG : error;
	const struct bytes id = id_of(&record);
	if (id.size == 0 || id.size > sizeof(spelling->id))
		return -EBADMSG;
	spelling->snapshot = listing->snapshot;
	spelling->table = kinds[kind].table;
	spelling->key = *key;
	spelling->size = (uint8_t)id.size;
	memcpy(spelling->id, id.data, id.size);
	return 0;
}

static int respell(struct listing *listing, enum object_kind kind, struct arena *arena, struct bytes *id)
{
	if (bytes_is_empty(*id))
		return 0;
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, *id, &key);
	const uint64_t hash = hash_bytes(key.data, key.size, kinds[kind].table);
	struct listing_spelling *spelling = &listing->spellings[hash % LISTING_SPELLINGS];
	if (spelling->snapshot != listing->snapshot || spelling->table != kinds[kind].table ||
	    !bytes_equal(id_key_bytes(&spelling->key), id_key_bytes(&key))) {
		const int error = read_spelling(listing, kind, &key, spelling);
		if (error != 0)
			return error;
	}
	const struct bytes spelled = {.data = spelling->id, .size = spelling->size};
	if (bytes_equal(spelled, *id))
		return 0;
	*id = arena_copy(arena, spelled);
	return id->data != NULL ? 0 : -ENOMEM;
}

static int respell_group(struct listing *listing, struct arena *arena, struct charge_group *group)
{
	const int error = respell(listing, OBJECT_KIND_TARIFF, arena, &group->tariff_id);
	return error != 0 ? error : respell(listing, OBJECT_KIND_TARIFF, arena, &group->prepaid_tariff_id);
}

static int respell_membership(struct listing *listing, struct arena *arena, struct membership *membership)
{
	int error = respell(listing, OBJECT_KIND_CHARGE_GROUP, arena, &membership->charge_group_id);
	if (error == 0)
		error = respell(listing, OBJECT_KIND_CUSTOMER, arena, &membership->customer_id);
	return error != 0 ? error : respell(listing, OBJECT_KIND_TARIFF, arena, &membership->tariff_id);
}

int listing_respell(struct listing *listing, struct arena *arena, struct record *record)
{
	switch (record->kind) {
	case RECORD_CHARGE_GROUP:
		return respell_group(listing, arena, record->charge_group);
	case RECORD_CHARGE_POINT:
		return respell(listing, OBJECT_KIND_CHARGE_GROUP, arena, &record->charge_point->charge_group_id);
	case RECORD_TOKEN:
		return respell(listing, OBJECT_KIND_CUSTOMER, arena, &record->token->customer_id);
	case RECORD_MEMBERSHIP:
		return respell_membership(listing, arena, record->membership);
	default:
		return 0;
	}
}

int listing_read(struct listing *listing, const struct listing_kind *kind, const struct db_record *stored,
		 struct arena *arena, struct record *ret_record)
{
	const int error = listing_decode(kind, stored, arena, ret_record);
	return error != 0 ? error : listing_respell(listing, arena, ret_record);
}
