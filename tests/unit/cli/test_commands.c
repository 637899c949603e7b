// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/hints.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(every_command_is_found_by_its_own_words)
{
	for (size_t i = 0; i < commands_count; i++) {
		char noun[32], verb[32];
		char *argv[] = {noun, verb, NULL};
		int words = 0;
		snprintf(noun, sizeof(noun), "%s", commands[i].noun);
		snprintf(verb, sizeof(verb), "%s", commands[i].verb ? commands[i].verb : "x");
		ck_assert_ptr_eq(command_find(2, argv, &words), &commands[i]);
		ck_assert_int_eq(words, commands[i].verb ? 2 : 1);
	}
}
END_TEST

START_TEST(unknown_words_are_no_command)
{
	char nothing[] = "nothing", show[] = "show", group[] = "group";
	char *unknown[] = {nothing, show, NULL}, *half[] = {group, NULL};
	int words;
	ck_assert_ptr_null(command_find(2, unknown, &words));
	ck_assert_ptr_null(command_find(1, half, &words));
	ck_assert_ptr_null(command_find(0, unknown, &words));
}
END_TEST

START_TEST(every_command_says_what_it_takes)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *command = &commands[i];
		ck_assert_ptr_nonnull(command->run);
		ck_assert_ptr_nonnull(command->help);
		ck_assert((command->words_max == 0) == (command->arguments == NULL));
		ck_assert(command->words_max == WORDS_ANY || command->words_min <= command->words_max);
		ck_assert_uint_eq(command->options & OPTIONS_GLOBAL, 0);
	}
}
END_TEST

START_TEST(no_command_takes_two_options_of_one_name)
{
	for (size_t i = 0; i < commands_count; i++) {
		const uint64_t options = commands[i].options | OPTIONS_GLOBAL;
		for (int a = 0; a < OPTION_COUNT; a++) {
			for (int b = a + 1; b < OPTION_COUNT; b++) {
				if ((options & OPTION_BIT(a)) && (options & OPTION_BIT(b)))
					ck_assert_str_ne(option_rows[a].name, option_rows[b].name);
			}
		}
	}
}
END_TEST

START_TEST(every_option_is_described_and_taken_by_a_command)
{
	uint64_t taken = OPTIONS_GLOBAL;
	for (size_t i = 0; i < commands_count; i++)
		taken |= commands[i].options;
	for (int id = 0; id < OPTION_COUNT; id++) {
		ck_assert_ptr_nonnull(option_rows[id].name);
		ck_assert_ptr_nonnull(option_rows[id].help);
		ck_assert_msg(taken & OPTION_BIT(id), "--%s", option_rows[id].name);
	}
}
END_TEST

static const struct command *find(const char *noun, const char *verb)
{
	char noun_copy[32], verb_copy[32];
	char *argv[] = {noun_copy, verb_copy, NULL};
	int words;
	snprintf(noun_copy, sizeof(noun_copy), "%s", noun);
	snprintf(verb_copy, sizeof(verb_copy), "%s", verb);
	return command_find(2, argv, &words);
}

START_TEST(an_unreachable_daemon_is_to_be_started)
{
	const char *hint = hint_find(find("status", ""), -ECONNREFUSED, STATUS_UNAVAILABLE);
	ck_assert_ptr_nonnull(hint);
	ck_assert_ptr_nonnull(strstr(hint, "evauthd"));
	ck_assert_ptr_nonnull(strstr(hint, "--server"));
}
END_TEST

START_TEST(a_hint_fits_the_command)
{
	const char *attach = hint_find(find("group", "attach-points"), -EREMOTEIO, STATUS_FAILED_PRECONDITION);
	const char *delete = hint_find(find("tariff", "delete"), -EREMOTEIO, STATUS_FAILED_PRECONDITION);
	ck_assert_ptr_nonnull(strstr(attach, "--move"));
	ck_assert_ptr_nonnull(strstr(delete, "search"));
}
END_TEST

START_TEST(a_missed_expectation_is_to_be_looked_at)
{
	ck_assert_ptr_nonnull(strstr(hint_find(find("group", "set"), -EREMOTEIO, STATUS_ABORTED), "somebody"));
}
END_TEST

START_TEST(a_message_that_says_it_all_needs_no_hint)
{
	ck_assert_ptr_null(hint_find(find("group", "set"), -EREMOTEIO, STATUS_INVALID_ARGUMENT));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("commands");
	tcase_add_test(tcase, every_command_is_found_by_its_own_words);
	tcase_add_test(tcase, unknown_words_are_no_command);
	tcase_add_test(tcase, every_command_says_what_it_takes);
	tcase_add_test(tcase, no_command_takes_two_options_of_one_name);
	tcase_add_test(tcase, every_option_is_described_and_taken_by_a_command);
	tcase_add_test(tcase, an_unreachable_daemon_is_to_be_started);
	tcase_add_test(tcase, a_hint_fits_the_command);
	tcase_add_test(tcase, a_missed_expectation_is_to_be_looked_at);
	tcase_add_test(tcase, a_message_that_says_it_all_needs_no_hint);
	Suite *suite = suite_create("cli/commands");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
