// SPDX-License-Identifier: Apache-2.0
// Walks a body before protobuf-c sees it, and refuses what would cost protobuf-c time, memory or stack, or what it
// would read otherwise than the sender wrote it (DESIGN 3.4). What the guard lets through, protobuf-c can unpack.
// For proto/ alone; linear in the size of the body.
#pragma once

#include "proto/codec.h"

enum {
	// Messages within a body: what an empty one costs protobuf-c is far more than its two bytes. A tariff full of
	// prices, the densest there is, has one in five bytes.
	GUARD_MESSAGES_MAX = 64 * 1024,
	GUARD_BYTES_PER_MESSAGE = 4, // in bodies that may be larger than a request
};

// 0, or -EINVAL and a fault naming the field by its path, and the change if it is in one: RESOURCE_EXHAUSTED for
// too many elements or messages, INVALID_ARGUMENT for everything else.
MUST_CHECK int guard_check(const struct schema *schema, enum codec_mode mode, struct bytes body, struct fault *fault);
