// SPDX-License-Identifier: Apache-2.0
#include "store/image_fields.h"
#include "store/rules_impl.h"

static int customer_fill(struct rules_set *set, uint32_t handle, const struct customer *customer)
{
	struct short_id id;
	uint32_t user_group;
	struct customer_record *record;
	int error = short_id_set(set->strings, customer->id, &id);
	if (error == 0)
		error = folded_intern(set->strings, customer->user_group, &user_group);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_CUSTOMERS, handle, &record);
	if (error != 0)
		return error;
	record->id = id;
	record->user_group = user_group;
	record->flags = customer_flags_of(customer);
	return 0;
}

int rules_put_customer(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct customer *customer = change->put_customer;
	struct rules_object object;
	rules_object_find(set, &rules_customers, customer->id, &object);
	int error = rules_object_expect(set, change, &object, customer->id);
	if (error != 0)
		return error;
	ret_result->outcome = object.handle ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_CREATED;
	if (object.handle == 0)
		error = rules_object_add(set, &object);
	if (error == 0)
		error = customer_fill(set, object.handle, customer);
	return error != 0
		       ? error
		       : rules_write_message(set, DB_CUSTOMERS, id_key_bytes(&object.key), &schema_customer, customer);
}

// The right to erasure (DESIGN 1.4): nothing that names the customer stays.
static int erase_relations(struct rules_set *set, uint32_t customer, struct change_result *result)
{
	uint32_t membership, token;
	while ((membership = image_customer(set->image, customer)->first_membership) != 0) {
		const int error = rules_remove_membership(set, membership);
		if (error != 0)
			return error;
		result->detached_customers++;
	}
	while ((token = image_customer(set->image, customer)->first_token) != 0) {
		const int error = rules_remove_token(set, token);
		if (error != 0)
			return error;
		result->deleted_tokens++;
	}
	return 0;
}

int rules_delete_customer(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	struct rules_object object;
	int error = rules_object_doom(set, change, &rules_customers, &object, ret_result);
	if (error != 0 || object.handle == 0)
		return error;
	error = erase_relations(set, object.handle, ret_result);
	return error != 0 ? error : rules_object_remove(set, &object);
}
