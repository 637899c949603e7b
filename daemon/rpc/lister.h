// SPDX-License-Identifier: Apache-2.0
// The thread for what would delay queries on a worker: Get, Search and the lists, Log, Clients, and ForgetOrphans,
// which waits for the writer. One, of low priority; its queue is bounded.
#pragma once

#include "base/check.h"

#include <stdint.h>

struct job;
struct lister;
struct listing;
struct log_reader;
struct service;

enum {
	LISTER_QUEUE_MAX = 1024,
	LISTER_NICE = 10, // less than the workers
};

// `service` outlives the lister and has its store already.
MUST_CHECK int lister_create(struct service *service, struct lister **ret_lister);
// Ends the thread. Nothing may be queued. NULL is fine.
void lister_destroy(struct lister *lister);
// For methods, on the lister's thread.
struct listing *lister_listing(struct lister *lister);
struct log_reader *lister_log(struct lister *lister);
struct service *lister_service(struct lister *lister);
// Any thread. -EAGAIN: the queue is full, the job's fault says when to come again, and it is still the caller's.
MUST_CHECK int lister_submit(struct lister *lister, struct job *job);
