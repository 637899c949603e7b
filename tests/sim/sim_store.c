// SPDX-License-Identifier: Apache-2.0
// Stores: what is committed survives a crash, nothing else does.
#include "proto/log_body.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>

// ---------------------------------------------------------------- data

const struct redis_log_entry *entry_copy(struct world *world, const struct redis_log_entry *entry)
{
	struct redis_log_entry *copy = take(world, sizeof(*copy));
	*copy = *entry;
	copy->origin = arena_copy(&world->arena, entry->origin);
	copy->body = arena_copy(&world->arena, entry->body);
	return copy;
}

size_t entry_sets(const struct redis_log_entry *entry, uint64_t *ret_ids, size_t max)
{
	struct log_body_reader reader = {.rest = entry->body};
	struct log_body_set set;
	size_t count = 0;
	while (log_body_next(&reader, &set) > 0 && count < max)
		memcpy(&ret_ids[count++], set.set.data, sizeof(*ret_ids));
	return count;
}

static bool is_same_entry(const struct redis_log_entry *a, const struct redis_log_entry *b)
{
	return id128_equal(&a->nonce, &b->nonce) && a->revision == b->revision && bytes_equal(a->body, b->body);
}

const struct data *data_apply(struct world *world, const struct data *parent, const struct redis_log_entry *entry)
{
	for (struct data *child = parent->child; child != NULL; child = child->sibling)
		if (is_same_entry(child->entry, entry))
			return child;
	struct data *child = take(world, sizeof(*child));
	child->parent = parent;
	child->entry = entry_copy(world, entry);
	child->depth = parent->depth + 1;
	child->time = entry->time > parent->time ? entry->time : parent->time;
	child->sibling = parent->child;
	((struct data *)parent)->child = child;
	return child;
}

const struct data *data_common(const struct data *a, const struct data *b)
{
	while (a != b && a != NULL && b != NULL)
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	return a == b ? a : NULL;
}

bool store_is_empty(struct world *world, const struct store *store)
{
	return store->data == &world->root && store->position.revision == 1;
}

// ---------------------------------------------------------------- the writer

static int commit_one(struct node *node, const struct redis_log_entry *entry)
{
	struct store *store = &node->store;
	if (node->full_until_ms > node->world->now_ms && one_in(node->world, 3)) {
		node->has_refused = true;
		return -ENOSPC;
	}
	// What was handed over before the replica knew of the refusal.
	if (node->has_refused && entry->revision != store->position.revision + 1)
		return -ESTALE;
	node->has_refused = false;
	check_applied(node, entry);
	store->data = data_apply(node->world, store->data, entry);
	store->position.revision = entry->revision;
	store->position.nonce = entry->nonce;
	return 0;
}

static void commit(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	static int results[ARRAY_SIZE(node->queue)];
	static uint64_t revisions[ARRAY_SIZE(node->queue)];
	const size_t count = node->queue_count;
	const uint64_t life = node->life;
	int result = 0;
	node->is_committing = false;
	if (one_in(world, world->plan.crash_action)) {
		trace(world, "node %u: crash before its commit", node->number);
		node_crash(node, chance(world, 3000));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		revisions[i] = node->queue[i]->revision;
		results[i] = result = result == 0 ? commit_one(node, node->queue[i]) : -ESTALE;
	}
	if (one_in(world, world->plan.crash_action)) {
		trace(world, "node %u: crash after its commit", node->number);
		node_crash(node, chance(world, 3000));
		return;
	}
	memmove(node->queue, node->queue + count, (node->queue_count - count) * sizeof(node->queue[0]));
	node->queue_count -= count;
	for (size_t i = 0; i < count && node->life == life; i++) {
		if (results[i] != -ESTALE)
			node->is_stalled = results[i] != 0;
		replica_applied(node->replica, world->now_ms, revisions[i], results[i]);
		node_pump(node);
	}
}

static void commit_later(struct node *node)
{
	if (node->is_committing || node->queue_count == 0)
		return;
	node->is_committing = true;
	node_later(node, 1 + chance(node->world, one_in(node->world, 30) ? 300 : 8), commit);
}

void store_take_entry(struct node *node, const struct redis_log_entry *entry)
{
	if (node->queue_count >= ARRAY_SIZE(node->queue) || one_in(node->world, 300)) {
		replica_applied(node->replica, node->world->now_ms, entry->revision, -EAGAIN);
		return;
	}
	node->queue[node->queue_count++] = entry;
	commit_later(node);
}

static bool is_same_position(const struct store_position *a, const struct store_position *b)
{
	return a->revision == b->revision && id128_equal(&a->epoch, &b->epoch) && id128_equal(&a->nonce, &b->nonce) &&
	       a->is_attached == b->is_attached;
}

static void set_position(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	const struct store_position *positions = event->data; // expected, new
	int result = -ESTALE;
	if (is_same_position(&positions[0], &node->store.position)) {
		node->store.position = positions[1];
		node->is_stalled = false;
		result = 0;
		trace(world, "node %u: store is at %04x/%lu now", node->number, short_id(&positions[1].epoch),
		      (unsigned long)positions[1].revision);
	}
	if (one_in(world, world->plan.crash_action)) {
		node_crash(node, chance(world, 3000));
		return;
	}
	replica_position_set(node->replica, world->now_ms, result);
	node_pump(node);
}

void store_set_position_later(struct node *node, const struct store_position *expected,
			      const struct store_position *position)
{
	struct store_position *positions = take(node->world, 2 * sizeof(*positions));
	positions[0] = *expected;
	positions[1] = *position;
	node_later(node, 1 + chance(node->world, 20), set_position)->data = positions;
}

// ---------------------------------------------------------------- snapshots

struct fetching {
	struct replica_action action;
	struct node *peer;
};

static void fetch_failed(struct node *node, int result, const char *why)
{
	replica_fetched(node->replica, node->world->now_ms, result, bytes_from(why));
	node_pump(node);
}

// What the peer's log of changes says about my revision.
static bool has_another_entry(const struct data *theirs, const struct data *mine)
{
	const struct data *common = data_common(theirs, mine);
	return common != mine;
}

static void fetch_staged(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	const struct fetching *fetching = event->data;
	const struct node *peer = fetching->peer;
	if (event->a != node->fetch)
		return;
	if (peer->replica == NULL || node_is_stopped(peer) || one_in(world, 10)) {
		fetch_failed(node, -ECONNREFUSED, "the peer is away");
		return;
	}
	const struct store *store = &peer->store;
	if (!id128_equal(&store->position.epoch, &fetching->action.fetch.epoch) ||
	    store->position.revision < fetching->action.fetch.after) {
		fetch_failed(node, -ESTALE, "the peer is behind, or in another history");
		return;
	}
	if (fetching->action.fetch.is_same_history && has_another_entry(store->data, node->store.data)) {
		fetch_failed(node, -EXDEV, "the peer went another way");
		return;
	}
	node->fetched = store->position;
	node->fetched_data = store->data;
	replica_fetch_progress(node->replica, world->now_ms, 1, 1);
	node_pump(node);
	if (node->replica == NULL)
		return;
	trace(world, "node %u: has a snapshot of node %u at %04x/%lu", node->number, peer->number,
	      short_id(&store->position.epoch), (unsigned long)store->position.revision);
	replica_fetch_staged(node->replica, world->now_ms, &store->position);
	node_pump(node);
}

void store_fetch(struct node *node, const struct replica_action *action)
{
	struct world *world = node->world;
	struct fetching *fetching = take(world, sizeof(*fetching));
	if (!action->fetch.is_empty && !action->fetch.mine.is_attached && !world->has_adopted)
		fail(world, "node %u gives up data of its own, and nobody told it to", node->number);
	fetching->action = *action;
	fetching->peer = &world->nodes[chance(world, world->plan.nodes)];
	if (fetching->peer == node)
		fetching->peer = &world->nodes[(node->number + 1) % world->plan.nodes];
	struct sim_event *event = node_later(node, 5 + chance(world, 500), fetch_staged);
	event->data = fetching;
	event->a = ++node->fetch;
}

static void keep_orphans(struct store *store, const struct data *common)
{
	for (const struct data *data = store->data; data != common && data != NULL; data = data->parent) {
		if (store->orphans_count == store->orphans_capacity) {
			store->orphans_capacity = store->orphans_capacity ? store->orphans_capacity * 2 : 64;
			store->orphans = realloc(store->orphans, store->orphans_capacity * sizeof(*store->orphans));
			ASSERT(store->orphans != NULL);
		}
		store->orphans[store->orphans_count++] = data;
	}
}

static void install(struct world *world, struct sim_event *event)
{
	struct node *node = event->node;
	if (event->a != node->fetch)
		return;
	if (event->b == 0) {
		fetch_failed(node, -ECANCELED, "the log does not know the snapshot");
		return;
	}
	check_fetched(node);
	keep_orphans(&node->store, data_common(node->store.data, node->fetched_data));
	node->store.data = node->fetched_data;
	node->store.position = node->fetched;
	node->is_stalled = false;
	node->store.position.is_attached = true;
	world->counts[COUNT_FETCHED]++;
	trace(world, "node %u: snapshot taken over at %04x/%lu, %zu orphans", node->number,
	      short_id(&node->fetched.epoch), (unsigned long)node->fetched.revision, node->store.orphans_count);
	if (one_in(world, world->plan.crash_action)) {
		node_crash(node, chance(world, 3000));
		return;
	}
	replica_fetched(node->replica, world->now_ms, 0, (struct bytes){0});
	node_pump(node);
}

void store_fetch_end(struct node *node, bool is_commit)
{
	struct sim_event *event = node_later(node, 1 + chance(node->world, 50), install);
	event->a = node->fetch;
	event->b = is_commit;
}
