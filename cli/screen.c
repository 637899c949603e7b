// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#include "cli/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BOLD = '\001' }; // first byte of a line

int screen_begin(struct screen *screen)
{
	*screen = (struct screen){0};
	screen->out = open_memstream(&screen->text, &screen->size);
	return screen->out ? 0 : -ENOMEM;
}

void screen_finish(struct screen *screen)
{
	if (screen->out != NULL)
		fclose(screen->out);
	free(screen->text);
	*screen = (struct screen){0};
}

void screen_title(struct screen *screen, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fputc(BOLD, screen->out);
	vfprintf(screen->out, format, list);
	fputc('\n', screen->out);
	va_end(list);
}

// Takes a line off `rest`, without its mark. False: there is none.
static bool next_line(struct bytes *rest, struct bytes *ret_line, bool *ret_bold)
{
	if (rest->size == 0)
		return false;
	const char *end = memchr(rest->data, '\n', rest->size);
	const size_t size = end ? (size_t)(end - rest->data) : rest->size;
	*ret_bold = size > 0 && rest->data[0] == BOLD;
	*ret_line = (struct bytes){.data = rest->data + *ret_bold, .size = size - *ret_bold};
	const size_t taken = size + (end != NULL);
	*rest = (struct bytes){.data = rest->data + taken, .size = rest->size - taken};
	return true;
}

static struct bytes drawn(struct screen *screen)
{
	fflush(screen->out);
	return (struct bytes){.data = screen->text, .size = screen->size};
}

void screen_print(struct screen *screen, FILE *out)
{
	struct bytes rest = drawn(screen), line;
	bool is_bold;
	while (next_line(&rest, &line, &is_bold)) {
		text_print(out, line);
		fputc('\n', out);
	}
}

static int count_lines(struct bytes text)
{
	struct bytes line;
	bool is_bold;
	int count = 0;
	while (next_line(&text, &line, &is_bold))
		count++;
	return count;
}

// The cursor stands at the start of the row. The rest of the row is wiped, not the row first: nothing flickers.
static void show_line(FILE *out, struct bytes line, int columns, bool is_bold)
{
	line.size = text_fit(line, columns);
	fputs(is_bold ? "\033[1m" : "", out);
	text_print(out, line);
	fputs(is_bold ? "\033[0m\033[K" : "\033[K", out);
}

void screen_show(struct screen *screen, FILE *out, const struct screen_size *size, bool color)
{
	struct bytes rest = drawn(screen), line;
	const int lines = count_lines(rest);
	const bool is_whole = lines <= size->rows;
	char left[64];
	bool is_bold;
	fputs("\033[H", out);
	for (int row = 0; row < (is_whole ? lines : size->rows - 1) && next_line(&rest, &line, &is_bold); row++) {
		fputs(row > 0 ? "\r\n" : "", out);
		show_line(out, line, size->columns, is_bold && color);
	}
	if (!is_whole) {
		snprintf(left, sizeof(left), "(%d more lines: make the window larger)", lines - size->rows + 1);
		fputs(size->rows > 1 ? "\r\n" : "", out);
		show_line(out, bytes_from(left), size->columns, false);
	}
	fputs("\033[J", out);
	fflush(out);
}
