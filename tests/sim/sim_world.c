// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

#include <stdlib.h>

// ---------------------------------------------------------------- chance

uint64_t chance(struct world *world, uint64_t below)
{
	uint64_t x = world->random += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	x ^= x >> 31;
	return below > 0 ? x % below : 0;
}

void world_random(struct world *world, void *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = (uint8_t)chance(world, 256);
}

// ---------------------------------------------------------------- life

void world_start(struct world *world, uint64_t seed, bool trace_it)
{
	*world = (struct world){.seed = seed, .random = seed * 0x2545f4914f6cdd1dull + 1, .trace = trace_it};
	world->now_ms = 1000000;
	arena_init(&world->arena, 256 * 1024, (size_t)4096 * 1024 * 1024);
	world->sets = calloc(SIM_SETS_MAX + 1, sizeof(*world->sets));
	world->history = calloc(2 * SIM_SETS_MAX, sizeof(*world->history));
	ASSERT(world->sets != NULL && world->history != NULL);
}

void world_finish(struct world *world)
{
	for (unsigned i = 0; i < SIM_NODES_MAX; i++) {
		replica_destroy(world->nodes[i].replica);
		free(world->nodes[i].store.orphans);
	}
	free(world->redis.stream.entries);
	free(world->redis.saved.entries);
	free(world->appended);
	free(world->heap);
	free(world->sets);
	free(world->history);
	arena_finish(&world->arena);
}

void *take(struct world *world, size_t size)
{
	void *memory = arena_calloc(&world->arena, 1, size);
	ASSERT(memory != NULL);
	return memory;
}

// ---------------------------------------------------------------- events

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void heap_put(struct world *world, struct sim_event *event)
{
	if (world->heap_count == world->heap_capacity) {
		world->heap_capacity = world->heap_capacity ? world->heap_capacity * 2 : 1024;
		world->heap = realloc(world->heap, world->heap_capacity * sizeof(*world->heap));
		ASSERT(world->heap != NULL);
	}
	size_t at = world->heap_count++;
	for (; at > 0 && is_before(event, world->heap[(at - 1) / 2]); at = (at - 1) / 2)
		world->heap[at] = world->heap[(at - 1) / 2];
	world->heap[at] = event;
}

static struct sim_event *heap_take(struct world *world)
{
	struct sim_event *first = world->heap[0];
	struct sim_event *last = world->heap[--world->heap_count];
	size_t at = 0;
	for (size_t child = 1; child < world->heap_count; at = child, child = 2 * at + 1) {
		if (child + 1 < world->heap_count && is_before(world->heap[child + 1], world->heap[child]))
			child++;
		if (!is_before(world->heap[child], last))
			break;
		world->heap[at] = world->heap[child];
	}
	world->heap[at] = last;
	return first;
}

struct sim_event *later(struct world *world, uint64_t in_ms, void (*happen)(struct world *, struct sim_event *))
{
	struct sim_event *event = take(world, sizeof(*event));
	event->at_ms = world->now_ms + in_ms;
	event->number = ++world->event_number;
	event->happen = happen;
	heap_put(world, event);
	return event;
}

struct sim_event *node_later(struct node *node, uint64_t in_ms, void (*happen)(struct world *, struct sim_event *))
{
	struct sim_event *event = later(node->world, in_ms, happen);
	event->node = node;
	event->life = node->life;
	return event;
}

bool world_step(struct world *world)
{
	if (world->heap_count == 0)
		return false;
	struct sim_event *event = heap_take(world);
	world->now_ms = event->at_ms;
	if (event->node != NULL) {
		if (event->life != event->node->life)
			return true;
		if (node_is_stopped(event->node)) {
			event->at_ms = event->node->stopped_until_ms;
			event->number = ++world->event_number;
			heap_put(world, event);
			return true;
		}
	}
	world->counts[COUNT_EVENTS]++;
	event->happen(world, event);
	return true;
}

// ---------------------------------------------------------------- words

unsigned short_id(const struct id128 *id)
{
	return (unsigned)(id->data[0] << 8 | id->data[1]);
}

void trace(struct world *world, const char *format, ...)
{
	if (!world->trace)
		return;
	va_list arguments;
	va_start(arguments, format);
	printf("%9.3f  ", (double)(world->now_ms - 1000000) / 1000);
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
}

void fail(struct world *world, const char *format, ...)
{
	va_list arguments;
	if (world->has_failed)
		return;
	world->has_failed = true;
	va_start(arguments, format);
	vsnprintf(world->failure, sizeof(world->failure), format, arguments);
	va_end(arguments);
	trace(world, "FAILED: %s", world->failure);
}
