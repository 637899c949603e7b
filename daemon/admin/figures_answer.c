// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/figures_answer.h"

#include "daemon/admin/process.h"
#include "daemon/admin/readiness.h"

#include <errno.h>

// One after the other, each only when those before had memory.
struct answer {
	struct arena *arena;
	bool has_failed;
};

static void *take(struct answer *answer, size_t count, size_t size)
{
	void *memory = answer->has_failed ? NULL : arena_calloc(answer->arena, count ? count : 1, size);
	answer->has_failed = memory == NULL;
	return memory;
}

static struct bytes id_text(struct answer *answer, const struct id128 *id)
{
	char text[ID128_TEXT_SIZE + 1];
	id128_format(id, text);
	const struct bytes copy = arena_copy(answer->arena, bytes_from(text));
	answer->has_failed = answer->has_failed || copy.data == NULL;
	return copy;
}

static struct distribution *new_distribution(struct answer *answer, const struct bucket_bounds *bounds,
					     const struct bucket_figures *figures)
{
	struct distribution *distribution = take(answer, 1, sizeof(*distribution));
	struct bin *bins = take(answer, bounds->count + 1, sizeof(*bins));
	if (bins == NULL)
		return NULL;
	for (size_t i = 0; i <= bounds->count; i++)
		bins[i] = (struct bin){
			.at_most = i < bounds->count ? bounds->bounds[i] : 0,
			.count = figures->counts[i],
		};
	*distribution = (struct distribution){.bins = bins, .bins_count = bounds->count + 1, .sum = figures->sum};
	return distribution;
}

// ---------------------------------------------------------------- requests

static struct status_count *new_answers(struct answer *answer, const uint64_t *answers, size_t *ret_count)
{
	struct status_count *counts = take(answer, FIGURES_STATUSES, sizeof(*counts));
	for (uint32_t code = 0; code < FIGURES_STATUSES && counts != NULL; code++) {
		if (answers[code] > 0)
			counts[(*ret_count)++] = (struct status_count){.code = code, .count = answers[code]};
	}
	return counts;
}

static bool has_times(const struct bucket_figures *times)
{
	uint64_t count = 0;
	for (size_t i = 0; i < BUCKETS_MAX; i++)
		count += times->counts[i];
	return count > 0;
}

static void add_method(struct answer *answer, const struct figures_method *method, struct figures_response *response)
{
	struct method_figures *row = &response->methods[response->methods_count++];
	row->name = bytes_from(method->name);
	row->answers = new_answers(answer, method->answers, &row->answers_count);
	if (has_times(&method->time_ns))
		row->time_ns = new_distribution(answer, &buckets_request_ns, &method->time_ns);
}

static void add_methods(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	const struct figures_method unknown = {
		.name = "unknown",
		.answers[STATUS_UNIMPLEMENTED] = figures->unknown_methods,
	};
	response->methods = take(answer, FIGURES_METHODS_MAX + 1, sizeof(*response->methods));
	for (size_t i = 0; i < FIGURES_METHODS_MAX && !answer->has_failed; i++) {
		if (figures->methods[i].name != NULL)
			add_method(answer, &figures->methods[i], response);
	}
	if (figures->unknown_methods > 0 && !answer->has_failed)
		add_method(answer, &unknown, response);
}

static void add_decisions(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	response->decisions = take(answer, (size_t)FIGURES_VERDICTS * FIGURES_REASONS, sizeof(*response->decisions));
	if (response->decisions == NULL)
		return;
	for (int i = 0; i < FIGURES_VERDICTS * FIGURES_REASONS; i++) {
		const int verdict = i / FIGURES_REASONS, reason = i % FIGURES_REASONS;
		const uint64_t count = figures->decisions[verdict][reason];
		if (count > 0)
			response->decisions[response->decisions_count++] = (struct decision_count){
				.verdict = (enum verdict)verdict, .reason = (enum reason)reason, .count = count};
	}
}

// ---------------------------------------------------------------- the rest

static void add_connections(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	const struct figures_connections *connections = &figures->connections;
	struct figures_limit limits[FIGURES_LIMITS];
	response->connections = take(answer, 1, sizeof(*response->connections));
	response->limits_hit = take(answer, FIGURES_LIMITS, sizeof(*response->limits_hit));
	if (response->limits_hit == NULL)
		return;
	*response->connections = (struct connection_figures){
		.open = connections->open,
		.open_max = connections->max,
		.opened = connections->opened,
		.bytes_in = connections->bytes_in,
		.bytes_out = connections->bytes_out,
		.watchers = figures->watchers,
		.clients = figures->clients,
	};
	figures_limits(figures, limits);
	for (size_t i = 0; i < FIGURES_LIMITS; i++)
		response->limits_hit[i] = (struct limit){.name = bytes_from(limits[i].option), .value = limits[i].hits};
	response->limits_hit_count = FIGURES_LIMITS;
}

static void add_writer(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	const struct store_figures *writer = &figures->writer;
	response->writer = take(answer, 1, sizeof(*response->writer));
	if (response->writer == NULL)
		return;
	*response->writer = (struct writer_figures){
		.queue = writer->queue,
		.queue_max = writer->queue_max,
		.entries_queue = writer->entries_queue,
		.commit_ns = new_distribution(answer, &buckets_commit_ns, &writer->commit_ns),
		.commit_sets = new_distribution(answer, &buckets_sizes, &writer->commit_sets),
	};
}

static void add_store(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	const struct store_status *status = &figures->store;
	struct store_usage *usage = response->store = take(answer, 1, sizeof(*usage));
	struct object_count *objects = take(answer, OBJECT_KINDS, sizeof(*objects));
	if (objects == NULL)
		return;
	*usage = (struct store_usage){
		.bytes_used = status->bytes_used,
		.bytes_max = status->bytes_max,
		.accepts_writes = status->accepts_writes,
		.objects = objects,
		.index_bytes = figures->writer.index_bytes,
		.digest = id_text(answer, &status->digest),
		.epoch = id_text(answer, &status->epoch),
		.log_oldest_revision = status->log_oldest_revision,
		.orphans = status->orphans,
	};
	for (int kind = OBJECT_KIND_UNSPECIFIED + 1; kind < OBJECT_KINDS; kind++)
		objects[usage->objects_count++] =
			(struct object_count){.kind = (enum object_kind)kind, .count = status->objects[kind]};
}

static void add_process(struct answer *answer, struct figures_response *response)
{
	struct process_figures process;
	response->process = take(answer, 1, sizeof(*response->process));
	if (response->process == NULL)
		return;
	process_get_usage(&process);
	*response->process = (struct process_usage){.cpu_us = (uint64_t)(process.cpu_s * 1e6),
						    .resident_bytes = process.resident_bytes};
}

static void add_readiness(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	const char *codes[READINESS_REASONS_MAX];
	const size_t count = readiness_codes(figures, codes);
	response->not_ready = take(answer, count, sizeof(*response->not_ready));
	for (size_t i = 0; i < count && response->not_ready != NULL; i++)
		response->not_ready[response->not_ready_count++] = bytes_from(codes[i]);
}

static void add_replication(struct answer *answer, const struct figures *figures, struct figures_response *response)
{
	if (figures->replication == NULL)
		return;
	response->replication = take(answer, 1, sizeof(*response->replication));
	if (response->replication != NULL)
		*response->replication = *figures->replication;
}

int figures_answer(const struct figures *figures, struct arena *arena, struct figures_response *ret_answer)
{
	struct answer answer = {.arena = arena};
	struct figures_response response = {
		.version = BYTES_LITERAL(EVAUTH_VERSION),
		.started_at = (int64_t)figures->started_at,
		.uptime_ms = figures->uptime_ms,
		.workers = (uint32_t)figures->workers,
		.revision = figures->store.revision,
	};
	add_readiness(&answer, figures, &response);
	add_methods(&answer, figures, &response);
	add_decisions(&answer, figures, &response);
	add_connections(&answer, figures, &response);
	add_writer(&answer, figures, &response);
	add_store(&answer, figures, &response);
	add_process(&answer, &response);
	add_replication(&answer, figures, &response);
	if (answer.has_failed)
		return -ENOMEM;
	*ret_answer = response;
	return 0;
}
