// SPDX-License-Identifier: Apache-2.0
// The commands of evauth: one table of NOUN VERB, which drives dispatch and help (commands.c).
//
// To add one: a handler in the cmd_*.c it belongs to, its declaration below, its row in commands.c.
#pragma once

#include "cli/options.h"
#include "proto/messages.h"

enum exit_code {
	EXIT_DONE = 0, // done, allowed
	EXIT_DENIED = 1,
	EXIT_ERROR = 2,
	EXIT_ASK_ISSUER = 3,
	EXIT_UNSOUND = 1,       // check: the store has problems
	EXIT_CANNOT_RESUME = 4, // watch: what comes after the revision is not to be had any more
};

struct context;

struct command {
	const char *noun;
	const char *verb;      // NULL: the noun says it all
	const char *arguments; // for help: "GROUP POINT..."
	const char *help;      // one line
	int words_min;
	int words_max; // -1: any number
	uint64_t options;
	enum object_kind kind; // the object a generic handler works on
	enum exit_code (*run)(struct context *context, const struct arguments *arguments);
};

enum { WORDS_ANY = -1 };

extern const struct command commands[];
extern const size_t commands_count;

// The command these words begin with, and how many they are (1 or 2). NULL: none.
const struct command *command_find(int argc, char **argv, int *ret_words);

enum exit_code command_create(struct context *context, const struct arguments *arguments);
enum exit_code command_create_from_file(struct context *context, const struct arguments *arguments);
enum exit_code command_put(struct context *context, const struct arguments *arguments);
enum exit_code command_set(struct context *context, const struct arguments *arguments);
enum exit_code command_delete(struct context *context, const struct arguments *arguments);
enum exit_code command_show(struct context *context, const struct arguments *arguments);
enum exit_code command_get(struct context *context, const struct arguments *arguments);
enum exit_code command_list(struct context *context, const struct arguments *arguments);
enum exit_code command_search(struct context *context, const struct arguments *arguments);

enum exit_code command_group_show(struct context *context, const struct arguments *arguments);
enum exit_code command_attach_points(struct context *context, const struct arguments *arguments);
enum exit_code command_detach_points(struct context *context, const struct arguments *arguments);
enum exit_code command_attach_customers(struct context *context, const struct arguments *arguments);
enum exit_code command_detach_customers(struct context *context, const struct arguments *arguments);
enum exit_code command_set_tariff(struct context *context, const struct arguments *arguments);

enum exit_code command_customer_show(struct context *context, const struct arguments *arguments);
enum exit_code command_tariff_show(struct context *context, const struct arguments *arguments);
enum exit_code command_authorize(struct context *context, const struct arguments *arguments);
enum exit_code command_visible(struct context *context, const struct arguments *arguments);
enum exit_code command_permitted(struct context *context, const struct arguments *arguments);
enum exit_code command_import(struct context *context, const struct arguments *arguments);
enum exit_code command_export(struct context *context, const struct arguments *arguments);
enum exit_code command_snapshot(struct context *context, const struct arguments *arguments);
enum exit_code command_backup(struct context *context, const struct arguments *arguments);
enum exit_code command_restore(struct context *context, const struct arguments *arguments);
enum exit_code command_completion(struct context *context, const struct arguments *arguments);
enum exit_code command_customer_erase(struct context *context, const struct arguments *arguments);
enum exit_code command_check(struct context *context, const struct arguments *arguments);
enum exit_code command_clients(struct context *context, const struct arguments *arguments);
enum exit_code command_pseudonym(struct context *context, const struct arguments *arguments);
enum exit_code command_top(struct context *context, const struct arguments *arguments);
enum exit_code command_status(struct context *context, const struct arguments *arguments);
enum exit_code command_watch(struct context *context, const struct arguments *arguments);
enum exit_code command_log(struct context *context, const struct arguments *arguments);
enum exit_code command_log_orphans(struct context *context, const struct arguments *arguments);
enum exit_code command_log_forget_orphans(struct context *context, const struct arguments *arguments);
enum exit_code command_log_adopt(struct context *context, const struct arguments *arguments);
