// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include "proto/fault.h"

#include <inttypes.h>

static const double client_busy_max = 0.95, others_busy_max = 0.1; // of a core

static const struct {
	const char *text, *json;
	double share;
} quantiles[] = {{"p50", "p50_us", 0.5}, {"p90", "p90_us", 0.9}, {"p99", "p99_us", 0.99}, {"p99.9", "p99_9_us", 0.999}};

static double quantile_us(const struct load_result *result, double share)
{
	return (double)histogram_quantile(&result->latency_ns, share) / 1e3;
}

static double per_second(const struct load_result *result)
{
	return result->seconds > 0 ? (double)result->answers / result->seconds : 0;
}

static uint64_t error_count(const struct load_result *result)
{
	uint64_t count = 0;
	for (int code = 0; code < LOAD_STATUS_CODES; code++)
		count += result->errors[code];
	return count;
}

static double cpu_us_per_answer(double cpu_s, const struct load_result *result)
{
	return result->answers > 0 ? cpu_s * 1e6 / (double)result->answers : 0;
}

bool report_is_clean(const struct load_result *result)
{
	return !result->is_wrong && error_count(result) == 0 && result->unanswered == 0 && result->answers > 0;
}

static void print_errors(const struct load_result *result, FILE *stream)
{
	for (int code = 0; code < LOAD_STATUS_CODES; code++) {
		if (result->errors[code] > 0)
			fprintf(stream, "errors       %" PRIu64 " %s\n", result->errors[code],
				status_code_name((enum status_code)code));
	}
	if (result->unanswered > 0)
		fprintf(stream, "unanswered   %" PRIu64 "\n", result->unanswered);
}

static void print_cpu(const char *who, double cpu_s, const struct load_result *result, FILE *stream)
{
	fprintf(stream, "%s   %.2f s, %.0f %% of a core, %.2f us a request\n", who, cpu_s,
		result->seconds > 0 ? 100 * cpu_s / result->seconds : 0, cpu_us_per_answer(cpu_s, result));
}

void report_text(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	const struct load_options *options = report->options;
	fprintf(stream, "%u connections, depth %u, ", options->connections, options->depth);
	if (options->rate > 0)
		fprintf(stream, "open loop at %.0f requests/s, latency from the intended time\n", options->rate);
	else
		fprintf(stream, "closed loop, latency from the write\n");
	fprintf(stream, "requests     %" PRIu64 " in %.2f s\n", result->answers, result->seconds);
	fprintf(stream, "throughput   %.0f requests/s", per_second(result));
	if (report->batch > 1)
		fprintf(stream, ", %.0f decisions/s", per_second(result) * report->batch);
	fprintf(stream, "\nlatency      ");
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		fprintf(stream, "%s %.1f us, ", quantiles[i].text, quantile_us(result, quantiles[i].share));
	fprintf(stream, "max %.1f us\n", (double)result->latency_ns.max / 1e3);
	print_errors(result, stream);
	print_cpu("client cpu", result->client_cpu_s, result, stream);
	if (result->server_cpu_s >= 0)
		print_cpu("server cpu", result->server_cpu_s, result, stream);
	if (result->other_cpu_s >= 0)
		fprintf(stream, "other cpu    %.2f s, %.0f %% of a core\n", result->other_cpu_s,
			result->seconds > 0 ? 100 * result->other_cpu_s / result->seconds : 0);
}

void report_json(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	fprintf(stream, "{\"connections\":%u,\"depth\":%u,\"rate\":%.0f,\"batch\":%u,\"seconds\":%.3f",
		report->options->connections, report->options->depth, report->options->rate, report->batch,
		result->seconds);
	fprintf(stream, ",\"requests\":%" PRIu64 ",\"per_second\":%.0f", result->answers, per_second(result));
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		fprintf(stream, ",\"%s\":%.1f", quantiles[i].json, quantile_us(result, quantiles[i].share));
	fprintf(stream, ",\"max_us\":%.1f,\"client_cpu_s\":%.3f", (double)result->latency_ns.max / 1e3,
		result->client_cpu_s);
	if (result->server_cpu_s >= 0)
		fprintf(stream, ",\"server_cpu_s\":%.3f,\"other_cpu_s\":%.3f", result->server_cpu_s,
			result->other_cpu_s);
	fprintf(stream, ",\"errors\":{");
	const char *comma = "";
	for (int code = 0; code < LOAD_STATUS_CODES; code++) {
		if (result->errors[code] == 0)
			continue;
		fprintf(stream, "%s\"%s\":%" PRIu64, comma, status_code_name((enum status_code)code),
			result->errors[code]);
		comma = ",";
	}
	fprintf(stream, "},\"unanswered\":%" PRIu64 ",\"unsent\":%" PRIu64 ",\"wrong\":%s}\n", result->unanswered,
		result->unsent, result->is_wrong ? "true" : "false");
}

void report_warnings(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	if (result->client_cpu_s > client_busy_max * result->seconds)
		fprintf(stream,
			"warning: the client used %.0f %% of a core: it may have been the bottleneck, not the server\n",
			100 * result->client_cpu_s / result->seconds);
	if (result->other_cpu_s > others_busy_max * result->seconds)
		fprintf(stream, "warning: something else on this machine used %.0f %% of a core meanwhile\n",
			100 * result->other_cpu_s / result->seconds);
	if (result->unsent > 0)
		fprintf(stream,
			"warning: the rate was not reached: %" PRIu64
			" requests that were due were never sent, and are "
			"missing in the latencies\n",
			result->unsent);
}
