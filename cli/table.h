// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people. Cells are UTF-8; what a terminal could take for a command is shown as '?', a line break
// as a space. Widths count columns on the screen, not bytes.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"

#include <stdio.h>

enum {
	TABLE_COLUMNS_MAX = 12,
	TABLE_ROWS_MAX = 1000, // printed together; a longer table keeps its widths and lets them grow
};

struct table {
	FILE *out;
	bool color; // titles in bold
	const char *const *titles;
	size_t columns;
	size_t rows_count; // kept, not yet printed
	size_t total;      // rows added
	int widths[TABLE_COLUMNS_MAX];
	struct bytes (*rows)[TABLE_COLUMNS_MAX];
	struct arena arena;
};

// `titles` end with NULL and outlive the table.
void table_init(struct table *table, FILE *out, bool color, const char *const *titles);
// Copies one cell per column. -ENOMEM.
MUST_CHECK int table_add(struct table *table, const struct bytes *cells);
// Prints what is left and frees. A table without rows prints nothing. Its number of rows.
size_t table_finish(struct table *table);

// Columns on the screen.
int text_width(struct bytes text);
// How many bytes of it fit into so many columns.
size_t text_fit(struct bytes text, int columns);
// Writes text as cells do.
void text_print(FILE *out, struct bytes text);
