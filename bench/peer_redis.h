// SPDX-License-Identifier: Apache-2.0
// A redis-server of one's own, for the peers that ask one.
#pragma once

#include "bench/peer.h"
#include "bench/resp_fill.h"

// Starts it under `name` without anything on disk; sets pid, address and version of the peer.
MUST_CHECK int redis_start(const struct peer_setup *setup, const char *program, const char *name, struct peer *peer,
			   struct fault *fault);
