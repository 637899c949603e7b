// SPDX-License-Identifier: Apache-2.0
#include "bench/compare_report.h"

#include "bench/environment.h"

#include <inttypes.h>
#include <string.h>

static void print_cpus(const cpu_set_t *cpus, FILE *stream)
{
	const char *comma = "";
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, cpus)) {
			fprintf(stream, "%s%d", comma, cpu);
			comma = ",";
		}
	}
}

// ---------------------------------------------------------------- the targets

enum { TARGET_DEPTHS = 3 };

static const uint32_t target_depths[TARGET_DEPTHS] = {1, 16, 64};

// Of evauthd's throughput over a peer's.
static const struct target {
	const char *peer;
	double at_least[TARGET_DEPTHS];
} targets[] = {
	{"lua", {2.5, 12, 20}},
	{"get", {1.0, 2.3, 3}},
	{"echo", {0.85, 0.60, 0.40}},
};

static const struct target *find_target(const char *peer)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		if (strcmp(targets[i].peer, peer) == 0)
			return &targets[i];
	}
	return NULL;
}

// 0 when there is none.
static double target_of(const char *peer, uint32_t depth)
{
	const struct target *target = find_target(peer);
	for (int i = 0; i < TARGET_DEPTHS && target; i++) {
		if (target_depths[i] == depth)
			return target->at_least[i];
	}
	return 0;
}

// What the targets are about.
static bool has_targets(const struct compare_options *options)
{
	return options->tokens == 1000000 && options->connections == 50 && options->workers == 1 &&
	       options->value_size == 150 && options->batch == 0 && options->rate == 0;
}

// ---------------------------------------------------------------- text

static void print_spread(struct spread spread, int decimals, FILE *stream)
{
	fprintf(stream, " %9.*f %9.*f %9.*f", decimals, spread.min, decimals, spread.median, decimals, spread.max);
}

static void print_head(const struct compare *compare, FILE *stream)
{
	const struct compare_options *options = compare->options;
	struct environment environment;
	environment_read(NULL, &environment);
	fprintf(stream, "machine      %s, %u cores, %s; servers on core ", environment.cpu, environment.cores,
		environment.kernel);
	print_cpus(&options->server_cpus, stream);
	fprintf(stream, ", client on core ");
	print_cpus(&options->client_cpus, stream);
	fprintf(stream, "\nworld        %u tokens, seed %" PRIu64 ", mix %u:%u:%u:%u, values of %u bytes\n",
		options->tokens, options->seed, options->mix.allowed, options->mix.denied, options->mix.unknown,
		options->mix.foreign, options->value_size);
	fprintf(stream, "load         %u connections, ", options->connections);
	if (options->rate > 0)
		fprintf(stream, "open loop at %.0f decisions/s, ", options->rate);
	else
		fprintf(stream, "closed loop, ");
	fprintf(stream, "%u rounds of %g s after %g s\n", options->rounds, options->seconds, options->warmup_s);
	for (uint32_t i = 0; i < compare->peer_count; i++) {
		const struct peer *peer = &compare->peers[i];
		fprintf(stream, "%-12s %s; %s; %" PRIu64 " answers found right\n", peer->class->name, peer->class->what,
			peer->version, compare->truths[i]);
	}
	fprintf(stream, "repeated     %u runs, because something else used over %d %% of a core\n", compare->repeats,
		COMPARE_OTHERS_MAX);
}

static void print_figures(const struct compare *compare, uint32_t depth, FILE *stream)
{
	fprintf(stream, "\ndepth %-6u %29s %29s %29s %29s %7s\n", compare->options->depths[depth], "decisions/s",
		"server CPU us each", "p50 us", "p99 us", "client");
	fprintf(stream, "%-12s", "");
	for (int i = 0; i < 4; i++)
		fprintf(stream, " %9s %9s %9s", "min", "median", "max");
	fprintf(stream, "\n");
	for (uint32_t i = 0; i < compare->peer_count; i++) {
		fprintf(stream, "%-12s", compare->peers[i].class->name);
		print_spread(compare_spread(compare, i, depth, COMPARE_PER_SECOND), 0, stream);
		print_spread(compare_spread(compare, i, depth, COMPARE_SERVER_CPU_US), 3, stream);
		print_spread(compare_spread(compare, i, depth, COMPARE_P50_US), 1, stream);
		print_spread(compare_spread(compare, i, depth, COMPARE_P99_US), 1, stream);
		fprintf(stream, " %6.0f%%\n", 100 * compare_spread(compare, i, depth, COMPARE_CLIENT_SHARE).median);
	}
}

static void print_ratios(const struct compare *compare, uint32_t depth, FILE *stream)
{
	const struct compare_options *options = compare->options;
	fprintf(stream, "\n%-12s %29s %29s %29s\n", "evauthd to", "times the throughput", "times less server CPU",
		"times shorter p99");
	for (uint32_t i = 1; i < compare->peer_count; i++) {
		const char *name = compare->peers[i].class->name;
		const struct spread ratio = compare_ratio(compare, i, depth, COMPARE_PER_SECOND);
		const double target = has_targets(options) ? target_of(name, options->depths[depth]) : 0;
		fprintf(stream, "%-12s", name);
		print_spread(ratio, 2, stream);
		print_spread(compare_ratio(compare, i, depth, COMPARE_SERVER_CPU_US), 2, stream);
		print_spread(compare_ratio(compare, i, depth, COMPARE_P99_US), 2, stream);
		if (target > 0)
			fprintf(stream, "  target %.2f %s", target, ratio.median >= target ? "reached" : "MISSED");
		fprintf(stream, "\n");
	}
}

void compare_report_text(const struct compare *compare, FILE *stream)
{
	print_head(compare, stream);
	for (uint32_t depth = 0; depth < compare->options->depth_count; depth++) {
		print_figures(compare, depth, stream);
		print_ratios(compare, depth, stream);
	}
}

// ---------------------------------------------------------------- JSON

static void json_spread(const char *name, struct spread spread, int decimals, FILE *stream)
{
	fprintf(stream, ",\"%s\":{\"min\":%.*f,\"median\":%.*f,\"max\":%.*f}", name, decimals, spread.min, decimals,
		spread.median, decimals, spread.max);
}

// Versions are the only text that is not ours.
static void json_text(const char *text, FILE *stream)
{
	for (; *text; text++) {
		if ((unsigned char)*text >= ' ' && *text != '"' && *text != '\\')
			fputc(*text, stream);
	}
}

static void json_head(const struct compare *compare, FILE *stream)
{
	const struct compare_options *options = compare->options;
	struct environment environment;
	environment_read(NULL, &environment);
	fprintf(stream, "{\"cpu\":\"");
	json_text(environment.cpu, stream);
	fprintf(stream, "\",\"cores\":%u,\"kernel\":\"%s\",\"server_cpus\":\"", environment.cores, environment.kernel);
	print_cpus(&options->server_cpus, stream);
	fprintf(stream, "\",\"client_cpus\":\"");
	print_cpus(&options->client_cpus, stream);
	fprintf(stream,
		"\",\"tokens\":%u,\"seed\":%" PRIu64
		",\"workers\":%u,\"connections\":%u,\"batch\":%u,\"value_size\":%u,"
		"\"rate\":%.0f,\"rounds\":%u,\"seconds\":%g,\"repeated\":%u,\"peers\":[",
		options->tokens, options->seed, options->workers, options->connections, options->batch,
		options->value_size, options->rate, options->rounds, options->seconds, compare->repeats);
	for (uint32_t i = 0; i < compare->peer_count; i++) {
		fprintf(stream, "%s{\"name\":\"%s\",\"version\":\"", i == 0 ? "" : ",", compare->peers[i].class->name);
		json_text(compare->peers[i].version, stream);
		fprintf(stream, "\",\"right_answers\":%" PRIu64 "}", compare->truths[i]);
	}
	fprintf(stream, "]");
}

static void json_runs(const struct compare *compare, uint32_t peer, uint32_t depth, FILE *stream)
{
	static const struct {
		const char *name, *ratio;
		enum compare_figure figure;
		int decimals;
	} rows[] = {
		{"per_second", "throughput_ratio", COMPARE_PER_SECOND, 0},
		{"server_cpu_us", "server_cpu_ratio", COMPARE_SERVER_CPU_US, 4},
		{"p50_us", "p50_ratio", COMPARE_P50_US, 1},
		{"p99_us", "p99_ratio", COMPARE_P99_US, 1},
		{"client_share", NULL, COMPARE_CLIENT_SHARE, 3},
	};
	const char *name = compare->peers[peer].class->name;
	const uint32_t requests = compare->options->depths[depth];
	fprintf(stream, "{\"peer\":\"%s\",\"depth\":%u", name, requests);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_spread(rows[i].name, compare_spread(compare, peer, depth, rows[i].figure), rows[i].decimals,
			    stream);
		if (peer > 0 && rows[i].ratio)
			json_spread(rows[i].ratio, compare_ratio(compare, peer, depth, rows[i].figure), 3, stream);
	}
	if (peer > 0 && has_targets(compare->options) && target_of(name, requests) > 0)
		fprintf(stream, ",\"target\":%.2f", target_of(name, requests));
	fprintf(stream, "}");
}

void compare_report_json(const struct compare *compare, FILE *stream)
{
	const char *comma = "";
	json_head(compare, stream);
	fprintf(stream, ",\"runs\":[");
	for (uint32_t depth = 0; depth < compare->options->depth_count; depth++) {
		for (uint32_t peer = 0; peer < compare->peer_count; peer++) {
			fprintf(stream, "%s", comma);
			json_runs(compare, peer, depth, stream);
			comma = ",";
		}
	}
	fprintf(stream, "]}\n");
}
