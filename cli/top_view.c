// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include "cli/words.h"

#include <errno.h>
#include <inttypes.h>

enum { LABEL_WIDTH = 12, METHODS_SHOWN = 10, REASONS_SHOWN = 4, CLIENTS_SHOWN = 8 };

static void label(FILE *out, const char *text)
{
	fprintf(out, "%-*s ", LABEL_WIDTH, text);
}

// ---------------------------------------------------------------- head

static void draw_head(const struct top_view *view, struct screen *screen)
{
	const struct figures_response *now = view->span->now;
	char uptime[WORDS_SIZE], time[WORDS_SIZE];
	screen_title(screen, "evauthd %.*s at %s   up %s   %s", BYTES_ARG(now->version), view->server,
		     words_duration(now->uptime_ms, uptime), words_time(view->now_s, time));
	if (view->note != NULL)
		screen_title(screen, "%s", view->note);
}

static void draw_state(const struct span *span, FILE *out)
{
	static const struct process_usage none;
	const struct figures_response *now = span->now;
	const struct process_usage *process = now->process ? now->process : &none;
	const uint64_t cpu_before = span->before && span->before->process ? span->before->process->cpu_us : 0;
	char revision[WORDS_SIZE], memory[WORDS_SIZE];
	fputs(now->not_ready_count > 0 ? "NOT READY:" : "ready", out);
	for (size_t i = 0; i < now->not_ready_count; i++)
		fprintf(out, " %.*s", BYTES_ARG(now->not_ready[i]));
	fprintf(out, "   revision %s   %" PRIu32 " workers   cpu %.1f %%   memory %s   ",
		words_count(now->revision, revision), now->workers, span_rate(span, cpu_before, process->cpu_us) / 1e4,
		words_size(process->resident_bytes, memory));
	if (span->before != NULL)
		fprintf(out, "over %.1f s\n", span->seconds);
	else
		fprintf(out, "since the start\n");
}

static void draw_connections(const struct span *span, FILE *out)
{
	static const struct connection_figures none;
	const struct connection_figures *now = span->now->connections ? span->now->connections : &none;
	const struct connection_figures *before =
		span->before && span->before->connections ? span->before->connections : &none;
	char open[WORDS_SIZE], most[WORDS_SIZE], opened[WORDS_SIZE], in[WORDS_SIZE], sent[WORDS_SIZE];
	label(out, "connections");
	fprintf(out, "%s of %s   opened %s/s   in %s/s   out %s/s   clients %" PRIu64 "   watchers %" PRIu64 "\n",
		words_count(now->open, open), words_count(now->open_max, most),
		words_rate(span_rate(span, before->opened, now->opened), opened),
		words_size((uint64_t)span_rate(span, before->bytes_in, now->bytes_in), in),
		words_size((uint64_t)span_rate(span, before->bytes_out, now->bytes_out), sent), now->clients,
		now->watchers);
}

static uint64_t limit_before(const struct span *span, struct bytes name)
{
	for (size_t i = 0; span->before != NULL && i < span->before->limits_hit_count; i++) {
		if (bytes_equal(span->before->limits_hit[i].name, name))
			return span->before->limits_hit[i].value;
	}
	return 0;
}

// Only those that were ever reached, with what came in this span.
static void draw_limits(const struct span *span, FILE *out)
{
	bool has_any = false;
	for (size_t i = 0; i < span->now->limits_hit_count; i++) {
		const struct limit *limit = &span->now->limits_hit[i];
		char hits[WORDS_SIZE], rate[WORDS_SIZE];
		if (limit->value == 0)
			continue;
		if (!has_any)
			label(out, "limits hit");
		fprintf(out, "%s%.*s %s (%s/s)", has_any ? ", " : "", BYTES_ARG(limit->name),
			words_count(limit->value, hits),
			words_rate(span_rate(span, limit_before(span, limit->name), limit->value), rate));
		has_any = true;
	}
	if (has_any)
		fputc('\n', out);
}

// ---------------------------------------------------------------- requests and decisions

static const char *quantile_text(struct quantile quantile, char text[static WORDS_SIZE])
{
	char bound[WORDS_SIZE];
	if (quantile.kind == QUANTILE_NONE)
		return "-";
	snprintf(text, WORDS_SIZE, "%s%s", quantile.kind == QUANTILE_ABOVE ? ">" : "", words_ns(quantile.bound, bound));
	return text;
}

static int draw_methods(const struct span *span, struct arena *arena, struct screen *screen)
{
	struct method_span *methods;
	size_t count;
	const int result = span_methods(span, arena, &methods, &count);
	if (result != 0)
		return result;
	screen_title(screen, "%-22s %11s %10s %8s %8s %8s %15s", "METHOD", "ANSWERS/S", "REFUSED/S",
		     "P50 <=", "P99 <=", "P99.9 <=", "ANSWERS");
	for (size_t i = 0; i < count && i < METHODS_SHOWN; i++) {
		const struct method_span *method = &methods[i];
		char answered[WORDS_SIZE], refused[WORDS_SIZE], p50[WORDS_SIZE], p99[WORDS_SIZE], p999[WORDS_SIZE],
			total[WORDS_SIZE];
		fprintf(screen->out, "%-22.*s %11s %10s %8s %8s %8s %15s\n", BYTES_ARG(method->name),
			words_rate(method->answered, answered), words_rate(method->refused, refused),
			quantile_text(method->p50, p50), quantile_text(method->p99, p99),
			quantile_text(method->p999, p999), words_count(method->total, total));
	}
	return 0;
}

static void draw_reasons(const struct verdict_span *verdict, FILE *out)
{
	const char *separator = "  ";
	for (size_t i = 0; i < verdict->reasons_count && i < REASONS_SHOWN; i++) {
		const struct reason_span *reason = &verdict->reasons[i];
		char rate[WORDS_SIZE];
		if (reason->rate <= 0 || reason->reason == REASON_OK || reason->reason == REASON_UNSPECIFIED)
			continue;
		fprintf(out, "%s%s %s", separator, json_enum_name(JSON_ENUM_REASON, (int)reason->reason),
			words_rate(reason->rate, rate));
		separator = ", ";
	}
}

static void draw_verdicts(const struct span *span, struct screen *screen)
{
	struct verdict_span verdicts[SPAN_VERDICTS];
	char rate[WORDS_SIZE];
	span_verdicts(span, verdicts);
	screen_title(screen, "%-22s %11s %10s  %s", "VERDICT", "PER S", "SHARE", "REASONS PER S");
	for (int i = VERDICT_UNSPECIFIED + 1; i < SPAN_VERDICTS; i++) {
		fprintf(screen->out, "%-22s %11s %8.1f %%", json_enum_name(JSON_ENUM_VERDICT, i),
			words_rate(verdicts[i].rate, rate), 100 * verdicts[i].share);
		draw_reasons(&verdicts[i], screen->out);
		fputc('\n', screen->out);
	}
	if (verdicts[VERDICT_UNSPECIFIED].total > 0)
		fprintf(screen->out, "%-22s %11s\n", "malformed in batches",
			words_rate(verdicts[VERDICT_UNSPECIFIED].rate, rate));
}

// Shown where there are two readings of them: what came before the first is long ago.
static int draw_clients(const struct top_view *view, struct arena *arena, struct screen *screen)
{
	struct client_span *clients;
	if (view->clients == NULL || (view->span->before != NULL && view->clients_before == NULL))
		return 0;
	if (span_clients(view->span, view->clients_before, view->clients, arena, &clients) < 0)
		return -ENOMEM;
	fputc('\n', screen->out);
	screen_title(screen, "%-30s %5s %11s %9s %9s %9s %11s %11s", "CLIENT", "CONNS", "REQUESTS/S", "DENIED/S",
		     "UNKNOWN/S", "REFUSED/S", "IN/S", "OUT/S");
	for (size_t i = 0; i < view->clients->clients_count && i < CLIENTS_SHOWN; i++) {
		const struct client_span *client = &clients[i];
		char requests[WORDS_SIZE], denied[WORDS_SIZE], unknown[WORDS_SIZE], refused[WORDS_SIZE], in[WORDS_SIZE],
			sent[WORDS_SIZE];
		fprintf(screen->out, "%-30.*s %5" PRIu32 " %11s %9s %9s %9s %11s %11s\n", BYTES_ARG(client->name),
			client->connections, words_rate(client->requests, requests), words_rate(client->denied, denied),
			words_rate(client->unknown, unknown), words_rate(client->refused, refused),
			words_size((uint64_t)client->bytes_in, in), words_size((uint64_t)client->bytes_out, sent));
	}
	return 0;
}

// ---------------------------------------------------------------- writer, store, replication

static void draw_writer(const struct span *span, FILE *out)
{
	static const struct writer_figures none;
	const struct writer_figures *now = span->now->writer ? span->now->writer : &none;
	const struct writer_figures *before = span->before && span->before->writer ? span->before->writer : &none;
	const uint64_t commits = span_values(before->commit_ns, now->commit_ns);
	const uint64_t sets_before = before->commit_sets ? before->commit_sets->sum : 0;
	char rate[WORDS_SIZE], sets[WORDS_SIZE], p50[WORDS_SIZE], p99[WORDS_SIZE], queue[WORDS_SIZE], most[WORDS_SIZE];
	label(out, "writer");
	fprintf(out, "%s commits/s   %s change sets/s   queue %s of %s", words_rate(span_rate(span, 0, commits), rate),
		words_rate(span_rate(span, sets_before, now->commit_sets ? now->commit_sets->sum : 0), sets),
		words_count(now->queue, queue), words_count(now->queue_max, most));
	if (commits > 0)
		fprintf(out, "   p50 <= %s   p99 <= %s",
			quantile_text(span_quantile(before->commit_ns, now->commit_ns, 0.5), p50),
			quantile_text(span_quantile(before->commit_ns, now->commit_ns, 0.99), p99));
	if (now->entries_queue > 0)
		fprintf(out, "   entries waiting %s", words_count(now->entries_queue, queue));
	fputc('\n', out);
}

static void draw_store(const struct figures_response *now, FILE *out)
{
	const struct store_usage *store = now->store;
	char used[WORDS_SIZE], most[WORDS_SIZE], index[WORDS_SIZE], count[WORDS_SIZE];
	if (store == NULL)
		return;
	label(out, "store");
	fprintf(out, "%s of %s (%.1f %%)   index %s   %s", words_size(store->bytes_used, used),
		words_size(store->bytes_max, most),
		store->bytes_max ? 100.0 * (double)store->bytes_used / (double)store->bytes_max : 0,
		words_size(store->index_bytes, index),
		store->accepts_writes ? "accepts changes" : "NO CHANGES ACCEPTED");
	if (store->orphans > 0)
		fprintf(out, "   ORPHANS %s", words_count(store->orphans, count));
	fputc('\n', out);
	if (store->objects_count == 0)
		return;
	label(out, "objects");
	for (size_t i = 0; i < store->objects_count; i++)
		fprintf(out, "%s%ss %s", i > 0 ? ", " : "", words_kind(store->objects[i].kind),
			words_count(store->objects[i].count, count));
	fputc('\n', out);
}

static const char *stale_text(uint64_t stale_ms, char text[static WORDS_SIZE])
{
	char time[WORDS_SIZE];
	if (stale_ms == UINT64_MAX)
		return "never complete since the start";
	snprintf(text, WORDS_SIZE, "complete %s ago", words_duration(stale_ms, time));
	return text;
}

static void draw_replication(const struct span *span, FILE *out)
{
	static const struct replication none;
	const struct replication *now = span->now->replication;
	const struct replication *before =
		span->before && span->before->replication ? span->before->replication : &none;
	char lag[WORDS_SIZE], ms[WORDS_SIZE], head[WORDS_SIZE], stale[WORDS_SIZE], in[WORDS_SIZE], sent[WORDS_SIZE];
	if (now == NULL)
		return;
	label(out, "replication");
	fprintf(out, "%s   behind %s entries, %s ms   head %s   %s   applied %s/s   appended %s/s\n",
		json_enum_name(JSON_ENUM_REPLICATION_STATE, (int)now->state), words_count(now->lag_entries, lag),
		words_count(now->lag_ms, ms), words_count(now->head_revision, head), stale_text(now->stale_ms, stale),
		words_rate(span_rate(span, before->entries_applied, now->entries_applied), in),
		words_rate(span_rate(span, before->entries_appended, now->entries_appended), sent));
	if (now->advice.size > 0) {
		label(out, "what to do");
		fprintf(out, "%.*s\n", BYTES_ARG(now->advice));
	}
	if (now->last_error.size > 0 && now->state != REPLICATION_STATE_FOLLOWING) {
		label(out, "last error");
		fprintf(out, "%.*s\n", BYTES_ARG(now->last_error));
	}
}

static void draw_digest(const struct figures_response *now, FILE *out)
{
	char revision[WORDS_SIZE];
	if (now->store == NULL || now->replication == NULL)
		return;
	label(out, "digest");
	fprintf(out, "%.*s at revision %s, epoch %.*s\n", BYTES_ARG(now->store->digest),
		words_count(now->revision, revision), BYTES_ARG(now->store->epoch));
}

int top_view_draw(const struct top_view *view, struct arena *arena, struct screen *screen)
{
	const struct span *span = view->span;
	draw_head(view, screen);
	draw_state(span, screen->out);
	draw_connections(span, screen->out);
	draw_limits(span, screen->out);
	fputc('\n', screen->out);
	int result = draw_methods(span, arena, screen);
	fputc('\n', screen->out);
	draw_verdicts(span, screen);
	if (result == 0)
		result = draw_clients(view, arena, screen);
	fputc('\n', screen->out);
	draw_writer(span, screen->out);
	draw_store(span->now, screen->out);
	draw_replication(span, screen->out);
	draw_digest(span->now, screen->out);
	return result;
}
