// SPDX-License-Identifier: Apache-2.0
// Just enough of Redis's protocol (RESP2) for a comparison: plain GETs of one key per token. An answer is right when
// the value has the length of those stored.
#pragma once

#include "bench/load.h"

extern const struct load_protocol protocol_resp;

enum {
	RESP_KEY_SIZE = 14, // as long as a token's uid
	RESP_VALUE_SIZE_MAX = 64 * 1024,
	RESP_STATUS_ERROR = 2, // how an answer "-ERR ..." counts: gRPC's UNKNOWN
};

struct resp_load_options {
	uint32_t keys;
	uint32_t value_size;
	uint64_t seed;  // of the order in which keys are asked
	uint32_t count; // requests to prepare; a run repeats them
};

// One command of several words, as an array of bulk strings; its size.
size_t resp_put_command(char *at, const struct bytes *words, uint32_t count);

// Key number `index`: 14 hexadecimal digits, different for every index. Not terminated.
void resp_key(uint32_t index, char *key);
// The key that request `number` asks for.
void resp_key_asked(const struct resp_load_options *options, uint32_t number, char *key);

// -ENOMEM.
MUST_CHECK int resp_requests_create(const struct resp_load_options *options, struct load_requests *ret_requests);
void resp_requests_destroy(struct load_requests *requests);
void resp_explain_wrong(const struct load_requests *requests, const struct load_result *result);
