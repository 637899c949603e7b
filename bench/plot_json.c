// SPDX-License-Identifier: Apache-2.0
// JSON objects, one after the other, as --json writes them. proto/json.h reads only messages of the protocol, hence
// jansson itself.
#include "bench/plot_bars.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct plot_table *table;
	const char *at, *end;
	uint32_t line;
	struct plot_error *error;
};

// White space, and what `at` passes besides it.
static void advance(struct reader *reader, size_t size)
{
	for (; size > 0; size--)
		reader->line += *reader->at++ == '\n';
	while (reader->at < reader->end && isspace((unsigned char)*reader->at))
		reader->line += *reader->at++ == '\n';
}

static int keep_number(const struct reader *reader, struct plot_row *row, enum plot_column column, const json_t *value)
{
	if (!json_is_number(value))
		return plot_fail(reader->error, "%s:%u: %s is not a number", reader->table->name, row->line,
				 plot_column_name(column));
	row->values[column] = json_number_value(value);
	return 0;
}

static int keep_over_time(const struct reader *reader, struct plot_row *row, const json_t *array)
{
	if (!json_is_array(array))
		return plot_fail(reader->error, "%s:%u: over_time is not an array", reader->table->name, row->line);
	const size_t count = json_array_size(array);
	if (count > PLOT_ROWS_MAX)
		return plot_fail(reader->error, "%s:%u: over_time has more than %d seconds", reader->table->name,
				 row->line, PLOT_ROWS_MAX);
	row->over_time = calloc(count + 1, sizeof(*row->over_time));
	if (!row->over_time)
		return plot_fail(reader->error, "%s: %s", reader->table->name, strerror(ENOMEM));
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(array, i);
		if (!json_is_number(value))
			return plot_fail(reader->error, "%s:%u: over_time: value %zu is not a number",
					 reader->table->name, row->line, i + 1);
		row->over_time[row->over_time_count++] = json_number_value(value);
	}
	return 0;
}

static int keep_object(const struct reader *reader, const json_t *object)
{
	struct plot_row *row = plot_table_add(reader->table, reader->line, reader->error);
	if (!row)
		return -EBADMSG;
	int result = 0;
	for (int column = 0; column < PLOT_COLUMNS && result == 0; column++) {
		const json_t *value = json_object_get(object, plot_column_name((enum plot_column)column));
		if (value)
			result = keep_number(reader, row, (enum plot_column)column, value);
	}
	const json_t *over_time = json_object_get(object, "over_time");
	if (over_time && result == 0)
		result = keep_over_time(reader, row, over_time);
	return result;
}

static int read_object(struct reader *reader)
{
	json_error_t problem;
	json_t *value = json_loadb(reader->at, (size_t)(reader->end - reader->at),
				   JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &problem);
	if (!value)
		return plot_fail(reader->error, "%s:%u:%d: %s", reader->table->name,
				 reader->line + (uint32_t)problem.line - 1, problem.column, problem.text);
	const int result = json_is_object(value) ? keep_object(reader, value)
						 : plot_fail(reader->error, "%s:%u: not an object: {...} is expected",
							     reader->table->name, reader->line);
	json_decref(value);
	advance(reader, (size_t)problem.position);
	return result;
}

int plot_table_parse_json(struct plot_table *table, const char *text, size_t size, struct plot_error *error)
{
	struct reader reader = {.table = table, .at = text, .end = text + size, .line = 1, .error = error};
	int result = 0;
	advance(&reader, 0);
	while (result == 0 && reader.at < reader.end)
		result = read_object(&reader);
	return result;
}

// ---------------------------------------------------------------- compare

// {"min":..,"median":..,"max":..}
static int read_bar(const struct plot_bars *bars, size_t run, const json_t *spread, struct plot_bar *ret_bar,
		    struct plot_error *error)
{
	const json_t *const members[] = {json_object_get(spread, "min"), json_object_get(spread, "median"),
					 json_object_get(spread, "max")};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (!json_is_number(members[i]))
			return plot_fail(error, "%s: run %zu: %s has no min, median and max", bars->name, run + 1,
					 plot_bars_member(bars->kind));
	}
	*ret_bar = (struct plot_bar){json_number_value(members[0]), json_number_value(members[1]),
				     json_number_value(members[2])};
	return 0;
}

static int read_run(struct plot_bars *bars, size_t number, const json_t *run, struct plot_error *error)
{
	struct plot_bar bar;
	const char *peer = json_string_value(json_object_get(run, "peer"));
	const json_int_t depth = json_integer_value(json_object_get(run, "depth"));
	const json_t *spread = json_object_get(run, plot_bars_member(bars->kind));
	if (!peer || depth < 1 || depth > UINT32_MAX)
		return plot_fail(error, "%s: run %zu: no peer and depth", bars->name, number + 1);
	if (!spread) // evauthd has no ratio to itself
		return 0;
	const int result = read_bar(bars, number, spread, &bar, error);
	return result < 0 ? result : plot_bars_add(bars, peer, (uint32_t)depth, &bar, error);
}

int plot_bars_parse_json(struct plot_bars *bars, const char *text, size_t size, struct plot_error *error)
{
	json_error_t problem;
	json_t *report = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
	if (!report)
		return plot_fail(error, "%s:%d:%d: %s", bars->name, problem.line, problem.column, problem.text);
	const json_t *runs = json_object_get(report, "runs");
	int result = 0;
	for (size_t i = 0; i < json_array_size(runs) && result == 0; i++)
		result = read_run(bars, i, json_array_get(runs, i), error);
	json_decref(report);
	if (result == 0 && bars->group_count == 0)
		return plot_fail(error, "%s: no report of compare --json: no runs with %s", bars->name,
				 plot_bars_member(bars->kind));
	return result;
}
