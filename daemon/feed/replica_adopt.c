// SPDX-License-Identifier: Apache-2.0
// `evauth log adopt`: the state of this store becomes the one to go on from. The base in Redis comes first, then the
// store's position: a stop in between is finished by the anchor, which knows the base by the nonce it starts from.
#include "daemon/feed/replica_impl.h"

#include <errno.h>

int replica_adopt(struct replica *replica, uint64_t now_ms, const struct id128 *epoch, uint64_t handle)
{
	replica_set_now(replica, now_ms);
	if (replica->adopt != ADOPT_NONE)
		return -EBUSY;
	replica->adopt = ADOPT_WANTED;
	replica->adopt_handle = handle;
	replica->adopt_epoch = *epoch;
	replica->adopt_expires_ms = now_ms + 2 * (uint64_t)replica->options.timeout_ms;
	if (!replica->is_up)
		replica_adopt_end(replica, REPLICA_UNAVAILABLE, "Redis is away");
	else if (replica->step == STEP_FOLLOW && replica_is_stuck(replica))
		replica_attach(replica);
	else if (replica->step == STEP_FOLLOW)
		replica_adopt_end(replica, REPLICA_NOT_NOW,
				  "this replica follows the log in Redis: there is nothing to adopt");
	else if (replica->fetch != FETCH_NONE && replica->state != REPLICATION_STATE_NO_PEER)
		replica_adopt_end(replica, REPLICA_NOT_NOW, "this replica is fetching a snapshot from a peer");
	else if (replica->step == STEP_WAIT)
		replica_attach(replica);
	return 0;
}

void replica_adopt_end(struct replica *replica, enum replica_outcome outcome, const char *text)
{
	replica->adopt = ADOPT_DONE;
	replica->adopt_outcome = outcome;
	replica->adopt_text = text;
}

// ---------------------------------------------------------------- the base

static void add_adopted(struct redis_log_entry *base, const struct id128 *epoch)
{
	if (id128_is_zero(epoch)) // of a damaged entry
		return;
	for (uint32_t i = 0; i < base->adopted_count; i++)
		if (id128_equal(&base->adopted[i], epoch))
			return;
	if (base->adopted_count < REDIS_LOG_ADOPTED_MAX)
		base->adopted[base->adopted_count++] = *epoch;
}

// Mine, the log's, and those that these two took over before.
static void name_adopted(const struct replica *replica, const struct redis_log_head *head, struct redis_log_entry *base)
{
	add_adopted(base, &replica->position.epoch);
	if (!head->is_empty) {
		add_adopted(base, &head->last.epoch);
		add_adopted(base, &head->first.epoch);
	}
	if (!head->is_empty && head->first.is_base)
		for (uint32_t i = 0; i < head->first.adopted_count; i++)
			add_adopted(base, &head->first.adopted[i]);
	for (uint32_t i = 0; i < replica->adopted_count; i++)
		add_adopted(base, &replica->adopted[i]);
}

// The new history starts above all there is. What a damaged entry calls its revision may be anything.
static uint64_t last_revision(const struct replica *replica, const struct redis_log_head *head)
{
	const uint64_t ahead_max = UINT32_MAX;
	if (head->is_empty)
		return 0;
	if (head->last.mark[0] == '\0' || head->last.revision <= replica->position.revision + ahead_max)
		return head->last.revision;
	return replica->head_revision;
}

static void begin(struct replica *replica, const struct redis_log_head *head)
{
	const uint64_t last = last_revision(replica, head);
	const uint64_t mine = replica->position.revision;
	replica->base = (struct redis_log_entry){
		.revision = (last > mine ? last : mine) + 1,
		.epoch = replica_random_id(replica),
		.nonce = replica_random_id(replica),
		.is_base = true,
		.time = replica->options.wall_time(replica->options.context),
		.origin = replica->options.origin,
		.adopted_nonce = replica->position.nonce,
	};
	name_adopted(replica, head, &replica->base);
	replica->base_has_expected = !head->is_empty;
	if (!head->is_empty)
		replica->base_expected = head->last;
	replica->base_expected.origin = replica->base_expected.body = (struct bytes){0};
	replica->adopt = ADOPT_SENT;
	replica->step = STEP_BEGIN;
}

bool replica_adopt_judge(struct replica *replica, const struct redis_log_head *head)
{
	if (replica->adopt != ADOPT_WANTED)
		return false;
	if (!id128_equal(&replica->adopt_epoch, &replica->position.epoch)) {
		replica_adopt_end(replica, REPLICA_NOT_NOW, "this replica is in another history by now");
		return false;
	}
	begin(replica, head);
	return true;
}

bool replica_adopt_action(struct replica *replica, struct replica_action *ret_action)
{
	if (replica->adopt != ADOPT_DONE)
		return false;
	replica->adopt = ADOPT_NONE;
	ret_action->kind = REPLICA_ANSWER_ADOPT;
	ret_action->answer_adopt.handle = replica->adopt_handle;
	ret_action->answer_adopt.outcome = replica->adopt_outcome;
	ret_action->answer_adopt.position = replica->adopt_position;
	ret_action->answer_adopt.text = replica->adopt_text;
	return true;
}
