// SPDX-License-Identifier: Apache-2.0
// One commit: prepare, persist, publish, answer, repeat. Everything that can fail comes before publish.
#include "base/clock.h"
#include "store/idempotency.h"
#include "store/rules.h"
#include "store/store_impl.h"

#include <errno.h>
#include <string.h>

struct commit {
	struct store *store;
	struct rules_commit rules;
	struct idempotency idempotency;
};

static const struct bytes key_time = {.data = "time", .size = 4};

int store_read_time(struct db_read *read, int64_t *ret_time)
{
	struct db_record record;
	const int result = db_get(read, DB_META, key_time, &record);
	if (result == -ENOENT) {
		*ret_time = 0;
		return 0;
	}
	if (result == 0 && record.value.size != sizeof(*ret_time))
		return -EBADMSG;
	if (result == 0)
		memcpy(ret_time, record.value.data, sizeof(*ret_time));
	return result;
}

// ---------------------------------------------------------------- prepare

// The commit's time never goes back: what is remembered is trimmed by it.
static int64_t next_time(const struct store *store)
{
	const int64_t now = clock_wall_s();
	return now > store->time ? now : store->time;
}

static int commit_begin(struct commit *commit, struct store *store)
{
	uint64_t head;
	const int result = db_read_start(store->read, &head);
	if (result != 0)
		return result;
	arena_reset(&store->arena);
	*commit = (struct commit){
		.store = store,
		.rules = {.edit = store->edit, .read = store->read, .arena = &store->arena, .revision = head + 1},
		.idempotency = {.read = store->read,
				.arena = &store->arena,
				.revision = head + 1,
				.time = next_time(store),
				.age_min_s = IDEMPOTENCY_AGE_MIN_S,
				.count_min = IDEMPOTENCY_COUNT_MIN},
	};
	image_edit_begin(store->edit, store->standby, store_other_image(store, store->standby));
	return 0;
}

// What makes a full store emptier, or no fuller.
static bool takes_away(const struct change_set *set)
{
	static const bool rows[CHANGE_KINDS] = {
		[CHANGE_DELETE_TARIFF] = true,       [CHANGE_DELETE_CHARGE_GROUP] = true,
		[CHANGE_DELETE_CHARGE_POINT] = true, [CHANGE_DELETE_CUSTOMER] = true,
		[CHANGE_DELETE_TOKEN] = true,        [CHANGE_DETACH_CHARGE_POINTS] = true,
		[CHANGE_DETACH_CUSTOMERS] = true,
	};
	for (size_t i = 0; i < set->changes_count; i++)
		if ((unsigned)set->changes[i].kind >= CHANGE_KINDS || !rows[set->changes[i].kind])
			return false;
	return true;
}

static int refuse_full(struct store_job *job)
{
	fault_set(&job->fault, STATUS_RESOURCE_EXHAUSTED, NULL,
		  "the store is full; delete what is not needed any more (deletes still work), or give it a larger "
		  "map_size and a larger disk");
	return -ENOSPC;
}

// DESIGN 1.4: idempotency first, for a retry finds the state moved on by its own first try.
static int prepare_set(struct commit *commit, struct store_job *job)
{
	struct rules_commit *rules = &commit->rules;
	int result = rules_check_set(job->set, &job->fault);
	if (result != 0)
		return result;
	result = idempotency_find(&commit->idempotency, job->set, &job->arena, &job->response, &job->fault);
	if (result == 0)
		job->is_pending = job->response.revision == rules->revision;
	if (result != -ENOENT)
		return result;
	if (db_is_full(commit->store->db) && !job->set->dry_run && !takes_away(job->set))
		return refuse_full(job);
	rules->response_arena = &job->arena;
	result = rules_apply(rules, job->set, &job->response, &job->fault);
	if (result != 0)
		return result;
	job->is_pending = !job->set->dry_run;
	job->response.revision = rules->sets_accepted > 0 ? rules->revision : rules->revision - 1;
	return 0;
}

static void prepare_job(struct commit *commit, struct store_job *job)
{
	job->is_pending = false;
	job->result = prepare_set(commit, job);
	if (job->result != 0) // what nobody had words for
		fault_set(&job->fault, job->result == -ENOMEM ? STATUS_RESOURCE_EXHAUSTED : STATUS_INTERNAL, NULL,
			  "the store cannot take the change set: %s", strerror(-job->result));
}

// A set that was accepted cannot be taken back alone any more: -ENOMEM gives up the commit.
static int prepare(struct commit *commit, struct store_job *jobs)
{
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		const size_t accepted_before = commit->rules.sets_accepted;
		if (job->result == 0)
			prepare_job(commit, job);
		if (commit->rules.sets_accepted == accepted_before)
			continue;
		if (idempotency_remember(&commit->idempotency, job->set, &job->response) != 0)
			return -ENOMEM;
	}
	return 0;
}

// ---------------------------------------------------------------- persist

static int persist(struct commit *commit)
{
	const struct rules_commit *rules = &commit->rules;
	const size_t count_max = rules->writes_count + idempotency_writes_max(&commit->idempotency) + 1;
	struct db_write *writes = arena_alloc(rules->arena, count_max * sizeof(*writes));
	size_t remembered;
	if (writes == NULL)
		return -ENOMEM;
	if (rules->writes_count > 0)
		memcpy(writes, rules->writes, rules->writes_count * sizeof(*writes));
	const int result = idempotency_write(&commit->idempotency, writes + rules->writes_count, &remembered);
	if (result != 0)
		return result;
	const size_t count = rules->writes_count + remembered;
	const int64_t *time = &commit->idempotency.time;
	writes[count] = (struct db_write){.table = DB_META,
					  .key = key_time,
					  .modified_revision = rules->revision,
					  .value = {.data = (const char *)time, .size = sizeof(*time)}};
	return db_commit(commit->store->db, writes, count + 1, rules->revision);
}

// ---------------------------------------------------------------- answer

static void answer(struct store_job *jobs)
{
	for (struct store_job *job = jobs, *next; job != NULL; job = next) {
		next = job->next; // the job is its owner's again in done()
		job->done(job);
	}
}

static void fail_pending(struct store_job *jobs, int error, enum status_code code, const char *message)
{
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		if (job->result != 0 || !job->is_pending)
			continue;
		job->result = error;
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

// Those that would have filled a full store are refused. Whether any are left to be tried again.
static bool refuse_growing(struct store_job *jobs)
{
	bool refused_any = false, left_any = false;
	for (struct store_job *job = jobs; job != NULL; job = job->next) {
		if (job->result != 0 || !job->is_pending)
			continue;
		if (takes_away(job->set)) {
			left_any = true;
		} else {
			job->result = refuse_full(job);
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

// Prepare and persist. > 0: there is a new revision to publish; 0: nothing was accepted.
static int commit_try(struct commit *commit, struct store *store, struct store_job *jobs)
{
	mark_pending(jobs); // until prepared, a job fails with the commit
	int result = commit_begin(commit, store);
	if (result != 0)
		return result;
	result = prepare(commit, jobs);
	const bool is_accepted = commit->rules.sets_accepted > 0;
	if (result == 0 && is_accepted)
		result = persist(commit);
	db_read_stop(store->read);
	if (result == 0 && is_accepted)
		return 1;
	image_edit_rollback(store->edit, 0);
	image_edit_end(store->edit);
	return result;
}

static void publish(struct commit *commit)
{
	struct store *store = commit->store;
	image_edit_seal(store->edit, commit->rules.revision);
	store->time = commit->idempotency.time;
	store_count(store, store->standby);
	store_publish(store);
}

void store_commit(struct store *store, struct store_job *jobs)
{
	struct commit commit;
	if (atomic_load(&store->is_fatal)) {
		refuse_all(jobs);
		answer(jobs);
		return;
	}
	int result = commit_try(&commit, store, jobs);
	if (result == -ENOSPC && refuse_growing(jobs))
		result = commit_try(&commit, store, jobs);
	if (result < 0)
		give_up(store, jobs, result);
	if (result > 0)
		publish(&commit);
	answer(jobs);
	if (result > 0) {
		image_edit_repeat(store->edit);
		image_edit_end(store->edit);
	}
	if (atomic_load(&store->is_fatal) && store->on_fatal != NULL)
		store->on_fatal(store->context, result);
}
