// SPDX-License-Identifier: Apache-2.0
// The objects a propagation run makes for itself: a tariff, a group, a charge point, a customer who is attached, and
// the customer's token, all under one id that nobody else has. The token is blocked and unblocked; nothing else in
// the store is touched.
#pragma once

#include "client/evauth.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROPAGATION_ID_SIZE = 40 };

struct propagation_objects {
	char id[PROPAGATION_ID_SIZE]; // bench-propagation-0123456789abcdef
};

// A random id. Negative errno of getrandom().
MUST_CHECK int propagation_objects_init(struct propagation_objects *objects);
// One Apply each; results as evauth_apply(). The arena is the caller's, and is not reset.
MUST_CHECK int propagation_objects_make(const struct propagation_objects *objects, struct evauth_client *client,
					struct arena *arena, uint64_t *ret_revision);
MUST_CHECK int propagation_objects_block(const struct propagation_objects *objects, bool blocked,
					 struct evauth_client *client, struct arena *arena, uint64_t *ret_revision);
// Also what is half made, or gone already.
MUST_CHECK int propagation_objects_remove(const struct propagation_objects *objects, struct evauth_client *client,
					  struct arena *arena);
// May the token charge at the point? Borrows the id.
struct authorize_request propagation_objects_question(const struct propagation_objects *objects);
