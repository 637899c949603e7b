// SPDX-License-Identifier: Apache-2.0
// The ids of the index: an append-only arena of interned strings, shared by both images.
//
// One writer appends; any number of readers read what was appended before the image that refers to it was
// published. Memory is one reserved mapping, touched as it fills, so that a string never moves.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <assert.h>
#include <stdint.h>

struct strings;

enum { STRING_SIZE_MAX = 255 };
static const uint32_t STRING_EMPTY = 0;

// Reserves `size_max` bytes of address space (at most 4 GiB). -ENOMEM.
MUST_CHECK int strings_create(uint64_t size_max, uint64_t seed, struct strings **ret_strings);
void strings_destroy(struct strings *strings);

// The handle of `text`, adding it if it is new. Equal texts have equal handles; the empty text is STRING_EMPTY.
// Writer only. -ENOMEM when the arena is full; 0 on success.
MUST_CHECK int strings_intern(struct strings *strings, struct bytes text, uint32_t *ret_string);
// The first byte is the size, the text follows. Any thread.
static inline struct bytes strings_get(const char *base, uint32_t string)
{
	return (struct bytes){.data = base + string + 1, .size = (uint8_t)base[string]};
}
// What strings_get() wants; fixed for the life of `strings`.
const char *strings_base(const struct strings *strings);
uint64_t strings_bytes_used(const struct strings *strings);

// An id of at most 15 bytes in place, a longer one by handle: most ids cost no cache line of their own.
struct short_id {
	char data[15];
	uint8_t size; // SHORT_ID_LONG: data starts with the handle
};
enum { SHORT_ID_LONG = 0xff };
static_assert(sizeof(struct short_id) == 16, "two of them and a token fill one cache line");

static inline struct bytes short_id_get(const char *base, const struct short_id *id)
{
	if (LIKELY(id->size != SHORT_ID_LONG))
		return (struct bytes){.data = id->data, .size = id->size};
	uint32_t string;
	memcpy(&string, id->data, sizeof(string));
	return strings_get(base, string);
}
// Writer only. -ENOMEM.
MUST_CHECK int short_id_set(struct strings *strings, struct bytes text, struct short_id *ret_id);
