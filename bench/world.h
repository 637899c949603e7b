// SPDX-License-Identifier: Apache-2.0
// A deterministic world of charge groups (docs/performance.md "The world"): every object is computed from its index,
// so the generator, the load tool and the tests agree on customer i, token i, point j and group k, and on the right
// answer for any (token, point), without storing any of them.
//
// Per 1,000,000 tokens: 600,000 customers, 100,000 points, 10,000 groups, 1,000,000 memberships, 300 tariffs.
// The indexes of every kind are in the order of the compare forms of their ids.
//
// How membership is computed: the customers who are attached anywhere stand on a circle in an order that an affine
// permutation gives; each group takes an arc of it, one arc starting where the last one ended, lap after lap. So
// "is c in g" is one subtraction, and "which groups is c in" one search per lap. Points: one lap, in the order of their
// numbers: those of a group were put up side by side.
//
// Reading a world is pure and safe from any thread.
#pragma once

#include "base/check.h"
#include "proto/messages.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	WORLD_TOKENS_MIN = 1000,
	WORLD_TOKENS_MAX = 16000000,
	WORLD_ISSUERS = 5,
	WORLD_SECTIONS = 2 + WORLD_ISSUERS, // of the tokens: own RFID, own APP_USER, one per issuer
	WORLD_TEXT_SIZE = 24,               // of every id and name below, with its NUL
};

#define WORLD_NONE UINT32_MAX // no such object

// A run of tokens of one type and one issuer.
struct world_section {
	uint32_t first;
	uint32_t count;
	enum token_type type;
	uint32_t issuer; // WORLD_NONE: own tokens
};

// index -> position on the circle and back, both modulo `count`.
struct world_permutation {
	uint64_t count, factor, inverse, offset;
};

struct world {
	uint64_t seed;
	uint32_t tokens, customers, points, groups, tariffs;
	uint32_t tariffs_regular;    // the ones after these are for direct payment
	uint32_t attached_customers; // length of the circle
	uint32_t attached_points;
	uint32_t memberships;
	struct world_section sections[WORLD_SECTIONS];
	struct world_permutation customer_order;
	uint32_t *member_ends; // per group: where its arc ends, counted over all laps
	uint32_t *point_ends;
};

// -EINVAL outside of WORLD_TOKENS_MIN..MAX, -ENOMEM. The world owns two small arrays (8 bytes per group).
MUST_CHECK int world_init(struct world *world, uint32_t tokens, uint64_t seed);
void world_finish(struct world *world);

// A well mixed number that depends on all three arguments: the source of every attribute.
uint64_t world_hash(uint64_t seed, uint32_t kind, uint64_t index);

// ---------------------------------------------------------------- objects

struct world_group {
	enum charge_group_type type;
	uint32_t tariff;
	uint32_t prepaid_tariff; // or WORLD_NONE
	bool open_to_all_customers;
	bool open_to_roaming;
	const char *user_group;
};

struct world_point {
	uint32_t location;
	bool home_charger;
	uint32_t group; // or WORLD_NONE
};

struct world_customer {
	const char *user_group;
	bool prepaid;
	bool blocked;
	bool no_credit;
};

struct world_token {
	enum token_type type;
	uint32_t customer; // or WORLD_NONE: a foreign token
	uint32_t issuer;   // or WORLD_NONE: an own token
	bool blocked;
	bool roaming_allowed;
	bool shares_uid; // foreign, and an own token has the same uid: a request has to name the issuer
	bool has_parent;
	int64_t valid_from; // far in the past or the future, as is valid_until: what is right does not depend on now
	int64_t valid_until;
	enum whitelist whitelist;
};

void world_get_group(const struct world *world, uint32_t group, struct world_group *ret_group);
void world_get_point(const struct world *world, uint32_t point, struct world_point *ret_point);
void world_get_customer(const struct world *world, uint32_t customer, struct world_customer *ret_customer);
void world_get_token(const struct world *world, uint32_t token, struct world_token *ret_token);

const char *world_issuer_country(uint32_t issuer);
const char *world_issuer_party(uint32_t issuer);

// ---------------------------------------------------------------- who is where

bool world_is_member(const struct world *world, uint32_t group, uint32_t customer);
// The tariff of the membership, or WORLD_NONE: the group's.
uint32_t world_override(const struct world *world, uint32_t group, uint32_t customer);
// The groups `customer` is attached to, in no order. How many; at most `groups_max` are written.
uint32_t world_groups_of(const struct world *world, uint32_t customer, uint32_t *groups, uint32_t groups_max);
uint32_t world_member_count(const struct world *world, uint32_t group);
uint32_t world_member(const struct world *world, uint32_t group, uint32_t number); // a customer
uint32_t world_point_count(const struct world *world, uint32_t group);
uint32_t world_point_in(const struct world *world, uint32_t group, uint32_t number); // a charge point

// ---------------------------------------------------------------- ids

// Each writes a terminated text of at most WORLD_TEXT_SIZE bytes and returns its length. Any index is fine: one past
// the world gives the id of an object that is not in it.
uint32_t world_tariff_id(uint32_t tariff, char *text);                                  // tariff-0001
uint32_t world_group_id(uint32_t group, char *text);                                    // group-000001
uint32_t world_point_id(uint32_t point, char *text);                                    // NL*EVC*E0000001
uint32_t world_evse_id(uint32_t point, char *text);                                     // NL*EVC*E0000001*1
uint32_t world_location_id(uint32_t location, char *text);                              // loc-0000001
uint32_t world_customer_id(uint32_t customer, char *text);                              // cust-0000001
uint32_t world_customer_name(const struct world *world, uint32_t customer, char *text); // 16 bytes
uint32_t world_parent_id(const struct world *world, uint32_t token, char *text);        // FLEET-0001
// 14 upper-case hexadecimal digits.
uint32_t world_token_uid(const struct world *world, uint32_t token, char *text);
// A uid that no token has.
uint32_t world_unknown_uid(const struct world *world, uint64_t number, char *text);
uint32_t world_contract_id(const struct world *world, uint32_t token, char *text); // 14 characters
