// SPDX-License-Identifier: Apache-2.0
// A redis-server of one's own, for the peers that ask one.
#pragma once

#include "bench/fill.h"
#include "bench/peer.h"

// Starts it under `name` without anything on disk; sets pid, address and version of the peer.
MUST_CHECK int redis_start(const struct peer_setup *setup, const char *program, const char *name, struct peer *peer,
			   struct fault *fault);

// Adds a command of together at most FILL_REQUEST_SIZE_MAX bytes.
void redis_command(struct fill *fill, const struct bytes *words, uint32_t count);

// Gives the server at HOST:PORT the keys 0 .. keys - 1 of resp_key(), each with a value of so many bytes.
MUST_CHECK int redis_fill_values(const char *server, uint32_t keys, uint32_t value_size, struct fault *fault);
