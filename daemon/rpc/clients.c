// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/clients.h"

#include "base/hash.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	PROVEN,
	UNPROVEN, // anybody could have taken that name
	KINDS,
};

static const char *const others_names[KINDS] = {[PROVEN] = "others", [UNPROVEN] = "tcp:others"};
static const uint32_t places_max[KINDS] = {[PROVEN] = CLIENTS_MAX, [UNPROVEN] = CLIENTS_UNPROVEN_MAX};

struct clients {
	pthread_mutex_t lock;
	const struct client_budgets *budgets;
	uint64_t seed;
	uint32_t workers_max, workers_count;
	uint32_t count;
	uint32_t counts[KINDS]; // together `count`
	bool has_said_full[KINDS];
	struct client_counters *counters;
	struct client others[KINDS];
	struct client entries[CLIENTS_MAX]; // the first `count`
};

static int64_t ns_of(uint64_t ms)
{
	return (int64_t)ms * BUCKET_NS_PER_MS;
}

// ---------------------------------------------------------------- create, destroy

int clients_create(const struct client_budgets *budgets, uint32_t workers_max, struct clients **ret_clients)
{
	const size_t counters_count = (CLIENTS_MAX + KINDS) * (size_t)workers_max;
	struct clients *clients = calloc(1, sizeof(*clients));
	if (clients == NULL)
		return -ENOMEM;
	// Pages that no client uses are never touched.
	clients->counters =
		aligned_alloc(_Alignof(struct client_counters), counters_count * sizeof(*clients->counters));
	if (clients->counters == NULL) {
		free(clients);
		return -ENOMEM;
	}
	pthread_mutex_init(&clients->lock, NULL);
	clients->budgets = budgets;
	clients->workers_max = workers_max;
	clients->seed = hash_random_seed();
	*ret_clients = clients;
	return 0;
}

void clients_destroy(struct clients *clients)
{
	if (clients == NULL)
		return;
	pthread_mutex_destroy(&clients->lock);
	free(clients->counters);
	free(clients);
}

uint32_t clients_add_worker(struct clients *clients)
{
	pthread_mutex_lock(&clients->lock);
	const uint32_t index = clients->workers_count++;
	pthread_mutex_unlock(&clients->lock);
	ASSERT(index < clients->workers_max);
	return index;
}

// ---------------------------------------------------------------- entries

static enum kind kind_of(const char *name)
{
	return strncmp(name, "tcp:", 4) == 0 ? UNPROVEN : PROVEN;
}

// `index` of its counters. With the lock.
static void begin(struct clients *clients, struct client *client, const char *name, uint32_t index)
{
	memset(client, 0, sizeof(*client));
	strcpy(client->name, name);
	client->hash = hash_bytes(name, strlen(name), clients->seed);
	client->counters = clients->counters + (size_t)index * clients->workers_max;
	memset(client->counters, 0, clients->workers_max * sizeof(*client->counters));
	bucket_fill(&client->requests);
	bucket_fill(&client->unknown_tokens);
}

static struct client *find(struct clients *clients, const char *name)
{
	const uint64_t hash = hash_bytes(name, strlen(name), clients->seed);
	for (uint32_t i = 0; i < clients->count; i++) {
		if (clients->entries[i].hash == hash && strcmp(clients->entries[i].name, name) == 0)
			return &clients->entries[i];
	}
	return NULL;
}

static uint64_t seen_ms(const struct clients *clients, const struct client *client)
{
	uint64_t latest = client->opened_ms;
	for (uint32_t i = 0; i < clients->workers_count; i++) {
		const uint64_t seen = atomic_load_explicit(&client->counters[i].seen_ms, memory_order_relaxed);
		latest = seen > latest ? seen : latest;
	}
	return latest;
}

static bool can_go(const struct clients *clients, const struct client *client, uint64_t now_ms)
{
	const struct client_budgets *budgets = clients->budgets;
	return client->connections == 0 && client->leaving == 0 &&
	       bucket_is_full(&client->requests, &budgets->requests, ns_of(now_ms)) &&
	       bucket_is_full(&client->unknown_tokens, &budgets->unknown_tokens, ns_of(now_ms));
}

// The one that was away longest of those who can go and make room for a client of that kind; NULL: none.
static struct client *find_leaving(struct clients *clients, enum kind kind, uint64_t now_ms)
{
	struct client *oldest = NULL;
	uint64_t oldest_ms = UINT64_MAX;
	for (uint32_t i = 0; i < clients->count; i++) {
		struct client *client = &clients->entries[i];
		const bool makes_room = clients->counts[kind] < places_max[kind] || kind_of(client->name) == kind;
		if (!makes_room || !can_go(clients, client, now_ms) || seen_ms(clients, client) >= oldest_ms)
			continue;
		oldest = client;
		oldest_ms = seen_ms(clients, client);
	}
	return oldest;
}

static struct client *join_others(struct clients *clients, enum kind kind)
{
	struct client *others = &clients->others[kind];
	if (!clients->has_said_full[kind])
		log_warning("clients_full",
			    "there are %u clients already: more of them share one entry, %s, and its budgets",
			    places_max[kind], others_names[kind]);
	clients->has_said_full[kind] = true;
	if (others->counters == NULL)
		begin(clients, others, others_names[kind], CLIENTS_MAX + kind);
	return others;
}

// A place for one more client of that kind; NULL: there is none.
static struct client *find_place(struct clients *clients, enum kind kind, uint64_t now_ms)
{
	if (clients->count < CLIENTS_MAX && clients->counts[kind] < places_max[kind])
		return &clients->entries[clients->count++];
	struct client *client = find_leaving(clients, kind, now_ms);
	if (client != NULL)
		clients->counts[kind_of(client->name)]--;
	return client;
}

static struct client *enter(struct clients *clients, const char *name, uint64_t now_ms)
{
	const enum kind kind = kind_of(name);
	if (strlen(name) >= CLIENT_NAME_SIZE)
		return join_others(clients, kind);
	struct client *client = find(clients, name);
	if (client != NULL)
		return client;
	client = find_place(clients, kind, now_ms);
	if (client == NULL)
		return join_others(clients, kind);
	clients->counts[kind]++;
	begin(clients, client, name, (uint32_t)(client - clients->entries));
	return client;
}

static uint32_t *count_of(struct client *client, bool is_over)
{
	return is_over ? &client->leaving : &client->connections;
}

// With the lock.
static void note_connection(struct client *client, uint32_t roles, uint64_t now_ms, bool is_over)
{
	++*count_of(client, is_over);
	client->roles = roles;
	client->opened_ms = now_ms;
}

struct client *clients_attach(struct clients *clients, const char *name, uint32_t roles, uint64_t now_ms,
			      bool *ret_is_over)
{
	const uint32_t max = atomic_load_explicit(&clients->budgets->connections_max, memory_order_relaxed);
	pthread_mutex_lock(&clients->lock);
	struct client *client = enter(clients, name, now_ms);
	*ret_is_over = max != 0 && client->connections >= max;
	note_connection(client, roles, now_ms, *ret_is_over);
	pthread_mutex_unlock(&clients->lock);
	return client;
}

struct client *clients_attach_again(struct clients *clients, const char *name, uint32_t roles, uint64_t now_ms)
{
	pthread_mutex_lock(&clients->lock);
	struct client *client = enter(clients, name, now_ms);
	note_connection(client, roles, now_ms, false);
	pthread_mutex_unlock(&clients->lock);
	return client;
}

struct client *clients_rename(struct clients *clients, struct client *former, const char *name, uint32_t roles,
			      uint64_t now_ms, bool is_over)
{
	pthread_mutex_lock(&clients->lock);
	struct client *client = enter(clients, name, now_ms); // not the place of `former`, which has this connection
	++*count_of(client, is_over);
	--*count_of(former, is_over);
	client->roles = roles;
	pthread_mutex_unlock(&clients->lock);
	return client;
}

void clients_detach(struct clients *clients, struct client *client, bool is_over)
{
	uint32_t *count = count_of(client, is_over);
	pthread_mutex_lock(&clients->lock);
	ASSERT(*count > 0);
	--*count;
	pthread_mutex_unlock(&clients->lock);
}

// ---------------------------------------------------------------- figures

// With the lock.
static uint32_t count_all(const struct clients *clients)
{
	uint32_t count = clients->count;
	for (int kind = 0; kind < KINDS; kind++)
		count += clients->others[kind].counters != NULL;
	return count;
}

static void add_counters(const struct client_counters *counters, struct client_figures *figures)
{
	figures->requests += counter_get(&counters->requests);
	figures->unknown_tokens += counter_get(&counters->unknown_tokens);
	figures->refused += counter_get(&counters->refused);
	figures->bytes_in += counter_get(&counters->traffic.bytes_in);
	figures->bytes_out += counter_get(&counters->traffic.bytes_out);
	for (size_t i = 0; i < ARRAY_SIZE(figures->verdicts); i++)
		figures->verdicts[i] += counter_get(&counters->verdicts[i]);
}

static void collect(const struct clients *clients, const struct client *client, uint64_t now_ms,
		    struct client_figures *figures)
{
	figures->roles = client->roles;
	figures->connections = client->connections;
	figures->inflight_bytes = atomic_load_explicit(&client->share.bytes, memory_order_relaxed);
	figures->unknown_tokens_left =
		bucket_left(&client->unknown_tokens, &clients->budgets->unknown_tokens, ns_of(now_ms));
	figures->seen_ms = seen_ms(clients, client);
	for (uint32_t i = 0; i < clients->workers_count; i++)
		add_counters(&client->counters[i], figures);
}

static int compare(const void *a, const void *b)
{
	const struct client_figures *first = a, *second = b;
	if (first->requests != second->requests)
		return first->requests < second->requests ? 1 : -1;
	return strcmp(first->name, second->name);
}

// With the lock. -ENOMEM.
static int collect_all(const struct clients *clients, uint64_t now_ms, struct arena *arena,
		       struct client_figures *figures)
{
	size_t count = 0;
	for (uint32_t i = 0; i < CLIENTS_MAX + KINDS; i++) {
		const struct client *client =
			i < CLIENTS_MAX ? &clients->entries[i] : &clients->others[i - CLIENTS_MAX];
		if (client->counters == NULL)
			continue;
		const struct bytes name = arena_copy(arena, bytes_from(client->name));
		if (name.data == NULL)
			return -ENOMEM;
		figures[count].name = name.data;
		collect(clients, client, now_ms, &figures[count++]);
	}
	return 0;
}

int clients_collect(struct clients *clients, uint64_t now_ms, struct arena *arena, struct client_figures **ret_figures,
		    size_t *ret_count)
{
	int result = -ENOMEM;
	pthread_mutex_lock(&clients->lock);
	const size_t count = count_all(clients);
	struct client_figures *figures = arena_calloc(arena, count + 1, sizeof(*figures));
	if (figures != NULL)
		result = collect_all(clients, now_ms, arena, figures);
	pthread_mutex_unlock(&clients->lock);
	if (result != 0)
		return result;
	qsort(figures, count, sizeof(*figures), compare);
	*ret_figures = figures;
	*ret_count = count;
	return 0;
}

uint32_t clients_count(struct clients *clients)
{
	pthread_mutex_lock(&clients->lock);
	const uint32_t count = count_all(clients);
	pthread_mutex_unlock(&clients->lock);
	return count;
}
