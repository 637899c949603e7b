// SPDX-License-Identifier: Apache-2.0
#include "store/commit.h"

#include "store/admit.h"

#include <errno.h>
#include <string.h>

// What a response takes at the limits of the rules, however the set was decoded and however often it is tried: the
// groups closed by as many writes as a set may have, or the same read back for a repeated set.
enum { RESPONSE_BUDGET = 64 * 1024 * 1024 };

// Entries of the journal that take no longer than a thread takes to wake up.
enum { REPEAT_ALONE_MAX = 2048 };

int commit_begin(struct commit *commit, struct store *store)
{
	uint64_t head;
	const int result = db_read_start(store->read, &head);
	if (result != 0)
		return result;
	ASSERT(head == store->state.position.revision);
	arena_reset(&store->arena);
	*commit = (struct commit){
		.store = store,
		.head = head,
		.rules = {.edit = store->edit,
			  .read = store->read,
			  .arena = &store->arena,
			  .revision = head,
			  .limits = &store->rules_limits},
		.idempotency = {.read = store->read,
				.arena = &store->arena,
				.age_min_s = store->remember_age_min_s,
				.count_min = store->remember_count_min},
		.history = {.read = store->read,
			    .arena = &store->arena,
			    .limits = store->log_limits,
			    .state = store->state},
	};
	image_edit_begin(store->edit, store->standby, store_other_image(store, store->standby));
	return 0;
}

int commit_begin_revision(struct commit *commit, const struct history_revision *revision)
{
	const int result = history_begin_revision(&commit->history, revision);
	if (result != 0)
		return result;
	const struct history_state *state = &commit->history.state;
	commit->rules.revision = state->position.revision;
	commit->rules.sets_accepted = 0;
	commit->rules.volume = (struct rules_volume){0};
	idempotency_begin_revision(&commit->idempotency, state->position.revision, state->time);
	return 0;
}

int commit_end_revision(struct commit *commit)
{
	return idempotency_end_revision(&commit->idempotency);
}

// ---------------------------------------------------------------- one change set

// DESIGN 1.4: idempotency first, for a retry finds the state moved on by its own first try.
static int apply_set(struct commit *commit, struct store_job *job, bool is_limited)
{
	struct rules_commit *rules = &commit->rules;
	int result = rules_check_set(job->set, &job->fault);
	if (result != 0)
		return result;
	result = idempotency_find(&commit->idempotency, job->set, job->repeat_window_s, &job->arena, &job->response,
				  &job->fault);
	if (result == 0)
		job->is_pending = job->response.revision > commit->head;
	if (result != -ENOENT)
		return result;
	if (is_limited && db_is_full(commit->store->db) && !job->set->dry_run && !admit_takes_away(job->set))
		return admit_refuse_full(&job->fault);
	rules->response_arena = &job->arena;
	result = rules_apply(rules, job->set, &job->response, &job->fault);
	if (result != 0)
		return result;
	if (!job->set->dry_run)
		job->is_pending = true;
	job->response.revision = rules->sets_accepted > 0 ? rules->revision : rules->revision - 1;
	return 0;
}

int commit_job(struct commit *commit, struct store_job *job, bool is_limited)
{
	const size_t accepted_before = commit->rules.sets_accepted;
	job->arena.budget = job->arena.used + RESPONSE_BUDGET;
	// Whatever it says is about a state that may never be.
	job->is_pending = accepted_before > 0 || commit->rules.revision > commit->head + 1;
	job->result = apply_set(commit, job, is_limited);
	if (job->result != 0) // what nobody had words for
		fault_set(&job->fault, job->result == -ENOMEM ? STATUS_RESOURCE_EXHAUSTED : STATUS_INTERNAL, NULL,
			  "the store cannot take the change set: %s", strerror(-job->result));
	if (commit->rules.sets_accepted == accepted_before)
		return 0;
	const int result = idempotency_remember(&commit->idempotency, job->set, &job->response);
	return result == 0 ? history_accept(&commit->history, job) : result;
}

// ---------------------------------------------------------------- persist

static struct db_write *append(struct db_write *end, const struct db_write *writes, size_t count)
{
	if (count > 0)
		memcpy(end, writes, count * sizeof(*writes));
	return end + count;
}

int commit_gather(struct commit *commit, struct commit_part *ret_part)
{
	struct rules_commit *rules = &commit->rules;
	struct idempotency *idempotency = &commit->idempotency;
	struct history *history = &commit->history;
	const int result = history_end(history);
	if (result != 0)
		return result;
	const size_t changed = rules->writes_count - commit->writes_gathered;
	const size_t count = changed + idempotency->writes_count + history->writes_count;
	struct db_write *writes = arena_alloc(rules->arena, count * sizeof(*writes));
	if (writes == NULL)
		return -ENOMEM;
	struct db_write *end = append(writes, rules->writes + commit->writes_gathered, changed);
	end = append(end, idempotency->writes, idempotency->writes_count);
	append(end, history->writes, history->writes_count);
	commit->writes_gathered = rules->writes_count;
	idempotency->writes_count = history->writes_count = 0;
	*ret_part = (struct commit_part){.db = commit->store->db,
					 .writes = writes,
					 .writes_count = count,
					 .state = history->state,
					 .image_mark = image_edit_mark(rules->edit)};
	return 0;
}

int commit_part_persist(const struct commit_part *part)
{
	return db_commit(part->db, part->writes, part->writes_count, part->state.position.revision);
}

int commit_persist(struct commit *commit)
{
	struct commit_part part;
	int result = commit_gather(commit, &part);
	if (result == 0)
		result = commit_part_persist(&part);
	commit_keep(commit, result == 0 ? &part : NULL);
	return result;
}

void commit_keep(struct commit *commit, const struct commit_part *part)
{
	struct image_edit *edit = commit->store->edit;
	db_read_stop(commit->store->read);
	image_edit_rollback(edit, part != NULL ? part->image_mark : 0);
	if (part != NULL)
		commit->history.state = part->state;
	else
		image_edit_end(edit);
}

void commit_abandon(struct commit *commit)
{
	commit_keep(commit, NULL);
}

// ---------------------------------------------------------------- publish

void commit_publish(struct commit *commit)
{
	struct store *store = commit->store;
	image_edit_seal(store->edit, commit->history.state.position.revision);
	store_publish(store);
	store_set_state(store, &commit->history.state);
}

static int repeat_records(void *argument)
{
	image_edit_repeat_records(argument);
	return 0;
}

// What many sets did is repeated by two threads.
static void repeat(struct store *store)
{
	if (image_edit_mark(store->edit) < REPEAT_ALONE_MAX) {
		image_edit_repeat(store->edit);
		return;
	}
	side_start(store->side, repeat_records, store->edit);
	image_edit_repeat_slots(store->edit);
	const int result = side_wait(store->side);
	ASSERT(result == 0);
}

void commit_finish(struct commit *commit)
{
	repeat(commit->store);
	image_edit_end(commit->store->edit);
}

int commit_alone(struct commit *commit)
{
	struct store *store = commit->store;
	const int result = commit_persist(commit);
	if (result == 0) {
		commit_publish(commit);
		commit_finish(commit);
		return 0;
	}
	if (result == -ENOSPC || result == -ENOMEM)
		return result;
	atomic_store(&store->is_fatal, true);
	if (store->on_fatal != NULL)
		store->on_fatal(store->context, result);
	return -EIO;
}
