// SPDX-License-Identifier: Apache-2.0
// Change sets that are ordered here: one commit makes one revision of all that wait.
#include "base/clock.h"
#include "store/admit.h"
#include "store/commit.h"

#include <errno.h>

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

// A set that was accepted cannot be taken back alone any more: an error gives up the commit.
static int prepare(struct commit *commit, struct store_job *jobs)
{
	const struct history_revision revision = {.nonce = id128_random(), .time = clock_wall_s()};
	int result = commit_begin_revision(commit, &revision);
	for (struct store_job *job = jobs; result == 0 && job != NULL; job = job->next)
		if (job->is_pending)
			result = commit_job(commit, job, true);
	return result == 0 ? commit_end_revision(commit) : result;
}

// Prepare and persist. > 0: there is a new revision to publish; 0: nothing was accepted.
static int commit_try(struct commit *commit, struct store *store, struct store_job *jobs)
{
	int result = commit_begin(commit, store);
	if (result != 0)
		return result;
	result = prepare(commit, jobs);
	if (result == 0 && commit->rules.sets_accepted > 0) {
		result = commit_persist(commit);
		return result == 0 ? 1 : result;
	}
	commit_abandon(commit);
	return result;
}

void store_commit(struct store *store, struct store_job *jobs)
{
	struct commit commit;
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
	int result = commit_try(&commit, store, jobs);
	if (result == -ENOSPC && refuse_growing(jobs))
		result = commit_try(&commit, store, jobs);
	if (result < 0)
		give_up(store, jobs, result);
	if (result > 0)
		commit_publish(&commit);
	answer(jobs);
	if (result > 0)
		commit_finish(&commit);
	if (atomic_load(&store->is_fatal) && store->on_fatal != NULL)
		store->on_fatal(store->context, result);
}
