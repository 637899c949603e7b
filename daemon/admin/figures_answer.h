// SPDX-License-Identifier: Apache-2.0
// The figures as the answer to the RPC's method Figures: the same as /metrics, for `evauth top` and other clients.
#pragma once

#include "base/arena.h"
#include "daemon/admin/figures.h"

// What it points to lives in `arena`, or is the figures' own. -ENOMEM.
MUST_CHECK int figures_answer(const struct figures *figures, struct arena *arena, struct figures_response *ret_answer);
