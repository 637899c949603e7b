// SPDX-License-Identifier: Apache-2.0
// The first byte chooses the schema, the rest is JSON text.
#include "proto/codec.h"
#include "proto/json.h"
#include "proto/json_impl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/proto/random_message.h"

// What has been read is the same after writing it as JSON, and after sending it as a change would be sent.
static void check_again(const struct schema *schema, const void *message, struct arena *arena)
{
	struct bytes text, body;
	struct fault fault = {0};
	void *again;
	ASSERT(json_encode(schema, message, JSON_INDENT, arena, &text) == 0);
	ASSERT(json_decode(schema, text, arena, &again, &fault) == 0);
	ASSERT(message_equal(schema, message, again));
	ASSERT(codec_encode(schema, message, arena, &body) == 0);
	ASSERT(codec_decode(schema, CODEC_STRICT, body, arena, &again, &fault) == 0);
	ASSERT(message_equal(schema, message, again));
}

// What is read as plain JSON is what the tree makes of it.
static void check_plain(const struct schema *schema, struct bytes text, struct arena *arena)
{
	struct fault fault = {0};
	void *plain, *message;
	if (!json_decode_plain(schema, text, arena, &plain))
		return;
	ASSERT(json_decode_tree(schema, text, arena, &message, &fault) == 0);
	ASSERT(message_equal(schema, plain, message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const struct schema *schema = all_schemas[data[0] % ALL_SCHEMAS].schema;
	const struct bytes text = {.data = (const char *)data + 1, .size = size - 1};
	struct arena arena;
	struct fault fault = {0};
	void *message;
	arena_init(&arena, 4096, 256 * 1024 * 1024);
	if (json_decode(schema, text, &arena, &message, &fault) != 0)
		ASSERT(fault.code != STATUS_OK && fault.message[0] != '\0');
	else
		check_again(schema, message, &arena);
	check_plain(schema, text, &arena);
	arena_finish(&arena);
	return 0;
}
