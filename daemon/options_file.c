// SPDX-License-Identifier: Apache-2.0
#include "daemon/options_table.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TABLE_MAX = 64 };

// What the callbacks of libconfuse need. They take no context, hence the thread-local pointer below, which is set only
// while options_file_parse() runs.
struct file_parse {
	const char *path;
	struct options *options;
	struct options_error *error;
	bool failed;
	bool seen[TABLE_MAX];
};

static _Thread_local struct file_parse *current_parse;

PRINTF_LIKE(2, 3) static void refuse(int line, const char *format, ...)
{
	struct file_parse *parse = current_parse;
	if (parse->failed)
		return;
	parse->failed = true;
	const int head = snprintf(parse->error->message, sizeof(parse->error->message), "%s:%d: ", parse->path, line);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(parse->error->message + head, sizeof(parse->error->message) - (size_t)head, format, arguments);
	va_end(arguments);
}

static void on_confuse_error(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[256];
	vsnprintf(text, sizeof(text), format, arguments);
	refuse(cfg->line, "%s", text);
}

// Called by libconfuse when it has read a value, with the line it stands on; for a list after each item, with all so
// far.
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct file_parse *parse = current_parse;
	const int index = option_find(opt->name);
	const struct option_row *row = &option_table[index];
	if (parse->seen[index] && row->type != OPTION_LIST) {
		refuse(cfg->line, "%s: is set twice", row->name);
		return -1;
	}
	parse->seen[index] = true;
	option_clear(row, parse->options);
	for (unsigned int i = 0; i < cfg_opt_size(opt); i++) {
		char why[384];
		const char *text = cfg_opt_getnstr(opt, i);
		if (option_set(row, parse->options, text ? text : "", why, sizeof(why)) != 0) {
			refuse(cfg->line, "%s: %s", row->name, why);
			return -1;
		}
	}
	return 0;
}

// Every value is a string to libconfuse: file and command line are read by the same code.
static void make_opts(cfg_opt_t *opts)
{
	size_t count = 0;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		if (row->command_line_only)
			continue;
		const cfg_opt_t one = CFG_STR(row->name, NULL, CFGF_NODEFAULT);
		const cfg_opt_t list = CFG_STR_LIST(row->name, NULL, CFGF_NODEFAULT);
		opts[count++] = row->type == OPTION_LIST ? list : one;
	}
	opts[count] = (cfg_opt_t)CFG_END();
}

int options_file_parse(const char *path, const char *text, struct options *options, struct options_error *error)
{
	cfg_opt_t opts[TABLE_MAX + 1];
	struct file_parse parse = {.path = path, .options = options, .error = error};
	ASSERT(option_table_size <= TABLE_MAX);
	if (text[0] == '\0')
		return 0;
	make_opts(opts);
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL) {
		snprintf(error->message, sizeof(error->message), "%s: out of memory", path);
		return -ENOMEM;
	}
	current_parse = &parse;
	cfg_set_error_function(cfg, on_confuse_error);
	for (size_t i = 0; i < option_table_size; i++) {
		if (!option_table[i].command_line_only)
			cfg_set_validate_func(cfg, option_table[i].name, on_value);
	}
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		refuse(cfg->line, "cannot be understood");
	cfg_free(cfg);
	current_parse = NULL;
	return parse.failed ? -EINVAL : 0;
}

static int refuse_file(const char *path, const char *why, struct options_error *error)
{
	snprintf(error->message, sizeof(error->message), "%s: %s", path, why);
	return -EINVAL;
}

// A password is for nobody else on this machine.
static int check_secrets(FILE *file, const char *path, const struct options *options, struct options_error *error)
{
	struct stat st;
	for (size_t i = 0; i < option_table_size; i++) {
		if (!option_has_password(&option_table[i], options))
			continue;
		if (fstat(fileno(file), &st) != 0 || (st.st_mode & S_IRWXO) != 0)
			return refuse_file(path,
					   "has a password and others may use the file; chmod o= takes that away, or "
					   "put the password into redis-password-file",
					   error);
	}
	return 0;
}

int options_file_read(const char *path, struct options *options, struct options_error *error)
{
	int result;
	char *text = malloc(OPTIONS_FILE_MAX + 1);
	FILE *file = fopen(path, "re");
	if (file == NULL || text == NULL) {
		result = refuse_file(path, strerror(file ? ENOMEM : errno), error);
		goto done;
	}
	const size_t size = fread(text, 1, OPTIONS_FILE_MAX + 1, file);
	if (ferror(file))
		result = refuse_file(path, strerror(errno), error);
	else if (size > OPTIONS_FILE_MAX)
		result = refuse_file(path, "is larger than 64 KiB: not a configuration file of evauthd", error);
	else if (memchr(text, '\0', size) != NULL)
		result = refuse_file(path, "has a zero byte: not a text file", error);
	else {
		text[size] = '\0';
		result = options_file_parse(path, text, options, error);
		if (result == 0)
			result = check_secrets(file, path, options, error);
	}
done:
	if (file != NULL)
		fclose(file);
	free(text);
	return result;
}
