// SPDX-License-Identifier: Apache-2.0
#include "bench/compare.h"

#include "bench/compare_truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// ---------------------------------------------------------------- opening

static int init_setup(struct compare *compare, struct fault *fault)
{
	const struct compare_options *options = compare->options;
	const int error = world_init(&compare->world, options->tokens, options->seed);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "world: %s", strerror(-error));
		return error;
	}
	compare->setup = (struct peer_setup){
		.processes = &compare->processes,
		.world = &compare->world,
		.mix = options->mix,
		.seed = options->seed,
		.requests = options->requests,
		.batch = options->batch,
		.value_size = options->value_size,
		.workers = options->workers,
		.connections = options->connections,
		.server_cpus = options->server_cpus,
		.evauthd = options->evauthd,
		.evauth = options->evauth,
		.answer_sizes = compare->answer_sizes,
	};
	return 0;
}

static int open_peer(struct compare *compare, const struct peer_class *class, struct fault *fault)
{
	struct peer *peer = &compare->peers[compare->peer_count];
	fprintf(stderr, "starting and filling %s\n", class->name);
	int error = peer_open(class, &compare->setup, peer, fault);
	if (error < 0)
		return error;
	// From here on compare_close() knows it.
	const uint32_t number = compare->peer_count++;
	return compare_check_truth(compare, number, fault);
}

static int open_peers(struct compare *compare, struct fault *fault)
{
	const struct compare_options *options = compare->options;
	int error = 0;
	for (uint32_t i = 0; i < options->class_count && error == 0; i++) {
		struct fault why = {0};
		error = open_peer(compare, options->classes[i], &why);
		if (error == -ENOENT && i > 0 && !options->must_have_all) {
			fprintf(stderr, "left out: %s\n", why.message);
			error = 0;
		}
		if (error < 0)
			*fault = why;
	}
	return error;
}

int compare_open(const struct compare_options *options, struct compare *compare, struct fault *fault)
{
	memset(compare, 0, sizeof(*compare));
	compare->options = options;
	compare->result = malloc(sizeof(*compare->result));
	compare->answer_sizes = calloc(options->requests, sizeof(*compare->answer_sizes));
	if (!compare->result || !compare->answer_sizes) {
		fault_set(fault, STATUS_INTERNAL, NULL, "out of memory");
		return -ENOMEM;
	}
	int error = processes_open(&compare->processes, fault);
	if (error < 0)
		return error;
	compare->has_processes = true;
	if (sched_setaffinity(0, sizeof(options->client_cpus), &options->client_cpus) < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "--client-cpu: %s", strerror(errno));
		return -errno;
	}
	error = init_setup(compare, fault);
	return error < 0 ? error : open_peers(compare, fault);
}

void compare_close(struct compare *compare)
{
	if (compare->has_processes)
		processes_close(&compare->processes);
	for (uint32_t i = 0; i < compare->peer_count; i++)
		compare->peers[i].class->close(&compare->peers[i]);
	world_finish(&compare->world);
	free(compare->answer_sizes);
	free(compare->result);
}

// ---------------------------------------------------------------- the rounds

static void keep_figures(const struct load_result *result, uint32_t batch, struct compare_run *run)
{
	const double decisions = (double)result->answers * batch;
	*run = (struct compare_run){0};
	if (result->answers == 0)
		return;
	*run = (struct compare_run){
		.per_second = decisions / result->seconds,
		.server_cpu_us = 1e6 * result->server_cpu_s / decisions,
		.client_cpu_us = 1e6 * result->client_cpu_s / decisions,
		.p50_us = (double)histogram_quantile(&result->latency_ns, 0.5) / 1e3,
		.p99_us = (double)histogram_quantile(&result->latency_ns, 0.99) / 1e3,
		.client_share = result->client_cpu_s / result->seconds,
		.other_share = result->other_cpu_s / result->seconds,
	};
}

// As many decisions on the way for servers that know no batches.
static uint32_t depth_of(const struct compare_options *options, const struct peer *peer, uint32_t depth)
{
	const uint32_t batch = options->batch == 0 ? 1 : options->batch;
	const uint32_t fair = depth * (batch / peer->batch);
	return fair < LOAD_DEPTH_MAX ? fair : LOAD_DEPTH_MAX;
}

static int run_once(struct compare *compare, const struct peer *peer, uint32_t depth, struct compare_run *run,
		    struct fault *fault)
{
	const struct compare_options *options = compare->options;
	const struct load_options load = {
		.server = peer->address,
		.connections = options->connections,
		.depth = depth_of(options, peer, depth),
		.rate = options->rate / peer->batch,
		.warmup_s = options->warmup_s,
		.seconds = options->seconds,
		.server_pid = peer->pid,
		.check = LOAD_CHECK_LIGHT,
	};
	const int error = compare_load(compare, peer, &load, fault);
	if (error == 0)
		keep_figures(compare->result, peer->batch, run);
	return error;
}

// A machine may be so busy with something else that a short run gets no answer at all.
static bool is_disturbed(const struct compare_run *run)
{
	return run->per_second == 0 || 100 * run->other_share > COMPARE_OTHERS_MAX;
}

static int run_undisturbed(struct compare *compare, const struct peer *peer, uint32_t depth, struct compare_run *run,
			   struct fault *fault)
{
	int error = run_once(compare, peer, depth, run, fault);
	while (error == 0 && is_disturbed(run) && compare->repeats < COMPARE_REPEATS_MAX) {
		compare->repeats++;
		error = run_once(compare, peer, depth, run, fault);
	}
	if (error == 0 && run->per_second == 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s gave no answer", peer->class->name);
		error = -EBADMSG;
	}
	return error;
}

static int measure_round(struct compare *compare, uint32_t round, struct fault *fault)
{
	const struct compare_options *options = compare->options;
	for (uint32_t depth = 0; depth < options->depth_count; depth++) {
		for (uint32_t i = 0; i < compare->peer_count; i++) {
			const int error = run_undisturbed(compare, &compare->peers[i], options->depths[depth],
							  &compare->runs[i][depth][round], fault);
			if (error < 0)
				return error;
		}
	}
	return 0;
}

int compare_measure(struct compare *compare, struct fault *fault)
{
	int error = 0;
	for (uint32_t round = 0; round < compare->options->rounds && error == 0; round++) {
		fprintf(stderr, "round %u of %u\n", round + 1, compare->options->rounds);
		error = measure_round(compare, round, fault);
	}
	return error;
}

// ---------------------------------------------------------------- figures

static double figure_of(const struct compare_run *run, enum compare_figure figure)
{
	const double figures[COMPARE_FIGURES] = {
		[COMPARE_PER_SECOND] = run->per_second,
		[COMPARE_SERVER_CPU_US] = run->server_cpu_us,
		[COMPARE_P50_US] = run->p50_us,
		[COMPARE_P99_US] = run->p99_us,
		[COMPARE_CLIENT_SHARE] = run->client_share,
	};
	return figures[figure];
}

struct spread compare_spread(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure)
{
	double values[COMPARE_ROUNDS_MAX];
	const uint32_t rounds = compare->options->rounds;
	for (uint32_t round = 0; round < rounds; round++)
		values[round] = figure_of(&compare->runs[peer][depth][round], figure);
	return spread_of(values, rounds);
}

struct spread compare_ratio(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure)
{
	double values[COMPARE_ROUNDS_MAX];
	uint32_t count = 0;
	for (uint32_t round = 0; round < compare->options->rounds; round++) {
		const double ours = figure_of(&compare->runs[0][depth][round], figure);
		const double theirs = figure_of(&compare->runs[peer][depth][round], figure);
		if (ours > 0 && theirs > 0)
			values[count++] = figure == COMPARE_PER_SECOND ? ours / theirs : theirs / ours;
	}
	return spread_of(values, count);
}
