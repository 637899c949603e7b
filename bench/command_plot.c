// SPDX-License-Identifier: Apache-2.0
// evauth-bench plot
#include "bench/command.h"
#include "bench/plot_bars.h"
#include "bench/plot_gnuplot.h"
#include "bench/plot_script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum option_key { KEY_OUT = 256, KEY_KIND, KEY_LABEL, KEY_TITLE, KEY_QUANTILES };

struct kind;

struct plot_arguments {
	struct plot_figure figure;
	const struct kind *kind;
	const char *out;
	const char *files[PLOT_FILES_MAX];
	const char *labels[PLOT_FILES_MAX];
	uint32_t label_count;
};

static const struct kind {
	const char *name;
	bool is_bars;
	enum plot_kind curves;
	enum plot_bars_kind bars;
} kinds[] = {
	{.name = "latency", .curves = PLOT_LATENCY},
	{.name = "throughput", .curves = PLOT_THROUGHPUT},
	{.name = "ratios", .is_bars = true, .bars = PLOT_BARS_RATIOS},
	{.name = "peers", .is_bars = true, .bars = PLOT_BARS_PEERS},
};

static const struct argp_option option_rows[] = {
	{"out", KEY_OUT, "FILE", 0, "The picture: .png or .svg", 0},
	{"kind", KEY_KIND, "KIND", 0,
	 "latency: quantiles over the load, of `run --scan` with --csv or --json (the default); throughput: answers "
	 "per second over time, of --json or --csv-seconds; ratios, peers: bars, of `compare --json`",
	 0},
	{"label", KEY_LABEL, "TEXT", 0, "What the legend calls a file (default: its name); again for the next file", 0},
	{"title", KEY_TITLE, "TEXT", 0, "The title", 0},
	{"quantiles", KEY_QUANTILES, "LIST", 0, "Of mean, p50, p90, p99, p99.9, p99.99, max (default p50,p99,p99.9)",
	 0},
	{0},
};

static void parse_kind(struct argp_state *state, const char *text, const struct kind **ret_kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, text) == 0) {
			*ret_kind = &kinds[i];
			return;
		}
	}
	argp_error(state, "--kind: '%s' is none of latency, throughput, ratios, peers", text);
}

// "p50,p99.9"
static void parse_quantiles(struct argp_state *state, const char *text, struct plot_figure *figure)
{
	figure->quantile_count = 0;
	for (const char *at = text; at; at = strchr(at, ',')) {
		at += *at == ',';
		const size_t size = strcspn(at, ",");
		const enum plot_column column = plot_quantile_find(at, size);
		if (column == PLOT_COLUMNS)
			argp_error(state, "--quantiles: '%.*s' is none of mean, p50, p90, p99, p99.9, p99.99, max",
				   (int)size, at);
		if (figure->quantile_count == PLOT_QUANTILES_MAX)
			argp_error(state, "--quantiles: more than %d", PLOT_QUANTILES_MAX);
		figure->quantiles[figure->quantile_count++] = column;
	}
}

static void check_arguments(struct argp_state *state, const struct plot_arguments *arguments)
{
	const struct plot_figure *figure = &arguments->figure;
	if (figure->count == 0)
		argp_error(state, "no file to draw");
	if (!arguments->out)
		argp_error(state, "--out is missing");
	if (arguments->label_count > figure->count)
		argp_error(state, "--label: %u of them for %u files", arguments->label_count, figure->count);
	if (arguments->kind->is_bars && (figure->count > 1 || arguments->label_count > 0))
		argp_error(state, "--kind %s draws one file, without --label", arguments->kind->name);
	if (!arguments->kind->is_bars && arguments->kind->curves == PLOT_LATENCY &&
	    figure->count * figure->quantile_count > PLOT_CURVES_MAX)
		argp_error(state, "%u files with %u quantiles are more than %d curves: name fewer --quantiles",
			   figure->count, figure->quantile_count, PLOT_CURVES_MAX);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct plot_arguments *arguments = state->input;
	switch (key) {
	case KEY_OUT:
		arguments->out = arg;
		return 0;
	case KEY_KIND:
		parse_kind(state, arg, &arguments->kind);
		return 0;
	case KEY_LABEL:
		if (arguments->label_count == PLOT_FILES_MAX)
			argp_error(state, "--label: more than %d", PLOT_FILES_MAX);
		arguments->labels[arguments->label_count++] = arg;
		return 0;
	case KEY_TITLE:
		arguments->figure.title = arg;
		return 0;
	case KEY_QUANTILES:
		parse_quantiles(state, arg, &arguments->figure);
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->figure.count == PLOT_FILES_MAX)
			argp_error(state, "more than %d files", PLOT_FILES_MAX);
		arguments->files[arguments->figure.count++] = arg;
		return 0;
	case ARGP_KEY_END:
		check_arguments(state, arguments);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int write_curves(const struct plot_arguments *arguments, FILE *script, struct plot_error *error)
{
	struct plot_table tables[PLOT_FILES_MAX] = {{0}};
	struct plot_figure figure = arguments->figure;
	figure.kind = arguments->kind->curves;
	figure.tables = tables;
	figure.labels = arguments->labels;
	int result = 0;
	for (uint32_t i = 0; i < figure.count && result == 0; i++)
		result = plot_table_read(arguments->files[i], &tables[i], error);
	if (result == 0)
		result = plot_script_write(&figure, script, error);
	if (result == 0 && figure.kind == PLOT_LATENCY)
		plot_script_warn(&figure, stderr);
	for (uint32_t i = 0; i < figure.count; i++)
		plot_table_finish(&tables[i]);
	return result;
}

static int write_bars(const struct plot_arguments *arguments, FILE *script, struct plot_error *error)
{
	struct plot_bars bars;
	const int result = plot_bars_read(arguments->files[0], arguments->kind->bars, &bars, error);
	if (result == 0)
		plot_bars_write(&bars, arguments->figure.title, script);
	return result;
}

static int draw(const struct plot_arguments *arguments, struct plot_error *error)
{
	FILE *script = tmpfile();
	if (!script)
		return plot_fail(error, "a temporary file: %s", strerror(errno));
	int result = plot_gnuplot_begin(arguments->out, script, error);
	if (result == 0)
		result = arguments->kind->is_bars ? write_bars(arguments, script, error)
						  : write_curves(arguments, script, error);
	if (result == 0)
		result = plot_gnuplot_run(script, arguments->out, error);
	fclose(script);
	return result;
}

int command_plot(int argc, char **argv)
{
	static const struct argp argp = {
		option_rows,
		parse_option,
		"--out FILE REPORT...",
		"Draws reports of `evauth-bench run` and `compare` with gnuplot (Debian: gnuplot-nox).\v"
		"Exit code: 0 drawn, 2 not: a file without what the figure needs, no gnuplot.",
		NULL,
		NULL,
		NULL};
	struct plot_arguments arguments = {
		.kind = &kinds[0],
		.figure = {.quantiles = {PLOT_P50_US, PLOT_P99_US, PLOT_P99_9_US}, .quantile_count = 3}};
	struct plot_error error;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (draw(&arguments, &error) == 0)
		return EXIT_CODE_DONE;
	fprintf(stderr, "evauth-bench: plot: %s\n", error.text);
	return EXIT_CODE_ERROR;
}
