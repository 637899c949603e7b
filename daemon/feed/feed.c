// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "daemon/feed/feed_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t feed_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// ---------------------------------------------------------------- what others may look at

static struct bytes copy_text(char *target, size_t size, const char *source)
{
	snprintf(target, size, "%s", source);
	return bytes_from(target);
}

static void say_state(struct feed *feed, const struct replication *status)
{
	static const char *const words[] = {
		[REPLICATION_STATE_CONNECTING] = "connecting to Redis",
		[REPLICATION_STATE_CATCHING_UP] = "catching up with the log in Redis",
		[REPLICATION_STATE_FOLLOWING] = "following the log in Redis",
		[REPLICATION_STATE_FETCHING] = "fetching a snapshot from a peer",
		[REPLICATION_STATE_NO_PEER] = "a snapshot is needed, and no peer gives one",
		[REPLICATION_STATE_DIVERGED] = "DIVERGED: Redis has another history than this store",
		[REPLICATION_STATE_STALLED] = "the store cannot take the next entry",
	};
	if (status->state == feed->said_state || feed->is_stopping)
		return;
	feed->said_state = status->state;
	const bool is_bad = status->state >= REPLICATION_STATE_NO_PEER;
	const bool has_error = status->last_error.size > 0 && status->state != REPLICATION_STATE_FOLLOWING;
	log_event(is_bad ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "replication", "%s%s%s%s%s", words[status->state],
		  has_error ? "; last error: " : "", has_error ? status->last_error.data : "",
		  status->advice.size > 0 ? "; " : "", status->advice.data);
}

static void update_view(struct feed *feed)
{
	struct replication status;
	const uint64_t now = feed_now_ms();
	replica_get_status(feed->replica, now, &status);
	say_state(feed, &status);
	if (feed->is_stale != NULL)
		atomic_store_explicit(feed->is_stale, feed->stale_ms > 0 && status.stale_ms > feed->stale_ms,
				      memory_order_relaxed);
	struct feed_view *view = &feed->view;
	pthread_mutex_lock(&view->lock);
	view->status = status;
	view->status.last_error = copy_text(view->last_error, sizeof(view->last_error), status.last_error.data);
	view->status.advice = copy_text(view->advice, sizeof(view->advice), status.advice.data);
	view->taken_ms = now;
	pthread_mutex_unlock(&view->lock);
}

// It grows older while nobody tells of it.
static void age(struct replication *replication, uint64_t since_ms)
{
	if (replication->lag_ms > 0)
		replication->lag_ms += since_ms;
	if (replication->stale_ms != UINT64_MAX)
		replication->stale_ms += since_ms;
}

int feed_get_replication(struct feed *feed, struct arena *arena, struct replication *ret_replication)
{
	struct feed_view *view = &feed->view;
	pthread_mutex_lock(&view->lock);
	struct replication replication = view->status;
	age(&replication, feed_now_ms() - view->taken_ms);
	replication.redis = arena_copy(arena, bytes_from(feed->url_text));
	replication.role = arena_copy(arena, bytes_from(view->role));
	replication.last_error = arena_copy(arena, replication.last_error);
	replication.advice = arena_copy(arena, replication.advice);
	pthread_mutex_unlock(&view->lock);
	if (replication.redis.data == NULL || replication.role.data == NULL || replication.last_error.data == NULL ||
	    replication.advice.data == NULL)
		return -ENOMEM;
	*ret_replication = replication;
	return 0;
}

// ---------------------------------------------------------------- fetching

// From the fetch's thread to this one.
struct fetch_mail {
	struct mail mail;
	struct feed *feed;
	enum { FETCH_PROGRESS, FETCH_STAGED, FETCH_DONE } kind;
	uint64_t records, records_total;
	struct store_position position;
	int result;
	char why[FEED_TEXT_MAX];
};

static void on_fetch_mail(struct mail *mail)
{
	struct fetch_mail *news = (struct fetch_mail *)((char *)mail - offsetof(struct fetch_mail, mail));
	struct feed *feed = news->feed;
	const uint64_t now = feed_now_ms();
	if (news->kind == FETCH_PROGRESS) {
		replica_fetch_progress(feed->replica, now, news->records, news->records_total);
	} else if (news->kind == FETCH_STAGED) {
		replica_fetch_staged(feed->replica, now, &news->position);
	} else {
		fetch_destroy(feed->fetch);
		feed->fetch = NULL;
		if (news->result == 0)
			log_info("snapshot_taken", "a snapshot of a peer took the place of what was here");
		replica_fetched(feed->replica, now, news->result, bytes_from(news->why));
	}
	free(news);
	feed_act(feed);
}

static void post_fetch(struct feed *feed, struct fetch_mail news)
{
	struct fetch_mail *mail = malloc(sizeof(*mail));
	if (mail == NULL && news.kind == FETCH_PROGRESS)
		return; // the next one tells as much
	ASSERT(mail != NULL);
	*mail = news;
	mail->feed = feed;
	mail->mail.deliver = on_fetch_mail;
	mailbox_post(&feed->mailbox, &mail->mail);
}

static void on_fetch_progress(void *context, uint64_t records, uint64_t records_total)
{
	post_fetch(context,
		   (struct fetch_mail){.kind = FETCH_PROGRESS, .records = records, .records_total = records_total});
}

static void on_fetch_staged(void *context, const struct store_position *position)
{
	post_fetch(context, (struct fetch_mail){.kind = FETCH_STAGED, .position = *position});
}

static void on_fetch_done(void *context, int result, const char *why)
{
	struct fetch_mail news = {.kind = FETCH_DONE, .result = result};
	copy_text(news.why, sizeof(news.why), why);
	post_fetch(context, news);
}

static void fetch(struct feed *feed, const struct replica_action *action)
{
	const struct fetch_options options = {
		.store = feed->store,
		.peers = (const char *const *)feed->peers,
		.peers_count = feed->peers_count,
		.tls = {.ca_file = feed->peer_ca_file,
			.cert_file = feed->peer_cert_file,
			.key_file = feed->peer_key_file},
		.mine = action->fetch.mine,
		.is_empty = action->fetch.is_empty,
		.epoch = action->fetch.epoch,
		.after = action->fetch.after,
		.is_same_history = action->fetch.is_same_history,
		.on_progress = on_fetch_progress,
		.on_staged = on_fetch_staged,
		.on_done = on_fetch_done,
		.context = feed,
	};
	const int result = fetch_start(&options, &feed->fetch);
	if (result != 0)
		replica_fetched(feed->replica, feed_now_ms(), result, bytes_from("no thread to fetch with"));
}

// ---------------------------------------------------------------- adopting

struct adoption {
	struct mail mail;
	struct feed *feed;
	struct id128 epoch;
	void (*done)(void *context, int result, const struct store_position *position, const struct fault *fault);
	void *context;
};

static void end_adoption(struct adoption *adoption, int result, enum status_code code, const char *text)
{
	struct fault fault = {0};
	fault_set(&fault, code, NULL, "%s", text);
	adoption->done(adoption->context, result, NULL, &fault);
	free(adoption);
}

static void answer_adopt(struct feed *feed, const struct replica_action *action)
{
	struct adoption *adoption = feed->adoption;
	feed->adoption = NULL;
	if (action->answer_adopt.outcome == REPLICA_APPLIED) {
		adoption->done(adoption->context, 0, &action->answer_adopt.position, NULL);
		free(adoption);
	} else if (action->answer_adopt.outcome == REPLICA_NOT_NOW) {
		end_adoption(adoption, -EPERM, STATUS_FAILED_PRECONDITION, action->answer_adopt.text);
	} else {
		end_adoption(adoption, -EAGAIN, STATUS_UNAVAILABLE, action->answer_adopt.text);
	}
}

static void on_adopt_mail(struct mail *mail)
{
	struct adoption *adoption = (struct adoption *)((char *)mail - offsetof(struct adoption, mail));
	struct feed *feed = adoption->feed;
	int result = feed->is_stopping ? -ESHUTDOWN : feed->adoption != NULL ? -EBUSY : 0;
	if (result == 0) {
		feed->adoption = adoption;
		result = replica_adopt(feed->replica, feed_now_ms(), &adoption->epoch, 1);
		if (result != 0)
			feed->adoption = NULL;
	}
	if (result != 0)
		end_adoption(adoption, result, STATUS_FAILED_PRECONDITION,
			     result == -EBUSY ? "another adoption is under way" : strerror(-result));
	feed_act(feed);
}

int feed_adopt(struct feed *feed, const struct id128 *epoch,
	       void (*done)(void *context, int result, const struct store_position *position,
			    const struct fault *fault),
	       void *context)
{
	struct adoption *adoption = malloc(sizeof(*adoption));
	if (adoption == NULL)
		return -ENOMEM;
	*adoption = (struct adoption){
		.mail = {.deliver = on_adopt_mail}, .feed = feed, .epoch = *epoch, .done = done, .context = context};
	mailbox_post(&feed->mailbox, &adoption->mail);
	return 0;
}

// ---------------------------------------------------------------- acting

static void do_action(struct feed *feed, const struct replica_action *action)
{
	switch (action->kind) {
	case REPLICA_NOTHING:
		return;
	case REPLICA_CONNECT:
		feed_redis_connect(feed, action->delay_ms);
		return;
	case REPLICA_GET_POSITION:
		feed_store_get_position(feed);
		return;
	case REPLICA_SET_POSITION:
		feed_store_set_position(feed, action);
		return;
	case REPLICA_READ_HEAD:
	case REPLICA_READ_RANGE:
	case REPLICA_APPEND:
	case REPLICA_BEGIN:
		feed_redis_ask(feed, action);
		return;
	case REPLICA_APPLY:
		feed_store_apply(feed, action->entry.entry);
		return;
	case REPLICA_FETCH:
		fetch(feed, action);
		return;
	case REPLICA_FETCH_COMMIT:
	case REPLICA_FETCH_ABORT:
		if (feed->fetch != NULL)
			fetch_decide(feed->fetch, action->kind == REPLICA_FETCH_COMMIT);
		return;
	case REPLICA_ANSWER:
		feed_submit_answer(feed, action);
		return;
	case REPLICA_ANSWER_ADOPT:
		answer_adopt(feed, action);
		return;
	}
}

static void schedule_tick(struct feed *feed)
{
	const uint64_t now = feed_now_ms(), next = replica_next_tick_ms(feed->replica);
	const uint64_t delay = next > now ? next - now : 0;
	loop_timer_start(feed->tick, delay < REPLICA_POLL_MS ? delay : REPLICA_POLL_MS);
}

void feed_act(struct feed *feed)
{
	struct replica_action action;
	if (feed->is_acting)
		return; // the loop below goes on
	feed->is_acting = true;
	while (!feed->is_stopping && replica_next_action(feed->replica, &action))
		do_action(feed, &action);
	feed->is_acting = false;
	update_view(feed);
	if (!feed->is_stopping)
		schedule_tick(feed);
}

static void on_tick(void *context)
{
	struct feed *feed = context;
	replica_tick(feed->replica, feed_now_ms());
	feed_inbox_tick(feed);
	feed_act(feed);
}

static void on_look_mail(struct mail *mail)
{
	struct feed *feed = (struct feed *)((char *)mail - offsetof(struct feed, look_mail));
	atomic_store(&feed->look_is_posted, false);
	feed_store_get_position(feed);
	feed_act(feed);
}

void feed_look_again(struct feed *feed)
{
	if (!atomic_exchange(&feed->look_is_posted, true))
		mailbox_post(&feed->mailbox, &feed->look_mail);
}

// ---------------------------------------------------------------- the thread

static void on_wake(void *context)
{
	struct feed *feed = context;
	mailbox_deliver(&feed->mailbox);
	if (feed->is_ending && feed->entries_out == 0 && feed->fetch == NULL)
		loop_stop(feed->loop);
}

static void *run(void *argument)
{
	struct feed *feed = argument;
	feed_act(feed);
	loop_run(feed->loop);
	return NULL;
}

// What is in the store's hands or the fetch's comes back; nothing new is begun.
static void stop_working(struct feed *feed)
{
	if (feed->is_stopping)
		return;
	feed->is_stopping = true;
	feed_redis_close(feed);
	feed_submit_refuse_all(feed);
	loop_timer_stop(feed->tick);
	if (feed->adoption != NULL)
		end_adoption(feed->adoption, -ESHUTDOWN, STATUS_UNAVAILABLE, "the daemon is stopping");
	feed->adoption = NULL;
	if (feed->fetch != NULL)
		fetch_decide(feed->fetch, false);
}

static void on_drain_over(void *context)
{
	stop_working(context);
}

static void on_drain_mail(struct mail *mail)
{
	struct feed *feed = (struct feed *)((char *)mail - offsetof(struct feed, drain_mail));
	loop_timer_start(feed->drain, feed->drain_ms);
}

static void on_stop_mail(struct mail *mail)
{
	struct feed *feed = (struct feed *)((char *)mail - offsetof(struct feed, stop_mail));
	loop_timer_stop(feed->drain);
	stop_working(feed);
	feed->is_ending = true;
	loop_wake(feed->loop);
}

int feed_start(struct feed *feed)
{
	const int error = thread_start(&feed->thread, "evauthd-feed", run, feed);
	feed->has_thread = error == 0;
	return error;
}

void feed_drain(struct feed *feed, uint64_t timeout_ms)
{
	if (!feed->has_thread)
		return;
	feed->drain_ms = timeout_ms;
	mailbox_post(&feed->mailbox, &feed->drain_mail);
}

void feed_stop(struct feed *feed)
{
	if (feed == NULL || !feed->has_thread)
		return;
	mailbox_post(&feed->mailbox, &feed->stop_mail);
	pthread_join(feed->thread, NULL);
	feed->has_thread = false;
}

// ---------------------------------------------------------------- life

static void get_random(void *context, void *buffer, size_t size)
{
	(void)context;
	// Up to 256 bytes are never cut short nor interrupted (getrandom(2)).
	const ssize_t got = getrandom(buffer, size, 0);
	ASSERT(size <= 256 && got == (ssize_t)size);
}

static int64_t get_wall_time(void *context)
{
	(void)context;
	return clock_wall_s();
}

static void name_origin(struct feed *feed)
{
	char host[128] = "";
	(void)gethostname(host, sizeof(host) - 1);
	snprintf(feed->origin, sizeof(feed->origin), "%s/%ld", host[0] ? host : "evauthd", (long)getpid());
}

static int copy_file(const char *path, char **ret_copy)
{
	*ret_copy = strdup(path != NULL ? path : "");
	return *ret_copy != NULL ? 0 : -ENOMEM;
}

static int copy_peers(struct feed *feed, const struct feed_options *options)
{
	for (size_t i = 0; i < options->peers_count && i < FEED_PEERS_MAX; i++) {
		feed->peers[i] = strdup(options->peers[i]);
		if (feed->peers[i] == NULL)
			return -ENOMEM;
		feed->peers_count++;
	}
	int result = copy_file(options->peer_ca_file, &feed->peer_ca_file);
	if (result == 0)
		result = copy_file(options->peer_cert_file, &feed->peer_cert_file);
	return result == 0 ? copy_file(options->peer_key_file, &feed->peer_key_file) : result;
}

static int create_parts(struct feed *feed, const struct feed_options *options)
{
	const struct loop_hooks hooks = {.on_wake = on_wake, .context = feed};
	const struct replica_options replica = {
		.origin = bytes_from(feed->origin),
		.timeout_ms = options->timeout_ms,
		.queue_sets_max = options->sets_max,
		.queue_bytes_max = REPLICA_QUEUE_BYTES_MAX_DEFAULT,
		.needs_confirmation = options->wait_replicas > 0,
		.random = get_random,
		.wall_time = get_wall_time,
		.context = feed,
	};
	int result = loop_create(&feed->loop);
	if (result != 0)
		return result;
	loop_set_hooks(feed->loop, &hooks);
	mailbox_init(&feed->mailbox, feed->loop);
	result = loop_timer_create(feed->loop, on_tick, feed, &feed->tick);
	if (result == 0)
		result = loop_timer_create(feed->loop, on_drain_over, feed, &feed->drain);
	if (result == 0)
		result = feed_redis_init(feed);
	if (result == 0)
		result = replica_create(&replica, feed_now_ms(), &feed->replica);
	if (result == 0)
		update_view(feed);
	return result;
}

int feed_create(const struct feed_options *options, struct feed **ret_feed)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	if (feed == NULL)
		return -ENOMEM;
	feed->store = options->store;
	feed->url = *options->redis;
	feed->tls = options->tls;
	feed->stale_ms = options->stale_ms;
	feed->is_stale = options->is_stale;
	feed->log_settings = (struct redis_log_settings){.entries_max = options->log_entries_max,
							 .wait_replicas = options->wait_replicas,
							 .timeout_ms = options->timeout_ms};
	feed->stop_mail.deliver = on_stop_mail;
	feed->drain_mail.deliver = on_drain_mail;
	feed->look_mail.deliver = on_look_mail;
	redis_url_format(&feed->url, feed->url_text);
	name_origin(feed);
	pthread_mutex_init(&feed->view.lock, NULL);
	feed_inbox_init(feed);
	int result = copy_peers(feed, options);
	if (result == 0)
		result = create_parts(feed, options);
	if (result != 0) {
		feed_destroy(feed);
		return result;
	}
	*ret_feed = feed;
	return 0;
}

void feed_destroy(struct feed *feed)
{
	if (feed == NULL)
		return;
	ASSERT(!feed->has_thread);
	replica_destroy(feed->replica);
	if (feed->loop != NULL) {
		feed_redis_finish(feed);
		loop_timer_destroy(feed->tick);
		loop_timer_destroy(feed->drain);
		mailbox_finish(&feed->mailbox);
		loop_destroy(feed->loop);
	}
	feed_inbox_finish(feed);
	pthread_mutex_destroy(&feed->view.lock);
	for (size_t i = 0; i < feed->peers_count; i++)
		free(feed->peers[i]);
	free(feed->peer_ca_file);
	free(feed->peer_cert_file);
	free(feed->peer_key_file);
	explicit_bzero(&feed->url, sizeof(feed->url));
	free(feed);
}
