// SPDX-License-Identifier: Apache-2.0
// Change sets: taken in, waiting, answered.
#include "daemon/feed/replica_impl.h"
#include "proto/limits.h"

#include <errno.h>
#include <stdlib.h>

enum { SET_FRAME_MAX = 32 }; // what a set costs in a body beyond its own bytes, generously

// ---------------------------------------------------------------- lists

void set_list_add(struct set_list *list, struct set *set)
{
	set->next = NULL;
	if (list->last != NULL)
		list->last->next = set;
	else
		list->first = set;
	list->last = set;
	list->count++;
	list->bytes += set->size;
}

struct set *set_list_take(struct set_list *list)
{
	struct set *set = list->first;
	if (set == NULL)
		return NULL;
	list->first = set->next;
	if (list->first == NULL)
		list->last = NULL;
	list->count--;
	list->bytes -= set->size;
	set->next = NULL;
	return set;
}

void set_list_put_before(struct set_list *to, struct set_list *from)
{
	if (from->first == NULL)
		return;
	from->last->next = to->first;
	if (to->last == NULL)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	to->bytes += from->bytes;
	*from = (struct set_list){0};
}

void set_list_clear(struct set_list *list)
{
	struct set *set;
	while ((set = set_list_take(list)) != NULL)
		free(set);
}

// ---------------------------------------------------------------- taken in

bool replica_is_writable(const struct replica *replica)
{
	return replica->is_up &&
	       (replica->state == REPLICATION_STATE_CATCHING_UP || replica->state == REPLICATION_STATE_FOLLOWING);
}

static int take_set(struct replica *replica, const struct replica_set *source, struct set **ret_set)
{
	const size_t waiting = replica->queue.count + replica->inbox.count;
	const size_t bytes = replica->queue.bytes + replica->inbox.bytes;
	if (source->body.size + SET_FRAME_MAX > COMMIT_BODIES_MAX)
		return -EINVAL;
	if (!replica_is_writable(replica))
		return -ENOTCONN;
	if (waiting >= replica->options.queue_sets_max || bytes + source->body.size > replica->options.queue_bytes_max)
		return -EAGAIN;
	struct set *set = malloc(sizeof(*set) + source->body.size);
	if (set == NULL)
		return -ENOMEM;
	*set = (struct set){
		.handle = source->handle,
		.expires_ms =
			source->expires_ms != 0 ? source->expires_ms : replica->now_ms + replica->options.timeout_ms,
		.late_ms = source->late_ms,
		.key = source->key,
		.repeat_window_s = source->repeat_window_s,
		.size = source->body.size,
	};
	if (set->size > 0)
		memcpy(set->data, source->body.data, set->size);
	if (set->expires_ms < replica->expiry_ms)
		replica->expiry_ms = set->expires_ms;
	*ret_set = set;
	return 0;
}

int replica_submit(struct replica *replica, uint64_t now_ms, const struct replica_set *source)
{
	replica_set_now(replica, now_ms);
	struct set *set;
	const int result = take_set(replica, source, &set);
	if (result == 0)
		set_list_add(&replica->queue, set);
	return result;
}

static bool has_key(const struct set_list *list, const struct id128 *key)
{
	for (const struct set *set = list->first; set != NULL; set = set->next)
		if (id128_equal(&set->key, key))
			return true;
	return false;
}

int replica_submit_inbox(struct replica *replica, uint64_t now_ms, const struct replica_set *source)
{
	replica_set_now(replica, now_ms);
	if (!id128_is_zero(&source->key) &&
	    (has_key(&replica->inbox, &source->key) || has_key(&replica->queue, &source->key) ||
	     has_key(&replica->pending.sets, &source->key))) {
		replica->counters.inbox_repeated++;
		return -EEXIST;
	}
	struct set *set;
	const int result = take_set(replica, source, &set);
	if (result != 0)
		return result;
	uint32_t jitter;
	replica->options.random(replica->options.context, &jitter, sizeof(jitter));
	set->ready_ms = replica->now_ms + jitter % (REPLICA_INBOX_JITTER_MS + 1);
	// In the order of publication: who attaches and then detaches means it. As every replica keeps it, a message is
	// in the log, or in the entry at hand, before the ones after it.
	if (replica->inbox.last != NULL && replica->inbox.last->ready_ms > set->ready_ms)
		set->ready_ms = replica->inbox.last->ready_ms;
	set_list_add(&replica->inbox, set);
	replica->counters.inbox_accepted++;
	return 0;
}

// Keeps the order of the rest.
static size_t drop_key(struct set_list *list, const struct id128 *key)
{
	struct set_list rest = {0};
	struct set *set;
	size_t dropped = 0;
	while ((set = set_list_take(list)) != NULL) {
		if (set->handle == 0 && id128_equal(&set->key, key)) {
			free(set);
			dropped++;
		} else {
			set_list_add(&rest, set);
		}
	}
	*list = rest;
	return dropped;
}

void replica_seen(struct replica *replica, const struct id128 *key)
{
	if (id128_is_zero(key))
		return;
	if (has_key(&replica->inbox, key))
		replica->counters.inbox_repeated += drop_key(&replica->inbox, key);
	if (has_key(&replica->queue, key))
		replica->counters.inbox_repeated += drop_key(&replica->queue, key);
}

void replica_refused_message(struct replica *replica)
{
	replica->counters.messages_refused++;
}

void replica_release_inbox(struct replica *replica)
{
	struct set_list rest = {0};
	struct set *set;
	while ((set = set_list_take(&replica->inbox)) != NULL)
		set_list_add(set->ready_ms <= replica->now_ms ? &replica->queue : &rest, set);
	replica->inbox = rest;
}

// ---------------------------------------------------------------- answered

void replica_answer_all(struct replica *replica, struct set_list *sets, enum replica_outcome outcome, const char *text)
{
	struct set *set;
	while ((set = set_list_take(sets)) != NULL) {
		set->outcome = outcome;
		set->text = text;
		set_list_add(&replica->answers, set);
	}
}

// Answers those of the list that somebody waits for, and that have expired (`all`: or not). The rest stays.
static void answer_waiting(struct replica *replica, struct set_list *list, bool all, const char *text)
{
	struct set_list rest = {0}, answered = {0};
	struct set *set;
	while ((set = set_list_take(list)) != NULL) {
		const bool is_over = set->expires_ms <= replica->now_ms;
		set_list_add(is_over || (all && set->handle != 0) ? &answered : &rest, set);
	}
	*list = rest;
	replica_answer_all(replica, &answered, REPLICA_UNAVAILABLE, text);
}

// In an entry that was sent the sets stay what they are; only nobody waits for them any more.
static bool answer_sent(struct replica *replica, struct set_list *list, bool all, const char *text)
{
	bool is_anything_left = false;
	for (struct set *set = list->first; set != NULL; set = set->next) {
		if (set->expires_ms > replica->now_ms && !all) {
			is_anything_left = true;
			continue;
		}
		if (set->handle == 0)
			continue;
		struct set *answer = malloc(sizeof(*answer));
		if (answer == NULL) { // later, then
			is_anything_left = true;
			continue;
		}
		*answer = (struct set){.handle = set->handle, .outcome = REPLICA_OUTCOME_UNKNOWN, .text = text};
		set_list_add(&replica->answers, answer);
		set->handle = 0;
	}
	return is_anything_left;
}

static void drop_pending(struct replica *replica)
{
	set_list_clear(&replica->pending.sets);
	free(replica->pending.body);
	replica->pending = (struct pending){0};
}

void replica_refuse_sets(struct replica *replica, bool keep_pending, const char *text)
{
	answer_waiting(replica, &replica->queue, true, text);
	if (keep_pending || replica->pending.sets.count == 0)
		return;
	// What is pending was sent, and its answer is not waited for.
	replica_answer_all(replica, &replica->pending.sets, REPLICA_OUTCOME_UNKNOWN, text);
	drop_pending(replica);
}

void replica_refuse_late_sets(struct replica *replica)
{
	struct set_list rest = {0}, late = {0};
	struct set *set;
	while ((set = set_list_take(&replica->queue)) != NULL)
		set_list_add(set->late_ms != 0 && set->late_ms <= replica->now_ms ? &late : &rest, set);
	replica->queue = rest;
	replica_answer_all(replica, &late, REPLICA_LATE, "half of timeout_ms was over before its turn came");
}

static void note_expiry(struct replica *replica, const struct set_list *list)
{
	for (const struct set *set = list->first; set != NULL; set = set->next)
		if (set->expires_ms < replica->expiry_ms && set->expires_ms > replica->now_ms)
			replica->expiry_ms = set->expires_ms;
}

static void expire_pending(struct replica *replica)
{
	struct pending *pending = &replica->pending;
	if (pending->sets.count == 0)
		return;
	if (answer_sent(replica, &pending->sets, false, "Redis did not answer in time"))
		return;
	// Nobody waits for it: it is not sent again. While it is on its way its answer is waited for.
	if (replica->append.ticket == 0)
		drop_pending(replica);
}

void replica_expire_sets(struct replica *replica)
{
	if (replica->expiry_ms > replica->now_ms)
		return;
	static const char text[] = "it waited too long for its turn";
	answer_waiting(replica, &replica->inbox, false, text);
	answer_waiting(replica, &replica->queue, false, text);
	expire_pending(replica);
	replica->expiry_ms = UINT64_MAX;
	note_expiry(replica, &replica->inbox);
	note_expiry(replica, &replica->queue);
	note_expiry(replica, &replica->pending.sets);
	for (struct applying *at = replica->applying; at != NULL; at = at->next) {
		if (at->sets.count == 0)
			continue;
		answer_sent(replica, &at->sets, false, "the store did not apply it in time");
		note_expiry(replica, &at->sets);
	}
}

uint64_t replica_sets_tick_ms(const struct replica *replica)
{
	uint64_t tick = replica->expiry_ms;
	for (const struct set *set = replica->inbox.first; set != NULL; set = set->next)
		if (set->ready_ms < tick)
			tick = set->ready_ms;
	return tick;
}

bool replica_answer_action(struct replica *replica, struct replica_action *ret_action)
{
	struct set *set;
	while ((set = set_list_take(&replica->answers)) != NULL) {
		if (set->handle == 0) {
			free(set);
			continue;
		}
		replica->answered = set;
		ret_action->kind = REPLICA_ANSWER;
		ret_action->answer.handle = set->handle;
		ret_action->answer.outcome = set->outcome;
		ret_action->answer.revision = set->revision;
		ret_action->answer.index = set->index;
		ret_action->answer.text = set->text;
		return true;
	}
	return false;
}
