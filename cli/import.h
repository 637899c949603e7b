// SPDX-License-Identifier: Apache-2.0
// JSON lines of changes on their way to the daemon: read, encoded and batched here while earlier batches are being
// committed there. Each batch is one change set: all or nothing. The daemon takes the sets of a connection in order,
// so a line may refer to what any line before it stores. But batches under way behind one that is refused may take
// effect all the same: the outcome says which.
#pragma once

#include "cli/batch.h"
#include "cli/closed_groups.h"
#include "cli/context.h"
#include "cli/lines.h"
#include "cli/progress.h"

enum { IMPORT_IN_FLIGHT = 12 }; // batches; the daemon puts what waits into one commit

struct line_range {
	uint64_t first;
	uint64_t last;
};

// Whole batches: adjacent ones are one range.
struct line_ranges {
	struct line_range ranges[2 * IMPORT_IN_FLIGHT];
	size_t count;
};

enum import_stop {
	IMPORT_STOP_NONE,       // the whole file
	IMPORT_STOP_LINE,       // a line that cannot be read or understood
	IMPORT_STOP_REFUSED,    // the daemon refused a batch
	IMPORT_STOP_CONNECTION, // what is outstanding has an unknown outcome
	IMPORT_STOP_MEMORY,
};

// A batch sent and not yet answered.
struct import_sent {
	bool waiting;
	uint32_t request_id;
	uint64_t number;
	struct batch_lines lines;
};

struct import {
	struct evauth_client *client;
	bool dry_run;
	struct lines lines;
	struct progress progress;
	struct arena line_arena;   // one line's change
	struct arena answer_arena; // one answer
	struct batch batch;        // being filled
	size_t batch_ids;          // in the lists of its changes
	uint64_t batch_number;     // of the batch being filled, from 1
	struct import_sent sent[IMPORT_IN_FLIGHT];

	// The outcome.
	enum import_stop stop;
	struct fault fault;
	int result;                   // libevauth's, for IMPORT_STOP_CONNECTION
	uint64_t stop_line;           // 0: not about one line
	uint64_t stop_batch;          // IMPORT_STOP_REFUSED
	struct line_range refused;    // lines of that batch
	struct line_ranges committed; // dry run: what the daemon checked
	struct line_ranges unknown;   // sent, no answer
	struct line_ranges unchecked; // dry run: refused for want of what earlier batches would have stored
	uint64_t changes;             // read
	uint64_t once_line;           // the first that may be refused when it is imported again; 0: none was read
	uint64_t revision;            // of the last batch committed
	uint64_t sets;                // committed
	struct closed_groups closed;
};

// -ENOMEM, or why the file cannot be opened. Heap memory: it holds the lines of all batches in flight.
MUST_CHECK int import_create(struct context *context, const char *file, bool dry_run, struct import **ret_import);
void import_destroy(struct import *import);
// Runs to the end or to the first failure, and waits for everything sent. The outcome is in the struct.
void import_run(struct import *import);

// Lines in all ranges together.
uint64_t line_ranges_total(const struct line_ranges *ranges);
void line_ranges_add(struct line_ranges *ranges, struct line_range range);
