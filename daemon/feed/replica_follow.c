// SPDX-License-Identifier: Apache-2.0
// Entries: read in order, checked against the one before, handed to the store, which applies them behind the reading.
#include "daemon/feed/replica_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// ---------------------------------------------------------------- on their way through the store

bool replica_is_full(const struct replica *replica)
{
	return replica->applying_count >= REPLICA_APPLYING_ENTRIES_MAX ||
	       replica->applying_bytes >= REPLICA_APPLYING_BYTES_MAX;
}

static size_t applying_size(const struct applying *applying)
{
	return sizeof(*applying) + applying->entry.body.size;
}

static bool is_pending_entry(const struct replica *replica, const struct redis_log_entry *entry)
{
	return replica->pending.sets.count > 0 && id128_equal(&replica->pending.entry.nonce, &entry->nonce);
}

// Takes the bytes over from what is pending, when it is that entry, else copies them.
static struct applying *applying_create(struct replica *replica, const struct redis_log_entry *entry)
{
	struct pending *pending = &replica->pending;
	struct applying *applying = calloc(1, sizeof(*applying) + entry->origin.size);
	if (applying == NULL)
		return NULL;
	applying->entry = *entry;
	if (is_pending_entry(replica, entry)) {
		applying->body = pending->body;
		applying->sets = pending->sets;
		applying->entry.body.data = applying->body;
		*pending = (struct pending){0};
	} else if (entry->body.size > 0) {
		applying->body = malloc(entry->body.size);
		if (applying->body == NULL) {
			free(applying);
			return NULL;
		}
		memcpy(applying->body, entry->body.data, entry->body.size);
		applying->entry.body.data = applying->body;
	}
	if (entry->origin.size > 0)
		memcpy(applying + 1, entry->origin.data, entry->origin.size);
	applying->entry.origin.data = (const char *)(applying + 1);
	return applying;
}

static void applying_destroy(struct applying *applying)
{
	set_list_clear(&applying->sets);
	free(applying->body);
	free(applying);
}

// The entry after the cursor, checked: it is applied, and the cursor is there. -ENOMEM.
int replica_hand_over(struct replica *replica, const struct redis_log_entry *entry, bool is_replicated)
{
	struct applying *applying = applying_create(replica, entry);
	if (applying == NULL)
		return -ENOMEM;
	applying->received_ms = replica->now_ms;
	applying->is_replicated = is_replicated;
	*replica->applying_end = applying;
	replica->applying_end = &applying->next;
	if (replica->submit_next == NULL)
		replica->submit_next = applying;
	replica->applying_count++;
	replica->applying_bytes += applying_size(applying);
	replica->cursor.revision = entry->revision;
	replica->cursor.nonce = entry->nonce;
	replica_note_head(replica, entry->revision);
	return 0;
}

static struct applying *applying_take(struct replica *replica)
{
	struct applying *applying = replica->applying;
	replica->applying = applying->next;
	if (replica->applying == NULL)
		replica->applying_end = &replica->applying;
	if (replica->submit_next == applying)
		replica->submit_next = applying->next;
	replica->applying_count--;
	replica->applying_bytes -= applying_size(applying);
	return applying;
}

void replica_drop_applying(struct replica *replica)
{
	while (replica->applying != NULL)
		applying_destroy(applying_take(replica));
}

static void answer_applied(struct replica *replica, struct applying *applying)
{
	struct set *set;
	while ((set = set_list_take(&applying->sets)) != NULL) {
		set->outcome = applying->is_replicated ? REPLICA_APPLIED : REPLICA_OUTCOME_UNKNOWN;
		set->text = "applied, but not known to be on as many replicas of Redis as configured";
		set->revision = applying->entry.revision;
		set_list_add(&replica->answers, set);
	}
}

// Behind an entry that failed nothing can be applied: what the store has not got yet never gets there.
static void drop_unsubmitted(struct replica *replica)
{
	struct applying **link = &replica->applying;
	while (*link != NULL && (*link)->is_submitted)
		link = &(*link)->next;
	struct applying *dropped = *link;
	*link = NULL;
	replica->applying_end = link;
	replica->submit_next = NULL;
	while (dropped != NULL) {
		struct applying *next = dropped->next;
		replica->applying_count--;
		replica->applying_bytes -= applying_size(dropped);
		replica_answer_all(replica, &dropped->sets, REPLICA_OUTCOME_UNKNOWN,
				   "it is in the log, but this replica's store cannot take it now");
		applying_destroy(dropped);
		dropped = next;
	}
}

static void note_failure(struct replica *replica, int result)
{
	static const struct {
		int result;
		const char *error;
		const char *advice;
	} rows[] = {
		{-ENOSPC, "the store is full", "give this daemon a larger map_size and a larger disk"},
		{-ENOMEM, "there is not enough memory to apply the next entry",
		 "give this daemon more memory; or go on without the entry: " ADOPT_ADVICE},
		{-E2BIG, "the next entry is larger than a store can take", "go on without the entry: " ADOPT_ADVICE},
		{-EBADMSG, "the next entry cannot be understood by this version",
		 "upgrade this daemon; or go on without the entry: " ADOPT_ADVICE},
		{-EIO, "the store failed for good", "look at the daemon's log and its disk, and restart it"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].result != result)
			continue;
		replica_note_error(replica, result, rows[i].error);
		replica_note_advice(replica, rows[i].advice);
		return;
	}
	replica_note_error(replica, result, "the store did not take the next entry");
}

bool replica_is_stalled(const struct replica *replica)
{
	return replica->stalled != 0;
}

bool replica_is_stuck(const struct replica *replica)
{
	return replica->stalled == -EBADMSG || replica->stalled == -E2BIG || replica->stalled == -ENOMEM;
}

static void stall(struct replica *replica, int result)
{
	replica->is_dropping = true;
	drop_unsubmitted(replica);
	// The store was moved by somebody else: look where it stands.
	if (result == -ESTALE) {
		replica_attach_later(replica, RETRY_QUEUE_MS);
		return;
	}
	// Tried again and again: when it began is what counts.
	if (replica->stalled != result)
		note_failure(replica, result);
	replica->stalled = result;
	replica->stalled_at = replica->position;
	replica->stalled_at.revision = replica->applied_revision;
	replica_refuse_sets(replica, false, "this replica's store cannot take the next entry (STALLED)");
	if (replica->is_up)
		replica->state = REPLICATION_STATE_STALLED;
	replica_attach_later(replica, RETRY_STORE_MS);
}

static void submit_again(struct replica *replica, uint64_t revision)
{
	for (struct applying *at = replica->applying; at != NULL; at = at->next) {
		if (at->entry.revision < revision)
			continue;
		if (at->entry.revision == revision)
			replica->submit_next = at;
		at->is_submitted = false;
	}
	replica->submit_after_ms = replica->now_ms + RETRY_QUEUE_MS;
}

void replica_applied(struct replica *replica, uint64_t now_ms, uint64_t revision, int result)
{
	replica_set_now(replica, now_ms);
	if (replica->applying == NULL)
		return;
	if (result == -EAGAIN) {
		submit_again(replica, revision);
		if (replica->is_dropping)
			drop_unsubmitted(replica);
		return;
	}
	if (replica->applying->entry.revision != revision)
		return;
	struct applying *applying = applying_take(replica);
	if (result == 0 && !replica->is_dropping) {
		replica->applied_revision = revision;
		replica->stalled = 0;
		replica->counters.entries_applied++;
		answer_applied(replica, applying);
		replica_note_applied(replica);
	} else {
		replica_answer_all(replica, &applying->sets, REPLICA_OUTCOME_UNKNOWN,
				   "it is in the log, but this replica's store cannot take it now");
		if (!replica->is_dropping)
			stall(replica, result);
	}
	applying_destroy(applying);
}

bool replica_apply_action(struct replica *replica, struct replica_action *ret_action)
{
	struct applying *next = replica->submit_next;
	if (next == NULL || replica->submit_after_ms > replica->now_ms)
		return false;
	next->is_submitted = true;
	replica->submit_next = next->next;
	ret_action->kind = REPLICA_APPLY;
	ret_action->entry.entry = &next->entry;
	return true;
}

// ---------------------------------------------------------------- what is known of the log

static void note_lag(struct replica *replica)
{
	const bool is_behind = replica->head_revision > replica->applied_revision;
	if (is_behind && !replica->is_behind)
		replica->behind_since_ms = replica->now_ms;
	replica->is_behind = is_behind;
}

void replica_set_head(struct replica *replica, uint64_t revision)
{
	replica->head_revision = revision;
	note_lag(replica);
}

void replica_note_head(struct replica *replica, uint64_t revision)
{
	if (revision <= replica->head_revision)
		return;
	replica_set_head(replica, revision);
	if (revision > replica->applied_revision + CAUGHT_UP_LAG_MAX)
		replica->is_caught_up = false;
}

void replica_note_applied(struct replica *replica)
{
	note_lag(replica);
	if (replica->complete_revision != 0 && replica->applied_revision >= replica->complete_revision) {
		replica->fresh_ms = replica->complete_ms;
		replica->was_fresh = true;
		replica->complete_revision = 0;
	}
	if (replica->step != STEP_FOLLOW)
		return;
	if (replica->applied_revision >= replica->head_revision) {
		replica->stalled = 0; // by an entry that is not there any more
		replica->is_caught_up = true;
		replica->back_off_ms = REPLICA_BACK_OFF_MIN_MS;
	}
	replica->state = replica_is_stalled(replica) ? REPLICATION_STATE_STALLED
			 : replica->is_caught_up     ? REPLICATION_STATE_FOLLOWING
						     : REPLICATION_STATE_CATCHING_UP;
}

// What it is, the anchor says.
void replica_does_not_fit(struct replica *replica, const char *damage)
{
	snprintf(replica->damage, sizeof(replica->damage), "%s", damage);
	replica->did_not_fit = true;
	replica_attach(replica);
}

static void look_for(struct replica *replica, uint64_t revision)
{
	if (revision <= replica->cursor.revision)
		return;
	// What is being read may have it, and our own entry that is under way may be it: their answers say whether
	// there is more.
	if (replica->range.ticket == 0 && replica->append.ticket == 0)
		replica->look = true;
	else if (revision > replica->heard_revision)
		replica->heard_revision = revision;
}

// A revision that was only heard of is believed once.
void replica_look_if_heard(struct replica *replica)
{
	if (replica->heard_revision > replica->cursor.revision)
		replica->look = true;
	replica->heard_revision = 0;
}

// Its revision may be anything: what follows is read, up to where it cannot be.
static void look_at_damage(struct replica *replica)
{
	if (replica->range.ticket == 0 && replica->append.ticket == 0)
		replica->look = true;
}

void replica_follow_head(struct replica *replica, const struct redis_log_head *head, const struct request *asked)
{
	if (!anchor_is_known(&asked->position, head)) {
		replica_attach(replica);
		return;
	}
	if (head->last.mark[0] != '\0') {
		look_at_damage(replica);
		return;
	}
	replica->complete_revision = head->last.revision;
	replica->complete_ms = asked->sent_ms;
	replica_note_head(replica, head->last.revision);
	replica_note_applied(replica);
	look_for(replica, head->last.revision);
}

// ---------------------------------------------------------------- reading

enum fit { FIT_NEXT, FIT_KNOWN, FIT_NOT };

static enum fit fit_of(const struct replica *replica, const struct redis_log_entry *entry)
{
	const struct store_position *cursor = &replica->cursor;
	if (entry->revision < cursor->revision)
		return FIT_KNOWN;
	if (entry->revision == cursor->revision)
		return id128_equal(&entry->nonce, &cursor->nonce) ? FIT_KNOWN : FIT_NOT;
	return entry->revision == cursor->revision + 1 && !entry->is_base &&
			       id128_equal(&entry->epoch, &cursor->epoch) && id128_equal(&entry->prev, &cursor->nonce)
		       ? FIT_NEXT
		       : FIT_NOT;
}

void replica_range_read(struct replica *replica, uint64_t now_ms, uint64_t ticket,
			const struct redis_log_entry *entries, size_t count)
{
	replica_set_now(replica, now_ms);
	const struct request asked = replica->range;
	// Of an entry of ours that was lost on its way.
	const bool is_confirmed = !replica->options.needs_confirmation;
	if (!replica_is_answer(&replica->range, ticket) || replica->step != STEP_FOLLOW)
		return;
	replica_range_learn(replica, &asked, entries, count);
	for (size_t i = 0; i < count; i++) {
		const enum fit fit = fit_of(replica, &entries[i]);
		if (fit == FIT_NOT) {
			replica_does_not_fit(replica, "");
			return;
		}
		if (fit == FIT_NEXT && !log_body_is_wire(entries[i].body)) {
			replica_does_not_fit(replica, "the changes of the next entry cannot be read");
			return;
		}
		if (fit == FIT_NEXT && replica_hand_over(replica, &entries[i], is_confirmed) != 0) {
			replica->look = true;
			replica->look_after_ms = replica->now_ms + RETRY_MEMORY_MS;
			return;
		}
	}
	if (count >= asked.count)
		replica->look = true;
	replica_look_if_heard(replica);
	replica_note_applied(replica);
}

void replica_heard(struct replica *replica, uint64_t now_ms, uint64_t revision)
{
	replica_set_now(replica, now_ms);
	if (revision == 0) {
		replica->counters.messages_refused++;
		return;
	}
	if (replica->step == STEP_FOLLOW)
		look_for(replica, revision);
}

static bool can_read(const struct replica *replica)
{
	return replica->look && replica->range.ticket == 0 && !replica_is_full(replica) &&
	       replica->look_after_ms <= replica->now_ms;
}

bool replica_follow_action(struct replica *replica, struct replica_action *ret_action)
{
	if (replica->step != STEP_FOLLOW)
		return false;
	if (can_read(replica)) {
		replica->look = false;
		ret_action->kind = REPLICA_READ_RANGE;
		ret_action->ticket = replica_new_ticket(replica, &replica->range);
		ret_action->range.after = replica->cursor.revision;
		ret_action->range.count = replica->range.count = replica_range_count(replica);
		return true;
	}
	if (replica->head.ticket == 0 && replica->poll_ms <= replica->now_ms) {
		replica->poll_ms = replica->now_ms + REPLICA_POLL_MS;
		ret_action->kind = REPLICA_READ_HEAD;
		ret_action->ticket = replica_new_ticket(replica, &replica->head);
		ret_action->head_revision = replica->cursor.revision;
		replica->head.position = replica->cursor;
		return true;
	}
	return false;
}
