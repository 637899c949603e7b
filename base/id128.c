// SPDX-License-Identifier: Apache-2.0
#include "base/id128.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

struct id128 id128_random(void)
{
	struct id128 id;
	// So few bytes are never cut short nor interrupted (getrandom(2), "256 bytes").
	const ssize_t got = getrandom(id.data, sizeof(id.data), 0);
	ASSERT(got == (ssize_t)sizeof(id.data));
	return id;
}

void id128_format(const struct id128 *id, char ret_text[ID128_TEXT_SIZE + 1])
{
	for (size_t i = 0; i < sizeof(id->data); i++)
		snprintf(ret_text + 2 * i, 3, "%02x", id->data[i]);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int id128_parse(struct bytes text, struct id128 *ret_id)
{
	struct id128 id;
	if (text.size != ID128_TEXT_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(id.data); i++) {
		const int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		id.data[i] = (uint8_t)(high << 4 | low);
	}
	*ret_id = id;
	return 0;
}
