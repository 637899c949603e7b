// SPDX-License-Identifier: Apache-2.0
// One run against one server, and the run before the rounds in which every answer is checked.
#pragma once

#include "bench/compare.h"

enum { COMPARE_TRUTH_DEPTH = 16, COMPARE_TRUTH_SECONDS_MAX = 10 };

// load_run(), leaving compare->result. Errors, unanswered requests and wrong answers are failures: -EBADMSG.
MUST_CHECK int compare_load(struct compare *compare, const struct peer *peer, const struct load_options *options,
			    struct fault *fault);

// Asks the peer every question once, or as many as it answers in COMPARE_TRUTH_SECONDS_MAX, and checks every answer;
// sets compare->truths. What evauthd's answers' sizes are is what echo has to send.
MUST_CHECK int compare_check_truth(struct compare *compare, uint32_t number, struct fault *fault);
