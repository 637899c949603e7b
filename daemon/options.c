// SPDX-License-Identifier: Apache-2.0
#include "daemon/options.h"

#include "daemon/options_table.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TABLE_MAX = 64,
	GIVEN_MAX = 128,
	HELP_SIZE_MAX = 384,
	KEY_FIRST = 0x1000, // argp: above the characters, so that no option has a short form
};

static const char help_text[] =
	"The authorization daemon of an EV-charging back end.\v"
	"Sizes: 65536, 512KiB, 1MiB, 16GiB. Times: 500ms, 5s, 10min, 1h. Every option but config, check-config, help "
	"and version is a key of the configuration file as well: max-connections = 1000, listen = "
	"{\"127.0.0.1:7420\"}. The command line beats the file. The file of a certificate, a key or a password may be "
	"credential:NAME, which the service manager passes. SIGHUP reads command line and file again and takes over "
	"what is reloadable.";

// What stood on the command line, in order.
struct given {
	size_t count;
	struct {
		size_t row;
		const char *value;
	} values[GIVEN_MAX];
	bool too_many;
};

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct given *given = state->input;
	if (key == ARGP_KEY_ARG) {
		argp_error(state, "unexpected argument '%s'", argument);
		return EINVAL;
	}
	if (key < KEY_FIRST || key >= KEY_FIRST + (int)option_table_size)
		return ARGP_ERR_UNKNOWN;
	if (given->count == GIVEN_MAX) {
		given->too_many = true;
		return 0;
	}
	given->values[given->count].row = (size_t)(key - KEY_FIRST);
	given->values[given->count++].value = argument ? argument : "true";
	return 0;
}

// "keep the database in DIR (default ./evauthd-data; reload)"
static void make_help(const struct option_row *row, char *text)
{
	int used = snprintf(text, HELP_SIZE_MAX, "%s", row->help);
	if (row->preset != NULL && row->type != OPTION_FLAG)
		used += snprintf(text + used, HELP_SIZE_MAX - (size_t)used, " (default %s%s)", row->preset,
				 row->reloadable ? "; reloadable" : "");
}

static void make_argp_options(struct argp_option *options, char (*help)[HELP_SIZE_MAX])
{
	ASSERT(option_table_size <= TABLE_MAX);
	memset(options, 0, sizeof(*options) * (TABLE_MAX + 1));
	for (size_t i = 0; i < option_table_size; i++) {
		make_help(&option_table[i], help[i]);
		options[i].name = option_table[i].name;
		options[i].key = KEY_FIRST + (int)i;
		options[i].arg = option_table[i].argument;
		options[i].doc = help[i];
	}
}

static int read_command_line(int argc, char **argv, struct given *given)
{
	struct argp_option options[TABLE_MAX + 1];
	char help[TABLE_MAX][HELP_SIZE_MAX];
	make_argp_options(options, help);
	const struct argp argp = {.options = options, .parser = on_option, .doc = help_text};
	return argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, given) == 0 ? 0 : -EINVAL;
}

void options_print_help(void)
{
	struct argp_option options[TABLE_MAX + 1];
	char help[TABLE_MAX][HELP_SIZE_MAX], name[] = "evauthd";
	make_argp_options(options, help);
	const struct argp argp = {.options = options, .parser = on_option, .doc = help_text};
	argp_help(&argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC, name);
}

static void set_presets(struct options *options)
{
	char why[64];
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		const int result = row->preset ? option_set(row, options, row->preset, why, sizeof(why)) : 0;
		ASSERT(result == 0);
	}
}

// A list on the command line replaces the file's.
static int apply_given(const struct given *given, struct options *options, struct options_error *error)
{
	bool seen[TABLE_MAX] = {false};
	for (size_t i = 0; i < given->count; i++) {
		const struct option_row *row = &option_table[given->values[i].row];
		char why[384];
		if (!seen[given->values[i].row])
			option_clear(row, options);
		seen[given->values[i].row] = true;
		if (option_set(row, options, given->values[i].value, why, sizeof(why)) != 0) {
			snprintf(error->message, sizeof(error->message), "--%s: %s", row->name, why);
			return -EINVAL;
		}
		if (option_has_password(row, options)) {
			snprintf(error->message, sizeof(error->message),
				 "--%s: everybody on this machine sees a password on the command line; put it into "
				 "redis-password-file, or the URL into the configuration file",
				 row->name);
			return -EINVAL;
		}
	}
	return 0;
}

static const char *find_given(const struct given *given, const char *name)
{
	const size_t row = (size_t)option_find(name);
	const char *value = NULL;
	for (size_t i = 0; i < given->count; i++) {
		if (given->values[i].row == row)
			value = given->values[i].value;
	}
	return value;
}

int options_load(int argc, char **argv, struct options *ret_options, struct options_error *error)
{
	struct given given = {0};
	if (read_command_line(argc, argv, &given) != 0 || given.too_many) {
		snprintf(error->message, sizeof(error->message), "%s",
			 given.too_many ? "too many options" : "the command line is wrong; see evauthd --help");
		return -EINVAL;
	}
	struct options *options = malloc(sizeof(*options));
	if (options == NULL) {
		snprintf(error->message, sizeof(error->message), "out of memory");
		return -ENOMEM;
	}
	set_presets(options);
	const char *path = find_given(&given, "config");
	int result = path ? options_file_read(path, options, error) : 0;
	if (result == 0)
		result = apply_given(&given, options, error);
	if (result == 0)
		*ret_options = *options;
	free(options);
	return result;
}

// ---------------------------------------------------------------- what is in force

static void quote(const char *text, char *quoted, size_t size)
{
	size_t used = 0;
	quoted[used++] = '"';
	for (; *text != '\0' && used + 4 < size; text++) {
		if (*text == '"' || *text == '\\' || *text == '$')
			quoted[used++] = '\\';
		quoted[used++] = *text;
	}
	quoted[used++] = '"';
	quoted[used] = '\0';
}

static void print_list(const struct option_row *row, const struct options_list *list,
		       void (*write_line)(void *context, const char *line), void *context)
{
	char line[2 * OPTIONS_TEXT_MAX + 64], quoted[2 * OPTIONS_TEXT_MAX];
	snprintf(line, sizeof(line), "%s = {", row->name);
	write_line(context, line);
	for (size_t i = 0; i < list->count; i++) {
		quote(list->items[i], quoted, sizeof(quoted));
		snprintf(line, sizeof(line), "\t%s%s", quoted, i + 1 < list->count ? "," : "");
		write_line(context, line);
	}
	write_line(context, "}");
}

static void print_row(const struct option_row *row, const struct options *options,
		      void (*write_line)(void *context, const char *line), void *context)
{
	char line[2 * OPTIONS_TEXT_MAX + 64], quoted[2 * OPTIONS_TEXT_MAX], text[OPTIONS_TEXT_MAX];
	option_format(row, options, text, sizeof(text));
	if (text[0] == '\0')
		return;
	quote(text, quoted, sizeof(quoted));
	const bool is_text = row->type == OPTION_TEXT || row->type == OPTION_FILE || row->type == OPTION_URL;
	if (option_has_password(row, options))
		snprintf(line, sizeof(line), "# %s = %s, with its password", row->name, quoted);
	else
		snprintf(line, sizeof(line), "%s = %s", row->name, is_text ? quoted : text);
	write_line(context, line);
}

void options_print(const struct options *options, void (*write_line)(void *context, const char *line), void *context)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		if (row->command_line_only)
			continue;
		if (row->type != OPTION_LIST)
			print_row(row, options, write_line, context);
		else if (option_items(row, options)->count > 0)
			print_list(row, option_items(row, options), write_line, context);
	}
}

void options_reload(struct options *old, const struct options *new, char *ret_names, size_t names_size)
{
	size_t used = 0;
	ret_names[0] = '\0';
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		if (option_equals(row, old, new))
			continue;
		if (row->reloadable) {
			option_copy(row, old, new);
		} else if (used < names_size) {
			used += (size_t)snprintf(ret_names + used, names_size - used, "%s%s", used ? ", " : "",
						 row->name);
		}
	}
}
