// SPDX-License-Identifier: Apache-2.0
#include "store/listing_impl.h"

#include <errno.h>

enum { BARE_VALUE_MAX = 4096 }; // bytes of a stored object looked through at once; longer ones are decoded

static char to_upper(char byte)
{
	return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

// What some kind of id ignores (DESIGN 1.1).
static bool is_separator(char byte)
{
	return byte == ' ' || byte == ':' || byte == '-' || byte == '*';
}

static size_t make_bare(struct bytes source, char *ret_bare)
{
	size_t size = 0;
	for (size_t i = 0; i < source.size; i++) {
		ret_bare[size] = to_upper(source.data[i]);
		size += !is_separator(source.data[i]);
	}
	return size;
}

void listing_text_prepare(struct bytes text, struct listing_text *ret_text)
{
	ret_text->upper_size = text.size;
	for (size_t i = 0; i < text.size; i++)
		ret_text->upper[i] = to_upper(text.data[i]);
	ret_text->bare_size = make_bare(text, ret_text->bare);
	for (int fold = 0; fold < LISTING_FOLDS; fold++)
		id_fold((enum id_fold)fold, text, &ret_text->folded[fold]);
}

// Whatever the fields and their folds are, without case and separators the text is somewhere in the encoded object.
bool listing_text_may_match(const struct listing_text *text, struct bytes value)
{
	char bare[BARE_VALUE_MAX];
	if (text->bare_size == 0 || value.size > sizeof(bare))
		return true;
	return memmem(bare, make_bare(value, bare), text->bare, text->bare_size) != NULL;
}

static bool contains(const struct listing_text *text, struct bytes field)
{
	if (field.size < text->upper_size)
		return false;
	for (size_t i = 0; i <= field.size - text->upper_size; i++) {
		size_t same = 0;
		while (same < text->upper_size && to_upper(field.data[i + same]) == text->upper[same])
			same++;
		if (same == text->upper_size)
			return true;
	}
	return false;
}

static bool contains_id(const struct listing_text *text, enum id_fold fold, struct bytes id)
{
	if (contains(text, id))
		return true;
	struct id_key key;
	const struct id_key *part = &text->folded[fold];
	id_fold(fold, id, &key);
	return part->size > 0 && memmem(key.data, key.size, part->data, part->size) != NULL;
}

static bool point_contains(const struct listing_text *text, const struct charge_point *point)
{
	if (contains(text, point->id) || contains(text, point->location_id))
		return true;
	for (size_t i = 0; i < point->evses_count; i++)
		if (contains_id(text, ID_FOLD_EVSE, point->evses[i].evse_id))
			return true;
	return false;
}

// A contract id is an eMAID as a rule, and typed with and without its separators.
static bool token_contains(const struct listing_text *text, const struct token *token)
{
	return contains_id(text, id_fold_of_token(token->type), token->uid) ||
	       contains_id(text, ID_FOLD_EMAID, token->contract_id) || contains(text, token->visual_number);
}

bool listing_text_matches(const struct listing_text *text, const struct record *record)
{
	if (text->upper_size == 0)
		return true;
	switch (record->kind) {
	case RECORD_TARIFF:
		return contains(text, record->tariff->id);
	case RECORD_CHARGE_GROUP:
		return contains(text, record->charge_group->id) || contains(text, record->charge_group->name);
	case RECORD_CHARGE_POINT:
		return point_contains(text, record->charge_point);
	case RECORD_CUSTOMER:
		return contains(text, record->customer->id) || contains(text, record->customer->name);
	case RECORD_TOKEN:
		return token_contains(text, record->token);
	case RECORD_MEMBERSHIP:
		return contains(text, record->membership->charge_group_id) ||
		       contains(text, record->membership->customer_id);
	default:
		return false;
	}
}

// ---------------------------------------------------------------- relations

// Whether `id` is the one asked for, if one is.
static bool is_asked_for(const struct id_key *asked, struct bytes id)
{
	if (asked->size == 0)
		return true;
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, id, &key);
	return bytes_equal(id_key_bytes(&key), id_key_bytes(asked));
}

static int is_attached(struct listing *listing, struct bytes charge_group_id, struct bytes customer_id, bool *ret_is)
{
	struct db_key key;
	struct db_record stored;
	key_of_membership(charge_group_id, customer_id, &key);
	const int error = db_get(listing->read, DB_MEMBERSHIPS, db_key_bytes(&key), &stored);
	if (error != 0 && error != -ENOENT)
		return error;
	*ret_is = error == 0;
	return 0;
}

static int group_matches(struct listing *listing, const struct listing_query *query, const struct charge_group *group,
			 bool *ret_matches)
{
	*ret_matches = is_asked_for(&query->tariff, group->tariff_id) ||
		       is_asked_for(&query->tariff, group->prepaid_tariff_id);
	if (!*ret_matches || query->customer.size == 0)
		return 0;
	return is_attached(listing, group->id, id_key_bytes(&query->customer), ret_matches);
}

static int customer_matches(struct listing *listing, const struct listing_query *query, const struct customer *customer,
			    bool *ret_matches)
{
	*ret_matches = true;
	if (query->unattached) {
		struct id_key key;
		id_fold(ID_FOLD_PLAIN, customer->id, &key);
		const uint32_t handle = image_find(listing->image, IMAGE_CUSTOMERS, &key);
		*ret_matches = handle != 0 && image_customer(listing->image, handle)->first_membership == 0;
	}
	if (!*ret_matches || query->group.size == 0)
		return 0;
	return is_attached(listing, id_key_bytes(&query->group), customer->id, ret_matches);
}

// DESIGN 1.3: attached, or of the group's own user group where that may charge.
static int read_shown(struct listing *listing, const struct listing_query *query, const struct id_key *group,
		      struct listing_shown *shown)
{
	struct record record;
	arena_reset(&listing->spelling);
	int error = listing_find(listing, OBJECT_KIND_CHARGE_GROUP, id_key_bytes(group), &listing->spelling, &record);
	if (error != 0)
		return error == -ENOENT ? -EBADMSG : error;
	const struct charge_group *stored = record.charge_group;
	struct id_key user_group;
	id_fold(ID_FOLD_PLAIN, stored->user_group, &user_group);
	bool is_shown = (stored->open_to_all_customers || stored->open_to_roaming) &&
			bytes_equal(id_key_bytes(&user_group), id_key_bytes(&query->customer_user_group));
	if (!is_shown)
		error = is_attached(listing, stored->id, id_key_bytes(&query->customer), &is_shown);
	if (error != 0)
		return error;
	*shown = (struct listing_shown){
		.snapshot = listing->snapshot,
		.group = *group,
		.is_shown = is_shown,
		.hides_home_chargers = stored->type == CHARGE_GROUP_TYPE_HOME,
	};
	return 0;
}

static int point_is_shown(struct listing *listing, const struct listing_query *query, const struct charge_point *point,
			  bool *ret_is)
{
	*ret_is = false;
	if (bytes_is_empty(point->charge_group_id))
		return 0;
	struct id_key group;
	id_fold(ID_FOLD_PLAIN, point->charge_group_id, &group);
	struct listing_shown *shown =
		&listing->shown[hash_bytes(group.data, group.size, 0) % ARRAY_SIZE(listing->shown)];
	if (shown->snapshot != listing->snapshot || !bytes_equal(id_key_bytes(&shown->group), id_key_bytes(&group))) {
		const int error = read_shown(listing, query, &group, shown);
		if (error != 0)
			return error;
	}
	*ret_is = shown->is_shown && !(shown->hides_home_chargers && point->home_charger);
	return 0;
}

int listing_relation_matches(struct listing *listing, const struct listing_query *query, const struct record *record,
			     bool *ret_matches)
{
	switch (record->kind) {
	case RECORD_CHARGE_GROUP:
		return group_matches(listing, query, record->charge_group, ret_matches);
	case RECORD_CHARGE_POINT:
		*ret_matches = is_asked_for(&query->group, record->charge_point->charge_group_id) &&
			       (!query->unattached || bytes_is_empty(record->charge_point->charge_group_id));
		return query->shown ? point_is_shown(listing, query, record->charge_point, ret_matches) : 0;
	case RECORD_CUSTOMER:
		return customer_matches(listing, query, record->customer, ret_matches);
	case RECORD_TOKEN:
		*ret_matches = is_asked_for(&query->customer, record->token->customer_id);
		return 0;
	case RECORD_MEMBERSHIP:
		*ret_matches = is_asked_for(&query->group, record->membership->charge_group_id) &&
			       is_asked_for(&query->customer, record->membership->customer_id) &&
			       is_asked_for(&query->tariff, record->membership->tariff_id);
		return 0;
	default:
		*ret_matches = true;
		return 0;
	}
}
