// SPDX-License-Identifier: Apache-2.0
// CSV as RFC 4180 has it: cells may be quoted, a quote within is doubled. Lines end with LF or CRLF; no cell of ours
// holds a line's end.
#include "bench/plot_table.h"

#include <errno.h>
#include <string.h>

enum { CSV_COLUMNS_MAX = 256 };

struct csv {
	struct plot_table *table;
	const char *at, *end;
	uint32_t line;
	uint32_t columns;
	enum plot_column meanings[CSV_COLUMNS_MAX];
	struct plot_error *error;
};

struct cell {
	const char *text; // without the outer quotes
	size_t size;
	bool is_last; // of its line
};

static bool at_line_end(const struct csv *csv)
{
	return csv->at == csv->end || *csv->at == '\n' ||
	       (*csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n'));
}

static void skip_line_end(struct csv *csv)
{
	while (csv->at < csv->end && *csv->at == '\r')
		csv->at++;
	if (csv->at < csv->end)
		csv->at++;
	csv->line++;
}

static bool is_doubled_quote(const struct csv *csv)
{
	return csv->end - csv->at > 1 && csv->at[0] == '"' && csv->at[1] == '"';
}

// The cell at csv->at, which is then at the next cell, or at the line's end.
static int read_cell(struct csv *csv, uint32_t column, struct cell *ret_cell)
{
	const bool is_quoted = csv->at < csv->end && *csv->at == '"';
	const char *begin = is_quoted ? ++csv->at : csv->at;
	const char *cell_end;
	if (is_quoted) {
		while (csv->at < csv->end && *csv->at != '\n' && (*csv->at != '"' || is_doubled_quote(csv)))
			csv->at += *csv->at == '"' ? 2 : 1;
		if (csv->at == csv->end || *csv->at != '"')
			return plot_fail(csv->error, "%s:%u: column %u: the quote is not closed", csv->table->name,
					 csv->line, column + 1);
		cell_end = csv->at++;
		if (!at_line_end(csv) && *csv->at != ',')
			return plot_fail(csv->error, "%s:%u: column %u: a comma is missing after the quote",
					 csv->table->name, csv->line, column + 1);
	} else {
		while (!at_line_end(csv) && *csv->at != ',')
			csv->at++;
		cell_end = csv->at;
	}
	*ret_cell = (struct cell){begin, (size_t)(cell_end - begin), at_line_end(csv)};
	if (!ret_cell->is_last)
		csv->at++;
	return 0;
}

static int read_header(struct csv *csv)
{
	struct cell cell = {0};
	bool has_ours = false;
	while (!cell.is_last) {
		if (csv->columns == CSV_COLUMNS_MAX)
			return plot_fail(csv->error, "%s:%u: more than %d columns", csv->table->name, csv->line,
					 CSV_COLUMNS_MAX);
		const int result = read_cell(csv, csv->columns, &cell);
		if (result < 0)
			return result;
		const enum plot_column meaning = plot_column_find(cell.text, cell.size);
		has_ours = has_ours || meaning != PLOT_COLUMNS;
		csv->meanings[csv->columns++] = meaning;
	}
	if (!has_ours)
		return plot_fail(csv->error, "%s:%u: no report of evauth-bench: no column has a name like %s",
				 csv->table->name, csv->line, plot_column_name(PLOT_PER_SECOND));
	skip_line_end(csv);
	return 0;
}

static int keep_cell(const struct csv *csv, struct plot_row *row, uint32_t column, const struct cell *cell)
{
	const enum plot_column meaning = csv->meanings[column];
	if (meaning == PLOT_COLUMNS || cell->size == 0)
		return 0;
	if (plot_number_parse(cell->text, cell->size, &row->values[meaning]) == 0)
		return 0;
	return plot_fail(csv->error, "%s:%u: column %u (%s): '%.*s' is not a number", csv->table->name, csv->line,
			 column + 1, plot_column_name(meaning), (int)(cell->size < 40 ? cell->size : 40), cell->text);
}

static int read_row(struct csv *csv)
{
	struct cell cell = {0};
	uint32_t column = 0;
	struct plot_row *row = plot_table_add(csv->table, csv->line, csv->error);
	if (!row)
		return -EBADMSG;
	while (!cell.is_last && column < csv->columns) {
		int result = read_cell(csv, column, &cell);
		if (result == 0)
			result = keep_cell(csv, row, column, &cell);
		if (result < 0)
			return result;
		column++;
	}
	if (column != csv->columns || !cell.is_last)
		return plot_fail(csv->error, "%s:%u: %s than the %u columns of the first line", csv->table->name,
				 csv->line, cell.is_last ? "fewer" : "more", csv->columns);
	skip_line_end(csv);
	return 0;
}

int plot_table_parse_csv(struct plot_table *table, const char *text, size_t size, struct plot_error *error)
{
	struct csv csv = {.table = table, .at = text, .end = text + size, .line = 1, .error = error};
	int result = read_header(&csv);
	while (result == 0 && csv.at < csv.end) {
		if (at_line_end(&csv))
			skip_line_end(&csv);
		else
			result = read_row(&csv);
	}
	if (result == 0 && table->count == 0)
		return plot_fail(error, "%s: no rows after the line of column names", table->name);
	return result;
}
