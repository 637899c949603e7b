// SPDX-License-Identifier: Apache-2.0
// Entries on their way through the store. Bodies are cut and decoded here, on the feed's thread.
#include "base/hash.h"
#include "daemon/feed/feed_impl.h"
#include "proto/codec.h"
#include "proto/log_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void free_entry(struct feed_entry *entry)
{
	for (size_t i = 0; i < entry->jobs_count; i++)
		arena_finish(&entry->jobs[i].arena);
	free(entry);
}

// ---------------------------------------------------------------- in

static int fill_job(struct store_job *job, const struct log_body_set *set)
{
	struct change_set *message;
	arena_init(&job->arena, FEED_ARENA_CHUNK, FEED_ARENA_BUDGET);
	job->body = arena_copy(&job->arena, set->set);
	job->body_size = set->set.size;
	job->repeat_window_s = set->repeat_window_s;
	if (job->body.data == NULL)
		return -ENOMEM;
	// A field that this version does not know may be a restriction: it must not be dropped (DESIGN 1.4).
	const int result =
		codec_decode(&schema_change_set, CODEC_STRICT, job->body, &job->arena, &message, &job->fault);
	job->set = message;
	return result == -EINVAL ? -EBADMSG : result;
}

static int fill_jobs(struct feed_entry *entry, struct bytes body)
{
	struct log_body_reader reader = {.rest = body};
	struct store_job **end = &entry->entry.jobs;
	struct log_body_set set;
	int result;
	while ((result = log_body_next(&reader, &set)) == 1) {
		struct store_job *job = &entry->jobs[entry->jobs_count++];
		result = fill_job(job, &set);
		if (result != 0)
			return result;
		*end = job;
		end = &job->next;
	}
	return result == -EINVAL ? -EBADMSG : result;
}

static void on_applied(struct mail *mail)
{
	struct feed_entry *entry = (struct feed_entry *)((char *)mail - offsetof(struct feed_entry, mail));
	struct feed *feed = entry->feed;
	feed->entries_out--;
	feed->applied = entry;
	replica_applied(feed->replica, feed_now_ms(), entry->entry.revision, entry->entry.result);
	feed_act(feed);
	feed->applied = NULL;
	free_entry(entry);
}

// On the writer's thread.
static void on_done(struct store_entry *store_entry)
{
	struct feed_entry *entry = store_entry->context;
	entry->mail.deliver = on_applied;
	mailbox_post(&entry->feed->mailbox, &entry->mail);
}

static int create_entry(struct feed *feed, const struct redis_log_entry *from, struct feed_entry **ret_entry)
{
	size_t sets;
	if (log_body_check(from->body, &sets) != 0 || from->origin.size > REDIS_LOG_ORIGIN_MAX)
		return -EBADMSG;
	struct feed_entry *entry = calloc(1, sizeof(*entry) + sets * sizeof(entry->jobs[0]));
	if (entry == NULL)
		return -ENOMEM;
	if (from->origin.size > 0)
		memcpy(entry->origin, from->origin.data, from->origin.size);
	entry->feed = feed;
	entry->entry = (struct store_entry){
		.revision = from->revision,
		.epoch = from->epoch,
		.nonce = from->nonce,
		.prev = from->prev,
		.time = from->time,
		.origin = {.data = entry->origin, .size = from->origin.size},
		.done = on_done,
		.context = entry,
	};
	const int result = fill_jobs(entry, from->body);
	if (result != 0) {
		free_entry(entry);
		return result;
	}
	*ret_entry = entry;
	return 0;
}

static void note_seen(struct feed *feed, const struct feed_entry *entry)
{
	for (size_t i = 0; i < entry->jobs_count; i++) {
		const struct id128 key = feed_inbox_key(entry->jobs[i].set);
		if (!id128_is_zero(&key))
			replica_seen(feed->replica, &key);
	}
}

void feed_store_apply(struct feed *feed, const struct redis_log_entry *from)
{
	const uint64_t revision = from->revision;
	struct feed_entry *entry;
	int result = create_entry(feed, from, &entry);
	if (result == 0) {
		note_seen(feed, entry);
		result = store_submit_entry(feed->store, &entry->entry);
		if (result == 0) {
			feed->entries_out++;
			return;
		}
		free_entry(entry);
	}
	replica_applied(feed->replica, feed_now_ms(), revision, result);
}

// ---------------------------------------------------------------- position

bool feed_store_is_empty(struct feed *feed, const struct store_position *position)
{
	struct store_status status;
	uint64_t objects = 0;
	store_get_status(feed->store, &status);
	for (int kind = 0; kind < OBJECT_KINDS; kind++)
		objects += status.objects[kind];
	return position->revision == 1 && objects == 0;
}

void feed_store_get_position(struct feed *feed)
{
	struct store_position position;
	store_get_position(feed->store, &position);
	replica_position(feed->replica, feed_now_ms(), &position, feed_store_is_empty(feed, &position));
}

void feed_store_set_position(struct feed *feed, const struct replica_action *action)
{
	const int result =
		store_set_position(feed->store, &action->set_position.expected, &action->set_position.position);
	replica_position_set(feed->replica, feed_now_ms(), result);
}
