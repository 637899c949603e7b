// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include "proto/fault.h"

#include <inttypes.h>

static const double client_busy_max = 0.95, others_busy_max = 0.1; // of a core
// At p99: what the client may add to the latencies before it is said.
static const double late_us_max = 50;

enum { SECONDS_SHOWN_MAX = 60 };

double report_quantile_us(const struct histogram *histogram, double share)
{
	return (double)histogram_quantile(histogram, share) / 1e3;
}

double report_per_second(const struct load_result *result)
{
	return result->seconds > 0 ? (double)result->answers / result->seconds : 0;
}

double report_good_per_second(const struct load_result *result)
{
	return result->seconds > 0 ? (double)result->good / result->seconds : 0;
}

uint64_t report_error_count(const uint64_t *errors)
{
	uint64_t count = 0;
	for (int code = 0; code < LOAD_STATUS_CODES; code++)
		count += errors[code];
	return count;
}

bool report_is_clean(const struct load_result *result)
{
	return !result->is_wrong && !result->is_incomplete && report_error_count(result->errors) == 0 &&
	       result->unanswered == 0 && report_error_count(result->beside.errors) == 0 &&
	       result->beside.unanswered == 0 && result->answers > 0;
}

// ---------------------------------------------------------------- text

static void print_load(const struct report *report, FILE *stream)
{
	const struct load_options *options = report->options;
	fprintf(stream, "%u connections, depth %u, ", options->connections, options->depth);
	if (options->threads > 1)
		fprintf(stream, "%u threads, ", options->threads);
	if (report->keys)
		fprintf(stream, "keys %s, ", report->keys);
	if (options->rate > 0)
		fprintf(stream, "open loop at %.0f requests/s, %s arrivals, latency from the intended time\n",
			options->rate, options->arrivals == LOAD_ARRIVALS_POISSON ? "Poisson" : "constant");
	else
		fprintf(stream, "closed loop, latency from the write\n");
}

static void print_latency(const char *title, const struct histogram *histogram, FILE *stream)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};
	fprintf(stream, "%s", title);
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		fprintf(stream, "%s %.1f us, ", quantiles[i].name, report_quantile_us(histogram, quantiles[i].share));
	fprintf(stream, "max %.1f us\n", (double)histogram->max / 1e3);
}

static void print_seconds(const struct load_result *result, FILE *stream)
{
	if (result->over_time_count < 2)
		return;
	fprintf(stream, "each second ");
	for (uint32_t i = 0; i < result->over_time_count && i < SECONDS_SHOWN_MAX; i++)
		fprintf(stream, " %u", result->over_time[i]);
	fprintf(stream, "%s\n", result->over_time_count > SECONDS_SHOWN_MAX ? " ..." : "");
}

static void print_goodness(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	if (report->options->timeout_ms == 0)
		return;
	fprintf(stream, "good         %" PRIu64 ", %.0f a second: right, and within %u ms\n", result->good,
		report_good_per_second(result), report->options->timeout_ms);
	fprintf(stream,
		"not good     %" PRIu64 " late, %" PRIu64 " refused, %" PRIu64 " dropped before they were sent\n",
		result->late, result->refused, result->dropped);
}

static void print_errors(const char *title, const uint64_t *errors, uint64_t unanswered, FILE *stream)
{
	for (int code = 0; code < LOAD_STATUS_CODES; code++) {
		if (errors[code] > 0)
			fprintf(stream, "%serrors       %" PRIu64 " %s\n", title, errors[code],
				status_code_name((enum status_code)code));
	}
	if (unanswered > 0)
		fprintf(stream, "%sunanswered   %" PRIu64 "\n", title, unanswered);
}

static void print_cpu(const char *who, double cpu_s, const struct load_result *result, FILE *stream)
{
	fprintf(stream, "%s   %.2f s, %.0f %% of a core, %.2f us a request\n", who, cpu_s,
		result->seconds > 0 ? 100 * cpu_s / result->seconds : 0,
		result->answers > 0 ? cpu_s * 1e6 / (double)result->answers : 0);
}

static void print_all_cpu(const struct load_result *result, FILE *stream)
{
	print_cpu("client cpu", result->client_cpu_s, result, stream);
	if (result->server_cpu_s >= 0)
		print_cpu("server cpu", result->server_cpu_s, result, stream);
	if (result->other_cpu_s >= 0)
		fprintf(stream, "other cpu    %.2f s, %.0f %% of a core\n", result->other_cpu_s,
			result->seconds > 0 ? 100 * result->other_cpu_s / result->seconds : 0);
}

static void print_beside(const struct load_result *result, FILE *stream)
{
	const struct load_beside_result *beside = &result->beside;
	fprintf(stream, "writes       %" PRIu64 ", %.0f a second\n", beside->answers,
		result->seconds > 0 ? (double)beside->answers / result->seconds : 0);
	print_latency("write latency ", &beside->latency_ns, stream);
	print_errors("write ", beside->errors, beside->unanswered, stream);
}

static void print_environment(const struct environment *environment, FILE *stream)
{
	fprintf(stream, "machine      %s, %u cores, %s\n", environment->cpu, environment->cores, environment->kernel);
	fprintf(stream, "versions     evauth-bench %s", EVAUTH_VERSION);
	if (*environment->server_version)
		fprintf(stream, ", evauthd %s", environment->server_version);
	putc('\n', stream);
}

void report_text(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	print_load(report, stream);
	fprintf(stream, "requests     %" PRIu64 " in %.2f s\n", result->answers, result->seconds);
	fprintf(stream, "throughput   %.0f requests/s", report_per_second(result));
	if (report->batch > 1)
		fprintf(stream, ", %.0f decisions/s", report_per_second(result) * report->batch);
	putc('\n', stream);
	print_seconds(result, stream);
	print_latency("latency      ", &result->latency_ns, stream);
	if (report->options->rate > 0)
		print_latency("sent late    ", &result->late_ns, stream);
	if (report->options->churn > 0) {
		fprintf(stream, "connects     %" PRIu64 "\n", result->connect_ns.count);
		print_latency("connecting   ", &result->connect_ns, stream);
	}
	print_goodness(report, stream);
	print_errors("", result->errors, result->unanswered, stream);
	if (report->options->beside)
		print_beside(result, stream);
	print_all_cpu(result, stream);
	if (report->environment)
		print_environment(report->environment, stream);
}

// ---------------------------------------------------------------- warnings

static void warn_of_client(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	const double late_us = report_quantile_us(&result->late_ns, 0.99);
	// An open loop may poll all the time between two requests: there what counts is whether it was on time.
	if (report->options->rate == 0 && result->client_busiest > client_busy_max)
		fprintf(stream,
			"warning: the client used %.0f %% of a core%s: it may have been the bottleneck, not the "
			"server\n",
			100 * result->client_busiest, report->options->threads > 1 ? " in one of its threads" : "");
	if (late_us > late_us_max)
		fprintf(stream,
			"warning: the client sent up to %.0f us late (p99) though there was room: it may have been the "
			"bottleneck, and the latencies contain it\n",
			late_us);
}

void report_warnings(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	warn_of_client(report, stream);
	if (result->other_cpu_s > others_busy_max * result->seconds)
		fprintf(stream, "warning: something else on this machine used %.0f %% of a core meanwhile\n",
			100 * result->other_cpu_s / result->seconds);
	if (result->unsent > 0 && report->options->passes > 0)
		fprintf(stream, "warning: the time was over before the passes: %" PRIu64 " requests were not sent\n",
			result->unsent);
	else if (result->unsent > 0)
		fprintf(stream,
			"warning: the rate was not reached: %" PRIu64
			" requests that were due were never sent, and are missing in the latencies\n",
			result->unsent);
	if (result->beside.unsent > 0)
		fprintf(stream, "warning: %" PRIu64 " writes that were due were never sent\n", result->beside.unsent);
}
