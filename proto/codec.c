// SPDX-License-Identifier: Apache-2.0
// Guard, protobuf-c, conversion; and back. There is no code per message here.
#include "proto/codec.h"

#include "proto/codec_direct.h"
#include "proto/convert.h"
#include "proto/guard.h"

#include <errno.h>
#include <stdio.h>

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

// What protobuf-c gives back dies with the arena.
static void keep(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static int unpack(const struct schema *schema, struct bytes body, struct arena *arena, void **ret_message)
{
	ProtobufCAllocator allocator = {.alloc = allocate, .free = keep, .allocator_data = arena};
	const uint8_t *data = (const uint8_t *)(body.data ? body.data : "");
	ProtobufCMessage *unpacked = protobuf_c_message_unpack(schema->descriptor, &allocator, body.size, data);
	// The guard let the body through, so it can only be the memory.
	if (unpacked == NULL)
		return -ENOMEM;
	void *message = arena_calloc(arena, 1, schema->size);
	if (message == NULL)
		return -ENOMEM;
	*ret_message = message;
	return convert_from_pb(schema, unpacked, arena, message);
}

int codec_decode(const struct schema *schema, enum codec_mode mode, struct bytes body, struct arena *arena,
		 void *ret_message, struct fault *fault)
{
	int result = guard_check(schema, mode, body, fault);
	if (result != 0)
		return result;
	void *message;
	result = unpack(schema, body, arena, &message);
	if (result != 0) {
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "the message takes too much memory");
		return result;
	}
	memcpy(ret_message, &message, sizeof(message));
	return 0;
}

int codec_encode(const struct schema *schema, const void *message, struct arena *arena, struct bytes *ret_body)
{
	if (codec_encode_direct(schema, message, arena, ret_body))
		return 0;
	ProtobufCMessage *converted = arena_alloc(arena, schema->descriptor->sizeof_message);
	if (converted == NULL || convert_to_pb(schema, message, arena, converted) != 0)
		return -ENOMEM;
	const size_t size = protobuf_c_message_get_packed_size(converted);
	uint8_t *packed = arena_alloc(arena, size);
	if (packed == NULL)
		return -ENOMEM;
	*ret_body = (struct bytes){.data = (const char *)packed, .size = protobuf_c_message_pack(converted, packed)};
	return 0;
}

int codec_encode_fault(const struct fault *fault, struct arena *arena, struct bytes *ret_body)
{
	const struct error_message error = {
		.code = fault->code,
		.message = bytes_from(fault->message),
		.field = bytes_from(fault->field),
		.change_number = fault->change_number,
		.retry_after_ms = fault->retry_after_ms,
	};
	return codec_encode(&schema_error, &error, arena, ret_body);
}

void codec_decode_fault(enum status_code code, struct bytes body, struct arena *arena, struct fault *ret_fault)
{
	struct error_message none = {0}, *error = &none;
	struct fault unreadable = {0};
	*ret_fault = (struct fault){0};
	if (codec_decode(&schema_error, CODEC_TOLERANT, body, arena, &error, &unreadable) != 0)
		error = &none;
	char field[sizeof(ret_fault->field)];
	snprintf(field, sizeof(field), "%.*s", BYTES_ARG(error->field));
	fault_set(ret_fault, code, field, "%.*s", BYTES_ARG(error->message));
	ret_fault->change_number = error->change_number;
	ret_fault->retry_after_ms = error->retry_after_ms;
}
