// SPDX-License-Identifier: Apache-2.0
// The world as import lines: JSON lines of Change in the order of an export, so that importing them is nearly
// append-only on disk.
#pragma once

#include "bench/line_writer.h"
#include "bench/world.h"

enum { GENERATE_IDS_PER_LINE = 100 }; // of an attach line

struct generate_counts {
	uint64_t lines;
	uint64_t attached_points, memberships;
};

// 0, -ENOMEM, or the writer's error. Flushes the writer.
MUST_CHECK int generate_world(const struct world *world, struct line_writer *writer,
			      struct generate_counts *ret_counts);
