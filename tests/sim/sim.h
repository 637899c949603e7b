// SPDX-License-Identifier: Apache-2.0
// The simulation of replication: replicas as they are (daemon/feed/replica.h), and around them a Redis, stores, peers,
// a network and clocks that are made up from a seed, with everything that can go wrong with them. One thread; the same
// seed is the same run.
//
//     sim_world.c   time, chance, memory, the trace
//     sim_redis.c   the stream, the scripts, pub/sub; crashes, restarts, fail-overs
//     sim_store.c   stores: a position and what was applied
//     sim_node.c    a replica with what the daemon does around it
//     sim_faults.c  what goes wrong, clients, the operator
//     sim_check.c   what must hold
#pragma once

#include "base/arena.h"
#include "daemon/feed/replica.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	SIM_NODES_MAX = 5,
	SIM_TIMEOUT_MS = 1000,
	SIM_INBOX_FRESH_MS = 10000,
	SIM_INBOX_WINDOW_S = 60,
	SIM_SETS_MAX = 20000,
};

struct world;
struct node;

// ---------------------------------------------------------------- events

struct sim_event {
	uint64_t at_ms;
	uint64_t number; // those of one millisecond in the order they were made
	void (*happen)(struct world *world, struct sim_event *event);
	struct node *node; // NULL: of nobody. Put off while the node is stopped, dropped when it is another life
	uint64_t life;
	uint64_t a, b, c;
	const void *data;
};

// ---------------------------------------------------------------- data

// The state of a store: the entries that made it. Equal states are the same struct.
struct data {
	const struct data *parent;
	const struct redis_log_entry *entry; // NULL in a root
	uint64_t depth;
	int64_t time;
	struct data *child;
	struct data *sibling;
};

struct store {
	struct store_position position;
	const struct data *data;
	const struct data **orphans; // those that were kept aside
	size_t orphans_count;
	size_t orphans_capacity;
};

// ---------------------------------------------------------------- Redis

struct stream {
	const struct redis_log_entry **entries;
	size_t count;
	size_t capacity;
};

enum command_kind { COMMAND_HEAD, COMMAND_RANGE, COMMAND_APPEND, COMMAND_BEGIN };

struct command {
	enum command_kind kind;
	uint64_t connection;
	uint64_t ticket;
	uint64_t revision; // head: asked about; range: after
	uint32_t count;
	const struct redis_log_entry *entry;
	const struct redis_log_entry *expected;
	struct node *node;
	uint64_t redis_life;
	bool was_late;
	bool is_answered;
};

struct reply {
	struct command *command;
	struct redis_error error; // code 0: none
	struct redis_log_head head;
	const struct redis_log_entry *entries;
	size_t count;
	bool is_done;
	bool is_replicated;
};

struct redis {
	bool is_up;
	uint64_t life;
	uint64_t hung_until_ms;
	uint64_t loading_until_ms;
	uint64_t slow_until_ms;
	uint64_t error_until_ms; // writes are answered with error_code
	int error_code;
	uint64_t refuses_until_ms; // the password
	struct stream stream;
	struct stream saved; // an older file
	uint64_t changed_ms; // lost entries, or began anew
	size_t length_max;
};

// ---------------------------------------------------------------- nodes

struct node {
	struct world *world;
	unsigned number;
	struct replica *replica; // NULL: not running
	uint64_t life;
	uint64_t stopped_until_ms;
	uint64_t tick_at_ms;
	int64_t clock_skew_s;
	// The connection to Redis.
	uint64_t connection; // changes with every one
	bool is_connected;
	uint64_t redis_life;
	uint64_t sent_at_ms; // arrival of the last command: they arrive in order
	uint64_t replied_at_ms;
	// The store and its writer.
	struct store store;
	const struct redis_log_entry *queue[4096]; // handed over by the replica
	size_t queue_count;
	bool is_committing;
	uint64_t full_until_ms;
	bool has_refused; // an entry, since the last that it took
	bool is_stalled;  // likewise, and the replica was told
	uint64_t started_ms;
	// A snapshot under way.
	uint64_t fetch;
	struct store_position fetched;
	const struct data *fetched_data;
	enum replication_state state;
	uint64_t diverged_since_ms;
	uint64_t wrong_since_ms; // follows a log that lacks what it has
};

// What the summary counts.
enum count {
	COUNT_APPLIED,
	COUNT_UNKNOWN,
	COUNT_FETCHED,
	COUNT_ADOPTED,
	COUNT_UNAVAILABLE,
	COUNT_DIVERGED, // runs in which somebody did
	COUNT_MESSAGES, // of the inbox, that took effect
	COUNT_EVENTS,
	COUNTS,
};

enum set_fate {
	SET_OPEN, // not answered
	SET_APPLIED,
	SET_UNAVAILABLE,
	SET_UNKNOWN,
};

struct sim_set {
	bool is_inbox;
	enum set_fate fate;
	uint64_t revision;
	unsigned node;
	bool is_confirmed; // its node heard that enough replicas of Redis have it
};

// What a run has to expect.
struct plan {
	unsigned nodes;
	bool is_lossy; // Redis may forget
	bool is_long;
	bool has_data;         // node 0 starts with data of its own
	bool waits;            // for replicas of Redis
	unsigned link_rate;    // bytes per ms of what is read; 0: no limit
	unsigned loss;         // of pushes, in 100
	unsigned crash_action; // one in so many actions ends in a crash; 0: none
	unsigned fault_every_ms;
	unsigned set_every_ms;
	unsigned inbox_every_ms;
	unsigned faults; // bits: which
	uint64_t faults_end_ms;
	uint64_t end_ms;
};

struct world {
	uint64_t seed;
	uint64_t random;
	uint64_t now_ms;
	bool trace;
	struct arena arena;
	struct sim_event **heap;
	size_t heap_count;
	size_t heap_capacity;
	uint64_t event_number;
	struct plan plan;
	struct redis redis;
	struct node nodes[SIM_NODES_MAX];
	struct sim_set *sets; // by id, from 1
	uint64_t sets_count;
	const struct redis_log_entry **appended; // every entry Redis ever took
	size_t appended_count;
	size_t appended_capacity;
	struct data root;
	const struct redis_log_entry **history; // by revision: what was applied, while there is one history
	bool is_quiet;                          // the faults are over
	bool has_adopted;                       // histories were given up
	unsigned adopts;
	uint64_t quiet_since_ms;
	uint64_t adopted_at_ms;
	bool has_failed;
	uint64_t counts[COUNTS];
	char failure[512];
};

// sim_world.c
void world_start(struct world *world, uint64_t seed, bool trace);
void world_finish(struct world *world);
uint64_t chance(struct world *world, uint64_t below);
static inline bool one_in(struct world *world, uint64_t count)
{
	return count > 0 && chance(world, count) == 0;
}
void *take(struct world *world, size_t size); // zeroed; lives as long as the world
struct sim_event *later(struct world *world, uint64_t in_ms, void (*happen)(struct world *, struct sim_event *));
struct sim_event *node_later(struct node *node, uint64_t in_ms, void (*happen)(struct world *, struct sim_event *));
bool world_step(struct world *world); // false: nothing more happens
PRINTF_LIKE(2, 3) void trace(struct world *world, const char *format, ...);
PRINTF_LIKE(2, 3) void fail(struct world *world, const char *format, ...);
unsigned short_id(const struct id128 *id);
void world_random(struct world *world, void *buffer, size_t size);

// sim_redis.c
void redis_start(struct world *world);
void redis_send(struct node *node, const struct command *command);
void redis_crash(struct world *world, uint64_t down_ms);
void redis_hang(struct world *world, uint64_t for_ms);
void redis_fail_over(struct world *world, size_t lost);
void redis_forget(struct world *world, bool everything); // then it crashes
void redis_roll_back(struct world *world, size_t lost);  // without anybody noticing
void redis_save(struct world *world);
void redis_damage(struct world *world); // somebody else adds an entry
bool redis_is_refusing(struct world *world);
void redis_publish_inbox(struct world *world, uint64_t id);

// sim_store.c
const struct data *data_apply(struct world *world, const struct data *parent, const struct redis_log_entry *entry);
const struct redis_log_entry *entry_copy(struct world *world, const struct redis_log_entry *entry);
bool store_is_empty(struct world *world, const struct store *store);
void store_take_entry(struct node *node, const struct redis_log_entry *entry);
void store_set_position_later(struct node *node, const struct store_position *expected,
			      const struct store_position *position);
void store_fetch(struct node *node, const struct replica_action *action);
void store_fetch_end(struct node *node, bool is_commit);
const struct data *data_common(const struct data *a, const struct data *b);
size_t entry_sets(const struct redis_log_entry *entry, uint64_t *ret_ids, size_t max);

// sim_node.c
void node_start(struct node *node);
void node_crash(struct node *node, uint64_t down_ms);
void node_cut(struct node *node, int code);
void node_pump(struct node *node);
void node_reply(struct world *world, struct sim_event *event);
void node_push(struct node *node, uint64_t revision);
void node_inbox(struct node *node, uint64_t id, uint64_t published_ms);
uint64_t node_submit(struct node *node);
void node_adopt(struct node *node);
bool node_is_stopped(const struct node *node);

// sim_faults.c
void faults_plan(struct world *world);
void faults_start(struct world *world);
void faults_heal(struct world *world);
void operator_look(struct world *world);

// sim_check.c
void check_applied(struct node *node, const struct redis_log_entry *entry);
void check_confirmed(struct node *node, const struct redis_log_entry *entry);
void check_answer(struct node *node, const struct replica_action *action);
void check_fetched(struct node *node);
void check_state(struct node *node);
void check_detection(struct world *world);
bool check_is_converged(struct world *world);
void check_end(struct world *world);
