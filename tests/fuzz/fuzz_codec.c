// SPDX-License-Identifier: Apache-2.0
// The first byte chooses schema and mode, the rest is the body.
#include "proto/codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/proto/random_message.h"

#include <errno.h>

enum {
	ARENA_BUDGET = 256 * 1024 * 1024,
	// What unpacking may take: measured at most 130 times the body.
	MEMORY_PER_BYTE = 256,
	MEMORY_BASE = 256 * 1024,
};

// What has been read can be written, and reads as the same.
static void check_again(const struct schema *schema, enum codec_mode mode, const void *message)
{
	struct arena arena;
	struct fault fault = {0};
	struct bytes body;
	void *decoded;
	arena_init(&arena, 4096, ARENA_BUDGET);
	ASSERT(codec_encode(schema, message, &arena, &body) == 0);
	ASSERT(bytes_equal(body, pack_by_protobuf_c(schema, message, &arena)));
	ASSERT(codec_decode(schema, mode, body, &arena, &decoded, &fault) == 0);
	ASSERT(message_equal(schema, message, decoded));
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const struct schema *schema = all_schemas[(data[0] & 0x7f) % ALL_SCHEMAS].schema;
	const enum codec_mode mode = data[0] & 0x80 ? CODEC_STRICT : CODEC_TOLERANT;
	struct arena arena;
	struct fault fault = {0};
	void *message;
	arena_init(&arena, 4096, ARENA_BUDGET);
	const struct bytes body = {.data = (const char *)data + 1, .size = size - 1};
	const int result = codec_decode(schema, mode, body, &arena, &message, &fault);
	// The guard says no with a reason, or protobuf-c can unpack it.
	if (result != 0)
		ASSERT(result == -EINVAL && fault.code != STATUS_OK && fault.message[0] != '\0');
	else
		check_again(schema, mode, message);
	ASSERT(arena.used <= MEMORY_BASE + MEMORY_PER_BYTE * size);
	arena_finish(&arena);
	return 0;
}
