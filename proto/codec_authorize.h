// SPDX-License-Identifier: Apache-2.0
// The messages of the hot path by hand: AuthorizeRequest and AuthorizeBatchRequest in, their responses out. Same
// results, byte for byte, as the generic codec (a fuzz target holds them together), at a fraction of the time and
// without copies.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/fault.h"
#include "proto/messages.h"

// As codec_decode() in CODEC_TOLERANT, but into the caller's struct, and its strings may borrow from `body`: the body
// must outlive the request. What is not an everyday body (unknown fields, other than ASCII, anything malformed) takes
// the generic way. 0, -EINVAL or -ENOMEM with a fault; *ret_request is untouched then. Any thread.
MUST_CHECK int codec_decode_authorize_request(struct bytes body, struct arena *arena,
					      struct authorize_request *ret_request, struct fault *fault);

// Writes the encoded response if it fits into `size` bytes, else nothing. Returns its size. Strings without NUL.
// Any thread.
MUST_CHECK size_t codec_encode_authorize_response(const struct authorize_response *response, char *buffer, size_t size);

// As codec_decode_authorize_request() for a whole batch: its requests lie in the arena.
MUST_CHECK int codec_decode_authorize_batch_request(struct bytes body, struct arena *arena,
						    struct authorize_batch_request *ret_batch, struct fault *fault);

// As codec_encode_authorize_response(), as one item of an AuthorizeBatchResponse: items written one behind the other
// are the body of a batch's response.
MUST_CHECK size_t codec_encode_authorize_item(const struct authorize_response *response, char *buffer, size_t size);
