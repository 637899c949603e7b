// SPDX-License-Identifier: Apache-2.0
#include "proto/timeout.h"

#include "proto/methods.h"
#include "proto/wire.h"

#include <string.h>

static bool is_timeout(const struct wire_field *field)
{
	return field->number == FIELD_TIMEOUT_MS && field->type == WIRE_VARINT;
}

uint32_t timeout_find(struct bytes body)
{
	struct wire_reader reader = wire_reader_of(body);
	struct wire_field field;
	uint32_t timeout_ms = 0;
	while (reader.next < reader.end && wire_read_field(&reader, &field) == NULL)
		if (UNLIKELY(is_timeout(&field)))
			timeout_ms = (uint32_t)field.varint;
	return timeout_ms;
}

size_t timeout_write(char room[TIMEOUT_FIELD_SIZE_MAX], uint32_t timeout_ms)
{
	const uint32_t tag = FIELD_TIMEOUT_MS << 3 | WIRE_VARINT;
	size_t size = 2;
	if (timeout_ms == 0)
		return 0;
	room[0] = (char)(tag | 0x80);
	room[1] = (char)(tag >> 7);
	for (; timeout_ms >= 0x80; timeout_ms >>= 7)
		room[size++] = (char)(timeout_ms | 0x80);
	room[size++] = (char)timeout_ms;
	return size;
}

size_t timeout_strip(struct bytes body, char *room)
{
	struct wire_reader reader = wire_reader_of(body);
	struct wire_field field;
	size_t size = 0;
	while (reader.next < reader.end) {
		const char *start = reader.next;
		if (wire_read_field(&reader, &field) != NULL)
			reader.next = reader.end; // the rest as it is
		else if (is_timeout(&field))
			continue;
		memcpy(room + size, start, (size_t)(reader.next - start));
		size += (size_t)(reader.next - start);
	}
	return size;
}
