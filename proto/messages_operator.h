// SPDX-License-Identifier: Apache-2.0
// The second half of messages.h: the log of changes, what operators do and see. Included by messages.h, and by nobody
// else.
#pragma once

// ---------------------------------------------------------------- the log of changes

struct log_entry {
	uint64_t revision;
	struct bytes epoch;
	struct bytes nonce;
	struct bytes prev;
	struct bytes origin;
	int64_t time;
	struct change_set *change_sets;
	size_t change_sets_count;
};

struct log_request {
	uint64_t before_revision;
	uint32_t page_size;
	bool orphans;
	bool without_changes;
	uint32_t timeout_ms;
};

struct log_response {
	struct log_entry *entries;
	size_t entries_count;
	uint64_t oldest_revision;
	uint64_t revision;
};

struct adopt_request {
	struct bytes epoch;
	uint32_t timeout_ms;
};

struct adopt_response {
	struct bytes epoch;
	uint64_t revision;
};

struct restore_request {
	uint32_t number;
	struct record *records;
	size_t records_count;
	struct snapshot_end *end;
	uint32_t timeout_ms;
};

struct restore_response {
	uint64_t records;
	uint64_t revision;
};

struct forget_orphans_request {
	uint64_t through_revision;
	uint32_t timeout_ms;
};

struct forget_orphans_response {
	uint64_t forgotten;
};

struct check_request {
	uint32_t timeout_ms;
};

struct erase_request {
	struct bytes customer_id;
	struct delete_token *tokens;
	size_t tokens_count;
	uint32_t timeout_ms;
};

struct erase_response {
	uint64_t entries;
	uint64_t answers;
	uint64_t keys_kept;
	uint64_t bytes_wiped;
	int64_t time;
};

struct check_response {
	uint64_t revision;
	uint64_t records;
	uint64_t objects;
	struct bytes digest;
	struct bytes *problems;
	size_t problems_count;
	uint64_t problems_total;
};

struct logged_set {
	struct change_set *change_set;
	uint32_t repeat_window_s;
};

struct log_body {
	struct logged_set *sets;
	size_t sets_count;
};

// ---------------------------------------------------------------- status

struct status_request {
	uint32_t timeout_ms;
};

struct method_info {
	uint32_t number;
	struct bytes name;
	uint32_t body_size_max;
};

struct limit {
	struct bytes name;
	uint64_t value;
};

struct object_count {
	enum object_kind kind;
	uint64_t count;
};

enum replication_state {
	REPLICATION_STATE_UNSPECIFIED,
	REPLICATION_STATE_CONNECTING,
	REPLICATION_STATE_CATCHING_UP,
	REPLICATION_STATE_FOLLOWING,
	REPLICATION_STATE_FETCHING,
	REPLICATION_STATE_NO_PEER,
	REPLICATION_STATE_DIVERGED,
	REPLICATION_STATE_STALLED,
};

struct replication {
	enum replication_state state;
	struct bytes redis;
	struct bytes role;
	uint64_t head_revision;
	uint64_t lag_entries;
	uint64_t lag_ms;
	uint64_t stale_ms;
	struct bytes last_error;
	int64_t last_error_at;
	struct bytes advice;
	uint64_t entries_appended;
	uint64_t entries_applied;
	uint64_t inbox_accepted;
	uint64_t inbox_repeated;
	uint64_t messages_refused;
	uint64_t fetched_records;
	uint64_t fetched_records_total;
	uint64_t reconnects;
};

struct status_response {
	struct bytes version;
	struct method_info *methods;
	size_t methods_count;
	struct limit *limits;
	size_t limits_count;
	uint64_t revision;
	int64_t started_at;
	struct object_count *objects;
	size_t objects_count;
	uint64_t store_bytes_used;
	uint64_t store_bytes_max;
	uint32_t workers;
	uint32_t connections;
	uint32_t watchers;
	bool accepts_writes;
	struct bytes digest;
	struct bytes epoch;
	uint64_t log_oldest_revision;
	uint64_t orphans;
	struct replication *replication;
};
