// SPDX-License-Identifier: Apache-2.0
// What must hold at every step, and in the end.
#include "proto/limits.h"
#include "proto/log_body.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>

// ---------------------------------------------------------------- at every step

static bool has_one_history(const struct world *world)
{
	return !world->plan.is_lossy && !world->plan.has_data && !world->has_adopted;
}

// Never mixed: each entry follows the one that made the store's state.
void check_applied(struct node *node, const struct redis_log_entry *entry)
{
	struct world *world = node->world;
	const struct store_position *at = &node->store.position;
	if (entry->revision != at->revision + 1 || !id128_equal(&entry->epoch, &at->epoch) ||
	    !id128_equal(&entry->prev, &at->nonce) || entry->is_base)
		fail(world, "node %u: entry %lu (nonce %04x, prev %04x) does not follow %lu (nonce %04x)", node->number,
		     (unsigned long)entry->revision, short_id(&entry->nonce), short_id(&entry->prev),
		     (unsigned long)at->revision, short_id(&at->nonce));
	if (!log_body_is_wire(entry->body))
		fail(world, "node %u: applies garbage", node->number);
	if (!has_one_history(world) || entry->revision >= 2 * (uint64_t)SIM_SETS_MAX)
		return;
	const struct redis_log_entry **known = &world->history[entry->revision];
	if (*known == NULL)
		*known = entry_copy(world, entry);
	if (!id128_equal(&(*known)->nonce, &entry->nonce) || !bytes_equal((*known)->body, entry->body))
		fail(world, "node %u: revision %lu is another entry than elsewhere", node->number,
		     (unsigned long)entry->revision);
}

static const struct data *data_at(const struct data *data, uint64_t revision)
{
	while (data != NULL && data->entry != NULL && data->entry->revision > revision)
		data = data->parent;
	return data != NULL && data->entry != NULL && data->entry->revision == revision ? data : NULL;
}

static void check_really_applied(struct node *node, const struct replica_action *action)
{
	uint64_t ids[ENTRY_SETS_MAX];
	const struct data *data = data_at(node->store.data, action->answer.revision);
	const size_t count = data != NULL ? entry_sets(data->entry, ids, ARRAY_SIZE(ids)) : 0;
	if (action->answer.index >= count || ids[action->answer.index] != action->answer.handle)
		fail(node->world, "node %u: set %lu is acknowledged and not in revision %lu", node->number,
		     (unsigned long)action->answer.handle, (unsigned long)action->answer.revision);
}

// What the node hears of an append: enough replicas of Redis have the entry.
void check_confirmed(struct node *node, const struct redis_log_entry *entry)
{
	uint64_t ids[ENTRY_SETS_MAX];
	const size_t count = entry_sets(entry, ids, ARRAY_SIZE(ids));
	for (size_t i = 0; i < count; i++)
		node->world->sets[ids[i]].is_confirmed = true;
}

void check_answer(struct node *node, const struct replica_action *action)
{
	struct world *world = node->world;
	struct sim_set *set = &world->sets[action->answer.handle];
	trace(world, "node %u: set %lu: outcome %d", node->number, (unsigned long)action->answer.handle,
	      (int)action->answer.outcome);
	if (set->fate != SET_OPEN || set->node != node->number)
		fail(world, "node %u: set %lu is answered twice", node->number, (unsigned long)action->answer.handle);
	switch (action->answer.outcome) {
	case REPLICA_APPLIED:
		set->fate = SET_APPLIED;
		set->revision = action->answer.revision;
		check_really_applied(node, action);
		if (world->plan.waits && !set->is_confirmed)
			fail(world, "node %u: set %lu is acknowledged, and no replica of Redis said that it has it",
			     node->number, (unsigned long)action->answer.handle);
		break;
	case REPLICA_OUTCOME_UNKNOWN:
		set->fate = SET_UNKNOWN;
		break;
	default:
		set->fate = SET_UNAVAILABLE;
	}
}

void check_state(struct node *node)
{
	struct world *world = node->world;
	struct replication status;
	replica_get_status(node->replica, world->now_ms, &status);
	if (status.state != node->state)
		trace(world, "node %u: state %d%s%s", node->number, (int)status.state,
		      status.last_error.size > 0 ? ": " : "", status.last_error.data);
	node->state = status.state;
	if (status.lag_ms > world->now_ms - node->started_ms)
		fail(world, "node %u: a lag of %lu ms is longer than it runs", node->number,
		     (unsigned long)status.lag_ms);
	if (status.state == REPLICATION_STATE_FOLLOWING) // the entry is not in the log any more
		node->is_stalled = false;
	if (node->is_stalled && status.state == REPLICATION_STATE_CATCHING_UP)
		fail(world, "node %u: its store took nothing, and it is not STALLED", node->number);
	const bool is_stuck = status.state == REPLICATION_STATE_DIVERGED || status.state == REPLICATION_STATE_NO_PEER;
	if (!is_stuck)
		node->diverged_since_ms = 0;
	else if (node->diverged_since_ms == 0)
		node->diverged_since_ms = world->now_ms;
	if (status.state != REPLICATION_STATE_DIVERGED)
		return;
	world->counts[COUNT_DIVERGED] = 1;
	if (has_one_history(world))
		fail(world, "node %u says DIVERGED, and Redis lost nothing: %s", node->number, status.last_error.data);
}

// ---------------------------------------------------------------- when the faults are over

// Whether the log has, wherever it reaches, what made this state.
static bool has_line(const struct stream *stream, const struct data *data, const struct id128 *epoch)
{
	size_t i = stream->count;
	for (; data != NULL && data->entry != NULL && id128_equal(&data->entry->epoch, epoch); data = data->parent) {
		while (i > 0 && stream->entries[i - 1]->revision > data->entry->revision)
			i--;
		if (i == 0)
			return true;
		if (stream->entries[i - 1]->revision != data->entry->revision ||
		    !id128_equal(&stream->entries[i - 1]->nonce, &data->entry->nonce))
			return false;
	}
	return true;
}

// The log does not have what this store has.
static bool knows_better(const struct world *world, const struct store *store)
{
	const struct stream *stream = &world->redis.stream;
	if (!store->position.is_attached)
		return false;
	if (stream->count == 0)
		return true;
	const struct redis_log_entry *last = stream->entries[stream->count - 1];
	if (!id128_equal(&last->epoch, &store->position.epoch) || last->revision < store->position.revision)
		return true;
	return !has_line(stream, store->data, &last->epoch);
}

// A snapshot of a peer that went another way than Redis is not taken over.
void check_fetched(struct node *node)
{
	enum { LONG_MS = 5000 };
	struct world *world = node->world;
	struct store fetched = {.position = node->fetched, .data = node->fetched_data};
	fetched.position.is_attached = true;
	if (world->now_ms - world->redis.changed_ms > LONG_MS && knows_better(world, &fetched))
		fail(world, "node %u takes over a snapshot at %lu that the log does not know", node->number,
		     (unsigned long)fetched.position.revision);
}

static bool is_redis_well(const struct world *world)
{
	const struct redis *redis = &world->redis;
	return redis->is_up && redis->hung_until_ms <= world->now_ms && redis->slow_until_ms <= world->now_ms &&
	       redis->loading_until_ms <= world->now_ms;
}

// Every replica that knows better says so, soon.
void check_detection(struct world *world)
{
	enum { SOON_MS = 3000 };
	for (unsigned i = 0; i < world->plan.nodes; i++) {
		struct node *node = &world->nodes[i];
		const bool is_wrong = node->replica != NULL && !node_is_stopped(node) && is_redis_well(world) &&
				      node->state == REPLICATION_STATE_FOLLOWING && knows_better(world, &node->store);
		if (!is_wrong)
			node->wrong_since_ms = 0;
		else if (node->wrong_since_ms == 0)
			node->wrong_since_ms = world->now_ms;
		else if (world->now_ms - node->wrong_since_ms > SOON_MS)
			fail(world, "node %u follows a log that lost what it has", node->number);
	}
}

bool check_is_converged(struct world *world)
{
	const struct node *first = &world->nodes[0];
	const struct stream *stream = &world->redis.stream;
	// Not while somebody is about to find out that Redis was away.
	const uint64_t settle_ms = SIM_TIMEOUT_MS + 500;
	if (world->now_ms < world->quiet_since_ms + settle_ms || world->now_ms < world->redis.hung_until_ms + settle_ms)
		return false;
	for (unsigned i = 0; i < world->plan.nodes; i++) {
		const struct node *node = &world->nodes[i];
		if (node->replica == NULL || node->state != REPLICATION_STATE_FOLLOWING || node->queue_count > 0 ||
		    node_is_stopped(node) || world->now_ms < node->stopped_until_ms + settle_ms)
			return false;
		if (node->store.data != first->store.data ||
		    node->store.position.revision != first->store.position.revision ||
		    !id128_equal(&node->store.position.nonce, &first->store.position.nonce))
			return false;
	}
	return stream->count > 0 &&
	       id128_equal(&stream->entries[stream->count - 1]->nonce, &first->store.position.nonce);
}

// ---------------------------------------------------------------- in the end

struct tally {
	unsigned *final; // how often a set is in the history that all have, by id
	unsigned *orphans;
	int64_t *seen;       // a message's last effect
	unsigned *effective; // of messages
};

static void tally_final(struct world *world, struct tally *tally)
{
	uint64_t ids[ENTRY_SETS_MAX];
	const struct data *last = world->nodes[0].store.data;
	const struct data **line = calloc(last->depth + 1, sizeof(*line));
	ASSERT(line != NULL);
	for (const struct data *data = last; data != NULL && data->entry != NULL; data = data->parent)
		line[data->depth] = data;
	for (size_t depth = 1; depth <= last->depth; depth++) {
		const size_t count = line[depth] != NULL ? entry_sets(line[depth]->entry, ids, ARRAY_SIZE(ids)) : 0;
		for (size_t i = 0; i < count; i++) {
			tally->final[ids[i]]++;
			// What the store does with a key: an effect only when the last one is long ago.
			if (!world->sets[ids[i]].is_inbox ||
			    (tally->effective[ids[i]] > 0 &&
			     line[depth]->time - tally->seen[ids[i]] < SIM_INBOX_WINDOW_S))
				continue;
			tally->effective[ids[i]]++;
			tally->seen[ids[i]] = line[depth]->time;
		}
	}
	free(line);
}

static void tally_orphans(struct world *world, struct tally *tally)
{
	uint64_t ids[ENTRY_SETS_MAX];
	for (unsigned n = 0; n < world->plan.nodes; n++) {
		const struct store *store = &world->nodes[n].store;
		for (size_t i = 0; i < store->orphans_count; i++) {
			if (store->orphans[i]->entry == NULL)
				continue;
			const size_t count = entry_sets(store->orphans[i]->entry, ids, ARRAY_SIZE(ids));
			for (size_t k = 0; k < count; k++)
				tally->orphans[ids[k]]++;
		}
	}
}

static void check_nothing_refused_was_appended(struct world *world)
{
	uint64_t ids[ENTRY_SETS_MAX];
	for (size_t i = 0; i < world->appended_count; i++) {
		const size_t count = entry_sets(world->appended[i], ids, ARRAY_SIZE(ids));
		for (size_t k = 0; k < count; k++)
			if (world->sets[ids[k]].fate == SET_UNAVAILABLE)
				fail(world, "set %lu was answered UNAVAILABLE and is in revision %lu",
				     (unsigned long)ids[k], (unsigned long)world->appended[i]->revision);
	}
}

static void check_set(struct world *world, const struct tally *tally, uint64_t id)
{
	const struct sim_set *set = &world->sets[id];
	if (set->is_inbox) {
		world->counts[COUNT_MESSAGES] += tally->effective[id];
		if (tally->effective[id] > 1)
			fail(world, "message %lu took effect %u times", (unsigned long)id, tally->effective[id]);
		return;
	}
	world->counts[COUNT_APPLIED] += set->fate == SET_APPLIED;
	world->counts[COUNT_UNKNOWN] += set->fate == SET_UNKNOWN;
	world->counts[COUNT_UNAVAILABLE] += set->fate == SET_UNAVAILABLE;
	if (tally->final[id] > 1)
		fail(world, "set %lu is there %u times", (unsigned long)id, tally->final[id]);
	if (set->fate == SET_APPLIED && tally->final[id] + tally->orphans[id] == 0)
		fail(world, "set %lu was acknowledged by node %u with revision %lu and is lost", (unsigned long)id,
		     set->node, (unsigned long)set->revision);
	if (set->fate == SET_APPLIED && has_one_history(world) && tally->final[id] != 1)
		fail(world, "set %lu was acknowledged and is not in the history", (unsigned long)id);
}

void check_end(struct world *world)
{
	const size_t count = world->sets_count + 1;
	struct tally tally = {
		.final = calloc(count, sizeof(*tally.final)),
		.orphans = calloc(count, sizeof(*tally.orphans)),
		.seen = calloc(count, sizeof(*tally.seen)),
		.effective = calloc(count, sizeof(*tally.effective)),
	};
	ASSERT(tally.final && tally.orphans && tally.seen && tally.effective);
	tally_final(world, &tally);
	tally_orphans(world, &tally);
	check_nothing_refused_was_appended(world);
	for (uint64_t id = 1; id < count; id++)
		check_set(world, &tally, id);
	free(tally.final);
	free(tally.orphans);
	free(tally.seen);
	free(tally.effective);
}
