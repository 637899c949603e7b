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

// Of how many times better evauthd is than a peer: in a closed loop without writes, or in an open loop at half of its
// maximum with them.
static const struct target {
	const char *peer;
	enum compare_figure figure;
	bool is_beside_writes;
	double at_least[TARGET_DEPTHS];
} targets[] = {
	{"lua", COMPARE_PER_SECOND, false, {2.5, 12, 20}},
	{"get", COMPARE_PER_SECOND, false, {1.0, 2.3, 3}},
	{"echo", COMPARE_PER_SECOND, false, {0.85, 0.60, 0.40}},
	{"echo", COMPARE_P99_US, true, {1 / 3.0, 1 / 3.0, 1 / 3.0}},
};

// What the targets are about.
static bool has_targets(const struct compare_options *options, bool is_beside_writes)
{
	const double share = is_beside_writes ? 0.5 : 0;
	return options->tokens == 1000000 && options->connections == 50 && options->workers == 1 &&
	       options->value_size == 150 && options->batch == 0 && options->rate == 0 &&
	       options->rate_share == share && options->has_writes == is_beside_writes;
}

// 0 when there is none.
static double target_of(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure)
{
	const char *name = compare->peers[peer].class->name;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		const struct target *target = &targets[i];
		if (target->figure != figure || strcmp(target->peer, name) != 0 ||
		    !has_targets(compare->options, target->is_beside_writes))
			continue;
		for (int row = 0; row < TARGET_DEPTHS; row++) {
			if (target_depths[row] == compare->options->depths[depth])
				return target->at_least[row];
		}
	}
	return 0;
}

// ---------------------------------------------------------------- what is told about a depth

static bool is_open_loop(const struct compare_options *options)
{
	return options->rate > 0 || options->rate_share > 0;
}

static double rate_of(const struct compare *compare, uint32_t depth, uint32_t round)
{
	const struct compare_options *options = compare->options;
	if (options->rate_share == 0)
		return options->rate;
	return options->rate_share * compare->maxima[depth][round].figures[COMPARE_PER_SECOND];
}

static uint32_t count_disturbed(const struct compare *compare, uint32_t peer, uint32_t depth)
{
	uint32_t count = 0;
	for (uint32_t round = 0; round < compare->options->rounds; round++)
		count += compare_is_disturbed(compare, peer, depth, round);
	return count;
}

// ---------------------------------------------------------------- text

// 29 characters wide.
static const struct column {
	enum compare_figure figure;
	const char *title, *ratio; // NULL: not shown
	int decimals;
} closed_columns[] =
	{
		{COMPARE_PER_SECOND, "decisions/s", "times the throughput", 0},
		{COMPARE_SERVER_CPU_US, "server CPU us each", "times less server CPU", 3},
		{COMPARE_P50_US, "p50 us", NULL, 1},
		{COMPARE_P99_US, "p99 us", "times shorter p99", 1},
		{0},
},
  open_columns[] = {
	  {COMPARE_PER_SECOND, "decisions/s", NULL, 0},
	  {COMPARE_SERVER_CPU_US, "server CPU us each", "times less server CPU", 3},
	  {COMPARE_P50_US, "p50 us", "times shorter p50", 1},
	  {COMPARE_P99_US, "p99 us", "times shorter p99", 1},
	  {COMPARE_P99_9_US, "p99.9 us", "times shorter p99.9", 1},
	  {0},
};

static const struct column *columns_of(const struct compare_options *options)
{
	return is_open_loop(options) ? open_columns : closed_columns;
}

static void print_spread(struct spread spread, int decimals, FILE *stream)
{
	fprintf(stream, " %9.*f %9.*f %9.*f", decimals, spread.min, decimals, spread.median, decimals, spread.max);
}

static void print_load(const struct compare_options *options, FILE *stream)
{
	fprintf(stream, "load         %u connections, ", options->connections);
	if (options->rate_share > 0)
		fprintf(stream, "open loop at %g %% of evauthd's maximum, ", 100 * options->rate_share);
	else if (options->rate > 0)
		fprintf(stream, "open loop at %.0f decisions/s, ", options->rate);
	else
		fprintf(stream, "closed loop, ");
	fprintf(stream, "%u rounds of %g s after %g s\n", options->rounds, options->seconds, options->warmup_s);
	if (!options->has_writes)
		return;
	fprintf(stream, "writes       to evauthd beside every run, from %u connections, ", options->write_connections);
	if (options->writes > 0)
		fprintf(stream, "%.0f changes/s\n", options->writes);
	else
		fprintf(stream, "as many as are answered\n");
}

static void print_head(const struct compare *compare, FILE *stream)
{
	const struct compare_options *options = compare->options;
	struct environment environment;
	environment_read(NULL, NULL, &environment);
	fprintf(stream, "machine      %s, %u cores, %s; servers on core ", environment.cpu, environment.cores,
		environment.kernel);
	print_cpus(&options->server_cpus, stream);
	fprintf(stream, ", client on core ");
	print_cpus(&options->client_cpus, stream);
	fprintf(stream, "\nworld        %u tokens, seed %" PRIu64 ", mix %u:%u:%u:%u, values of %u bytes\n",
		options->tokens, options->seed, options->mix.allowed, options->mix.denied, options->mix.unknown,
		options->mix.foreign, options->value_size);
	print_load(options, stream);
	for (uint32_t i = 0; i < compare->peer_count; i++) {
		const struct peer *peer = &compare->peers[i];
		fprintf(stream, "%-12s %s; %s; %" PRIu64 " answers found right\n", peer->class->name, peer->class->what,
			peer->version, compare->truths[i]);
	}
	fprintf(stream, "repeated     %u runs, because something else used over %d %% of a core", compare->repeats,
		COMPARE_OTHERS_MAX);
	const uint32_t disturbed = compare_count_disturbed(compare);
	if (disturbed > 0)
		fprintf(stream, "; %u DISTURBED runs were kept, as repeating did not help", disturbed);
	fprintf(stream, "\n");
}

static void print_titles(const struct compare *compare, uint32_t depth, FILE *stream)
{
	const struct compare_options *options = compare->options;
	fprintf(stream, "\ndepth %-6u", options->depths[depth]);
	for (const struct column *column = columns_of(options); column->title; column++)
		fprintf(stream, " %29s", column->title);
	fprintf(stream, " %7s%s\n%-12s", "client", options->has_writes ? "  writes/s write p99" : "", "");
	for (const struct column *column = columns_of(options); column->title; column++)
		fprintf(stream, " %9s %9s %9s", "min", "median", "max");
	fprintf(stream, "\n");
}

static void print_figures(const struct compare *compare, uint32_t peer, uint32_t depth, FILE *stream)
{
	const struct compare_options *options = compare->options;
	fprintf(stream, "%-12s", compare->peers[peer].class->name);
	for (const struct column *column = columns_of(options); column->title; column++)
		print_spread(compare_spread(compare, peer, depth, column->figure), column->decimals, stream);
	fprintf(stream, " %6.0f%%", 100 * compare_spread(compare, peer, depth, COMPARE_CLIENT_SHARE).median);
	if (options->has_writes)
		fprintf(stream, " %9.0f %9.1f", compare_spread(compare, peer, depth, COMPARE_WRITES_PER_SECOND).median,
			compare_spread(compare, peer, depth, COMPARE_WRITE_P99_US).median);
	const double unsent = compare_spread(compare, peer, depth, COMPARE_UNSENT).max;
	if (unsent > 0)
		fprintf(stream, "  up to %.0f UNSENT", unsent);
	const uint32_t disturbed = count_disturbed(compare, peer, depth);
	if (disturbed > 0)
		fprintf(stream, "  %u of %u DISTURBED", disturbed, options->rounds);
	fprintf(stream, "\n");
}

static void print_ratio_titles(const struct compare *compare, FILE *stream)
{
	fprintf(stream, "\n%-12s", "evauthd to");
	for (const struct column *column = columns_of(compare->options); column->title; column++) {
		if (column->ratio)
			fprintf(stream, " %29s", column->ratio);
	}
	fprintf(stream, "\n");
}

static void print_ratios(const struct compare *compare, uint32_t peer, uint32_t depth, FILE *stream)
{
	const struct column *columns = columns_of(compare->options);
	fprintf(stream, "%-12s", compare->peers[peer].class->name);
	for (const struct column *column = columns; column->title; column++) {
		if (column->ratio)
			print_spread(compare_ratio(compare, peer, depth, column->figure), 2, stream);
	}
	for (const struct column *column = columns; column->title; column++) {
		const double target = target_of(compare, peer, depth, column->figure);
		const double ratio = compare_ratio(compare, peer, depth, column->figure).median;
		if (target > 0)
			fprintf(stream, "  target %.2f %s", target, ratio >= target ? "reached" : "MISSED");
	}
	fprintf(stream, "\n");
}

static void print_depth(const struct compare *compare, uint32_t depth, FILE *stream)
{
	print_titles(compare, depth, stream);
	for (uint32_t i = 0; i < compare->peer_count; i++)
		print_figures(compare, i, depth, stream);
	if (compare->options->rate_share > 0) {
		fprintf(stream, "%-12s", "maximum");
		print_spread(compare_maximum(compare, depth), 0, stream);
		fprintf(stream, "  of evauthd, closed loop without writes\n");
	}
	print_ratio_titles(compare, stream);
	for (uint32_t i = 1; i < compare->peer_count; i++)
		print_ratios(compare, i, depth, stream);
}

void compare_report_text(const struct compare *compare, FILE *stream)
{
	print_head(compare, stream);
	for (uint32_t depth = 0; depth < compare->options->depth_count; depth++) {
		print_depth(compare, depth, stream);
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
	environment_read(NULL, NULL, &environment);
	fprintf(stream, "{\"cpu\":\"");
	json_text(environment.cpu, stream);
	fprintf(stream, "\",\"cores\":%u,\"kernel\":\"%s\",\"server_cpus\":\"", environment.cores, environment.kernel);
	print_cpus(&options->server_cpus, stream);
	fprintf(stream, "\",\"client_cpus\":\"");
	print_cpus(&options->client_cpus, stream);
	fprintf(stream,
		"\",\"tokens\":%u,\"seed\":%" PRIu64
		",\"workers\":%u,\"connections\":%u,\"batch\":%u,\"value_size\":%u,"
		"\"rate\":%.0f,\"rate_share\":%g,\"rounds\":%u,\"seconds\":%g,\"repeated\":%u,\"disturbed\":%u,",
		options->tokens, options->seed, options->workers, options->connections, options->batch,
		options->value_size, options->rate, options->rate_share, options->rounds, options->seconds,
		compare->repeats, compare_count_disturbed(compare));
	if (options->has_writes)
		fprintf(stream, "\"writes\":%.0f,\"write_connections\":%u,", options->writes,
			options->write_connections);
	fprintf(stream, "\"peers\":[");
	for (uint32_t i = 0; i < compare->peer_count; i++) {
		fprintf(stream, "%s{\"name\":\"%s\",\"version\":\"", i == 0 ? "" : ",", compare->peers[i].class->name);
		json_text(compare->peers[i].version, stream);
		fprintf(stream, "\",\"right_answers\":%" PRIu64 "}", compare->truths[i]);
	}
	fprintf(stream, "]");
}

// Numbers of the rounds, from 1.
static void json_disturbed(const struct compare *compare, uint32_t peer, uint32_t depth, FILE *stream)
{
	const char *comma = "";
	fprintf(stream, ",\"disturbed_rounds\":[");
	for (uint32_t round = 0; round < compare->options->rounds; round++) {
		if (!compare_is_disturbed(compare, peer, depth, round))
			continue;
		fprintf(stream, "%s%u", comma, round + 1);
		comma = ",";
	}
	fprintf(stream, "]");
}

static void json_runs(const struct compare *compare, uint32_t peer, uint32_t depth, FILE *stream)
{
	fprintf(stream, "{\"peer\":\"%s\",\"depth\":%u", compare->peers[peer].class->name,
		compare->options->depths[depth]);
	for (int i = 0; i < COMPARE_FIGURES; i++) {
		const struct compare_figure_row *row = &compare_figure_rows[i];
		const enum compare_figure figure = (enum compare_figure)i;
		json_spread(row->name, compare_spread(compare, peer, depth, figure), row->decimals, stream);
		if (peer > 0 && row->ratio)
			json_spread(row->ratio, compare_ratio(compare, peer, depth, figure), 3, stream);
		const double target = target_of(compare, peer, depth, figure);
		if (target > 0)
			fprintf(stream, ",\"%s\":%.2f", i == COMPARE_PER_SECOND ? "target" : "p99_target", target);
	}
	if (compare->options->rate_share > 0)
		json_spread("maximum", compare_maximum(compare, depth), 0, stream);
	json_disturbed(compare, peer, depth, stream);
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

// ---------------------------------------------------------------- CSV

static void csv_run(const struct compare *compare, uint32_t peer, uint32_t depth, uint32_t round, FILE *stream)
{
	const struct compare_run *run = &compare->runs[peer][depth][round];
	fprintf(stream, "%s,%u,%u,%.0f,", compare->peers[peer].class->name, compare->options->depths[depth], round + 1,
		rate_of(compare, depth, round));
	if (compare->options->rate_share > 0)
		fprintf(stream, "%.0f", compare->maxima[depth][round].figures[COMPARE_PER_SECOND]);
	for (int i = 0; i < COMPARE_FIGURES; i++)
		fprintf(stream, ",%.*f", compare_figure_rows[i].decimals, run->figures[i]);
	fprintf(stream, ",%s\n", compare_is_disturbed(compare, peer, depth, round) ? "true" : "false");
}

void compare_report_csv(const struct compare *compare, FILE *stream)
{
	fprintf(stream, "peer,depth,round,rate,maximum");
	for (int i = 0; i < COMPARE_FIGURES; i++)
		fprintf(stream, ",%s", compare_figure_rows[i].name);
	fprintf(stream, ",disturbed\n");
	for (uint32_t depth = 0; depth < compare->options->depth_count; depth++) {
		for (uint32_t round = 0; round < compare->options->rounds; round++) {
			for (uint32_t peer = 0; peer < compare->peer_count; peer++)
				csv_run(compare, peer, depth, round, stream);
		}
	}
}
