// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { ARGC_MAX = 200 };

static struct arguments arguments;

// Splits at single blanks: "evauth group show office".
static void parse(const char *line)
{
	static char copy[4096];
	static char *argv[ARGC_MAX + 1];
	int argc = 0;
	options_finish(&arguments);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *next = copy, *word; (word = strsep(&next, " ")) != NULL && argc < ARGC_MAX;)
		argv[argc++] = word;
	argv[argc] = NULL;
	options_parse(argc, argv, &arguments);
}

static void teardown(void)
{
	options_finish(&arguments);
}

static void silence(void)
{
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
}

START_TEST(a_command_has_a_noun_a_verb_and_words)
{
	parse("evauth group attach-points office P1 P2");
	ck_assert_str_eq(arguments.command->noun, "group");
	ck_assert_str_eq(arguments.command->verb, "attach-points");
	ck_assert_uint_eq(arguments.words_count, 3);
	ck_assert_str_eq(arguments.words[0], "office");
	ck_assert_str_eq(arguments.words[2], "P2");
}
END_TEST

START_TEST(a_command_may_have_no_verb)
{
	parse("evauth authorize 04A1 P1 --explain");
	ck_assert_str_eq(arguments.command->noun, "authorize");
	ck_assert_ptr_null(arguments.command->verb);
	ck_assert_uint_eq(arguments.words_count, 2);
	ck_assert(option_is_on(&arguments, OPTION_EXPLAIN));
}
END_TEST

START_TEST(global_options_stand_before_the_noun_or_after_the_verb)
{
	parse("evauth --json --server host:1 status --timeout 5");
	ck_assert(option_is_on(&arguments, OPTION_JSON));
	ck_assert_str_eq(arguments.values[OPTION_SERVER], "host:1");
	ck_assert_str_eq(arguments.values[OPTION_TIMEOUT], "5");
	parse("evauth status --json --server=host:2");
	ck_assert(option_is_on(&arguments, OPTION_JSON));
	ck_assert_str_eq(arguments.values[OPTION_SERVER], "host:2");
}
END_TEST

START_TEST(files_of_tls_are_for_every_command)
{
	parse("evauth --tls-ca-file ca.pem status --tls-cert-file=own.pem --tls-key-file own.key --tls-server-name h");
	ck_assert_str_eq(arguments.values[OPTION_TLS_CA_FILE], "ca.pem");
	ck_assert_str_eq(arguments.values[OPTION_TLS_CERT_FILE], "own.pem");
	ck_assert_str_eq(arguments.values[OPTION_TLS_KEY_FILE], "own.key");
	ck_assert_str_eq(arguments.values[OPTION_TLS_SERVER_NAME], "h");
}
END_TEST

START_TEST(a_switch_alone_is_on)
{
	parse("evauth group create office --roaming --all-customers --tariff t");
	ck_assert(option_is_on(&arguments, OPTION_ROAMING));
	ck_assert(option_is_on(&arguments, OPTION_ALL_CUSTOMERS));
	ck_assert_str_eq(arguments.values[OPTION_TARIFF], "t");
}
END_TEST

START_TEST(a_switch_takes_on_and_off_with_and_without_equals)
{
	parse("evauth group set office --roaming off --all-customers=on");
	ck_assert(option_given(&arguments, OPTION_ROAMING));
	ck_assert(!option_is_on(&arguments, OPTION_ROAMING));
	ck_assert(option_is_on(&arguments, OPTION_ALL_CUSTOMERS));
	ck_assert_uint_eq(arguments.words_count, 1);
}
END_TEST

START_TEST(the_word_after_a_switch_is_not_taken_when_it_is_another)
{
	parse("evauth group attach-points --move office P1");
	ck_assert(option_is_on(&arguments, OPTION_MOVE));
	ck_assert_uint_eq(arguments.words_count, 2);
	ck_assert_str_eq(arguments.words[0], "office");
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
	// The word behind the last blank is empty.
	parse("evauth group set-tariff office c --tariff ");
	ck_assert(option_given(&arguments, OPTION_TARIFF));
	ck_assert_str_eq(arguments.values[OPTION_TARIFF], "");
}
END_TEST

START_TEST(the_same_name_means_what_the_command_says)
{
	parse("evauth group create g --type home");
	ck_assert_str_eq(arguments.values[OPTION_GROUP_TYPE], "home");
	ck_assert(!option_given(&arguments, OPTION_TOKEN_TYPE));
	parse("evauth token create 04A1 --type rfid");
	ck_assert_str_eq(arguments.values[OPTION_TOKEN_TYPE], "rfid");
	ck_assert(!option_given(&arguments, OPTION_GROUP_TYPE));
}
END_TEST

START_TEST(evses_may_be_given_again_and_again)
{
	parse("evauth point create P --evse E1 --evse E2=IEC_62196_T2");
	ck_assert_uint_eq(arguments.evses_count, 2);
	ck_assert_str_eq(arguments.evses[0], "E1");
	ck_assert_str_eq(arguments.evses[1], "E2=IEC_62196_T2");
}
END_TEST

START_TEST(an_id_after_two_dashes_may_begin_with_one)
{
	parse("evauth group show -- -x");
	ck_assert_uint_eq(arguments.words_count, 1);
	ck_assert_str_eq(arguments.words[0], "-x");
}
END_TEST

START_TEST(a_lone_dash_is_a_word)
{
	parse("evauth import -");
	ck_assert_str_eq(arguments.words[0], "-");
}
END_TEST

// Each ends the process with exit code 2 (the loop's index says which).
static const char *const refused[] = {
	"evauth",
	"evauth nothing",
	"evauth group",
	"evauth group nothing",
	"evauth --nothing status",
	"evauth status --nothing",
	"evauth status word",
	"evauth group show",
	"evauth group show a b",
	"evauth group set office --roaming=maybe",
	"evauth group set office --name a --name b",
	"evauth group set office --tariff",
	"evauth point set P --name x",
	"evauth --server",
};

START_TEST(a_command_line_nobody_understands_ends_with_code_2)
{
	silence();
	parse(refused[_i]);
}
END_TEST

START_TEST(more_evses_than_a_point_has_are_refused)
{
	char line[4096] = "evauth point create P";
	silence();
	for (int i = 0; i <= EVSES_PER_POINT_MAX; i++)
		strcat(line, " --evse E");
	parse(line);
}
END_TEST

static const char *const helpful[] = {"evauth --help", "evauth -h", "evauth --version", "evauth group set --help"};

START_TEST(help_and_version_end_with_code_0)
{
	silence();
	parse(helpful[_i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("options");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, a_command_has_a_noun_a_verb_and_words);
	tcase_add_test(tcase, a_command_may_have_no_verb);
	tcase_add_test(tcase, global_options_stand_before_the_noun_or_after_the_verb);
	tcase_add_test(tcase, files_of_tls_are_for_every_command);
	tcase_add_test(tcase, a_switch_alone_is_on);
	tcase_add_test(tcase, a_switch_takes_on_and_off_with_and_without_equals);
	tcase_add_test(tcase, the_word_after_a_switch_is_not_taken_when_it_is_another);
	tcase_add_test(tcase, an_empty_value_is_a_value);
	tcase_add_test(tcase, the_same_name_means_what_the_command_says);
	tcase_add_test(tcase, evses_may_be_given_again_and_again);
	tcase_add_test(tcase, an_id_after_two_dashes_may_begin_with_one);
	tcase_add_test(tcase, a_lone_dash_is_a_word);
	tcase_add_loop_exit_test(tcase, a_command_line_nobody_understands_ends_with_code_2, EXIT_ERROR, 0,
				 (int)ARRAY_SIZE(refused));
	tcase_add_exit_test(tcase, more_evses_than_a_point_has_are_refused, EXIT_ERROR);
	tcase_add_loop_exit_test(tcase, help_and_version_end_with_code_0, EXIT_DONE, 0, (int)ARRAY_SIZE(helpful));
	Suite *suite = suite_create("cli/options");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
