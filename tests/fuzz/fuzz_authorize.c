// SPDX-License-Identifier: Apache-2.0
// The hand-written codec of Authorize and AuthorizeBatch against the generic one. The input is the body of each of
// their requests and responses in turn.
#include "proto/codec.h"
#include "proto/codec_authorize.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/proto/random_message.h"

#include <stdlib.h>

static void compare_decoding(struct bytes body, struct arena *arena)
{
	struct authorize_request by_hand = {0}, *generic = NULL;
	struct fault fault_by_hand = {0}, fault_generic = {0};
	const int result = codec_decode_authorize_request(body, arena, &by_hand, &fault_by_hand);
	const int expected =
		codec_decode(&schema_authorize_request, CODEC_TOLERANT, body, arena, &generic, &fault_generic);
	ASSERT(result == expected);
	ASSERT(fault_by_hand.code == fault_generic.code);
	ASSERT(strcmp(fault_by_hand.field, fault_generic.field) == 0);
	if (result == 0)
		ASSERT(message_equal(&schema_authorize_request, &by_hand, generic));
}

static void compare_encoding(struct bytes body, struct arena *arena)
{
	struct authorize_response *response;
	struct bytes expected;
	struct fault fault = {0};
	if (codec_decode(&schema_authorize_response, CODEC_TOLERANT, body, arena, &response, &fault) != 0)
		return;
	ASSERT(codec_encode(&schema_authorize_response, response, arena, &expected) == 0);
	enum { PLENTY = 1024 }; // both ways: with a look at the size first, and without
	for (size_t spare = 0; spare <= PLENTY; spare += PLENTY) {
		const size_t size = expected.size + spare;
		char *room = malloc(size + 1);
		ASSERT(room != NULL);
		ASSERT(codec_encode_authorize_response(response, room, size) == expected.size);
		ASSERT(memcmp(room, expected.data, expected.size) == 0);
		free(room);
	}
}

static void compare_batch_decoding(struct bytes body, struct arena *arena)
{
	struct authorize_batch_request by_hand = {0}, *generic = NULL;
	struct fault fault_by_hand = {0}, fault_generic = {0};
	const int result = codec_decode_authorize_batch_request(body, arena, &by_hand, &fault_by_hand);
	const int expected =
		codec_decode(&schema_authorize_batch_request, CODEC_TOLERANT, body, arena, &generic, &fault_generic);
	ASSERT(result == expected);
	ASSERT(fault_by_hand.code == fault_generic.code);
	ASSERT(strcmp(fault_by_hand.field, fault_generic.field) == 0);
	if (result == 0)
		ASSERT(message_equal(&schema_authorize_batch_request, &by_hand, generic));
}

// Item by item, in exactly the room there is and in more than enough.
static void compare_batch_encoding(struct bytes body, struct arena *arena)
{
	enum { PLENTY = 1024 };
	struct authorize_batch_response *response;
	struct bytes expected;
	struct fault fault = {0};
	if (codec_decode(&schema_authorize_batch_response, CODEC_TOLERANT, body, arena, &response, &fault) != 0)
		return;
	ASSERT(codec_encode(&schema_authorize_batch_response, response, arena, &expected) == 0);
	char *exact = malloc(expected.size + 1), *plenty = malloc(expected.size + PLENTY);
	ASSERT(exact != NULL && plenty != NULL);
	size_t at = 0, at_plenty = 0;
	for (size_t i = 0; i < response->responses_count; i++) {
		const struct authorize_response *item = &response->responses[i];
		at += codec_encode_authorize_item(item, exact + at, expected.size - at);
		ASSERT(at <= expected.size);
		at_plenty += codec_encode_authorize_item(item, plenty + at_plenty, expected.size + PLENTY - at_plenty);
	}
	ASSERT(at == expected.size && memcmp(exact, expected.data, at) == 0);
	ASSERT(at_plenty == expected.size && memcmp(plenty, expected.data, at) == 0);
	free(exact);
	free(plenty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	const struct bytes body = {.data = (const char *)data, .size = size};
	arena_init(&arena, 4096, 256 * 1024 * 1024);
	compare_decoding(body, &arena);
	compare_encoding(body, &arena);
	compare_batch_decoding(body, &arena);
	compare_batch_encoding(body, &arena);
	arena_finish(&arena);
	return 0;
}
