// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include "cli/command.h"
#include "cli/words.h"

#include <argp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_KEY_FIRST = 1000, // above every short option, so that there are none
	ARGUMENTS_CHUNK_SIZE = 4096,
};

const struct option_row option_rows[OPTION_COUNT] = {
	[OPTION_SERVER] = {"server", "[tls:]HOST:PORT|unix:PATH", "the daemon to talk to (or EVAUTH_SERVER)"},
	[OPTION_JSON] = {"json", NULL, "one JSON document instead of text"},
	[OPTION_TIMEOUT] =
		{"timeout", "MS",
		 "give up after so many milliseconds without an answer; the daemon does not begin what came too late"},
	[OPTION_QUIET] = {"quiet", NULL, "no progress, no confirmations"},
	[OPTION_TLS_CA_FILE] =
		{"tls-ca-file", "FILE",
		 "tls: the CA of the daemon's certificate; default: the system's (or EVAUTH_TLS_CA_FILE)"},
	[OPTION_TLS_CERT_FILE] = {"tls-cert-file", "FILE", "tls: the certificate to show (or EVAUTH_TLS_CERT_FILE)"},
	[OPTION_TLS_KEY_FILE] = {"tls-key-file", "FILE", "tls: its key (or EVAUTH_TLS_KEY_FILE)"},
	[OPTION_TLS_SERVER_NAME] = {"tls-server-name", "NAME",
				    "tls: of whom the daemon's certificate must be, unless of HOST (or "
				    "EVAUTH_TLS_SERVER_NAME)"},
	[OPTION_POINT] = {"point", "POINT", "the charge point"},
	[OPTION_EVSE] = {"evse", "EVSE", "the EVSE; alone or with its charge point"},
	[OPTION_GROUP] = {"group", "GROUP", "the charge group"},
	[OPTION_CUSTOMER] = {"customer", "CUSTOMER", "the customer"},
	[OPTION_TOKEN] = {"token", "UID", "the token"},
	[OPTION_TOKEN_TYPE] = {"type", "TYPE", "token type: rfid, app_user, ad_hoc_user, emaid, other"},
	[OPTION_ISSUER] = {"issuer", "NL*ABC", "the token's eMSP: country and party"},
	[OPTION_CLASS] = {"class", "CLASS", "caller class: customer, roaming, direct_payment"},
	[OPTION_AT] = {"at", "TIME", "as of this time: 2026-12-01T08:00:00Z or unix seconds"},
	[OPTION_EXPLAIN] = {"explain", NULL, "say which rules were tried and what decided"},
	[OPTION_UNATTACHED] = {"unattached", NULL, "only what is in no charge group"},
	[OPTION_NAME] = {"name", "TEXT", "its name, for people"},
	[OPTION_INFO] = {"info", "TEXT", "additional information: contract, purpose"},
	[OPTION_GROUP_TYPE] = {"type", "TYPE", "charge group type: home, other"},
	[OPTION_TARIFF] = {"tariff", "TARIFF", "the tariff"},
	[OPTION_PREPAID_TARIFF] = {"prepaid-tariff", "TARIFF", "tariff of prepaid customers and direct payment"},
	[OPTION_ALL_CUSTOMERS] = {"all-customers", NULL, "open to all customers of its user group"},
	[OPTION_ROAMING] = {"roaming", NULL, "open to roaming, direct payment and all customers"},
	[OPTION_USER_GROUP] = {"user-group", "ID", "the provider; empty: the default one"},
	[OPTION_LOCATION] = {"location", "ID", "the location it stands at"},
	[OPTION_HOME] = {"home", NULL, "a home charger"},
	[OPTION_TIME_ZONE] = {"time-zone", "ZONE", "e.g. Europe/Amsterdam"},
	[OPTION_EVSES] = {"evse", "EVSE[=CONNECTOR]", "one for each EVSE, e.g. NL*EVC*E1*1=IEC_62196_T2"},
	[OPTION_PAYMENT] = {"payment", "KIND", "contract, prepaid"},
	[OPTION_BLOCKED] = {"blocked", NULL, "may not charge anywhere"},
	[OPTION_NO_CREDIT] = {"no-credit", NULL, "may not charge until paid"},
	[OPTION_CONTRACT] = {"contract", "ID", "the contract's id (eMAID)"},
	[OPTION_VISUAL_NUMBER] = {"visual-number", "TEXT", "the number printed on the card"},
	[OPTION_PARENT] = {"parent", "ID", "OCPP parentIdTag or groupIdToken, OCPI group_id"},
	[OPTION_VALID_FROM] = {"valid-from", "TIME", "not valid before"},
	[OPTION_VALID_UNTIL] = {"valid-until", "TIME", "no longer valid from then on"},
	[OPTION_WHITELIST] = {"whitelist", "KIND", "foreign tokens: always, allowed, allowed_offline, never"},
	[OPTION_ROAMING_ALLOWED] = {"roaming-allowed", NULL, "its customer agreed to charge at other providers"},
	[OPTION_CURRENCY] = {"currency", "CODE", "ISO 4217, e.g. EUR"},
	[OPTION_START] = {"start", "TIME", "start_date_time, RFC 3339"},
	[OPTION_END] = {"end", "TIME", "end_date_time, RFC 3339"},
	[OPTION_URL] = {"url", "URL", "where customers read about it"},
	[OPTION_MOVE] = {"move", NULL, "also take points out of the group they are in"},
	[OPTION_DRY_RUN] = {"dry-run", NULL, "check, change nothing"},
	[OPTION_AFTER] = {"after", "REVISION", "begin after this revision instead of now"},
	[OPTION_LAST] = {"last", "N", "how many revisions; 20 unless given"},
	[OPTION_BEFORE] = {"before", "REVISION", "only older ones than this"},
	[OPTION_YES] = {"yes", NULL, "do it without asking"},
	[OPTION_INTERVAL] = {"interval", "S", "so many seconds from one reading to the next, 0.1 to 3600; default 1"},
	[OPTION_TIMES] = {"count", "N", "end after showing so many"},
	[OPTION_ONCE] = {"once", NULL, "one plain block, of one interval"},
	[OPTION_BATCH] = {"batch", NULL, "plain blocks, on a terminal too"},
	[OPTION_PEPPER_FILE] = {"pepper-file", "FILE", "the secret of the daemon's log-pepper-file"},
};

static bool option_is_switch(enum option_id id)
{
	return option_rows[id].argument == NULL;
}

bool option_is_on(const struct arguments *arguments, enum option_id id)
{
	bool on = false;
	return option_given(arguments, id) && words_parse_switch(arguments->values[id], &on) && on;
}

static void option_store(struct arguments *arguments, enum option_id id, const char *value, struct argp_state *state)
{
	const struct option_row *row = &option_rows[id];
	bool on;
	if (value == NULL)
		value = "on";
	if (option_is_switch(id) && !words_parse_switch(value, &on))
		argp_error(state, "--%s is on or off, not '%s'", row->name, value);
	if (id == OPTION_EVSES && arguments->evses_count == EVSES_PER_POINT_MAX)
		argp_error(state, "a charge point has at most %d EVSEs", EVSES_PER_POINT_MAX);
	if (id == OPTION_EVSES)
		arguments->evses[arguments->evses_count++] = value;
	else if (option_given(arguments, id) && (OPTION_BIT(id) & OPTIONS_GLOBAL) == 0)
		argp_error(state, "--%s was given twice", row->name);
	arguments->values[id] = value;
}

// argp has keys of its own, for the begin and the end of its work.
static error_t parse_option(struct arguments *arguments, int key, const char *value, struct argp_state *state)
{
	if (key < OPTION_KEY_FIRST || key >= OPTION_KEY_FIRST + OPTION_COUNT)
		return ARGP_ERR_UNKNOWN;
	option_store(arguments, (enum option_id)(key - OPTION_KEY_FIRST), value, state);
	return 0;
}

// The argp options of a set of ours; ret_options has room for OPTION_COUNT + 1.
static void options_build(uint64_t set, struct argp_option *ret_options)
{
	size_t count = 0;
	for (int id = 0; id < OPTION_COUNT; id++) {
		if ((set & OPTION_BIT(id)) == 0)
			continue;
		const bool is_switch = option_is_switch((enum option_id)id);
		const bool is_global = (OPTION_BIT(id) & OPTIONS_GLOBAL) != 0;
		ret_options[count++] = (struct argp_option){
			.name = option_rows[id].name,
			.key = OPTION_KEY_FIRST + id,
			.arg = is_switch ? "on|off" : option_rows[id].argument,
			.flags = is_switch ? OPTION_ARG_OPTIONAL : 0,
			.doc = option_rows[id].help,
			.group = is_global ? 2 : 1,
		};
	}
	ret_options[count] = (struct argp_option){0};
}

// ---------------------------------------------------------------- before the noun

static void print_commands(FILE *out, const char *noun)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *command = &commands[i];
		if (noun != NULL && strcmp(noun, command->noun) != 0)
			continue;
		char usage[128];
		snprintf(usage, sizeof(usage), "%s%s%s %s", command->noun, command->verb ? " " : "",
			 command->verb ? command->verb : "", command->arguments ? command->arguments : "");
		fprintf(out, "  %-42s %.*s\n", usage, (int)strcspn(command->help, "\v"), command->help);
	}
}

static void print_help(void)
{
	printf("Usage: evauth [--server [tls:]HOST:PORT|unix:PATH] [--json] [--timeout MS] [--quiet] NOUN VERB ...\n"
	       "The command line of evauthd, the authorization daemon of EV charging.\n\n");
	print_commands(stdout, NULL);
	printf("\n'evauth NOUN VERB --help' shows a command's options.\n"
	       "Exit codes: 0 done or allowed, 1 denied, 2 error, 3 ask the issuer, 4 watch cannot go on.\n");
}

static bool is_noun(const char *word)
{
	for (size_t i = 0; i < commands_count; i++) {
		if (strcmp(word, commands[i].noun) == 0)
			return true;
	}
	return false;
}

__attribute__((noreturn)) static void refuse_command(int argc, char **argv)
{
	const char *noun = argc > 0 && is_noun(argv[0]) ? argv[0] : NULL;
	if (argc == 0)
		fprintf(stderr, "evauth: which command? evauth --help lists them\n");
	else if (noun == NULL)
		fprintf(stderr, "evauth: there is no command '%s'; evauth --help lists them\n", argv[0]);
	else if (argc == 1)
		fprintf(stderr, "evauth: %s what? There are:\n", noun);
	else
		fprintf(stderr, "evauth: there is no command '%s %s'. There are:\n", noun, argv[1]);
	if (noun != NULL)
		print_commands(stderr, noun);
	exit(EXIT_ERROR);
}

struct leading {
	struct arguments *arguments;
	int words_at; // index of the noun
};

enum { KEY_HELP = 'h', KEY_VERSION = 'V' };

static error_t parse_leading(int key, char *value, struct argp_state *state)
{
	struct leading *leading = state->input;
	switch (key) {
	case KEY_HELP:
		print_help();
		exit(EXIT_DONE);
	case KEY_VERSION:
		printf("evauth " EVAUTH_VERSION "\n");
		exit(EXIT_DONE);
	case ARGP_KEY_ARG:
		leading->words_at = state->next - 1;
		state->next = state->argc;
		return 0;
	}
	return parse_option(leading->arguments, key, value, state);
}

static int parse_leading_options(int argc, char **argv, struct arguments *arguments)
{
	struct argp_option options[OPTION_COUNT + 3] = {
		{.name = "help", .key = KEY_HELP, .doc = "the commands"},
		{.name = "version", .key = KEY_VERSION, .doc = "the version"},
	};
	options_build(OPTIONS_GLOBAL, options + 2);
	const struct argp argp = {.options = options, .parser = parse_leading, .args_doc = "NOUN VERB ..."};
	struct leading leading = {.arguments = arguments, .words_at = argc};
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL, &leading);
	return leading.words_at;
}

// ---------------------------------------------------------------- after the verb

__attribute__((noreturn)) static void no_memory(void)
{
	fprintf(stderr, "evauth: out of memory\n");
	exit(EXIT_ERROR);
}

static char *join_words(struct arena *arena, const char *left, const char *between, const char *right)
{
	const size_t size = strlen(left) + strlen(between) + strlen(right) + 1;
	char *joined = arena_alloc(arena, size);
	if (joined == NULL)
		no_memory();
	snprintf(joined, size, "%s%s%s", left, between, right);
	return joined;
}

static bool is_switch_of(uint64_t set, const char *word)
{
	if (strncmp(word, "--", 2) != 0)
		return false;
	for (int id = 0; id < OPTION_COUNT; id++) {
		if ((set & OPTION_BIT(id)) && option_is_switch((enum option_id)id) &&
		    strcmp(word + 2, option_rows[id].name) == 0)
			return true;
	}
	return false;
}

// argp takes an optional argument only as --roaming=on; people write --roaming on. A new argv with them joined.
static char **join_switches(struct arguments *arguments, int argc, char **argv, int *ret_argc)
{
	const uint64_t set = arguments->command->options | OPTIONS_GLOBAL;
	char **joined = arena_calloc(&arguments->arena, (size_t)argc + 1, sizeof(*joined));
	int count = 0;
	if (joined == NULL)
		no_memory();
	for (int i = 0; i < argc; i++) {
		bool on;
		joined[count] = argv[i];
		if (i + 1 < argc && is_switch_of(set, argv[i]) && words_parse_switch(argv[i + 1], &on)) {
			joined[count] = join_words(&arguments->arena, argv[i], "=", argv[i + 1]);
			i++;
		}
		count++;
	}
	*ret_argc = count;
	return joined;
}

static error_t parse_command(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	const struct command *command = arguments->command;
	switch (key) {
	case ARGP_KEY_ARG:
		if (command->words_max != WORDS_ANY && arguments->words_count == (size_t)command->words_max)
			argp_error(state, "'%s' is one word too many", value);
		arguments->words[arguments->words_count++] = value;
		return 0;
	case ARGP_KEY_END:
		if (arguments->words_count < (size_t)command->words_min)
			argp_error(state, "it takes %s", command->arguments);
		return 0;
	}
	return parse_option(arguments, key, value, state);
}

static void parse_command_options(int argc, char **argv, struct arguments *arguments)
{
	const struct command *command = arguments->command;
	struct argp_option options[OPTION_COUNT + 1];
	options_build(command->options | OPTIONS_GLOBAL, options);
	const struct argp argp = {
		.options = options, .parser = parse_command, .args_doc = command->arguments, .doc = command->help};
	argp_parse(&argp, argc, argv, 0, NULL, arguments);
}

void options_parse(int argc, char **argv, struct arguments *ret_arguments)
{
	argp_err_exit_status = EXIT_ERROR;
	*ret_arguments = (struct arguments){0};
	struct arena *arena = &ret_arguments->arena;
	arena_init(arena, ARGUMENTS_CHUNK_SIZE, SIZE_MAX);
	const int at = parse_leading_options(argc, argv, ret_arguments);
	int words = 0;
	const struct command *command = command_find(argc - at, argv + at, &words);
	if (command == NULL)
		refuse_command(argc - at, argv + at);
	ret_arguments->command = command;
	int rest_argc;
	char **rest = join_switches(ret_arguments, argc - at - words + 1, argv + at + words - 1, &rest_argc);
	ret_arguments->words = arena_calloc(arena, (size_t)rest_argc, sizeof(*ret_arguments->words));
	if (ret_arguments->words == NULL)
		no_memory();
	// The name in usage messages.
	rest[0] = join_words(arena, "evauth ", command->noun, "");
	if (command->verb != NULL)
		rest[0] = join_words(arena, rest[0], " ", command->verb);
	parse_command_options(rest_argc, rest, ret_arguments);
}

void options_finish(struct arguments *arguments)
{
	arena_finish(&arguments->arena);
}
