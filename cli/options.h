// SPDX-License-Identifier: Apache-2.0
// The options of every command, in one table, and what a command line said. An option means the same wherever it is
// accepted; the commands (commands.c) name the ones they take.
#pragma once

#include "base/arena.h"
#include "base/check.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// To add one: here, its row in options.c, and its bit in the commands that take it.
enum option_id {
	// global: before the noun and after the verb
	OPTION_SERVER,
	OPTION_JSON,
	OPTION_TIMEOUT,
	OPTION_QUIET,
	OPTION_TLS_CA_FILE,
	OPTION_TLS_CERT_FILE,
	OPTION_TLS_KEY_FILE,
	OPTION_TLS_SERVER_NAME,
	// who and where
	OPTION_POINT,
	OPTION_EVSE,
	OPTION_GROUP,
	OPTION_CUSTOMER,
	OPTION_TOKEN,
	OPTION_TOKEN_TYPE,
	OPTION_ISSUER,
	OPTION_CLASS,
	OPTION_AT,
	OPTION_EXPLAIN,
	OPTION_UNATTACHED,
	// fields of objects
	OPTION_NAME,
	OPTION_INFO,
	OPTION_GROUP_TYPE,
	OPTION_TARIFF,
	OPTION_PREPAID_TARIFF,
	OPTION_ALL_CUSTOMERS,
	OPTION_ROAMING,
	OPTION_USER_GROUP,
	OPTION_LOCATION,
	OPTION_HOME,
	OPTION_TIME_ZONE,
	OPTION_EVSES,
	OPTION_PAYMENT,
	OPTION_BLOCKED,
	OPTION_NO_CREDIT,
	OPTION_CONTRACT,
	OPTION_VISUAL_NUMBER,
	OPTION_PARENT,
	OPTION_VALID_FROM,
	OPTION_VALID_UNTIL,
	OPTION_WHITELIST,
	OPTION_ROAMING_ALLOWED,
	OPTION_CURRENCY,
	OPTION_START,
	OPTION_END,
	OPTION_URL,
	// how
	OPTION_MOVE,
	OPTION_DRY_RUN,
	OPTION_AFTER,
	OPTION_LAST,
	OPTION_BEFORE,
	OPTION_YES,
	OPTION_INTERVAL,
	OPTION_TIMES,
	OPTION_ONCE,
	OPTION_BATCH,
	OPTION_PEPPER_FILE,
	OPTION_COUNT,
};

#define OPTION_BIT(id) (1ull << (id))
#define OPTIONS_TLS                                                                                            \
	(OPTION_BIT(OPTION_TLS_CA_FILE) | OPTION_BIT(OPTION_TLS_CERT_FILE) | OPTION_BIT(OPTION_TLS_KEY_FILE) | \
	 OPTION_BIT(OPTION_TLS_SERVER_NAME))
#define OPTIONS_GLOBAL                                                                                                 \
	(OPTION_BIT(OPTION_SERVER) | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_QUIET) | \
	 OPTIONS_TLS)

struct option_row {
	const char *name;     // without the dashes
	const char *argument; // NULL: a switch, "on" when given alone; also "on" and "off"
	const char *help;
};

extern const struct option_row option_rows[OPTION_COUNT];

struct command;

// What the command line said. Borrows from argv; the rest lives in `arena`.
struct arguments {
	struct arena arena;
	const struct command *command;
	char **words; // after NOUN and VERB
	size_t words_count;
	const char *values[OPTION_COUNT];       // NULL: not given
	const char *evses[EVSES_PER_POINT_MAX]; // every OPTION_EVSES, in order
	size_t evses_count;
};

// Reads a command line. Usage errors, --help and --version end the process (argp(3)), the first with exit code 2.
void options_parse(int argc, char **argv, struct arguments *ret_arguments);
void options_finish(struct arguments *arguments);

static inline bool option_given(const struct arguments *arguments, enum option_id id)
{
	return arguments->values[id] != NULL;
}
// A switch that was given and is not off. Other words were refused by options_parse().
bool option_is_on(const struct arguments *arguments, enum option_id id);
