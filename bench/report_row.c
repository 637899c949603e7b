// SPDX-License-Identifier: Apache-2.0
// A report as a row of named cells, which CSV and JSON write in their own ways.
#include "bench/report.h"

#include "proto/fault.h"

#include <inttypes.h>

enum { CELLS_MAX = 64, CELL_SIZE = 160 };

struct cell {
	const char *name;
	bool is_text;
	bool is_missing;
	char text[CELL_SIZE];
};

struct row {
	uint32_t count;
	struct cell cells[CELLS_MAX];
};

// ---------------------------------------------------------------- cells

static struct cell *add_cell(struct row *row, const char *name)
{
	ASSERT(row->count < CELLS_MAX);
	struct cell *cell = &row->cells[row->count++];
	*cell = (struct cell){.name = name};
	return cell;
}

static void add_text(struct row *row, const char *name, const char *text)
{
	struct cell *cell = add_cell(row, name);
	cell->is_text = true;
	cell->is_missing = !text || !*text;
	snprintf(cell->text, sizeof(cell->text), "%s", text ? text : "");
}

static void add_count(struct row *row, const char *name, uint64_t count)
{
	snprintf(add_cell(row, name)->text, CELL_SIZE, "%" PRIu64, count);
}

static void add_number(struct row *row, const char *name, int decimals, double number)
{
	snprintf(add_cell(row, name)->text, CELL_SIZE, "%.*f", decimals, number);
}

// What is below 0 was not measured.
static void add_measured(struct row *row, const char *name, int decimals, double number)
{
	struct cell *cell = add_cell(row, name);
	cell->is_missing = number < 0;
	snprintf(cell->text, sizeof(cell->text), "%.*f", decimals, number);
}

static void add_flag(struct row *row, const char *name, bool flag)
{
	snprintf(add_cell(row, name)->text, CELL_SIZE, "%s", flag ? "true" : "false");
}

static void add_quantile(struct row *row, const char *name, const struct histogram *histogram, double share)
{
	add_number(row, name, 1, report_quantile_us(histogram, share));
}

// ---------------------------------------------------------------- groups of columns, in the order of report.h

static const char *arrivals_name(const struct load_options *options)
{
	if (options->rate == 0)
		return "closed";
	return options->arrivals == LOAD_ARRIVALS_POISSON ? "poisson" : "constant";
}

static void add_load(struct row *row, const struct report *report)
{
	const struct load_options *options = report->options;
	add_text(row, "server", options->server);
	add_count(row, "connections", options->connections);
	add_count(row, "threads", options->threads > 0 ? options->threads : 1);
	add_count(row, "depth", options->depth);
	add_count(row, "batch", report->batch);
	add_number(row, "rate", 0, options->rate);
	add_text(row, "arrivals", arrivals_name(options));
	add_text(row, "keys", report->keys);
	add_measured(row, "tokens", 0, report->tokens > 0 ? (double)report->tokens : -1);
}

static void add_throughput(struct row *row, const struct report *report)
{
	const struct load_result *result = report->result;
	const uint32_t batch = report->batch > 1 ? report->batch : 1;
	add_number(row, "seconds", 3, result->seconds);
	add_count(row, "requests", result->answers);
	add_number(row, "per_second", 0, report_per_second(result));
	add_number(row, "decisions_per_second", 0, report_per_second(result) * batch);
}

static void add_latency(struct row *row, const struct histogram *latency)
{
	add_number(row, "mean_us", 1, latency->count > 0 ? (double)latency->sum / (double)latency->count / 1e3 : 0);
	add_quantile(row, "p50_us", latency, 0.5);
	add_quantile(row, "p90_us", latency, 0.9);
	add_quantile(row, "p99_us", latency, 0.99);
	add_quantile(row, "p99_9_us", latency, 0.999);
	add_quantile(row, "p99_99_us", latency, 0.9999);
	add_quantile(row, "max_us", latency, 1);
}

static double us_per_answer(double cpu_s, const struct load_result *result)
{
	if (cpu_s < 0)
		return -1;
	return result->answers > 0 ? cpu_s * 1e6 / (double)result->answers : 0;
}

static void add_cpu(struct row *row, const struct load_result *result)
{
	add_quantile(row, "late_p99_us", &result->late_ns, 0.99);
	add_number(row, "client_cpu_s", 3, result->client_cpu_s);
	add_number(row, "client_cpu_us", 3, us_per_answer(result->client_cpu_s, result));
	add_measured(row, "server_cpu_s", 3, result->server_cpu_s);
	add_measured(row, "server_cpu_us", 3, us_per_answer(result->server_cpu_s, result));
	add_measured(row, "other_cpu_s", 3, result->other_cpu_s);
}

static void add_goodness(struct row *row, const struct report *report)
{
	const struct load_result *result = report->result;
	add_count(row, "timeout_ms", report->options->timeout_ms);
	add_count(row, "good", result->good);
	add_number(row, "good_per_second", 0, report_good_per_second(result));
	add_count(row, "late", result->late);
	add_count(row, "refused", result->refused);
	add_count(row, "dropped", result->dropped);
}

static void add_failures(struct row *row, const struct load_result *result)
{
	add_count(row, "error_count", report_error_count(result->errors));
	add_count(row, "unanswered", result->unanswered);
	add_count(row, "unsent", result->unsent);
	add_flag(row, "wrong", result->is_wrong);
}

static void add_beside(struct row *row, const struct load_result *result)
{
	const struct load_beside_result *beside = &result->beside;
	const double seconds = result->seconds;
	add_count(row, "connects", result->connect_ns.count);
	add_quantile(row, "connect_p50_us", &result->connect_ns, 0.5);
	add_quantile(row, "connect_p99_us", &result->connect_ns, 0.99);
	add_count(row, "writes", beside->answers);
	add_number(row, "writes_per_second", 0, seconds > 0 ? (double)beside->answers / seconds : 0);
	add_quantile(row, "write_p50_us", &beside->latency_ns, 0.5);
	add_quantile(row, "write_p99_us", &beside->latency_ns, 0.99);
	add_quantile(row, "write_p99_9_us", &beside->latency_ns, 0.999);
	add_quantile(row, "write_max_us", &beside->latency_ns, 1);
	add_count(row, "write_error_count", report_error_count(beside->errors));
}

static void add_environment(struct row *row, const struct environment *environment)
{
	static const struct environment unknown = {0};
	const struct environment *told = environment ? environment : &unknown;
	add_text(row, "cpu", told->cpu);
	add_measured(row, "cores", 0, environment ? (double)told->cores : -1);
	add_text(row, "kernel", told->kernel);
	add_text(row, "bench_version", EVAUTH_VERSION);
	add_text(row, "server_version", told->server_version);
	add_measured(row, "started_at", 0, environment ? (double)told->started_at : -1);
}

static void row_fill(struct row *row, const struct report *report)
{
	row->count = 0;
	add_load(row, report);
	add_throughput(row, report);
	add_latency(row, &report->result->latency_ns);
	add_cpu(row, report->result);
	add_goodness(row, report);
	add_failures(row, report->result);
	add_beside(row, report->result);
	add_environment(row, report->environment);
}

// ---------------------------------------------------------------- CSV

// Quoted only where it must be: RFC 4180.
static void print_csv_text(const char *text, FILE *stream)
{
	bool needs_quotes = false;
	for (const char *at = text; *at; at++)
		needs_quotes = needs_quotes || *at == '"' || *at == ',' || *at == '\n';
	if (!needs_quotes) {
		fputs(text, stream);
		return;
	}
	putc('"', stream);
	for (const char *at = text; *at; at++) {
		if (*at == '"')
			putc('"', stream);
		putc(*at, stream);
	}
	putc('"', stream);
}

void report_csv_header(FILE *stream)
{
	static const struct load_options options = {0};
	static const struct load_result result = {0};
	struct row row;
	row_fill(&row, &(struct report){.options = &options, .result = &result});
	for (uint32_t i = 0; i < row.count; i++)
		fprintf(stream, "%s%s", i > 0 ? "," : "", row.cells[i].name);
	putc('\n', stream);
}

void report_csv(const struct report *report, FILE *stream)
{
	struct row row;
	row_fill(&row, report);
	for (uint32_t i = 0; i < row.count; i++) {
		if (i > 0)
			putc(',', stream);
		if (!row.cells[i].is_missing)
			print_csv_text(row.cells[i].text, stream);
	}
	putc('\n', stream);
}

void report_csv_seconds(const struct report *report, FILE *stream)
{
	fprintf(stream, "second,requests\n");
	for (uint32_t i = 0; i < report->result->over_time_count; i++)
		fprintf(stream, "%u,%u\n", i + 1, report->result->over_time[i]);
}

// ---------------------------------------------------------------- JSON

static void print_json_text(const char *text, FILE *stream)
{
	putc('"', stream);
	for (const char *at = text; *at; at++) {
		if (*at == '"' || *at == '\\')
			putc('\\', stream);
		if ((unsigned char)*at >= ' ')
			putc(*at, stream);
	}
	putc('"', stream);
}

static void print_json_errors(const char *name, const uint64_t *errors, FILE *stream)
{
	const char *comma = "";
	fprintf(stream, ",\"%s\":{", name);
	for (int code = 0; code < LOAD_STATUS_CODES; code++) {
		if (errors[code] == 0)
			continue;
		fprintf(stream, "%s\"%s\":%" PRIu64, comma, status_code_name((enum status_code)code), errors[code]);
		comma = ",";
	}
	putc('}', stream);
}

void report_json(const struct report *report, FILE *stream)
{
	const struct load_result *result = report->result;
	const char *comma = "";
	struct row row;
	row_fill(&row, report);
	putc('{', stream);
	for (uint32_t i = 0; i < row.count; i++) {
		const struct cell *cell = &row.cells[i];
		if (cell->is_missing)
			continue;
		fprintf(stream, "%s\"%s\":", comma, cell->name);
		comma = ",";
		if (cell->is_text)
			print_json_text(cell->text, stream);
		else
			fputs(cell->text, stream);
	}
	print_json_errors("errors", result->errors, stream);
	print_json_errors("write_errors", result->beside.errors, stream);
	fprintf(stream, ",\"over_time\":[");
	for (uint32_t i = 0; i < result->over_time_count; i++)
		fprintf(stream, "%s%u", i > 0 ? "," : "", result->over_time[i]);
	fprintf(stream, "]}\n");
}
