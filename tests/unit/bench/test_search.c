// SPDX-License-Identifier: Apache-2.0
// The search against servers that are only a number: what they can take.
#include "bench/search.h"
#include "tests/unit/unit.h"

#include <errno.h>

struct server {
	double limit;           // keeps up to here
	double confirmed_limit; // in confirmations
	uint32_t steps, confirmations;
	uint32_t disturbed_at; // this step fails whatever the rate; 0: none
	uint32_t broken_at;    // this step ends the search
	double rate_highest, rate_last;
};

static int run_step(void *context, double rate, bool is_confirmation, bool *ret_keeps)
{
	struct server *server = context;
	server->steps++;
	server->confirmations += is_confirmation;
	server->rate_last = rate;
	server->rate_highest = rate > server->rate_highest ? rate : server->rate_highest;
	if (server->steps == server->broken_at)
		return -ECONNRESET;
	*ret_keeps = rate <= (is_confirmation ? server->confirmed_limit : server->limit) &&
		     server->steps != server->disturbed_at;
	return 0;
}

static const struct search_options options = {
	.rate_first = 1000, .rate_max = 1e6, .precision = 0.02, .tries = 2, .confirmations = 3, .retreat = 0.9};

START_TEST(the_limit_is_found_to_the_precision_and_confirmed)
{
	for (double limit = 1; limit < 9e5; limit *= 1.7) {
		struct server server = {.limit = limit, .confirmed_limit = limit};
		double rate = 0;
		ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), 0);
		ck_assert_double_le(rate, limit);
		ck_assert_double_ge(rate * 1.0201, limit);
		ck_assert_uint_eq(server.confirmations, 1);
		ck_assert_double_eq(server.rate_last, rate);
		ck_assert_uint_le(server.steps, 40);
	}
}
END_TEST

START_TEST(a_server_that_takes_everything_is_asked_no_more_than_the_maximum)
{
	struct server server = {.limit = 1e9, .confirmed_limit = 1e9};
	double rate;
	ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), 0);
	ck_assert_double_eq(rate, 1e6);
	ck_assert_double_eq(server.rate_highest, 1e6);
}
END_TEST

START_TEST(a_server_that_keeps_no_rate_is_told_about)
{
	struct server server = {.limit = 0};
	double rate = 42;
	ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), -ERANGE);
	ck_assert_double_eq(rate, 42);
	ck_assert_uint_eq(server.confirmations, 0);
}
END_TEST

START_TEST(one_disturbed_step_does_not_count)
{
	for (uint32_t step = 1; step <= 8; step++) { // those while doubling
		struct server server = {.limit = 1e5, .confirmed_limit = 1e5, .disturbed_at = step};
		double rate;
		ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), 0);
		ck_assert_double_ge(rate * 1.0201, 1e5);
	}
}
END_TEST

START_TEST(a_rate_that_is_not_confirmed_is_lowered)
{
	struct server server = {.limit = 1e5, .confirmed_limit = 0.85e5};
	double rate;
	ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), 0);
	ck_assert_double_le(rate, 0.85e5);
	ck_assert_double_ge(rate, 0.85e5 * 0.9);
	ck_assert_uint_eq(server.confirmations, 3);
	server = (struct server){.limit = 1e5, .confirmed_limit = 0.5e5};
	ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), -ERANGE);
	ck_assert_uint_eq(server.confirmations, 3);
}
END_TEST

START_TEST(a_failure_ends_the_search_wherever_it_comes)
{
	struct server whole = {.limit = 77777, .confirmed_limit = 77777};
	double rate;
	ck_assert_int_eq(search_highest_rate(&options, run_step, &whole, &rate), 0);
	for (uint32_t step = 1; step <= whole.steps; step++) {
		struct server server = {.limit = 77777, .confirmed_limit = 77777, .broken_at = step};
		ck_assert_int_eq(search_highest_rate(&options, run_step, &server, &rate), -ECONNRESET);
		ck_assert_uint_eq(server.steps, step);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("search");
	tcase_add_test(tcase, the_limit_is_found_to_the_precision_and_confirmed);
	tcase_add_test(tcase, a_server_that_takes_everything_is_asked_no_more_than_the_maximum);
	tcase_add_test(tcase, a_server_that_keeps_no_rate_is_told_about);
	tcase_add_test(tcase, one_disturbed_step_does_not_count);
	tcase_add_test(tcase, a_rate_that_is_not_confirmed_is_lowered);
	tcase_add_test(tcase, a_failure_ends_the_search_wherever_it_comes);
	Suite *suite = suite_create("bench/search");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
