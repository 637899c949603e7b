// SPDX-License-Identifier: Apache-2.0
// Two pieces of work at once, on start, when nothing else runs yet.
#pragma once

#include "base/check.h"

// 0 or a negative errno. What it touches is its argument's, or nobody writes it meanwhile.
typedef int both_function(void *argument);

// function(first) on this thread, function(second) on one of its own; returns when both have. The first's error counts
// before the second's. -EAGAIN, without having done anything, when there is no thread to be had.
MUST_CHECK int both_run(both_function *function, void *first, void *second);
