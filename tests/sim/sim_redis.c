// SPDX-License-Identifier: Apache-2.0
// A Redis that does what the scripts of deploy/redis/ do, or nothing, or later.
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>

// ---------------------------------------------------------------- the stream

static void stream_add(struct stream *stream, const struct redis_log_entry *entry)
{
	if (stream->count == stream->capacity) {
		stream->capacity = stream->capacity ? stream->capacity * 2 : 64;
		stream->entries = realloc(stream->entries, stream->capacity * sizeof(*stream->entries));
		ASSERT(stream->entries != NULL);
	}
	stream->entries[stream->count++] = entry;
}

static void stream_copy(struct stream *to, const struct stream *from)
{
	to->count = 0;
	for (size_t i = 0; i < from->count; i++)
		stream_add(to, from->entries[i]);
}

// As MAXLEN ~ does: now and then, and then many.
static void stream_trim(struct world *world, struct stream *stream, size_t length_max)
{
	if (stream->count <= length_max + length_max / 4 + 1 || !one_in(world, 3))
		return;
	const size_t gone = stream->count - length_max;
	memmove(stream->entries, stream->entries + gone, length_max * sizeof(*stream->entries));
	stream->count = length_max;
	trace(world, "redis: trimmed to %lu..", (unsigned long)stream->entries[0]->revision);
}

static const struct redis_log_entry *stream_last(const struct stream *stream)
{
	return stream->count > 0 ? stream->entries[stream->count - 1] : NULL;
}

static void remember(struct world *world, const struct redis_log_entry *entry)
{
	if (world->appended_count == world->appended_capacity) {
		world->appended_capacity = world->appended_capacity ? world->appended_capacity * 2 : 256;
		world->appended = realloc(world->appended, world->appended_capacity * sizeof(*world->appended));
		ASSERT(world->appended != NULL);
	}
	world->appended[world->appended_count++] = entry;
}

// ---------------------------------------------------------------- scripts

// What can be read of an entry in a head.
static struct redis_log_entry brief(const struct redis_log_entry *entry, struct redis_log_head *head)
{
	struct redis_log_entry copy = *entry;
	copy.body = (struct bytes){0};
	if (entry->mark[0] == '\0')
		return copy;
	snprintf(head->damage, sizeof(head->damage), "entry %lu is none", (unsigned long)entry->revision);
	return (struct redis_log_entry){.revision = entry->revision};
}

static void run_head(struct redis *redis, const struct command *command, struct reply *reply)
{
	const struct stream *stream = &redis->stream;
	struct redis_log_head *head = &reply->head;
	head->is_empty = stream->count == 0;
	if (stream->count == 0)
		return;
	head->first = brief(stream->entries[0], head);
	head->last = brief(stream_last(stream), head);
	memcpy(head->last.mark, stream_last(stream)->mark, sizeof(head->last.mark));
	for (size_t i = 0; i < stream->count; i++) {
		if (stream->entries[i]->revision != command->revision)
			continue;
		head->has_mine = stream->entries[i]->mark[0] == '\0';
		head->mine = brief(stream->entries[i], head);
	}
}

static void error(struct reply *reply, int code)
{
	reply->error.code = code;
	snprintf(reply->error.text, sizeof(reply->error.text), "error %d", code);
}

static void run_range(struct world *world, const struct command *command, struct reply *reply)
{
	const struct stream *stream = &world->redis.stream;
	size_t first = 0;
	while (first < stream->count && stream->entries[first]->revision <= command->revision)
		first++;
	const size_t count = stream->count - first < command->count ? stream->count - first : command->count;
	struct redis_log_entry *entries = take(world, (count + 1) * sizeof(*entries));
	for (; reply->count < count && stream->entries[first + reply->count]->mark[0] == '\0'; reply->count++)
		entries[reply->count] = *stream->entries[first + reply->count];
	reply->entries = entries;
	if (reply->count == 0 && count > 0)
		error(reply, -EUCLEAN);
}

static void push(struct world *world, struct sim_event *event)
{
	(void)world;
	if (event->node->connection == event->a && event->node->is_connected)
		node_push(event->node, event->b);
}

static void publish(struct world *world, uint64_t revision)
{
	for (unsigned i = 0; i < world->plan.nodes; i++) {
		struct node *node = &world->nodes[i];
		const unsigned copies = chance(world, 100) < world->plan.loss ? 0 : one_in(world, 20) ? 2 : 1;
		for (unsigned copy = 0; copy < copies && node->is_connected; copy++) {
			struct sim_event *event =
				node_later(node, 1 + chance(world, one_in(world, 10) ? 500 : 5), push);
			event->a = node->connection;
			event->b = revision;
		}
	}
}

static void run_append(struct world *world, const struct command *command, struct reply *reply)
{
	struct stream *stream = &world->redis.stream;
	const struct redis_log_entry *last = stream_last(stream), *entry = command->entry;
	if (last != NULL && last->mark[0] == '\0' && last->revision + 1 == entry->revision &&
	    id128_equal(&last->epoch, &entry->epoch) && id128_equal(&last->nonce, &entry->prev)) {
		stream_add(stream, entry);
		remember(world, entry);
		stream_trim(world, stream, world->redis.length_max);
		publish(world, entry->revision);
		reply->is_done = true;
		reply->is_replicated = !world->plan.waits || world->is_quiet || !one_in(world, 50);
		trace(world, "redis: node %u appended %lu nonce %04x%s", command->node->number,
		      (unsigned long)entry->revision, short_id(&entry->nonce), command->was_late ? " (late)" : "");
		return;
	}
	reply->head.is_empty = last == NULL;
	if (last != NULL)
		reply->head.last = *last;
}

static void run_begin(struct world *world, const struct command *command, struct reply *reply)
{
	struct stream *stream = &world->redis.stream;
	const struct redis_log_entry *last = stream_last(stream), *expected = command->expected;
	const bool is_as_expected = expected != NULL && last != NULL && (expected->mark[0] || last->mark[0])
					    ? strcmp(expected->mark, last->mark) == 0
				    : expected == NULL || last == NULL
					    ? expected == NULL && last == NULL
					    : last->revision == expected->revision &&
						      id128_equal(&last->epoch, &expected->epoch) &&
						      id128_equal(&last->nonce, &expected->nonce);
	if (!is_as_expected)
		return;
	bool is_named = last == NULL || last->mark[0] != '\0' || command->entry->adopted_count == 0;
	for (uint32_t i = 0; i < command->entry->adopted_count && last != NULL; i++)
		is_named = is_named || id128_equal(&command->entry->adopted[i], &last->epoch);
	if (!is_named)
		fail(world, "node %u takes the place of a history it knows nothing of", command->node->number);
	// Never repaired by guessing.
	if (command->entry->adopted_count == 0 && command->node->store.position.is_attached && !command->was_late)
		fail(world, "node %u begins the log again, and nobody told it to", command->node->number);
	stream->count = 0;
	world->redis.changed_ms = world->now_ms;
	stream_add(stream, command->entry);
	remember(world, command->entry);
	publish(world, command->entry->revision);
	reply->is_done = true;
	trace(world, "redis: node %u began epoch %04x at %lu%s%s", command->node->number,
	      short_id(&command->entry->epoch), (unsigned long)command->entry->revision,
	      command->entry->adopted_count > 0 ? " (adopt)" : "", command->was_late ? " (late)" : "");
}

static void execute(struct world *world, const struct command *command, struct reply *reply)
{
	struct redis *redis = &world->redis;
	const bool is_write = command->kind == COMMAND_APPEND || command->kind == COMMAND_BEGIN;
	const bool is_failing = redis->error_until_ms > world->now_ms;
	if (redis->loading_until_ms > world->now_ms) {
		error(reply, -EAGAIN);
		return;
	}
	if (is_write && is_failing && redis->error_code != -EREMOTEIO) {
		error(reply, redis->error_code);
		return;
	}
	switch (command->kind) {
	case COMMAND_HEAD:
		run_head(redis, command, reply);
		break;
	case COMMAND_RANGE:
		run_range(world, command, reply);
		break;
	case COMMAND_APPEND:
		run_append(world, command, reply);
		break;
	case COMMAND_BEGIN:
		run_begin(world, command, reply);
		break;
	}
	// The script did its work, or a part of it, and failed then.
	if (is_write && is_failing)
		error(reply, -EREMOTEIO);
}

// ---------------------------------------------------------------- the network

static uint64_t latency(struct world *world)
{
	if (world->redis.slow_until_ms > world->now_ms)
		return chance(world, 700);
	return chance(world, one_in(world, 50) ? 100 : 3);
}

static uint64_t transfer_ms(const struct world *world, const struct reply *reply)
{
	enum { FRAME = 200 };
	size_t bytes = 0;
	for (size_t i = 0; i < reply->count; i++)
		bytes += FRAME + reply->entries[i].body.size;
	return world->plan.link_rate > 0 ? bytes / world->plan.link_rate : 0;
}

static void arrive(struct world *world, struct sim_event *event)
{
	struct redis *redis = &world->redis;
	struct command *command = (struct command *)event->data;
	struct node *node = command->node;
	if (!redis->is_up || redis->life != command->redis_life)
		return;
	if (redis->hung_until_ms > world->now_ms) {
		struct sim_event *again = later(world, redis->hung_until_ms - world->now_ms, arrive);
		again->data = command;
		return;
	}
	const bool is_lost = node->connection != command->connection || !node->is_connected;
	if (is_lost && !command->was_late) {
		// The bytes may be on their way for a while, or lost with the connection.
		command->was_late = true;
		if (one_in(world, 2)) {
			struct sim_event *again = later(world, chance(world, one_in(world, 3) ? 5000 : 300), arrive);
			again->data = command;
		}
		return;
	}
	struct reply *reply = take(world, sizeof(*reply));
	reply->command = command;
	execute(world, command, reply);
	if (is_lost)
		return;
	uint64_t at = world->now_ms + latency(world) + transfer_ms(world, reply);
	if (world->plan.waits && command->kind == COMMAND_APPEND && reply->is_done)
		at += chance(world, SIM_TIMEOUT_MS / 4);
	if (at < node->replied_at_ms)
		at = node->replied_at_ms;
	node->replied_at_ms = at;
	node_later(node, at - world->now_ms, node_reply)->data = reply;
}

static void time_out(struct world *world, struct sim_event *event)
{
	const struct command *command = event->data;
	(void)world;
	if (event->node->is_connected && event->node->connection == command->connection && !command->is_answered)
		node_cut(event->node, -ETIMEDOUT);
}

void redis_send(struct node *node, const struct command *source)
{
	struct world *world = node->world;
	struct command *command = take(world, sizeof(*command));
	*command = *source;
	command->node = node;
	command->connection = node->connection;
	command->redis_life = node->redis_life;
	if (command->entry != NULL)
		command->entry = entry_copy(world, command->entry);
	if (command->expected != NULL)
		command->expected = entry_copy(world, command->expected);
	uint64_t at = world->now_ms + latency(world);
	if (at < node->sent_at_ms)
		at = node->sent_at_ms;
	node->sent_at_ms = at;
	later(world, at - world->now_ms, arrive)->data = command;
	node_later(node, SIM_TIMEOUT_MS, time_out)->data = command;
}

static void hear_inbox(struct world *world, struct sim_event *event)
{
	(void)world;
	if (event->node->connection == event->a && event->node->is_connected)
		node_inbox(event->node, event->b, event->c);
}

void redis_publish_inbox(struct world *world, uint64_t id)
{
	for (unsigned i = 0; i < world->plan.nodes; i++) {
		struct node *node = &world->nodes[i];
		const unsigned copies = chance(world, 100) < world->plan.loss ? 0 : one_in(world, 20) ? 2 : 1;
		for (unsigned copy = 0; copy < copies && node->is_connected; copy++) {
			struct sim_event *event =
				node_later(node, 1 + chance(world, one_in(world, 10) ? 3000 : 5), hear_inbox);
			event->a = node->connection;
			event->b = id;
			event->c = world->now_ms;
		}
	}
}

// ---------------------------------------------------------------- what happens to it

void redis_start(struct world *world)
{
	world->redis.is_up = true;
	world->redis.life = 1;
}

static void cut_all(struct world *world, int code)
{
	for (unsigned i = 0; i < world->plan.nodes; i++)
		if (world->nodes[i].is_connected)
			node_cut(&world->nodes[i], code);
}

static void restart(struct world *world, struct sim_event *event)
{
	if (world->redis.life != event->a || world->redis.is_up)
		return;
	world->redis.is_up = true;
	world->redis.loading_until_ms = world->now_ms + chance(world, one_in(world, 3) ? 2000 : 5);
	trace(world, "redis: started, %zu entries up to %lu", world->redis.stream.count,
	      world->redis.stream.count > 0 ? (unsigned long)stream_last(&world->redis.stream)->revision : 0);
}

void redis_crash(struct world *world, uint64_t down_ms)
{
	if (!world->redis.is_up)
		return;
	trace(world, "redis: crash, down for %lu ms", (unsigned long)down_ms);
	world->redis.is_up = false;
	world->redis.hung_until_ms = 0;
	world->redis.life++;
	later(world, down_ms, restart)->a = world->redis.life;
	cut_all(world, -EPIPE);
}

void redis_hang(struct world *world, uint64_t for_ms)
{
	if (world->redis.hung_until_ms > world->now_ms)
		return;
	trace(world, "redis: hangs for %lu ms", (unsigned long)for_ms);
	world->redis.hung_until_ms = world->now_ms + for_ms;
}

void redis_roll_back(struct world *world, size_t lost)
{
	struct stream *stream = &world->redis.stream;
	stream->count -= lost < stream->count ? lost : stream->count;
	world->redis.changed_ms = world->now_ms;
	trace(world, "redis: lost %zu entries, last is %lu", lost,
	      stream->count > 0 ? (unsigned long)stream_last(stream)->revision : 0);
}

// Either its fields cannot be read, which the mark says here, or it follows, and its changes cannot be read.
void redis_damage(struct world *world)
{
	struct stream *stream = &world->redis.stream;
	const struct redis_log_entry *last = stream_last(stream);
	if (last == NULL)
		return;
	struct redis_log_entry *entry = take(world, sizeof(*entry));
	*entry = (struct redis_log_entry){
		.revision = last->revision + 1,
		.epoch = last->epoch,
		.prev = last->nonce,
		.time = last->time,
		.body = BYTES_LITERAL("garbage"),
	};
	world_random(world, &entry->nonce, sizeof(entry->nonce));
	if (one_in(world, 2))
		snprintf(entry->mark, sizeof(entry->mark), "%016lx", (unsigned long)chance(world, UINT64_MAX));
	stream_add(stream, entry);
	publish(world, entry->revision);
	trace(world, "redis: somebody added %lu%s", (unsigned long)entry->revision,
	      entry->mark[0] != '\0' ? ", which is no entry" : "");
}

void redis_fail_over(struct world *world, size_t lost)
{
	redis_roll_back(world, lost);
	redis_crash(world, 1 + chance(world, 500));
}

void redis_save(struct world *world)
{
	stream_copy(&world->redis.saved, &world->redis.stream);
}

void redis_forget(struct world *world, bool everything)
{
	world->redis.changed_ms = world->now_ms;
	if (everything)
		world->redis.stream.count = 0;
	else
		stream_copy(&world->redis.stream, &world->redis.saved);
	trace(world, "redis: forgets, %zu entries left", world->redis.stream.count);
	redis_crash(world, 1 + chance(world, 1000));
}

bool redis_is_refusing(struct world *world)
{
	return world->redis.refuses_until_ms > world->now_ms;
}
