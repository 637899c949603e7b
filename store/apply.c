// SPDX-License-Identifier: Apache-2.0
// Change sets that are ordered here: one commit makes one revision of all that wait.
//
// When more wait than a commit takes, as in an import, it goes on in parts: each is a transaction and a revision of its
// own, made durable by the side thread (side.h) while the next one is prepared. All are published together, when the
// last one is durable; until then nobody was answered, so that after a crash those sets are there that came first, as
// after one between two commits.
#include "base/clock.h"
#include "store/admit.h"
#include "store/commit.h"

#include <errno.h>

enum {
	// Of one commit: what its sets wait for, and the memory of its journal, are that much more.
	PARTS_MAX = 4,
	// Bytes of the commit's arena, beyond which no part is added: a cascade fills it.
	PARTS_ARENA_MAX = 32 * 1024 * 1024,
};

// ---------------------------------------------------------------- answer

static void answer(struct store_job *jobs)
{
	for (struct store_job *job = jobs, *next; job != NULL; job = next) {
		next = job->next; // the job is its owner's again in done()
		job->done(job);
	}
}

static void conclude(struct store_job *job, int result)
{
	job->result = result;
	job->fault = (struct fault){0};
}

static void fail_pending(struct store_job *jobs, int error, enum status_code code, const char *message)
{
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		if (!job->is_pending)
			continue;
		conclude(job, error);
		fault_set(&job->fault, code, NULL, "%s", message);
	}
}

static void mark_pending(struct store_job *jobs)
{
	for (struct store_job *job = jobs; job != NULL; job = job->next)
		job->is_pending = true;
}

static void refuse_all(struct store_job *jobs)
{
	mark_pending(jobs);
	fail_pending(jobs, -EIO, STATUS_UNAVAILABLE, "the store failed and takes no more writes until it is restarted");
}

// Those that waited for too long are not begun. Whether any are left.
static bool refuse_late(struct store_job *jobs)
{
	const uint64_t now_ns = clock_wall_ns();
	bool left_any = false;
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		if (job->late_ns == 0 || now_ns < job->late_ns) {
			left_any = true;
			continue;
		}
		conclude(job, -ETIME);
		fault_set(&job->fault, STATUS_DEADLINE_EXCEEDED, NULL,
			  "half of timeout_ms was over before its turn came: nothing was changed");
		job->is_pending = false;
	}
	return left_any;
}

// Those that would have filled a full store are refused. Whether any are left to be tried again.
static bool refuse_growing(struct store_job *jobs)
{
	bool refused_any = false, left_any = false;
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		if (!job->is_pending)
			continue;
		conclude(job, 0);
		if (job->set->dry_run || admit_takes_away(job->set)) {
			left_any = true;
		} else {
			job->result = admit_refuse_full(&job->fault);
			job->is_pending = false;
			refused_any = true;
		}
	}
	return refused_any && left_any;
}

static void give_up(struct store *store, struct store_job *jobs, int error)
{
	if (error == -ENOSPC || error == -ENOMEM) {
		fail_pending(jobs, error, STATUS_RESOURCE_EXHAUSTED,
			     error == -ENOSPC ? "the store is full, also for deletes; free disk space, or give it a "
						"larger map_size"
					      : "out of memory");
		return;
	}
	atomic_store(&store->is_fatal, true);
	fail_pending(jobs, -EIO, STATUS_UNAVAILABLE,
		     "the commit failed and its outcome is unknown: ask again after a restart, or send it again with "
		     "the same idempotency key");
}

// ---------------------------------------------------------------- the commit

// A part of the commit: its sets, and what they write if any was accepted.
struct part {
	struct store_job *jobs;
	struct commit_part commit;
	bool is_accepted; // else there is nothing to persist
	// What the writer will touch first while the part is persisted.
	struct memory_range ahead[2 * IMAGE_AHEAD_MAX];
	size_t ahead_count;
};

// The commit, and what became of its sets.
struct outcome {
	struct commit commit;
	struct store_job *made;  // durable, or refused
	struct store_job *left;  // those after them, which failed
	bool is_changed;         // there is a revision to publish
	struct commit_part kept; // then: the last part that is durable
};

static void append(struct store_job **list, struct store_job *jobs)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = jobs;
}

// A set that was accepted cannot be taken back alone any more: an error gives up the part.
static int prepare_sets(struct commit *commit, struct store_job *jobs)
{
	const struct history_revision revision = {.nonce = id128_random(), .time = clock_wall_s()};
	int result = commit_begin_revision(commit, &revision);
	for (struct store_job *job = jobs; result == 0 && job != NULL; job = job->next)
		if (job->is_pending)
			result = commit_job(commit, job, true);
	return result;
}

// Without an accepted set there is no revision: as if it had not begun.
static int prepare(struct commit *commit, struct store_job *jobs, struct part *ret_part)
{
	const struct history before = commit->history;
	*ret_part = (struct part){.jobs = jobs};
	int result = prepare_sets(commit, jobs);
	if (result != 0)
		return result;
	ret_part->is_accepted = commit->rules.sets_accepted > 0;
	if (!ret_part->is_accepted) {
		commit->history = before;
		return 0;
	}
	result = commit_end_revision(commit);
	return result == 0 ? commit_gather(commit, &ret_part->commit) : result;
}

static int persist(const struct part *part)
{
	return part->is_accepted ? commit_part_persist(&part->commit) : 0;
}

static void look_ahead(struct store *store, struct part *part)
{
	struct image *standby = store->standby;
	part->ahead_count = image_ahead(standby, part->ahead);
	part->ahead_count += image_ahead(store_other_image(store, standby), part->ahead + part->ahead_count);
}

// On the side thread.
static int persist_beside(void *argument)
{
	const struct part *part = argument;
	for (size_t i = 0; i < part->ahead_count; i++)
		memory_prepare(&part->ahead[i]);
	return persist(part);
}

// `result` is what became of the part. Parts are concluded in their order.
static void conclude_part(struct outcome *outcome, const struct part *part, int result)
{
	if (result != 0) {
		append(&outcome->left, part->jobs);
		return;
	}
	append(&outcome->made, part->jobs);
	if (!part->is_accepted)
		return;
	outcome->is_changed = true;
	outcome->kept = part->commit;
}

// The next part, when more waits than the last one took. NULL: it was the last.
static struct store_job *take_more(struct store *store)
{
	if (store->arena.used > PARTS_ARENA_MAX)
		return NULL;
	struct store_job *jobs = store_take_more(store);
	mark_pending(jobs);
	(void)refuse_late(jobs); // a part may be without any that are left
	return jobs;
}

// While a part is written by the side thread, the next one is prepared. The last one, mostly the only one, is written
// here. The first error ends it.
static int commit_parts(struct outcome *outcome, struct store *store, struct store_job *jobs)
{
	struct part parts[PARTS_MAX];
	int i = 0, result = prepare(&outcome->commit, jobs, &parts[0]);
	while (result == 0 && i + 1 < PARTS_MAX && (jobs = take_more(store)) != NULL) {
		look_ahead(store, &parts[i]);
		side_start(store->side, persist_beside, &parts[i]);
		const int error = prepare(&outcome->commit, jobs, &parts[i + 1]);
		result = side_wait(store->side);
		conclude_part(outcome, &parts[i++], result);
		if (result == 0)
			result = error;
	}
	if (result == 0)
		result = persist(&parts[i]);
	conclude_part(outcome, &parts[i], result);
	return result;
}

// Prepare and persist. What is durable is to be published; what failed was taken back.
static int commit_try(struct store *store, struct store_job *jobs, struct outcome *ret_outcome)
{
	*ret_outcome = (struct outcome){0};
	int result = commit_begin(&ret_outcome->commit, store);
	if (result != 0) {
		ret_outcome->left = jobs;
		return result;
	}
	result = commit_parts(ret_outcome, store, jobs);
	commit_keep(&ret_outcome->commit, ret_outcome->is_changed ? &ret_outcome->kept : NULL);
	return result;
}

static void publish(struct outcome *outcome)
{
	if (outcome->is_changed)
		commit_publish(&outcome->commit);
	answer(outcome->made);
	if (outcome->is_changed)
		commit_finish(&outcome->commit);
}

void store_commit(struct store *store, struct store_job *jobs)
{
	struct outcome outcome;
	if (atomic_load(&store->is_fatal)) {
		refuse_all(jobs);
		answer(jobs);
		return;
	}
	mark_pending(jobs); // until prepared, a job fails with the commit
	if (!refuse_late(jobs)) {
		answer(jobs);
		return;
	}
	int result = commit_try(store, jobs, &outcome);
	publish(&outcome);
	jobs = outcome.left;
	if (result == -ENOSPC && refuse_growing(jobs)) {
		result = commit_try(store, jobs, &outcome);
		publish(&outcome);
		jobs = outcome.left;
	}
	if (result < 0)
		give_up(store, jobs, result);
	answer(jobs);
	if (atomic_load(&store->is_fatal) && store->on_fatal != NULL)
		store->on_fatal(store->context, result);
}
