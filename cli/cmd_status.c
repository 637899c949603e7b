// SPDX-License-Identifier: Apache-2.0
// status: what the daemon is and holds.
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

#include <inttypes.h>

static void print_store(struct context *context, const struct status_response *status)
{
	char used[WORDS_SIZE], most[WORDS_SIZE], text[3 * WORDS_SIZE];
	const double share = status->store_bytes_max
				     ? 100.0 * (double)status->store_bytes_used / (double)status->store_bytes_max
				     : 0;
	snprintf(text, sizeof(text), "%s of %s (%.1f %%)", words_size(status->store_bytes_used, used),
		 words_size(status->store_bytes_max, most), share);
	output_field_text(context, "store", text);
}

static const char *const state_words[] = {
	[REPLICATION_STATE_UNSPECIFIED] = "unknown",
	[REPLICATION_STATE_CONNECTING] = "NOT CONNECTED to Redis",
	[REPLICATION_STATE_CATCHING_UP] = "catching up",
	[REPLICATION_STATE_FOLLOWING] = "following: all there is has been applied",
	[REPLICATION_STATE_FETCHING] = "fetching a snapshot from a peer",
	[REPLICATION_STATE_NO_PEER] = "NO PEER gives the snapshot that is needed",
	[REPLICATION_STATE_DIVERGED] = "DIVERGED: Redis has another history than this store",
	[REPLICATION_STATE_STALLED] = "STALLED: the store cannot take the next change",
};

static void print_history(struct context *context, const struct status_response *status)
{
	char text[WORDS_SIZE], since[2 * WORDS_SIZE];
	output_field(context, "digest", status->digest);
	output_field(context, "epoch", status->epoch);
	if (status->log_oldest_revision > 0) {
		snprintf(since, sizeof(since), "back to revision %s", words_count(status->log_oldest_revision, text));
		output_field_text(context, "log", since);
	}
	if (status->orphans > 0) {
		snprintf(since, sizeof(since), "%s (evauth log orphans)", words_count(status->orphans, text));
		output_field_text(context, "ORPHANS", since);
	}
	output_field_text(context, "watchers", words_count(status->watchers, text));
}

static void print_fetch(struct context *context, const struct replication *replication)
{
	char done[WORDS_SIZE], all[WORDS_SIZE], text[3 * WORDS_SIZE];
	if (replication->state != REPLICATION_STATE_FETCHING)
		return;
	words_count(replication->fetched_records, done);
	if (replication->fetched_records_total > 0)
		snprintf(text, sizeof(text), "%s of %s records", done,
			 words_count(replication->fetched_records_total, all));
	else
		snprintf(text, sizeof(text), "%s records", done);
	output_field_text(context, "fetched", text);
}

static void print_counts(struct context *context, const struct replication *replication)
{
	const struct {
		const char *label;
		uint64_t count;
	} rows[] = {
		{"changes appended", replication->entries_appended}, {"changes applied", replication->entries_applied},
		{"inbox accepted", replication->inbox_accepted},     {"inbox repeated", replication->inbox_repeated},
		{"messages refused", replication->messages_refused}, {"reconnects", replication->reconnects},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[WORDS_SIZE];
		output_field_text(context, rows[i].label, words_count(rows[i].count, text));
	}
}

static void print_replication(struct context *context, const struct replication *replication)
{
	const bool is_known = (size_t)replication->state < ARRAY_SIZE(state_words);
	char entries[WORDS_SIZE], ms[WORDS_SIZE], text[3 * WORDS_SIZE];
	output_title(context, "Replication");
	output_field_text(context, "state", state_words[is_known ? replication->state : 0]);
	output_field(context, "what to do", replication->advice);
	output_field(context, "redis", replication->redis);
	output_field(context, "its role", replication->role);
	output_field_text(context, "its revision", words_count(replication->head_revision, text));
	snprintf(text, sizeof(text), "%s revisions, %s ms", words_count(replication->lag_entries, entries),
		 words_count(replication->lag_ms, ms));
	output_field_text(context, "behind it by", text);
	snprintf(text, sizeof(text), "%s ms ago", words_count(replication->stale_ms, ms));
	output_field_text(context, "last known complete", text);
	print_fetch(context, replication);
	if (replication->last_error.size > 0) {
		output_field(context, "last error", replication->last_error);
		output_field_text(context, "at", words_time(replication->last_error_at, text));
	}
	print_counts(context, replication);
}

static void print_summary(struct context *context, const struct status_response *status)
{
	char text[WORDS_SIZE];
	output_title(context, "evauthd %.*s at %s", BYTES_ARG(status->version), evauth_server(context->client));
	output_field_text(context, "revision", words_count(status->revision, text));
	output_field_text(context, "accepts changes", status->accepts_writes ? "yes" : "NO");
	output_field_text(context, "running since", words_time(status->started_at, text));
	output_field_text(context, "workers", words_count(status->workers, text));
	output_field_text(context, "connections", words_count(status->connections, text));
	print_store(context, status);
	for (size_t i = 0; i < status->objects_count; i++) {
		char label[WORDS_SIZE];
		snprintf(label, sizeof(label), "%ss", words_kind(status->objects[i].kind));
		output_field_text(context, label, words_count(status->objects[i].count, text));
	}
	print_history(context, status);
	if (status->replication != NULL) {
		fputc('\n', context->out);
		print_replication(context, status->replication);
	}
}

static int print_methods(struct context *context, const struct status_response *status)
{
	static const char *const titles[] = {"METHOD", "NAME", "REQUEST AT MOST", NULL};
	struct table table;
	int result = 0;
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < status->methods_count; i++) {
		char number[WORDS_SIZE], size[WORDS_SIZE];
		const struct bytes cells[] = {
			bytes_from(words_count(status->methods[i].number, number)),
			status->methods[i].name,
			bytes_from(words_size(status->methods[i].body_size_max, size)),
		};
		result = table_add(&table, cells);
	}
	table_finish(&table);
	return result;
}

static int print_limits(struct context *context, const struct status_response *status)
{
	static const char *const titles[] = {"LIMIT", "VALUE", NULL};
	struct table table;
	int result = 0;
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < status->limits_count; i++) {
		char value[WORDS_SIZE];
		const struct bytes cells[] = {status->limits[i].name,
					      bytes_from(words_count(status->limits[i].value, value))};
		result = table_add(&table, cells);
	}
	table_finish(&table);
	return result;
}

enum exit_code command_status(struct context *context, const struct arguments *arguments)
{
	struct status_response *status;
	(void)arguments;
	int result = evauth_status(context->client, &context->arena, &status);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_status_response, status);
	print_summary(context, status);
	fputc('\n', context->out);
	result = print_methods(context, status);
	fputc('\n', context->out);
	if (result == 0)
		result = print_limits(context, status);
	return result < 0 ? context_no_memory(context) : EXIT_DONE;
}
