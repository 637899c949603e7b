// SPDX-License-Identifier: Apache-2.0
// Whether a change set may enter a log of which every replica has to make the same: all that depends on this machine
// (limits, how full the store is) and all that can be said without any state is said here, never when it is applied
// (DESIGN 1.4, 3.3).
#pragma once

#include "proto/fault.h"
#include "proto/messages.h"
#include "store/store.h"

// 0, or negative errno and the fault: -EINVAL malformed, -ENOSPC the store is full and the set does not only delete.
// Any thread.
MUST_CHECK int store_admit(struct store *store, const struct change_set *set, struct fault *fault);

// Whether the set makes a full store emptier, or no fuller.
bool admit_takes_away(const struct change_set *set);
// -ENOSPC and the fault: the store is full.
MUST_CHECK int admit_refuse_full(struct fault *fault);
