// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#define CALL(method, repeat, request, response)                             \
	{                                                                   \
		method, repeat, &schema_##request, &schema_##response, NULL \
	}

static const struct method_row method_rows[] = {
	CALL(METHOD_AUTHORIZE, REPEAT_FREELY, authorize_request, authorize_response),
	CALL(METHOD_AUTHORIZE_BATCH, REPEAT_FREELY, authorize_batch_request, authorize_batch_response),
	CALL(METHOD_GET_TARIFF, REPEAT_FREELY, get_tariff_request, get_tariff_response),
	CALL(METHOD_LIST_VISIBLE_CHARGE_POINTS, REPEAT_FREELY, list_visible_charge_points_request,
	     list_visible_charge_points_response),
	CALL(METHOD_LIST_PERMITTED, REPEAT_FREELY, list_permitted_request, list_permitted_response),
	CALL(METHOD_APPLY, REPEAT_WITH_KEY, change_set, apply_response),
	CALL(METHOD_GET, REPEAT_FREELY, get_request, record),
	CALL(METHOD_SEARCH, REPEAT_FREELY, search_request, search_response),
	CALL(METHOD_WATCH, REPEAT_NEVER, watch_request, event),
	{METHOD_SNAPSHOT, REPEAT_NEVER, &schema_snapshot_request, &schema_record, &schema_snapshot_end},
	CALL(METHOD_LOG, REPEAT_FREELY, log_request, log_response),
	CALL(METHOD_STATUS, REPEAT_FREELY, status_request, status_response),
	CALL(METHOD_ADOPT, REPEAT_NEVER, adopt_request, adopt_response),
	CALL(METHOD_RESTORE, REPEAT_NEVER, restore_request, restore_response),
	CALL(METHOD_FORGET_ORPHANS, REPEAT_NEVER, forget_orphans_request, forget_orphans_response),
	CALL(METHOD_CHECK, REPEAT_NEVER, check_request, check_response),
	CALL(METHOD_CLIENTS, REPEAT_FREELY, clients_request, clients_response),
	CALL(METHOD_ERASE, REPEAT_NEVER, erase_request, erase_response),
	CALL(METHOD_FIGURES, REPEAT_FREELY, figures_request, figures_response),
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

int evauth_log(struct evauth_client *client, const struct log_request *request, struct arena *arena,
	       struct log_response **ret_response)
{
	return evauth_call(client, METHOD_LOG, request, arena, ret_response);
}

int evauth_adopt(struct evauth_client *client, const struct adopt_request *request, struct arena *arena,
		 struct adopt_response **ret_response)
{
	return evauth_call(client, METHOD_ADOPT, request, arena, ret_response);
}

int evauth_restore(struct evauth_client *client, const struct restore_request *request, struct arena *arena,
		   struct restore_response **ret_response)
{
	return evauth_call(client, METHOD_RESTORE, request, arena, ret_response);
}

int evauth_forget_orphans(struct evauth_client *client, const struct forget_orphans_request *request,
			  struct arena *arena, struct forget_orphans_response **ret_response)
{
	return evauth_call(client, METHOD_FORGET_ORPHANS, request, arena, ret_response);
}

int evauth_check(struct evauth_client *client, const struct check_request *request, struct arena *arena,
		 struct check_response **ret_response)
{
	return evauth_call(client, METHOD_CHECK, request, arena, ret_response);
}

int evauth_erase(struct evauth_client *client, const struct erase_request *request, struct arena *arena,
		 struct erase_response **ret_response)
{
	return evauth_call(client, METHOD_ERASE, request, arena, ret_response);
}

int evauth_figures(struct evauth_client *client, struct arena *arena, struct figures_response **ret_response)
{
	return evauth_call(client, METHOD_FIGURES, &(struct figures_request){0}, arena, ret_response);
}

int evauth_clients(struct evauth_client *client, const struct clients_request *request, struct arena *arena,
		   struct clients_response **ret_response)
{
	return evauth_call(client, METHOD_CLIENTS, request, arena, ret_response);
}
