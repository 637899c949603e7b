// SPDX-License-Identifier: Apache-2.0
// Text that grows as it is written.
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_MAX = 1024 * 1024 };

struct text {
	char *data; // malloc()ed, terminated; NULL when nothing was written
	size_t size, capacity;
	bool has_failed; // out of memory, or beyond TEXT_MAX: what came then is not there
};

void text_finish(struct text *text);
void text_add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
