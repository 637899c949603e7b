// SPDX-License-Identifier: Apache-2.0
#include "proto/utf8.h"

static bool is_continuation(const char *byte)
{
	return ((uint8_t)*byte & 0xc0) == 0x80;
}

size_t utf8_sequence_size(const char *text, size_t size)
{
	const uint8_t first = (uint8_t)text[0];
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || size < 2 || !is_continuation(text + 1))
		return 0;
	if (first < 0xe0)
		return 2;
	const uint8_t second = (uint8_t)text[1];
	if (size < 3 || !is_continuation(text + 2))
		return 0;
	if (first < 0xf0) // E0: overlong below A0; ED: surrogates from A0
		return (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ? 0 : 3;
	if (first > 0xf4 || size < 4 || !is_continuation(text + 3))
		return 0;
	return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90) ? 0 : 4;
}

// Of eight bytes at once: all ASCII and none of them zero.
static bool is_plain(const char *text)
{
	const uint64_t ones = 0x0101010101010101ull, tops = 0x8080808080808080ull;
	uint64_t word;
	memcpy(&word, text, sizeof(word));
	return ((word | (word - ones)) & tops) == 0;
}

// Fewer than eight bytes as if they were eight: ones where there is nothing.
static bool is_plain_short(const char *text, size_t size)
{
	char padded[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	for (size_t i = 0; i < size; i++)
		padded[i] = text[i];
	return is_plain(padded);
}

bool utf8_is_plain_ascii(struct bytes text)
{
	if (text.size < 8)
		return is_plain_short(text.data, text.size);
	for (size_t i = 0; i + 8 < text.size; i += 8)
		if (!is_plain(text.data + i))
			return false;
	return is_plain(text.data + text.size - 8); // may overlap with the one before
}

bool utf8_is_text(struct bytes text)
{
	const char *next = text.data, *end = text.data + text.size;
	while (next < end) {
		if (end - next >= 8 && is_plain(next)) {
			next += 8;
			continue;
		}
		const size_t size = utf8_sequence_size(next, (size_t)(end - next));
		if (size == 0 || *next == '\0')
			return false;
		next += size;
	}
	return true;
}

void utf8_repair(char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		const size_t size = utf8_sequence_size(text, left);
		if (size == 0)
			*text = '?';
		text += size ? size : 1;
		left -= size ? size : 1;
	}
}
