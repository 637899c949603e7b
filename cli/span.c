// SPDX-License-Identifier: Apache-2.0
#include "cli/span.h"

#include <errno.h>
#include <stdlib.h>

bool span_is_restart(const struct figures_response *before, const struct figures_response *now)
{
	return before->started_at != now->started_at || before->uptime_ms > now->uptime_ms;
}

void span_init(struct span *span, const struct figures_response *before, const struct figures_response *now)
{
	*span = (struct span){.now = now};
	if (before != NULL && !span_is_restart(before, now))
		span->before = before;
	span->seconds = (double)(now->uptime_ms - (span->before ? span->before->uptime_ms : 0)) / 1000;
}

static uint64_t difference(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

double span_rate(const struct span *span, uint64_t before, uint64_t now)
{
	return span->seconds > 0 ? (double)difference(before, now) / span->seconds : 0;
}

// ---------------------------------------------------------------- distributions

static uint64_t values_at(const struct distribution *before, const struct distribution *now, size_t index)
{
	const bool has_before = before != NULL && index < before->bins_count;
	return difference(has_before ? before->bins[index].count : 0, now->bins[index].count);
}

uint64_t span_values(const struct distribution *before, const struct distribution *now)
{
	uint64_t count = 0;
	for (size_t i = 0; now != NULL && i < now->bins_count; i++)
		count += values_at(before, now, i);
	return count;
}

struct quantile span_quantile(const struct distribution *before, const struct distribution *now, double share)
{
	const double wanted = share * (double)span_values(before, now);
	struct quantile quantile = {.kind = QUANTILE_NONE};
	uint64_t count = 0;
	for (size_t i = 0; wanted > 0 && i < now->bins_count && quantile.kind != QUANTILE_BOUND; i++) {
		const uint64_t bound = now->bins[i].at_most;
		count += values_at(before, now, i);
		if (bound > 0)
			quantile.bound = bound;
		quantile.kind = bound > 0 && (double)count >= wanted ? QUANTILE_BOUND : QUANTILE_ABOVE;
	}
	return quantile;
}

// ---------------------------------------------------------------- methods

static const struct method_figures *find_method(const struct figures_response *figures, struct bytes name)
{
	for (size_t i = 0; figures != NULL && i < figures->methods_count; i++) {
		if (bytes_equal(figures->methods[i].name, name))
			return &figures->methods[i];
	}
	return NULL;
}

// With status `code`, or with every one but OK.
enum which { ALL, REFUSED };

static uint64_t count_answers(const struct method_figures *method, enum which which)
{
	uint64_t count = 0;
	for (size_t i = 0; method != NULL && i < method->answers_count; i++) {
		if (which == ALL || method->answers[i].code != 0)
			count += method->answers[i].count;
	}
	return count;
}

static struct method_span look_at_method(const struct span *span, const struct method_figures *now)
{
	const struct method_figures *before = find_method(span->before, now->name);
	const struct distribution *time_before = before ? before->time_ns : NULL;
	return (struct method_span){
		.name = now->name,
		.answered = span_rate(span, count_answers(before, ALL), count_answers(now, ALL)),
		.refused = span_rate(span, count_answers(before, REFUSED), count_answers(now, REFUSED)),
		.total = count_answers(now, ALL),
		.p50 = span_quantile(time_before, now->time_ns, 0.5),
		.p99 = span_quantile(time_before, now->time_ns, 0.99),
		.p999 = span_quantile(time_before, now->time_ns, 0.999),
	};
}

// Descending by rate, then by total, then by name: rows that are still stay where they are.
static int compare_methods(const void *a, const void *b)
{
	const struct method_span *left = a, *right = b;
	if (left->answered != right->answered)
		return left->answered > right->answered ? -1 : 1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	return bytes_compare(left->name, right->name);
}

int span_methods(const struct span *span, struct arena *arena, struct method_span **ret_methods, size_t *ret_count)
{
	const struct figures_response *now = span->now;
	struct method_span *methods = arena_calloc(arena, now->methods_count + 1, sizeof(*methods));
	size_t count = 0;
	if (methods == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < now->methods_count; i++) {
		if (now->methods[i].answers_count > 0)
			methods[count++] = look_at_method(span, &now->methods[i]);
	}
	qsort(methods, count, sizeof(*methods), compare_methods);
	*ret_methods = methods;
	*ret_count = count;
	return 0;
}

// ---------------------------------------------------------------- clients

static const struct client_info *find_client(const struct clients_response *clients, struct bytes name)
{
	static const struct client_info none;
	for (size_t i = 0; clients != NULL && i < clients->clients_count; i++) {
		if (bytes_equal(clients->clients[i].name, name))
			return &clients->clients[i];
	}
	return &none;
}

static int compare_clients(const void *a, const void *b)
{
	const struct client_span *left = a, *right = b;
	if (left->requests != right->requests)
		return left->requests > right->requests ? -1 : 1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	return bytes_compare(left->name, right->name);
}

int span_clients(const struct span *span, const struct clients_response *before, const struct clients_response *now,
		 struct arena *arena, struct client_span **ret_clients)
{
	struct client_span *clients = arena_calloc(arena, now->clients_count + 1, sizeof(*clients));
	if (clients == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < now->clients_count; i++) {
		const struct client_info *client = &now->clients[i];
		const struct client_info *was = find_client(span->before ? before : NULL, client->name);
		clients[i] = (struct client_span){
			.name = client->name,
			.connections = client->connections,
			.requests = span_rate(span, was->requests, client->requests),
			.denied = span_rate(span, was->denied, client->denied),
			.unknown = span_rate(span, was->unknown_tokens, client->unknown_tokens),
			.refused = span_rate(span, was->refused, client->refused),
			.bytes_in = span_rate(span, was->bytes_in, client->bytes_in),
			.bytes_out = span_rate(span, was->bytes_out, client->bytes_out),
			.total = client->requests,
		};
	}
	qsort(clients, now->clients_count, sizeof(*clients), compare_clients);
	*ret_clients = clients;
	return 0;
}

// ---------------------------------------------------------------- verdicts

static uint64_t count_before(const struct span *span, const struct decision_count *decision)
{
	for (size_t i = 0; span->before != NULL && i < span->before->decisions_count; i++) {
		const struct decision_count *before = &span->before->decisions[i];
		if (before->verdict == decision->verdict && before->reason == decision->reason)
			return before->count;
	}
	return 0;
}

static int compare_reasons(const void *a, const void *b)
{
	const struct reason_span *left = a, *right = b;
	if (left->rate != right->rate)
		return left->rate > right->rate ? -1 : 1;
	return left->total == right->total ? 0 : left->total > right->total ? -1 : 1;
}

void span_verdicts(const struct span *span, struct verdict_span ret_verdicts[SPAN_VERDICTS])
{
	double all = 0;
	for (size_t i = 0; i < SPAN_VERDICTS; i++)
		ret_verdicts[i] = (struct verdict_span){0};
	for (size_t i = 0; i < span->now->decisions_count; i++) {
		const struct decision_count *decision = &span->now->decisions[i];
		// A later daemon may have more of them.
		if ((size_t)decision->verdict >= SPAN_VERDICTS)
			continue;
		struct verdict_span *verdict = &ret_verdicts[decision->verdict];
		const double rate = span_rate(span, count_before(span, decision), decision->count);
		verdict->rate += rate;
		verdict->total += decision->count;
		if (verdict->reasons_count < SPAN_REASONS)
			verdict->reasons[verdict->reasons_count++] = (struct reason_span){
				.reason = decision->reason, .rate = rate, .total = decision->count};
		all += decision->verdict == VERDICT_UNSPECIFIED ? 0 : rate;
	}
	for (size_t i = 0; i < SPAN_VERDICTS; i++) {
		struct verdict_span *verdict = &ret_verdicts[i];
		verdict->share = all > 0 ? verdict->rate / all : 0;
		qsort(verdict->reasons, verdict->reasons_count, sizeof(*verdict->reasons), compare_reasons);
	}
}
