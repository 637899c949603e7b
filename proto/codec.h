// SPDX-License-Identifier: Apache-2.0
// Message bodies: bytes <-> the plain structs of messages.h, by protobuf-c behind the guard (guard.h).
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/fault.h"
#include "proto/schema.h"

// How strictly a body is read.
enum codec_mode {
	CODEC_TOLERANT, // queries: unknown fields and enum values are let through (a value as its number)
	CODEC_STRICT,   // changes: an older daemon must not drop a restriction (DESIGN 1.4)
};

// Decodes `body` into a new message in `arena`, which borrows from the arena only. An empty body is the default
// message. -EINVAL with a fault (guard.h; naming the field where it can be named) for what the guard or protobuf-c
// refuses; -ENOMEM with RESOURCE_EXHAUSTED when the arena's budget is spent. *ret_message is untouched
// then. Any thread.
MUST_CHECK int codec_decode(const struct schema *schema, enum codec_mode mode, struct bytes body, struct arena *arena,
			    void *ret_message, struct fault *fault);

// Encodes `message`; the bytes live in `arena`. -ENOMEM when the arena's budget is spent. Any thread.
MUST_CHECK int codec_encode(const struct schema *schema, const void *message, struct arena *arena,
			    struct bytes *ret_body);

// The Error message of a fault, encoded.
MUST_CHECK int codec_encode_fault(const struct fault *fault, struct arena *arena, struct bytes *ret_body);
// The reverse, for clients. A body that is no Error gives the code alone.
void codec_decode_fault(enum status_code code, struct bytes body, struct arena *arena, struct fault *ret_fault);
