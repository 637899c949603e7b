// SPDX-License-Identifier: Apache-2.0
// sim_replica --seed N [--trace] | --seeds FROM:COUNT
//
// Runs replicas against a simulated Redis, with everything going wrong that can (sim.h). Ends with the first seed that
// breaks a rule; that seed again, with --trace, shows how.
#include "base/clock.h"
#include "tests/sim/sim.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

static void start_node(struct world *world, struct sim_event *event)
{
	(void)world;
	if (event->node->replica == NULL)
		node_start(event->node);
}

// Data from before there was a Redis: revisions with nonces of their own.
static void give_data(struct world *world, struct node *node)
{
	for (unsigned i = 0; i < 3; i++) {
		struct redis_log_entry entry = {.revision = node->store.position.revision + 1,
						.epoch = node->store.position.epoch};
		world_random(world, &entry.nonce, sizeof(entry.nonce));
		node->store.data = data_apply(world, node->store.data, &entry);
		node->store.position.revision = entry.revision;
		node->store.position.nonce = entry.nonce;
	}
}

static void make_nodes(struct world *world)
{
	for (unsigned i = 0; i < world->plan.nodes; i++) {
		struct node *node = &world->nodes[i];
		node->world = world;
		node->number = i;
		node->clock_skew_s = (int64_t)chance(world, 11) - 5;
		node->store.data = &world->root;
		node->store.position.revision = 1;
		world_random(world, &node->store.position.epoch, sizeof(struct id128));
		if (one_in(world, 2)) // made by a version that gave new stores none
			world_random(world, &node->store.position.nonce, sizeof(struct id128));
		if (i == 0 && world->plan.has_data)
			give_data(world, node);
		// Some come later, perhaps when the log was trimmed.
		node_later(node, chance(world, one_in(world, 4) ? 10000 : 200), start_node);
	}
}

static bool run_until_converged(struct world *world)
{
	for (unsigned i = 0; !world->has_failed && world->now_ms < world->plan.end_ms; i++) {
		if (!world_step(world))
			break;
		if (i % 64 == 0 && check_is_converged(world))
			return true;
	}
	return false;
}

static void say_why(struct world *world)
{
	for (unsigned i = 0; i < world->plan.nodes; i++)
		trace(world, "node %u: state %d at %04x/%lu", i, (int)world->nodes[i].state,
		      short_id(&world->nodes[i].store.position.epoch),
		      (unsigned long)world->nodes[i].store.position.revision);
}

// With all well again every replica takes changes.
static void write_everywhere(struct world *world)
{
	uint64_t ids[SIM_NODES_MAX] = {0};
	for (unsigned i = 0; i < world->plan.nodes; i++) {
		ids[i] = node_submit(&world->nodes[i]);
		node_pump(&world->nodes[i]);
	}
	const uint64_t end_ms = world->now_ms + 5000;
	while (world->now_ms < end_ms && world_step(world))
		;
	for (unsigned i = 0; i < world->plan.nodes; i++)
		if (ids[i] != 0 && world->sets[ids[i]].fate != SET_APPLIED)
			fail(world, "node %u takes no change when all is well again", i);
	if (!world->has_failed && !run_until_converged(world))
		fail(world, "not the same everywhere after the last changes");
}

static void run(struct world *world)
{
	faults_plan(world);
	trace(world, "seed %" PRIu64 ": %u nodes%s%s, log of %zu, faults %x", world->seed, world->plan.nodes,
	      world->plan.is_lossy ? ", Redis forgets" : "", world->plan.has_data ? ", with data" : "",
	      world->redis.length_max, world->plan.faults);
	redis_start(world);
	make_nodes(world);
	faults_start(world);
	while (!world->has_failed && world->now_ms < world->plan.faults_end_ms && world_step(world))
		;
	faults_heal(world);
	if (!world->has_failed && !run_until_converged(world)) {
		say_why(world);
		fail(world, "not the same everywhere long after the faults");
	}
	if (!world->has_failed)
		write_everywhere(world);
	if (!world->has_failed)
		check_end(world);
}

static bool run_seed(uint64_t seed, bool trace_it, uint64_t *counts)
{
	struct world world;
	world_start(&world, seed, trace_it);
	run(&world);
	if (world.has_failed)
		printf("seed %" PRIu64 ": %s\n", seed, world.failure);
	for (unsigned i = 0; i < COUNTS; i++)
		counts[i] += world.counts[i];
	const bool is_good = !world.has_failed;
	world_finish(&world);
	return is_good;
}

static int usage(const char *name)
{
	fprintf(stderr, "usage: %s --seed N [--trace] | --seeds FROM:COUNT\n", name);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'r'},
		{"trace", no_argument, NULL, 't'},
		{0},
	};
	uint64_t first = 1, count = 0, counts[COUNTS] = {0};
	bool trace_it = false;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's' && sscanf(optarg, "%" SCNu64, &first) == 1)
			count = 1;
		else if (option == 't')
			trace_it = true;
		else if (option != 'r' || sscanf(optarg, "%" SCNu64 ":%" SCNu64, &first, &count) != 2)
			return usage(argv[0]);
	}
	if (count == 0)
		return usage(argv[0]);
	const uint64_t start_ms = clock_monotonic_ms();
	for (uint64_t seed = first; seed < first + count; seed++)
		if (!run_seed(seed, trace_it, counts))
			return EXIT_FAILURE;
	printf("%" PRIu64 " seeds in %.1f s: %" PRIu64 " events; sets: %" PRIu64 " applied, %" PRIu64
	       " with unknown outcome, %" PRIu64 " unavailable; %" PRIu64 " messages; %" PRIu64 " snapshots; %" PRIu64
	       " runs diverged, %" PRIu64 " adopts\n",
	       count, (double)(clock_monotonic_ms() - start_ms) / 1000, counts[COUNT_EVENTS], counts[COUNT_APPLIED],
	       counts[COUNT_UNKNOWN], counts[COUNT_UNAVAILABLE], counts[COUNT_MESSAGES], counts[COUNT_FETCHED],
	       counts[COUNT_DIVERGED], counts[COUNT_ADOPTED]);
	return EXIT_SUCCESS;
}
