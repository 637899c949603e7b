// SPDX-License-Identifier: Apache-2.0
// Revisions that were ordered elsewhere. Whatever several of them share, a transaction or nothing, each is made as if
// it were alone. What this machine cannot do, other than what the rules refuse, is never an answer to a set: it stops.
#include "store/commit.h"

#include <errno.h>

// What the change rules say, which is the same everywhere (refuse.c).
static bool is_refusal(int result)
{
	static const int refusals[] = {-EINVAL, -ENOENT, -EEXIST, -E2BIG, -EPERM, -ECANCELED};
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (result == refusals[i])
			return true;
	return false;
}

static int prepare_jobs(struct commit *commit, struct store_job *jobs)
{
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		job->result = 0;
		job->fault = (struct fault){0};
		const int result = commit_job(commit, job, false);
		if (result != 0)
			return result;
		if (job->result != 0 && !is_refusal(job->result))
			return job->result;
	}
	return 0;
}

static int prepare_entry(struct commit *commit, const struct store_entry *entry)
{
	const struct history_revision revision = {.nonce = entry->nonce, .time = entry->time, .origin = entry->origin};
	int result = commit_begin_revision(commit, &revision);
	if (result == 0)
		result = prepare_jobs(commit, entry->jobs);
	return result == 0 ? commit_end_revision(commit) : result;
}

static bool follows(const struct store_position *position, const struct store_entry *entry)
{
	return entry->revision == position->revision + 1 && id128_equal(&entry->epoch, &position->epoch) &&
	       id128_equal(&entry->prev, &position->nonce);
}

// Prepares entries from the first on, at most `count_max`. *ret_count: how many follow each other and the store.
static int prepare(struct commit *commit, const struct store_entry *entries, size_t count_max, size_t *ret_count)
{
	size_t count = 0;
	int result = 0;
	for (; result == 0 && entries != NULL && count < count_max; entries = entries->next) {
		if (!follows(&commit->history.state.position, entries))
			break;
		result = prepare_entry(commit, entries);
		count++;
	}
	*ret_count = count;
	return result;
}

// One transaction. > 0: so many entries are to be published; 0: the first one does not follow.
static int commit_try(struct commit *commit, struct store *store, struct store_entry *entries, size_t count_max)
{
	size_t count;
	int result = commit_begin(commit, store);
	if (result != 0)
		return result;
	result = prepare(commit, entries, count_max, &count);
	if (result != 0 || count == 0) {
		commit_abandon(commit);
		return result;
	}
	result = commit_persist(commit);
	return result == 0 ? (int)count : result;
}

static void conclude(struct store_entry *entry, int result)
{
	entry->result = result;
	entry->done(entry); // its owner's again
}

static void conclude_all(struct store_entry *entries, int result)
{
	for (struct store_entry *entry = entries, *next; entry != NULL; entry = next) {
		next = entry->next;
		conclude(entry, result);
	}
}

static struct store_entry *answer(struct store_entry *entries, int count)
{
	for (struct store_entry *next; count > 0; count--, entries = next) {
		next = entries->next;
		conclude(entries, 0);
	}
	return entries;
}

// The first one, and everything behind it.
static void give_up(struct store *store, struct store_entry *entries, int error)
{
	struct store_entry *behind = entries->next;
	const bool is_lasting = error != -ESTALE && error != -ENOSPC && error != -ENOMEM;
	const bool is_first_failure = is_lasting && !atomic_exchange(&store->is_fatal, true);
	// Taken before the submitter hears of it: what comes later is another try.
	struct store_entry *waiting = store_take_entries(store);
	const int result = is_lasting ? -EIO : -ESTALE;
	conclude(entries, is_lasting ? -EIO : error);
	conclude_all(behind, result);
	conclude_all(waiting, result);
	if (is_first_failure && store->on_fatal != NULL)
		store->on_fatal(store->context, error);
}

void store_commit_entries(struct store *store, struct store_entry *entries)
{
	size_t count_max = SIZE_MAX;
	while (entries != NULL) {
		struct commit commit;
		const int result =
			atomic_load(&store->is_fatal) ? -EIO : commit_try(&commit, store, entries, count_max);
		if (result > 0) {
			commit_publish(&commit);
			entries = answer(entries, result);
			commit_finish(&commit);
		} else if ((result == -ENOSPC || result == -ENOMEM) && count_max > 1) {
			count_max = 1; // there may be room for one at a time
		} else {
			give_up(store, entries, result == 0 ? -ESTALE : result);
			return;
		}
	}
}

// ---------------------------------------------------------------- position

struct move {
	const struct store_position *expected;
	const struct store_position *position;
};

static bool position_equals(const struct store_position *a, const struct store_position *b)
{
	return a->revision == b->revision && a->is_attached == b->is_attached && id128_equal(&a->epoch, &b->epoch) &&
	       id128_equal(&a->nonce, &b->nonce);
}

static int move_position(struct store *store, void *argument)
{
	const struct move *move = argument;
	struct commit commit;
	if (!position_equals(&store->state.position, move->expected))
		return -ESTALE;
	const int result = commit_begin(&commit, store);
	if (result != 0)
		return result;
	commit.history.state.position = *move->position;
	return commit_alone(&commit);
}

int store_set_position(struct store *store, const struct store_position *expected,
		       const struct store_position *position)
{
	struct move move = {.expected = expected, .position = position};
	return store_call(store, move_position, &move);
}
