// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

static const struct method_row method_rows[] = {
	{METHOD_AUTHORIZE, &schema_authorize_request, &schema_authorize_response, false},
	{METHOD_AUTHORIZE_BATCH, &schema_authorize_batch_request, &schema_authorize_batch_response, false},
	{METHOD_GET_TARIFF, &schema_get_tariff_request, &schema_get_tariff_response, false},
	{METHOD_LIST_VISIBLE_CHARGE_POINTS, &schema_list_visible_charge_points_request,
	 &schema_list_visible_charge_points_response, false},
	{METHOD_LIST_PERMITTED, &schema_list_permitted_request, &schema_list_permitted_response, false},
	{METHOD_APPLY, &schema_change_set, &schema_apply_response, true},
	{METHOD_GET, &schema_get_request, &schema_record, false},
	{METHOD_SEARCH, &schema_search_request, &schema_search_response, false},
	{METHOD_WATCH, &schema_watch_request, &schema_event, false},
	{METHOD_SNAPSHOT, &schema_snapshot_request, &schema_record, false},
	{METHOD_STATUS, &schema_status_request, &schema_status_response, false},
};

const struct method_row *method_find(enum method method)
{
	for (size_t i = 0; i < ARRAY_SIZE(method_rows); i++) {
		if (method_rows[i].method == method)
			return &method_rows[i];
	}
	return NULL;
}

int evauth_authorize(struct evauth_client *client, const struct authorize_request *request, struct arena *arena,
		     struct authorize_response **ret_response)
{
	return evauth_call(client, METHOD_AUTHORIZE, request, arena, ret_response);
}

int evauth_authorize_batch(struct evauth_client *client, const struct authorize_batch_request *request,
			   struct arena *arena, struct authorize_batch_response **ret_response)
{
	return evauth_call(client, METHOD_AUTHORIZE_BATCH, request, arena, ret_response);
}

int evauth_get_tariff(struct evauth_client *client, const struct get_tariff_request *request, struct arena *arena,
		      struct get_tariff_response **ret_response)
{
	return evauth_call(client, METHOD_GET_TARIFF, request, arena, ret_response);
}

int evauth_list_visible_charge_points(struct evauth_client *client,
				      const struct list_visible_charge_points_request *request, struct arena *arena,
				      struct list_visible_charge_points_response **ret_response)
{
	return evauth_call(client, METHOD_LIST_VISIBLE_CHARGE_POINTS, request, arena, ret_response);
}

int evauth_list_permitted(struct evauth_client *client, const struct list_permitted_request *request,
			  struct arena *arena, struct list_permitted_response **ret_response)
{
	return evauth_call(client, METHOD_LIST_PERMITTED, request, arena, ret_response);
}

int evauth_apply(struct evauth_client *client, const struct change_set *request, struct arena *arena,
		 struct apply_response **ret_response)
{
	return evauth_call(client, METHOD_APPLY, request, arena, ret_response);
}

int evauth_get(struct evauth_client *client, const struct get_request *request, struct arena *arena,
	       struct record **ret_response)
{
	return evauth_call(client, METHOD_GET, request, arena, ret_response);
}

int evauth_search(struct evauth_client *client, const struct search_request *request, struct arena *arena,
		  struct search_response **ret_response)
{
	return evauth_call(client, METHOD_SEARCH, request, arena, ret_response);
}

int evauth_status(struct evauth_client *client, struct arena *arena, struct status_response **ret_response)
{
	return evauth_call(client, METHOD_STATUS, &(struct status_request){0}, arena, ret_response);
}
