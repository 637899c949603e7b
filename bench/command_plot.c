// SPDX-License-Identifier: Apache-2.0
// evauth-bench plot
#include "bench/command.h"
#include "bench/plot_gnuplot.h"
#include "bench/plot_script.h"

#include <stdlib.h>
#include <string.h>

enum option_key { KEY_OUT = 256, KEY_KIND, KEY_LABEL, KEY_TITLE, KEY_QUANTILES };

struct plot_arguments {
	struct plot_figure figure;
	const char *out;
	const char *files[PLOT_FILES_MAX];
	const char *labels[PLOT_FILES_MAX];
	uint32_t label_count;
};

static const struct {
	const char *name;
	enum plot_kind kind;
} kinds[] = {{"latency", PLOT_LATENCY}, {"throughput", PLOT_THROUGHPUT}};

static const struct argp_option option_rows[] = {
	{"out", KEY_OUT, "FILE", 0, "The picture: .png or .svg", 0},
	{"kind", KEY_KIND, "latency|throughput", 0,
	 "Quantiles over the load (the default; of `run --scan`, --csv or --json), or answers per second over time (of "
	 "--json, or of --csv-seconds)",
	 0},
	{"label", KEY_LABEL, "TEXT", 0, "What the legend calls a file (default: its name); again for the next file", 0},
	{"title", KEY_TITLE, "TEXT", 0, "The title", 0},
	{"quantiles", KEY_QUANTILES, "LIST", 0, "Of mean, p50, p90, p99, p99.9, p99.99, max (default p50,p99,p99.9)",
	 0},
	{0},
};

static void parse_kind(struct argp_state *state, const char *text, enum plot_kind *ret_kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, text) == 0) {
			*ret_kind = kinds[i].kind;
			return;
		}
	}
	argp_error(state, "--kind: '%s' is neither latency nor throughput", text);
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
	if (figure->kind == PLOT_LATENCY && figure->count * figure->quantile_count > PLOT_CURVES_MAX)
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
		parse_kind(state, arg, &arguments->figure.kind);
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

static int read_tables(const struct plot_arguments *arguments, struct plot_table *tables, struct plot_error *error)
{
	int result = 0;
	for (uint32_t i = 0; i < arguments->figure.count && result == 0; i++)
		result = plot_table_read(arguments->files[i], &tables[i], error);
	return result;
}

static int draw(const struct plot_arguments *arguments, struct plot_error *error)
{
	struct plot_table tables[PLOT_FILES_MAX] = {{0}};
	struct plot_figure figure = arguments->figure;
	figure.tables = tables;
	figure.labels = arguments->labels;
	FILE *script = tmpfile();
	if (!script)
		return plot_fail(error, "a temporary file: %m");
	int result = plot_gnuplot_begin(arguments->out, script, error);
	if (result == 0)
		result = read_tables(arguments, tables, error);
	if (result == 0)
		result = plot_script_write(&figure, script, error);
	if (result == 0)
		result = plot_gnuplot_run(script, arguments->out, error);
	fclose(script);
	for (uint32_t i = 0; i < figure.count; i++)
		plot_table_finish(&tables[i]);
	return result;
}

int command_plot(int argc, char **argv)
{
	static const struct argp argp = {option_rows,
					 parse_option,
					 "--out FILE REPORT...",
					 "Draws reports of `evauth-bench run` with gnuplot (Debian: gnuplot-nox).\v"
					 "Exit code: 0 drawn, 2 not: a file without what the figure needs, no gnuplot.",
					 NULL,
					 NULL,
					 NULL};
	struct plot_arguments arguments = {
		.figure = {.quantiles = {PLOT_P50_US, PLOT_P99_US, PLOT_P99_9_US}, .quantile_count = 3}};
	struct plot_error error;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (draw(&arguments, &error) == 0)
		return EXIT_CODE_DONE;
	fprintf(stderr, "evauth-bench: plot: %s\n", error.text);
	return EXIT_CODE_ERROR;
}
