// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/replica_impl.h"

#include <errno.h>
#include <stdlib.h>

// ---------------------------------------------------------------- life

int replica_create(const struct replica_options *options, uint64_t now_ms, struct replica **ret_replica)
{
	struct replica *replica = calloc(1, sizeof(*replica));
	if (replica == NULL)
		return -ENOMEM;
	replica->options = *options;
	if (replica->options.origin.size > sizeof(replica->origin))
		replica->options.origin.size = sizeof(replica->origin);
	if (replica->options.origin.size > 0)
		memcpy(replica->origin, options->origin.data, replica->options.origin.size);
	replica->options.origin.data = replica->origin;
	replica->now_ms = now_ms;
	replica->wants_connect = true;
	replica->back_off_ms = REPLICA_BACK_OFF_MIN_MS;
	replica->state = REPLICATION_STATE_CATCHING_UP;
	replica->applying_end = &replica->applying;
	replica->expiry_ms = UINT64_MAX;
	replica->range_count = REPLICA_READ_ENTRIES_FIRST;
	replica->fetch_back_off_ms = RETRY_FETCH_MIN_MS;
	*ret_replica = replica;
	return 0;
}

void replica_destroy(struct replica *replica)
{
	if (replica == NULL)
		return;
	replica_drop_applying(replica);
	set_list_clear(&replica->inbox);
	set_list_clear(&replica->queue);
	set_list_clear(&replica->pending.sets);
	set_list_clear(&replica->answers);
	free(replica->pending.body);
	free(replica->answered);
	free(replica);
}

// ---------------------------------------------------------------- helpers of all files

// Clocks that go back by mistake are stopped, not followed.
void replica_set_now(struct replica *replica, uint64_t now_ms)
{
	if (now_ms > replica->now_ms)
		replica->now_ms = now_ms;
	replica_expire_sets(replica);
	if (replica->inbox.count > 0)
		replica_release_inbox(replica);
}

uint64_t replica_new_ticket(struct replica *replica, struct request *request)
{
	*request = (struct request){.ticket = ++replica->ticket_last, .sent_ms = replica->now_ms};
	return request->ticket;
}

bool replica_is_answer(struct request *request, uint64_t ticket)
{
	if (ticket == 0 || request->ticket != ticket)
		return false;
	request->ticket = 0;
	return true;
}

struct id128 replica_random_id(struct replica *replica)
{
	struct id128 id;
	do
		replica->options.random(replica->options.context, &id, sizeof(id));
	while (id128_is_zero(&id));
	return id;
}

// ---------------------------------------------------------------- the connection

static uint64_t next_back_off(struct replica *replica)
{
	uint32_t jitter;
	const uint64_t back_off = replica->back_off_ms;
	replica->back_off_ms = back_off * 2 < REPLICA_BACK_OFF_MAX_MS ? back_off * 2 : REPLICA_BACK_OFF_MAX_MS;
	replica->options.random(replica->options.context, &jitter, sizeof(jitter));
	return back_off + jitter % (back_off / 2 + 1);
}

static void go_offline(struct replica *replica)
{
	if (replica->wants_connect)
		return;
	replica->wants_connect = true;
	replica->connect_delay_ms = next_back_off(replica);
	replica->is_up = false;
	replica_attach(replica);
	replica_refuse_sets(replica, true, "Redis is away");
	if (replica->adopt == ADOPT_WANTED)
		replica_adopt_end(replica, REPLICA_UNAVAILABLE, "Redis is away");
	else if (replica->adopt == ADOPT_SENT)
		replica_adopt_end(replica, REPLICA_OUTCOME_UNKNOWN, "the connection to Redis was lost meanwhile");
}

void replica_disconnect(struct replica *replica, int code, const char *text)
{
	replica_note_error(replica, code, text);
	replica_range_lost(replica, code);
	go_offline(replica);
}

void replica_up(struct replica *replica, uint64_t now_ms)
{
	replica_set_now(replica, now_ms);
	if (replica->wants_connect)
		return;
	replica->is_up = true;
	if (replica->state != REPLICATION_STATE_DIVERGED && replica->state != REPLICATION_STATE_NO_PEER)
		replica->state =
			replica_is_stalled(replica) ? REPLICATION_STATE_STALLED : REPLICATION_STATE_CATCHING_UP;
	replica_attach(replica);
}

void replica_down(struct replica *replica, uint64_t now_ms, const struct redis_error *error)
{
	replica_set_now(replica, now_ms);
	if (replica->is_up)
		replica->counters.reconnects++;
	replica_disconnect(replica, error->code, error->text);
}

// Redis answers queries but takes no writes: what is not our append is a reason to look for another Redis.
static bool is_about_writes(int code)
{
	return code == -ENOSPC || code == -EIO || code == -ENOLINK || code == -EPERM || code == -EREMOTEIO;
}

void replica_failed(struct replica *replica, uint64_t now_ms, uint64_t ticket, const struct redis_error *error)
{
	replica_set_now(replica, now_ms);
	if (replica_is_answer(&replica->append, ticket)) {
		replica_note_error(replica, error->code, error->text);
		replica_append_failed(replica, error);
		if (is_about_writes(error->code))
			return;
	} else if (replica_is_answer(&replica->begin, ticket)) {
		if (replica->adopt == ADOPT_SENT && replica_is_refusal(error->code))
			replica_adopt_end(replica, REPLICA_UNAVAILABLE, "Redis refused it");
	} else if (replica_is_answer(&replica->range, ticket)) {
		if (error->code == -EUCLEAN) {
			if (replica->step == STEP_FOLLOW)
				replica_does_not_fit(replica, error->text);
			return;
		}
	} else if (!replica_is_answer(&replica->head, ticket)) {
		return;
	}
	replica->counters.reconnects++;
	// Any error while catching up means: not caught up (DESIGN 3.3).
	replica_disconnect(replica, error->code, error->text);
}

// ---------------------------------------------------------------- time

static bool is_overdue(const struct replica *replica, const struct request *request)
{
	return request->ticket != 0 && replica->now_ms - request->sent_ms > 2 * (uint64_t)replica->options.timeout_ms;
}

void replica_tick(struct replica *replica, uint64_t now_ms)
{
	replica_set_now(replica, now_ms);
	// The connection has time-outs of its own; this is for one that forgets.
	if (is_overdue(replica, &replica->head) || is_overdue(replica, &replica->range) ||
	    is_overdue(replica, &replica->append) || is_overdue(replica, &replica->begin))
		replica_disconnect(replica, -ETIMEDOUT, "Redis does not answer");
	if (replica->adopt == ADOPT_WANTED && replica->adopt_expires_ms <= replica->now_ms)
		replica_adopt_end(replica, REPLICA_UNAVAILABLE, "it could not be done in time");
	if (replica->step == STEP_WAIT && replica->again_ms <= replica->now_ms)
		replica_attach(replica);
}

static void earlier(uint64_t *tick, uint64_t at)
{
	if (at < *tick)
		*tick = at;
}

uint64_t replica_next_tick_ms(const struct replica *replica)
{
	const struct request *requests[] = {&replica->head, &replica->range, &replica->append, &replica->begin};
	uint64_t tick = replica_sets_tick_ms(replica);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i]->ticket != 0)
			earlier(&tick, requests[i]->sent_ms + 2 * (uint64_t)replica->options.timeout_ms + 1);
	if (replica->step == STEP_WAIT)
		earlier(&tick, replica->again_ms);
	if ((replica->step == STEP_FOLLOW || replica->step == STEP_FETCH) && replica->head.ticket == 0)
		earlier(&tick, replica->poll_ms);
	if (replica->step == STEP_FOLLOW && replica->look && replica->look_after_ms > replica->now_ms)
		earlier(&tick, replica->look_after_ms);
	if (replica->step == STEP_FOLLOW && replica->append_after_ms > replica->now_ms)
		earlier(&tick, replica->append_after_ms);
	if (replica->submit_next != NULL)
		earlier(&tick, replica->submit_after_ms);
	if (replica->adopt == ADOPT_WANTED)
		earlier(&tick, replica->adopt_expires_ms);
	return tick;
}

// ---------------------------------------------------------------- what is to be done

static bool connect_action(struct replica *replica, struct replica_action *ret_action)
{
	if (!replica->wants_connect)
		return false;
	replica->wants_connect = false;
	ret_action->kind = REPLICA_CONNECT;
	ret_action->delay_ms = replica->connect_delay_ms;
	return true;
}

bool replica_next_action(struct replica *replica, struct replica_action *ret_action)
{
	// Answers first, entries before reading more, reading before writing.
	static bool (*const sources[])(struct replica *, struct replica_action *) = {
		replica_answer_action, replica_adopt_action, connect_action,        replica_apply_action,
		replica_attach_action, replica_fetch_action, replica_follow_action, replica_append_action,
	};
	free(replica->answered);
	replica->answered = NULL;
	*ret_action = (struct replica_action){0};
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i](replica, ret_action))
			return true;
	return false;
}
