// SPDX-License-Identifier: Apache-2.0
#include "bench/runner.h"

#include "bench/command.h"
#include "bench/protocol_apply.h"
#include "bench/report.h"
#include "bench/search.h"
#include "bench/spread.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CONFIRMATION_LENGTH = 3, // steps
	WRITE_DEPTH = 64,        // open loop: what is due must not wait for room
	CLOSED_DEPTH_MAX = 64,   // to find the maximum; what an open loop may have under way is more
};

static const struct search_options search_options = {
	.rate_first = 1000,
	.rate_max = RATE_MAX,
	.precision = 0.02,
	.tries = 2,
	.confirmations = 10,
	.retreat = 0.95,
};

static const double unsent_share_max = 0.01; // more, and the rate was not reached

// ---------------------------------------------------------------- one run

struct step {
	const struct runner *runner;
	struct load_options options;
	struct load_beside beside;
	struct load_result *result;
	int code;    // of the worst step so far
	double rate; // of the last step
};

static double write_rate(const struct run_options *options, double rate)
{
	return options->apply_share > 0 ? rate * options->apply_share / (100 - options->apply_share) : options->writes;
}

static struct report report_of(const struct step *step)
{
	const struct run_options *options = step->runner->options;
	return (struct report){
		.options = &step->options,
		.result = step->result,
		.batch = options->batch,
		.keys = options->keys,
		.tokens = options->requests_file ? 0 : options->tokens,
		.environment = &step->runner->environment,
	};
}

// A batch is as much as its requests.
static uint32_t closed_depth(const struct run_options *options)
{
	const uint32_t most =
		options->batch < CLOSED_DEPTH_MAX ? CLOSED_DEPTH_MAX / (options->batch > 0 ? options->batch : 1) : 1;
	return options->load.depth < most ? options->load.depth : most;
}

// 0, or a negative errno that has been said. A wrong answer is -EBADMSG.
static int run_step(struct step *step, double rate, double seconds)
{
	const struct runner *runner = step->runner;
	const struct run_options *options = runner->options;
	const char *what = "";
	step->rate = rate;
	step->options = options->load;
	step->options.rate = rate;
	if (options->rate_share > 0 && rate == 0)
		step->options.depth = closed_depth(options);
	step->options.seconds = seconds;
	if (runner->writes) {
		const double writes = write_rate(options, rate);
		step->beside = (struct load_beside){
			.protocol = &protocol_apply,
			.requests = runner->writes,
			.connections = options->write_connections,
			.depth = writes > 0 ? WRITE_DEPTH : 1,
			.rate = writes,
		};
		step->options.beside = &step->beside;
	}
	const int error = load_run(&step->options, runner->protocol, runner->requests, step->result, &what);
	if (error < 0)
		step->code = command_error(what, error);
	else if (!report_is_clean(step->result))
		step->code = EXIT_CODE_WRONG;
	return error < 0 ? error : step->result->is_wrong ? -EBADMSG : 0;
}

static void explain(const struct step *step)
{
	step->runner->explain(step->runner->requests, step->result);
	if (step->runner->writes)
		apply_explain_wrong(step->runner->writes, step->result);
}

static void print_report(const struct step *step)
{
	const struct report report = report_of(step);
	switch (step->runner->options->format) {
	case RUN_FORMAT_TEXT:
		report_text(&report, stdout);
		break;
	case RUN_FORMAT_JSON:
		report_json(&report, stdout);
		break;
	case RUN_FORMAT_CSV:
		report_csv(&report, stdout);
		break;
	}
	fflush(stdout);
}

static int write_seconds(const struct step *step, const char *path)
{
	const struct report report = report_of(step);
	FILE *file = fopen(path, "we");
	if (!file)
		return command_error(path, -errno);
	report_csv_seconds(&report, file);
	const bool failed = ferror(file);
	return fclose(file) != 0 || failed ? command_error(path, -EIO) : EXIT_CODE_DONE;
}

static int run_once(struct step *step)
{
	const struct run_options *options = step->runner->options;
	const int error = run_step(step, options->load.rate, options->load.seconds);
	if (error == 0 || error == -EBADMSG) {
		const struct report report = report_of(step);
		if (options->format == RUN_FORMAT_CSV)
			report_csv_header(stdout);
		print_report(step);
		report_warnings(&report, stderr);
	}
	explain(step);
	if (error == 0 && options->csv_seconds && write_seconds(step, options->csv_seconds) != EXIT_CODE_DONE)
		return EXIT_CODE_ERROR;
	return step->code;
}

// ---------------------------------------------------------------- many runs

static void print_table_head(const struct runner *runner)
{
	const struct environment *environment = &runner->environment;
	if (runner->options->format == RUN_FORMAT_CSV)
		report_csv_header(stdout);
	if (runner->options->format != RUN_FORMAT_TEXT)
		return;
	printf("%s, %u cores, %s\n", environment->cpu, environment->cores, environment->kernel);
	printf("%10s %12s %10s %10s %10s %10s %10s %9s %8s\n", "rate", "requests/s", "p50 us", "p90 us", "p99 us",
	       "p99.9 us", "max us", "late p99", "cpu us");
}

static void print_table_row(const struct step *step, const char *note)
{
	const struct load_result *result = step->result;
	const struct histogram *latency = &result->latency_ns;
	if (step->runner->options->format != RUN_FORMAT_TEXT) {
		print_report(step);
		return;
	}
	printf("%10.0f %12.0f %10.1f %10.1f %10.1f %10.1f %10.1f %9.1f", step->rate, report_per_second(result),
	       report_quantile_us(latency, 0.5), report_quantile_us(latency, 0.9), report_quantile_us(latency, 0.99),
	       report_quantile_us(latency, 0.999), report_quantile_us(latency, 1),
	       report_quantile_us(&result->late_ns, 0.99));
	if (result->server_cpu_s >= 0 && result->answers > 0)
		printf(" %8.2f", result->server_cpu_s * 1e6 / (double)result->answers);
	else
		printf(" %8s", "-");
	printf("%s%s\n", (double)result->unsent > unsent_share_max * (double)result->answers ? "  not reached" : "",
	       note);
	fflush(stdout);
}

static int run_scan(struct step *step)
{
	const struct run_options *options = step->runner->options;
	const struct run_scan *scan = &options->scan;
	int error = 0;
	print_table_head(step->runner);
	for (uint32_t i = 0; error == 0 && scan->from + i * scan->step <= scan->to; i++) {
		error = run_step(step, scan->from + i * scan->step, options->load.seconds);
		if (error == 0 || error == -EBADMSG)
			print_table_row(step, "");
		explain(step);
	}
	return step->code;
}

// The most the server does: as many requests under way as keep it busy, and none of them waits for long.
static int run_closed(struct step *step)
{
	const struct run_options *options = step->runner->options;
	const int error = run_step(step, 0, options->load.seconds);
	return error == 0 && report_good_per_second(step->result) < 1 ? -ENODATA : error;
}

static void print_round(const struct step *step, uint32_t round, double maximum)
{
	const struct load_result *result = step->result;
	if (step->runner->options->format != RUN_FORMAT_TEXT) {
		print_report(step);
		return;
	}
	if (round == 0)
		printf("%6s %12s %12s %12s %10s %10s %10s %10s %7s\n", "round", "maximum/s", "offered/s", "good/s",
		       "late", "refused", "dropped", "p99 us", "ratio");
	printf("%6u %12.0f %12.0f %12.0f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10.0f %7.3f\n", round + 1, maximum,
	       step->rate, report_good_per_second(result), result->late, result->refused, result->dropped,
	       report_quantile_us(&result->latency_ns, 0.99), report_good_per_second(result) / maximum);
	fflush(stdout);
}

// Each round finds the maximum anew, so that a change of the machine is not taken for one of the server.
static int run_round(struct step *step, uint32_t round, double *ret_ratio)
{
	const struct run_options *options = step->runner->options;
	int error = run_closed(step);
	const double maximum = report_good_per_second(step->result);
	if (error == 0)
		error = run_step(step, options->rate_share * maximum, options->load.seconds);
	if (error == 0 || error == -EBADMSG)
		explain(step);
	if (error == 0) {
		print_round(step, round, maximum);
		*ret_ratio = report_good_per_second(step->result) / maximum;
	}
	return error;
}

static void print_ratios(const struct run_options *options, double *ratios)
{
	const struct spread spread = spread_of(ratios, options->rounds);
	printf("good answers at %.0f %% of the maximum: %.3f of it (median of %u rounds, %.3f to %.3f)\n",
	       100 * options->rate_share, spread.median, options->rounds, spread.min, spread.max);
}

static int run_rounds(struct step *step)
{
	const struct run_options *options = step->runner->options;
	double *ratios = calloc(options->rounds, sizeof(*ratios));
	int error = ratios ? 0 : -ENOMEM;
	if (options->format == RUN_FORMAT_CSV)
		report_csv_header(stdout);
	for (uint32_t round = 0; round < options->rounds && error == 0; round++)
		error = run_round(step, round, &ratios[round]);
	if (error == -ENODATA || error == -ENOMEM)
		step->code = command_error("the maximum", error);
	if (error == 0 && options->format == RUN_FORMAT_TEXT)
		print_ratios(options, ratios);
	free(ratios);
	return step->code;
}

static bool keeps_goal(const struct step *step)
{
	const struct run_goal *goal = &step->runner->options->goal;
	const struct load_result *result = step->result;
	const double sent = (double)result->latency_ns.count, due = sent + (double)result->unsent;
	// What was never sent counts as slower than anything.
	const double share = sent > 0 ? goal->share * due / sent : 2;
	return report_is_clean(result) && share <= 1 &&
	       report_quantile_us(&result->latency_ns, share) <= goal->limit_us;
}

static int search_step(void *context, double rate, bool is_confirmation, bool *ret_keeps)
{
	struct step *step = context;
	const double seconds = step->runner->options->load.seconds;
	// What ends a search is a failure or a wrong answer. Beyond its limit a server may refuse and stay unanswered.
	const int error = run_step(step, rate, is_confirmation ? CONFIRMATION_LENGTH * seconds : seconds);
	if (error == 0) {
		step->code = EXIT_CODE_DONE;
		*ret_keeps = keeps_goal(step);
		// The confirmed one comes last, as a report.
		if (!is_confirmation || !*ret_keeps || step->runner->options->format != RUN_FORMAT_TEXT)
			print_table_row(step, *ret_keeps ? "  kept" : "  not kept");
	} else {
		explain(step);
	}
	return error;
}

static int run_search(struct step *step)
{
	const struct run_options *options = step->runner->options;
	double rate;
	print_table_head(step->runner);
	const int error = search_highest_rate(&search_options, search_step, step, &rate);
	if (error == -ERANGE) {
		fprintf(stderr, "no rate was found that keeps %s\n", options->goal.text);
		return EXIT_CODE_WRONG;
	}
	if (error < 0)
		return step->code;
	const struct report report = report_of(step);
	if (options->format == RUN_FORMAT_TEXT) {
		printf("\nhighest rate that keeps %s: %.0f requests/s, confirmed:\n", options->goal.text, rate);
		report_text(&report, stdout);
	}
	report_warnings(&report, stderr);
	return EXIT_CODE_DONE;
}

int runner_run(const struct runner *runner)
{
	struct step step = {.runner = runner, .result = calloc(1, sizeof(*step.result))};
	int code;
	if (!step.result)
		return command_error("run", -ENOMEM);
	if (runner->options->scan.step > 0)
		code = run_scan(&step);
	else if (runner->options->goal.share > 0)
		code = run_search(&step);
	else if (runner->options->rate_share > 0)
		code = run_rounds(&step);
	else
		code = run_once(&step);
	free(step.result);
	return code;
}
