// SPDX-License-Identifier: Apache-2.0
// Whether a store that serves is sound: every page of the file, every record's checksum, the digest that is kept
// against one computed anew, and the published index against the records. Questions are answered meanwhile, and so are
// changes, but for the walk over the pages, which has the writer wait.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/store.h"

enum {
	AUDIT_PROBLEMS_MAX = 20,      // told; more are counted
	AUDIT_PROBLEMS_ENOUGH = 1000, // nothing more is looked at then
};

// What is wrong is in the response, whose texts live in `arena`; a token is never named. Any thread but the writer and
// the workers. -ENOMEM, -EAGAIN, -EIO: it could not be looked at.
MUST_CHECK int store_audit(struct store *store, struct arena *arena, struct check_response *ret_response);
