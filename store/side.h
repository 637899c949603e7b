// SPDX-License-Identifier: Apache-2.0
// A thread beside the writer's, for one piece of work at a time.
#pragma once

#include "base/check.h"

struct side;

// -ENOMEM, -EAGAIN. `name` has at most 15 bytes.
MUST_CHECK int side_create(const char *name, struct side **ret_side);
// Nothing may be under way. NULL is fine.
void side_destroy(struct side *side);
// Has function(argument) run there. What it touches is its argument's until side_wait(), or nobody writes it meanwhile.
// One thread starts and waits; nothing may be under way.
void side_start(struct side *side, int (*function)(void *argument), void *argument);
// Waits for what was started last; its result.
MUST_CHECK int side_wait(struct side *side);
