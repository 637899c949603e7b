// SPDX-License-Identifier: Apache-2.0
// What the load asks: Authorize requests about the world in a given mix, spelled in the ways stations spell them,
// each with its right answer.
#pragma once

#include "bench/world_answer.h"

// Shares of the kinds of requests; only their proportions count.
struct question_mix {
	uint32_t allowed; // own tokens where they may charge
	uint32_t denied;  // own tokens where they may not, and unknown charge points
	uint32_t unknown; // unknown tokens; one in ten a direct payment
	uint32_t foreign; // tokens of eMSPs
	// 0: tokens and points are drawn uniformly; else by Zipf's distribution with this exponent (bench/zipf.h), the
	// frequent ones scattered over the world.
	double zipf_theta;
};

#define QUESTION_MIX_DEFAULT                                             \
	{                                                                \
		.allowed = 60, .denied = 25, .unknown = 5, .foreign = 10 \
	}

enum { QUESTION_TEXTS = 3 };

// A request and its right answer. The request borrows from `texts` and `issuer`: do not move it.
struct question {
	struct world_question asked;
	struct world_answer answer;
	struct authorize_request request;
	struct issuer issuer;
	char texts[QUESTION_TEXTS][WORLD_TEXT_SIZE];
};

// Question `number` of the series `seed`: the same every time.
void question_make(const struct world *world, const struct question_mix *mix, uint64_t seed, uint64_t number,
		   struct question *ret_question);
