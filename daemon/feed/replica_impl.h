// SPDX-License-Identifier: Apache-2.0
// Inside the replica: its state, and what its files call of each other. For daemon/feed/replica*.c alone.
//
//     replica.c          life, connections, and which action comes next
//     replica_anchor.c   what to do with a log like this and a store that stands there: pure
//     replica_attach.c   doing it: on every connection, and again when something does not fit
//     replica_follow.c   reading entries and handing them to the store
//     replica_range.c    how many entries are asked for
//     replica_sets.c     change sets: taken in, waiting, answered
//     replica_append.c   our own entry, until it is in the log
//     replica_fetch.c    a snapshot from a peer
//     replica_adopt.c    a new history from this store
//     replica_status.c   words and figures for the operator
#pragma once

#include "daemon/feed/replica.h"
#include "proto/log_body.h"

enum {
	RETRY_MEMORY_MS = 100, // until memory is asked for again
	RETRY_QUEUE_MS = 5,    // until a store that is busy is asked again
	RETRY_STORE_MS = 1000, // until a store that is full is tried again
	RETRY_APPEND_MS = 500, // until a Redis that takes no writes is asked again
	RETRY_FETCH_MIN_MS = 500,
	RETRY_FETCH_MAX_MS = 10000,
	CAUGHT_UP_LAG_MAX = 1000, // entries behind that are no CATCHING_UP yet
};

#define ADOPT_ADVICE                                                                                                 \
	"compare revision and digest of all replicas (evauth status), then run `evauth log adopt` on the one to go " \
	"on "                                                                                                        \
	"from; the others follow it and keep what they alone have (evauth log orphans)"

// ---------------------------------------------------------------- sets

struct set {
	struct set *next;
	uint64_t handle; // 0: nobody waits (any more)
	uint64_t expires_ms;
	uint64_t late_ms;
	uint64_t ready_ms; // inbox: offered from then on
	struct id128 key;
	uint64_t revision; // what it was applied with
	enum replica_outcome outcome;
	const char *text;
	uint32_t repeat_window_s;
	uint32_t index; // in its entry
	size_t size;
	char data[];
};

struct set_list {
	struct set *first;
	struct set *last;
	size_t count;
	size_t bytes;
};

void set_list_add(struct set_list *list, struct set *set);
struct set *set_list_take(struct set_list *list);
// All of `from` comes before what is in `to`.
void set_list_put_before(struct set_list *to, struct set_list *from);
void set_list_clear(struct set_list *list);

// ---------------------------------------------------------------- parts

// A command to Redis that is not answered. ticket 0: none.
struct request {
	uint64_t ticket;
	uint64_t sent_ms;
	struct store_position position; // head: what was asked about
	uint32_t count;                 // range
};

// An entry on its way through the store.
struct applying {
	struct applying *next;
	struct redis_log_entry entry;
	struct set_list sets; // ours, when somebody waits for them
	char *body;           // the entry's
	uint64_t received_ms;
	bool is_submitted;
	bool is_replicated;
};

// Our next entry, from its first sending until it is found in the log or given up. The nonce stays: wherever it turns
// up, these sets are done.
struct pending {
	struct redis_log_entry entry;
	struct set_list sets; // empty: nothing is pending
	char *body;
	// Sent to a connection that was lost: it may be executed yet, so that its bytes must not change.
	bool is_doubtful;
};

// What is being done about the connection and the place in the log.
enum step {
	STEP_OFFLINE,
	STEP_DRAIN,    // until the store has answered everything, then it is asked where it stands
	STEP_POSITION, // asked
	STEP_HEAD,     // the log is asked
	STEP_BEGIN,    // a base entry is being written
	STEP_JOIN,     // the store is being told its new position
	STEP_FOLLOW,
	STEP_FETCH, // a peer is being asked
	STEP_WAIT,  // until `again_ms`, then from STEP_DRAIN on
};

enum fetch_stage {
	FETCH_NONE,
	FETCH_WANTED,
	FETCH_RUNNING,
	FETCH_STAGED, // all there; the log is asked whether it knows that place
	FETCH_COMMIT, // to be told
	FETCH_ABORT,  // likewise
	FETCH_ENDING,
};

enum adopt_stage {
	ADOPT_NONE,
	ADOPT_WANTED, // until the log was looked at
	ADOPT_SENT,
	ADOPT_SETTING, // Redis has the base, the store is being told
	ADOPT_DONE,    // to be answered
};

// ---------------------------------------------------------------- anchor

enum verdict_kind {
	ANCHOR_BEGIN,
	ANCHOR_JOIN, // set the position to `position`, then follow
	ANCHOR_FOLLOW,
	ANCHOR_FETCH,
	ANCHOR_DIVERGED,
};

enum divergence {
	DIVERGED_NOT,
	DIVERGED_LOG_GONE,
	DIVERGED_LOG_SHORTER,
	DIVERGED_OTHER_ENTRY,
	DIVERGED_OTHER_HISTORY,
	DIVERGED_TWO_DATA_SETS,
	DIVERGED_HOLE,    // the entry at my revision is missing in the middle
	DIVERGED_DAMAGED, // what follows does not fit
	DIVERGED_PEER,    // trimmed, and the peers went another way
	DIVERGENCES,      // one past the last
};

struct anchor_verdict {
	enum verdict_kind kind;
	enum divergence divergence;
	struct store_position position; // JOIN
	bool is_same_history;           // FETCH
	uint64_t fetch_after;
};

// DESIGN 3.3, "Anchor". Pure.
struct anchor_verdict anchor_judge(const struct store_position *mine, bool is_empty, const struct redis_log_head *head);
// Whether the log knows this place: its entry there, or the one before its first.
bool anchor_is_known(const struct store_position *place, const struct redis_log_head *head);

// ---------------------------------------------------------------- the replica

struct replica {
	struct replica_options options;
	char origin[REDIS_LOG_ORIGIN_MAX];
	uint64_t now_ms;
	uint64_t ticket_last;

	// The connection.
	bool is_up;
	bool wants_connect;
	uint64_t back_off_ms; // the next one
	uint64_t connect_delay_ms;

	// The place.
	enum step step;
	uint64_t again_ms;
	enum replication_state state; // as decided last, while connected
	enum divergence divergence;
	struct store_position position; // the store's, when it was asked last
	bool is_empty;
	struct store_position cursor;
	uint64_t applied_revision;
	struct store_position join; // STEP_JOIN
	bool wants_set_position;
	bool is_setting_position;
	bool did_not_fit; // what follows the cursor
	unsigned misfits; // how often, at this place, in a log with this last entry
	uint64_t misfit_revision;
	struct id128 misfit_last;
	char damage[REDIS_ERROR_TEXT_SIZE]; // of the entry after the cursor; "": it follows another one

	// Redis.
	struct request head;
	struct request range;
	struct request append;
	struct request begin;
	struct redis_log_entry base; // of begin
	struct redis_log_entry base_expected;
	bool base_has_expected;
	uint32_t range_count; // entries to be asked for next
	bool look;            // there may be something to read
	uint64_t look_after_ms;
	uint64_t poll_ms; // the next look at the head
	uint64_t heard_revision;

	// What is known of the log.
	uint64_t head_revision;
	bool is_behind;             // head_revision is above what is applied
	uint64_t behind_since_ms;   // when that was found
	uint64_t complete_revision; // with this applied, everything was there at complete_ms
	uint64_t complete_ms;
	uint64_t fresh_ms; // last time everything was known to be applied
	bool was_fresh;
	bool is_caught_up;
	struct id128 adopted_epoch; // whose base named adopted[]: it is trimmed one day
	struct id128 adopted[REDIS_LOG_ADOPTED_MAX];
	uint32_t adopted_count;

	// Entries in the store.
	struct applying *applying;
	struct applying **applying_end;
	struct applying *submit_next; // the first that the store has not got
	uint64_t submit_after_ms;
	size_t applying_count;
	size_t applying_bytes;
	bool is_dropping; // one failed: those behind it come back
	int stalled;      // why the store did not take the entry after `stalled_at`; 0: it took the last one
	struct store_position stalled_at;

	// Sets.
	struct set_list inbox; // waiting for their moment
	struct set_list queue;
	struct pending pending;
	uint64_t append_after_ms;
	uint64_t expiry_ms; // no set expires before
	struct set_list answers;
	struct set *answered; // freed with the next call

	enum fetch_stage fetch;
	struct store_position staged;
	struct id128 fetch_epoch;
	uint64_t fetch_after;
	bool fetch_is_same_history;
	uint64_t fetch_back_off_ms;
	struct store_position fetch_refused; // DIVERGED_PEER holds for this position
	bool has_fetch_refused;

	enum adopt_stage adopt;
	uint64_t adopt_handle;
	struct id128 adopt_epoch;
	enum replica_outcome adopt_outcome;
	struct store_position adopt_position;
	const char *adopt_text;
	uint64_t adopt_expires_ms;

	struct replication counters; // only the counters in it
	char error[REPLICA_TEXT_MAX];
	int error_code;
	int64_t error_at;
	char advice[REPLICA_TEXT_MAX];
};

// replica.c
uint64_t replica_new_ticket(struct replica *replica, struct request *request);
bool replica_is_answer(struct request *request, uint64_t ticket);
void replica_set_now(struct replica *replica, uint64_t now_ms);
// Gives up the connection.
void replica_disconnect(struct replica *replica, int code, const char *text);
struct id128 replica_random_id(struct replica *replica);

// replica_attach.c
// From the start: where does the store stand, and what does the log say?
void replica_attach(struct replica *replica);
// The same later.
void replica_attach_later(struct replica *replica, uint64_t delay_ms);
void replica_judge(struct replica *replica, const struct redis_log_head *head);
bool replica_attach_action(struct replica *replica, struct replica_action *ret_action);

// replica_follow.c
void replica_follow_head(struct replica *replica, const struct redis_log_head *head, const struct request *asked);
void replica_look_if_heard(struct replica *replica);
void replica_note_head(struct replica *replica, uint64_t revision);
// The same for a log that may have another head than the one known, also a lower one.
void replica_set_head(struct replica *replica, uint64_t revision);
void replica_note_applied(struct replica *replica);
bool replica_follow_action(struct replica *replica, struct replica_action *ret_action);
bool replica_apply_action(struct replica *replica, struct replica_action *ret_action);
int replica_hand_over(struct replica *replica, const struct redis_log_entry *entry, bool is_replicated);
bool replica_is_full(const struct replica *replica);
void replica_drop_applying(struct replica *replica);

// The store has not taken the next entry, the last time it was tried.
bool replica_is_stalled(const struct replica *replica);
// And waiting for room does not help: an operator may go on without the entry.
bool replica_is_stuck(const struct replica *replica);
// The log does not go on from the cursor in a way that could be applied. `damage`: why, for people; "": it follows
// another entry.
void replica_does_not_fit(struct replica *replica, const char *damage);

// replica_range.c
uint32_t replica_range_count(const struct replica *replica);
void replica_range_learn(struct replica *replica, const struct request *asked, const struct redis_log_entry *entries,
			 size_t count);
// The connection ends with this error; before the range is forgotten.
void replica_range_lost(struct replica *replica, int code);

// replica_append.c
bool replica_append_action(struct replica *replica, struct replica_action *ret_action);
// Whether Redis gives this error before it executes anything.
bool replica_is_refusal(int code);
void replica_append_failed(struct replica *replica, const struct redis_error *error);
void replica_append_lost(struct replica *replica);

// replica_sets.c
// Answers everything that waits: writes are refused from now on. `keep_pending` when it may be found yet.
void replica_refuse_sets(struct replica *replica, bool keep_pending, const char *text);
void replica_expire_sets(struct replica *replica);
// Those of the queue that have waited for too long.
void replica_refuse_late_sets(struct replica *replica);
void replica_release_inbox(struct replica *replica);
void replica_answer_all(struct replica *replica, struct set_list *sets, enum replica_outcome outcome, const char *text);
bool replica_answer_action(struct replica *replica, struct replica_action *ret_action);
uint64_t replica_sets_tick_ms(const struct replica *replica);

// replica_fetch.c
void replica_fetch_begin(struct replica *replica, const struct anchor_verdict *verdict,
			 const struct redis_log_head *head);
void replica_fetch_head(struct replica *replica, const struct redis_log_head *head);
bool replica_fetch_action(struct replica *replica, struct replica_action *ret_action);

// replica_adopt.c
// The log is not one to follow: true when an adopt takes it from here.
bool replica_adopt_judge(struct replica *replica, const struct redis_log_head *head);
void replica_adopt_end(struct replica *replica, enum replica_outcome outcome, const char *text);
bool replica_adopt_action(struct replica *replica, struct replica_action *ret_action);

// replica_status.c
void replica_note_error(struct replica *replica, int code, const char *text);
void replica_note_advice(struct replica *replica, const char *text);
// Why the log is not followed, with both sides' revisions.
void replica_note_divergence(struct replica *replica, enum divergence divergence, const struct redis_log_head *head);
