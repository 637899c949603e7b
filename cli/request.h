// SPDX-License-Identifier: Apache-2.0
// The options that narrow a question: --type, --issuer, --at, --class.
#pragma once

#include "base/arena.h"
#include "cli/options.h"
#include "proto/fault.h"
#include "proto/messages.h"

// Where the values go; NULL: the command does not take it. What was not given is left alone.
struct request_options {
	enum token_type *token_type;
	struct issuer **issuer;
	int64_t *at;
	enum caller_class *caller_class;
};

// -EINVAL with the option and what is wrong with it, -ENOMEM.
MUST_CHECK int request_take_options(const struct arguments *arguments, const struct request_options *targets,
				    struct arena *arena, struct fault *fault);
