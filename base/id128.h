// SPDX-License-Identifier: Apache-2.0
// 128-bit names that nobody hands out: random ones (histories, log entries) and digests. As text: 32 hexadecimal
// digits, lower case.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdint.h>
#include <string.h>

struct id128 {
	uint8_t data[16];
};

enum { ID128_TEXT_SIZE = 32 };

// From the kernel's random source.
struct id128 id128_random(void);
// Writes ID128_TEXT_SIZE digits and a NUL.
void id128_format(const struct id128 *id, char ret_text[ID128_TEXT_SIZE + 1]);
// -EINVAL for anything but 32 hexadecimal digits; *ret_id is untouched then.
MUST_CHECK int id128_parse(struct bytes text, struct id128 *ret_id);

static inline bool id128_equal(const struct id128 *a, const struct id128 *b)
{
	return memcmp(a->data, b->data, sizeof(a->data)) == 0;
}
static inline bool id128_is_zero(const struct id128 *id)
{
	return id128_equal(id, &(struct id128){{0}});
}
