// SPDX-License-Identifier: Apache-2.0
// The one way a thread of ours is made: signals are for the main thread. Those that a thread's own fault brings stay
// open, as a blocked one would end the process without the last words of its handler.
#pragma once

#include "base/check.h"

#include <pthread.h>

// `name` (NULL: the caller's) has at most 15 bytes, which is what Linux takes. Negative errno of pthread_create().
MUST_CHECK int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument), void *argument);
