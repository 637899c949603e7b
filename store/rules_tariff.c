// SPDX-License-Identifier: Apache-2.0
#include "store/rules_impl.h"

int rules_put_tariff(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct tariff *tariff = change->put_tariff;
	struct rules_object object;
	rules_object_find(set, &rules_tariffs, tariff->id, &object);
	int error = rules_object_expect(set, change, &object, tariff->id);
	if (error != 0)
		return error;
	ret_result->outcome = object.handle ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_CREATED;

	struct short_id id;
	struct bytes body;
	struct tariff_record *record;
	error = short_id_set(set->strings, tariff->id, &id);
	if (error == 0)
		error = rules_encode(set, &schema_tariff, tariff, &body);
	if (error == 0 && object.handle == 0)
		error = rules_object_add(set, &object);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_TARIFFS, object.handle, &record);
	if (error != 0)
		return error;
	record->id = id;
	error = image_edit_set_tariff_body(set->edit, object.handle, body);
	return error != 0 ? error : rules_write(set, DB_TARIFFS, id_key_bytes(&object.key), body);
}

static int change_uses(struct rules_set *set, uint32_t tariff, uint32_t by)
{
	struct tariff_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_TARIFFS, tariff, &record);
	if (error == 0)
		record->uses += by;
	return error;
}

int rules_use_tariff(struct rules_set *set, uint32_t former, uint32_t tariff)
{
	if (former == tariff)
		return 0;
	const int error = former != 0 ? change_uses(set, former, UINT32_MAX) : 0;
	return error == 0 && tariff != 0 ? change_uses(set, tariff, 1) : error;
}

// ---------------------------------------------------------------- who uses a tariff

static uint32_t find_group_with(const struct image *image, uint32_t tariff)
{
	const struct table *table = &image->tables[IMAGE_GROUPS];
	for (uint32_t i = 0; i < table->slots_count; i++) {
		const uint32_t handle = table_at(table, i)->handle;
		if (handle == 0)
			continue;
		const struct group_record *group = image_group(image, handle);
		if (group->tariff == tariff || group->prepaid_tariff == tariff)
			return handle;
	}
	return 0;
}

static uint32_t find_membership_with(const struct image *image, uint32_t tariff)
{
	const struct table *table = &image->tables[IMAGE_MEMBERSHIPS];
	for (uint32_t i = 0; i < table->slots_count; i++) {
		const uint32_t handle = table_at(table, i)->handle;
		if (handle != 0 && image_membership(image, handle)->tariff == tariff)
			return handle;
	}
	return 0;
}

// Looks through everything, but only to tell somebody who is refused where to go next.
static int refuse_tariff_in_use(struct rules_set *set, uint32_t tariff, struct bytes id)
{
	const struct image *image = set->image;
	static const char field[] = "delete_tariff.id";
	const uint32_t group = find_group_with(image, tariff);
	if (group != 0) {
		const bool is_tariff = image_group(image, group)->tariff == tariff;
		return store_refuse(set->fault, STATUS_FAILED_PRECONDITION, field,
				    "tariff %.*s is the %s of charge group %.*s; give that another one first",
				    BYTES_ARG(id), is_tariff ? "tariff" : "prepaid tariff",
				    BYTES_ARG(rules_text(set, &image_group(image, group)->id)));
	}
	const struct membership_record *membership = image_membership(image, find_membership_with(image, tariff));
	const struct bytes group_id = rules_text(set, &image_group(image, membership->group)->id);
	const struct bytes customer_id = rules_text(set, &image_customer(image, membership->customer)->id);
	return store_refuse(set->fault, STATUS_FAILED_PRECONDITION, field,
			    "tariff %.*s is the tariff of customer %.*s in charge group %.*s; set another one first",
			    BYTES_ARG(id), BYTES_ARG(customer_id), BYTES_ARG(group_id));
}

int rules_delete_tariff(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	struct rules_object object;
	const int error = rules_object_doom(set, change, &rules_tariffs, &object, ret_result);
	if (error != 0 || object.handle == 0)
		return error;
	if (image_tariff(set->image, object.handle)->uses > 0)
		return refuse_tariff_in_use(set, object.handle, change->delete_object->id);
	return rules_object_remove(set, &object);
}
