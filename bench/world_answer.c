// SPDX-License-Identifier: Apache-2.0
// The numbers are the lines of the decision table, DESIGN 1.2.
#include "bench/world_answer.h"

#include <string.h>

static struct world_answer denied(enum reason reason)
{
	return (struct world_answer){.verdict = VERDICT_DENIED, .reason = reason, .tariff = WORLD_NONE};
}

static struct world_answer allowed(enum access access, uint32_t tariff)
{
	return (struct world_answer){
		.verdict = VERDICT_ALLOWED, .reason = REASON_OK, .access = access, .tariff = tariff};
}

static struct world_answer ask_issuer(enum reason reason, enum verdict offline_verdict, uint32_t tariff)
{
	return (struct world_answer){
		.verdict = VERDICT_ASK_ISSUER,
		.reason = reason,
		.access = ACCESS_ROAMING,
		.offline_verdict = offline_verdict,
		.tariff = tariff,
	};
}

// 5-7. The world's limits are 2015 and 2020 or 2100: now lies between the last two.
static enum reason token_reason(const struct world_token *token)
{
	const int64_t between = 2000000000;
	if (token->blocked)
		return REASON_TOKEN_BLOCKED;
	if (token->valid_from > between)
		return REASON_TOKEN_NOT_YET_VALID;
	return token->valid_until != 0 && token->valid_until < between ? REASON_TOKEN_EXPIRED : REASON_OK;
}

static uint32_t group_tariff(const struct world_group *group, bool prepaid)
{
	return prepaid && group->prepaid_tariff != WORLD_NONE ? group->prepaid_tariff : group->tariff;
}

static struct world_answer answer_stranger(const struct world_group *group, enum world_caller caller)
{
	if (caller == WORLD_CALLER_UNKNOWN) // 4, 4b
		return group->open_to_roaming ? ask_issuer(REASON_UNKNOWN_TOKEN, VERDICT_DENIED, group->tariff)
					      : denied(REASON_UNKNOWN_TOKEN);
	if (!group->open_to_roaming) // 3b
		return denied(REASON_ROAMING_OFF);
	return allowed(ACCESS_DIRECT_PAYMENT, group_tariff(group, true)); // 3
}

// 17-22
static struct world_answer answer_foreign(const struct world_group *group, const struct world_token *token)
{
	const enum reason reason = token_reason(token);
	if (!group->open_to_roaming)
		return denied(REASON_ROAMING_OFF);
	switch (token->whitelist) {
	case WHITELIST_ALWAYS:
		return reason == REASON_OK ? allowed(ACCESS_ROAMING, group->tariff) : denied(reason);
	case WHITELIST_ALLOWED:
		return reason == REASON_OK ? allowed(ACCESS_ROAMING, group->tariff)
					   : ask_issuer(reason, VERDICT_DENIED, group->tariff);
	case WHITELIST_ALLOWED_OFFLINE:
		return ask_issuer(REASON_ISSUER_DECIDES, reason == REASON_OK ? VERDICT_ALLOWED : VERDICT_DENIED,
				  group->tariff);
	default:
		return ask_issuer(REASON_ISSUER_DECIDES, VERDICT_DENIED, group->tariff);
	}
}

// 9-14: REASON_OK and the access, or why not.
static enum reason access_of(const struct world_group *group, const struct world_customer *customer,
			     const struct world_token *token, bool member, enum access *ret_access)
{
	const bool own = strcmp(group->user_group, customer->user_group) == 0;
	*ret_access = member ? ACCESS_MEMBER : own ? ACCESS_ALL_CUSTOMERS : ACCESS_ROAMING;
	if (member)
		return REASON_OK;
	if (own)
		return group->open_to_all_customers || group->open_to_roaming ? REASON_OK : REASON_NOT_ATTACHED;
	if (!group->open_to_roaming)
		return REASON_ROAMING_OFF;
	return token->roaming_allowed ? REASON_OK : REASON_NO_ROAMING_CONSENT;
}

// 5-16
static struct world_answer answer_own(const struct world *world, uint32_t group_index, const struct world_group *group,
				      const struct world_token *token)
{
	struct world_customer customer;
	world_get_customer(world, token->customer, &customer);
	const bool member = world_is_member(world, group_index, token->customer);
	enum reason reason = token_reason(token);
	if (reason == REASON_OK && customer.blocked) // 8
		reason = REASON_CUSTOMER_BLOCKED;
	enum access access = ACCESS_UNSPECIFIED;
	if (reason == REASON_OK)
		reason = access_of(group, &customer, token, member, &access);
	if (reason == REASON_OK && customer.no_credit) // 15
		reason = REASON_NO_CREDIT;
	if (reason != REASON_OK)
		return denied(reason);
	const uint32_t override = member ? world_override(world, group_index, token->customer) : WORLD_NONE;
	return allowed(access, override != WORLD_NONE ? override : group_tariff(group, customer.prepaid));
}

void world_answer(const struct world *world, const struct world_question *question, struct world_answer *ret_answer)
{
	if (question->point >= world->points) { // 1
		*ret_answer = denied(REASON_UNKNOWN_CHARGE_POINT);
		return;
	}
	struct world_point point;
	world_get_point(world, question->point, &point);
	if (point.group == WORLD_NONE) { // 2
		*ret_answer = denied(REASON_NO_CHARGE_GROUP);
		return;
	}
	struct world_group group;
	world_get_group(world, point.group, &group);
	if (question->caller != WORLD_CALLER_TOKEN) {
		*ret_answer = answer_stranger(&group, question->caller);
		return;
	}
	struct world_token token;
	world_get_token(world, question->token, &token);
	*ret_answer = token.issuer != WORLD_NONE ? answer_foreign(&group, &token)
						 : answer_own(world, point.group, &group, &token);
}
