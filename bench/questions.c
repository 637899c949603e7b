// SPDX-License-Identifier: Apache-2.0
#include "bench/questions.h"

#include "bench/zipf.h"

#include <ctype.h>

enum {
	TRIES_MAX = 1000, // for a question with the answer wanted; then any will do, its answer is known as well
	GROUPS_OF_CUSTOMER_MAX = 8,
};

// One series of numbers per question.
struct dice {
	uint64_t seed;
	uint32_t kind; // grows with every throw
	uint64_t number;
	double zipf_theta; // of draw(); 0: uniform
};

static uint32_t throw(struct dice * dice, uint32_t sides)
{
	return (uint32_t)(world_hash(dice->seed, dice->kind++, dice->number) >> 16) % sides;
}

// A rank's place among `count`. Ids are in the order of the indexes: the frequent ones must not be neighbours.
static uint32_t scatter(uint32_t rank, uint32_t count)
{
	const uint64_t prime = 2654435761; // above any count, so this permutes
	return (uint32_t)(rank * prime % count);
}

// One of `count` tokens or points.
static uint32_t draw(struct dice *dice, uint32_t count)
{
	struct zipf zipf;
	uint32_t rank;
	if (dice->zipf_theta == 0)
		return throw(dice, count);
	zipf_init(&zipf, count, dice->zipf_theta);
	while (!zipf_try(&zipf, (double)(world_hash(dice->seed, dice->kind++, dice->number) >> 11) * 0x1p-53, &rank))
		continue;
	return scatter(rank, count);
}

// ---------------------------------------------------------------- who asks where

static uint32_t own_token(const struct world *world, struct dice *dice)
{
	return draw(dice, world->sections[2].first);
}

static uint32_t foreign_token(const struct world *world, struct dice *dice)
{
	const uint32_t first = world->sections[2].first;
	return first + draw(dice, world->tokens - first);
}

// A point of a group the token's customer is attached to; any point when there is none.
static uint32_t point_of_member(const struct world *world, struct dice *dice, uint32_t token)
{
	struct world_token facts;
	uint32_t groups[GROUPS_OF_CUSTOMER_MAX];
	world_get_token(world, token, &facts);
	uint32_t count = world_groups_of(world, facts.customer, groups, GROUPS_OF_CUSTOMER_MAX);
	count = count < GROUPS_OF_CUSTOMER_MAX ? count : GROUPS_OF_CUSTOMER_MAX;
	if (count == 0)
		return draw(dice, world->points);
	const uint32_t group = groups[throw(dice, count)];
	const uint32_t points = world_point_count(world, group);
	return points == 0 ? draw(dice, world->points) : world_point_in(world, group, throw(dice, points));
}

static void ask_own(const struct world *world, struct dice *dice, enum verdict wanted, struct question *question)
{
	// Members are denied as well: blocked, expired, out of credit.
	const bool as_member = throw(dice, 5) < (wanted == VERDICT_ALLOWED ? 3 : 1);
	const bool unknown_point = wanted == VERDICT_DENIED && throw(dice, 20) == 0;
	for (uint32_t i = 0; i < TRIES_MAX && question->answer.verdict != wanted; i++) {
		question->asked =
			(struct world_question){.caller = WORLD_CALLER_TOKEN, .token = own_token(world, dice)};
		if (unknown_point)
			question->asked.point = world->points + throw(dice, 1000);
		else if (as_member)
			question->asked.point = point_of_member(world, dice, question->asked.token);
		else
			question->asked.point = draw(dice, world->points);
		world_answer(world, &question->asked, &question->answer);
	}
}

static void ask_allowed(const struct world *world, struct dice *dice, struct question *question)
{
	ask_own(world, dice, VERDICT_ALLOWED, question);
}

static void ask_denied(const struct world *world, struct dice *dice, struct question *question)
{
	ask_own(world, dice, VERDICT_DENIED, question);
}

static void ask_unknown(const struct world *world, struct dice *dice, struct question *question)
{
	const bool direct = throw(dice, 10) == 0;
	question->asked = (struct world_question){
		.caller = direct ? WORLD_CALLER_DIRECT_PAYMENT : WORLD_CALLER_UNKNOWN,
		.token = throw(dice, 1u << 30),
		.point = draw(dice, world->points),
	};
	world_answer(world, &question->asked, &question->answer);
}

static void ask_foreign(const struct world *world, struct dice *dice, struct question *question)
{
	// Most points are closed to roaming; half of the questions are about one that is not.
	const uint32_t tries = throw(dice, 2) == 0 ? 1 : TRIES_MAX;
	question->answer.reason = REASON_ROAMING_OFF;
	for (uint32_t i = 0; i < tries && question->answer.reason == REASON_ROAMING_OFF; i++) {
		question->asked = (struct world_question){
			.caller = WORLD_CALLER_TOKEN,
			.token = foreign_token(world, dice),
			.point = draw(dice, world->points),
		};
		world_answer(world, &question->asked, &question->answer);
	}
}

// ---------------------------------------------------------------- how it is spelled

static void lower_case(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static void name_caller(const struct world *world, struct dice *dice, struct question *question)
{
	struct authorize_request *request = &question->request;
	char *uid = question->texts[0];
	if (question->asked.caller == WORLD_CALLER_DIRECT_PAYMENT) {
		request->token_type = TOKEN_TYPE_AD_HOC_USER;
		return;
	}
	const bool names_type = throw(dice, 2) == 0, names_issuer = throw(dice, 8) == 0;
	if (question->asked.caller == WORLD_CALLER_UNKNOWN) {
		world_unknown_uid(world, question->asked.token, uid);
		request->token_type = names_type ? TOKEN_TYPE_RFID : TOKEN_TYPE_UNSPECIFIED;
	} else {
		struct world_token token;
		world_get_token(world, question->asked.token, &token);
		world_token_uid(world, question->asked.token, uid);
		request->token_type = names_type ? token.type : TOKEN_TYPE_UNSPECIFIED;
		if (token.shares_uid || (names_issuer && token.issuer != WORLD_NONE)) {
			question->issuer.country_code = bytes_from(world_issuer_country(token.issuer));
			question->issuer.party_id = bytes_from(world_issuer_party(token.issuer));
			request->issuer = &question->issuer;
		}
	}
	if (throw(dice, 16) == 0)
		lower_case(uid);
	request->token_uid = bytes_from(uid);
}

static void name_point(struct dice *dice, struct question *question)
{
	const uint32_t way = throw(dice, 16); // 0, 1: by EVSE; 2: both
	if (way > 1) {
		world_point_id(question->asked.point, question->texts[1]);
		question->request.charge_point_id = bytes_from(question->texts[1]);
	}
	if (way <= 2) {
		world_evse_id(question->asked.point, question->texts[2]);
		question->request.evse_id = bytes_from(question->texts[2]);
	}
}

void question_make(const struct world *world, const struct question_mix *mix, uint64_t seed, uint64_t number,
		   struct question *ret_question)
{
	const struct {
		uint32_t share;
		void (*ask)(const struct world *world, struct dice *dice, struct question *question);
	} kinds[] = {
		{mix->allowed, ask_allowed},
		{mix->denied, ask_denied},
		{mix->unknown, ask_unknown},
		{mix->foreign, ask_foreign},
	};
	struct dice dice = {.seed = seed, .kind = 1, .number = number, .zipf_theta = mix->zipf_theta};
	uint32_t kind = 0, place = throw(&dice, mix->allowed + mix->denied + mix->unknown + mix->foreign);
	while (place >= kinds[kind].share)
		place -= kinds[kind++].share;
	*ret_question = (struct question){0};
	kinds[kind].ask(world, &dice, ret_question);
	name_caller(world, &dice, ret_question);
	name_point(&dice, ret_question);
}
