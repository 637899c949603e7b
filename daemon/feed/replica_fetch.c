// SPDX-License-Identifier: Apache-2.0
// A snapshot from a peer, for a store that the log does not reach any more. What was fetched is only taken over when
// the log knows the place it stands at: a peer may have gone another way than Redis.
#include "daemon/feed/replica_impl.h"

#include <errno.h>

static bool is_same_place(const struct store_position *a, const struct store_position *b)
{
	return a->revision == b->revision && id128_equal(&a->epoch, &b->epoch) && id128_equal(&a->nonce, &b->nonce);
}

void replica_fetch_begin(struct replica *replica, const struct anchor_verdict *verdict,
			 const struct redis_log_head *head)
{
	replica_refuse_sets(replica, false, "this replica fetches a snapshot from a peer");
	// The peers were asked from here already, and had another history.
	if (replica->has_fetch_refused && is_same_place(&replica->fetch_refused, &replica->position)) {
		replica_note_divergence(replica, DIVERGED_PEER, head);
		replica->divergence = DIVERGED_PEER;
		replica->state = REPLICATION_STATE_DIVERGED;
		replica_attach_later(replica, REPLICA_POLL_MS);
		return;
	}
	replica->fetch = FETCH_WANTED;
	replica->fetch_epoch = head->last.epoch;
	replica->fetch_after = verdict->fetch_after;
	replica->fetch_is_same_history = verdict->is_same_history;
	replica->counters.fetched_records = 0;
	replica->counters.fetched_records_total = 0;
	replica->divergence = DIVERGED_NOT;
	// After a vain attempt it stays NO_PEER until a peer begins to send.
	if (replica->state != REPLICATION_STATE_NO_PEER)
		replica->state = REPLICATION_STATE_FETCHING;
	replica->step = STEP_FETCH;
	replica->poll_ms = replica->now_ms + REPLICA_POLL_MS;
}

void replica_fetch_head(struct replica *replica, const struct redis_log_head *head)
{
	if (head->last.mark[0] == '\0')
		replica_set_head(replica, head->is_empty ? 0 : head->last.revision);
	if (replica->fetch != FETCH_STAGED || !is_same_place(&replica->head.position, &replica->staged))
		return;
	replica->fetch = anchor_is_known(&replica->staged, head) ? FETCH_COMMIT : FETCH_ABORT;
}

void replica_fetch_progress(struct replica *replica, uint64_t now_ms, uint64_t records, uint64_t records_total)
{
	replica_set_now(replica, now_ms);
	if (replica->fetch != FETCH_RUNNING)
		return;
	replica->counters.fetched_records = records;
	replica->counters.fetched_records_total = records_total;
	if (replica->is_up)
		replica->state = REPLICATION_STATE_FETCHING;
}

void replica_fetch_staged(struct replica *replica, uint64_t now_ms, const struct store_position *position)
{
	replica_set_now(replica, now_ms);
	if (replica->fetch != FETCH_RUNNING)
		return;
	replica->staged = *position;
	replica->fetch = FETCH_STAGED;
	replica->head = (struct request){0}; // what is asked now was asked too early
}

void replica_fetched(struct replica *replica, uint64_t now_ms, int result, struct bytes text)
{
	replica_set_now(replica, now_ms);
	if (replica->fetch == FETCH_NONE)
		return;
	replica->fetch = FETCH_NONE;
	if (result == 0) {
		replica->fetch_back_off_ms = RETRY_FETCH_MIN_MS;
		replica_attach(replica);
		return;
	}
	if (result == -EXDEV && replica->fetch_is_same_history) {
		replica->has_fetch_refused = true;
		replica->fetch_refused = replica->position;
	}
	char why[REPLICA_TEXT_MAX];
	const size_t size = text.size < sizeof(why) - 1 ? text.size : sizeof(why) - 1;
	if (size > 0)
		memcpy(why, text.data, size);
	why[size] = '\0';
	replica_note_error(replica, result, size > 0 ? why : "no peer has a snapshot at a place that the log knows");
	if (!replica->is_up)
		return;
	replica->state = REPLICATION_STATE_NO_PEER;
	replica_attach_later(replica, replica->fetch_back_off_ms);
	replica->fetch_back_off_ms *= 2;
	if (replica->fetch_back_off_ms > RETRY_FETCH_MAX_MS)
		replica->fetch_back_off_ms = RETRY_FETCH_MAX_MS;
}

static void start(struct replica *replica, struct replica_action *ret_action)
{
	ret_action->kind = REPLICA_FETCH;
	ret_action->fetch.mine = replica->position;
	ret_action->fetch.is_empty = replica->is_empty;
	ret_action->fetch.epoch = replica->fetch_epoch;
	ret_action->fetch.after = replica->fetch_after;
	ret_action->fetch.is_same_history = replica->fetch_is_same_history;
	replica->fetch = FETCH_RUNNING;
}

static bool wants_head(const struct replica *replica)
{
	if (replica->step != STEP_FETCH || replica->head.ticket != 0)
		return false;
	return replica->fetch == FETCH_STAGED || replica->poll_ms <= replica->now_ms;
}

bool replica_fetch_action(struct replica *replica, struct replica_action *ret_action)
{
	if (replica->fetch == FETCH_WANTED) {
		start(replica, ret_action);
		return true;
	}
	if (replica->fetch == FETCH_COMMIT || replica->fetch == FETCH_ABORT) {
		ret_action->kind = replica->fetch == FETCH_COMMIT ? REPLICA_FETCH_COMMIT : REPLICA_FETCH_ABORT;
		replica->fetch = FETCH_ENDING;
		return true;
	}
	if (wants_head(replica)) {
		replica->poll_ms = replica->now_ms + REPLICA_POLL_MS;
		ret_action->kind = REPLICA_READ_HEAD;
		ret_action->ticket = replica_new_ticket(replica, &replica->head);
		replica->head.position = replica->fetch == FETCH_STAGED ? replica->staged : replica->position;
		ret_action->head_revision = replica->head.position.revision;
		return true;
	}
	return false;
}
