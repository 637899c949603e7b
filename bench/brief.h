// SPDX-License-Identifier: Apache-2.0
// Questions for servers that answer in brief: "ALLOWED tariff-0001", "ASK_ISSUER tariff-0001" or "DENIED". They are the
// same questions that evauthd is asked.
#pragma once

#include "bench/load.h"
#include "bench/questions.h"

enum { BRIEF_FRAME_SIZE_MAX = 1024, BRIEF_TEXT_SIZE = 48 };

struct brief_options {
	const struct world *world;
	struct question_mix mix;
	uint64_t seed;
	uint32_t count;
	// Writes the request in the server's protocol, at most BRIEF_FRAME_SIZE_MAX bytes; its size.
	size_t (*encode)(const struct question *question, const void *context, char *frame);
	const void *context;
};

// -ENOMEM.
MUST_CHECK int brief_requests_create(const struct brief_options *options, struct load_requests *ret_requests);
void brief_requests_destroy(struct load_requests *requests);

// For struct load_protocol and struct peer_class.
bool brief_is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer);
void brief_explain_wrong(const struct load_requests *requests, const struct load_result *result);

// The answer as text, terminated; its length.
uint32_t brief_text(const struct world_answer *answer, char text[BRIEF_TEXT_SIZE]);
