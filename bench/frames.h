// SPDX-License-Identifier: Apache-2.0
// What the loads in evauthd's own protocol share: frames of requests, prepared one after the other, and cutting answers
// out of a stream.
#pragma once

#include "bench/load.h"
#include "proto/methods.h"

struct frames {
	struct load_requests *requests; // borrowed; its frames and ends are filled
	uint32_t used;                  // entries written
	uint32_t timeout_ms;            // of every request; 0: none
	size_t capacity;                // of requests->frames
};

// Room for `count` entries, which `requests->count` is set to. -ENOMEM.
MUST_CHECK int frames_init(struct frames *frames, struct load_requests *requests, uint32_t count);
// The next entry. -ENOMEM; -EMSGSIZE over LOAD_FRAME_SIZE_MAX.
MUST_CHECK int frames_append(struct frames *frames, enum method method, struct bytes body);
// Frees the requests' frames and ends.
void frames_destroy(struct load_requests *requests);
// The body of a request.
struct bytes frames_body(const struct load_requests *requests, uint32_t entry);

// For load_protocol.
ssize_t frames_parse_answer(const char *data, size_t size, struct load_answer *ret_answer);
void frames_stamp(char *frame, uint32_t id);
