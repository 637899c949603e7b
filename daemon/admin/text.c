// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_FIRST = 16 * 1024 };

void text_finish(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

// Room for `size` bytes and the terminator.
static bool grow(struct text *text, size_t size)
{
	size_t capacity = text->capacity ? text->capacity : TEXT_FIRST;
	while (capacity <= text->size + size)
		capacity *= 2;
	if (capacity == text->capacity)
		return true;
	char *data = capacity <= TEXT_MAX ? realloc(text->data, capacity) : NULL;
	if (data == NULL)
		return false;
	text->data = data;
	text->capacity = capacity;
	return true;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const int size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (text->has_failed || size < 0 || !grow(text, (size_t)size)) {
		text->has_failed = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
	va_end(arguments);
	text->size += (size_t)size;
}
