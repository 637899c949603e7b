// SPDX-License-Identifier: Apache-2.0
// The thread for questions about many objects: Get, Search and the lists. One, of low priority, so that they never
// delay queries; its queue is bounded.
#pragma once

#include "base/check.h"

#include <stdint.h>

struct job;
struct lister;
struct service;

enum {
	LISTER_QUEUE_MAX = 1024,
	LISTER_NICE = 10, // less than the workers
};

// `service` outlives the lister and has its store already.
MUST_CHECK int lister_create(struct service *service, struct lister **ret_lister);
// Ends the thread. Nothing may be queued. NULL is fine.
void lister_destroy(struct lister *lister);
// Any thread. -EAGAIN: the queue is full, and the job is still the caller's.
MUST_CHECK int lister_submit(struct lister *lister, struct job *job);
