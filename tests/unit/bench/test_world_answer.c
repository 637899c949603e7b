// SPDX-License-Identifier: Apache-2.0
// The generated lines, read back into plain lists and decided naively, line by line of DESIGN 1.2, against the
// formulas: the text that is imported and the answers that are expected describe the same world.
#include "base/arena.h"
#include "bench/generate.h"
#include "bench/world_answer.h"
#include "proto/json.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TOKENS = 1000, SEED = 6, LINE_SIZE = 16384, NOW = 1800000000 };

static struct world world;
static struct arena arena;
static struct change **changes;
static uint32_t change_count;

static void read_back(FILE *file)
{
	static char line[LINE_SIZE];
	changes = calloc(10 * TOKENS, sizeof(struct change *));
	change_count = 0;
	while (fgets(line, sizeof(line), file)) {
		struct fault fault = {0};
		const struct bytes text = arena_copy(&arena, bytes_from(line));
		ck_assert_msg(json_decode(&schema_change, text, &arena, &changes[change_count], &fault) == 0, "%s: %s",
			      line, fault.message);
		change_count++;
	}
}

static void setup(void)
{
	struct line_writer *writer = malloc(sizeof(*writer));
	struct generate_counts counts;
	FILE *file = tmpfile();
	ck_assert_int_eq(world_init(&world, TOKENS, SEED), 0);
	line_writer_init(writer, fileno(file));
	ck_assert_int_eq(generate_world(&world, writer, &counts), 0);
	free(writer);
	arena_init(&arena, 1024 * 1024, 256 * 1024 * 1024);
	rewind(file);
	read_back(file);
	fclose(file);
	ck_assert_uint_eq(change_count, counts.lines);
}

static void teardown(void)
{
	free(changes);
	arena_finish(&arena);
	world_finish(&world);
}

// ---------------------------------------------------------------- the naive model

static bool same(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

static bool is_listed(const struct bytes *ids, size_t count, struct bytes id)
{
	for (size_t i = 0; i < count; i++) {
		if (same(ids[i], id))
			return true;
	}
	return false;
}

static void *find(enum change_kind kind, struct bytes id)
{
	for (uint32_t i = 0; i < change_count; i++) {
		// The id is the first field of every object.
		if (changes[i]->kind == kind && same(*(struct bytes *)changes[i]->change, id))
			return changes[i]->change;
	}
	return NULL;
}

static struct charge_group *group_of(struct bytes point)
{
	for (uint32_t i = 0; i < change_count; i++) {
		const struct attach_charge_points *attach = changes[i]->attach_charge_points;
		if (changes[i]->kind == CHANGE_ATTACH_CHARGE_POINTS &&
		    is_listed(attach->charge_point_ids, attach->charge_point_ids_count, point))
			return find(CHANGE_PUT_CHARGE_GROUP, attach->charge_group_id);
	}
	return NULL;
}

static const struct attach_customers *membership_of(struct bytes group, struct bytes customer)
{
	for (uint32_t i = 0; i < change_count; i++) {
		const struct attach_customers *attach = changes[i]->attach_customers;
		if (changes[i]->kind == CHANGE_ATTACH_CUSTOMERS && same(attach->charge_group_id, group) &&
		    is_listed(attach->customer_ids, attach->customer_ids_count, customer))
			return attach;
	}
	return NULL;
}

// What a model's answer is made of; the tariff by its id.
struct model_answer {
	enum verdict verdict, offline_verdict;
	enum reason reason;
	enum access access;
	struct bytes tariff_id;
};

static enum reason lines_5_to_7(const struct token *token)
{
	if (token->blocked)
		return REASON_TOKEN_BLOCKED;
	if (NOW < token->valid_from)
		return REASON_TOKEN_NOT_YET_VALID;
	if (token->valid_until && NOW >= token->valid_until)
		return REASON_TOKEN_EXPIRED;
	return REASON_OK;
}

static struct model_answer deny(enum reason reason)
{
	return (struct model_answer){.verdict = VERDICT_DENIED, .reason = reason};
}

static struct model_answer decide_foreign(const struct charge_group *group, const struct token *token)
{
	const enum reason reason = lines_5_to_7(token);
	struct model_answer answer = {.access = ACCESS_ROAMING, .tariff_id = group->tariff_id, .reason = reason};
	if (!group->open_to_roaming)
		return deny(REASON_ROAMING_OFF);
	if (token->whitelist == WHITELIST_ALWAYS && reason != REASON_OK)
		return deny(reason);
	if ((token->whitelist == WHITELIST_ALWAYS || token->whitelist == WHITELIST_ALLOWED) && reason == REASON_OK) {
		answer.verdict = VERDICT_ALLOWED;
		return answer;
	}
	answer.verdict = VERDICT_ASK_ISSUER;
	answer.offline_verdict = VERDICT_DENIED;
	if (token->whitelist != WHITELIST_ALLOWED) {
		answer.reason = REASON_ISSUER_DECIDES;
		if (token->whitelist == WHITELIST_ALLOWED_OFFLINE && reason == REASON_OK)
			answer.offline_verdict = VERDICT_ALLOWED;
	}
	return answer;
}

static struct model_answer decide_own(const struct charge_group *group, const struct token *token)
{
	const struct customer *customer = find(CHANGE_PUT_CUSTOMER, token->customer_id);
	const struct attach_customers *membership = membership_of(group->id, token->customer_id);
	const bool own = same(group->user_group, customer->user_group);
	struct model_answer answer = {.verdict = VERDICT_ALLOWED, .reason = REASON_OK, .tariff_id = group->tariff_id};
	if (lines_5_to_7(token) != REASON_OK)
		return deny(lines_5_to_7(token));
	if (customer->blocked)
		return deny(REASON_CUSTOMER_BLOCKED);
	if (membership)
		answer.access = ACCESS_MEMBER;
	else if (own && (group->open_to_all_customers || group->open_to_roaming))
		answer.access = ACCESS_ALL_CUSTOMERS;
	else if (own)
		return deny(REASON_NOT_ATTACHED);
	else if (group->open_to_roaming && !token->roaming_allowed)
		return deny(REASON_NO_ROAMING_CONSENT);
	else if (group->open_to_roaming)
		answer.access = ACCESS_ROAMING;
	else
		return deny(REASON_ROAMING_OFF);
	if (customer->no_credit)
		return deny(REASON_NO_CREDIT);
	if (membership && membership->tariff_id.size > 0)
		answer.tariff_id = membership->tariff_id;
	else if (customer->payment == PAYMENT_PREPAID && group->prepaid_tariff_id.size > 0)
		answer.tariff_id = group->prepaid_tariff_id;
	return answer;
}

static struct model_answer decide_stranger(const struct charge_group *group, bool pays_directly)
{
	struct model_answer answer = {.tariff_id = group->tariff_id, .reason = REASON_OK};
	if (!group->open_to_roaming)
		return deny(pays_directly ? REASON_ROAMING_OFF : REASON_UNKNOWN_TOKEN);
	answer.verdict = pays_directly ? VERDICT_ALLOWED : VERDICT_ASK_ISSUER;
	answer.access = pays_directly ? ACCESS_DIRECT_PAYMENT : ACCESS_ROAMING;
	if (pays_directly && group->prepaid_tariff_id.size > 0)
		answer.tariff_id = group->prepaid_tariff_id;
	if (!pays_directly) {
		answer.offline_verdict = VERDICT_DENIED;
		answer.reason = REASON_UNKNOWN_TOKEN;
	}
	return answer;
}

// ---------------------------------------------------------------- tests

static void check_same(const struct world_answer *formula, const struct model_answer *model)
{
	char tariff[WORLD_TEXT_SIZE] = "";
	if (formula->tariff != WORLD_NONE)
		world_tariff_id(formula->tariff, tariff);
	ck_assert_int_eq(formula->verdict, model->verdict);
	ck_assert_int_eq(formula->reason, model->reason);
	ck_assert_int_eq(formula->access, model->access);
	ck_assert_int_eq(formula->offline_verdict, model->offline_verdict);
	ck_assert(same(bytes_from(tariff), model->tariff_id));
}

// The tokens in the order of the file, which is that of their indexes.
static const struct token **list_tokens(void)
{
	const struct token **tokens = calloc(TOKENS, sizeof(struct token *));
	uint32_t count = 0;
	for (uint32_t i = 0; i < change_count; i++) {
		if (changes[i]->kind == CHANGE_PUT_TOKEN)
			tokens[count++] = changes[i]->put_token;
	}
	ck_assert_uint_eq(count, TOKENS);
	return tokens;
}

START_TEST(every_token_at_every_point_gets_the_answer_that_its_lines_say)
{
	const struct token **tokens = list_tokens();
	uint32_t reasons[REASON_ISSUER_DECIDES + 1] = {0};
	for (uint32_t point = 0; point < world.points; point++) {
		char id[WORLD_TEXT_SIZE];
		world_point_id(point, id);
		ck_assert_ptr_nonnull(find(CHANGE_PUT_CHARGE_POINT, bytes_from(id)));
		const struct charge_group *group = group_of(bytes_from(id));
		for (uint32_t token = 0; token < TOKENS; token++) {
			const struct world_question question = {WORLD_CALLER_TOKEN, token, point};
			const struct model_answer model = !group                  ? deny(REASON_NO_CHARGE_GROUP)
							  : tokens[token]->issuer ? decide_foreign(group, tokens[token])
										  : decide_own(group, tokens[token]);
			struct world_answer formula;
			world_answer(&world, &question, &formula);
			check_same(&formula, &model);
			reasons[formula.reason]++;
		}
	}
	for (int reason = REASON_NO_CHARGE_GROUP; reason <= REASON_ISSUER_DECIDES; reason++)
		ck_assert_msg(reasons[reason] > 0 || reason == REASON_UNKNOWN_TOKEN, "reason %d never came up", reason);
	free(tokens);
}
END_TEST

START_TEST(strangers_get_the_answer_of_the_group)
{
	for (uint32_t point = 0; point < world.points; point++) {
		char id[WORLD_TEXT_SIZE];
		world_point_id(point, id);
		const struct charge_group *group = group_of(bytes_from(id));
		for (int direct = 0; direct <= 1; direct++) {
			const struct world_question question = {
				direct ? WORLD_CALLER_DIRECT_PAYMENT : WORLD_CALLER_UNKNOWN, 5, point};
			const struct model_answer model =
				group ? decide_stranger(group, direct) : deny(REASON_NO_CHARGE_GROUP);
			struct world_answer formula;
			world_answer(&world, &question, &formula);
			check_same(&formula, &model);
		}
	}
}
END_TEST

START_TEST(a_point_past_the_last_is_unknown)
{
	const struct world_question question = {WORLD_CALLER_TOKEN, 0, world.points};
	struct world_answer answer;
	world_answer(&world, &question, &answer);
	ck_assert_int_eq(answer.verdict, VERDICT_DENIED);
	ck_assert_int_eq(answer.reason, REASON_UNKNOWN_CHARGE_POINT);
	ck_assert_uint_eq(answer.tariff, WORLD_NONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("world_answer");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_token_at_every_point_gets_the_answer_that_its_lines_say);
	tcase_add_test(tcase, strangers_get_the_answer_of_the_group);
	tcase_add_test(tcase, a_point_past_the_last_is_unknown);
	Suite *suite = suite_create("bench/world_answer");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
