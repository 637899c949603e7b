// SPDX-License-Identifier: Apache-2.0
// The report of `evauth-bench compare --json` as bars: one group per peer, in it one bar per depth, with the median's
// value above and a line from the smallest to the largest round.
#pragma once

#include "bench/plot_table.h"

#include <stdio.h>

enum plot_bars_kind {
	PLOT_BARS_RATIOS, // evauthd's throughput over each peer's
	PLOT_BARS_PEERS,  // everybody's throughput
};

enum {
	PLOT_BAR_GROUPS_MAX = 16,
	PLOT_BAR_DEPTHS_MAX = 8,
	PLOT_BAR_NAME_SIZE = 32,
};

struct plot_bar {
	double min, median, max; // NAN: none
};

struct plot_bars {
	const char *name; // of the file, borrowed
	enum plot_bars_kind kind;
	char groups[PLOT_BAR_GROUPS_MAX][PLOT_BAR_NAME_SIZE]; // peers
	uint32_t group_count;
	uint32_t depths[PLOT_BAR_DEPTHS_MAX];
	uint32_t depth_count;
	struct plot_bar bars[PLOT_BAR_GROUPS_MAX][PLOT_BAR_DEPTHS_MAX];
};

// What a bar's spread is called in a run of the report: "throughput_ratio", "per_second".
const char *plot_bars_member(enum plot_bars_kind kind);
// Errors as plot_table_read().
MUST_CHECK int plot_bars_read(const char *name, enum plot_bars_kind kind, struct plot_bars *ret_bars,
			      struct plot_error *error);
MUST_CHECK int plot_bars_parse_json(struct plot_bars *bars, const char *text, size_t size, struct plot_error *error);
// For the parser. -EBADMSG with the text: too many, twice the same, or not above 0.
MUST_CHECK int plot_bars_add(struct plot_bars *bars, const char *group, uint32_t depth, const struct plot_bar *bar,
			     struct plot_error *error);
// `title`: NULL for one that says what is shown.
void plot_bars_write(const struct plot_bars *bars, const char *title, FILE *script);
