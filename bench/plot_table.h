// SPDX-License-Identifier: Apache-2.0
// What a report of `evauth-bench run` or `compare` holds for drawing: rows of numbers by the names of bench/report.h.
// Two forms are read: CSV with a line of column names (--csv, --csv-seconds), and JSON, one object a line (--json).
// Columns we do not draw are skipped, so that reports may grow.
//
// Errors are texts for people, with the place: "scan.csv:3: column 12 (p99_us): 'fast' is not a number".
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plot_column {
	PLOT_RATE,
	PLOT_PER_SECOND,
	PLOT_MEAN_US,
	PLOT_P50_US,
	PLOT_P90_US,
	PLOT_P99_US,
	PLOT_P99_9_US,
	PLOT_P99_99_US,
	PLOT_MAX_US,
	PLOT_SECOND,
	PLOT_REQUESTS,
	PLOT_UNSENT,
	PLOT_COLUMNS, // how many
};

enum {
	PLOT_FILE_SIZE_MAX = 16 * 1024 * 1024,
	PLOT_ROWS_MAX = 100000, // of a file
	PLOT_ERROR_SIZE = 512,
};

struct plot_row {
	uint32_t line;               // in the file, from 1
	double values[PLOT_COLUMNS]; // NAN: absent
	double *over_time;           // answers of each second; NULL: none
	size_t over_time_count;
};

struct plot_table {
	const char *name; // of the file, borrowed; for messages and legends
	struct plot_row *rows;
	size_t count;
};

struct plot_error {
	char text[PLOT_ERROR_SIZE];
};

// "p99_us"
const char *plot_column_name(enum plot_column column);
// The column of this name; PLOT_COLUMNS: none we draw.
enum plot_column plot_column_find(const char *name, size_t size);
// A number in plain decimal or scientific notation and nothing else. -EINVAL: none, or not finite.
MUST_CHECK int plot_number_parse(const char *text, size_t size, double *ret_number);

// Each fills an initialized table; it must be finished, after a failure as well. -EBADMSG with the text.
MUST_CHECK int plot_table_read(const char *name, struct plot_table *ret_table, struct plot_error *error);
MUST_CHECK int plot_table_parse_csv(struct plot_table *table, const char *text, size_t size, struct plot_error *error);
MUST_CHECK int plot_table_parse_json(struct plot_table *table, const char *text, size_t size, struct plot_error *error);
void plot_table_finish(struct plot_table *table);

// The whole file, to be freed. -EBADMSG with the text: not readable, too large.
MUST_CHECK int plot_file_read(const char *name, char **ret_text, size_t *ret_size, struct plot_error *error);

// For the two parsers: one more row, all absent. NULL: no memory or too many, with the text.
struct plot_row *plot_table_add(struct plot_table *table, uint32_t line, struct plot_error *error);
// Writes the text; returns -EBADMSG.
int plot_fail(struct plot_error *error, const char *format, ...) PRINTF_LIKE(2, 3);
