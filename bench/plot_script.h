// SPDX-License-Identifier: Apache-2.0
// Reports as gnuplot scripts, with their data inside. The terminal, and where its picture goes, are left to
// bench/plot_gnuplot.h.
#pragma once

#include "bench/plot_table.h"

#include <stdio.h>

enum plot_kind {
	PLOT_LATENCY,    // quantiles over the load, one curve per file and quantile; medians where a load was run again
	PLOT_THROUGHPUT, // answers per second over time, one curve per run
};

enum {
	PLOT_FILES_MAX = 8,
	PLOT_QUANTILES_MAX = 7,
	PLOT_CURVES_MAX = 24,
};

struct plot_figure {
	enum plot_kind kind;
	const char *title;               // NULL: one that says what is shown
	const struct plot_table *tables; // the files
	const char *const *labels;       // per file, for the legend; NULL: from the file's name
	uint32_t count;                  // of files
	enum plot_column quantiles[PLOT_QUANTILES_MAX];
	uint32_t quantile_count;
};

// "p99.9" is PLOT_P99_9_US; PLOT_COLUMNS: no quantile.
enum plot_column plot_quantile_find(const char *name, size_t size);
const char *plot_quantile_name(enum plot_column column);

// -EBADMSG with the text when a file does not have what the figure needs. Writing errors are the stream's.
MUST_CHECK int plot_script_write(const struct plot_figure *figure, FILE *script, struct plot_error *error);
// One line for every run whose rate was not reached: its latencies lack the requests that were never sent.
void plot_script_warn(const struct plot_figure *figure, FILE *stream);
// What every figure of ours begins with. xlabel and ylabel need no quoting.
void plot_script_begin(const char *title, const char *xlabel, const char *ylabel, FILE *script);
// The i-th colour, round and round.
const char *plot_script_colour(uint32_t i);
// A text for gnuplot, in quotes; control characters become spaces.
void plot_script_text(const char *text, FILE *script);
