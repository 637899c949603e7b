// SPDX-License-Identifier: Apache-2.0
// Load in evauthd's own protocol: Authorize, or AuthorizeBatch of n. Every answer's verdict, reason, access, offline
// verdict and tariff are compared with the world's.
#pragma once

#include "bench/load.h"
#include "bench/questions.h"

extern const struct load_protocol protocol_authorize;

struct authorize_load_options {
	struct question_mix mix;
	uint64_t seed;       // of the questions
	uint32_t count;      // requests to prepare; a run repeats them
	uint32_t batch;      // 0: Authorize; else AuthorizeBatch of so many
	uint32_t timeout_ms; // in every request; 0: none
};

// -ENOMEM, or what the codec answers.
MUST_CHECK int authorize_requests_create(const struct world *world, const struct authorize_load_options *options,
					 struct load_requests *ret_requests);
void authorize_requests_destroy(struct load_requests *requests);

// What can be said, on stderr, about a wrong answer (the request, the answer that was expected and the one that came)
// and about the first error.
void authorize_explain_wrong(const struct load_requests *requests, const struct load_result *result);

// What is_right() compares, read off the encoded AuthorizeResponse without decoding it whole.
struct answer_facts {
	uint8_t verdict, reason, access, offline_verdict;
	uint32_t tariff; // number of tariff-NNNN less one, or WORLD_NONE; UINT32_MAX - 1 for any other id
};
// False when it is no such message.
bool answer_facts_read(struct bytes body, struct answer_facts *ret_facts);
