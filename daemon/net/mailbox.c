// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/mailbox.h"

void mailbox_init(struct mailbox *mailbox, struct loop *loop)
{
	*mailbox = (struct mailbox){.loop = loop};
	pthread_mutex_init(&mailbox->lock, NULL);
}

void mailbox_finish(struct mailbox *mailbox)
{
	ASSERT(mailbox->first == NULL);
	pthread_mutex_destroy(&mailbox->lock);
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
	mail->next = NULL;
	pthread_mutex_lock(&mailbox->lock);
	const bool was_empty = mailbox->first == NULL;
	if (was_empty)
		mailbox->first = mail;
	else
		mailbox->last->next = mail;
	mailbox->last = mail;
	// Within the lock: once it is released the worker may deliver this, stop and be gone.
	if (was_empty)
		loop_wake(mailbox->loop);
	pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_deliver(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	struct mail *mail = mailbox->first;
	mailbox->first = mailbox->last = NULL;
	pthread_mutex_unlock(&mailbox->lock);
	while (mail != NULL) {
		struct mail *next = mail->next;
		mail->deliver(mail);
		mail = next;
	}
}
