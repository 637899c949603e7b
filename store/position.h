// SPDX-License-Identifier: Apache-2.0
// Where a store stands in its history (DESIGN 3.3).
//
// Glossary: a *history* is a line of revisions, each made from the one before; its random name is the *epoch*. A
// *nonce* names the entry that made a revision. A store is *attached* once its history is, or was, kept by Redis.
#pragma once

#include "base/id128.h"

#include <stdint.h>

struct store_position {
	struct id128 epoch; // made with the store
	uint64_t revision;
	// Of the entry that made `revision`. A change made without Redis is given a random one of its own, so that it
	// is never taken for an entry of the log.
	struct id128 nonce;
	bool is_attached;
};
