// SPDX-License-Identifier: Apache-2.0
#include "bench/generate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void write_number(struct line_writer *writer, const char *opening, int64_t number, const char *closing)
{
	char text[24];
	const int size = snprintf(text, sizeof(text), "%lld", (long long)number);
	line_text(writer, opening);
	line_text_sized(writer, text, (size_t)size);
	line_text(writer, closing);
}

static void write_flag(struct line_writer *writer, const char *field, bool set)
{
	if (set)
		line_text(writer, field);
}

// ---------------------------------------------------------------- objects

// Euro cents and tenths of them: 0.25 to 0.749 a kWh.
static void write_energy_price(struct line_writer *writer, uint64_t draw)
{
	char text[96];
	const int size =
		snprintf(text, sizeof(text), "{\"type\":\"ENERGY\",\"price\":0.%03u,\"vat\":21,\"step_size\":1}",
			 250 + (unsigned)(draw % 500));
	line_text_sized(writer, text, (size_t)size);
}

static void write_tariff(const struct world *world, uint32_t tariff, struct line_writer *writer)
{
	char id[WORLD_TEXT_SIZE];
	const uint64_t draw = world_hash(world->seed, 100, tariff);
	world_tariff_id(tariff, id);
	line_field(writer, "{\"put_tariff\":{\"id\":\"", id);
	line_text(writer, ",\"currency\":\"EUR\",\"type\":\"");
	line_text(writer, tariff < world->tariffs_regular ? "REGULAR" : "AD_HOC_PAYMENT");
	line_text(writer, "\",\"elements\":[");
	if (draw % 3 == 0) { // cheaper at night
		line_text(writer, "{\"price_components\":[");
		write_energy_price(writer, draw >> 8);
		line_text(writer, "],\"restrictions\":{\"start_time\":\"23:00\",\"end_time\":\"07:00\"}},");
	}
	line_text(writer, "{\"price_components\":[");
	write_energy_price(writer, draw >> 16);
	if (draw % 4 == 0)
		line_text(writer, ",{\"type\":\"PARKING_TIME\",\"price\":2.5,\"vat\":21,\"step_size\":300}");
	line_end(writer, "]}]}}");
}

static void write_group(const struct world *world, uint32_t group, struct line_writer *writer)
{
	struct world_group facts;
	char id[WORLD_TEXT_SIZE], tariff[WORLD_TEXT_SIZE], prepaid[WORLD_TEXT_SIZE] = "";
	world_get_group(world, group, &facts);
	world_group_id(group, id);
	world_tariff_id(facts.tariff, tariff);
	if (facts.prepaid_tariff != WORLD_NONE)
		world_tariff_id(facts.prepaid_tariff, prepaid);
	line_field(writer, "{\"put_charge_group\":{\"id\":\"", id);
	line_field(writer, ",\"name\":\"Charge ", id);
	line_field(writer, ",\"type\":\"", facts.type == CHARGE_GROUP_TYPE_HOME ? "HOME" : "OTHER");
	line_field(writer, ",\"tariff_id\":\"", tariff);
	line_field(writer, ",\"prepaid_tariff_id\":\"", prepaid);
	write_flag(writer, ",\"open_to_all_customers\":true", facts.open_to_all_customers);
	write_flag(writer, ",\"open_to_roaming\":true", facts.open_to_roaming);
	line_field(writer, ",\"user_group\":\"", facts.user_group);
	line_end(writer, "}}");
}

static void write_point(const struct world *world, uint32_t point, struct line_writer *writer)
{
	struct world_point facts;
	char id[WORLD_TEXT_SIZE], location[WORLD_TEXT_SIZE], evse[WORLD_TEXT_SIZE];
	world_get_point(world, point, &facts);
	world_point_id(point, id);
	world_location_id(facts.location, location);
	world_evse_id(point, evse);
	line_field(writer, "{\"put_charge_point\":{\"id\":\"", id);
	line_field(writer, ",\"location_id\":\"", location);
	write_flag(writer, ",\"home_charger\":true", facts.home_charger);
	line_field(writer, ",\"evses\":[{\"evse_id\":\"", evse);
	line_end(writer, ",\"connector_type\":\"IEC_62196_T2\"}],\"time_zone\":\"Europe/Amsterdam\"}}");
}

static void write_customer(const struct world *world, uint32_t customer, struct line_writer *writer)
{
	struct world_customer facts;
	char id[WORLD_TEXT_SIZE], name[WORLD_TEXT_SIZE];
	world_get_customer(world, customer, &facts);
	world_customer_id(customer, id);
	world_customer_name(world, customer, name);
	line_field(writer, "{\"put_customer\":{\"id\":\"", id);
	line_field(writer, ",\"name\":\"", name);
	line_field(writer, ",\"user_group\":\"", facts.user_group);
	line_field(writer, ",\"payment\":\"", facts.prepaid ? "PREPAID" : "CONTRACT");
	write_flag(writer, ",\"blocked\":true", facts.blocked);
	write_flag(writer, ",\"no_credit\":true", facts.no_credit);
	line_end(writer, "}}");
}

static void write_owner(const struct world_token *facts, struct line_writer *writer)
{
	char customer[WORLD_TEXT_SIZE];
	if (facts->issuer == WORLD_NONE) {
		world_customer_id(facts->customer, customer);
		line_field(writer, ",\"customer_id\":\"", customer);
		return;
	}
	line_field(writer, ",\"issuer\":{\"country_code\":\"", world_issuer_country(facts->issuer));
	line_field(writer, ",\"party_id\":\"", world_issuer_party(facts->issuer));
	line_text(writer, "}");
}

static void write_validity(const struct world_token *facts, struct line_writer *writer)
{
	write_flag(writer, ",\"blocked\":true", facts->blocked);
	if (facts->valid_from != 0)
		write_number(writer, ",\"valid_from\":\"", facts->valid_from, "\"");
	if (facts->valid_until != 0)
		write_number(writer, ",\"valid_until\":\"", facts->valid_until, "\"");
}

static void write_token(const struct world *world, uint32_t token, struct line_writer *writer)
{
	static const char *const whitelists[] = {"", "ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"};
	struct world_token facts;
	char uid[WORLD_TEXT_SIZE], contract[WORLD_TEXT_SIZE], parent[WORLD_TEXT_SIZE] = "";
	world_get_token(world, token, &facts);
	world_token_uid(world, token, uid);
	world_contract_id(world, token, contract);
	if (facts.has_parent)
		world_parent_id(world, token, parent);
	line_field(writer, "{\"put_token\":{\"uid\":\"", uid);
	line_field(writer, ",\"type\":\"", facts.type == TOKEN_TYPE_RFID ? "RFID" : "APP_USER");
	write_owner(&facts, writer);
	line_field(writer, ",\"contract_id\":\"", contract);
	line_field(writer, ",\"parent_id\":\"", parent);
	write_validity(&facts, writer);
	line_field(writer, ",\"whitelist\":\"", whitelists[facts.whitelist]);
	write_flag(writer, ",\"roaming_allowed\":true", facts.roaming_allowed);
	line_end(writer, "}}");
}

// ---------------------------------------------------------------- attachments

static int compare_indexes(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

// Lines of one kind for one group: `opening` up to the group's id, `ids` up to the ids, `tariff` may be empty.
struct attach {
	const char *opening, *group, *ids, *tariff;
	uint32_t (*write_id)(uint32_t index, char *text);
};

static void write_attach_lines(const struct attach *attach, const uint32_t *indexes, uint32_t count,
			       struct line_writer *writer)
{
	char id[WORLD_TEXT_SIZE];
	for (uint32_t i = 0; i < count; i++) {
		const bool first = i % GENERATE_IDS_PER_LINE == 0;
		const bool last = i % GENERATE_IDS_PER_LINE == GENERATE_IDS_PER_LINE - 1 || i == count - 1;
		if (first) {
			line_field(writer, attach->opening, attach->group);
			line_text(writer, attach->ids);
		}
		attach->write_id(indexes[i], id);
		line_field(writer, first ? "\"" : ",\"", id);
		if (last) {
			line_text(writer, "]");
			line_field(writer, ",\"tariff_id\":\"", attach->tariff);
			line_end(writer, "}}");
		}
	}
}

static void write_group_points(const struct world *world, uint32_t group, uint32_t *indexes, struct line_writer *writer)
{
	char id[WORLD_TEXT_SIZE];
	const uint32_t count = world_point_count(world, group);
	for (uint32_t i = 0; i < count; i++)
		indexes[i] = world_point_in(world, group, i);
	world_group_id(group, id);
	const struct attach attach = {
		.opening = "{\"attach_charge_points\":{\"charge_group_id\":\"",
		.group = id,
		.ids = ",\"charge_point_ids\":[",
		.tariff = "",
		.write_id = world_point_id,
	};
	write_attach_lines(&attach, indexes, count, writer);
}

static void write_group_customers(const struct world *world, uint32_t group, uint32_t *indexes,
				  struct line_writer *writer)
{
	char id[WORLD_TEXT_SIZE], tariff[WORLD_TEXT_SIZE] = "";
	const uint32_t count = world_member_count(world, group);
	uint32_t plain = 0, overridden = count; // from the front, from the back
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t customer = world_member(world, group, i);
		const uint32_t override = world_override(world, group, customer);
		if (override == WORLD_NONE) {
			indexes[plain++] = customer;
		} else {
			indexes[--overridden] = customer;
			world_tariff_id(override, tariff);
		}
	}
	qsort(indexes, plain, sizeof(*indexes), compare_indexes);
	qsort(indexes + plain, count - plain, sizeof(*indexes), compare_indexes);
	world_group_id(group, id);
	struct attach attach = {
		.opening = "{\"attach_customers\":{\"charge_group_id\":\"",
		.group = id,
		.ids = ",\"customer_ids\":[",
		.tariff = "",
		.write_id = world_customer_id,
	};
	write_attach_lines(&attach, indexes, plain, writer);
	attach.tariff = tariff;
	write_attach_lines(&attach, indexes + plain, count - plain, writer);
}

static int write_attachments(const struct world *world, struct line_writer *writer)
{
	const uint32_t most = world->attached_customers > world->points ? world->attached_customers : world->points;
	uint32_t *indexes = calloc(most, sizeof(*indexes));
	if (!indexes)
		return -ENOMEM;
	for (uint32_t group = 0; group < world->groups; group++) {
		write_group_points(world, group, indexes, writer);
		write_group_customers(world, group, indexes, writer);
	}
	free(indexes);
	return 0;
}

int generate_world(const struct world *world, struct line_writer *writer, struct generate_counts *ret_counts)
{
	const struct {
		uint32_t count;
		void (*write)(const struct world *world, uint32_t index, struct line_writer *writer);
	} kinds[] = {
		{world->tariffs, write_tariff},     {world->groups, write_group}, {world->points, write_point},
		{world->customers, write_customer}, {world->tokens, write_token},
	};
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		for (uint32_t index = 0; index < kinds[kind].count; index++)
			kinds[kind].write(world, index, writer);
	}
	int error = write_attachments(world, writer);
	if (error == 0)
		error = line_writer_flush(writer);
	if (error < 0)
		return error;
	*ret_counts = (struct generate_counts){
		.lines = writer->lines,
		.attached_points = world->point_ends[world->groups - 1],
		.memberships = world->memberships,
	};
	return 0;
}
