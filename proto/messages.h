// SPDX-License-Identifier: Apache-2.0
// The messages of evauth.proto as plain structs, field by field under the same names. They live in an arena and
// borrow their strings from it or from the body they were decoded from.
//
//   string            struct bytes, empty when absent
//   message           pointer, NULL when absent
//   repeated x        array `x` and `x_count`
//   oneof             `kind` (the field number of the member that is set, 0 for none) and a union of pointers
//
// To add a field: evauth.proto, here, and its row in schema.c; a unit test holds the three together. What operators ask
// for is in proto/messages_operator.h, which comes with this header.
#pragma once

#include "base/bytes.h"

#include <stdint.h>

struct decimal {
	int64_t units;
	uint32_t scale;
};

struct issuer {
	struct bytes country_code;
	struct bytes party_id;
};

// ---------------------------------------------------------------- tariff

enum tariff_type {
	TARIFF_TYPE_UNSPECIFIED,
	TARIFF_TYPE_AD_HOC_PAYMENT,
	TARIFF_TYPE_PROFILE_CHEAP,
	TARIFF_TYPE_PROFILE_FAST,
	TARIFF_TYPE_PROFILE_GREEN,
	TARIFF_TYPE_REGULAR,
};

enum tariff_dimension_type {
	TARIFF_DIMENSION_TYPE_UNSPECIFIED,
	TARIFF_DIMENSION_TYPE_ENERGY,
	TARIFF_DIMENSION_TYPE_FLAT,
	TARIFF_DIMENSION_TYPE_PARKING_TIME,
	TARIFF_DIMENSION_TYPE_TIME,
};

enum day_of_week {
	DAY_OF_WEEK_UNSPECIFIED,
	DAY_OF_WEEK_MONDAY,
	DAY_OF_WEEK_TUESDAY,
	DAY_OF_WEEK_WEDNESDAY,
	DAY_OF_WEEK_THURSDAY,
	DAY_OF_WEEK_FRIDAY,
	DAY_OF_WEEK_SATURDAY,
	DAY_OF_WEEK_SUNDAY,
};

enum reservation_restriction_type {
	RESERVATION_RESTRICTION_TYPE_UNSPECIFIED,
	RESERVATION_RESTRICTION_TYPE_RESERVATION,
	RESERVATION_RESTRICTION_TYPE_RESERVATION_EXPIRES,
};

struct display_text {
	struct bytes language;
	struct bytes text;
};

struct price {
	struct decimal *excl_vat;
	struct decimal *incl_vat;
};

struct price_component {
	enum tariff_dimension_type type;
	uint32_t step_size;
	struct decimal *price;
	struct decimal *vat;
};

struct tariff_restrictions {
	struct bytes start_time;
	struct bytes end_time;
	struct bytes start_date;
	struct bytes end_date;
	struct decimal *min_kwh;
	struct decimal *max_kwh;
	struct decimal *min_current;
	struct decimal *max_current;
	struct decimal *min_power;
	struct decimal *max_power;
	struct decimal *min_duration;
	struct decimal *max_duration;
	enum day_of_week *day_of_week;
	size_t day_of_week_count;
	enum reservation_restriction_type reservation;
};

struct tariff_element {
	struct price_component *price_components;
	size_t price_components_count;
	struct tariff_restrictions *restrictions;
};

struct energy_source {
	struct bytes source;
	struct decimal *percentage;
};

struct environmental_impact {
	struct bytes category;
	struct decimal *amount;
};

struct energy_mix {
	bool is_green_energy;
	struct energy_source *energy_sources;
	size_t energy_sources_count;
	struct environmental_impact *environ_impact;
	size_t environ_impact_count;
	struct bytes supplier_name;
	struct bytes energy_product_name;
};

struct tariff {
	struct bytes id;
	struct bytes currency;
	enum tariff_type type;
	struct tariff_element *elements;
	size_t elements_count;
	struct price *min_price;
	struct price *max_price;
	struct bytes start_date_time;
	struct bytes end_date_time;
	struct display_text *tariff_alt_text;
	size_t tariff_alt_text_count;
	struct bytes tariff_alt_url;
	struct energy_mix *energy_mix;
	struct bytes country_code;
	struct bytes party_id;
	struct bytes last_updated;
};

// ---------------------------------------------------------------- charge groups and who uses them

enum charge_group_type {
	CHARGE_GROUP_TYPE_UNSPECIFIED,
	CHARGE_GROUP_TYPE_HOME,
	CHARGE_GROUP_TYPE_OTHER,
};

struct charge_group {
	struct bytes id;
	struct bytes name;
	struct bytes additional_information;
	enum charge_group_type type;
	struct bytes tariff_id;
	struct bytes prepaid_tariff_id;
	bool open_to_all_customers;
	bool open_to_roaming;
	struct bytes user_group;
};

struct evse {
	struct bytes evse_id;
	struct bytes connector_type;
};

struct charge_point {
	struct bytes id;
	struct bytes location_id;
	bool home_charger;
	struct evse *evses;
	size_t evses_count;
	struct bytes time_zone;
	struct bytes charge_group_id;
};

enum payment {
	PAYMENT_UNSPECIFIED,
	PAYMENT_CONTRACT,
	PAYMENT_PREPAID,
};

struct customer {
	struct bytes id;
	struct bytes name;
	struct bytes user_group;
	enum payment payment;
	bool blocked;
	bool no_credit;
};

enum token_type {
	TOKEN_TYPE_UNSPECIFIED,
	TOKEN_TYPE_RFID,
	TOKEN_TYPE_APP_USER,
	TOKEN_TYPE_AD_HOC_USER,
	TOKEN_TYPE_EMAID,
	TOKEN_TYPE_OTHER,
};

enum whitelist {
	WHITELIST_UNSPECIFIED,
	WHITELIST_ALWAYS,
	WHITELIST_ALLOWED,
	WHITELIST_ALLOWED_OFFLINE,
	WHITELIST_NEVER,
};

struct token {
	struct bytes uid;
	enum token_type type;
	struct bytes customer_id;
	struct issuer *issuer;
	struct bytes contract_id;
	struct bytes visual_number;
	struct bytes parent_id;
	bool blocked;
	bool roaming_allowed;
	int64_t valid_from;
	int64_t valid_until;
	enum whitelist whitelist;
};

struct membership {
	struct bytes charge_group_id;
	struct bytes customer_id;
	struct bytes tariff_id;
};

enum object_kind {
	OBJECT_KIND_UNSPECIFIED,
	OBJECT_KIND_TARIFF,
	OBJECT_KIND_CHARGE_GROUP,
	OBJECT_KIND_CHARGE_POINT,
	OBJECT_KIND_CUSTOMER,
	OBJECT_KIND_TOKEN,
	OBJECT_KIND_MEMBERSHIP,
	OBJECT_KINDS, // one past the last
};

// The field number of the object in Record is its kind + 1; what is remembered is no object.
enum record_object {
	RECORD_NONE = 0,
	RECORD_TARIFF = 2,
	RECORD_CHARGE_GROUP = 3,
	RECORD_CHARGE_POINT = 4,
	RECORD_CUSTOMER = 5,
	RECORD_TOKEN = 6,
	RECORD_MEMBERSHIP = 7,
	RECORD_REMEMBERED = 8,
};

struct record {
	uint64_t modified_revision;
	enum record_object kind;
	union {
		void *object;
		struct tariff *tariff;
		struct charge_group *charge_group;
		struct charge_point *charge_point;
		struct customer *customer;
		struct token *token;
		struct membership *membership;
		struct remembered *remembered;
	};
};

// ---------------------------------------------------------------- changes

struct delete_object {
	struct bytes id;
};

struct delete_token {
	struct bytes uid;
	enum token_type type;
	struct issuer *issuer;
};

struct attach_charge_points {
	struct bytes charge_group_id;
	struct bytes *charge_point_ids;
	size_t charge_point_ids_count;
	bool move;
};

struct detach_charge_points {
	struct bytes *charge_point_ids;
	size_t charge_point_ids_count;
};

struct attach_customers {
	struct bytes charge_group_id;
	struct bytes *customer_ids;
	size_t customer_ids_count;
	struct bytes tariff_id;
};

struct detach_customers {
	struct bytes charge_group_id;
	struct bytes *customer_ids;
	size_t customer_ids_count;
};

struct set_customer_tariff {
	struct bytes charge_group_id;
	struct bytes *customer_ids;
	size_t customer_ids_count;
	struct bytes tariff_id;
};

enum change_kind {
	CHANGE_NONE = 0,
	CHANGE_PUT_TARIFF = 1,
	CHANGE_DELETE_TARIFF = 2,
	CHANGE_PUT_CHARGE_GROUP = 3,
	CHANGE_DELETE_CHARGE_GROUP = 4,
	CHANGE_PUT_CHARGE_POINT = 5,
	CHANGE_DELETE_CHARGE_POINT = 6,
	CHANGE_PUT_CUSTOMER = 7,
	CHANGE_DELETE_CUSTOMER = 8,
	CHANGE_PUT_TOKEN = 9,
	CHANGE_DELETE_TOKEN = 10,
	CHANGE_ATTACH_CHARGE_POINTS = 11,
	CHANGE_DETACH_CHARGE_POINTS = 12,
	CHANGE_ATTACH_CUSTOMERS = 13,
	CHANGE_DETACH_CUSTOMERS = 14,
	CHANGE_SET_CUSTOMER_TARIFF = 15,
	CHANGE_KINDS, // one past the last
};

struct change {
	enum change_kind kind;
	bool create_only;
	union {
		void *change;
		struct tariff *put_tariff;
		struct charge_group *put_charge_group;
		struct charge_point *put_charge_point;
		struct customer *put_customer;
		struct token *put_token;
		struct delete_object *delete_object; // tariff, charge group, charge point, customer
		struct delete_token *delete_token;
		struct attach_charge_points *attach_charge_points;
		struct detach_charge_points *detach_charge_points;
		struct attach_customers *attach_customers;
		struct detach_customers *detach_customers;
		struct set_customer_tariff *set_customer_tariff;
	};
	uint64_t expected_object_revision;
};

struct change_set {
	struct change *changes;
	size_t changes_count;
	uint64_t expected_revision;
	struct bytes actor;
	struct bytes idempotency_key;
	bool dry_run;
	uint32_t timeout_ms;
};

enum change_outcome {
	CHANGE_OUTCOME_UNSPECIFIED,
	CHANGE_OUTCOME_CREATED,
	CHANGE_OUTCOME_UPDATED,
	CHANGE_OUTCOME_DELETED,
	CHANGE_OUTCOME_UNCHANGED,
};

struct change_result {
	enum change_outcome outcome;
	uint32_t changed;
	struct bytes *unchanged_ids;
	size_t unchanged_ids_count;
	uint32_t detached_charge_points;
	uint32_t detached_customers;
	uint32_t deleted_tokens;
};

struct apply_response {
	uint64_t revision;
	struct change_result *results;
	size_t results_count;
	struct bytes *closed_charge_group_ids;
	size_t closed_charge_group_ids_count;
	bool replayed;
};

struct remembered {
	struct bytes actor;
	struct bytes idempotency_key;
	int64_t time;
	struct bytes changes_hash;
	uint64_t number;
	struct apply_response *response;
};

struct error_message {
	uint32_t code;
	struct bytes message;
	struct bytes field;
	uint32_t change_number;
	uint32_t retry_after_ms;
};

// ---------------------------------------------------------------- authorize

enum purpose {
	PURPOSE_UNSPECIFIED,
	PURPOSE_START,
	PURPOSE_STOP,
	PURPOSE_RESERVE,
};

enum verdict {
	VERDICT_UNSPECIFIED,
	VERDICT_ALLOWED,
	VERDICT_DENIED,
	VERDICT_ASK_ISSUER,
};

enum reason {
	REASON_UNSPECIFIED,
	REASON_OK,
	REASON_UNKNOWN_CHARGE_POINT,
	REASON_NO_CHARGE_GROUP,
	REASON_ROAMING_OFF,
	REASON_UNKNOWN_TOKEN,
	REASON_TOKEN_BLOCKED,
	REASON_TOKEN_NOT_YET_VALID,
	REASON_TOKEN_EXPIRED,
	REASON_CUSTOMER_BLOCKED,
	REASON_NOT_ATTACHED,
	REASON_NO_ROAMING_CONSENT,
	REASON_NO_CREDIT,
	REASON_ISSUER_DECIDES,
};

enum access {
	ACCESS_UNSPECIFIED,
	ACCESS_MEMBER,
	ACCESS_ALL_CUSTOMERS,
	ACCESS_ROAMING,
	ACCESS_DIRECT_PAYMENT,
};

struct authorize_request {
	struct bytes token_uid;
	enum token_type token_type;
	enum purpose purpose;
	struct issuer *issuer;
	struct bytes charge_point_id;
	struct bytes evse_id;
	int64_t at;
	uint64_t min_revision;
	bool explain;
	uint32_t timeout_ms;
};

struct explanation_step {
	struct bytes rule;
	bool decided;
	struct bytes object;
	struct bytes field;
	struct bytes text;
};

struct authorize_response {
	enum verdict verdict;
	enum reason reason;
	enum access access;
	enum verdict offline_verdict;
	struct bytes charge_group_id;
	struct bytes customer_id;
	struct issuer *issuer;
	struct bytes contract_id;
	struct bytes tariff_id;
	struct bytes parent_id;
	int64_t valid_until;
	uint64_t revision;
	struct bytes ocpi_allowed;
	struct bytes ocpp16_status;
	struct bytes ocpp2_status;
	struct explanation_step *explanation;
	size_t explanation_count;
	struct bytes token_uid;
	enum token_type token_type;
	struct bytes charge_point_id;
	struct bytes location_id;
	int64_t decided_at;
	struct error_message *error;
};

struct authorize_batch_request {
	struct authorize_request *requests;
	size_t requests_count;
	uint32_t timeout_ms;
};

struct authorize_batch_response {
	struct authorize_response *responses;
	size_t responses_count;
};

// ---------------------------------------------------------------- tariff

enum caller_class {
	CALLER_CLASS_UNSPECIFIED,
	CALLER_CLASS_CUSTOMER,
	CALLER_CLASS_ROAMING,
	CALLER_CLASS_DIRECT_PAYMENT,
};

enum tariff_source {
	TARIFF_SOURCE_UNSPECIFIED,
	TARIFF_SOURCE_OVERRIDE,
	TARIFF_SOURCE_PREPAID,
	TARIFF_SOURCE_GROUP,
};

struct get_tariff_request {
	struct bytes charge_point_id;
	struct bytes evse_id;
	struct bytes charge_group_id;
	struct bytes token_uid;
	enum token_type token_type;
	enum caller_class caller_class;
	struct issuer *issuer;
	struct bytes customer_id;
	int64_t at;
	uint64_t min_revision;
	uint32_t timeout_ms;
};

struct get_tariff_response {
	struct tariff *tariff;
	enum tariff_source source;
	enum caller_class caller_class;
	struct bytes charge_group_id;
	struct bytes customer_id;
	struct issuer *issuer;
	uint64_t revision;
};

// ---------------------------------------------------------------- listings

struct list_visible_charge_points_request {
	struct bytes customer_id;
	uint32_t page_size;
	struct bytes page_token;
	uint64_t min_revision;
	uint32_t timeout_ms;
};

struct list_visible_charge_points_response {
	struct charge_point *charge_points;
	size_t charge_points_count;
	struct bytes next_page_token;
	uint64_t revision;
};

struct list_permitted_request {
	struct bytes charge_point_id;
	struct bytes evse_id;
	uint32_t page_size;
	struct bytes page_token;
	uint64_t min_revision;
	uint32_t timeout_ms;
};

struct permitted_customer {
	struct bytes customer_id;
	struct bytes name;
	bool blocked;
	bool no_credit;
	struct bytes tariff_id;
	enum tariff_source tariff_source;
};

struct permitted_class {
	bool permitted;
	struct bytes tariff_id;
};

struct list_permitted_response {
	struct bytes charge_group_id;
	struct permitted_customer *customers;
	size_t customers_count;
	struct permitted_class *all_customers;
	struct permitted_class *all_prepaid_customers;
	struct permitted_class *roaming;
	struct permitted_class *direct_payment;
	struct bytes next_page_token;
	uint64_t revision;
};

struct search_request {
	enum object_kind kind;
	uint32_t page_size;
	struct bytes text;
	struct bytes charge_group_id;
	struct bytes customer_id;
	struct bytes tariff_id;
	bool unattached;
	struct bytes page_token;
	uint64_t min_revision;
	uint32_t timeout_ms;
};

struct search_response {
	struct record *records;
	size_t records_count;
	struct bytes next_page_token;
	uint64_t revision;
};

// ---------------------------------------------------------------- get, watch, snapshot

struct get_request {
	enum object_kind kind;
	enum token_type token_type;
	struct bytes id;
	struct issuer *issuer;
	struct bytes customer_id;
	uint64_t min_revision;
	uint32_t timeout_ms;
};

struct watch_request {
	uint64_t after_revision;
	uint32_t timeout_ms;
};

struct event {
	uint64_t revision;
	struct change_set *change_sets;
	size_t change_sets_count;
	struct bytes actor;
	int64_t time;
};

struct snapshot_request {
	uint64_t min_revision;
	bool replica;
	uint32_t timeout_ms;
};

struct snapshot_end {
	uint64_t revision;
	uint64_t records;
	struct bytes digest;
	struct bytes epoch;
	struct bytes nonce;
	int64_t time;
	uint64_t remembered;
};

#include "proto/messages_operator.h" // uses what is above
