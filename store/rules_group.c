// SPDX-License-Identifier: Apache-2.0
#include "store/image_fields.h"
#include "store/rules_impl.h"

#include <errno.h>
#include <stdlib.h>

// The record a ChargeGroup becomes, but for its chains.
static int group_fields(struct rules_set *set, const struct charge_group *group, struct group_record *ret_fields)
{
	struct group_record fields = {
		.type = (uint8_t)group->type,
		.flags = group_flags_of(group),
	};
	int error = rules_refer(set, &rules_tariffs, group->tariff_id, "put_charge_group.tariff_id", &fields.tariff);
	if (error == 0)
		error = rules_refer_optional(set, &rules_tariffs, group->prepaid_tariff_id,
					     "put_charge_group.prepaid_tariff_id", &fields.prepaid_tariff);
	if (error == 0)
		error = short_id_set(set->strings, group->id, &fields.id);
	if (error == 0)
		error = folded_intern(set->strings, group->user_group, &fields.user_group);
	if (error == 0)
		*ret_fields = fields;
	return error;
}

static int group_fill(struct rules_set *set, uint32_t handle, const struct group_record *fields)
{
	const struct group_record former = *image_group(set->image, handle);
	struct group_record *record;
	int error = image_edit_modify(set->edit, IMAGE_GROUPS, handle, &record);
	if (error != 0)
		return error;
	record->id = fields->id;
	record->tariff = fields->tariff;
	record->prepaid_tariff = fields->prepaid_tariff;
	record->user_group = fields->user_group;
	record->type = fields->type;
	record->flags = fields->flags;
	error = rules_use_tariff(set, former.tariff, fields->tariff);
	return error != 0 ? error : rules_use_tariff(set, former.prepaid_tariff, fields->prepaid_tariff);
}

int rules_put_charge_group(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct charge_group *group = change->put_charge_group;
	struct rules_object object;
	struct group_record fields;
	rules_object_find(set, &rules_groups, group->id, &object);
	int error = rules_object_expect(set, change, &object, group->id);
	if (error == 0)
		error = group_fields(set, group, &fields);
	if (error != 0)
		return error;
	ret_result->outcome = object.handle ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_CREATED;
	if (object.handle == 0)
		error = rules_object_add(set, &object);
	if (error == 0)
		error = group_fill(set, object.handle, &fields);
	if (error == 0)
		error = rules_touch_group(set, object.handle);
	return error != 0 ? error
			  : rules_write_message(set, DB_GROUPS, id_key_bytes(&object.key), &schema_charge_group, group);
}

// ---------------------------------------------------------------- delete

static int detach_all_points(struct rules_set *set, uint32_t group, struct change_result *result)
{
	uint32_t point;
	while ((point = image_group(set->image, group)->first_point) != 0) {
		int error = rules_leave_group(set, point);
		if (error == 0)
			error = rules_write_point_group(set, point);
		if (error != 0)
			return error;
		result->detached_charge_points++;
	}
	return 0;
}

static int detach_all_customers(struct rules_set *set, uint32_t group, struct change_result *result)
{
	uint32_t membership;
	while ((membership = image_group(set->image, group)->first_membership) != 0) {
		const int error = rules_remove_membership(set, membership);
		if (error != 0)
			return error;
		result->detached_customers++;
	}
	return 0;
}

int rules_delete_charge_group(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	struct rules_object object;
	int error = rules_object_doom(set, change, &rules_groups, &object, ret_result);
	if (error != 0 || object.handle == 0)
		return error;
	error = detach_all_points(set, object.handle, ret_result);
	if (error == 0)
		error = detach_all_customers(set, object.handle, ret_result);
	if (error == 0)
		error = rules_use_tariff(set, image_group(set->image, object.handle)->tariff, 0);
	if (error == 0)
		error = rules_use_tariff(set, image_group(set->image, object.handle)->prepaid_tariff, 0);
	if (error == 0)
		error = rules_object_remove(set, &object);
	set->last_group = 0; // its handle may name another group soon
	return error;
}

// ---------------------------------------------------------------- groups where nobody can charge any more

static int grow_groups(struct rules_set *set)
{
	const size_t limit = set->groups_limit ? set->groups_limit * 2 : 8;
	struct bytes *groups = arena_alloc(set->commit->response_arena, limit * sizeof(*groups));
	if (groups == NULL)
		return -ENOMEM;
	if (set->groups_count > 0)
		memcpy(groups, set->groups, set->groups_count * sizeof(*groups));
	set->groups = groups;
	set->groups_limit = limit;
	return 0;
}

int rules_touch_group(struct rules_set *set, uint32_t group)
{
	if (set->last_group == group)
		return 0;
	if (set->groups_count == set->groups_limit && grow_groups(set) != 0)
		return -ENOMEM;
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, rules_text(set, &image_group(set->image, group)->id), &key);
	const struct bytes copy = arena_copy(set->commit->response_arena, id_key_bytes(&key));
	if (copy.data == NULL)
		return -ENOMEM;
	set->groups[set->groups_count++] = copy;
	set->last_group = group;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

// The group, if it is still there and nobody can charge in it; else 0.
static uint32_t find_closed_group(const struct image *image, struct bytes id)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, id, &key);
	const uint32_t handle = image_find(image, IMAGE_GROUPS, &key);
	if (handle == 0)
		return 0;
	const struct group_record *group = image_group(image, handle);
	const bool open = group->flags & (GROUP_OPEN_TO_ALL_CUSTOMERS | GROUP_OPEN_TO_ROAMING);
	return open || group->memberships_count > 0 ? 0 : handle;
}

// A group is looked up again by its id: since it was touched it may have been deleted, and put again.
int rules_closed_groups(struct rules_set *set, struct apply_response *response)
{
	if (set->groups_count == 0)
		return 0;
	qsort(set->groups, set->groups_count, sizeof(*set->groups), compare_keys);
	struct bytes former = {0};
	size_t closed = 0;
	for (size_t i = 0; i < set->groups_count; i++) {
		const struct bytes key = set->groups[i];
		const uint32_t group = bytes_equal(key, former) ? 0 : find_closed_group(set->image, key);
		former = key;
		if (group == 0)
			continue;
		const struct bytes id = rules_text(set, &image_group(set->image, group)->id);
		const struct bytes copy = arena_copy(set->commit->response_arena, id);
		if (copy.data == NULL)
			return -ENOMEM;
		set->groups[closed++] = copy;
	}
	response->closed_charge_group_ids = set->groups;
	response->closed_charge_group_ids_count = closed;
	return 0;
}
