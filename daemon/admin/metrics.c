// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/metrics.h"

#include "daemon/admin/process.h"
#include "daemon/admin/readiness.h"
#include "proto/json.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { LABELS_MAX = 160 };

static const double MS = 1e-3;
static const char COUNTER[] = "counter", GAUGE[] = "gauge", HISTOGRAM[] = "histogram";

static void head(struct text *text, const char *name, const char *type, const char *help)
{
	text_add(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(struct text *text, const char *name, const char *labels, uint64_t value)
{
	text_add(text, "%s%s %llu\n", name, labels, (unsigned long long)value);
}

// ---------------------------------------------------------------- metrics of one value

// A uint64_t at `offset` of a struct.
struct value_row {
	const char *name;
	const char *type;
	const char *help;
	size_t offset;
	const double *scale; // to the base unit; NULL: it is in it
};

#define FIELD(name) offsetof(struct figures, name)
static const struct value_row values[] = {
	{"evauth_start_time_seconds", GAUGE, "When the daemon began to serve, unix time", FIELD(started_at), NULL},
	{"evauth_workers", GAUGE, "Threads that answer requests", FIELD(workers), NULL},
	{"evauth_revision", GAUGE, "Revision that questions are answered from", FIELD(store.revision), NULL},
	{"evauth_connections", GAUGE, "Connections open", FIELD(connections.open), NULL},
	{"evauth_connections_max", GAUGE, "The most connections that may be open", FIELD(connections.max), NULL},
	{"evauth_connections_opened_total", COUNTER, "Connections opened", FIELD(connections.opened), NULL},
	{"evauth_received_bytes_total", COUNTER, "Bytes received from clients", FIELD(connections.bytes_in), NULL},
	{"evauth_sent_bytes_total", COUNTER, "Bytes sent to clients", FIELD(connections.bytes_out), NULL},
	{"evauth_clients", GAUGE, "Clients there is an account of, connected or not", FIELD(clients), NULL},
	{"evauth_unknown_token_budgets_spent_total", COUNTER,
	 "Times a client had used up client-unknown-tokens-per-second and -burst", FIELD(token_budgets_spent), NULL},
	{"evauth_tls_handshakes_open", GAUGE, "TLS handshakes under way", FIELD(connections.handshakes), NULL},
	{"evauth_tls_handshakes_max", GAUGE, "The most TLS handshakes that may be under way",
	 FIELD(connections.handshakes_max), NULL},
	{"evauth_watchers", GAUGE, "Watch subscribers", FIELD(watchers), NULL},
	{"evauth_writer_queue_sets", GAUGE, "Change sets waiting for the writer", FIELD(writer.queue), NULL},
	{"evauth_writer_queue_sets_max", GAUGE, "The most change sets that may wait", FIELD(writer.queue_max), NULL},
	{"evauth_writer_queue_entries", GAUGE, "Entries of the log in Redis waiting for the writer",
	 FIELD(writer.entries_queue), NULL},
	{"evauth_store_used_bytes", GAUGE, "Bytes of the store's pages in use", FIELD(store.bytes_used), NULL},
	{"evauth_store_max_bytes", GAUGE, "Bytes the store may grow to (map-size)", FIELD(store.bytes_max), NULL},
	{"evauth_index_bytes", GAUGE, "Bytes of the index in memory, both images", FIELD(writer.index_bytes), NULL},
	{"evauth_log_oldest_revision", GAUGE, "Oldest revision in the log of changes; 0: none is kept",
	 FIELD(store.log_oldest_revision), NULL},
	{"evauth_orphans", GAUGE, "Revisions set aside when another history was taken over", FIELD(store.orphans),
	 NULL},
};

#define REPLICATION(name) offsetof(struct replication, name)
static const struct value_row replication_values[] = {
	{"evauth_replication_head_revision", GAUGE, "Last revision seen in the log in Redis",
	 REPLICATION(head_revision), NULL},
	{"evauth_replication_lag_entries", GAUGE, "Entries of the log seen and not applied", REPLICATION(lag_entries),
	 NULL},
	{"evauth_replication_lag_seconds", GAUGE, "Age of the oldest entry seen and not applied", REPLICATION(lag_ms),
	 &MS},
	{"evauth_replication_appended_total", COUNTER, "Entries this replica appended to the log",
	 REPLICATION(entries_appended), NULL},
	{"evauth_replication_applied_total", COUNTER, "Entries of the log applied", REPLICATION(entries_applied), NULL},
	{"evauth_replication_reconnects_total", COUNTER, "Times Redis was connected to again", REPLICATION(reconnects),
	 NULL},
	{"evauth_inbox_accepted_total", COUNTER, "Messages of the inbox that were accepted",
	 REPLICATION(inbox_accepted), NULL},
	{"evauth_inbox_repeated_total", COUNTER, "Messages of the inbox that were known already",
	 REPLICATION(inbox_repeated), NULL},
	{"evauth_inbox_refused_total", COUNTER, "Messages of the inbox that were refused",
	 REPLICATION(messages_refused), NULL},
};

static void write_values(struct text *text, const struct value_row *rows, size_t count, const void *figures)
{
	for (const struct value_row *row = rows; row < rows + count; row++) {
		uint64_t value;
		memcpy(&value, (const char *)figures + row->offset, sizeof(value));
		head(text, row->name, row->type, row->help);
		if (row->scale != NULL)
			text_add(text, "%s %.9g\n", row->name, (double)value * *row->scale);
		else
			sample(text, row->name, "", value);
	}
}

// ---------------------------------------------------------------- histograms

struct histogram {
	const char *name;
	const struct bucket_bounds *bounds;
	double scale; // of bounds and sum
};

// `label` is empty, or name="value".
static void write_histogram(struct text *text, const struct histogram *histogram, const char *label,
			    const struct bucket_figures *figures)
{
	const char *comma = label[0] != '\0' ? "," : "";
	const char *open = label[0] != '\0' ? "{" : "", *close = label[0] != '\0' ? "}" : "";
	uint64_t count = 0;
	for (size_t i = 0; i < histogram->bounds->count; i++) {
		count += figures->counts[i];
		text_add(text, "%s_bucket{%s%sle=\"%.9g\"} %llu\n", histogram->name, label, comma,
			 (double)histogram->bounds->bounds[i] * histogram->scale, (unsigned long long)count);
	}
	count += figures->counts[histogram->bounds->count];
	text_add(text, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", histogram->name, label, comma, (unsigned long long)count);
	text_add(text, "%s_sum%s%s%s %.9g\n", histogram->name, open, label, close,
		 (double)figures->sum * histogram->scale);
	text_add(text, "%s_count%s%s%s %llu\n", histogram->name, open, label, close, (unsigned long long)count);
}

// ---------------------------------------------------------------- requests

static const char *const status_names[FIGURES_STATUSES] = {
	"OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
	"NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
};

static void write_answers(struct text *text, const char *method, const uint64_t *answers)
{
	for (int status = 0; status < FIGURES_STATUSES; status++) {
		// OK is there from the start, so that a rate of it is never missing.
		if (answers[status] == 0 && status != STATUS_OK)
			continue;
		text_add(text, "evauth_requests_total{method=\"%s\",status=\"%s\"} %llu\n", method,
			 status_names[status], (unsigned long long)answers[status]);
	}
}

static void write_requests(const struct figures *figures, struct text *text)
{
	static const struct histogram times = {"evauth_request_duration_seconds", &buckets_request_ns, 1e-9};
	char label[LABELS_MAX];
	uint64_t unknown[FIGURES_STATUSES] = {[STATUS_UNIMPLEMENTED] = figures->unknown_methods};
	head(text, "evauth_requests_total", COUNTER, "Requests answered, by method and status");
	for (size_t i = 0; i < FIGURES_METHODS_MAX; i++) {
		if (figures->methods[i].name != NULL)
			write_answers(text, figures->methods[i].name, figures->methods[i].answers);
	}
	write_answers(text, "unknown", unknown);
	head(text, times.name, HISTOGRAM, "Time from reading a request to writing its answer, by method");
	for (size_t i = 0; i < FIGURES_METHODS_MAX; i++) {
		if (figures->methods[i].name == NULL)
			continue;
		snprintf(label, sizeof(label), "method=\"%s\"", figures->methods[i].name);
		write_histogram(text, &times, label, &figures->methods[i].time_ns);
	}
}

static enum verdict verdict_of(int reason)
{
	return reason == REASON_OK               ? VERDICT_ALLOWED
	       : reason == REASON_ISSUER_DECIDES ? VERDICT_ASK_ISSUER
						 : VERDICT_DENIED;
}

static void write_decisions(const struct figures *figures, struct text *text)
{
	head(text, "evauth_decisions_total", COUNTER,
	     "Decisions of Authorize and AuthorizeBatch, by verdict and reason");
	for (int verdict = VERDICT_ALLOWED; verdict < FIGURES_VERDICTS; verdict++) {
		for (int reason = REASON_OK; reason < FIGURES_REASONS; reason++) {
			const uint64_t count = figures->decisions[verdict][reason];
			if (count == 0 && verdict_of(reason) != (enum verdict)verdict)
				continue;
			text_add(text, "evauth_decisions_total{verdict=\"%s\",",
				 json_enum_name(JSON_ENUM_VERDICT, verdict));
			text_add(text, "reason=\"%s\"} %llu\n", json_enum_name(JSON_ENUM_REASON, reason),
				 (unsigned long long)count);
		}
	}
	head(text, "evauth_batch_items_refused_total", COUNTER, "Items of batches that were malformed");
	sample(text, "evauth_batch_items_refused_total", "",
	       figures->decisions[VERDICT_UNSPECIFIED][REASON_UNSPECIFIED]);
}

// ---------------------------------------------------------------- connections, writer, store

static void write_connections(const struct figures *figures, struct text *text)
{
	static const char *const ends[CONN_ENDS] = {
		[CONN_END_FINISHED] = "finished",
		[CONN_END_ERROR] = "error",
		[CONN_END_ABORTED] = "aborted",
		[CONN_END_IDLE] = "idle",
		[CONN_END_FRAME_TIMEOUT] = "frame_timeout",
		[CONN_END_WRITE_TIMEOUT] = "write_timeout",
		[CONN_END_HANDSHAKE_TIMEOUT] = "handshake_timeout",
		[CONN_END_DISPLACED] = "displaced",
		[CONN_END_EXPIRED] = "expired",
	};
	const struct figures_connections *connections = &figures->connections;
	struct figures_limit limits[FIGURES_LIMITS];
	figures_limits(figures, limits);
	head(text, "evauth_connections_closed_total", COUNTER, "Connections closed, by how they ended");
	for (size_t i = 0; i < CONN_ENDS; i++)
		text_add(text, "evauth_connections_closed_total{end=\"%s\"} %llu\n", ends[i],
			 (unsigned long long)connections->ended[i]);
	head(text, "evauth_limit_hits_total", COUNTER, "Times a limit was reached, by the option that sets it");
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		text_add(text, "evauth_limit_hits_total{limit=\"%s\"} %llu\n", limits[i].option,
			 (unsigned long long)limits[i].hits);
}

static void write_handshakes(const struct figures_connections *connections, struct text *text)
{
	head(text, "evauth_tls_handshakes_total", COUNTER, "TLS handshakes that let a client in");
	sample(text, "evauth_tls_handshakes_total", "{kind=\"full\"}", connections->handshakes_full);
	sample(text, "evauth_tls_handshakes_total", "{kind=\"resumed\"}", connections->handshakes_resumed);
	head(text, "evauth_tls_handshakes_failed_total", COUNTER, "TLS handshakes that let nobody in, by why");
	for (int failure = TLS_FAILURE_NONE + 1; failure < TLS_FAILURES_COUNT; failure++) {
		if (failure != TLS_FAILURE_HOST) // a client's
			text_add(text, "evauth_tls_handshakes_failed_total{reason=\"%s\"} %llu\n",
				 tls_failure_name((enum tls_failure)failure),
				 (unsigned long long)connections->handshakes_failed[failure]);
	}
	sample(text, "evauth_tls_handshakes_failed_total", "{reason=\"left\"}", connections->handshakes_left);
	sample(text, "evauth_tls_handshakes_failed_total", "{reason=\"timeout\"}",
	       connections->ended[CONN_END_HANDSHAKE_TIMEOUT]);
	sample(text, "evauth_tls_handshakes_failed_total", "{reason=\"displaced\"}",
	       connections->ended[CONN_END_DISPLACED]);
}

static void write_writer(const struct figures *figures, struct text *text)
{
	static const struct histogram times = {"evauth_commit_duration_seconds", &buckets_commit_ns, 1e-9};
	static const struct histogram sizes = {"evauth_commit_sets", &buckets_sizes, 1};
	head(text, times.name, HISTOGRAM, "Time of a commit, from taking the change sets to both images having them");
	write_histogram(text, &times, "", &figures->writer.commit_ns);
	head(text, sizes.name, HISTOGRAM, "Change sets taken into one commit");
	write_histogram(text, &sizes, "", &figures->writer.commit_sets);
}

static void write_store(const struct figures *figures, struct text *text)
{
	head(text, "evauth_store_accepts_writes", GAUGE, "1: changes are accepted; 0: the store is full or failed");
	sample(text, "evauth_store_accepts_writes", "", figures->store.accepts_writes);
	head(text, "evauth_objects", GAUGE, "Objects, by kind");
	for (int kind = OBJECT_KIND_UNSPECIFIED + 1; kind < OBJECT_KINDS; kind++)
		text_add(text, "evauth_objects{kind=\"%s\"} %llu\n", json_enum_name(JSON_ENUM_OBJECT_KIND, kind),
			 (unsigned long long)figures->store.objects[kind]);
}

// ---------------------------------------------------------------- replication

static void write_states(const struct replication *replication, struct text *text)
{
	head(text, "evauth_replication_state", GAUGE, "1 for the state the replica is in, 0 for the others");
	for (int state = REPLICATION_STATE_CONNECTING; state <= REPLICATION_STATE_STALLED; state++)
		text_add(text, "evauth_replication_state{state=\"%s\"} %d\n",
			 json_enum_name(JSON_ENUM_REPLICATION_STATE, state),
			 replication->state == (enum replication_state)state);
}

static void write_digest(const struct figures *figures, struct text *text)
{
	char epoch[ID128_TEXT_SIZE + 1], digest[ID128_TEXT_SIZE + 1];
	id128_format(&figures->store.epoch, epoch);
	id128_format(&figures->store.digest, digest);
	head(text, "evauth_digest_info", GAUGE, "Always 1: digest of all objects at this revision of this history");
	text_add(text, "evauth_digest_info{epoch=\"%s\",revision=\"%llu\",digest=\"%s\"} 1\n", epoch,
		 (unsigned long long)figures->store.revision, digest);
}

static void write_replication(const struct figures *figures, struct text *text)
{
	const struct replication *replication = figures->replication;
	if (replication == NULL)
		return;
	write_states(replication, text);
	write_digest(figures, text);
	write_values(text, replication_values, ARRAY_SIZE(replication_values), replication);
	head(text, "evauth_replication_stale_seconds", GAUGE,
	     "Since this replica last knew that it had everything; +Inf: never since the start");
	if (replication->stale_ms == UINT64_MAX)
		text_add(text, "evauth_replication_stale_seconds +Inf\n");
	else
		text_add(text, "evauth_replication_stale_seconds %.9g\n", (double)replication->stale_ms * MS);
}

// ---------------------------------------------------------------- everything

static void write_process(struct text *text)
{
	struct process_figures process;
	process_get_figures(&process);
	head(text, "process_cpu_seconds_total", COUNTER, "User and system time");
	text_add(text, "process_cpu_seconds_total %.6f\n", process.cpu_s);
	head(text, "process_resident_memory_bytes", GAUGE, "Resident memory");
	sample(text, "process_resident_memory_bytes", "", process.resident_bytes);
	head(text, "process_open_fds", GAUGE, "Open file descriptors");
	sample(text, "process_open_fds", "", process.open_files);
	head(text, "process_max_fds", GAUGE, "The most file descriptors that may be open");
	sample(text, "process_max_fds", "", process.files_max);
}

void metrics_write(const struct figures *figures, struct text *text)
{
	head(text, "evauth_build_info", GAUGE, "Always 1");
	text_add(text, "evauth_build_info{version=\"%s\",compiler=\"%s\"} 1\n", EVAUTH_VERSION, __VERSION__);
	head(text, "evauth_ready", GAUGE, "1: /ready says so");
	sample(text, "evauth_ready", "", readiness_is_ready(figures));
	write_process(text);
	if (figures->phase == FIGURES_LOADING || figures->phase == FIGURES_STOPPED)
		return;
	write_values(text, values, ARRAY_SIZE(values), figures);
	write_requests(figures, text);
	write_decisions(figures, text);
	write_connections(figures, text);
	write_handshakes(&figures->connections, text);
	write_writer(figures, text);
	write_store(figures, text);
	write_replication(figures, text);
}
