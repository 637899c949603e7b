// SPDX-License-Identifier: Apache-2.0
// Walks a body before protobuf-c sees it, and refuses what would cost protobuf-c time, memory or stack, or what it
// would read otherwise than the sender wrote it (DESIGN 3.4). What the guard lets through, protobuf-c can unpack.
// For proto/ alone; linear in the size of the body.
#pragma once

#include "proto/codec.h"

enum {
	// What unpacking a body may cost, counted as below; more for bodies above 256 KiB, in proportion.
	GUARD_COST_MAX = 128 * 1024,
	GUARD_COST_FIELD = 1,
	GUARD_COST_MESSAGE = 3, // a field that is a message
};

// 0, or -EINVAL and a fault INVALID_ARGUMENT naming the field by its path.
MUST_CHECK int guard_check(const struct schema *schema, enum codec_mode mode, struct bytes body, struct fault *fault);
