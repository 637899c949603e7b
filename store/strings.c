// SPDX-License-Identifier: Apache-2.0
#include "store/strings.h"

#include "base/hash.h"
#include "store/memory.h"
#include "store/table.h"

#include <errno.h>
#include <stdlib.h>

// A handle is the offset of the string's size byte. Offset 0 is the empty string, so no other string has handle 0 and
// the table's "empty slot" needs no second meaning.
struct strings {
	struct memory memory;
	uint64_t used; // bytes; the next string goes here
	uint64_t seed;
	struct table table; // hash of the text -> handle
};

// What a string takes at least, for there to be a handle for each that fits: short ids are in place (short_id_set()).
enum { STRINGS_SIZE_LEAST = 8 };

int strings_create(uint64_t size_max, uint64_t seed, struct strings **ret_strings)
{
	ASSERT(size_max > 0 && size_max <= (uint64_t)UINT32_MAX + 1);
	struct strings *strings = calloc(1, sizeof(*strings));
	if (strings == NULL)
		return -ENOMEM;
	strings->seed = seed;
	strings->used = 1;
	int error = memory_reserve(&strings->memory, size_max);
	if (error == 0)
		error = memory_back(&strings->memory, strings->used);
	if (error == 0)
		error = table_init(&strings->table, false, (uint32_t)(size_max / STRINGS_SIZE_LEAST));
	if (error != 0) {
		strings_destroy(strings);
		return error;
	}
	*ret_strings = strings;
	return 0;
}

void strings_destroy(struct strings *strings)
{
	if (strings == NULL)
		return;
	table_finish(&strings->table);
	memory_release(&strings->memory);
	free(strings);
}

const char *strings_base(const struct strings *strings)
{
	return strings->memory.start;
}

uint64_t strings_bytes_used(const struct strings *strings)
{
	return strings->used;
}

static uint32_t strings_find(const struct strings *strings, uint32_t tag, struct bytes text)
{
	struct table_walk walk = table_walk(&strings->table, tag);
	uint32_t string;
	while ((string = table_next(&strings->table, &walk)) != 0)
		if (bytes_equal(strings_get(strings->memory.start, string), text))
			break;
	return string;
}

static int strings_append(struct strings *strings, uint32_t tag, struct bytes text, uint32_t *ret_string)
{
	int error = table_reserve(&strings->table);
	if (error == 0)
		error = memory_back(&strings->memory, strings->used + 1 + text.size);
	if (error != 0)
		return error;
	const uint32_t string = (uint32_t)strings->used;
	strings->memory.start[string] = (char)text.size;
	memcpy(strings->memory.start + string + 1, text.data, text.size);
	strings->used += 1 + text.size;
	table_insert(&strings->table, tag, string);
	*ret_string = string;
	return 0;
}

int strings_intern(struct strings *strings, struct bytes text, uint32_t *ret_string)
{
	ASSERT(text.size <= STRING_SIZE_MAX);
	if (text.size == 0) {
		*ret_string = STRING_EMPTY;
		return 0;
	}
	const uint32_t tag = table_tag(hash_bytes(text.data, text.size, strings->seed));
	const uint32_t found = strings_find(strings, tag, text);
	if (found == 0)
		return strings_append(strings, tag, text, ret_string);
	*ret_string = found;
	return 0;
}

int short_id_set(struct strings *strings, struct bytes text, struct short_id *ret_id)
{
	struct short_id id = {.size = (uint8_t)text.size};
	if (text.size > sizeof(id.data)) {
		uint32_t string;
		const int error = strings_intern(strings, text, &string);
		if (error != 0)
			return error;
		memcpy(id.data, &string, sizeof(string));
		id.size = SHORT_ID_LONG;
	} else if (text.size > 0) {
		memcpy(id.data, text.data, text.size);
	}
	*ret_id = id;
	return 0;
}
