// SPDX-License-Identifier: Apache-2.0
// What goes wrong, who asks for changes, and the operator who repairs.
#include "tests/sim/sim.h"

#include <errno.h>

// ---------------------------------------------------------------- faults

static struct node *any_node(struct world *world)
{
	return &world->nodes[chance(world, world->plan.nodes)];
}

static uint64_t some_time(struct world *world)
{
	const uint64_t longest_ms = world->plan.is_long ? 120000 : 15000;
	return 1 + chance(world, one_in(world, 4) ? longest_ms : one_in(world, 2) ? 3000 : 100);
}

static void crash_redis(struct world *world)
{
	redis_crash(world, some_time(world));
}

static void hang_redis(struct world *world)
{
	redis_hang(world, some_time(world));
}

static void cut_node(struct world *world)
{
	struct node *node = any_node(world);
	if (node->is_connected)
		node_cut(node, one_in(world, 2) ? -ECONNRESET : -EPIPE);
}

static void crash_node(struct world *world)
{
	node_crash(any_node(world), some_time(world));
}

static void stop_node(struct world *world)
{
	struct node *node = any_node(world);
	if (node->replica == NULL || node_is_stopped(node))
		return;
	node->stopped_until_ms = world->now_ms + some_time(world);
	trace(world, "node %u: stopped for %lu ms", node->number,
	      (unsigned long)(node->stopped_until_ms - world->now_ms));
}

static void answer_errors(struct world *world)
{
	static const int codes[] = {-ENOSPC, -EIO, -EROFS, -ENOLINK, -EREMOTEIO, -ESRCH, -ENOKEY, -EPERM};
	world->redis.error_code = codes[chance(world, ARRAY_SIZE(codes))];
	world->redis.error_until_ms = world->now_ms + some_time(world);
	trace(world, "redis: error %d for writes", world->redis.error_code);
}

static void answer_slowly(struct world *world)
{
	trace(world, "redis: slow");
	world->redis.slow_until_ms = world->now_ms + some_time(world);
}

static void refuse_password(struct world *world)
{
	world->redis.refuses_until_ms = world->now_ms + some_time(world);
}

static void fill_store(struct world *world)
{
	struct node *node = any_node(world);
	trace(world, "node %u: store is full", node->number);
	node->full_until_ms = world->now_ms + some_time(world);
}

static void lose(struct world *world)
{
	if (!world->plan.is_lossy) {
		redis_fail_over(world, 0);
		return;
	}
	switch (chance(world, 6)) {
	case 0:
		redis_forget(world, true);
		break;
	case 1:
		redis_forget(world, false);
		break;
	case 2:
		redis_save(world);
		break;
	case 3:
		redis_damage(world);
		break;
	case 4:
		redis_roll_back(world, chance(world, 6));
		break;
	default:
		redis_fail_over(world, chance(world, 8));
	}
}

static void (*const faults[])(struct world *world) = {
	crash_redis,   hang_redis,    cut_node,        crash_node, stop_node,
	answer_errors, answer_slowly, refuse_password, fill_store, lose,
};

static void next_fault(struct world *world, struct sim_event *event)
{
	(void)event;
	if (world->now_ms >= world->plan.faults_end_ms)
		return;
	const unsigned fault = (unsigned)chance(world, ARRAY_SIZE(faults));
	if (world->plan.faults & 1u << fault)
		faults[fault](world);
	later(world, 1 + chance(world, 2 * world->plan.fault_every_ms), next_fault);
}

void faults_heal(struct world *world)
{
	trace(world, "the faults are over");
	world->is_quiet = true;
	world->quiet_since_ms = world->now_ms;
	world->plan.crash_action = 0;
	world->plan.loss = 0;
	struct redis *redis = &world->redis;
	// What hangs or is stopped goes on by itself: events wait for that moment.
	redis->loading_until_ms = redis->slow_until_ms = 0;
	redis->error_until_ms = redis->refuses_until_ms = 0;
	redis->length_max = 100000;
	for (unsigned i = 0; i < world->plan.nodes; i++)
		world->nodes[i].full_until_ms = 0;
}

// ---------------------------------------------------------------- clients

static void next_set(struct world *world, struct sim_event *event)
{
	(void)event;
	if (world->now_ms >= world->plan.faults_end_ms)
		return;
	struct node *node = any_node(world);
	unsigned count = one_in(world, 40) ? (unsigned)chance(world, 60) : 1;
	if (one_in(world, 2000))
		count = 1200;
	while (count-- > 0)
		node_submit(node);
	if (node->replica != NULL && !node_is_stopped(node))
		node_pump(node);
	later(world, chance(world, 2 * world->plan.set_every_ms + 1), next_set);
}

static void next_message(struct world *world, struct sim_event *event)
{
	(void)event;
	if (world->now_ms >= world->plan.faults_end_ms || world->sets_count == SIM_SETS_MAX)
		return;
	const uint64_t id = ++world->sets_count;
	world->sets[id] = (struct sim_set){.is_inbox = true};
	if (world->redis.is_up && world->redis.hung_until_ms <= world->now_ms)
		redis_publish_inbox(world, id);
	later(world, 1 + chance(world, 2 * world->plan.inbox_every_ms), next_message);
}

// ---------------------------------------------------------------- the operator

static bool needs_adopt(struct world *world, const struct node *node)
{
	if (node->replica == NULL || node_is_stopped(node) || node->diverged_since_ms == 0)
		return false;
	const uint64_t patience = node->state == REPLICATION_STATE_DIVERGED ? 3000 : 20000;
	return world->now_ms - node->diverged_since_ms >= patience;
}

void operator_look(struct world *world)
{
	const uint64_t between_ms = 4000;
	if (world->now_ms - world->adopted_at_ms < between_ms || (!world->is_quiet && !one_in(world, 10)))
		return;
	struct node *chosen = NULL;
	unsigned found = 0;
	for (unsigned i = 0; i < world->plan.nodes; i++)
		if (needs_adopt(world, &world->nodes[i]) && one_in(world, ++found))
			chosen = &world->nodes[i];
	if (chosen == NULL)
		return;
	world->adopted_at_ms = world->now_ms;
	world->has_adopted = true;
	node_adopt(chosen);
	// Two operators who do not talk to each other.
	struct node *other = any_node(world);
	if (!world->is_quiet && one_in(world, 3) && needs_adopt(world, other) && other != chosen)
		node_adopt(other);
}

static void look(struct world *world, struct sim_event *event)
{
	(void)event;
	check_detection(world);
	operator_look(world);
	later(world, 500, look);
}

// ---------------------------------------------------------------- the plan of a run

void faults_plan(struct world *world)
{
	struct plan *plan = &world->plan;
	static const unsigned losses[] = {0, 0, 10, 50, 100};
	static const unsigned crashes[] = {0, 0, 0, 100, 400, 2000};
	static const unsigned set_intervals[] = {5, 20, 60, 200};
	plan->nodes = 2 + (unsigned)chance(world, SIM_NODES_MAX - 1);
	plan->is_lossy = one_in(world, 3);
	plan->has_data = one_in(world, 8);
	plan->loss = losses[chance(world, ARRAY_SIZE(losses))];
	plan->crash_action = crashes[chance(world, ARRAY_SIZE(crashes))];
	plan->fault_every_ms = 50 + (unsigned)chance(world, 1500);
	plan->set_every_ms = set_intervals[chance(world, ARRAY_SIZE(set_intervals))];
	plan->inbox_every_ms = 50 + (unsigned)chance(world, 1000);
	plan->faults = (unsigned)chance(world, 1u << ARRAY_SIZE(faults));
	if (one_in(world, 3))
		plan->faults &= (unsigned)chance(world, 1u << ARRAY_SIZE(faults));
	const uint64_t length_ms = 3000 + chance(world, 400 * (uint64_t)plan->set_every_ms + 10000);
	plan->faults_end_ms = world->now_ms + (length_ms < 40000 ? length_ms : 40000);
	// Outages beyond what messages are remembered for.
	plan->is_long = one_in(world, 20);
	if (plan->is_long) {
		plan->set_every_ms = 500;
		plan->fault_every_ms = 10000;
		plan->faults_end_ms = world->now_ms + 200000;
	}
	plan->end_ms = plan->faults_end_ms + 400000;
	world->redis.length_max = one_in(world, 3) ? 3 + chance(world, 60) : 100000;
	plan->waits = one_in(world, 5);
	plan->link_rate = one_in(world, 6) ? 20 : 0;
}

void faults_start(struct world *world)
{
	later(world, chance(world, 2000), next_fault);
	later(world, chance(world, 500), next_set);
	later(world, chance(world, 500), next_message);
	later(world, 500, look);
}
