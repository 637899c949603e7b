// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <string.h>

#define BIT OPTION_BIT

// The same fields at create and at set (fields.c says what each one is).
#define GROUP_OPTIONS                                                                        \
	(BIT(OPTION_NAME) | BIT(OPTION_INFO) | BIT(OPTION_GROUP_TYPE) | BIT(OPTION_TARIFF) | \
	 BIT(OPTION_PREPAID_TARIFF) | BIT(OPTION_ALL_CUSTOMERS) | BIT(OPTION_ROAMING) | BIT(OPTION_USER_GROUP))
#define POINT_OPTIONS (BIT(OPTION_LOCATION) | BIT(OPTION_HOME) | BIT(OPTION_TIME_ZONE) | BIT(OPTION_EVSES))
#define CUSTOMER_OPTIONS \
	(BIT(OPTION_NAME) | BIT(OPTION_USER_GROUP) | BIT(OPTION_PAYMENT) | BIT(OPTION_BLOCKED) | BIT(OPTION_NO_CREDIT))
#define TOKEN_IDENTITY_OPTIONS (BIT(OPTION_TOKEN_TYPE) | BIT(OPTION_ISSUER))
#define TOKEN_OPTIONS                                                                                       \
	(TOKEN_IDENTITY_OPTIONS | BIT(OPTION_CUSTOMER) | BIT(OPTION_CONTRACT) | BIT(OPTION_VISUAL_NUMBER) | \
	 BIT(OPTION_PARENT) | BIT(OPTION_BLOCKED) | BIT(OPTION_VALID_FROM) | BIT(OPTION_VALID_UNTIL) |      \
	 BIT(OPTION_WHITELIST) | BIT(OPTION_ROAMING_ALLOWED))
#define TARIFF_OPTIONS (BIT(OPTION_CURRENCY) | BIT(OPTION_START) | BIT(OPTION_END) | BIT(OPTION_URL))
#define RELATION_OPTIONS (BIT(OPTION_GROUP) | BIT(OPTION_CUSTOMER) | BIT(OPTION_TARIFF) | BIT(OPTION_UNATTACHED))
#define PLACE_AND_CALLER_OPTIONS                                                                                 \
	(TOKEN_IDENTITY_OPTIONS | BIT(OPTION_POINT) | BIT(OPTION_EVSE) | BIT(OPTION_GROUP) | BIT(OPTION_TOKEN) | \
	 BIT(OPTION_CUSTOMER) | BIT(OPTION_CLASS) | BIT(OPTION_AT))

const struct command commands[] = {
	{"tariff", "create", "FILE", "store a new tariff from a JSON file (OCPI 2.2.1)", 1, 1, 0, OBJECT_KIND_TARIFF,
	 command_create_from_file},
	{"tariff", "put", "FILE", "store a tariff from a JSON file, or replace it", 1, 1, 0, OBJECT_KIND_TARIFF,
	 command_put},
	{"tariff", "set", "TARIFF", "change fields of a tariff", 1, 1, TARIFF_OPTIONS, OBJECT_KIND_TARIFF, command_set},
	{"tariff", "get", "TARIFF", "show a stored tariff", 1, 1, 0, OBJECT_KIND_TARIFF, command_tariff_show},
	{"tariff", "show", "[TARIFF]",
	 "the tariff that applies at --point or --group for --token, --customer or --class", 0, 1,
	 PLACE_AND_CALLER_OPTIONS, OBJECT_KIND_TARIFF, command_tariff_show},
	{"tariff", "list", "[TEXT]", "list tariffs", 0, 1, 0, OBJECT_KIND_TARIFF, command_list},
	{"tariff", "delete", "TARIFF", "delete a tariff nobody uses", 1, 1, 0, OBJECT_KIND_TARIFF, command_delete},

	{"group", "create", "GROUP", "create a charge group", 1, 1, GROUP_OPTIONS, OBJECT_KIND_CHARGE_GROUP,
	 command_create},
	{"group", "put", "FILE", "store a charge group from a JSON file, or replace it", 1, 1, 0,
	 OBJECT_KIND_CHARGE_GROUP, command_put},
	{"group", "set", "GROUP", "change fields of a charge group", 1, 1, GROUP_OPTIONS, OBJECT_KIND_CHARGE_GROUP,
	 command_set},
	{"group", "show", "GROUP", "show a charge group, its points, its customers and their tariffs", 1, 1, 0,
	 OBJECT_KIND_CHARGE_GROUP, command_group_show},
	{"group", "list", "[TEXT]", "list charge groups", 0, 1, BIT(OPTION_TARIFF), OBJECT_KIND_CHARGE_GROUP,
	 command_list},
	{"group", "delete", "GROUP", "delete a charge group; its points and customers are detached", 1, 1, 0,
	 OBJECT_KIND_CHARGE_GROUP, command_delete},
	{"group", "attach-points", "GROUP POINT...", "put charge points into a group ('-': ids from stdin)", 2,
	 WORDS_ANY, BIT(OPTION_MOVE), OBJECT_KIND_CHARGE_POINT, command_attach_points},
	{"group", "detach-points", "GROUP POINT...", "take charge points out of a group", 2, WORDS_ANY, 0,
	 OBJECT_KIND_CHARGE_POINT, command_detach_points},
	{"group", "attach-customers", "GROUP CUSTOMER...", "give customers access, and with --tariff their own tariff",
	 2, WORDS_ANY, BIT(OPTION_TARIFF), OBJECT_KIND_CUSTOMER, command_attach_customers},
	{"group", "detach-customers", "GROUP CUSTOMER...", "take customers' access away", 2, WORDS_ANY, 0,
	 OBJECT_KIND_CUSTOMER, command_detach_customers},
	{"group", "set-tariff", "GROUP CUSTOMER...", "give attached customers their own --tariff (\"\": the group's)",
	 2, WORDS_ANY, BIT(OPTION_TARIFF), OBJECT_KIND_CUSTOMER, command_set_tariff},

	{"point", "create", "POINT", "create a charge point", 1, 1, POINT_OPTIONS, OBJECT_KIND_CHARGE_POINT,
	 command_create},
	{"point", "put", "FILE", "store a charge point from a JSON file, or replace it", 1, 1, 0,
	 OBJECT_KIND_CHARGE_POINT, command_put},
	{"point", "set", "POINT", "change fields of a charge point", 1, 1, POINT_OPTIONS, OBJECT_KIND_CHARGE_POINT,
	 command_set},
	{"point", "show", "POINT", "show a charge point", 1, 1, 0, OBJECT_KIND_CHARGE_POINT, command_show},
	{"point", "list", "[TEXT]", "list charge points", 0, 1, BIT(OPTION_GROUP) | BIT(OPTION_UNATTACHED),
	 OBJECT_KIND_CHARGE_POINT, command_list},
	{"point", "delete", "POINT", "delete a charge point", 1, 1, 0, OBJECT_KIND_CHARGE_POINT, command_delete},

	{"customer", "create", "CUSTOMER", "create a customer", 1, 1, CUSTOMER_OPTIONS, OBJECT_KIND_CUSTOMER,
	 command_create},
	{"customer", "put", "FILE", "store a customer from a JSON file, or replace it", 1, 1, 0, OBJECT_KIND_CUSTOMER,
	 command_put},
	{"customer", "set", "CUSTOMER", "change fields of a customer", 1, 1, CUSTOMER_OPTIONS, OBJECT_KIND_CUSTOMER,
	 command_set},
	{"customer", "show", "CUSTOMER", "show a customer, its tokens and its charge groups", 1, 1, 0,
	 OBJECT_KIND_CUSTOMER, command_customer_show},
	{"customer", "list", "[TEXT]", "list customers", 0, 1, BIT(OPTION_GROUP) | BIT(OPTION_UNATTACHED),
	 OBJECT_KIND_CUSTOMER, command_list},
	{"customer", "delete", "CUSTOMER", "delete a customer with its tokens and attachments", 1, 1, 0,
	 OBJECT_KIND_CUSTOMER, command_delete},
	{"customer", "erase", "CUSTOMER",
	 "delete a customer, and every trace of it in the daemon's files"
	 "\vIts tokens and attachments go with it, what the log of changes, its orphans and remembered answers say of "
	 "it, and "
	 "the bytes that deleted records leave in the store. Other replicas, Redis, backups and the daemon's memory: "
	 "docs/operations.md.",
	 1, 1, BIT(OPTION_YES), OBJECT_KIND_CUSTOMER, command_customer_erase},

	{"token", "create", "UID", "create a token of a --customer, or of an --issuer", 1, 1, TOKEN_OPTIONS,
	 OBJECT_KIND_TOKEN, command_create},
	{"token", "put", "FILE", "store a token from a JSON file, or replace it", 1, 1, 0, OBJECT_KIND_TOKEN,
	 command_put},
	{"token", "set", "UID", "change fields of a token; --type and --issuer say which", 1, 1, TOKEN_OPTIONS,
	 OBJECT_KIND_TOKEN, command_set},
	{"token", "show", "UID", "show a token", 1, 1, TOKEN_IDENTITY_OPTIONS, OBJECT_KIND_TOKEN, command_show},
	{"token", "list", "[TEXT]", "list tokens", 0, 1, BIT(OPTION_CUSTOMER), OBJECT_KIND_TOKEN, command_list},
	{"token", "delete", "UID", "delete a token", 1, 1, TOKEN_IDENTITY_OPTIONS, OBJECT_KIND_TOKEN, command_delete},
	{"token", "pseudonym", "UID",
	 "what the daemon's log calls this token (log-denials): t=XXXXXXXX, made here from its --pepper-file", 1, 1,
	 BIT(OPTION_PEPPER_FILE) | BIT(OPTION_TOKEN_TYPE), OBJECT_KIND_TOKEN, command_pseudonym},

	{"search", NULL, "KIND [TEXT]",
	 "find tariffs, groups, charge-points, customers, tokens or memberships by part of id or name", 1, 2,
	 RELATION_OPTIONS, OBJECT_KIND_UNSPECIFIED, command_search},
	{"get", NULL, "KIND ID", "show one stored object; a membership is GROUP CUSTOMER", 2, 3, TOKEN_IDENTITY_OPTIONS,
	 OBJECT_KIND_UNSPECIFIED, command_get},

	{"authorize", NULL, "TOKEN [POINT]", "may this token charge here? exit code 0 yes, 1 no, 3 ask the issuer", 1,
	 2, TOKEN_IDENTITY_OPTIONS | BIT(OPTION_EVSE) | BIT(OPTION_AT) | BIT(OPTION_EXPLAIN), OBJECT_KIND_TOKEN,
	 command_authorize},
	{"visible", NULL, "CUSTOMER", "the charge points a customer sees in the app", 1, 1, 0, OBJECT_KIND_CUSTOMER,
	 command_visible},
	{"permitted", NULL, "POINT", "who may charge at a charge point, at which tariff", 0, 1, BIT(OPTION_EVSE),
	 OBJECT_KIND_CHARGE_POINT, command_permitted},

	{"import", NULL, "FILE|-",
	 "apply JSON lines of changes, in atomic batches"
	 "\vEach batch of lines is stored whole or not at all. Several are under way at a time: when one is refused, "
	 "those sent behind it may take effect, and it is said which lines did. A file without deletions, detachments, "
	 "moves, "
	 "create_only and expected_object_revision can then be corrected and imported again; of another one, import "
	 "only the lines that were not committed.",
	 1, 1, BIT(OPTION_DRY_RUN), OBJECT_KIND_UNSPECIFIED, command_import},
	{"export", NULL, NULL, "write everything as JSON lines of changes, ready for import", 0, 0, 0,
	 OBJECT_KIND_UNSPECIFIED, command_export},
	{"watch", NULL, NULL, "print changes as they happen; exit code 4 when it cannot go on where it was", 0, 0,
	 BIT(OPTION_AFTER), OBJECT_KIND_UNSPECIFIED, command_watch},
	{"log", "orphans", NULL, "changes set aside for another history; --json: lines for import", 0, 0, 0,
	 OBJECT_KIND_UNSPECIFIED, command_log_orphans},
	{"log", "forget-orphans", "REVISION", "forget those up to this revision", 1, 1, 0, OBJECT_KIND_UNSPECIFIED,
	 command_log_forget_orphans},
	{"log", "adopt", NULL, "make this replica's state the history that all replicas follow", 0, 0, BIT(OPTION_YES),
	 OBJECT_KIND_UNSPECIFIED, command_log_adopt},
	{"log", NULL, NULL, "the last changes, newest first", 0, 0, BIT(OPTION_LAST) | BIT(OPTION_BEFORE),
	 OBJECT_KIND_UNSPECIFIED, command_log},
	{"snapshot", NULL, "FILE|-", "write everything, with what is remembered of idempotency keys, ready for restore",
	 1, 1, 0, OBJECT_KIND_UNSPECIFIED, command_snapshot},
	{"backup", NULL, "FILE", "write a snapshot while the daemon serves, have it on the disk, and read it back", 1,
	 1, 0, OBJECT_KIND_UNSPECIFIED, command_backup},
	{"restore", NULL, "FILE|-", "put a snapshot or backup in place of everything the daemon has", 1, 1,
	 BIT(OPTION_DRY_RUN) | BIT(OPTION_YES), OBJECT_KIND_UNSPECIFIED, command_restore},
	{"check", NULL, NULL,
	 "is the store sound? Pages, checksums, digest and index are looked at; exit code 0 yes, 1 no", 0, 0, 0,
	 OBJECT_KIND_UNSPECIFIED, command_check},
	{"clients", NULL, NULL,
	 "who uses the daemon: connections, requests, verdicts, unknown tokens, what was refused", 0, 0, 0,
	 OBJECT_KIND_UNSPECIFIED, command_clients},
	{"status", NULL, NULL, "the daemon's version, contents and limits", 0, 0, 0, OBJECT_KIND_UNSPECIFIED,
	 command_status},
	{"top", NULL, NULL,
	 "live rates, verdicts, times, connections, store and replication; q ends it"
	 "\vRates and percentiles are those between two readings of the daemon's counters; a percentile is told as the "
	 "bound of the histogram it lies under. In a pipe, with --once or --batch: plain blocks; with --json the "
	 "readings, one a line. A daemon that is restarted is waited for. Wants the role watch.",
	 0, 0, BIT(OPTION_INTERVAL) | BIT(OPTION_TIMES) | BIT(OPTION_ONCE) | BIT(OPTION_BATCH), OBJECT_KIND_UNSPECIFIED,
	 command_top},
	{"completion", "bash", NULL, "a script that completes commands and options in bash", 0, 0, 0,
	 OBJECT_KIND_UNSPECIFIED, command_completion},
};

const size_t commands_count = ARRAY_SIZE(commands);

const struct command *command_find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < commands_count && argc > 0; i++) {
		const struct command *command = &commands[i];
		const int words = command->verb ? 2 : 1;
		if (argc < words || strcmp(argv[0], command->noun) != 0)
			continue;
		if (command->verb != NULL && strcmp(argv[1], command->verb) != 0)
			continue;
		*ret_words = words;
		return command;
	}
	return NULL;
}
