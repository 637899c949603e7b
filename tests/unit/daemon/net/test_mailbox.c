// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/mailbox.h"
#include "tests/unit/unit.h"

#include <stddef.h>
#include <stdint.h>

enum { SENDERS = 3, PER_SENDER = 2000 };

struct post {
	struct mail mail;
	int sender;
	int number;
};

struct office {
	struct loop *loop;
	struct mailbox mailbox;
	int delivered;
	int last_of[SENDERS];
};

static struct office office;
static struct post posts[SENDERS][PER_SENDER];

static void on_wake(void *context)
{
	mailbox_deliver(&((struct office *)context)->mailbox);
	if (office.delivered == SENDERS * PER_SENDER)
		loop_stop(office.loop);
}

static void on_mail(struct mail *mail)
{
	const struct post *post = (const struct post *)((char *)mail - offsetof(struct post, mail));
	ck_assert_int_eq(post->number, office.last_of[post->sender] + 1);
	office.last_of[post->sender] = post->number;
	office.delivered++;
}

static void *send_all(void *argument)
{
	const int sender = (int)(intptr_t)argument;
	for (int i = 0; i < PER_SENDER; i++) {
		posts[sender][i] = (struct post){.mail = {.deliver = on_mail}, .sender = sender, .number = i + 1};
		mailbox_post(&office.mailbox, &posts[sender][i].mail);
	}
	return NULL;
}

START_TEST(mails_of_many_threads_arrive_once_and_in_the_order_of_each)
{
	const struct loop_hooks hooks = {.on_wake = on_wake, .context = &office};
	pthread_t threads[SENDERS];
	ck_assert_int_eq(loop_create(&office.loop), 0);
	loop_set_hooks(office.loop, &hooks);
	mailbox_init(&office.mailbox, office.loop);
	for (intptr_t i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_all, (void *)i), 0);
	loop_run(office.loop);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(office.delivered, SENDERS * PER_SENDER);
	mailbox_finish(&office.mailbox);
	loop_destroy(office.loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/mailbox");
	TCase *tests = tcase_create("mailbox");
	tcase_add_test(tests, mails_of_many_threads_arrive_once_and_in_the_order_of_each);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
