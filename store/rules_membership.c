// SPDX-License-Identifier: Apache-2.0
// "Customers and Tariffs" of a group. A membership is an object of its own: neither the group nor the customer is
// written when it changes.
#include "store/rules_impl.h"

// What the two changes that have a group, a list of customers and a tariff share.
struct customer_list {
	const char *change; // its name in the schema
	struct bytes charge_group_id;
	const struct bytes *customer_ids;
	size_t customer_ids_count;
	struct bytes tariff_id;
	// Resolved:
	uint32_t group;
	uint32_t tariff; // 0: none
};

static int refer_group(struct rules_set *set, struct customer_list *list)
{
	const int error = rules_refer(set, &rules_groups, list->charge_group_id, "charge_group_id", &list->group);
	return error != 0 ? error
			  : rules_refer_optional(set, &rules_tariffs, list->tariff_id, "tariff_id", &list->tariff);
}

typedef int customer_function(struct rules_set *set, const struct customer_list *list, struct bytes customer_id,
			      struct change_result *result);

static int for_each_customer(struct rules_set *set, struct customer_list *list, customer_function *function,
			     struct change_result *result)
{
	int error = refer_group(set, list);
	if (error != 0) {
		rules_fault_prefix(set->fault, "%s.", list->change);
		return error;
	}
	struct rules_ahead ahead;
	for (size_t i = 0; i < list->customer_ids_count; i++) {
		rules_ahead_customers(set->image, &ahead, list->group, list->customer_ids, list->customer_ids_count, i);
		error = function(set, list, list->customer_ids[i], result);
		if (error != 0) {
			rules_fault_prefix(set->fault, "%s.customer_ids[%zu]", list->change, i);
			return error;
		}
	}
	rules_conclude_list(result);
	return 0;
}

// ---------------------------------------------------------------- the record and what is written

static int write_membership(struct rules_set *set, uint32_t membership, bool is_there)
{
	const struct membership_record *record = image_membership(set->image, membership);
	const struct membership stored = {
		.charge_group_id = rules_text(set, &image_group(set->image, record->group)->id),
		.customer_id = rules_text(set, &image_customer(set->image, record->customer)->id),
		.tariff_id = record->tariff ? rules_text(set, &image_tariff(set->image, record->tariff)->id)
					    : (struct bytes){0},
	};
	struct db_key key;
	key_of_membership(stored.charge_group_id, stored.customer_id, &key);
	return is_there ? rules_write_message(set, DB_MEMBERSHIPS, db_key_bytes(&key), &schema_membership, &stored)
			: rules_write(set, DB_MEMBERSHIPS, db_key_bytes(&key), (struct bytes){0});
}

static int set_tariff(struct rules_set *set, uint32_t membership, uint32_t tariff)
{
	const uint32_t former = image_membership(set->image, membership)->tariff;
	struct membership_record *record;
	int error = image_edit_modify(set->edit, IMAGE_MEMBERSHIPS, membership, &record);
	if (error != 0)
		return error;
	record->tariff = tariff;
	error = rules_use_tariff(set, former, tariff);
	return error != 0 ? error : write_membership(set, membership, true);
}

// ---------------------------------------------------------------- chains

static int set_next_of_group(struct rules_set *set, uint32_t membership, uint32_t next)
{
	struct membership_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_MEMBERSHIPS, membership, &record);
	if (error == 0)
		record->next_of_group = next;
	return error;
}

static int set_previous_of_group(struct rules_set *set, uint32_t membership, uint32_t previous)
{
	struct membership_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_MEMBERSHIPS, membership, &record);
	if (error == 0)
		record->previous_of_group = previous;
	return error;
}

static int join_group(struct rules_set *set, uint32_t membership, uint32_t group, uint32_t next)
{
	struct group_record *record;
	int error = next != 0 ? set_previous_of_group(set, next, membership) : 0;
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_GROUPS, group, &record);
	if (error != 0)
		return error;
	record->first_membership = membership;
	record->memberships_count++;
	return 0;
}

static int leave_group(struct rules_set *set, const struct membership_record *former)
{
	struct group_record *record;
	int error = 0;
	if (former->next_of_group != 0)
		error = set_previous_of_group(set, former->next_of_group, former->previous_of_group);
	if (error == 0 && former->previous_of_group != 0)
		error = set_next_of_group(set, former->previous_of_group, former->next_of_group);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_GROUPS, former->group, &record);
	if (error != 0)
		return error;
	if (former->previous_of_group == 0)
		record->first_membership = former->next_of_group;
	record->memberships_count--;
	return rules_touch_group(set, former->group);
}

static int set_first_of_customer(struct rules_set *set, uint32_t customer, uint32_t membership)
{
	struct customer_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_CUSTOMERS, customer, &record);
	if (error == 0)
		record->first_membership = membership;
	return error;
}

static int leave_customer(struct rules_set *set, uint32_t membership)
{
	const struct membership_record *former = image_membership(set->image, membership);
	const uint32_t next = former->next_of_customer;
	uint32_t previous = image_customer(set->image, former->customer)->first_membership;
	if (previous == membership)
		return set_first_of_customer(set, former->customer, next);
	while (image_membership(set->image, previous)->next_of_customer != membership)
		previous = image_membership(set->image, previous)->next_of_customer;
	struct membership_record *record;
	const int error = image_edit_modify(set->edit, IMAGE_MEMBERSHIPS, previous, &record);
	if (error == 0)
		record->next_of_customer = next;
	return error;
}

// ---------------------------------------------------------------- add and remove

static int add_membership(struct rules_set *set, const struct customer_list *list, uint32_t customer)
{
	uint32_t handle;
	struct membership_record *record;
	const uint32_t next_of_group = image_group(set->image, list->group)->first_membership;
	const uint32_t next_of_customer = image_customer(set->image, customer)->first_membership;
	int error = image_edit_add(set->edit, IMAGE_MEMBERSHIPS, &handle);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_MEMBERSHIPS, handle, &record);
	if (error != 0)
		return error;
	*record = (struct membership_record){
		.group = list->group,
		.customer = customer,
		.tariff = list->tariff,
		.next_of_customer = next_of_customer,
		.next_of_group = next_of_group,
	};
	const uint64_t hash = image_membership_hash(set->image, list->group, customer);
	error = image_edit_link(set->edit, IMAGE_MEMBERSHIPS, hash, handle);
	if (error == 0)
		error = set_first_of_customer(set, customer, handle);
	if (error == 0)
		error = join_group(set, handle, list->group, next_of_group);
	if (error == 0)
		error = rules_use_tariff(set, 0, list->tariff);
	return error != 0 ? error : write_membership(set, handle, true);
}

int rules_remove_membership(struct rules_set *set, uint32_t membership)
{
	const struct membership_record former = *image_membership(set->image, membership);
	const uint64_t hash = image_membership_hash(set->image, former.group, former.customer);
	int error = write_membership(set, membership, false);
	if (error == 0)
		error = rules_use_tariff(set, former.tariff, 0);
	if (error == 0)
		error = leave_customer(set, membership);
	if (error == 0)
		error = leave_group(set, &former);
	if (error == 0)
		error = image_edit_unlink(set->edit, IMAGE_MEMBERSHIPS, hash, membership);
	return error != 0 ? error : image_edit_remove(set->edit, IMAGE_MEMBERSHIPS, membership);
}

// ---------------------------------------------------------------- the changes

static int attach_customer(struct rules_set *set, const struct customer_list *list, struct bytes customer_id,
			   struct change_result *result)
{
	uint32_t customer;
	const int error = rules_refer(set, &rules_customers, customer_id, "", &customer);
	if (error != 0)
		return error;
	const uint32_t membership = image_find_membership(set->image, list->group, customer);
	if (membership != 0 && (list->tariff == 0 || image_membership(set->image, membership)->tariff == list->tariff))
		return rules_note_unchanged(set, result, list->customer_ids_count, customer_id);
	result->changed++;
	return membership ? set_tariff(set, membership, list->tariff) : add_membership(set, list, customer);
}

int rules_attach_customers(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct attach_customers *attach = change->attach_customers;
	struct customer_list list = {
		.change = "attach_customers",
		.charge_group_id = attach->charge_group_id,
		.customer_ids = attach->customer_ids,
		.customer_ids_count = attach->customer_ids_count,
		.tariff_id = attach->tariff_id,
	};
	const int error = for_each_customer(set, &list, attach_customer, ret_result);
	return error != 0 ? error : rules_touch_group(set, list.group);
}

// A customer who is not attached is detached already, also one who is not there at all.
static int detach_customer(struct rules_set *set, uint32_t group, const struct detach_customers *detach,
			   struct bytes customer_id, struct change_result *result)
{
	struct rules_object customer;
	rules_object_find(set, &rules_customers, customer_id, &customer);
	const uint32_t membership =
		group && customer.handle ? image_find_membership(set->image, group, customer.handle) : 0;
	if (membership == 0)
		return rules_note_unchanged(set, result, detach->customer_ids_count, customer_id);
	result->changed++;
	return rules_remove_membership(set, membership);
}

int rules_detach_customers(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct detach_customers *detach = change->detach_customers;
	struct rules_object group;
	rules_object_find(set, &rules_groups, detach->charge_group_id, &group);
	int error = group.handle ? rules_touch_group(set, group.handle) : 0;
	for (size_t i = 0; i < detach->customer_ids_count && error == 0; i++)
		error = detach_customer(set, group.handle, detach, detach->customer_ids[i], ret_result);
	rules_conclude_list(ret_result);
	return error;
}

static int set_tariff_of_customer(struct rules_set *set, const struct customer_list *list, struct bytes customer_id,
				  struct change_result *result)
{
	uint32_t customer;
	const int error = rules_refer(set, &rules_customers, customer_id, "", &customer);
	if (error != 0)
		return error;
	const uint32_t membership = image_find_membership(set->image, list->group, customer);
	if (membership == 0)
		return store_refuse(set->fault, STATUS_FAILED_PRECONDITION, "",
				    "customer %.*s is not attached to charge group %.*s; attach the customer first",
				    BYTES_ARG(customer_id), BYTES_ARG(list->charge_group_id));
	if (image_membership(set->image, membership)->tariff == list->tariff)
		return rules_note_unchanged(set, result, list->customer_ids_count, customer_id);
	result->changed++;
	return set_tariff(set, membership, list->tariff);
}

int rules_set_customer_tariff(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct set_customer_tariff *tariff = change->set_customer_tariff;
	struct customer_list list = {
		.change = "set_customer_tariff",
		.charge_group_id = tariff->charge_group_id,
		.customer_ids = tariff->customer_ids,
		.customer_ids_count = tariff->customer_ids_count,
		.tariff_id = tariff->tariff_id,
	};
	return for_each_customer(set, &list, set_tariff_of_customer, ret_result);
}
