// SPDX-License-Identifier: Apache-2.0
// Lines of text that are drawn into memory first, and then shown: whole, one below the other, or on a terminal of a
// certain size.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdbool.h>
#include <stdio.h>

struct screen {
	FILE *out; // draw here; a line ends with '\n'
	char *text;
	size_t size;
};

struct screen_size {
	int columns, rows;
};

// Empty. -ENOMEM.
MUST_CHECK int screen_begin(struct screen *screen);
void screen_finish(struct screen *screen);
// A line in bold.
void screen_title(struct screen *screen, const char *format, ...) PRINTF_LIKE(2, 3);

// Everything that was drawn, as it is.
void screen_print(struct screen *screen, FILE *out);
// Over the whole terminal: what is too wide is cut, what is too long is counted in the last row.
void screen_show(struct screen *screen, FILE *out, const struct screen_size *size, bool color);
