// SPDX-License-Identifier: Apache-2.0
#include "bench/questions.h"
#include "tests/unit/unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 20000, QUESTIONS = 20000 };

static struct world world;
static const struct question_mix mix = {.allowed = 60, .denied = 25, .unknown = 5, .foreign = 10};

static void setup(void)
{
	ck_assert_int_eq(world_init(&world, TOKENS, 1), 0);
}

static void teardown(void)
{
	world_finish(&world);
}

START_TEST(the_mix_is_kept)
{
	uint32_t allowed_own = 0, denied_own = 0, strangers = 0, direct = 0, foreign = 0;
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		struct question question;
		question_make(&world, &mix, 1, i, &question);
		if (question.asked.caller != WORLD_CALLER_TOKEN) {
			strangers++;
			direct += question.asked.caller == WORLD_CALLER_DIRECT_PAYMENT;
		} else if (question.asked.token >= world.sections[2].first) {
			foreign++;
		} else {
			allowed_own += question.answer.verdict == VERDICT_ALLOWED;
			denied_own += question.answer.verdict == VERDICT_DENIED;
		}
	}
	ck_assert_uint_eq(allowed_own + denied_own + strangers + foreign, QUESTIONS);
	ck_assert_int_lt(abs((int)allowed_own - QUESTIONS * 60 / 100), QUESTIONS / 50);
	ck_assert_int_lt(abs((int)denied_own - QUESTIONS * 25 / 100), QUESTIONS / 50);
	ck_assert_int_lt(abs((int)strangers - QUESTIONS * 5 / 100), QUESTIONS / 50);
	ck_assert_int_lt(abs((int)foreign - QUESTIONS * 10 / 100), QUESTIONS / 50);
	ck_assert_uint_gt(direct, 0);
}
END_TEST

START_TEST(a_share_of_zero_never_comes)
{
	const struct question_mix only_unknown = {.unknown = 1};
	for (uint32_t i = 0; i < 1000; i++) {
		struct question question;
		question_make(&world, &only_unknown, 1, i, &question);
		ck_assert_int_ne(question.asked.caller, WORLD_CALLER_TOKEN);
	}
}
END_TEST

START_TEST(every_reason_comes_up)
{
	bool seen[REASON_ISSUER_DECIDES + 1] = {false};
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		struct question question;
		question_make(&world, &mix, 2, i, &question);
		seen[question.answer.reason] = true;
	}
	for (int reason = REASON_OK; reason <= REASON_ISSUER_DECIDES; reason++)
		ck_assert_msg(seen[reason], "reason %d", reason);
}
END_TEST

static bool is_same_text(struct bytes text, const char *wanted)
{
	return text.size == strlen(wanted) && strncasecmp(text.data, wanted, text.size) == 0;
}

// The request, spelled one way or the other, names what is asked about.
START_TEST(requests_name_the_token_and_the_point_in_several_spellings)
{
	uint32_t by_point = 0, by_evse = 0, by_both = 0, typed = 0, untyped = 0, lower = 0, with_issuer = 0;
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		struct question question;
		char text[WORLD_TEXT_SIZE];
		question_make(&world, &mix, 3, i, &question);
		const struct authorize_request *request = &question.request;
		const bool has_point = request->charge_point_id.size > 0, has_evse = request->evse_id.size > 0;
		by_point += has_point && !has_evse;
		by_evse += has_evse && !has_point;
		by_both += has_evse && has_point;
		ck_assert(has_point || has_evse);
		world_point_id(question.asked.point, text);
		ck_assert(!has_point || is_same_text(request->charge_point_id, text));
		world_evse_id(question.asked.point, text);
		ck_assert(!has_evse || is_same_text(request->evse_id, text));
		if (question.asked.caller != WORLD_CALLER_TOKEN)
			continue;
		struct world_token token;
		world_get_token(&world, question.asked.token, &token);
		world_token_uid(&world, question.asked.token, text);
		ck_assert(is_same_text(request->token_uid, text));
		ck_assert(request->token_type == TOKEN_TYPE_UNSPECIFIED || request->token_type == token.type);
		ck_assert(!token.shares_uid || request->issuer);
		typed += request->token_type != TOKEN_TYPE_UNSPECIFIED;
		untyped += request->token_type == TOKEN_TYPE_UNSPECIFIED;
		with_issuer += request->issuer != NULL;
		for (size_t c = 0; c < request->token_uid.size; c++) {
			if (islower((unsigned char)request->token_uid.data[c])) {
				lower++;
				break;
			}
		}
	}
	ck_assert(by_point > by_evse && by_evse > 0 && by_both > 0);
	ck_assert(typed > 0 && untyped > 0 && lower > 0 && with_issuer > 0);
}
END_TEST

START_TEST(direct_payment_names_its_type_and_no_uid)
{
	const struct question_mix only_unknown = {.unknown = 1};
	uint32_t direct = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		struct question question;
		question_make(&world, &only_unknown, 4, i, &question);
		const bool is_direct = question.asked.caller == WORLD_CALLER_DIRECT_PAYMENT;
		ck_assert_int_eq(question.request.token_type == TOKEN_TYPE_AD_HOC_USER, is_direct);
		ck_assert_int_eq(question.request.token_uid.size == 0, is_direct);
		direct += is_direct;
	}
	ck_assert_uint_gt(direct, 0);
}
END_TEST

START_TEST(a_series_is_the_same_every_time)
{
	for (uint32_t i = 0; i < 100; i++) {
		struct question a, b;
		question_make(&world, &mix, 5, i, &a);
		question_make(&world, &mix, 5, i, &b);
		ck_assert_mem_eq(&a.asked, &b.asked, sizeof(a.asked));
		ck_assert_mem_eq(a.texts, b.texts, sizeof(a.texts));
	}
}
END_TEST

// How often the most frequent of all uids comes up in QUESTIONS questions, and how many different ones do.
static uint32_t most_frequent_uid(const struct question_mix *asked_mix, uint32_t *ret_different)
{
	static char uids[QUESTIONS][WORLD_TEXT_SIZE];
	uint32_t most = 0, run = 0;
	*ret_different = 0;
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		struct question question;
		question_make(&world, asked_mix, 1, i, &question);
		snprintf(uids[i], sizeof(uids[i]), "%.*s", BYTES_ARG(question.request.token_uid));
		for (char *at = uids[i]; *at; at++)
			*at = (char)toupper((unsigned char)*at);
	}
	qsort(uids, QUESTIONS, sizeof(uids[0]), (int (*)(const void *, const void *))strcmp);
	for (uint32_t i = 0; i < QUESTIONS; i++) {
		run = i > 0 && strcmp(uids[i], uids[i - 1]) == 0 ? run + 1 : 1;
		*ret_different += run == 1;
		most = run > most ? run : most;
	}
	return most;
}

START_TEST(with_zipf_few_tokens_are_asked_about_most_and_answers_stay_right)
{
	const struct question_mix uniform = {.allowed = 1};
	const struct question_mix zipf = {.allowed = 1, .zipf_theta = 0.99};
	uint32_t different_uniform, different_zipf;
	// Of 18,000 own tokens; drawn by Zipf the first should have 9.7 % of the questions, if it may charge.
	ck_assert_uint_lt(most_frequent_uid(&uniform, &different_uniform), 20);
	ck_assert_uint_gt(most_frequent_uid(&zipf, &different_zipf), QUESTIONS / 50);
	ck_assert_uint_lt(2 * different_zipf, different_uniform);
	for (uint32_t i = 0; i < 1000; i++) {
		struct question question;
		struct world_answer answer;
		question_make(&world, &zipf, 1, i, &question);
		world_answer(&world, &question.asked, &answer);
		ck_assert_mem_eq(&answer, &question.answer, sizeof(answer));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("questions");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_mix_is_kept);
	tcase_add_test(tcase, a_share_of_zero_never_comes);
	tcase_add_test(tcase, every_reason_comes_up);
	tcase_add_test(tcase, requests_name_the_token_and_the_point_in_several_spellings);
	tcase_add_test(tcase, direct_payment_names_its_type_and_no_uid);
	tcase_add_test(tcase, a_series_is_the_same_every_time);
	tcase_add_test(tcase, with_zipf_few_tokens_are_asked_about_most_and_answers_stay_right);
	Suite *suite = suite_create("bench/questions");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
