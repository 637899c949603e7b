// SPDX-License-Identifier: Apache-2.0
// redis-server with the world in hashes, laid out as bench/decide.lua reads them.
#include "bench/brief.h"
#include "bench/peer_redis.h"
#include "bench/protocol_lua.h"
#include "bench/protocol_resp.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 130, KEY_SIZE = 64 };

// One command being put together. Fields of no value are left out.
struct command {
	struct bytes words[WORDS_MAX];
	uint32_t count;
};

static void add(struct command *command, const char *word)
{
	command->words[command->count++] = bytes_from(word);
}

static void add_field(struct command *command, const char *field, const char *value)
{
	if (value[0] == '\0')
		return;
	add(command, field);
	add(command, value);
}

static void add_flag(struct command *command, const char *field, bool is_set)
{
	add_field(command, field, is_set ? "1" : "");
}

static struct command command_of(const char *name, const char *key)
{
	struct command command = {.count = 0};
	add(&command, name);
	add(&command, key);
	return command;
}

static void send(struct fill *fill, const struct command *command)
{
	redis_command(fill, command->words, command->count);
}

// ---------------------------------------------------------------- objects

static void fill_group(const struct world *world, uint32_t index, struct fill *fill)
{
	struct world_group facts;
	char id[WORLD_TEXT_SIZE], tariff[WORLD_TEXT_SIZE], prepaid[WORLD_TEXT_SIZE] = "", key[KEY_SIZE];
	world_get_group(world, index, &facts);
	world_group_id(index, id);
	world_tariff_id(facts.tariff, tariff);
	if (facts.prepaid_tariff != WORLD_NONE)
		world_tariff_id(facts.prepaid_tariff, prepaid);
	snprintf(key, sizeof(key), "group:%s", id);
	struct command command = command_of("HSET", key);
	add_field(&command, "tariff", tariff);
	add_field(&command, "prepaid_tariff", prepaid);
	add_flag(&command, "open_to_all", facts.open_to_all_customers);
	add_flag(&command, "open_to_roaming", facts.open_to_roaming);
	add_field(&command, "user_group", facts.user_group);
	send(fill, &command);
}

static void fill_point(const struct world *world, uint32_t index, struct fill *fill)
{
	struct world_point facts;
	char id[WORLD_TEXT_SIZE], evse[WORLD_TEXT_SIZE], group[WORLD_TEXT_SIZE] = "", key[KEY_SIZE];
	world_get_point(world, index, &facts);
	world_point_id(index, id);
	world_evse_id(index, evse);
	if (facts.group != WORLD_NONE)
		world_group_id(facts.group, group);
	snprintf(key, sizeof(key), "point:%s", id);
	struct command command = command_of("SET", key);
	add(&command, group);
	send(fill, &command);
	snprintf(key, sizeof(key), "evse:%s", evse);
	command = command_of("HSET", key);
	add_field(&command, "point", id);
	add_field(&command, "group", group);
	send(fill, &command);
}

static void fill_customer(const struct world *world, uint32_t index, struct fill *fill)
{
	struct world_customer facts;
	char id[WORLD_TEXT_SIZE], key[KEY_SIZE];
	world_get_customer(world, index, &facts);
	world_customer_id(index, id);
	snprintf(key, sizeof(key), "customer:%s", id);
	struct command command = command_of("HSET", key);
	add_field(&command, "payment", facts.prepaid ? "PREPAID" : "CONTRACT");
	add_field(&command, "user_group", facts.user_group);
	add_flag(&command, "blocked", facts.blocked);
	add_flag(&command, "no_credit", facts.no_credit);
	send(fill, &command);
}

static void number_text(int64_t number, char text[24])
{
	snprintf(text, 24, "%" PRId64, number);
}

static void fill_token_at(const char *key, const struct world_token *facts, struct fill *fill)
{
	char type[24], from[24], until[24], whitelist[24], customer[WORLD_TEXT_SIZE] = "";
	number_text(facts->type, type);
	number_text(facts->valid_from, from);
	number_text(facts->valid_until, until);
	number_text(facts->whitelist, whitelist);
	if (facts->customer != WORLD_NONE)
		world_customer_id(facts->customer, customer);
	struct command command = command_of("HSET", key);
	add_field(&command, "type", type);
	add_field(&command, "customer", customer);
	add_flag(&command, "blocked", facts->blocked);
	add_field(&command, "valid_from", facts->valid_from == 0 ? "" : from);
	add_field(&command, "valid_until", facts->valid_until == 0 ? "" : until);
	add_flag(&command, "roaming", facts->roaming_allowed);
	add_field(&command, "whitelist", facts->whitelist == 0 ? "" : whitelist);
	send(fill, &command);
}

static void fill_token(const struct world *world, uint32_t index, struct fill *fill)
{
	struct world_token facts;
	char uid[WORLD_TEXT_SIZE], key[KEY_SIZE];
	world_get_token(world, index, &facts);
	world_token_uid(world, index, uid);
	if (facts.issuer != WORLD_NONE) {
		snprintf(key, sizeof(key), "token:%s*%s:%s", world_issuer_country(facts.issuer),
			 world_issuer_party(facts.issuer), uid);
		fill_token_at(key, &facts, fill);
	}
	snprintf(key, sizeof(key), "token:%s", uid);
	if (!facts.shares_uid)
		fill_token_at(key, &facts, fill);
}

static void fill_members(const struct world *world, uint32_t group, struct fill *fill)
{
	enum { MEMBERS_PER_COMMAND = (WORDS_MAX - 2) / 2 };
	char id[WORLD_TEXT_SIZE], key[KEY_SIZE];
	const uint32_t count = world_member_count(world, group);
	world_group_id(group, id);
	snprintf(key, sizeof(key), "members:%s", id);
	for (uint32_t first = 0; first < count; first += MEMBERS_PER_COMMAND) {
		char customers[MEMBERS_PER_COMMAND][WORLD_TEXT_SIZE], tariffs[MEMBERS_PER_COMMAND][WORLD_TEXT_SIZE];
		struct command command = command_of("HSET", key);
		for (uint32_t i = 0; i < MEMBERS_PER_COMMAND && first + i < count; i++) {
			const uint32_t customer = world_member(world, group, first + i);
			const uint32_t override = world_override(world, group, customer);
			world_customer_id(customer, customers[i]);
			tariffs[i][0] = '\0';
			if (override != WORLD_NONE)
				world_tariff_id(override, tariffs[i]);
			add(&command, customers[i]);
			add(&command, tariffs[i]);
		}
		send(fill, &command);
	}
}

static void fill_world(const struct world *world, struct fill *fill)
{
	const struct {
		uint32_t count;
		void (*fill)(const struct world *world, uint32_t index, struct fill *fill);
	} kinds[] = {
		{world->groups, fill_group}, {world->points, fill_point},   {world->customers, fill_customer},
		{world->tokens, fill_token}, {world->groups, fill_members},
	};
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		for (uint32_t index = 0; index < kinds[kind].count && fill->error == 0; index++)
			kinds[kind].fill(world, index, fill);
	}
}

// ---------------------------------------------------------------- the peer

static int fill_server(const struct peer_setup *setup, const struct peer *peer, struct lua_call *call,
		       struct fault *fault)
{
	const struct bytes load[] = {BYTES_LITERAL("SCRIPT"), BYTES_LITERAL("LOAD"), bytes_from(lua_script)};
	char answer[FILL_ANSWER_SIZE] = "";
	struct fill *fill = malloc(sizeof(*fill));
	int error = fill ? fill_open(fill, peer->address, &protocol_resp, fault) : -ENOMEM;
	if (error == 0) {
		fill_world(setup->world, fill);
		redis_command(fill, load, ARRAY_SIZE(load));
		error = fill_flush(fill, answer);
		snprintf(call->sha, sizeof(call->sha), "%.*s", LUA_SHA_SIZE, answer);
		const int close_error = fill_close(fill);
		error = error < 0 ? error : close_error;
	}
	free(fill);
	return error;
}

static int open_lua(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	struct lua_call call = {.now = clock_wall_s()};
	int error = redis_start(setup, program, "redis-lua", peer, fault);
	if (error == 0)
		error = fill_server(setup, peer, &call, fault);
	if (error < 0)
		return error;
	const struct brief_options options = {
		.world = setup->world,
		.mix = setup->mix,
		.seed = setup->seed,
		.count = setup->requests,
		.encode = lua_encode,
		.context = &call,
	};
	error = brief_requests_create(&options, &peer->requests);
	if (error < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "preparing requests: %s", strerror(-error));
	peer->protocol = protocol_resp;
	peer->protocol.is_right = brief_is_right;
	return error;
}

static void close_lua(struct peer *peer)
{
	brief_requests_destroy(&peer->requests);
}

const struct peer_class peer_class_redis_lua = {
	.name = "lua",
	.what = "redis-server, the same decision in Lua",
	.package = "redis-server",
	.program = "redis-server",
	.open = open_lua,
	.close = close_lua,
	.explain_wrong = brief_explain_wrong,
};
