// SPDX-License-Identifier: Apache-2.0
// The right answer to a question about the world, from its formulas: an implementation of DESIGN 1.2 that shares no
// code with daemon/decide, so that the load tool can check every answer it gets.
#pragma once

#include "bench/world.h"

// Who asks: a token of the world, a uid that is not in it, or a passer-by who pays directly (AD_HOC_USER, no uid).
enum world_caller {
	WORLD_CALLER_TOKEN,
	WORLD_CALLER_UNKNOWN,
	WORLD_CALLER_DIRECT_PAYMENT,
};

struct world_question {
	enum world_caller caller;
	uint32_t token; // CALLER_TOKEN: which; UNKNOWN: the number of the unknown uid
	uint32_t point; // past the last one: an unknown charge point
};

struct world_answer {
	enum verdict verdict;
	enum reason reason;
	enum access access;
	enum verdict offline_verdict;
	uint32_t tariff; // or WORLD_NONE
};

void world_answer(const struct world *world, const struct world_question *question, struct world_answer *ret_answer);
