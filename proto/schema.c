// SPDX-License-Identifier: Apache-2.0
#include "proto/evauth.pb-c.h"
#include "proto/limits.h"
#include "proto/schema_impl.h"

// The kind comes from the C type of the member, and the sub schema must be that of the struct it points to: a row that
// does not fit messages.h does not compile. (An enum of C is an unsigned int.) That rows fit evauth.proto, a test says.
// clang-format off
#define MEMBER(type, member) (((struct type *)NULL)->member)
#define KIND_OF(value) _Generic((value), struct bytes: SCHEMA_STRING, bool: SCHEMA_BOOL, uint32_t: SCHEMA_WORD, \
	int64_t: SCHEMA_INT64, uint64_t: SCHEMA_UINT64)
#define SCHEMA_OF(type, member, sub_type, sub_schema) \
	_Generic(MEMBER(type, member), struct sub_type *: sub_schema)
#define SCALAR_AT(type, member) \
	.name = #member, .offset = offsetof(struct type, member), .kind = KIND_OF(MEMBER(type, member))
#define MESSAGE_AT(type, member) .offset = offsetof(struct type, member), .kind = SCHEMA_MESSAGE
#define LIST_OF(type, member, max) \
	.name = #member, .count_offset = offsetof(struct type, member##_count), .is_list = true, .count_max = (max)

#define FIELD(type, member) {SCALAR_AT(type, member)}
#define TIME(type, member) {SCALAR_AT(type, member), .is_time = true}
#define LIST(type, member, max) \
	{LIST_OF(type, member, max), .offset = offsetof(struct type, member), .kind = KIND_OF(*MEMBER(type, member))}
#define SUB_OF(type, member, sub_type, sub_schema) \
	{.name = #member, MESSAGE_AT(type, member), .sub = SCHEMA_OF(type, member, sub_type, sub_schema)}
#define SUB(type, member, sub_type) SUB_OF(type, member, sub_type, &schema_##sub_type)
#define SUB_LIST(type, member, sub_type, max) \
	{LIST_OF(type, member, max), MESSAGE_AT(type, member), \
	 .sub = SCHEMA_OF(type, member, sub_type, &schema_##sub_type)}
// `field` is the name in evauth.proto, `member` the union's pointer of the right type.
#define ONEOF(type, field, member, sub_type) \
	{.name = #field, MESSAGE_AT(type, member), .sub = SCHEMA_OF(type, member, sub_type, &schema_##sub_type)}
#define ROWS(type, pb_name) \
	.descriptor = &evauth__v1__##pb_name##__descriptor, .fields = type##_fields, \
	.fields_count = ARRAY_SIZE(type##_fields), .size = sizeof(struct type)

static const struct schema_field decimal_fields[] = {
	FIELD(decimal, units),
	FIELD(decimal, scale),
};
const struct schema schema_decimal = {ROWS(decimal, decimal), .is_decimal = true};

static const struct schema_field issuer_fields[] = {
	FIELD(issuer, country_code),
	FIELD(issuer, party_id),
};
const struct schema schema_issuer = {ROWS(issuer, issuer)};

static const struct schema_field display_text_fields[] = {
	FIELD(display_text, language),
	FIELD(display_text, text),
};
const struct schema schema_display_text = {ROWS(display_text, display_text)};

static const struct schema_field price_fields[] = {
	SUB(price, excl_vat, decimal),
	SUB(price, incl_vat, decimal),
};
const struct schema schema_price = {ROWS(price, price)};

static const struct schema_field price_component_fields[] = {
	FIELD(price_component, type),
	SUB(price_component, price, decimal),
	SUB(price_component, vat, decimal),
	FIELD(price_component, step_size),
};
const struct schema schema_price_component = {ROWS(price_component, price_component)};

static const struct schema_field tariff_restrictions_fields[] = {
	FIELD(tariff_restrictions, start_time),          FIELD(tariff_restrictions, end_time),
	FIELD(tariff_restrictions, start_date),          FIELD(tariff_restrictions, end_date),
	SUB(tariff_restrictions, min_kwh, decimal),      SUB(tariff_restrictions, max_kwh, decimal),
	SUB(tariff_restrictions, min_current, decimal),  SUB(tariff_restrictions, max_current, decimal),
	SUB(tariff_restrictions, min_power, decimal),    SUB(tariff_restrictions, max_power, decimal),
	SUB(tariff_restrictions, min_duration, decimal), SUB(tariff_restrictions, max_duration, decimal),
	LIST(tariff_restrictions, day_of_week, 0),       FIELD(tariff_restrictions, reservation),
};
const struct schema schema_tariff_restrictions = {ROWS(tariff_restrictions, tariff_restrictions)};

static const struct schema_field tariff_element_fields[] = {
	SUB_LIST(tariff_element, price_components, price_component, PRICE_COMPONENTS_MAX),
	SUB(tariff_element, restrictions, tariff_restrictions),
};
const struct schema schema_tariff_element = {ROWS(tariff_element, tariff_element)};

static const struct schema_field energy_source_fields[] = {
	FIELD(energy_source, source),
	SUB(energy_source, percentage, decimal),
};
const struct schema schema_energy_source = {ROWS(energy_source, energy_source)};

static const struct schema_field environmental_impact_fields[] = {
	FIELD(environmental_impact, category),
	SUB(environmental_impact, amount, decimal),
};
const struct schema schema_environmental_impact = {ROWS(environmental_impact, environmental_impact)};

static const struct schema_field energy_mix_fields[] = {
	FIELD(energy_mix, is_green_energy),
	SUB_LIST(energy_mix, energy_sources, energy_source, 0),
	SUB_LIST(energy_mix, environ_impact, environmental_impact, 0),
	FIELD(energy_mix, supplier_name),
	FIELD(energy_mix, energy_product_name),
};
const struct schema schema_energy_mix = {ROWS(energy_mix, energy_mix)};

static const struct schema_field tariff_fields[] = {
	FIELD(tariff, id),
	FIELD(tariff, currency),
	FIELD(tariff, type),
	SUB_LIST(tariff, elements, tariff_element, TARIFF_ELEMENTS_MAX),
	SUB(tariff, min_price, price),
	SUB(tariff, max_price, price),
	FIELD(tariff, start_date_time),
	FIELD(tariff, end_date_time),
	SUB_LIST(tariff, tariff_alt_text, display_text, 0),
	FIELD(tariff, tariff_alt_url),
	SUB(tariff, energy_mix, energy_mix),
	FIELD(tariff, country_code),
	FIELD(tariff, party_id),
	FIELD(tariff, last_updated),
};
const struct schema schema_tariff = {ROWS(tariff, tariff)};

static const struct schema_field charge_group_fields[] = {
	FIELD(charge_group, id),
	FIELD(charge_group, name),
	FIELD(charge_group, additional_information),
	FIELD(charge_group, type),
	FIELD(charge_group, tariff_id),
	FIELD(charge_group, prepaid_tariff_id),
	FIELD(charge_group, open_to_all_customers),
	FIELD(charge_group, open_to_roaming),
	FIELD(charge_group, user_group),
};
const struct schema schema_charge_group = {ROWS(charge_group, charge_group)};

static const struct schema_field evse_fields[] = {
	FIELD(evse, evse_id),
	FIELD(evse, connector_type),
};
const struct schema schema_evse = {ROWS(evse, evse)};

static const struct schema_field charge_point_fields[] = {
	FIELD(charge_point, id),           FIELD(charge_point, location_id),
	FIELD(charge_point, home_charger), SUB_LIST(charge_point, evses, evse, EVSES_PER_POINT_MAX),
	FIELD(charge_point, time_zone),    FIELD(charge_point, charge_group_id),
};
const struct schema schema_charge_point = {ROWS(charge_point, charge_point)};

static const struct schema_field customer_fields[] = {
	FIELD(customer, id),      FIELD(customer, name),    FIELD(customer, user_group),
	FIELD(customer, payment), FIELD(customer, blocked), FIELD(customer, no_credit),
};
const struct schema schema_customer = {ROWS(customer, customer)};

static const struct schema_field token_fields[] = {
	FIELD(token, uid),          FIELD(token, type),        FIELD(token, customer_id),
	SUB(token, issuer, issuer), FIELD(token, contract_id), FIELD(token, visual_number),
	FIELD(token, parent_id),    FIELD(token, blocked),     TIME(token, valid_from),
	TIME(token, valid_until),   FIELD(token, whitelist),   FIELD(token, roaming_allowed),
};
const struct schema schema_token = {ROWS(token, token)};

static const struct schema_field membership_fields[] = {
	FIELD(membership, charge_group_id),
	FIELD(membership, customer_id),
	FIELD(membership, tariff_id),
};
const struct schema schema_membership = {ROWS(membership, membership)};

static const struct schema_field record_fields[] = {
	FIELD(record, modified_revision),
	ONEOF(record, tariff, tariff, tariff),
	ONEOF(record, charge_group, charge_group, charge_group),
	ONEOF(record, charge_point, charge_point, charge_point),
	ONEOF(record, customer, customer, customer),
	ONEOF(record, token, token, token),
	ONEOF(record, membership, membership, membership),
	ONEOF(record, remembered, remembered, remembered),
};
const struct schema schema_record = {
	ROWS(record, record),
	.oneof = {.first = 1, .count = 7, .kind_offset = offsetof(struct record, kind)},
};

static const struct schema_field delete_object_fields[] = {
	FIELD(delete_object, id),
};
const struct schema schema_delete_object = {ROWS(delete_object, delete_object)};

static const struct schema_field delete_token_fields[] = {
	FIELD(delete_token, uid),
	FIELD(delete_token, type),
	SUB(delete_token, issuer, issuer),
};
const struct schema schema_delete_token = {ROWS(delete_token, delete_token)};

static const struct schema_field attach_charge_points_fields[] = {
	FIELD(attach_charge_points, charge_group_id),
	LIST(attach_charge_points, charge_point_ids, IDS_PER_CHANGE_MAX),
	FIELD(attach_charge_points, move),
};
const struct schema schema_attach_charge_points = {ROWS(attach_charge_points, attach_charge_points)};

static const struct schema_field detach_charge_points_fields[] = {
	LIST(detach_charge_points, charge_point_ids, IDS_PER_CHANGE_MAX),
};
const struct schema schema_detach_charge_points = {ROWS(detach_charge_points, detach_charge_points)};

static const struct schema_field attach_customers_fields[] = {
	FIELD(attach_customers, charge_group_id),
	LIST(attach_customers, customer_ids, IDS_PER_CHANGE_MAX),
	FIELD(attach_customers, tariff_id),
};
const struct schema schema_attach_customers = {ROWS(attach_customers, attach_customers)};

static const struct schema_field detach_customers_fields[] = {
	FIELD(detach_customers, charge_group_id),
	LIST(detach_customers, customer_ids, IDS_PER_CHANGE_MAX),
};
const struct schema schema_detach_customers = {ROWS(detach_customers, detach_customers)};

static const struct schema_field set_customer_tariff_fields[] = {
	FIELD(set_customer_tariff, charge_group_id),
	LIST(set_customer_tariff, customer_ids, IDS_PER_CHANGE_MAX),
	FIELD(set_customer_tariff, tariff_id),
};
const struct schema schema_set_customer_tariff = {ROWS(set_customer_tariff, set_customer_tariff)};

static const struct schema_field change_fields[] = {
	ONEOF(change, put_tariff, put_tariff, tariff),
	ONEOF(change, delete_tariff, delete_object, delete_object),
	ONEOF(change, put_charge_group, put_charge_group, charge_group),
	ONEOF(change, delete_charge_group, delete_object, delete_object),
	ONEOF(change, put_charge_point, put_charge_point, charge_point),
	ONEOF(change, delete_charge_point, delete_object, delete_object),
	ONEOF(change, put_customer, put_customer, customer),
	ONEOF(change, delete_customer, delete_object, delete_object),
	ONEOF(change, put_token, put_token, token),
	ONEOF(change, delete_token, delete_token, delete_token),
	ONEOF(change, attach_charge_points, attach_charge_points, attach_charge_points),
	ONEOF(change, detach_charge_points, detach_charge_points, detach_charge_points),
	ONEOF(change, attach_customers, attach_customers, attach_customers),
	ONEOF(change, detach_customers, detach_customers, detach_customers),
	ONEOF(change, set_customer_tariff, set_customer_tariff, set_customer_tariff),
	FIELD(change, expected_object_revision),
	FIELD(change, create_only),
};
const struct schema schema_change = {
	ROWS(change, change),
	.oneof = {.first = 0, .count = 15, .kind_offset = offsetof(struct change, kind)},
};

static const struct schema_field change_set_fields[] = {
	SUB_LIST(change_set, changes, change, CHANGES_PER_SET_MAX),
	FIELD(change_set, expected_revision),
	FIELD(change_set, actor),
	FIELD(change_set, idempotency_key),
	FIELD(change_set, dry_run),
	FIELD(change_set, timeout_ms),
};
const struct schema schema_change_set = {ROWS(change_set, change_set)};

static const struct schema_field change_result_fields[] = {
	FIELD(change_result, outcome),
	FIELD(change_result, changed),
	LIST(change_result, unchanged_ids, IDS_PER_CHANGE_MAX),
	FIELD(change_result, detached_charge_points),
	FIELD(change_result, detached_customers),
	FIELD(change_result, deleted_tokens),
};
const struct schema schema_change_result = {ROWS(change_result, change_result)};

static const struct schema_field apply_response_fields[] = {
	FIELD(apply_response, revision),
	SUB_LIST(apply_response, results, change_result, CHANGES_PER_SET_MAX),
	LIST(apply_response, closed_charge_group_ids, 0),
	FIELD(apply_response, replayed),
};
const struct schema schema_apply_response = {ROWS(apply_response, apply_response)};

static const struct schema_field remembered_fields[] = {
	FIELD(remembered, actor),
	FIELD(remembered, idempotency_key),
	FIELD(remembered, time),
	FIELD(remembered, changes_hash),
	FIELD(remembered, number),
	SUB(remembered, response, apply_response),
};
const struct schema schema_remembered = {ROWS(remembered, remembered)};

static const struct schema_field error_message_fields[] = {
	FIELD(error_message, code),          FIELD(error_message, message),        FIELD(error_message, field),
	FIELD(error_message, change_number), FIELD(error_message, retry_after_ms),
};
const struct schema schema_error = {ROWS(error_message, error)};

static const struct schema_field authorize_request_fields[] = {
	FIELD(authorize_request, token_uid),    FIELD(authorize_request, token_type),
	SUB(authorize_request, issuer, issuer), FIELD(authorize_request, charge_point_id),
	FIELD(authorize_request, evse_id),      TIME(authorize_request, at),
	FIELD(authorize_request, purpose),      FIELD(authorize_request, min_revision),
	FIELD(authorize_request, explain),
	FIELD(authorize_request, timeout_ms),
};
const struct schema schema_authorize_request = {ROWS(authorize_request, authorize_request)};

static const struct schema_field explanation_step_fields[] = {
	FIELD(explanation_step, rule),  FIELD(explanation_step, decided), FIELD(explanation_step, object),
	FIELD(explanation_step, field), FIELD(explanation_step, text),
};
const struct schema schema_explanation_step = {ROWS(explanation_step, explanation_step)};

static const struct schema_field authorize_response_fields[] = {
	FIELD(authorize_response, verdict),         FIELD(authorize_response, reason),
	FIELD(authorize_response, access),          FIELD(authorize_response, offline_verdict),
	FIELD(authorize_response, charge_group_id), FIELD(authorize_response, customer_id),
	SUB(authorize_response, issuer, issuer),    FIELD(authorize_response, contract_id),
	FIELD(authorize_response, tariff_id),       FIELD(authorize_response, parent_id),
	TIME(authorize_response, valid_until),      FIELD(authorize_response, revision),
	FIELD(authorize_response, ocpi_allowed),    FIELD(authorize_response, ocpp16_status),
	FIELD(authorize_response, ocpp2_status),    SUB_LIST(authorize_response, explanation, explanation_step, 0),
	FIELD(authorize_response, token_uid),       FIELD(authorize_response, token_type),
	FIELD(authorize_response, charge_point_id), FIELD(authorize_response, location_id),
	FIELD(authorize_response, decided_at),      SUB_OF(authorize_response, error, error_message, &schema_error),
};
const struct schema schema_authorize_response = {ROWS(authorize_response, authorize_response)};

static const struct schema_field authorize_batch_request_fields[] = {
	SUB_LIST(authorize_batch_request, requests, authorize_request, BATCH_REQUESTS_MAX),
	FIELD(authorize_batch_request, timeout_ms),
};
const struct schema schema_authorize_batch_request = {ROWS(authorize_batch_request, authorize_batch_request)};

static const struct schema_field authorize_batch_response_fields[] = {
	SUB_LIST(authorize_batch_response, responses, authorize_response, BATCH_REQUESTS_MAX),
};
const struct schema schema_authorize_batch_response = {ROWS(authorize_batch_response, authorize_batch_response)};

static const struct schema_field get_tariff_request_fields[] = {
	FIELD(get_tariff_request, charge_point_id),
	FIELD(get_tariff_request, evse_id),
	FIELD(get_tariff_request, charge_group_id),
	FIELD(get_tariff_request, token_uid),
	FIELD(get_tariff_request, token_type),
	SUB(get_tariff_request, issuer, issuer),
	FIELD(get_tariff_request, customer_id),
	FIELD(get_tariff_request, caller_class),
	TIME(get_tariff_request, at),
	FIELD(get_tariff_request, min_revision),
	FIELD(get_tariff_request, timeout_ms),
};
const struct schema schema_get_tariff_request = {ROWS(get_tariff_request, get_tariff_request)};

static const struct schema_field get_tariff_response_fields[] = {
	SUB(get_tariff_response, tariff, tariff), FIELD(get_tariff_response, source),
	FIELD(get_tariff_response, caller_class), FIELD(get_tariff_response, charge_group_id),
	FIELD(get_tariff_response, customer_id),  SUB(get_tariff_response, issuer, issuer),
	FIELD(get_tariff_response, revision),
};
const struct schema schema_get_tariff_response = {ROWS(get_tariff_response, get_tariff_response)};

static const struct schema_field list_visible_charge_points_request_fields[] = {
	FIELD(list_visible_charge_points_request, customer_id),
	FIELD(list_visible_charge_points_request, page_size),
	FIELD(list_visible_charge_points_request, page_token),
	FIELD(list_visible_charge_points_request, min_revision),
	FIELD(list_visible_charge_points_request, timeout_ms),
};
const struct schema schema_list_visible_charge_points_request = {
	ROWS(list_visible_charge_points_request, list_visible_charge_points_request)};

static const struct schema_field list_visible_charge_points_response_fields[] = {
	SUB_LIST(list_visible_charge_points_response, charge_points, charge_point, PAGE_SIZE_MAX),
	FIELD(list_visible_charge_points_response, next_page_token),
	FIELD(list_visible_charge_points_response, revision),
};
const struct schema schema_list_visible_charge_points_response = {
	ROWS(list_visible_charge_points_response, list_visible_charge_points_response)};

static const struct schema_field list_permitted_request_fields[] = {
	FIELD(list_permitted_request, charge_point_id), FIELD(list_permitted_request, evse_id),
	FIELD(list_permitted_request, page_size),       FIELD(list_permitted_request, page_token),
	FIELD(list_permitted_request, min_revision),
	FIELD(list_permitted_request, timeout_ms),
};
const struct schema schema_list_permitted_request = {ROWS(list_permitted_request, list_permitted_request)};

static const struct schema_field permitted_customer_fields[] = {
	FIELD(permitted_customer, customer_id), FIELD(permitted_customer, name),
	FIELD(permitted_customer, blocked),     FIELD(permitted_customer, no_credit),
	FIELD(permitted_customer, tariff_id),   FIELD(permitted_customer, tariff_source),
};
const struct schema schema_permitted_customer = {ROWS(permitted_customer, permitted_customer)};

static const struct schema_field permitted_class_fields[] = {
	FIELD(permitted_class, permitted),
	FIELD(permitted_class, tariff_id),
};
const struct schema schema_permitted_class = {ROWS(permitted_class, permitted_class)};

static const struct schema_field list_permitted_response_fields[] = {
	FIELD(list_permitted_response, charge_group_id),
	SUB_LIST(list_permitted_response, customers, permitted_customer, PAGE_SIZE_MAX),
	SUB(list_permitted_response, all_customers, permitted_class),
	SUB(list_permitted_response, all_prepaid_customers, permitted_class),
	SUB(list_permitted_response, roaming, permitted_class),
	SUB(list_permitted_response, direct_payment, permitted_class),
	FIELD(list_permitted_response, next_page_token),
	FIELD(list_permitted_response, revision),
};
const struct schema schema_list_permitted_response = {ROWS(list_permitted_response, list_permitted_response)};

static const struct schema_field search_request_fields[] = {
	FIELD(search_request, kind),        FIELD(search_request, text),       FIELD(search_request, charge_group_id),
	FIELD(search_request, customer_id), FIELD(search_request, tariff_id),  FIELD(search_request, unattached),
	FIELD(search_request, page_size),   FIELD(search_request, page_token), FIELD(search_request, min_revision),
	FIELD(search_request, timeout_ms),
};
const struct schema schema_search_request = {ROWS(search_request, search_request)};

static const struct schema_field search_response_fields[] = {
	SUB_LIST(search_response, records, record, PAGE_SIZE_MAX),
	FIELD(search_response, next_page_token),
	FIELD(search_response, revision),
};
const struct schema schema_search_response = {ROWS(search_response, search_response)};

static const struct schema_field get_request_fields[] = {
	FIELD(get_request, kind),         FIELD(get_request, id),          FIELD(get_request, token_type),
	SUB(get_request, issuer, issuer), FIELD(get_request, customer_id), FIELD(get_request, min_revision),
	FIELD(get_request, timeout_ms),
};
const struct schema schema_get_request = {ROWS(get_request, get_request)};

static const struct schema_field watch_request_fields[] = {
	FIELD(watch_request, after_revision),
	FIELD(watch_request, timeout_ms),
};
const struct schema schema_watch_request = {ROWS(watch_request, watch_request)};

static const struct schema_field event_fields[] = {
	FIELD(event, revision),
	SUB_LIST(event, change_sets, change_set, 0),
	FIELD(event, actor),
	FIELD(event, time),
};
const struct schema schema_event = {ROWS(event, event)};

static const struct schema_field snapshot_request_fields[] = {
	FIELD(snapshot_request, min_revision),
	FIELD(snapshot_request, replica),
	FIELD(snapshot_request, timeout_ms),
};
const struct schema schema_snapshot_request = {ROWS(snapshot_request, snapshot_request)};

static const struct schema_field snapshot_end_fields[] = {
	FIELD(snapshot_end, revision), FIELD(snapshot_end, records), FIELD(snapshot_end, digest),
	FIELD(snapshot_end, epoch),    FIELD(snapshot_end, nonce),   FIELD(snapshot_end, time),
	FIELD(snapshot_end, remembered),
};
const struct schema schema_snapshot_end = {ROWS(snapshot_end, snapshot_end)};

static const struct schema_field log_entry_fields[] = {
	FIELD(log_entry, revision),
	FIELD(log_entry, epoch),
	FIELD(log_entry, nonce),
	FIELD(log_entry, prev),
	FIELD(log_entry, origin),
	FIELD(log_entry, time),
	SUB_LIST(log_entry, change_sets, change_set, 0),
};
const struct schema schema_log_entry = {ROWS(log_entry, log_entry)};

static const struct schema_field log_request_fields[] = {
	FIELD(log_request, before_revision),
	FIELD(log_request, page_size),
	FIELD(log_request, orphans),
	FIELD(log_request, without_changes),
	FIELD(log_request, timeout_ms),
};
const struct schema schema_log_request = {ROWS(log_request, log_request)};

static const struct schema_field log_response_fields[] = {
	SUB_LIST(log_response, entries, log_entry, PAGE_SIZE_MAX),
	FIELD(log_response, oldest_revision),
	FIELD(log_response, revision),
};
const struct schema schema_log_response = {ROWS(log_response, log_response)};

static const struct schema_field adopt_request_fields[] = {
	FIELD(adopt_request, epoch),
	FIELD(adopt_request, timeout_ms),
};
const struct schema schema_adopt_request = {ROWS(adopt_request, adopt_request)};

static const struct schema_field adopt_response_fields[] = {
	FIELD(adopt_response, epoch),
	FIELD(adopt_response, revision),
};
const struct schema schema_adopt_response = {ROWS(adopt_response, adopt_response)};

static const struct schema_field restore_request_fields[] = {
	FIELD(restore_request, number),
	SUB_LIST(restore_request, records, record, RESTORE_RECORDS_MAX),
	SUB(restore_request, end, snapshot_end),
	FIELD(restore_request, timeout_ms),
};
const struct schema schema_restore_request = {ROWS(restore_request, restore_request)};

static const struct schema_field restore_response_fields[] = {
	FIELD(restore_response, records),
	FIELD(restore_response, revision),
};
const struct schema schema_restore_response = {ROWS(restore_response, restore_response)};

static const struct schema_field forget_orphans_request_fields[] = {
	FIELD(forget_orphans_request, through_revision),
	FIELD(forget_orphans_request, timeout_ms),
};
const struct schema schema_forget_orphans_request = {ROWS(forget_orphans_request, forget_orphans_request)};

static const struct schema_field forget_orphans_response_fields[] = {
	FIELD(forget_orphans_response, forgotten),
};
const struct schema schema_forget_orphans_response = {ROWS(forget_orphans_response, forget_orphans_response)};

static const struct schema_field check_request_fields[] = {
	FIELD(check_request, timeout_ms),
};
const struct schema schema_check_request = {ROWS(check_request, check_request)};

static const struct schema_field erase_request_fields[] = {
	FIELD(erase_request, customer_id),
	SUB_LIST(erase_request, tokens, delete_token, 1000),
	FIELD(erase_request, timeout_ms),
};
const struct schema schema_erase_request = {ROWS(erase_request, erase_request)};

static const struct schema_field erase_response_fields[] = {
	FIELD(erase_response, entries),   FIELD(erase_response, answers),
	FIELD(erase_response, keys_kept), FIELD(erase_response, bytes_wiped),
	TIME(erase_response, time),
};
const struct schema schema_erase_response = {ROWS(erase_response, erase_response)};

static const struct schema_field check_response_fields[] = {
	FIELD(check_response, revision),    FIELD(check_response, records),
	FIELD(check_response, objects),     FIELD(check_response, digest),
	LIST(check_response, problems, 20), FIELD(check_response, problems_total),
};
const struct schema schema_check_response = {ROWS(check_response, check_response)};

static const struct schema_field clients_request_fields[] = {
	FIELD(clients_request, count_max),
	FIELD(clients_request, timeout_ms),
};
const struct schema schema_clients_request = {ROWS(clients_request, clients_request)};

static const struct schema_field client_info_fields[] = {
	FIELD(client_info, name),           LIST(client_info, roles, 0),
	FIELD(client_info, connections),    FIELD(client_info, requests),
	FIELD(client_info, allowed),        FIELD(client_info, denied),
	FIELD(client_info, asked_issuer),   FIELD(client_info, unknown_tokens),
	FIELD(client_info, refused),        FIELD(client_info, bytes_in),
	FIELD(client_info, bytes_out),      FIELD(client_info, inflight_bytes),
	TIME(client_info, last_seen_at),    FIELD(client_info, unknown_tokens_left),
};
const struct schema schema_client_info = {ROWS(client_info, client_info)};

static const struct schema_field clients_response_fields[] = {
	SUB_LIST(clients_response, clients, client_info, 0),
	FIELD(clients_response, clients_total),
	FIELD(clients_response, unknown_tokens_max),
};
const struct schema schema_clients_response = {ROWS(clients_response, clients_response)};

static const struct schema_field logged_set_fields[] = {
	SUB(logged_set, change_set, change_set),
	FIELD(logged_set, repeat_window_s),
};
const struct schema schema_logged_set = {ROWS(logged_set, logged_set)};

static const struct schema_field log_body_fields[] = {
	SUB_LIST(log_body, sets, logged_set, ENTRY_SETS_MAX),
};
const struct schema schema_log_body = {ROWS(log_body, log_body)};

static const struct schema_field status_request_fields[] = {
	FIELD(status_request, timeout_ms),
};
const struct schema schema_status_request = {ROWS(status_request, status_request)};

static const struct schema_field method_info_fields[] = {
	FIELD(method_info, number),
	FIELD(method_info, name),
	FIELD(method_info, body_size_max),
};
const struct schema schema_method_info = {ROWS(method_info, method_info)};

static const struct schema_field limit_fields[] = {
	FIELD(limit, name),
	FIELD(limit, value),
};
const struct schema schema_limit = {ROWS(limit, limit)};

static const struct schema_field object_count_fields[] = {
	FIELD(object_count, kind),
	FIELD(object_count, count),
};
const struct schema schema_object_count = {ROWS(object_count, object_count)};

static const struct schema_field replication_fields[] = {
	FIELD(replication, state),
	FIELD(replication, redis),
	FIELD(replication, role),
	FIELD(replication, head_revision),
	FIELD(replication, lag_entries),
	FIELD(replication, lag_ms),
	FIELD(replication, stale_ms),
	FIELD(replication, last_error),
	FIELD(replication, last_error_at),
	FIELD(replication, advice),
	FIELD(replication, entries_appended),
	FIELD(replication, entries_applied),
	FIELD(replication, inbox_accepted),
	FIELD(replication, inbox_repeated),
	FIELD(replication, messages_refused),
	FIELD(replication, fetched_records),
	FIELD(replication, fetched_records_total),
	FIELD(replication, reconnects),
};
const struct schema schema_replication = {ROWS(replication, replication)};

static const struct schema_field status_response_fields[] = {
	FIELD(status_response, version),
	SUB_LIST(status_response, methods, method_info, 0),
	SUB_LIST(status_response, limits, limit, 0),
	FIELD(status_response, revision),
	FIELD(status_response, started_at),
	SUB_LIST(status_response, objects, object_count, 0),
	FIELD(status_response, store_bytes_used),
	FIELD(status_response, store_bytes_max),
	FIELD(status_response, workers),
	FIELD(status_response, connections),
	FIELD(status_response, accepts_writes),
	FIELD(status_response, digest),
	FIELD(status_response, epoch),
	FIELD(status_response, log_oldest_revision),
	FIELD(status_response, orphans),
	FIELD(status_response, watchers),
	SUB(status_response, replication, replication),
};
const struct schema schema_status_response = {ROWS(status_response, status_response)};

static const struct schema_field figures_request_fields[] = {
	FIELD(figures_request, timeout_ms),
};
const struct schema schema_figures_request = {ROWS(figures_request, figures_request)};

static const struct schema_field bin_fields[] = {
	FIELD(bin, at_most),
	FIELD(bin, count),
};
const struct schema schema_bin = {ROWS(bin, bin)};

static const struct schema_field distribution_fields[] = {
	SUB_LIST(distribution, bins, bin, 0),
	FIELD(distribution, sum),
};
const struct schema schema_distribution = {ROWS(distribution, distribution)};

static const struct schema_field status_count_fields[] = {
	FIELD(status_count, code),
	FIELD(status_count, count),
};
const struct schema schema_status_count = {ROWS(status_count, status_count)};

static const struct schema_field method_figures_fields[] = {
	FIELD(method_figures, name),
	SUB_LIST(method_figures, answers, status_count, 0),
	SUB(method_figures, time_ns, distribution),
};
const struct schema schema_method_figures = {ROWS(method_figures, method_figures)};

static const struct schema_field decision_count_fields[] = {
	FIELD(decision_count, verdict),
	FIELD(decision_count, reason),
	FIELD(decision_count, count),
};
const struct schema schema_decision_count = {ROWS(decision_count, decision_count)};

static const struct schema_field connection_figures_fields[] = {
	FIELD(connection_figures, open),     FIELD(connection_figures, open_max),
	FIELD(connection_figures, opened),   FIELD(connection_figures, bytes_in),
	FIELD(connection_figures, bytes_out), FIELD(connection_figures, watchers),
	FIELD(connection_figures, clients),
};
const struct schema schema_connection_figures = {ROWS(connection_figures, connection_figures)};

static const struct schema_field writer_figures_fields[] = {
	FIELD(writer_figures, queue),
	FIELD(writer_figures, queue_max),
	FIELD(writer_figures, entries_queue),
	SUB(writer_figures, commit_ns, distribution),
	SUB(writer_figures, commit_sets, distribution),
};
const struct schema schema_writer_figures = {ROWS(writer_figures, writer_figures)};

static const struct schema_field store_usage_fields[] = {
	FIELD(store_usage, bytes_used),
	FIELD(store_usage, bytes_max),
	FIELD(store_usage, accepts_writes),
	SUB_LIST(store_usage, objects, object_count, 0),
	FIELD(store_usage, index_bytes),
	FIELD(store_usage, digest),
	FIELD(store_usage, epoch),
	FIELD(store_usage, log_oldest_revision),
	FIELD(store_usage, orphans),
};
const struct schema schema_store_usage = {ROWS(store_usage, store_usage)};

static const struct schema_field process_usage_fields[] = {
	FIELD(process_usage, cpu_us),
	FIELD(process_usage, resident_bytes),
};
const struct schema schema_process_usage = {ROWS(process_usage, process_usage)};

static const struct schema_field figures_response_fields[] = {
	FIELD(figures_response, version),
	FIELD(figures_response, started_at),
	FIELD(figures_response, uptime_ms),
	FIELD(figures_response, workers),
	LIST(figures_response, not_ready, 0),
	FIELD(figures_response, revision),
	SUB_LIST(figures_response, methods, method_figures, 0),
	SUB_LIST(figures_response, decisions, decision_count, 0),
	SUB(figures_response, connections, connection_figures),
	SUB_LIST(figures_response, limits_hit, limit, 0),
	SUB(figures_response, writer, writer_figures),
	SUB(figures_response, store, store_usage),
	SUB(figures_response, process, process_usage),
	SUB(figures_response, replication, replication),
};
const struct schema schema_figures_response = {ROWS(figures_response, figures_response)};
// clang-format on

const ProtobufCFieldDescriptor *schema_find_field(const struct schema *schema, uint32_t number)
{
	const ProtobufCMessageDescriptor *descriptor = schema->descriptor;
	// Numbers without a gap are their own index.
	if (LIKELY(number - 1 < descriptor->n_fields && descriptor->fields[number - 1].id == number))
		return &descriptor->fields[number - 1];
	return protobuf_c_message_descriptor_get_field(descriptor, number);
}

bool schema_enum_has(const ProtobufCEnumDescriptor *type, uint64_t value)
{
	if (LIKELY(value < type->n_values && type->values[value].value == (int)value))
		return true;
	return value <= INT32_MAX && protobuf_c_enum_descriptor_get_value(type, (int)value) != NULL;
}

size_t schema_element_size(const struct schema_field *row)
{
	static const uint8_t sizes[] = {
		[SCHEMA_STRING] = sizeof(struct bytes), [SCHEMA_BOOL] = sizeof(bool),
		[SCHEMA_WORD] = sizeof(uint32_t),       [SCHEMA_INT64] = sizeof(int64_t),
		[SCHEMA_UINT64] = sizeof(uint64_t),
	};
	return row->kind == SCHEMA_MESSAGE ? row->sub->size : sizes[row->kind];
}
