// SPDX-License-Identifier: Apache-2.0
// What other threads have for the thread of a loop: a list of mails and the loop's doorbell.
#pragma once

#include "daemon/net/loop.h"

#include <pthread.h>

// Embedded in what is sent.
struct mail {
	struct mail *next;
	void (*deliver)(struct mail *mail); // called on the loop's thread
};

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, *last;
	struct loop *loop;
};

void mailbox_init(struct mailbox *mailbox, struct loop *loop);
// Nothing may be in it.
void mailbox_finish(struct mailbox *mailbox);
// Any thread. The mail must not be in a mailbox already.
void mailbox_post(struct mailbox *mailbox, struct mail *mail);
// Delivers what is there, in the order of posting. The loop's thread.
void mailbox_deliver(struct mailbox *mailbox);
