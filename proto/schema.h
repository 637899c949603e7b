// SPDX-License-Identifier: Apache-2.0
// Names every message type that can be decoded, encoded or turned into JSON. Opaque: schema.c holds the rows.
#pragma once

struct schema;

extern const struct schema schema_tariff, schema_charge_group, schema_charge_point, schema_customer, schema_token,
	schema_membership, schema_record, schema_change, schema_change_set, schema_apply_response, schema_error,
	schema_authorize_request, schema_authorize_response, schema_authorize_batch_request,
	schema_authorize_batch_response, schema_get_tariff_request, schema_get_tariff_response,
	schema_list_visible_charge_points_request, schema_list_visible_charge_points_response,
	schema_list_permitted_request, schema_list_permitted_response, schema_search_request, schema_search_response,
	schema_get_request, schema_watch_request, schema_event, schema_snapshot_request, schema_status_request,
	schema_status_response, schema_snapshot_end, schema_log_request, schema_log_response, schema_log_body,
	schema_adopt_request, schema_adopt_response, schema_restore_request, schema_restore_response,
	schema_forget_orphans_request, schema_forget_orphans_response, schema_check_request, schema_check_response,
	schema_erase_request, schema_erase_response, schema_figures_request, schema_figures_response,
	schema_clients_request, schema_clients_response;
