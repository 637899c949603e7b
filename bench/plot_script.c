// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_script.h"

#include "bench/plot_axis.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_SIZE = 128 };

static const double unsent_share_max = 0.01;

static const struct {
	enum plot_column column;
	const char *name;
} quantiles[] = {
	{PLOT_MEAN_US, "mean"},   {PLOT_P50_US, "p50"},       {PLOT_P90_US, "p90"}, {PLOT_P99_US, "p99"},
	{PLOT_P99_9_US, "p99.9"}, {PLOT_P99_99_US, "p99.99"}, {PLOT_MAX_US, "max"},
};

// Okabe and Ito's colours: they stay apart for the colour-blind.
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
				      "#E69F00", "#56B4E9", "#882255", "#555555"};

enum plot_column plot_quantile_find(const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++) {
		if (strlen(quantiles[i].name) == size && memcmp(quantiles[i].name, name, size) == 0)
			return quantiles[i].column;
	}
	return PLOT_COLUMNS;
}

const char *plot_quantile_name(enum plot_column column)
{
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++) {
		if (quantiles[i].column == column)
			return quantiles[i].name;
	}
	return "";
}

void plot_script_text(const char *text, FILE *script)
{
	fputc('\'', script);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputc('\'', script);
		fputc(iscntrl((unsigned char)*text) ? ' ' : *text, script);
	}
	fputc('\'', script);
}

// "results/one-worker.csv" is "one-worker".
static const char *get_label(const struct plot_figure *figure, uint32_t file, char label[LABEL_SIZE])
{
	if (figure->labels && figure->labels[file]) {
		snprintf(label, LABEL_SIZE, "%s", figure->labels[file]);
		return label;
	}
	const char *name = figure->tables[file].name, *slash = strrchr(name, '/');
	snprintf(label, LABEL_SIZE, "%s", slash ? slash + 1 : name);
	char *dot = strrchr(label, '.');
	if (dot && dot != label)
		*dot = '\0';
	return label;
}

const char *plot_script_colour(uint32_t i)
{
	return colours[i % ARRAY_SIZE(colours)];
}

void plot_script_begin(const char *title, const char *xlabel, const char *ylabel, FILE *script)
{
	fprintf(script, "set encoding utf8\nset title ");
	plot_script_text(title, script);
	fprintf(script,
		" font ',16'\nset xlabel '%s'\nset ylabel '%s'\n"
		"set border 3 linecolor rgb '#555555'\nset tics nomirror out textcolor rgb '#222222'\n"
		"set grid xtics ytics linetype 1 linewidth 0.7 linecolor rgb '#DDDDDD'\n",
		xlabel, ylabel);
}

static const char *title_of(const struct plot_figure *figure, const char *title)
{
	return figure->title ? figure->title : title;
}

static void write_key(FILE *script)
{
	fprintf(script, "set key outside right center Left reverse samplen 3 spacing 1.2\n");
}

// ---------------------------------------------------------------- latency over load

// Where a run stands on the load axis: the rate it was asked for, or what a closed loop reached.
static double load_of(const struct plot_row *row)
{
	const double rate = row->values[PLOT_RATE];
	return rate > 0 ? rate : row->values[PLOT_PER_SECOND];
}

static int compare_loads(const void *a, const void *b)
{
	const double left = load_of(*(const struct plot_row *const *)a);
	const double right = load_of(*(const struct plot_row *const *)b);
	return (left > right) - (left < right);
}

static int check_latency_row(const struct plot_figure *figure, const struct plot_table *table,
			     const struct plot_row *row, struct plot_error *error)
{
	if (!(load_of(row) > 0))
		return plot_fail(error, "%s:%u: neither rate nor per_second is above 0", table->name, row->line);
	for (uint32_t i = 0; i < figure->quantile_count; i++) {
		const enum plot_column column = figure->quantiles[i];
		if (isnan(row->values[column]))
			return plot_fail(error, "%s:%u: no %s", table->name, row->line, plot_column_name(column));
		if (row->values[column] <= 0)
			return plot_fail(error, "%s:%u: %s is not above 0: nothing was answered", table->name,
					 row->line, plot_column_name(column));
	}
	return 0;
}

static int compare_cells(const void *a, const void *b, void *column)
{
	const double left = (*(const struct plot_row *const *)a)->values[*(const enum plot_column *)column];
	const double right = (*(const struct plot_row *const *)b)->values[*(const enum plot_column *)column];
	return (left > right) - (left < right);
}

// Sorts the rows.
static double median_of(const struct plot_row **rows, size_t count, enum plot_column column)
{
	qsort_r(rows, count, sizeof(const struct plot_row *), compare_cells, &column);
	return (rows[(count - 1) / 2]->values[column] + rows[count / 2]->values[column]) / 2;
}

// Rounds at one load are one point: noise of the machine is not the server's latency.
static void write_latency_point(const struct plot_figure *figure, const struct plot_row **rows, size_t count,
				struct plot_range ranges[2], FILE *script)
{
	const double load = load_of(rows[0]);
	plot_range_add(&ranges[0], load);
	fprintf(script, "%.9g", load);
	for (uint32_t q = 0; q < figure->quantile_count; q++) {
		const double seconds = median_of(rows, count, figure->quantiles[q]) / 1e6;
		plot_range_add(&ranges[1], seconds);
		fprintf(script, " %.9g", seconds);
	}
	fprintf(script, "\n");
}

static int write_latency_data(const struct plot_figure *figure, uint32_t file, struct plot_range ranges[2],
			      FILE *script, struct plot_error *error)
{
	const struct plot_table *table = &figure->tables[file];
	for (size_t i = 0; i < table->count; i++) {
		if (check_latency_row(figure, table, &table->rows[i], error) < 0)
			return -EBADMSG;
	}
	const struct plot_row **rows = malloc(table->count * sizeof(const struct plot_row *));
	if (!rows)
		return plot_fail(error, "%s: %s", table->name, strerror(ENOMEM));
	for (size_t i = 0; i < table->count; i++)
		rows[i] = &table->rows[i];
	qsort(rows, table->count, sizeof(const struct plot_row *), compare_loads);

	fprintf(script, "$file%u << END\n", file + 1);
	for (size_t begin = 0, end; begin < table->count; begin = end) {
		end = begin + 1;
		while (end < table->count && load_of(rows[end]) == load_of(rows[begin]))
			end++;
		write_latency_point(figure, rows + begin, end - begin, ranges, script);
	}
	fprintf(script, "END\n");
	free(rows);
	return 0;
}

static void write_latency_curve(const struct plot_figure *figure, uint32_t file, uint32_t quantile, FILE *script)
{
	char label[LABEL_SIZE], title[2 * LABEL_SIZE];
	const bool is_alone = figure->count == 1;
	const char *name = plot_quantile_name(figure->quantiles[quantile]);
	// One file: a colour per quantile. Several: a colour per file, a kind of line and point per quantile.
	const uint32_t colour = is_alone ? quantile : file, dash = is_alone ? 1 : quantile + 1;
	snprintf(title, sizeof(title), "%s %s", get_label(figure, file, label), name);
	fprintf(script,
		"$file%u using 1:%u with linespoints linewidth 2 pointsize 0.7 linecolor rgb '%s' dashtype %u "
		"pointtype %u title ",
		file + 1, quantile + 2, plot_script_colour(colour), dash, 5 + 2 * quantile);
	plot_script_text(is_alone && !(figure->labels && figure->labels[file]) ? name : title, script);
}

static int write_latency(const struct plot_figure *figure, FILE *script, struct plot_error *error)
{
	struct plot_range ranges[2] = {{0}};
	const uint32_t curves = figure->count * figure->quantile_count;
	plot_script_begin(title_of(figure, "Latency versus load"), "load, requests per second", "latency, logarithmic",
			  script);
	write_key(script);
	for (uint32_t file = 0; file < figure->count; file++) {
		if (write_latency_data(figure, file, ranges, script, error) < 0)
			return -EBADMSG;
	}
	plot_axis_linear('x', &ranges[0], script);
	plot_axis_logarithmic('y', &ranges[1], plot_seconds_text, script);
	for (uint32_t curve = 0; curve < curves; curve++) {
		fprintf(script, "%s", curve == 0 ? "plot " : ", \\\n     ");
		write_latency_curve(figure, curve / figure->quantile_count, curve % figure->quantile_count, script);
	}
	fprintf(script, "\n");
	return 0;
}

void plot_script_warn(const struct plot_figure *figure, FILE *stream)
{
	for (uint32_t file = 0; file < figure->count; file++) {
		const struct plot_table *table = &figure->tables[file];
		for (size_t i = 0; i < table->count; i++) {
			const double *values = table->rows[i].values;
			const double share = values[PLOT_UNSENT] / (values[PLOT_UNSENT] + values[PLOT_REQUESTS]);
			if (share > unsent_share_max) // not so when one is absent
				fprintf(stream,
					"warning: %s:%u: %.0f %% of the requests due were never sent: the latencies "
					"drawn there are too low\n",
					table->name, table->rows[i].line, 100 * share);
		}
	}
}

// ---------------------------------------------------------------- throughput over time

// One run: a row with over_time, or a whole file of seconds.
struct time_curve {
	uint32_t file;
	const struct plot_row *run; // NULL: the file's rows are its seconds
};

static int find_time_curves(const struct plot_figure *figure, struct time_curve curves[PLOT_CURVES_MAX],
			    uint32_t *ret_count, struct plot_error *error)
{
	uint32_t count = 0;
	for (uint32_t file = 0; file < figure->count; file++) {
		const struct plot_table *table = &figure->tables[file];
		const bool is_seconds = !isnan(table->rows[0].values[PLOT_SECOND]);
		const size_t runs = is_seconds ? 1 : table->count;
		if (count + runs > PLOT_CURVES_MAX)
			return plot_fail(error, "%s: more than %d runs in one figure", table->name, PLOT_CURVES_MAX);
		for (size_t i = 0; i < runs; i++) {
			if (!is_seconds && table->rows[i].over_time_count == 0)
				return plot_fail(error, "%s:%u: no over_time, as --json has it, and no column second",
						 table->name, table->rows[i].line);
			curves[count++] = (struct time_curve){file, is_seconds ? NULL : &table->rows[i]};
		}
	}
	*ret_count = count;
	return 0;
}

static void write_point(double second, double answers, struct plot_range ranges[2], FILE *script)
{
	plot_range_add(&ranges[0], second);
	plot_range_add(&ranges[1], answers);
	fprintf(script, "%.9g %.9g\n", second, answers);
}

static int write_time_data(const struct plot_figure *figure, const struct time_curve *curve,
			   struct plot_range ranges[2], FILE *script, struct plot_error *error)
{
	const struct plot_table *table = &figure->tables[curve->file];
	for (size_t i = 0; curve->run && i < curve->run->over_time_count; i++)
		write_point((double)(i + 1), curve->run->over_time[i], ranges, script);
	for (size_t i = 0; !curve->run && i < table->count; i++) {
		const double *values = table->rows[i].values;
		if (isnan(values[PLOT_SECOND]) || isnan(values[PLOT_REQUESTS]))
			return plot_fail(error, "%s:%u: no %s", table->name, table->rows[i].line,
					 isnan(values[PLOT_SECOND]) ? "second" : "requests");
		write_point(values[PLOT_SECOND], values[PLOT_REQUESTS], ranges, script);
	}
	return 0;
}

static void write_time_title(const struct plot_figure *figure, const struct time_curve *curve, FILE *script)
{
	char label[LABEL_SIZE], rate[PLOT_NUMBER_SIZE], title[2 * LABEL_SIZE];
	get_label(figure, curve->file, label);
	if (curve->run && figure->tables[curve->file].count > 1)
		snprintf(title, sizeof(title), "%s, %s/s", label, plot_number_text(load_of(curve->run), rate));
	else
		snprintf(title, sizeof(title), "%s", label);
	plot_script_text(title, script);
}

static int write_throughput(const struct plot_figure *figure, FILE *script, struct plot_error *error)
{
	struct time_curve curves[PLOT_CURVES_MAX];
	struct plot_range ranges[2] = {{0}};
	uint32_t count = 0;
	if (find_time_curves(figure, curves, &count, error) < 0)
		return -EBADMSG;
	plot_script_begin(title_of(figure, "Throughput over time"), "time, seconds", "requests answered per second",
			  script);
	write_key(script);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(script, "$run%u << END\n", i + 1);
		if (write_time_data(figure, &curves[i], ranges, script, error) < 0)
			return -EBADMSG;
		fprintf(script, "END\n");
	}
	plot_axis_linear('x', &ranges[0], script);
	plot_axis_linear('y', &ranges[1], script);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(script,
			"%s$run%u using 1:2 with linespoints linewidth 2 pointsize 0.5 pointtype 7 linecolor rgb '%s' "
			"dashtype %zu title ",
			i == 0 ? "plot " : ", \\\n     ", i + 1, plot_script_colour(i), 1 + i / ARRAY_SIZE(colours));
		write_time_title(figure, &curves[i], script);
	}
	fprintf(script, "\n");
	return 0;
}

int plot_script_write(const struct plot_figure *figure, FILE *script, struct plot_error *error)
{
	return figure->kind == PLOT_LATENCY ? write_latency(figure, script, error)
					    : write_throughput(figure, script, error);
}
