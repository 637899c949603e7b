// SPDX-License-Identifier: Apache-2.0
// A run's result for people and for programs.
//
// The columns of --csv, in this order; --json has the same names as keys of one object (what was not measured is an
// empty cell, and missing in the JSON). Times in microseconds end in _us, CPU seconds in _cpu_s.
//
//   the load       server, connections, threads, depth, batch, rate (0: closed loop), arrivals (closed, constant,
//                  poisson), keys (uniform, zipf:THETA, file), tokens
//   throughput     seconds, requests (answers read), per_second, decisions_per_second
//   latency        mean_us, p50_us, p90_us, p99_us, p99_9_us, p99_99_us, max_us
//   the client     late_p99_us (open loop: how late it sent; 0 in a closed loop), client_cpu_s, client_cpu_us (of a
//                  request)
//   the server     server_cpu_s, server_cpu_us (of a request), other_cpu_s
//   in time        timeout_ms (0: none), good (right and in time), good_per_second, late, refused (for lack of time or
//                  room), dropped (by the client: too late to be sent)
//   what failed    error_count, unanswered, unsent, wrong
//   churn          connects, connect_p50_us, connect_p99_us
//   writes         writes, writes_per_second, write_p50_us, write_p99_us, write_p99_9_us, write_max_us,
//   write_error_count environment    cpu, cores, kernel, bench_version, server_version, started_at (unix seconds)
//
// JSON only: errors and write_errors, objects of code names and counts; over_time, an array of the requests answered in
// every second measured. --csv-seconds FILE has those as rows of second, requests.
// --scan prints one such row, or object, per rate, --search one per step and the confirmed one last.
#pragma once

#include "bench/environment.h"
#include "bench/load.h"

#include <stdio.h>

struct report {
	const struct load_options *options;
	const struct load_result *result;
	uint32_t batch;                        // answers per request; 0 and 1: one
	const char *keys;                      // how tokens and points were drawn; NULL: not told
	uint32_t tokens;                       // of the world; 0: not told
	const struct environment *environment; // NULL: not told
};

void report_text(const struct report *report, FILE *stream);
// One line.
void report_json(const struct report *report, FILE *stream);
// The names of the columns; then a row per report.
void report_csv_header(FILE *stream);
void report_csv(const struct report *report, FILE *stream);
// second,requests: a header and a row per second measured.
void report_csv_seconds(const struct report *report, FILE *stream);
// Problems of the measurement itself, one line each: the client was the bottleneck, the rate was not reached.
void report_warnings(const struct report *report, FILE *stream);
// Whether every answer came, came without an error and was right; those to the requests beside as well.
bool report_is_clean(const struct load_result *result);

// Figures that several formats, and the search, need.
double report_quantile_us(const struct histogram *histogram, double share);
double report_per_second(const struct load_result *result);
double report_good_per_second(const struct load_result *result);
uint64_t report_error_count(const uint64_t *errors); // of LOAD_STATUS_CODES
