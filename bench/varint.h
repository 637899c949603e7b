// SPDX-License-Identifier: Apache-2.0
// Protobuf's variable-length numbers, for looking at answers without decoding them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// The number at *at; false when the bytes end within it. Longer ones than 10 bytes end it as well.
static inline bool varint_read(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (int shift = 0; shift < 64 && *at < end; shift += 7) {
		const uint8_t byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}
