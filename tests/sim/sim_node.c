// SPDX-License-Identifier: Apache-2.0
// A replica, and what the daemon does around it: carries out the actions, reports what came of them.
#include "proto/limits.h"
#include "tests/sim/sim.h"

#include <errno.h>

bool node_is_stopped(const struct node *node)
{
	return node->stopped_until_ms > node->world->now_ms;
}

// ---------------------------------------------------------------- life

static void random_bytes(void *context, void *buffer, size_t size)
{
	struct node *node = context;
	world_random(node->world, buffer, size);
}

static int64_t wall_time(void *context)
{
	const struct node *node = context;
	return (int64_t)(node->world->now_ms / 1000) + node->clock_skew_s;
}

void node_start(struct node *node)
{
	char origin[16];
	const int size = snprintf(origin, sizeof(origin), "node-%u", node->number);
	const struct replica_options options = {
		.origin = {origin, (size_t)size},
		.timeout_ms = SIM_TIMEOUT_MS,
		.queue_sets_max = 1000,
		.queue_bytes_max = 100000,
		.needs_confirmation = node->world->plan.waits,
		.random = random_bytes,
		.wall_time = wall_time,
		.context = node,
	};
	ASSERT(replica_create(&options, node->world->now_ms, &node->replica) == 0);
	node->tick_at_ms = UINT64_MAX;
	node->is_stalled = false;
	node->started_ms = node->world->now_ms;
	trace(node->world, "node %u: starts at %04x/%lu", node->number, short_id(&node->store.position.epoch),
	      (unsigned long)node->store.position.revision);
	node_pump(node);
}

static void start_again(struct world *world, struct sim_event *event)
{
	(void)world;
	if (event->node->replica == NULL)
		node_start(event->node);
}

void node_crash(struct node *node, uint64_t down_ms)
{
	if (node->replica == NULL)
		return;
	trace(node->world, "node %u: crash", node->number);
	replica_destroy(node->replica);
	node->replica = NULL;
	node->life++;
	node->fetch++;
	node->connection++;
	node->is_connected = false;
	node->queue_count = 0;
	node->is_committing = false;
	node->has_refused = false;
	node->stopped_until_ms = 0;
	node_later(node, down_ms, start_again);
}

// ---------------------------------------------------------------- the connection

static void tell_down(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	struct redis_error error = {.code = -(int)event->b};
	if (event->a != node->connection)
		return;
	snprintf(error.text, sizeof(error.text), "error %d", error.code);
	replica_down(node->replica, world->now_ms, &error);
	node_pump(node);
}

// The process hears of it with its next turn: a stopped one when it goes on.
void node_cut(struct node *node, int code)
{
	trace(node->world, "node %u: connection lost (%d)", node->number, code);
	node->is_connected = false;
	node->connection++;
	struct sim_event *event = node_later(node, 0, tell_down);
	event->a = node->connection;
	event->b = (uint64_t)-code;
}

static void connect_now(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	if (event->a != node->connection)
		return;
	if (!world->redis.is_up || redis_is_refusing(world) || world->redis.hung_until_ms > world->now_ms) {
		node_cut(node, redis_is_refusing(world) ? -EKEYREJECTED : -ECONNREFUSED);
		return;
	}
	node->is_connected = true;
	node->redis_life = world->redis.life;
	node->sent_at_ms = node->replied_at_ms = 0;
	replica_up(node->replica, world->now_ms);
	node_pump(node);
}

static void connect_later(struct node *node, uint64_t delay_ms)
{
	node->is_connected = false;
	node->connection++;
	node_later(node, delay_ms + 1 + chance(node->world, 5), connect_now)->a = node->connection;
}

void node_reply(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	const struct reply *reply = event->data;
	const uint64_t now = world->now_ms, ticket = reply->command->ticket;
	if (!node->is_connected || node->connection != reply->command->connection)
		return;
	reply->command->is_answered = true;
	if (reply->is_done && reply->is_replicated)
		check_confirmed(node, reply->command->entry);
	if (reply->error.code != 0)
		replica_failed(node->replica, now, ticket, &reply->error);
	else if (reply->command->kind == COMMAND_HEAD)
		replica_head_read(node->replica, now, ticket, &reply->head);
	else if (reply->command->kind == COMMAND_RANGE)
		replica_range_read(node->replica, now, ticket, reply->entries, reply->count);
	else if (reply->command->kind == COMMAND_APPEND)
		replica_appended(node->replica, now, ticket, reply->is_done ? NULL : &reply->head.last,
				 reply->is_replicated);
	else
		replica_begun(node->replica, now, ticket, reply->is_done);
	node_pump(node);
}

void node_push(struct node *node, uint64_t revision)
{
	replica_heard(node->replica, node->world->now_ms, revision);
	node_pump(node);
}

static struct id128 key_of(uint64_t id)
{
	struct id128 key = {{0}};
	memcpy(key.data, &id, sizeof(id));
	return key;
}

void node_inbox(struct node *node, uint64_t id, uint64_t published_ms)
{
	struct world *world = node->world;
	// PING: what was published too long ago is not taken.
	if (world->now_ms - published_ms > SIM_INBOX_FRESH_MS)
		return;
	const struct replica_set set = {
		.body = {(const char *)&id, sizeof(id)},
		.repeat_window_s = SIM_INBOX_WINDOW_S,
		.expires_ms = world->now_ms + SIM_INBOX_FRESH_MS,
		.key = key_of(id),
	};
	const int result = replica_submit_inbox(node->replica, world->now_ms, &set);
	trace(world, "node %u: hears message %lu: %d", node->number, (unsigned long)id, result);
	node_pump(node);
}

uint64_t node_submit(struct node *node)
{
	struct world *world = node->world;
	if (node->replica == NULL || node_is_stopped(node) || world->sets_count == SIM_SETS_MAX)
		return 0;
	const uint64_t id = ++world->sets_count;
	world->sets[id] = (struct sim_set){.node = node->number};
	const struct replica_set set = {.body = {(const char *)&id, sizeof(id)}, .handle = id};
	const int result = replica_submit(node->replica, world->now_ms, &set);
	if (result != 0)
		world->sets[id].fate = SET_UNAVAILABLE;
	return id;
}

void node_adopt(struct node *node)
{
	trace(node->world, "operator: adopt at node %u (%04x/%lu)", node->number, short_id(&node->store.position.epoch),
	      (unsigned long)node->store.position.revision);
	if (replica_adopt(node->replica, node->world->now_ms, &node->store.position.epoch, 1) == 0)
		node->world->adopts++;
	node_pump(node);
}

// ---------------------------------------------------------------- actions

static void see_keys(struct node *node, const struct redis_log_entry *entry)
{
	uint64_t ids[ENTRY_SETS_MAX];
	const size_t count = entry_sets(entry, ids, ARRAY_SIZE(ids));
	for (size_t i = 0; i < count; i++) {
		if (ids[i] > SIM_SETS_MAX || !node->world->sets[ids[i]].is_inbox)
			continue;
		const struct id128 key = key_of(ids[i]);
		replica_seen(node->replica, &key);
	}
}

static void send(struct node *node, const struct replica_action *action)
{
	struct command command = {.ticket = action->ticket};
	switch (action->kind) {
	case REPLICA_READ_HEAD:
		command.kind = COMMAND_HEAD;
		command.revision = action->head_revision;
		break;
	case REPLICA_READ_RANGE:
		command.kind = COMMAND_RANGE;
		command.revision = action->range.after;
		command.count = action->range.count;
		break;
	default:
		command.kind = action->kind == REPLICA_APPEND ? COMMAND_APPEND : COMMAND_BEGIN;
		command.entry = action->entry.entry;
		command.expected = action->kind == REPLICA_BEGIN ? action->entry.expected : NULL;
	}
	if (node->is_connected) // else it is known in a moment that it is not
		redis_send(node, &command);
}

static void adopt_answered(struct node *node, const struct replica_action *action)
{
	trace(node->world, "node %u: adopt: outcome %d, %s", node->number, (int)action->answer_adopt.outcome,
	      action->answer_adopt.outcome == REPLICA_APPLIED ? "" : action->answer_adopt.text);
	if (action->answer_adopt.outcome == REPLICA_APPLIED)
		node->world->counts[COUNT_ADOPTED]++;
}

static void carry_out(struct node *node, const struct replica_action *action)
{
	switch (action->kind) {
	case REPLICA_CONNECT:
		connect_later(node, action->delay_ms);
		break;
	case REPLICA_GET_POSITION:
		if (node->queue_count > 0)
			fail(node->world, "node %u: asks for the position with entries in the store", node->number);
		replica_position(node->replica, node->world->now_ms, &node->store.position,
				 store_is_empty(node->world, &node->store));
		break;
	case REPLICA_SET_POSITION:
		store_set_position_later(node, &action->set_position.expected, &action->set_position.position);
		break;
	case REPLICA_APPLY:
		see_keys(node, action->entry.entry);
		store_take_entry(node, action->entry.entry);
		break;
	case REPLICA_FETCH:
		store_fetch(node, action);
		break;
	case REPLICA_FETCH_COMMIT:
	case REPLICA_FETCH_ABORT:
		store_fetch_end(node, action->kind == REPLICA_FETCH_COMMIT);
		break;
	case REPLICA_ANSWER:
		check_answer(node, action);
		break;
	case REPLICA_ANSWER_ADOPT:
		adopt_answered(node, action);
		break;
	default:
		send(node, action);
	}
}

static void tick(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	if (node->tick_at_ms != event->a)
		return;
	node->tick_at_ms = UINT64_MAX;
	replica_tick(node->replica, world->now_ms);
	node_pump(node);
}

static void tick_later(struct node *node)
{
	const uint64_t now = node->world->now_ms;
	uint64_t at = replica_next_tick_ms(node->replica);
	if (at <= now)
		at = now + 1;
	if (at == UINT64_MAX || at >= node->tick_at_ms)
		return;
	node->tick_at_ms = at;
	node_later(node, at - now, tick)->a = at;
}

void node_pump(struct node *node)
{
	struct world *world = node->world;
	struct replica_action action;
	for (unsigned i = 0; node->replica != NULL && replica_next_action(node->replica, &action); i++) {
		const bool is_durable = action.kind == REPLICA_ANSWER || action.kind == REPLICA_GET_POSITION;
		if (!is_durable && one_in(world, world->plan.crash_action)) {
			// Before it is carried out, or right after.
			if (one_in(world, 2))
				carry_out(node, &action);
			node_crash(node, chance(world, 3000));
			return;
		}
		carry_out(node, &action);
		if (i > 20000) {
			fail(world, "node %u: no end of actions, the last is %d", node->number, (int)action.kind);
			return;
		}
	}
	if (node->replica == NULL)
		return;
	check_state(node);
	tick_later(node);
}
