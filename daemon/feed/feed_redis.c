// SPDX-License-Identifier: Apache-2.0
// The two connections: one for commands, one that hears. For the replica they are one thing: up when both are ready
// and SUBSCRIBE is confirmed, down as soon as one of them is gone.
#include "daemon/feed/feed_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------- questions under way

// What a question is asked for: its ticket comes back with the answer. Those under way when the connections are closed
// are never answered.
struct question {
	struct feed *feed;
	uint64_t ticket;
	struct question *next, **link;
};

static struct question *begin_question(struct feed *feed, uint64_t ticket)
{
	struct question *question = malloc(sizeof(*question));
	if (question == NULL)
		return NULL;
	*question = (struct question){
		.feed = feed, .ticket = ticket, .next = feed->redis.questions, .link = &feed->redis.questions};
	if (question->next != NULL)
		question->next->link = &question->next;
	feed->redis.questions = question;
	return question;
}

static void free_question(struct question *question)
{
	*question->link = question->next;
	if (question->next != NULL)
		question->next->link = question->link;
	free(question);
}

static void forget_questions(struct feed *feed)
{
	while (feed->redis.questions != NULL)
		free_question(feed->redis.questions);
}

// ---------------------------------------------------------------- up and down

static void go_down(struct feed *feed, const struct redis_error *error)
{
	const struct redis_error kept = *error; // what it points into may be closed now
	feed_redis_close(feed);
	replica_down(feed->replica, feed_now_ms(), &kept);
	feed_act(feed);
}

static void go_down_errno(struct feed *feed, int error, const char *what)
{
	struct redis_error text;
	redis_error_set(&text, error, "%s: %s", what, strerror(-error));
	go_down(feed, &text);
}

static void set_role(struct feed *feed, const char *role)
{
	pthread_mutex_lock(&feed->view.lock);
	strcpy(feed->view.role, role);
	pthread_mutex_unlock(&feed->view.lock);
}

static void look_whether_up(struct feed *feed)
{
	struct feed_redis *redis = &feed->redis;
	if (!redis->is_ready || !redis->is_subscribed)
		return;
	set_role(feed, "master");
	replica_up(feed->replica, feed_now_ms());
	feed_act(feed);
}

static void on_end(void *context, const struct redis_error *error)
{
	go_down(context, error);
}

static void on_commands_ready(void *context)
{
	struct feed *feed = context;
	const int result = redis_log_create(feed->redis.commands, &feed->log_settings, &feed->redis.log);
	if (result != 0) {
		go_down_errno(feed, result, "cannot load the scripts");
		return;
	}
	feed->redis.is_ready = true;
	look_whether_up(feed);
}

static void on_subscribed(void *context)
{
	struct feed *feed = context;
	feed->redis.is_subscribed = true;
	look_whether_up(feed);
}

static void on_subscriber_ready(void *context)
{
	static const struct bytes channels[] = {BYTES_LITERAL(REDIS_LOG_CHANGES), BYTES_LITERAL(REDIS_LOG_INBOX)};
	struct feed *feed = context;
	const int result =
		redis_connection_subscribe(feed->redis.subscriber, channels, ARRAY_SIZE(channels), on_subscribed, feed);
	if (result != 0)
		go_down_errno(feed, result, "cannot subscribe");
}

static void on_message(void *context, struct bytes channel, struct bytes payload)
{
	feed_inbox_take(context, channel, payload);
}

// ---------------------------------------------------------------- opening

static int open_both(struct feed *feed, const struct redis_found *found)
{
	const struct redis_connection_settings settings = {
		.unix_path = found->unix_path,
		.host = found->host,
		.port = found->port,
		.tls = feed->tls,
		.user = feed->url.user,
		.password = feed->url.password,
		.database = feed->url.database,
		.name = "evauthd",
		.must_be_master = true, // a replica of Redis takes no appends
		.command_timeout_ms = feed->log_settings.timeout_ms,
	};
	const struct redis_connection_handler commands = {
		.on_ready = on_commands_ready, .on_end = on_end, .context = feed};
	const struct redis_connection_handler subscriber = {
		.on_ready = on_subscriber_ready, .on_end = on_end, .on_message = on_message, .context = feed};
	const int result = redis_connection_open(feed->loop, &settings, &commands, &feed->redis.commands);
	return result ? result : redis_connection_open(feed->loop, &settings, &subscriber, &feed->redis.subscriber);
}

static void on_found(void *context, const struct redis_found *found, const struct redis_error *error)
{
	struct feed *feed = context;
	if (error != NULL) {
		go_down(feed, error);
		return;
	}
	const int result = open_both(feed, found);
	if (result != 0)
		go_down_errno(feed, result, "cannot connect to Redis");
}

static void on_delay_over(void *context)
{
	struct feed *feed = context;
	const int result = redis_finder_create(feed->loop, &feed->url, feed->tls, &feed->redis.finder);
	if (result != 0)
		go_down_errno(feed, result, "cannot look for Redis");
	else
		redis_finder_ask(feed->redis.finder, on_found, feed);
}

void feed_redis_connect(struct feed *feed, uint64_t delay_ms)
{
	feed_redis_close(feed);
	loop_timer_start(feed->redis.delay, delay_ms);
}

void feed_redis_close(struct feed *feed)
{
	struct feed_redis *redis = &feed->redis;
	loop_timer_stop(redis->delay);
	redis_finder_destroy(redis->finder);
	redis_connection_close(redis->commands);
	redis_connection_close(redis->subscriber);
	redis_log_destroy(redis->log);
	forget_questions(feed);
	redis->finder = NULL;
	redis->commands = redis->subscriber = NULL;
	redis->log = NULL;
	redis->is_ready = redis->is_subscribed = false;
	set_role(feed, "");
}

int feed_redis_init(struct feed *feed)
{
	return loop_timer_create(feed->loop, on_delay_over, feed, &feed->redis.delay);
}

void feed_redis_finish(struct feed *feed)
{
	if (feed->redis.delay == NULL)
		return;
	feed_redis_close(feed);
	loop_timer_destroy(feed->redis.delay);
}

// ---------------------------------------------------------------- asking

// Errors that are an answer of Redis leave the connection as it is; all others end it, and that is told by on_end().
static bool is_answer(const struct redis_error *error)
{
	static const int answers[] = {-EAGAIN,  -EBUSY, -ENOKEY, -EKEYREJECTED, -EPERM,       -EROFS,     -ENOSPC, -EIO,
				      -ENOLINK, -ESRCH, -EXDEV,  -EHOSTDOWN,    -EMEDIUMTYPE, -EREMOTEIO, -EUCLEAN};
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (error->code == answers[i])
			return true;
	}
	return false;
}

// The question is over. NULL: by an error, which was told.
static struct feed *end_question(void *context, const struct redis_error *error, uint64_t *ret_ticket)
{
	struct question *question = context;
	struct feed *feed = question->feed;
	*ret_ticket = question->ticket;
	free_question(question);
	if (error == NULL)
		return feed;
	if (is_answer(error)) {
		replica_failed(feed->replica, feed_now_ms(), *ret_ticket, error);
		feed_act(feed);
	}
	return NULL;
}

static void on_head(void *context, const struct redis_error *error, const struct redis_log_head *head)
{
	uint64_t ticket;
	struct feed *feed = end_question(context, error, &ticket);
	if (feed == NULL)
		return;
	replica_head_read(feed->replica, feed_now_ms(), ticket, head);
	feed_act(feed);
}

static void on_range(void *context, const struct redis_error *error, const struct redis_log_entry *entries,
		     size_t entries_count)
{
	uint64_t ticket;
	struct feed *feed = end_question(context, error, &ticket);
	if (feed == NULL)
		return;
	replica_range_read(feed->replica, feed_now_ms(), ticket, entries, entries_count);
	feed_act(feed);
}

static void on_appended(void *context, const struct redis_error *error, const struct redis_log_written *written)
{
	uint64_t ticket;
	struct feed *feed = end_question(context, error, &ticket);
	if (feed == NULL)
		return;
	const struct redis_log_entry none = {0};
	const struct redis_log_entry *last = written->is_written ? NULL : written->is_empty ? &none : &written->last;
	replica_appended(feed->replica, feed_now_ms(), ticket, last,
			 written->replicas >= feed->log_settings.wait_replicas);
	feed_act(feed);
}

static void on_begun(void *context, const struct redis_error *error, const struct redis_log_written *written)
{
	uint64_t ticket;
	struct feed *feed = end_question(context, error, &ticket);
	if (feed == NULL)
		return;
	replica_begun(feed->replica, feed_now_ms(), ticket, written->is_written);
	feed_act(feed);
}

static int ask(struct redis_log *log, const struct replica_action *action, struct question *question)
{
	switch (action->kind) {
	case REPLICA_READ_HEAD:
		return redis_log_read_head(log, action->head_revision, on_head, question);
	case REPLICA_READ_RANGE:
		return redis_log_read_range(log, action->range.after, action->range.count, on_range, question);
	case REPLICA_APPEND:
		return redis_log_append(log, action->entry.entry, on_appended, question);
	default:
		return redis_log_begin(log, action->entry.entry, action->entry.expected, on_begun, question);
	}
}

void feed_redis_ask(struct feed *feed, const struct replica_action *action)
{
	struct question *question = feed->redis.log != NULL ? begin_question(feed, action->ticket) : NULL;
	const int result = question != NULL ? ask(feed->redis.log, action, question) : -ENOMEM;
	if (result != 0)
		go_down_errno(feed, result, "cannot ask Redis"); // forgets the question, too
}
