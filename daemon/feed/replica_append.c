// SPDX-License-Identifier: Apache-2.0
// Our own entry: what is queued goes into one, which is appended if the log's last entry is the one we know. Its nonce
// decides what became of it when an answer is lost.
#include "daemon/feed/replica_impl.h"

#include <errno.h>
#include <stdlib.h>

// ---------------------------------------------------------------- pending

static void pending_finish(struct pending *pending)
{
	set_list_clear(&pending->sets);
	free(pending->body);
	*pending = (struct pending){0};
}

// -ENOMEM: nothing is pending then, and the sets are in the queue again.
static int fill_pending(struct replica *replica)
{
	struct pending *pending = &replica->pending;
	struct log_body_writer writer = {0};
	int result = 0;
	while (replica->queue.first != NULL) {
		struct set *set = replica->queue.first;
		result = log_body_add(&writer, (struct bytes){set->data, set->size}, set->repeat_window_s);
		if (result != 0)
			break;
		set->index = (uint32_t)pending->sets.count;
		set_list_add(&pending->sets, set_list_take(&replica->queue));
	}
	if (pending->sets.count == 0) {
		log_body_finish(&writer);
		return result;
	}
	const struct bytes body = log_body_take(&writer);
	pending->body = (char *)body.data;
	pending->entry = (struct redis_log_entry){
		.nonce = replica_random_id(replica),
		.time = replica->options.wall_time(replica->options.context),
		.origin = replica->options.origin,
		.body = body,
	};
	return 0;
}

// Nothing of it happened and nothing will: what has not expired meanwhile can go into another entry.
static void take_pending_apart(struct replica *replica)
{
	struct set_list again = {0};
	struct set *set;
	while ((set = set_list_take(&replica->pending.sets)) != NULL) {
		set->outcome = REPLICA_UNAVAILABLE;
		set->text = "it waited too long for its turn";
		set_list_add(set->expires_ms > replica->now_ms ? &again : &replica->answers, set);
	}
	set_list_put_before(&replica->queue, &again);
	pending_finish(&replica->pending);
}

static bool can_append(const struct replica *replica)
{
	return !replica_is_stalled(replica) && replica->append.ticket == 0 && replica->range.ticket == 0 &&
	       !replica->look && replica->cursor.revision >= replica->head_revision && !replica_is_full(replica) &&
	       replica->append_after_ms <= replica->now_ms;
}

bool replica_append_action(struct replica *replica, struct replica_action *ret_action)
{
	struct pending *pending = &replica->pending;
	if (replica->step != STEP_FOLLOW || !can_append(replica))
		return false;
	if (pending->sets.count == 0)
		replica_refuse_late_sets(replica);
	if (pending->sets.count == 0 && fill_pending(replica) != 0)
		replica->append_after_ms = replica->now_ms + RETRY_MEMORY_MS;
	if (pending->sets.count == 0)
		return replica_answer_action(replica, ret_action); // of those that came too late
	pending->entry.epoch = replica->cursor.epoch;
	pending->entry.revision = replica->cursor.revision + 1;
	pending->entry.prev = replica->cursor.nonce;
	ret_action->kind = REPLICA_APPEND;
	ret_action->ticket = replica_new_ticket(replica, &replica->append);
	ret_action->entry.entry = &pending->entry;
	return true;
}

// ---------------------------------------------------------------- results

static void appended(struct replica *replica, bool is_replicated)
{
	replica->counters.entries_appended++;
	// Read back from the log before this answer came: nothing is pending any more.
	if (replica->pending.sets.count == 0)
		return;
	const struct redis_log_entry entry = replica->pending.entry;
	// Out of memory: it is read from the log later.
	if (replica_hand_over(replica, &entry, is_replicated) != 0) {
		replica->pending.is_doubtful = true;
		replica->look = true;
		replica->look_after_ms = replica->now_ms + RETRY_MEMORY_MS;
	}
}

void replica_appended(struct replica *replica, uint64_t now_ms, uint64_t ticket, const struct redis_log_entry *last,
		      bool is_replicated)
{
	replica_set_now(replica, now_ms);
	if (!replica_is_answer(&replica->append, ticket) || replica->step != STEP_FOLLOW)
		return;
	if (last == NULL) {
		appended(replica, is_replicated);
	} else {
		// Somebody else was first. An earlier sending of this very entry may have been it.
		if (!replica->pending.is_doubtful)
			take_pending_apart(replica);
		replica->look = true;
		replica->poll_ms = replica->now_ms; // or the log is not what it was
	}
	replica_look_if_heard(replica);
}

void replica_append_lost(struct replica *replica)
{
	replica->append = (struct request){0};
	replica->pending.is_doubtful = replica->pending.sets.count > 0;
}

// What Redis answers before it executes anything.
bool replica_is_refusal(int code)
{
	static const int codes[] = {-EAGAIN, -EBUSY, -ENOKEY,  -EKEYREJECTED, -EROFS,
				    -ENOSPC, -EIO,   -ENOLINK, -ESRCH,        -EHOSTDOWN};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

void replica_append_failed(struct replica *replica, const struct redis_error *error)
{
	replica_look_if_heard(replica);
	if (replica->pending.sets.count == 0)
		return;
	if (!replica_is_refusal(error->code))
		replica->pending.is_doubtful = true;
	if (!replica->pending.is_doubtful)
		take_pending_apart(replica);
	// Those that wait are told why; the inbox goes on trying.
	replica_refuse_sets(replica, replica->pending.is_doubtful, "Redis takes no changes now");
	replica->append_after_ms = replica->now_ms + RETRY_APPEND_MS;
}
