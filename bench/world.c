// SPDX-License-Identifier: Apache-2.0
#include "bench/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// What an attribute is drawn for, so that attributes of one object do not follow each other.
enum draw {
	DRAW_GROUP = 1,
	DRAW_GROUP_MEMBERS,
	DRAW_GROUP_POINTS,
	DRAW_POINT,
	DRAW_CUSTOMER,
	DRAW_TOKEN,
	DRAW_TOKEN_CUSTOMER,
	DRAW_TOKEN_UID,
	DRAW_UNKNOWN_UID,
	DRAW_OVERRIDE,
	DRAW_CUSTOMER_ORDER,
};

enum {
	TARIFFS_MAX = 300,
	TARIFFS_MIN = 9,
	POINTS_PER_LOCATION = 4,
	UID_BITS = 44,         // of a uid between its first byte and its last digit
	UID_UNKNOWN_TAG = 0xF, // last digit: the section of the token, or this
	SHARED_UIDS = 64,      // one foreign token of so many has the uid of an own one
};

static const int64_t year_2015 = 1420070400, year_2020 = 1577836800, year_2100 = 4102444800;

static const struct {
	const char *country_code, *party_id;
} issuers[WORLD_ISSUERS] = {{"BE", "ECO"}, {"DE", "LAD"}, {"FR", "MOB"}, {"GB", "PNG"}, {"NL", "TNM"}};

uint64_t world_hash(uint64_t seed, uint32_t kind, uint64_t index)
{
	// The finalizer of splitmix64, twice: once over what is drawn, once over the index.
	uint64_t x = seed + (uint64_t)kind * 0x9e3779b97f4a7c15ull;
	for (int round = 0; round < 2; round++) {
		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
		x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
		x = (x ^ (x >> 31)) + (round == 0 ? index * 0x9e3779b97f4a7c15ull : 0);
	}
	return x;
}

// Spends the low part of a draw: true in `per_mille` of 1,000 cases.
static bool spend_chance(uint64_t *draw, uint32_t per_mille)
{
	const bool hit = *draw % 1000 < per_mille;
	*draw /= 1000;
	return hit;
}

// ---------------------------------------------------------------- the circle

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		const uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static uint64_t inverse_modulo(uint64_t value, uint64_t modulus)
{
	int64_t t = 0, next_t = 1;
	int64_t r = (int64_t)modulus, next_r = (int64_t)value;
	while (next_r != 0) {
		const int64_t quotient = r / next_r;
		const int64_t swap_t = t - quotient * next_t, swap_r = r - quotient * next_r;
		t = next_t;
		next_t = swap_t;
		r = next_r;
		next_r = swap_r;
	}
	return (uint64_t)(t < 0 ? t + (int64_t)modulus : t);
}

static void permutation_init(struct world_permutation *order, uint32_t count, uint64_t draw)
{
	// Near the golden section neighbours land far from each other.
	uint64_t factor = (uint64_t)count * 618 / 1000 + draw % (count / 16);
	while (greatest_common_divisor(factor, count) != 1)
		factor++;
	*order = (struct world_permutation){
		.count = count,
		.factor = factor % count,
		.inverse = inverse_modulo(factor % count, count),
		.offset = (draw >> 32) % count,
	};
}

static uint32_t position_of(const struct world_permutation *order, uint32_t index)
{
	return (uint32_t)((index * order->factor + order->offset) % order->count);
}

static uint32_t index_at(const struct world_permutation *order, uint32_t position)
{
	return (uint32_t)((position + order->count - order->offset) % order->count * order->inverse % order->count);
}

// The first group whose arc ends after `place`; the caller knows that there is one.
static uint32_t group_at(const uint32_t *ends, uint32_t groups, uint32_t place)
{
	uint32_t low = 0, high = groups - 1;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (ends[middle] > place)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static uint32_t arc_start(const uint32_t *ends, uint32_t group)
{
	return group == 0 ? 0 : ends[group - 1];
}

// ---------------------------------------------------------------- sizes

static bool is_home(const struct world *world, uint32_t group)
{
	return world_hash(world->seed, DRAW_GROUP, group) % 10 < 4;
}

// 2^low .. 2^(low + octaves): as many groups in every octave.
static uint32_t skewed(uint64_t draw, uint32_t low, uint32_t octaves)
{
	const uint32_t base = 1u << (low + draw % octaves);
	return base + (uint32_t)((draw >> 8) % base);
}

static uint32_t member_weight(const struct world *world, uint32_t group)
{
	const uint64_t draw = world_hash(world->seed, DRAW_GROUP_MEMBERS, group);
	if (is_home(world, group))
		return 1 + draw % 4;
	if (draw % 100 == 0)
		return 2000 + (uint32_t)((draw >> 8) % 6000);
	return skewed(draw >> 8, 2, 7);
}

static uint32_t point_weight(const struct world *world, uint32_t group)
{
	const uint64_t draw = world_hash(world->seed, DRAW_GROUP_POINTS, group);
	return is_home(world, group) ? 1 + (draw % 4 == 0) : skewed(draw, 0, 6);
}

// Arcs in proportion to the weights, `total` long together, none longer than `longest`.
static void lay_arcs(const struct world *world, uint32_t (*weight)(const struct world *, uint32_t), uint32_t total,
		     uint32_t longest, uint32_t *ends)
{
	uint64_t weights = 0, so_far = 0;
	for (uint32_t group = 0; group < world->groups; group++)
		weights += weight(world, group);
	uint32_t end = 0, end_wanted = 0;
	for (uint32_t group = 0; group < world->groups; group++) {
		so_far += weight(world, group);
		const uint32_t next_wanted = (uint32_t)(so_far * total / weights);
		const uint32_t length = next_wanted - end_wanted;
		end += length < longest ? length : longest;
		end_wanted = next_wanted;
		ends[group] = end;
	}
}

static void cut_sections(struct world *world)
{
	const uint32_t own_rfid = (uint32_t)((uint64_t)world->tokens * 82 / 100);
	const uint32_t own_app = (uint32_t)((uint64_t)world->tokens * 8 / 100);
	const uint32_t per_issuer = (world->tokens - own_rfid - own_app) / WORLD_ISSUERS;
	world->sections[0] = (struct world_section){.count = own_rfid, .type = TOKEN_TYPE_RFID, .issuer = WORLD_NONE};
	world->sections[1] = (struct world_section){
		.first = own_rfid, .count = own_app, .type = TOKEN_TYPE_APP_USER, .issuer = WORLD_NONE};
	uint32_t first = own_rfid + own_app;
	for (uint32_t issuer = 0; issuer < WORLD_ISSUERS; issuer++) {
		const uint32_t rest = world->tokens - first;
		world->sections[2 + issuer] = (struct world_section){
			.first = first,
			.count = issuer == WORLD_ISSUERS - 1 ? rest : per_issuer,
			.type = TOKEN_TYPE_RFID,
			.issuer = issuer,
		};
		first += per_issuer;
	}
}

static void set_counts(struct world *world)
{
	const uint32_t tokens = world->tokens, tariffs = tokens / 100;
	world->customers = (uint32_t)((uint64_t)tokens * 6 / 10);
	world->points = tokens / 10;
	world->groups = tokens / 100;
	world->tariffs = tariffs < TARIFFS_MIN ? TARIFFS_MIN : tariffs > TARIFFS_MAX ? TARIFFS_MAX : tariffs;
	world->tariffs_regular = world->tariffs * 2 / 3;
	world->attached_customers = (uint32_t)((uint64_t)world->customers * 7 / 10);
	world->attached_points = (uint32_t)((uint64_t)world->points * 97 / 100);
}

int world_init(struct world *world, uint32_t tokens, uint64_t seed)
{
	if (tokens < WORLD_TOKENS_MIN || tokens > WORLD_TOKENS_MAX)
		return -EINVAL;
	*world = (struct world){.seed = seed, .tokens = tokens};
	set_counts(world);
	cut_sections(world);
	permutation_init(&world->customer_order, world->customers, world_hash(seed, DRAW_CUSTOMER_ORDER, 0));
	world->member_ends = calloc(world->groups, sizeof(*world->member_ends));
	world->point_ends = calloc(world->groups, sizeof(*world->point_ends));
	if (!world->member_ends || !world->point_ends) {
		world_finish(world);
		return -ENOMEM;
	}
	lay_arcs(world, member_weight, tokens, world->attached_customers / 2, world->member_ends);
	lay_arcs(world, point_weight, world->attached_points, world->attached_points, world->point_ends);
	world->memberships = world->member_ends[world->groups - 1];
	return 0;
}

void world_finish(struct world *world)
{
	free(world->member_ends);
	free(world->point_ends);
	world->member_ends = world->point_ends = NULL;
}

// ---------------------------------------------------------------- objects

static const char *draw_user_group(uint64_t *draw)
{
	return spend_chance(draw, 150) ? "partner" : "";
}

void world_get_group(const struct world *world, uint32_t group, struct world_group *ret_group)
{
	const bool home = is_home(world, group);
	uint64_t draw = world_hash(world->seed, DRAW_GROUP, group) / 10; // the rest of what is_home() drew
	struct world_group result = {.type = home ? CHARGE_GROUP_TYPE_HOME : CHARGE_GROUP_TYPE_OTHER};
	result.user_group = draw_user_group(&draw);
	result.open_to_all_customers = spend_chance(&draw, 250) && !home;
	result.open_to_roaming = spend_chance(&draw, 200) && !home;
	const bool direct_payment = spend_chance(&draw, 500) && !home;
	result.tariff = (uint32_t)(draw % world->tariffs_regular);
	const uint32_t prepaid = world->tariffs - world->tariffs_regular;
	result.prepaid_tariff = direct_payment ? world->tariffs_regular + (uint32_t)(draw % prepaid) : WORLD_NONE;
	*ret_group = result;
}

void world_get_point(const struct world *world, uint32_t point, struct world_point *ret_point)
{
	uint64_t draw = world_hash(world->seed, DRAW_POINT, point);
	const bool attached = point < world->point_ends[world->groups - 1];
	const uint32_t group = attached ? group_at(world->point_ends, world->groups, point) : WORLD_NONE;
	// An office's group may hold the home chargers of its employees.
	const bool at_home = spend_chance(&draw, 30);
	*ret_point = (struct world_point){
		.location = point / POINTS_PER_LOCATION,
		.home_charger = at_home || (attached && is_home(world, group)),
		.group = group,
	};
}

void world_get_customer(const struct world *world, uint32_t customer, struct world_customer *ret_customer)
{
	uint64_t draw = world_hash(world->seed, DRAW_CUSTOMER, customer);
	struct world_customer result = {.user_group = draw_user_group(&draw)};
	result.prepaid = spend_chance(&draw, 80);
	result.blocked = spend_chance(&draw, 10);
	result.no_credit = spend_chance(&draw, 10);
	*ret_customer = result;
}

static const struct world_section *section_of(const struct world *world, uint32_t token)
{
	const struct world_section *section = &world->sections[0];
	while (token - section->first >= section->count)
		section++;
	return section;
}

static bool shares_uid(const struct world *world, const struct world_section *section, uint32_t token)
{
	return section->issuer != WORLD_NONE && world_hash(world->seed, DRAW_TOKEN_UID, token) % SHARED_UIDS == 0;
}

static void draw_validity(uint64_t *draw, struct world_token *token)
{
	token->blocked = spend_chance(draw, 10);
	if (spend_chance(draw, 10)) {
		token->valid_until = year_2020;
	} else if (spend_chance(draw, 10)) {
		token->valid_from = year_2100;
	} else if (spend_chance(draw, 200)) {
		token->valid_from = year_2015;
		token->valid_until = year_2100;
	}
}

void world_get_token(const struct world *world, uint32_t token, struct world_token *ret_token)
{
	static const enum whitelist whitelists[] = {
		WHITELIST_ALWAYS,  WHITELIST_ALWAYS,          WHITELIST_ALLOWED,         WHITELIST_ALLOWED,
		WHITELIST_ALLOWED, WHITELIST_ALLOWED_OFFLINE, WHITELIST_ALLOWED_OFFLINE, WHITELIST_NEVER};
	const struct world_section *section = section_of(world, token);
	uint64_t draw = world_hash(world->seed, DRAW_TOKEN, token);
	struct world_token result = {.type = section->type, .issuer = section->issuer, .customer = WORLD_NONE};
	draw_validity(&draw, &result);
	result.has_parent = spend_chance(&draw, 20);
	if (section->issuer == WORLD_NONE) {
		const uint64_t owner = world_hash(world->seed, DRAW_TOKEN_CUSTOMER, token);
		result.customer = (uint32_t)(owner % world->customers);
		result.roaming_allowed = spend_chance(&draw, 600);
	} else {
		result.whitelist = whitelists[draw % ARRAY_SIZE(whitelists)];
		result.shares_uid = shares_uid(world, section, token);
	}
	*ret_token = result;
}

const char *world_issuer_country(uint32_t issuer)
{
	return issuers[issuer].country_code;
}

const char *world_issuer_party(uint32_t issuer)
{
	return issuers[issuer].party_id;
}

// ---------------------------------------------------------------- who is where

uint32_t world_member_count(const struct world *world, uint32_t group)
{
	return world->member_ends[group] - arc_start(world->member_ends, group);
}

uint32_t world_member(const struct world *world, uint32_t group, uint32_t number)
{
	const uint32_t place = arc_start(world->member_ends, group) + number;
	return index_at(&world->customer_order, place % world->attached_customers);
}

uint32_t world_point_count(const struct world *world, uint32_t group)
{
	return world->point_ends[group] - arc_start(world->point_ends, group);
}

uint32_t world_point_in(const struct world *world, uint32_t group, uint32_t number)
{
	return arc_start(world->point_ends, group) + number;
}

bool world_is_member(const struct world *world, uint32_t group, uint32_t customer)
{
	const uint32_t circle = world->attached_customers, position = position_of(&world->customer_order, customer);
	if (position >= circle)
		return false;
	const uint32_t start = arc_start(world->member_ends, group) % circle;
	return (position + circle - start) % circle < world_member_count(world, group);
}

uint32_t world_override(const struct world *world, uint32_t group, uint32_t customer)
{
	const uint64_t member = ((uint64_t)group << 32) | customer;
	if (world_hash(world->seed, DRAW_OVERRIDE, member) % 10 != 0)
		return WORLD_NONE;
	// One other tariff per group: its staff's.
	return (uint32_t)(world_hash(world->seed, DRAW_OVERRIDE, group) % world->tariffs_regular);
}

uint32_t world_groups_of(const struct world *world, uint32_t customer, uint32_t *groups, uint32_t groups_max)
{
	const uint32_t position = position_of(&world->customer_order, customer);
	uint32_t count = 0;
	if (position >= world->attached_customers)
		return 0;
	for (uint32_t place = position; place < world->memberships; place += world->attached_customers) {
		if (count < groups_max)
			groups[count] = group_at(world->member_ends, world->groups, place);
		count++;
	}
	return count;
}

// ---------------------------------------------------------------- ids

static char *put_text(char *at, const char *text)
{
	return stpcpy(at, text);
}

static char *put_decimal(char *at, uint64_t number, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + number % 10);
		number /= 10;
	}
	at[digits] = '\0';
	return at + digits;
}

static char *put_hex(char *at, uint64_t number, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = "0123456789ABCDEF"[number % 16];
		number /= 16;
	}
	at[digits] = '\0';
	return at + digits;
}

uint32_t world_tariff_id(uint32_t tariff, char *text)
{
	return (uint32_t)(put_decimal(put_text(text, "tariff-"), tariff + 1, 4) - text);
}

uint32_t world_group_id(uint32_t group, char *text)
{
	return (uint32_t)(put_decimal(put_text(text, "group-"), group + 1, 6) - text);
}

uint32_t world_point_id(uint32_t point, char *text)
{
	return (uint32_t)(put_decimal(put_text(text, "NL*EVC*E"), point + 1, 7) - text);
}

uint32_t world_evse_id(uint32_t point, char *text)
{
	return (uint32_t)(put_text(text + world_point_id(point, text), "*1") - text);
}

uint32_t world_location_id(uint32_t location, char *text)
{
	return (uint32_t)(put_decimal(put_text(text, "loc-"), location + 1, 7) - text);
}

uint32_t world_customer_id(uint32_t customer, char *text)
{
	return (uint32_t)(put_decimal(put_text(text, "cust-"), customer + 1, 7) - text);
}

uint32_t world_customer_name(const struct world *world, uint32_t customer, char *text)
{
	static const char *const first_names[] = {"Daniel", "Sandra", "Robert", "Sophie", "Markus", "Esther",
						  "Jasper", "Noemie", "Thomas", "Ingrid", "Pieter", "Amelie"};
	static const char *const last_names[] = {"Vermeulen", "Willemsen", "Gerritsen", "Johansson", "Andersson",
						 "Fernandez", "Rodriguez", "van Leeuw", "Jansenius", "de Ruyter",
						 "Zimmerman", "Christens", "Lindqvist"};
	const uint64_t draw = world_hash(world->seed, DRAW_CUSTOMER, customer) >> 40;
	char *at = put_text(text, first_names[draw % ARRAY_SIZE(first_names)]);
	at = put_text(put_text(at, " "), last_names[(draw >> 8) % ARRAY_SIZE(last_names)]);
	return (uint32_t)(at - text);
}

uint32_t world_parent_id(const struct world *world, uint32_t token, char *text)
{
	const uint64_t draw = world_hash(world->seed, DRAW_TOKEN, token) >> 40;
	return (uint32_t)(put_decimal(put_text(text, "FLEET-"), draw % 1000 + 1, 4) - text);
}

// 04, the maker's byte of most RFID cards; then a number that grows with the token; then the section.
static uint32_t put_uid(char *text, uint64_t number, uint32_t tag)
{
	char *at = put_hex(put_text(text, "04"), number, UID_BITS / 4);
	return (uint32_t)(put_hex(at, tag, 1) - text);
}

static uint64_t uid_number(const struct world *world, const struct world_section *section, uint32_t token)
{
	const unsigned __int128 share = (unsigned __int128)(token - section->first) << UID_BITS;
	const uint64_t step = (1ull << UID_BITS) / section->count;
	return (uint64_t)(share / section->count) + (world_hash(world->seed, DRAW_TOKEN_UID, token) >> 8) % step;
}

// An own token whose uid falls where this token's own would: sections stay in order.
static uint32_t token_with_shared_uid(const struct world *world, const struct world_section *section, uint32_t token)
{
	return (uint32_t)((uint64_t)(token - section->first) * world->sections[0].count / section->count) + 1;
}

uint32_t world_token_uid(const struct world *world, uint32_t token, char *text)
{
	const struct world_section *section = section_of(world, token);
	if (shares_uid(world, section, token))
		return world_token_uid(world, token_with_shared_uid(world, section, token), text);
	return put_uid(text, uid_number(world, section, token), (uint32_t)(section - world->sections));
}

uint32_t world_unknown_uid(const struct world *world, uint64_t number, char *text)
{
	const uint64_t draw = world_hash(world->seed, DRAW_UNKNOWN_UID, number);
	return put_uid(text, draw % (1ull << UID_BITS), UID_UNKNOWN_TAG);
}

uint32_t world_contract_id(const struct world *world, uint32_t token, char *text)
{
	struct world_token facts;
	world_get_token(world, token, &facts);
	const bool own = facts.issuer == WORLD_NONE;
	char *at = put_text(text, own ? "NL" : issuers[facts.issuer].country_code);
	at = put_text(put_text(at, own ? "EVC" : issuers[facts.issuer].party_id), "C");
	return (uint32_t)(put_decimal(at, (own ? facts.customer : token) + 1, 8) - text);
}
