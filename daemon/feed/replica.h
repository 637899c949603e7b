// SPDX-License-Identifier: Apache-2.0
// One replica's side of the protocol that orders changes through Redis (DESIGN 3.3, docs/replication.md), as a state
// machine and nothing else: no socket, no clock, no thread, no store. The caller reports what happened (the functions
// with `now_ms`, a clock that never goes back and goes on while the machine sleeps), then pulls what is to be done:
//
//     replica_heard(replica, now, revision);
//     while (replica_next_action(replica, &action))
//             do it, or start it; its result comes back through the function the action names
//
// Ticks: after the pulling, replica_next_tick_ms() says when replica_tick() wants to be called next.
//
// Glossary: the *log* is the stream in Redis; an *entry* makes one revision; a *base* entry opens a history and brings
// no changes; the *cursor* is the last entry that was handed to the store, whether it is applied already or not.
//
// Not thread-safe: everything on one thread. Memory is taken for what is queued and for entries on their way to the
// store, both bounded; when there is none, sets are refused and reading starts again later.
#pragma once

#include "base/id128.h"
#include "daemon/feed/redis_entry.h"
#include "daemon/feed/redis_error.h"
#include "proto/messages.h"
#include "store/position.h"

enum {
	REPLICA_QUEUE_SETS_MAX_DEFAULT = 4096,
	REPLICA_QUEUE_BYTES_MAX_DEFAULT = 16 * 1024 * 1024,
	REPLICA_APPLYING_ENTRIES_MAX = 2000, // handed to the store and not answered
	REPLICA_APPLYING_BYTES_MAX = 4 * 1024 * 1024,
	REPLICA_READ_ENTRIES_FIRST = 4, // of one range, until their size is known
	REPLICA_READ_ENTRIES_MAX = 256,
	REPLICA_READ_BYTES = 2 * 1024 * 1024, // of one range, about
	REPLICA_POLL_MS = 1000,               // at least so often the head is read
	REPLICA_BACK_OFF_MIN_MS = 50,
	REPLICA_BACK_OFF_MAX_MS = 5000,
	REPLICA_INBOX_JITTER_MS = 20,
	REPLICA_TEXT_MAX = 512, // error and advice
};

// ---------------------------------------------------------------- what is exchanged

// What became of a change set that was submitted.
enum replica_outcome {
	REPLICA_APPLIED,         // see the set's job: it may have been refused by the rules
	REPLICA_UNAVAILABLE,     // nothing happened and nothing will
	REPLICA_OUTCOME_UNKNOWN, // UNAVAILABLE, but it may take effect, here and elsewhere
	REPLICA_TOO_MUCH,        // RESOURCE_EXHAUSTED: nothing happened
	REPLICA_LATE,            // DEADLINE_EXCEEDED: nothing happened
	REPLICA_NOT_NOW,         // adopt only: FAILED_PRECONDITION, nothing happened
};

struct replica_set {
	struct bytes body; // the encoded ChangeSet; copied
	uint32_t repeat_window_s;
	// Comes back with the answer; 0: nobody waits for it.
	uint64_t handle;
	// Given up when not sent to Redis by then. 0: after the time-out of the options.
	uint64_t expires_ms;
	// Not put into an entry from then on, which may be sooner; in one already it stays. 0: never.
	uint64_t late_ms;
	// Of actor and idempotency key, for the inbox: a set is not offered when replica_seen() named the same.
	// Zero: none.
	struct id128 key;
};

// ---------------------------------------------------------------- what is to be done

enum replica_action_kind {
	REPLICA_NOTHING,
	REPLICA_CONNECT,      // close both connections; after `delay_ms` open new ones -> _up() or _down()
	REPLICA_GET_POSITION, // store_get_position() -> replica_position(), at once
	REPLICA_SET_POSITION, // store_set_position(expected, position) -> replica_position_set()
	REPLICA_READ_HEAD,    // redis_log_read_head(head_revision) -> replica_head_read()
	REPLICA_READ_RANGE,   // redis_log_read_range(after, count) -> replica_range_read()
	REPLICA_APPEND,       // redis_log_append() -> replica_appended()
	REPLICA_BEGIN,        // redis_log_begin() -> replica_begun()
	REPLICA_APPLY,        // store_submit_entry() -> replica_applied(), in order
	REPLICA_FETCH,        // a snapshot from a peer -> replica_fetch_staged(), replica_fetched()
	REPLICA_FETCH_COMMIT, // take over what was staged -> replica_fetched()
	REPLICA_FETCH_ABORT,  // forget it -> replica_fetched() with -ECANCELED
	REPLICA_ANSWER,       // to a submitted set
	REPLICA_ANSWER_ADOPT, // to replica_adopt()
};

// Redis is asked under a ticket; an answer under another one than the last of its kind is ignored, so that answers of
// a connection that was given up do no harm.
struct replica_action {
	enum replica_action_kind kind;
	uint64_t ticket;
	union {
		uint64_t delay_ms; // CONNECT
		struct {
			struct store_position expected;
			struct store_position position;
		} set_position;
		uint64_t head_revision; // READ_HEAD
		struct {
			uint64_t after;
			uint32_t count;
		} range;
		struct {
			const struct redis_log_entry *entry;    // APPEND, BEGIN, APPLY; until the result of it
			const struct redis_log_entry *expected; // BEGIN: the head it takes the place of; NULL: no log
		} entry;
		struct {
			struct store_position mine;
			bool is_empty;      // there is nothing of ours to keep aside
			struct id128 epoch; // of the log: a peer that is in another one does not help
			uint64_t after;     // the lowest revision that helps
			// The log is in my history, only trimmed: a peer that has another entry at my revision is
			// -EXDEV. Else: another history took mine over, keep what it lacks as orphans.
			bool is_same_history;
		} fetch;
		struct {
			uint64_t handle;
			enum replica_outcome outcome;
			// APPLIED: the set with this index of the entry that replica_applied() just named.
			uint64_t revision;
			uint32_t index;
			const char *text; // else: why, for people; until the next call
		} answer;
		struct {
			uint64_t handle;
			enum replica_outcome outcome;
			struct store_position position; // APPLIED: where the new history starts
			const char *text;
		} answer_adopt;
	};
};

// ---------------------------------------------------------------- life

struct replica;

struct replica_options {
	struct bytes origin;   // this replica's name in its entries; copied
	uint32_t timeout_ms;   // of a command, and of a set until it is answered
	size_t queue_sets_max; // waiting to be appended
	size_t queue_bytes_max;
	// An append only counts with the word of replicas of Redis (redis-wait-replicas): what is merely found in the
	// log has not got it.
	bool needs_confirmation;
	void (*random)(void *context, void *buffer, size_t size);
	int64_t (*wall_time)(void *context); // unix seconds
	void *context;
};

// Starts unconnected; the first action is CONNECT. -ENOMEM.
MUST_CHECK int replica_create(const struct replica_options *options, uint64_t now_ms, struct replica **ret_replica);
// Nothing is answered any more. NULL is fine.
void replica_destroy(struct replica *replica);

// False: nothing more to be done now. What the action points to lives as its kind says, else until the next call of
// anything.
MUST_CHECK bool replica_next_action(struct replica *replica, struct replica_action *ret_action);
// UINT64_MAX: never.
uint64_t replica_next_tick_ms(const struct replica *replica);
void replica_tick(struct replica *replica, uint64_t now_ms);

// ---------------------------------------------------------------- what happened: Redis

// Both connections are there, authenticated, and SUBSCRIBE is confirmed.
void replica_up(struct replica *replica, uint64_t now_ms);
// The connections are closed, or could not be made. Nothing comes of what was asked before.
void replica_down(struct replica *replica, uint64_t now_ms, const struct redis_error *error);
// Redis answered the command with an error. An append counts as not executed for those errors that Redis gives before
// it starts a script: -EAGAIN -EBUSY -ENOKEY -EKEYREJECTED -EROFS -ENOSPC -EIO -ENOLINK -ESRCH -EHOSTDOWN. What is no
// answer: replica_down(). -EUCLEAN of a range: its first entry is damaged.
void replica_failed(struct replica *replica, uint64_t now_ms, uint64_t ticket, const struct redis_error *error);

// `head` is borrowed.
void replica_head_read(struct replica *replica, uint64_t now_ms, uint64_t ticket, const struct redis_log_head *head);
// In the order of the stream, as many as there are, up to the count asked for. Bodies are copied.
void replica_range_read(struct replica *replica, uint64_t now_ms, uint64_t ticket,
			const struct redis_log_entry *entries, size_t count);
// `last`: the head that the entry did not follow; NULL: appended. `is_replicated` false: appended, but fewer of Redis's
// replicas confirmed it than configured.
void replica_appended(struct replica *replica, uint64_t now_ms, uint64_t ticket, const struct redis_log_entry *last,
		      bool is_replicated);
// False: the log was not as expected; nothing was done.
void replica_begun(struct replica *replica, uint64_t now_ms, uint64_t ticket, bool is_done);
// A push: somebody appended `revision`. 0: something was published that cannot be read.
void replica_heard(struct replica *replica, uint64_t now_ms, uint64_t revision);

// ---------------------------------------------------------------- what happened: the store, peers

// Also unasked, when the position was changed by something else (Restore).
void replica_position(struct replica *replica, uint64_t now_ms, const struct store_position *position, bool is_empty);
void replica_position_set(struct replica *replica, uint64_t now_ms, int result);
// The result of store_submit_entry(), or of the entry; -EBADMSG: its body cannot be understood. Entries are answered in
// order.
void replica_applied(struct replica *replica, uint64_t now_ms, uint64_t revision, int result);
// Before REPLICA_APPLY is carried out, for each of the entry's sets that have a key: a set of the inbox that waits
// with the same key is dropped.
void replica_seen(struct replica *replica, const struct id128 *key);

void replica_fetch_progress(struct replica *replica, uint64_t now_ms, uint64_t records, uint64_t records_total);
// Everything is there: shall it be taken over? The action COMMIT or ABORT says it.
void replica_fetch_staged(struct replica *replica, uint64_t now_ms, const struct store_position *position);
// 0; -EXDEV: see fetch.is_same_history; any other negative errno: no peer could help, and why.
void replica_fetched(struct replica *replica, uint64_t now_ms, int result, struct bytes text);

// ---------------------------------------------------------------- what is wanted

// 0: it will be answered. -ENOTCONN: UNAVAILABLE, -EAGAIN or -ENOMEM: RESOURCE_EXHAUSTED, -EINVAL: it can never fit;
// nothing happens then, and nobody is answered by an action.
MUST_CHECK int replica_submit(struct replica *replica, uint64_t now_ms, const struct replica_set *set);
// The same for a message of the inbox: it waits a moment first. -EEXIST: one with this key waits already.
MUST_CHECK int replica_submit_inbox(struct replica *replica, uint64_t now_ms, const struct replica_set *set);
// Starts a new history from this store, which must be in `epoch` still; not while it follows the log. -EBUSY: another
// one is under way. Else answered by REPLICA_ANSWER_ADOPT.
MUST_CHECK int replica_adopt(struct replica *replica, uint64_t now_ms, const struct id128 *epoch, uint64_t handle);
// For counters only: a message that could not be read.
void replica_refused_message(struct replica *replica);

// ---------------------------------------------------------------- the operator's view

// Without what only the connection knows: redis and role. Its texts are terminated, and stay until the next call.
void replica_get_status(const struct replica *replica, uint64_t now_ms, struct replication *ret_status);
// Whether replica_submit() would take a set now.
bool replica_is_writable(const struct replica *replica);
