// SPDX-License-Identifier: Apache-2.0
// The hand-written codec of Authorize against the generic one. The input is a request's body and a response's.
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
	char *exact = malloc(expected.size + 1);
	ASSERT(exact != NULL);
	ASSERT(codec_encode_authorize_response(response, exact, expected.size) == expected.size);
	ASSERT(memcmp(exact, expected.data, expected.size) == 0);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	const struct bytes body = {.data = (const char *)data, .size = size};
	arena_init(&arena, 4096, 256 * 1024 * 1024);
	compare_decoding(body, &arena);
	compare_encoding(body, &arena);
	arena_finish(&arena);
	return 0;
}
