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

struct clients_request {
	uint32_t count_max;
	uint32_t timeout_ms;
};

struct client_info {
	struct bytes name;
	struct bytes *roles;
	size_t roles_count;
	uint32_t connections;
	uint64_t requests;
	uint64_t allowed;
	uint64_t denied;
	uint64_t asked_issuer;
	uint64_t unknown_tokens;
	uint64_t refused;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t inflight_bytes;
	int64_t last_seen_at;
	uint64_t unknown_tokens_left;
};

struct clients_response {
	struct client_info *clients;
	size_t clients_count;
	uint32_t clients_total;
	uint64_t unknown_tokens_max;
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

// ---------------------------------------------------------------- figures

struct figures_request {
	uint32_t timeout_ms;
};

struct bin {
	uint64_t at_most;
	uint64_t count;
};

struct distribution {
	struct bin *bins;
	size_t bins_count;
	uint64_t sum;
};

struct status_count {
	uint32_t code;
	uint64_t count;
};

struct method_figures {
	struct bytes name;
	struct status_count *answers;
	size_t answers_count;
	struct distribution *time_ns;
};

struct decision_count {
	enum verdict verdict;
	enum reason reason;
	uint64_t count;
};

struct connection_figures {
	uint64_t open;
	uint64_t open_max;
	uint64_t opened;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t watchers;
	uint64_t clients;
};

struct writer_figures {
	uint64_t queue;
	uint64_t queue_max;
	uint64_t entries_queue;
	struct distribution *commit_ns;
	struct distribution *commit_sets;
};

struct store_usage {
	uint64_t bytes_used;
	uint64_t bytes_max;
	bool accepts_writes;
	struct object_count *objects;
	size_t objects_count;
	uint64_t index_bytes;
	struct bytes digest;
	struct bytes epoch;
	uint64_t log_oldest_revision;
	uint64_t orphans;
};

struct process_usage {
	uint64_t cpu_us;
	uint64_t resident_bytes;
};

struct figures_response {
	struct bytes version;
	int64_t started_at;
	uint64_t uptime_ms;
	uint32_t workers;
	struct bytes *not_ready;
	size_t not_ready_count;
	uint64_t revision;
	struct method_figures *methods;
	size_t methods_count;
	struct decision_count *decisions;
	size_t decisions_count;
	struct connection_figures *connections;
	struct limit *limits_hit;
	size_t limits_hit_count;
	struct writer_figures *writer;
	struct store_usage *store;
	struct process_usage *process;
	struct replication *replication;
};
