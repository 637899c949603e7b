// SPDX-License-Identifier: Apache-2.0
// What is left of a customer that was deleted: in the log of changes, among the orphans, in remembered answers, and in
// bytes of the file that hold nothing any more. All of it goes; the rest of each entry and answer stays.
//
// This store's files only: not other replicas', not Redis, not backups, and not the daemon's memory.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/store.h"

enum {
	ERASE_TOKENS_MAX = 1000, // of a request
	ERASE_KNOWN_TOKENS_MAX = 100 * 1000,
	ERASE_WAIT_S = 20, // for snapshots that may see what is erased
};

// FAILED_PRECONDITION (-EPERM) while the customer is there; UNAVAILABLE (-EBUSY) when a snapshot is held for long:
// what could be done is done, and it is to be repeated. Any thread but the writer and the workers.
MUST_CHECK int store_erase(struct store *store, const struct erase_request *request,
			   struct erase_response *ret_response, struct fault *fault);
