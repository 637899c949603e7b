// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/fetch.h"

#include "base/log.h"
#include "base/thread.h"
#include "store/install.h"
#include "store/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FETCH_PAGE = 1000, // entries of a log's page
	FETCH_PROGRESS_STEP = 4096,
	FETCH_WHY_SIZE = 512,
	FETCH_SILENCE_MS = 5000, // of a peer; a stop waits for it
};

enum decision { UNDECIDED, TAKE, FORGET };

struct fetch {
	struct fetch_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t decided;
	enum decision decision;
	_Atomic bool is_cancelled;

	// The thread's; of the peer at hand:
	const char *peer;
	struct evauth_client *client;
	struct arena arena;
	struct arena end_arena;
	struct store_install *install;
	struct snapshot_end end;
	uint64_t records, records_total;
	struct fault fault;
	char why[FETCH_WHY_SIZE];
};

// ---------------------------------------------------------------- words

static int say(struct fetch *fetch, int error, const char *text)
{
	snprintf(fetch->why, sizeof(fetch->why), "peer %s: %s", fetch->peer, text);
	return error;
}

static int say_client(struct fetch *fetch, int error)
{
	return say(fetch, error, evauth_fault(fetch->client)->message);
}

// ---------------------------------------------------------------- is this peer of use?

static uint64_t count_objects(const struct status_response *status)
{
	uint64_t count = 0;
	for (size_t i = 0; i < status->objects_count; i++)
		count += status->objects[i].count;
	return count;
}

static int look_at_peer(struct fetch *fetch)
{
	struct status_response *status;
	struct id128 epoch;
	arena_reset(&fetch->arena);
	const int result = evauth_status(fetch->client, &fetch->arena, &status);
	if (result != 0)
		return say_client(fetch, result);
	if (id128_parse(status->epoch, &epoch) != 0 || !id128_equal(&epoch, &fetch->options.epoch))
		return say(fetch, -ENOENT, "it is in another history than Redis");
	if (status->revision < fetch->options.after)
		return say(fetch, -ENOENT, "it does not reach back to what Redis still has");
	fetch->records_total = count_objects(status);
	return 0;
}

// ---------------------------------------------------------------- records

static int on_record(void *context, const struct record *record)
{
	struct fetch *fetch = context;
	if (atomic_load_explicit(&fetch->is_cancelled, memory_order_relaxed))
		return -ECANCELED;
	const int result = store_install_add(fetch->install, record, 1, &fetch->fault);
	if (result == 0 && ++fetch->records % FETCH_PROGRESS_STEP == 0)
		fetch->options.on_progress(fetch->options.context, fetch->records, fetch->records_total);
	return result;
}

static int on_end(void *context, const struct snapshot_end *end)
{
	struct fetch *fetch = context;
	fetch->end = *end;
	fetch->end.digest = arena_copy(&fetch->end_arena, end->digest);
	fetch->end.epoch = arena_copy(&fetch->end_arena, end->epoch);
	fetch->end.nonce = arena_copy(&fetch->end_arena, end->nonce);
	return fetch->end.digest.data && fetch->end.epoch.data && fetch->end.nonce.data ? 0 : -ENOMEM;
}

static int read_position(struct fetch *fetch, struct store_position *ret_position)
{
	*ret_position = (struct store_position){.revision = fetch->end.revision, .is_attached = true};
	if (id128_parse(fetch->end.epoch, &ret_position->epoch) != 0 ||
	    id128_parse(fetch->end.nonce, &ret_position->nonce) != 0)
		return say(fetch, -EPROTO, "its snapshot does not say where it stands");
	if (!id128_equal(&ret_position->epoch, &fetch->options.epoch))
		return say(fetch, -ENOENT, "it changed to another history meanwhile");
	return 0;
}

static int stage(struct fetch *fetch)
{
	const struct snapshot_request request = {.min_revision = fetch->options.after, .replica = true};
	const struct evauth_receiver receiver = {.each = on_record, .end = on_end, .context = fetch};
	int result = store_install_begin(fetch->options.store, &fetch->install, &fetch->fault);
	if (result != 0)
		return say(fetch, result, fetch->fault.message);
	fetch->records = 0;
	arena_reset(&fetch->end_arena);
	fetch->options.on_progress(fetch->options.context, 0, fetch->records_total);
	result = evauth_snapshot(fetch->client, &request, &receiver);
	if (result != 0)
		return fetch->fault.message[0] ? say(fetch, result, fetch->fault.message) : say_client(fetch, result);
	return 0;
}

// ---------------------------------------------------------------- what both logs have

// The peer's entry at `revision`; -ENOENT when its log does not have it (any more).
static int read_peer_nonce(struct fetch *fetch, uint64_t revision, struct id128 *ret_nonce)
{
	const struct log_request request = {.before_revision = revision + 1, .page_size = 1, .without_changes = true};
	struct log_response *page;
	arena_reset(&fetch->arena);
	const int result = evauth_log(fetch->client, &request, &fetch->arena, &page);
	if (result != 0)
		return say_client(fetch, result);
	if (page->entries_count == 0 || page->entries[0].revision != revision)
		return -ENOENT;
	return id128_parse(page->entries[0].nonce, ret_nonce) == 0 ? 0 : say(fetch, -EPROTO, "its log cannot be read");
}

// Sets *ret_after to the highest revision of this page of mine that the peer made by the same entry; each names the
// one before it, so that everything below is the same as well. -ENOENT: none.
static int find_common(struct fetch *fetch, const struct log_response *mine, uint64_t *ret_after)
{
	for (size_t i = 0; i < mine->entries_count; i++) {
		struct id128 my_nonce, peer_nonce;
		const int result = read_peer_nonce(fetch, mine->entries[i].revision, &peer_nonce);
		if (result != 0 && result != -ENOENT)
			return result;
		if (result == 0 && id128_parse(mine->entries[i].nonce, &my_nonce) == 0 &&
		    id128_equal(&my_nonce, &peer_nonce)) {
			*ret_after = mine->entries[i].revision;
			return 0;
		}
	}
	return -ENOENT;
}

// Walks my log from the newest entry down. Nothing in common: everything in it is kept aside.
static int find_orphans(struct fetch *fetch, uint64_t *ret_after)
{
	struct log_request request = {.page_size = FETCH_PAGE, .without_changes = true};
	struct log_reader *reader;
	struct arena arena;
	struct log_response page;
	int result = log_reader_create(fetch->options.store, &reader);
	if (result != 0)
		return say(fetch, result, "my own log cannot be read");
	arena_init(&arena, 64 * 1024, EVAUTH_ARENA_BUDGET);
	*ret_after = 0;
	do {
		arena_reset(&arena);
		result = log_read_page(reader, &request, &arena, &page);
		if (result != 0 || page.entries_count == 0)
			break;
		request.before_revision = page.entries[page.entries_count - 1].revision;
		result = find_common(fetch, &page, ret_after);
	} while (result == -ENOENT && request.before_revision > page.oldest_revision);
	arena_finish(&arena);
	log_reader_destroy(reader);
	return result == -ENOENT ? 0 : result;
}

// What of my log is kept aside: entries with a higher revision than *ret_after.
static int compare_histories(struct fetch *fetch, uint64_t *ret_after)
{
	const struct fetch_options *options = &fetch->options;
	struct id128 nonce;
	*ret_after = UINT64_MAX;
	if (options->is_empty)
		return 0;
	if (!options->is_same_history)
		return find_orphans(fetch, ret_after);
	const int result = read_peer_nonce(fetch, options->mine.revision, &nonce);
	if (result == 0 && !id128_equal(&nonce, &options->mine.nonce))
		return say(fetch, -EXDEV, "its history has another entry where this replica stands");
	return result == -ENOENT ? 0 : result;
}

// ---------------------------------------------------------------- one peer after the other

static enum decision wait_for_decision(struct fetch *fetch)
{
	pthread_mutex_lock(&fetch->lock);
	while (fetch->decision == UNDECIDED)
		pthread_cond_wait(&fetch->decided, &fetch->lock);
	const enum decision decision = fetch->decision;
	pthread_mutex_unlock(&fetch->lock);
	return decision;
}

static int take_over(struct fetch *fetch)
{
	struct store_position position;
	uint64_t orphans_after;
	int result = read_position(fetch, &position);
	if (result == 0)
		result = compare_histories(fetch, &orphans_after);
	if (result != 0)
		return result;
	fetch->options.on_staged(fetch->options.context, &position);
	if (wait_for_decision(fetch) != TAKE)
		return say(fetch, -ECANCELED, "its snapshot is not wanted any more");
	result = store_install_commit(&fetch->install, &fetch->end, &position, orphans_after, &fetch->fault);
	return result == 0 ? 0 : say(fetch, result, fetch->fault.message);
}

static int try_peer(struct fetch *fetch)
{
	const struct evauth_options options = {
		.server = fetch->peer,
		.tls = fetch->options.tls,
		.connect_timeout_ms = FETCH_SILENCE_MS,
		.call_timeout_ms = FETCH_SILENCE_MS,
	};
	fetch->fault = (struct fault){0};
	int result = evauth_client_create(&options, &fetch->client, &fetch->fault);
	if (result != 0)
		return say(fetch, result, fetch->fault.message);
	result = look_at_peer(fetch);
	if (result == 0)
		result = stage(fetch);
	if (result == 0)
		result = take_over(fetch);
	store_install_abort(fetch->install);
	fetch->install = NULL;
	evauth_client_destroy(fetch->client);
	return result;
}

static void *run(void *argument)
{
	struct fetch *fetch = argument;
	int result = -ENOENT;
	snprintf(fetch->why, sizeof(fetch->why), "no peer is configured to fetch a snapshot from (peer)");
	for (size_t i = 0; i < fetch->options.peers_count && !atomic_load(&fetch->is_cancelled); i++) {
		fetch->peer = fetch->options.peers[i];
		result = try_peer(fetch);
		if (result == 0 || result == -EXDEV)
			break;
		if (!atomic_load(&fetch->is_cancelled))
			log_warning("peer_of_no_use", "%s", fetch->why);
	}
	if (atomic_load(&fetch->is_cancelled) && result != 0)
		result = -ECANCELED;
	fetch->options.on_done(fetch->options.context, result, fetch->why);
	return NULL;
}

// ---------------------------------------------------------------- the caller's side

static void free_fetch(struct fetch *fetch)
{
	arena_finish(&fetch->arena);
	arena_finish(&fetch->end_arena);
	pthread_cond_destroy(&fetch->decided);
	pthread_mutex_destroy(&fetch->lock);
	free(fetch);
}

int fetch_start(const struct fetch_options *options, struct fetch **ret_fetch)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	if (fetch == NULL)
		return -ENOMEM;
	fetch->options = *options;
	pthread_mutex_init(&fetch->lock, NULL);
	pthread_cond_init(&fetch->decided, NULL);
	arena_init(&fetch->arena, 64 * 1024, EVAUTH_ARENA_BUDGET);
	arena_init(&fetch->end_arena, 1024, 64 * 1024);
	const int result = thread_start(&fetch->thread, "evauthd-fetch", run, fetch);
	if (result != 0) {
		free_fetch(fetch);
		return result;
	}
	*ret_fetch = fetch;
	return 0;
}

void fetch_decide(struct fetch *fetch, bool take)
{
	if (!take)
		atomic_store(&fetch->is_cancelled, true);
	pthread_mutex_lock(&fetch->lock);
	if (fetch->decision == UNDECIDED)
		fetch->decision = take ? TAKE : FORGET;
	pthread_cond_signal(&fetch->decided);
	pthread_mutex_unlock(&fetch->lock);
}

void fetch_destroy(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	fetch_decide(fetch, false);
	pthread_join(fetch->thread, NULL);
	free_fetch(fetch);
}
