// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_table.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const column_names[] = {
	[PLOT_RATE] = "rate",         [PLOT_PER_SECOND] = "per_second", [PLOT_MEAN_US] = "mean_us",
	[PLOT_P50_US] = "p50_us",     [PLOT_P90_US] = "p90_us",         [PLOT_P99_US] = "p99_us",
	[PLOT_P99_9_US] = "p99_9_us", [PLOT_P99_99_US] = "p99_99_us",   [PLOT_MAX_US] = "max_us",
	[PLOT_SECOND] = "second",     [PLOT_REQUESTS] = "requests",     [PLOT_UNSENT] = "unsent",
};

enum { NUMBER_SIZE_MAX = 64, ROWS_FIRST = 16 };

const char *plot_column_name(enum plot_column column)
{
	return column_names[column];
}

enum plot_column plot_column_find(const char *name, size_t size)
{
	for (size_t i = 0; i < PLOT_COLUMNS; i++) {
		if (strlen(column_names[i]) == size && memcmp(column_names[i], name, size) == 0)
			return (enum plot_column)i;
	}
	return PLOT_COLUMNS;
}

int plot_fail(struct plot_error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

int plot_number_parse(const char *text, size_t size, double *ret_number)
{
	char copy[NUMBER_SIZE_MAX], *end;
	if (size == 0 || size >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	// strtod() also takes spaces, hexadecimal numbers, "inf" and "nan".
	if (strspn(copy, "0123456789+-.eE") != size)
		return -EINVAL;
	const double number = strtod(copy, &end);
	if (*end != '\0' || !isfinite(number))
		return -EINVAL;
	*ret_number = number;
	return 0;
}

struct plot_row *plot_table_add(struct plot_table *table, uint32_t line, struct plot_error *error)
{
	if (table->count == PLOT_ROWS_MAX) {
		plot_fail(error, "%s:%u: more than %d rows", table->name, line, PLOT_ROWS_MAX);
		return NULL;
	}
	// Doubles at every power of two.
	if (table->count == 0 || (table->count >= ROWS_FIRST && (table->count & (table->count - 1)) == 0)) {
		const size_t capacity = table->count == 0 ? ROWS_FIRST : 2 * table->count;
		struct plot_row *rows = realloc(table->rows, capacity * sizeof(*rows));
		if (!rows) {
			plot_fail(error, "%s: %s", table->name, strerror(ENOMEM));
			return NULL;
		}
		table->rows = rows;
	}
	struct plot_row *row = &table->rows[table->count++];
	*row = (struct plot_row){.line = line};
	for (size_t i = 0; i < PLOT_COLUMNS; i++)
		row->values[i] = NAN;
	return row;
}

void plot_table_finish(struct plot_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].over_time);
	free(table->rows);
	table->rows = NULL;
	table->count = 0;
}

// ---------------------------------------------------------------- files

static int read_stream(const char *name, FILE *stream, char *text, size_t *ret_size, struct plot_error *error)
{
	*ret_size = fread(text, 1, PLOT_FILE_SIZE_MAX + 1, stream);
	if (ferror(stream))
		return plot_fail(error, "%s: %s", name, strerror(errno));
	if (*ret_size > PLOT_FILE_SIZE_MAX)
		return plot_fail(error, "%s: larger than %d MiB", name, PLOT_FILE_SIZE_MAX / 1024 / 1024);
	return 0;
}

static int parse_text(struct plot_table *table, const char *text, size_t size, struct plot_error *error)
{
	size_t first = 0;
	while (first < size && isspace((unsigned char)text[first]))
		first++;
	if (first == size)
		return plot_fail(error, "%s: empty", table->name);
	return text[first] == '{' ? plot_table_parse_json(table, text, size, error)
				  : plot_table_parse_csv(table, text, size, error);
}

int plot_file_read(const char *name, char **ret_text, size_t *ret_size, struct plot_error *error)
{
	FILE *stream = fopen(name, "re");
	if (!stream)
		return plot_fail(error, "%s: %s", name, strerror(errno));
	char *text = malloc(PLOT_FILE_SIZE_MAX + 1);
	int result = text ? read_stream(name, stream, text, ret_size, error)
			  : plot_fail(error, "%s: %s", name, strerror(ENOMEM));
	fclose(stream);
	if (result == 0)
		*ret_text = text;
	else
		free(text);
	return result;
}

int plot_table_read(const char *name, struct plot_table *ret_table, struct plot_error *error)
{
	char *text = NULL;
	size_t size = 0;
	*ret_table = (struct plot_table){.name = name};
	int result = plot_file_read(name, &text, &size, error);
	if (result == 0)
		result = parse_text(ret_table, text, size, error);
	free(text);
	return result;
}
