// SPDX-License-Identifier: Apache-2.0
// A configuration file: what is accepted, and printed again, is read as the same settings.
#include "daemon/options_table.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRINTED_SIZE = 64 * 1024 };

struct printed {
	char text[PRINTED_SIZE];
	size_t size;
};

static void take_line(void *context, const char *line)
{
	struct printed *printed = context;
	const size_t left = sizeof(printed->text) - printed->size;
	const int size = snprintf(printed->text + printed->size, left, "%s\n", line);
	ASSERT((size_t)size < left);
	printed->size += (size_t)size;
}

static void check_again(const struct options *options, const struct options *defaults)
{
	static struct printed printed;
	static struct options again;
	struct options_error error;
	printed.size = 0;
	again = *defaults;
	options_print(options, take_line, &printed);
	ASSERT(options_file_parse("printed", printed.text, &again, &error) == 0);
	for (size_t i = 0; i < option_table_size; i++)
		ASSERT(option_table[i].command_line_only || option_has_password(&option_table[i], options) ||
		       option_equals(&option_table[i], options, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options defaults, options;
	char *arguments[] = {(char *)"evauthd", NULL};
	struct options_error error = {0};
	if (size > OPTIONS_FILE_MAX || memchr(data, '\0', size) != NULL) // as options_file_read() refuses
		return 0;
	char *text = malloc(size + 1);
	ASSERT(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	ASSERT(options_load(1, arguments, &defaults, &error) == 0);
	options = defaults;
	if (options_file_parse("input", text, &options, &error) == 0)
		check_again(&options, &defaults);
	else
		ASSERT(error.message[0] != '\0');
	free(text);
	return 0;
}
