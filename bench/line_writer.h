// SPDX-License-Identifier: Apache-2.0
// Buffered output of lines put together from pieces, without printf. Errors stick: write on, ask once at the end.
#pragma once

#include "base/check.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LINE_WRITER_SIZE = 256 * 1024 };

struct line_writer {
	int fd; // borrowed
	int error;
	size_t used;
	uint64_t lines;
	char buffer[LINE_WRITER_SIZE];
};

void line_writer_init(struct line_writer *writer, int fd);
// Writes out what is buffered. 0, or the first error of all writes.
MUST_CHECK int line_writer_flush(struct line_writer *writer);

void line_text_sized(struct line_writer *writer, const char *text, size_t size);
static inline void line_text(struct line_writer *writer, const char *text)
{
	line_text_sized(writer, text, strlen(text));
}
// A JSON field: `opening` is all up to the value, e.g. ,"name":" — the value must need no escape. An empty value
// writes nothing.
void line_field(struct line_writer *writer, const char *opening, const char *value);
void line_end(struct line_writer *writer, const char *text);
