// SPDX-License-Identifier: Apache-2.0
#include "bench/propagation_objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

int propagation_objects_init(struct propagation_objects *objects)
{
	uint64_t number;
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -errno;
	snprintf(objects->id, sizeof(objects->id), "bench-propagation-%016" PRIx64, number);
	return 0;
}

static int apply(struct change *changes, size_t count, struct evauth_client *client, struct arena *arena,
		 uint64_t *ret_revision)
{
	const struct change_set set = {
		.changes = changes, .changes_count = count, .actor = BYTES_LITERAL("evauth-bench")};
	struct apply_response *response;
	const int error = evauth_apply(client, &set, arena, &response);
	if (error < 0)
		return error;
	*ret_revision = response->revision;
	return 0;
}

int propagation_objects_make(const struct propagation_objects *objects, struct evauth_client *client,
			     struct arena *arena, uint64_t *ret_revision)
{
	struct bytes id = bytes_from(objects->id);
	struct decimal price = {.units = 25, .scale = 2};
	struct price_component component = {.type = TARIFF_DIMENSION_TYPE_ENERGY, .step_size = 1, .price = &price};
	struct tariff_element element = {.price_components = &component, .price_components_count = 1};
	struct tariff tariff = {.id = id, .currency = BYTES_LITERAL("EUR"), .elements = &element, .elements_count = 1};
	struct charge_group group = {.id = id, .type = CHARGE_GROUP_TYPE_OTHER, .tariff_id = id};
	struct charge_point point = {.id = id};
	struct customer customer = {.id = id};
	struct token token = {.uid = id, .type = TOKEN_TYPE_OTHER, .customer_id = id};
	struct attach_charge_points points = {
		.charge_group_id = id, .charge_point_ids = &id, .charge_point_ids_count = 1};
	struct attach_customers customers = {.charge_group_id = id, .customer_ids = &id, .customer_ids_count = 1};
	struct change changes[] = {
		{.kind = CHANGE_PUT_TARIFF, .create_only = true, .put_tariff = &tariff},
		{.kind = CHANGE_PUT_CHARGE_GROUP, .create_only = true, .put_charge_group = &group},
		{.kind = CHANGE_PUT_CHARGE_POINT, .create_only = true, .put_charge_point = &point},
		{.kind = CHANGE_PUT_CUSTOMER, .create_only = true, .put_customer = &customer},
		{.kind = CHANGE_PUT_TOKEN, .create_only = true, .put_token = &token},
		{.kind = CHANGE_ATTACH_CHARGE_POINTS, .attach_charge_points = &points},
		{.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &customers},
	};
	return apply(changes, ARRAY_SIZE(changes), client, arena, ret_revision);
}

int propagation_objects_block(const struct propagation_objects *objects, bool blocked, struct evauth_client *client,
			      struct arena *arena, uint64_t *ret_revision)
{
	const struct bytes id = bytes_from(objects->id);
	struct token token = {.uid = id, .type = TOKEN_TYPE_OTHER, .customer_id = id, .blocked = blocked};
	struct change change = {.kind = CHANGE_PUT_TOKEN, .put_token = &token};
	return apply(&change, 1, client, arena, ret_revision);
}

int propagation_objects_remove(const struct propagation_objects *objects, struct evauth_client *client,
			       struct arena *arena)
{
	struct delete_object object = {.id = bytes_from(objects->id)};
	// The customer's token and membership go with the customer; the tariff last, because the group uses it.
	struct change changes[] = {
		{.kind = CHANGE_DELETE_CUSTOMER, .delete_object = &object},
		{.kind = CHANGE_DELETE_CHARGE_GROUP, .delete_object = &object},
		{.kind = CHANGE_DELETE_CHARGE_POINT, .delete_object = &object},
		{.kind = CHANGE_DELETE_TARIFF, .delete_object = &object},
	};
	uint64_t revision;
	return apply(changes, ARRAY_SIZE(changes), client, arena, &revision);
}

struct authorize_request propagation_objects_question(const struct propagation_objects *objects)
{
	const struct bytes id = bytes_from(objects->id);
	return (struct authorize_request){.token_uid = id, .token_type = TOKEN_TYPE_OTHER, .charge_point_id = id};
}
