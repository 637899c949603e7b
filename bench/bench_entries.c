// SPDX-License-Identifier: Apache-2.0
// How fast a replica catches up: entries of one change each, applied in order and synced, with the log kept.
//
//     bench_entries DIRECTORY [ENTRIES] [TOKENS]     default 200000 entries on a store of 100000 tokens
//
// Without decoding and without Redis: the store alone. DIRECTORY must not hold a store yet, and should be on a disk.
#include "base/clock.h"
#include "proto/codec.h"
#include "store/entry.h"
#include "store/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	ENTRIES_DEFAULT = 200000,
	TOKENS_DEFAULT = 100000,
	COUNT_MAX = 100000000,
	IN_FLIGHT = 2048,
	FILL_CHANGES = 1000,
	ARENA_CHUNK = 4096,
	ARENA_BUDGET = 64 * 1024 * 1024,
	ID_TEXT_MAX = 24,
};

struct slot {
	struct store_entry entry;
	struct store_job job;
	struct change_set set;
	struct change *changes;
	size_t changes_count;
	pthread_mutex_t lock;
	pthread_cond_t is_done;
	bool is_free;
};

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "bench_entries: %s\n", what);
	exit(1);
}

// ---------------------------------------------------------------- slots

static void on_done(struct store_entry *entry)
{
	struct slot *slot = entry->context;
	must(entry->result == 0 && slot->job.result == 0, "an entry was not applied");
	pthread_mutex_lock(&slot->lock);
	slot->is_free = true;
	pthread_cond_signal(&slot->is_done);
	pthread_mutex_unlock(&slot->lock);
}

static void slot_init(struct slot *slot)
{
	*slot = (struct slot){.is_free = true};
	arena_init(&slot->job.arena, ARENA_CHUNK, ARENA_BUDGET);
	pthread_mutex_init(&slot->lock, NULL);
	pthread_cond_init(&slot->is_done, NULL);
}

static void slot_wait(struct slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	while (!slot->is_free)
		pthread_cond_wait(&slot->is_done, &slot->lock);
	pthread_mutex_unlock(&slot->lock);
}

static void slot_submit(struct slot *slot, struct store *store, struct store_position *position)
{
	slot->set = (struct change_set){.changes = slot->changes, .changes_count = slot->changes_count};
	must(codec_encode(&schema_change_set, &slot->set, &slot->job.arena, &slot->job.body) == 0, "out of memory");
	slot->job.set = &slot->set;
	slot->job.body_size = slot->job.body.size;
	slot->job.next = NULL;
	slot->entry = (struct store_entry){
		.revision = position->revision + 1,
		.epoch = position->epoch,
		.prev = position->nonce,
		.time = clock_wall_s(),
		.origin = BYTES_LITERAL("bench"),
		.jobs = &slot->job,
		.done = on_done,
		.context = slot,
	};
	position->revision++;
	memcpy(slot->entry.nonce.data, &position->revision, sizeof(position->revision));
	position->nonce = slot->entry.nonce;
	slot->is_free = false;
	must(store_submit_entry(store, &slot->entry) == 0, "an entry was not taken");
}

// ---------------------------------------------------------------- changes

static struct bytes make_id(struct arena *arena, char prefix, uint64_t number)
{
	char *text = arena_alloc(arena, ID_TEXT_MAX);
	must(text != NULL, "out of memory");
	snprintf(text, ID_TEXT_MAX, "%c%012" PRIu64, prefix, number);
	return bytes_from(text);
}

static struct change make_customer(struct arena *arena, uint64_t number)
{
	struct customer *customer = arena_calloc(arena, 1, sizeof(*customer));
	must(customer != NULL, "out of memory");
	customer->id = make_id(arena, 'c', number);
	return (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = customer};
}

static struct change make_token(struct arena *arena, uint64_t number, uint64_t tokens)
{
	struct token *token = arena_calloc(arena, 1, sizeof(*token));
	must(token != NULL, "out of memory");
	token->uid = make_id(arena, '0', number);
	token->type = TOKEN_TYPE_RFID;
	token->customer_id = make_id(arena, 'c', number % tokens);
	token->blocked = number % 2 != 0;
	return (struct change){.kind = CHANGE_PUT_TOKEN, .put_token = token};
}

static void prepare(struct slot *slot, size_t changes_count)
{
	slot_wait(slot);
	arena_reset(&slot->job.arena);
	slot->changes_count = changes_count;
	slot->changes = arena_calloc(&slot->job.arena, changes_count, sizeof(*slot->changes));
	must(slot->changes != NULL, "out of memory");
}

static void fill(struct slot *slots, struct store *store, struct store_position *position, uint64_t tokens)
{
	for (int pass = 0; pass < 2; pass++)
		for (uint64_t first = 0; first < tokens; first += FILL_CHANGES) {
			struct slot *slot = &slots[first / FILL_CHANGES % IN_FLIGHT];
			const uint64_t left = tokens - first;
			prepare(slot, left < FILL_CHANGES ? left : FILL_CHANGES);
			for (size_t i = 0; i < slot->changes_count; i++)
				slot->changes[i] = pass == 0 ? make_customer(&slot->job.arena, first + i)
							     : make_token(&slot->job.arena, first + i, tokens);
			slot_submit(slot, store, position);
		}
	for (int i = 0; i < IN_FLIGHT; i++)
		slot_wait(&slots[i]);
}

static double run(struct slot *slots, struct store *store, struct store_position *position, uint64_t entries,
		  uint64_t tokens)
{
	const uint64_t begin = clock_monotonic_ns();
	for (uint64_t i = 0; i < entries; i++) {
		struct slot *slot = &slots[i % IN_FLIGHT];
		prepare(slot, 1);
		// Anywhere in the store, half of them new.
		slot->changes[0] = make_token(&slot->job.arena, i * 7919 % (2 * tokens), tokens);
		slot_submit(slot, store, position);
	}
	for (int i = 0; i < IN_FLIGHT; i++)
		slot_wait(&slots[i]);
	return (double)(clock_monotonic_ns() - begin) / 1e9;
}

static uint64_t number_of(const char *text)
{
	char *end;
	const unsigned long long number = strtoull(text, &end, 10);
	must(*end == '\0' && number > 0 && number <= COUNT_MAX, "not a number");
	return number;
}

int main(int argc, char **argv)
{
	static struct slot slots[IN_FLIGHT];
	must(argc >= 2 && argc <= 4, "usage: bench_entries DIRECTORY [ENTRIES] [TOKENS]");
	const uint64_t entries = argc > 2 ? number_of(argv[2]) : ENTRIES_DEFAULT;
	const uint64_t tokens = argc > 3 ? number_of(argv[3]) : TOKENS_DEFAULT;
	const struct store_options options = {
		.directory = argv[1],
		.map_size = (uint64_t)STORE_MAP_SIZE_DEFAULT_GIB << 30,
		.readers_max = 1,
		.queue_max = STORE_QUEUE_MAX_DEFAULT,
		.log_entries_max = LOG_ENTRIES_MAX_DEFAULT,
		.log_bytes_max = LOG_BYTES_MAX_DEFAULT,
		.log_age_max_s = LOG_AGE_MAX_DEFAULT_S,
	};
	struct store *store;
	struct store_position position;
	struct fault fault = {0};
	must(store_open(&options, &store, &fault) == 0, fault.message);
	store_get_position(store, &position);
	must(position.revision == 1, "the directory holds a store already");
	for (int i = 0; i < IN_FLIGHT; i++)
		slot_init(&slots[i]);
	fill(slots, store, &position, tokens);
	const double seconds = run(slots, store, &position, entries, tokens);
	printf("%" PRIu64 " entries in %.3f s: %.0f entries/s\n", entries, seconds, (double)entries / seconds);
	store_close(store);
	return 0;
}
