// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { TABLE_GAP = 2 };

// The next character of `text` and its bytes. Bytes that are no UTF-8 are '?' one by one.
static size_t text_next(struct bytes text, wchar_t *ret_character)
{
	mbstate_t state = {0};
	const size_t size = mbrtowc(ret_character, text.data, text.size, &state);
	if (size == (size_t)-1 || size == (size_t)-2) {
		*ret_character = L'?';
		return 1;
	}
	return size == 0 ? 1 : size;
}

static struct bytes bytes_skip(struct bytes text, size_t size)
{
	return (struct bytes){.data = text.data + size, .size = text.size - size};
}

static int width_of(wchar_t character)
{
	const int columns = wcwidth(character);
	return columns < 0 ? 1 : columns;
}

int text_width(struct bytes text)
{
	int width = 0;
	while (text.size > 0) {
		wchar_t character;
		const size_t size = text_next(text, &character);
		width += width_of(character);
		text = bytes_skip(text, size);
	}
	return width;
}

size_t text_fit(struct bytes text, int columns)
{
	size_t fitting = 0;
	while (fitting < text.size) {
		wchar_t character;
		const size_t size = text_next(bytes_skip(text, fitting), &character);
		columns -= width_of(character);
		if (columns < 0)
			break;
		fitting += size;
	}
	return fitting;
}

void text_print(FILE *out, struct bytes text)
{
	while (text.size > 0) {
		wchar_t character;
		const size_t size = text_next(text, &character);
		if (character == L'\n' || character == L'\t' || character == L'\r')
			fputc(' ', out);
		else if (wcwidth(character) < 0 || (character == L'?' && size == 1))
			fputc('?', out);
		else
			fwrite(text.data, 1, size, out);
		text = bytes_skip(text, size);
	}
}

void table_init(struct table *table, FILE *out, bool color, const char *const *titles)
{
	*table = (struct table){.out = out, .color = color, .titles = titles};
	for (; titles[table->columns] != NULL; table->columns++)
		table->widths[table->columns] = text_width(bytes_from(titles[table->columns]));
	ASSERT(table->columns > 0 && table->columns <= TABLE_COLUMNS_MAX);
	arena_init(&table->arena, 64 * 1024, SIZE_MAX);
}

// Without blanks at the end of the line.
static void table_print_row(struct table *table, const struct bytes *cells)
{
	size_t count = table->columns;
	while (count > 0 && bytes_is_empty(cells[count - 1]))
		count--;
	for (size_t i = 0; i < count; i++) {
		text_print(table->out, cells[i]);
		if (i + 1 < count)
			fprintf(table->out, "%*s", table->widths[i] - text_width(cells[i]) + TABLE_GAP, "");
	}
	fputc('\n', table->out);
}

static void table_print_titles(struct table *table)
{
	struct bytes cells[TABLE_COLUMNS_MAX];
	for (size_t i = 0; i < table->columns; i++)
		cells[i] = bytes_from(table->titles[i]);
	fputs(table->color ? "\033[1m" : "", table->out);
	table_print_row(table, cells);
	fputs(table->color ? "\033[0m" : "", table->out);
}

static void table_flush(struct table *table)
{
	if (table->rows_count > 0 && table->rows_count == table->total)
		table_print_titles(table);
	for (size_t i = 0; i < table->rows_count; i++)
		table_print_row(table, table->rows[i]);
	table->rows_count = 0;
	arena_reset(&table->arena);
}

int table_add(struct table *table, const struct bytes *cells)
{
	if (table->rows_count == TABLE_ROWS_MAX)
		table_flush(table);
	if (table->rows == NULL)
		table->rows = calloc(TABLE_ROWS_MAX, sizeof(*table->rows));
	if (table->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < table->columns; i++) {
		struct bytes cell = arena_copy(&table->arena, cells[i]);
		if (cell.data == NULL)
			return -ENOMEM;
		table->rows[table->rows_count][i] = cell;
		const int width = text_width(cell);
		table->widths[i] = width > table->widths[i] ? width : table->widths[i];
	}
	table->rows_count++;
	table->total++;
	return 0;
}

size_t table_finish(struct table *table)
{
	table_flush(table);
	free(table->rows);
	table->rows = NULL;
	arena_finish(&table->arena);
	return table->total;
}
