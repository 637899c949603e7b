// SPDX-License-Identifier: Apache-2.0
// The protobuf wire format, field by field: for the guard and the hand-written codec. For proto/ alone.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdint.h>

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_GROUP_START = 3,
	WIRE_GROUP_END = 4,
	WIRE_FIXED32 = 5,
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t varint;      // VARINT only, else 0
	struct bytes content; // BYTES only, else empty
};

struct wire_reader {
	const char *next;
	const char *end;
};

static inline struct wire_reader wire_reader_of(struct bytes text)
{
	// Without bytes there may be no pointer either.
	const char *start = text.data ? text.data : "";
	return (struct wire_reader){.next = start, .end = start + text.size};
}

// At most 10 bytes. False: cut off or longer. Bits beyond the 64th are dropped, as protobuf-c does.
static inline bool wire_read_varint(struct wire_reader *reader, uint64_t *ret_value)
{
	const char *next = reader->next;
	uint64_t value = 0;
	for (unsigned shift = 0; next < reader->end && shift < 70; shift += 7) {
		const uint8_t byte = (uint8_t)*next++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (LIKELY(byte < 0x80)) {
			reader->next = next;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

// The next field, whose `next < end`. NULL, or what is wrong with it, for people. Refuses field number 0, numbers
// above 2^29-1, groups, and lengths beyond the end.
static inline const char *wire_read_field(struct wire_reader *reader, struct wire_field *ret_field)
{
	uint64_t tag, size = 0;
	const char *start = reader->next;
	// A tag is at most 5 bytes, also when written longer than needed.
	if (UNLIKELY(!wire_read_varint(reader, &tag) || reader->next - start > 5 || tag > UINT32_MAX))
		return "is malformed: a field's tag is cut off or too long";
	*ret_field = (struct wire_field){.number = (uint32_t)(tag >> 3), .type = (enum wire_type)(tag & 7)};
	if (UNLIKELY(ret_field->number == 0))
		return "is malformed: field number 0";
	switch (ret_field->type) {
	case WIRE_VARINT:
		return LIKELY(wire_read_varint(reader, &ret_field->varint))
			       ? NULL
			       : "is malformed: a number is cut off or too long";
	case WIRE_BYTES:
		start = reader->next;
		if (UNLIKELY(!wire_read_varint(reader, &size) || reader->next - start > 5))
			return "is malformed: a length is cut off or too long";
		ret_field->content = (struct bytes){.data = reader->next, .size = size};
		break;
	case WIRE_FIXED64:
		size = 8;
		break;
	case WIRE_FIXED32:
		size = 4;
		break;
	default:
		return "is malformed: groups are not part of this protocol";
	}
	if (UNLIKELY(size > (uint64_t)(reader->end - reader->next)))
		return "is malformed: a field is longer than what is left";
	reader->next += size;
	return NULL;
}
