// SPDX-License-Identifier: Apache-2.0
// Finding the store's place in the log: on every connection, and again whenever something does not fit.
#include "daemon/feed/replica_impl.h"

#include <errno.h>

void replica_attach(struct replica *replica)
{
	// What was asked in the old place is not wanted any more, but what is being written may take effect.
	replica->head = (struct request){0};
	replica->range = (struct request){0};
	replica->begin = (struct request){0};
	if (replica->append.ticket != 0)
		replica_append_lost(replica);
	replica->append = (struct request){0};
	replica->look = false;
	replica->heard_revision = 0;
	replica->is_caught_up = false;
	replica->step = !replica->is_up ? STEP_OFFLINE : replica->fetch != FETCH_NONE ? STEP_FETCH : STEP_DRAIN;
}

void replica_attach_later(struct replica *replica, uint64_t delay_ms)
{
	replica_attach(replica);
	if (replica->step != STEP_DRAIN || replica->adopt == ADOPT_WANTED)
		return;
	replica->step = STEP_WAIT;
	replica->again_ms = replica->now_ms + delay_ms;
}

// ---------------------------------------------------------------- verdicts

static void begin(struct replica *replica)
{
	const struct store_position *mine = &replica->position;
	replica->base = (struct redis_log_entry){
		.revision = mine->revision,
		.epoch = mine->epoch,
		// Mine, so that the log knows my place at once, also when I stop before the store is attached.
		.nonce = id128_is_zero(&mine->nonce) ? replica_random_id(replica) : mine->nonce,
		.is_base = true,
		.time = replica->options.wall_time(replica->options.context),
		.origin = replica->options.origin,
	};
	replica->base_has_expected = false;
	replica->step = STEP_BEGIN;
}

static void join(struct replica *replica, const struct store_position *position)
{
	replica->join = *position;
	replica->wants_set_position = true;
	replica->step = STEP_JOIN;
}

static bool is_where_it_stalled(const struct replica *replica)
{
	const struct store_position *then = &replica->stalled_at, *now = &replica->position;
	return then->revision == now->revision && id128_equal(&then->epoch, &now->epoch);
}

static void start_following(struct replica *replica)
{
	replica->step = STEP_FOLLOW;
	// STALLED until an entry was taken.
	if (!is_where_it_stalled(replica))
		replica->stalled = 0;
	replica->state = replica_is_stalled(replica) ? REPLICATION_STATE_STALLED : REPLICATION_STATE_CATCHING_UP;
	if (!replica_is_stalled(replica))
		replica->advice[0] = '\0';
	replica->divergence = DIVERGED_NOT;
	replica->cursor = replica->position;
	replica->applied_revision = replica->position.revision;
	replica->poll_ms = replica->now_ms;
	replica->look = true;
	replica->look_after_ms = 0;
	replica->is_dropping = false;
	replica->has_fetch_refused = false;
	replica->fetch_back_off_ms = RETRY_FETCH_MIN_MS;
}

static void diverge(struct replica *replica, enum divergence divergence, const struct redis_log_head *head)
{
	replica_refuse_sets(replica, false, "this replica and Redis have different histories (DIVERGED)");
	replica_note_divergence(replica, divergence, head);
	replica->divergence = divergence;
	replica->state = REPLICATION_STATE_DIVERGED;
	replica_attach_later(replica, REPLICA_POLL_MS);
}

// The base names the histories it took over, and is trimmed one day: the next adopt needs them.
static void remember_adopted(struct replica *replica, const struct redis_log_head *head)
{
	if (head->is_empty || !head->first.is_base)
		return;
	replica->adopted_epoch = head->first.epoch;
	replica->adopted_count = head->first.adopted_count;
	memcpy(replica->adopted, head->first.adopted, sizeof(replica->adopted));
}

// The log knows my place, but what follows did not fit. Once may be chance (trimmed, or a fail-over in between); twice
// in the same log is not, and stays so until the log changes.
static bool is_damaged(struct replica *replica, const struct anchor_verdict *verdict, const struct redis_log_head *head)
{
	enum { CHANCE_MAX = 1 };
	const bool did_not_fit = replica->did_not_fit;
	replica->did_not_fit = false;
	if (verdict->kind != ANCHOR_FOLLOW)
		return false;
	if (!id128_equal(&replica->misfit_last, &head->last.nonce) ||
	    replica->misfit_revision != replica->position.revision)
		replica->misfits = 0;
	if (did_not_fit)
		replica->misfits++;
	replica->misfit_last = head->last.nonce;
	replica->misfit_revision = replica->position.revision;
	return replica->misfits > CHANCE_MAX;
}

void replica_judge(struct replica *replica, const struct redis_log_head *head)
{
	struct anchor_verdict verdict = anchor_judge(&replica->position, replica->is_empty, head);
	remember_adopted(replica, head);
	if (head->last.mark[0] == '\0')
		replica_set_head(replica, head->is_empty ? 0 : head->last.revision);
	if (is_damaged(replica, &verdict, head))
		verdict = (struct anchor_verdict){.kind = ANCHOR_DIVERGED, .divergence = DIVERGED_DAMAGED};
	const bool is_stuck =
		verdict.kind == ANCHOR_FOLLOW && replica_is_stuck(replica) && is_where_it_stalled(replica);
	if (verdict.kind == ANCHOR_FETCH || verdict.kind == ANCHOR_DIVERGED || is_stuck) {
		if (replica_adopt_judge(replica, head))
			return;
	} else if (replica->adopt == ADOPT_WANTED) {
		replica_adopt_end(replica, REPLICA_NOT_NOW,
				  "this replica follows the log in Redis: there is nothing to adopt");
	}
	switch (verdict.kind) {
	case ANCHOR_BEGIN:
		begin(replica);
		break;
	case ANCHOR_JOIN:
		join(replica, &verdict.position);
		break;
	case ANCHOR_FOLLOW:
		start_following(replica);
		if (head->last.mark[0] == '\0')
			replica_note_head(replica, head->last.revision);
		break;
	case ANCHOR_FETCH:
		replica_fetch_begin(replica, &verdict, head);
		break;
	case ANCHOR_DIVERGED:
		diverge(replica, verdict.divergence, head);
		break;
	}
}

// ---------------------------------------------------------------- what happened

void replica_position(struct replica *replica, uint64_t now_ms, const struct store_position *position, bool is_empty)
{
	replica_set_now(replica, now_ms);
	const bool is_asked = replica->step == STEP_POSITION;
	if (!is_asked && replica->is_up) { // somebody else moved the store
		replica_attach(replica);
		return;
	}
	replica->position = *position;
	replica->is_empty = is_empty;
	replica->applied_revision = position->revision;
	if (is_asked)
		replica->step = STEP_HEAD;
}

void replica_position_set(struct replica *replica, uint64_t now_ms, int result)
{
	replica_set_now(replica, now_ms);
	replica->is_setting_position = false;
	if (result == 0)
		replica->position = replica->join;
	if (replica->adopt == ADOPT_SETTING) {
		replica->adopt_position = replica->join;
		replica_adopt_end(replica, result == 0 ? REPLICA_APPLIED : REPLICA_OUTCOME_UNKNOWN,
				  "the store did not take its new position; this is tried again");
	}
	if (replica->step != STEP_JOIN)
		return;
	if (result == 0) {
		// What the log has by now is looked at anew.
		replica_attach(replica);
		return;
	}
	replica_note_error(replica, result, "the store cannot be attached to the log");
	if (result != -ESTALE)
		replica->state = REPLICATION_STATE_STALLED;
	replica_attach_later(replica, RETRY_STORE_MS);
}

void replica_head_read(struct replica *replica, uint64_t now_ms, uint64_t ticket, const struct redis_log_head *head)
{
	replica_set_now(replica, now_ms);
	const struct request asked = replica->head;
	if (!replica_is_answer(&replica->head, ticket))
		return;
	if (replica->step == STEP_HEAD)
		replica_judge(replica, head);
	else if (replica->step == STEP_FETCH)
		replica_fetch_head(replica, head);
	else if (replica->step == STEP_FOLLOW)
		replica_follow_head(replica, head, &asked);
}

void replica_begun(struct replica *replica, uint64_t now_ms, uint64_t ticket, bool is_done)
{
	replica_set_now(replica, now_ms);
	if (!replica_is_answer(&replica->begin, ticket))
		return;
	const bool is_adopt = replica->adopt == ADOPT_SENT;
	if (!is_done) {
		// Somebody else was first: look again, and decide again.
		if (is_adopt)
			replica->adopt = ADOPT_WANTED;
		replica_attach(replica);
		return;
	}
	if (is_adopt)
		replica->adopt = ADOPT_SETTING;
	join(replica, &(struct store_position){.epoch = replica->base.epoch,
					       .revision = replica->base.revision,
					       .nonce = replica->base.nonce,
					       .is_attached = true});
}

// ---------------------------------------------------------------- what is to be done

static bool can_ask_position(const struct replica *replica)
{
	return replica->step == STEP_DRAIN && replica->applying == NULL && !replica->is_setting_position &&
	       !replica->wants_set_position && replica->fetch == FETCH_NONE;
}

bool replica_attach_action(struct replica *replica, struct replica_action *ret_action)
{
	if (replica->wants_set_position) {
		replica->wants_set_position = false;
		replica->is_setting_position = true;
		ret_action->kind = REPLICA_SET_POSITION;
		ret_action->set_position.expected = replica->position;
		ret_action->set_position.position = replica->join;
		return true;
	}
	if (can_ask_position(replica)) {
		replica->step = STEP_POSITION;
		ret_action->kind = REPLICA_GET_POSITION;
		return true;
	}
	if (replica->step == STEP_HEAD && replica->head.ticket == 0) {
		ret_action->kind = REPLICA_READ_HEAD;
		ret_action->ticket = replica_new_ticket(replica, &replica->head);
		ret_action->head_revision = replica->position.revision;
		return true;
	}
	if (replica->step == STEP_BEGIN && replica->begin.ticket == 0) {
		ret_action->kind = REPLICA_BEGIN;
		ret_action->ticket = replica_new_ticket(replica, &replica->begin);
		ret_action->entry.entry = &replica->base;
		ret_action->entry.expected = replica->base_has_expected ? &replica->base_expected : NULL;
		return true;
	}
	return false;
}
