// SPDX-License-Identifier: Apache-2.0
#include "bench/compare.h"

#include "bench/compare_truth.h"
#include "bench/protocol_apply.h"

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

static int prepare_writes(struct compare *compare, struct fault *fault)
{
	if (!compare->options->has_writes)
		return 0;
	const int error = apply_requests_create((int64_t)compare->options->seed, &compare->writes);
	if (error < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "preparing writes: %s", strerror(-error));
	return error;
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
	if (error == 0)
		error = prepare_writes(compare, fault);
	return error < 0 ? error : open_peers(compare, fault);
}

void compare_close(struct compare *compare)
{
	if (compare->has_processes)
		processes_close(&compare->processes);
	for (uint32_t i = 0; i < compare->peer_count; i++)
		compare->peers[i].class->close(&compare->peers[i]);
	world_finish(&compare->world);
	apply_requests_destroy(&compare->writes);
	free(compare->answer_sizes);
	free(compare->result);
}

// ---------------------------------------------------------------- the rounds

static double quantile_us(const struct histogram *histogram, double share)
{
	return (double)histogram_quantile(histogram, share) / 1e3;
}

static void keep_figures(const struct load_result *result, uint32_t batch, struct compare_run *run)
{
	const double decisions = (double)result->answers * batch, seconds = result->seconds;
	*run = (struct compare_run){0};
	if (result->answers == 0)
		return;
	*run = (struct compare_run){.figures = {
					    [COMPARE_PER_SECOND] = decisions / seconds,
					    [COMPARE_SERVER_CPU_US] = 1e6 * result->server_cpu_s / decisions,
					    [COMPARE_CLIENT_CPU_US] = 1e6 * result->client_cpu_s / decisions,
					    [COMPARE_P50_US] = quantile_us(&result->latency_ns, 0.5),
					    [COMPARE_P99_US] = quantile_us(&result->latency_ns, 0.99),
					    [COMPARE_P99_9_US] = quantile_us(&result->latency_ns, 0.999),
					    [COMPARE_LATE_P99_US] = quantile_us(&result->late_ns, 0.99),
					    [COMPARE_UNSENT] = (double)result->unsent,
					    [COMPARE_CLIENT_SHARE] = result->client_cpu_s / seconds,
					    [COMPARE_OTHER_SHARE] = result->other_cpu_s / seconds,
					    [COMPARE_WRITES_PER_SECOND] = (double)result->beside.answers / seconds,
					    [COMPARE_WRITE_P99_US] = quantile_us(&result->beside.latency_ns, 0.99),
				    }};
}

// As many decisions on the way for servers that know no batches.
static uint32_t depth_of(const struct compare_options *options, const struct peer *peer, uint32_t depth)
{
	const uint32_t batch = options->batch == 0 ? 1 : options->batch;
	const uint32_t fair = depth * (batch / peer->batch);
	return fair < LOAD_DEPTH_MAX ? fair : LOAD_DEPTH_MAX;
}

// What a run is asked to be.
struct turn {
	const struct peer *peer;
	uint32_t depth;
	double rate; // decisions a second; 0: closed loop
	bool has_writes;
};

// Polling takes a core: one that no server needs.
static uint32_t spin_us_of(const struct compare_options *options)
{
	cpu_set_t shared;
	CPU_AND(&shared, &options->server_cpus, &options->client_cpus);
	return CPU_COUNT(&shared) == 0 ? LOAD_SPIN_US_DEFAULT : 0;
}

static struct load_beside writer_of(const struct compare *compare, const struct peer *peer)
{
	const struct compare_options *options = compare->options;
	const struct peer *evauthd = &compare->peers[0];
	return (struct load_beside){
		.server = evauthd->address,
		.server_pid = peer == evauthd ? 0 : evauthd->pid,
		.protocol = &protocol_apply,
		.requests = &compare->writes,
		.connections = options->write_connections,
		.depth = options->writes > 0 ? COMPARE_WRITE_DEPTH : 1,
		.rate = options->writes,
	};
}

static int run_once(struct compare *compare, const struct turn *turn, struct compare_run *run, struct fault *fault)
{
	const struct compare_options *options = compare->options;
	const struct load_beside writer = writer_of(compare, turn->peer);
	const struct load_options load = {
		.server = turn->peer->address,
		.connections = options->connections,
		.depth = depth_of(options, turn->peer, turn->depth),
		.rate = turn->rate / turn->peer->batch,
		.spin_us = spin_us_of(options),
		.warmup_s = options->warmup_s,
		.seconds = options->seconds,
		.server_pid = turn->peer->pid,
		.check = LOAD_CHECK_LIGHT,
		.beside = turn->has_writes ? &writer : NULL,
	};
	const int error = compare_load(compare, turn->peer, &load, fault);
	if (error == 0)
		keep_figures(compare->result, turn->peer->batch, run);
	return error;
}

static bool is_disturbed(const struct compare_run *run)
{
	return run->figures[COMPARE_PER_SECOND] == 0 || 100 * run->figures[COMPARE_OTHER_SHARE] > COMPARE_OTHERS_MAX;
}

// A machine may be so busy with something else that a short run gets no answer at all: no figure to keep, then.
static bool may_repeat(const struct compare *compare, const struct compare_run *run)
{
	const bool has_answers = run->figures[COMPARE_PER_SECOND] > 0;
	return compare->repeats < (has_answers ? compare->options->repeats_max : COMPARE_REPEATS_MAX);
}

static int run_undisturbed(struct compare *compare, const struct turn *turn, struct compare_run *run,
			   struct fault *fault)
{
	int error = run_once(compare, turn, run, fault);
	while (error == 0 && is_disturbed(run) && may_repeat(compare, run)) {
		compare->repeats++;
		error = run_once(compare, turn, run, fault);
	}
	if (error == 0 && run->figures[COMPARE_PER_SECOND] == 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s gave no answer", turn->peer->class->name);
		error = -EBADMSG;
	}
	run->is_disturbed = is_disturbed(run);
	return error;
}

static int find_rate(struct compare *compare, uint32_t depth, struct compare_run *maximum, double *ret_rate,
		     struct fault *fault)
{
	const struct compare_options *options = compare->options;
	const struct turn turn = {.peer = &compare->peers[0], .depth = options->depths[depth]};
	*ret_rate = options->rate;
	if (options->rate_share == 0)
		return 0;
	const int error = run_undisturbed(compare, &turn, maximum, fault);
	if (error == 0)
		*ret_rate = options->rate_share * maximum->figures[COMPARE_PER_SECOND];
	return error;
}

static int measure_depth(struct compare *compare, uint32_t depth, uint32_t round, struct fault *fault)
{
	double rate;
	int error = find_rate(compare, depth, &compare->maxima[depth][round], &rate, fault);
	for (uint32_t i = 0; i < compare->peer_count && error == 0; i++) {
		const struct turn turn = {
			.peer = &compare->peers[i],
			.depth = compare->options->depths[depth],
			.rate = rate,
			.has_writes = compare->options->has_writes,
		};
		error = run_undisturbed(compare, &turn, &compare->runs[i][depth][round], fault);
	}
	return error;
}

static int measure_round(struct compare *compare, uint32_t round, struct fault *fault)
{
	int error = 0;
	for (uint32_t depth = 0; depth < compare->options->depth_count && error == 0; depth++)
		error = measure_depth(compare, depth, round, fault);
	return error;
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

const struct compare_figure_row compare_figure_rows[COMPARE_FIGURES] = {
	[COMPARE_PER_SECOND] = {"per_second", "throughput_ratio", 0},
	[COMPARE_SERVER_CPU_US] = {"server_cpu_us", "server_cpu_ratio", 4},
	[COMPARE_CLIENT_CPU_US] = {"client_cpu_us", NULL, 4},
	[COMPARE_P50_US] = {"p50_us", "p50_ratio", 1},
	[COMPARE_P99_US] = {"p99_us", "p99_ratio", 1},
	[COMPARE_P99_9_US] = {"p99_9_us", "p99_9_ratio", 1},
	[COMPARE_LATE_P99_US] = {"late_p99_us", NULL, 1},
	[COMPARE_UNSENT] = {"unsent", NULL, 0},
	[COMPARE_CLIENT_SHARE] = {"client_share", NULL, 3},
	[COMPARE_OTHER_SHARE] = {"other_share", NULL, 3},
	[COMPARE_WRITES_PER_SECOND] = {"writes_per_second", NULL, 0},
	[COMPARE_WRITE_P99_US] = {"write_p99_us", NULL, 1},
};

static struct spread spread_of_runs(const struct compare_run *runs, uint32_t count, enum compare_figure figure)
{
	double values[COMPARE_ROUNDS_MAX];
	for (uint32_t i = 0; i < count; i++)
		values[i] = runs[i].figures[figure];
	return spread_of(values, count);
}

struct spread compare_spread(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure)
{
	return spread_of_runs(compare->runs[peer][depth], compare->options->rounds, figure);
}

struct spread compare_maximum(const struct compare *compare, uint32_t depth)
{
	return spread_of_runs(compare->maxima[depth], compare->options->rounds, COMPARE_PER_SECOND);
}

struct spread compare_ratio(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure)
{
	double values[COMPARE_ROUNDS_MAX];
	uint32_t count = 0;
	for (uint32_t round = 0; round < compare->options->rounds; round++) {
		const double ours = compare->runs[0][depth][round].figures[figure];
		const double theirs = compare->runs[peer][depth][round].figures[figure];
		if (ours > 0 && theirs > 0)
			values[count++] = figure == COMPARE_PER_SECOND ? ours / theirs : theirs / ours;
	}
	return spread_of(values, count);
}

bool compare_is_disturbed(const struct compare *compare, uint32_t peer, uint32_t depth, uint32_t round)
{
	return compare->runs[peer][depth][round].is_disturbed || compare->maxima[depth][round].is_disturbed;
}

uint32_t compare_count_disturbed(const struct compare *compare)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < compare->peer_count; i++) {
		for (uint32_t depth = 0; depth < compare->options->depth_count; depth++) {
			for (uint32_t round = 0; round < compare->options->rounds; round++)
				count += compare_is_disturbed(compare, i, depth, round);
		}
	}
	return count;
}
