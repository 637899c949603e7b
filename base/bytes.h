// SPDX-License-Identifier: Apache-2.0
// A run of bytes somebody else owns: not terminated, may be empty. Strings travel as this everywhere.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct bytes {
	const char *data; // may be NULL when size is 0
	size_t size;
};

// For printf: "%.*s", BYTES_ARG(b)
#define BYTES_ARG(b) (int)(b).size, (b).data ? (b).data : ""
#define BYTES_LITERAL(s) ((struct bytes){.data = (s), .size = sizeof(s) - 1})

static inline struct bytes bytes_from(const char *text)
{
	return (struct bytes){.data = text, .size = text ? strlen(text) : 0};
}

static inline bool bytes_is_empty(struct bytes b)
{
	return b.size == 0;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// < 0, 0, > 0 as memcmp; a prefix sorts first.
static inline int bytes_compare(struct bytes a, struct bytes b)
{
	const size_t common = a.size < b.size ? a.size : b.size;
	const int order = common ? memcmp(a.data, b.data, common) : 0;
	return order ? order : (a.size > b.size) - (a.size < b.size);
}
