// SPDX-License-Identifier: Apache-2.0
#include "store/rules_impl.h"

// ---------------------------------------------------------------- EVSEs

static int add_evse(struct rules_set *set, uint32_t point, struct bytes evse_id)
{
	struct id_key key;
	struct short_id id;
	uint32_t handle;
	struct evse_record *evse;
	struct point_record *record;
	id_fold(ID_FOLD_EVSE, evse_id, &key);
	const uint32_t first_evse = image_point(set->image, point)->first_evse;
	int error = short_id_set(set->strings, evse_id, &id);
	if (error == 0)
		error = image_edit_add(set->edit, IMAGE_EVSES, &handle);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_EVSES, handle, &evse);
	if (error != 0)
		return error;
	*evse = (struct evse_record){.id = id, .point = point, .next_of_point = first_evse};
	error = image_edit_link(set->edit, IMAGE_EVSES, image_hash_key(set->image, &key), handle);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_POINTS, point, &record);
	if (error == 0)
		record->first_evse = handle;
	return error;
}

static int remove_first_evse(struct rules_set *set, uint32_t point, uint32_t handle)
{
	const struct evse_record evse = *image_evse(set->image, handle);
	struct id_key key;
	struct point_record *record;
	id_fold(ID_FOLD_EVSE, rules_text(set, &evse.id), &key);
	int error = image_edit_modify(set->edit, IMAGE_POINTS, point, &record);
	if (error != 0)
		return error;
	record->first_evse = evse.next_of_point;
	error = image_edit_unlink(set->edit, IMAGE_EVSES, image_hash_key(set->image, &key), handle);
	return error != 0 ? error : image_edit_remove(set->edit, IMAGE_EVSES, handle);
}

static int remove_evses(struct rules_set *set, uint32_t point)
{
	uint32_t evse;
	while ((evse = image_point(set->image, point)->first_evse) != 0) {
		const int error = remove_first_evse(set, point, evse);
		if (error != 0)
			return error;
	}
	return 0;
}

// DESIGN 1.1: an EVSE id belongs to one point. `own` is that point's handle, 0 for one that is not there yet.
static int check_evses_are_free(struct rules_set *set, uint32_t own, const struct charge_point *point)
{
	for (size_t i = 0; i < point->evses_count; i++) {
		const struct bytes evse_id = point->evses[i].evse_id;
		struct id_key key;
		id_fold(ID_FOLD_EVSE, evse_id, &key);
		const uint32_t evse = image_find(set->image, IMAGE_EVSES, &key);
		if (LIKELY(evse == 0 || image_evse(set->image, evse)->point == own))
			continue;
		const struct point_record *other = image_point(set->image, image_evse(set->image, evse)->point);
		const int error = store_refuse(set->fault, STATUS_FAILED_PRECONDITION, "evse_id",
					       "EVSE %.*s belongs to charge point %.*s; put that without it first",
					       BYTES_ARG(evse_id), BYTES_ARG(rules_text(set, &other->id)));
		rules_fault_prefix(set->fault, "put_charge_point.evses[%zu].", i);
		return error;
	}
	return 0;
}

// ---------------------------------------------------------------- put and delete

static int point_fill(struct rules_set *set, uint32_t handle, const struct charge_point *point)
{
	struct short_id id;
	struct short_id location_id;
	struct point_record *record;
	int error = short_id_set(set->strings, point->id, &id);
	if (error == 0)
		error = short_id_set(set->strings, point->location_id, &location_id);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_POINTS, handle, &record);
	if (error != 0)
		return error;
	record->id = id;
	record->location_id = location_id;
	record->home_charger = point->home_charger;
	error = remove_evses(set, handle);
	// Backwards, as each becomes the first of the chain.
	for (size_t i = point->evses_count; i > 0 && error == 0; i--)
		error = add_evse(set, handle, point->evses[i - 1].evse_id);
	return error;
}

// The id of the group the point is in; empty: none.
static struct bytes group_id_of(const struct rules_set *set, uint32_t point)
{
	const uint32_t group = image_point(set->image, point)->group;
	return group ? rules_text(set, &image_group(set->image, group)->id) : (struct bytes){0};
}

int rules_put_charge_point(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct charge_point *point = change->put_charge_point;
	struct rules_object object;
	rules_object_find(set, &rules_points, point->id, &object);
	int error = rules_object_expect(set, change, &object, point->id);
	if (error == 0)
		error = check_evses_are_free(set, object.handle, point);
	if (error != 0)
		return error;
	ret_result->outcome = object.handle ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_CREATED;
	if (object.handle == 0)
		error = rules_object_add(set, &object);
	if (error == 0)
		error = point_fill(set, object.handle, point);
	if (error != 0)
		return error;
	struct charge_point stored = *point;
	stored.charge_group_id = group_id_of(set, object.handle); // read only: what came in is ignored
	return rules_write_message(set, DB_POINTS, id_key_bytes(&object.key), &schema_charge_point, &stored);
}

int rules_delete_charge_point(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	struct rules_object object;
	int error = rules_object_doom(set, change, &rules_points, &object, ret_result);
	if (error != 0 || object.handle == 0)
		return error;
	if (image_point(set->image, object.handle)->group != 0) {
		error = rules_leave_group(set, object.handle);
		ret_result->detached_charge_points = 1;
	}
	if (error == 0)
		error = remove_evses(set, object.handle);
	return error != 0 ? error : rules_object_remove(set, &object);
}

// ---------------------------------------------------------------- groups

static int set_next_of_group(struct rules_set *set, uint32_t point, uint32_t next)
{
	struct point_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_POINTS, point, &record);
	if (error == 0)
		record->next_of_group = next;
	return error;
}

static int set_previous_of_group(struct rules_set *set, uint32_t point, uint32_t previous)
{
	struct point_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_POINTS, point, &record);
	if (error == 0)
		record->previous_of_group = previous;
	return error;
}

static int set_group_of_point(struct rules_set *set, uint32_t point, uint32_t group, uint32_t next)
{
	struct point_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_POINTS, point, &record);
	if (error != 0)
		return error;
	record->group = group;
	record->next_of_group = next;
	record->previous_of_group = 0;
	return 0;
}

static int join_group(struct rules_set *set, uint32_t point, uint32_t group)
{
	const uint32_t next = image_group(set->image, group)->first_point;
	struct group_record *record;
	int error = set_group_of_point(set, point, group, next);
	if (error == 0 && next != 0)
		error = set_previous_of_group(set, next, point);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_GROUPS, group, &record);
	if (error != 0)
		return error;
	record->first_point = point;
	record->points_count++;
	return rules_touch_group(set, group);
}

int rules_leave_group(struct rules_set *set, uint32_t point)
{
	const struct point_record former = *image_point(set->image, point);
	struct group_record *record;
	int error = set_group_of_point(set, point, 0, 0);
	if (error == 0 && former.next_of_group != 0)
		error = set_previous_of_group(set, former.next_of_group, former.previous_of_group);
	if (error == 0 && former.previous_of_group != 0)
		error = set_next_of_group(set, former.previous_of_group, former.next_of_group);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_GROUPS, former.group, &record);
	if (error != 0)
		return error;
	if (former.previous_of_group == 0)
		record->first_point = former.next_of_group;
	record->points_count--;
	return rules_touch_group(set, former.group);
}

int rules_write_point_group(struct rules_set *set, uint32_t point)
{
	struct id_key key;
	struct charge_point *stored;
	id_fold(ID_FOLD_PLAIN, rules_text(set, &image_point(set->image, point)->id), &key);
	const int error = rules_read_message(set, DB_POINTS, id_key_bytes(&key), &schema_charge_point, &stored);
	if (error != 0)
		return error;
	stored->charge_group_id = group_id_of(set, point);
	return rules_write_message(set, DB_POINTS, id_key_bytes(&key), &schema_charge_point, stored);
}

static int refuse_point_in_group(struct rules_set *set, uint32_t point)
{
	const struct bytes id = rules_text(set, &image_point(set->image, point)->id);
	return store_refuse(set->fault, STATUS_FAILED_PRECONDITION, "",
			    "charge point %.*s is in charge group %.*s; use move to take it out of there",
			    BYTES_ARG(id), BYTES_ARG(group_id_of(set, point)));
}

static int attach_point(struct rules_set *set, const struct attach_charge_points *attach, uint32_t group,
			struct bytes id, struct change_result *result)
{
	uint32_t point;
	int error = rules_refer(set, &rules_points, id, "", &point);
	if (error != 0)
		return error;
	const uint32_t former = image_point(set->image, point)->group;
	if (former == group)
		return rules_note_unchanged(set, result, attach->charge_point_ids_count, id);
	if (former != 0 && !attach->move)
		return refuse_point_in_group(set, point);
	if (former != 0)
		error = rules_leave_group(set, point);
	if (error == 0)
		error = join_group(set, point, group);
	result->changed++;
	return error != 0 ? error : rules_write_point_group(set, point);
}

int rules_attach_charge_points(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct attach_charge_points *attach = change->attach_charge_points;
	uint32_t group;
	int error = rules_refer(set, &rules_groups, attach->charge_group_id, "attach_charge_points.charge_group_id",
				&group);
	for (size_t i = 0; i < attach->charge_point_ids_count && error == 0; i++) {
		error = attach_point(set, attach, group, attach->charge_point_ids[i], ret_result);
		if (error != 0)
			rules_fault_prefix(set->fault, "attach_charge_points.charge_point_ids[%zu]", i);
	}
	rules_conclude_list(ret_result);
	return error;
}

// A point that is in no group, or not there at all, is detached already.
static int detach_point(struct rules_set *set, const struct detach_charge_points *detach, struct bytes id,
			struct change_result *result)
{
	struct rules_object object;
	rules_object_find(set, &rules_points, id, &object);
	if (object.handle == 0 || image_point(set->image, object.handle)->group == 0)
		return rules_note_unchanged(set, result, detach->charge_point_ids_count, id);
	result->changed++;
	const int error = rules_leave_group(set, object.handle);
	return error != 0 ? error : rules_write_point_group(set, object.handle);
}

int rules_detach_charge_points(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct detach_charge_points *detach = change->detach_charge_points;
	int error = 0;
	for (size_t i = 0; i < detach->charge_point_ids_count && error == 0; i++)
		error = detach_point(set, detach, detach->charge_point_ids[i], ret_result);
	rules_conclude_list(ret_result);
	return error;
}
