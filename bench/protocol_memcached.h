// SPDX-License-Identifier: Apache-2.0
// Just enough of memcached's meta protocol (`mg`, `ms`, `mn`) for a comparison: the same keys and values as of the
// plain GETs that protocol_resp.h asks.
#pragma once

#include "bench/protocol_resp.h"

enum { MEMCACHED_STATUS_ERROR = 2 }; // how a refusal counts: gRPC's UNKNOWN

// A miss is an empty answer; HD and MN are answers of their own text. is_right() looks at the length.
extern const struct load_protocol protocol_memcached;

// To be destroyed with resp_requests_destroy(). -ENOMEM.
MUST_CHECK int memcached_requests_create(const struct resp_load_options *options, struct load_requests *ret_requests);
void memcached_explain_wrong(const struct load_requests *requests, const struct load_result *result);
// `ms`, which is answered with HD; its size.
size_t memcached_put_set(char *at, uint32_t index, uint32_t value_size);
