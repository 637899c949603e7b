// SPDX-License-Identifier: Apache-2.0
// Records in the order of a snapshot, written as lines of changes that import takes: every object as put_x without
// what is read only, then the attachments of each charge group, points before customers, IDS_PER_LINE ids a line.
// The lines depend on the contents alone, so that an export of an imported export is the same, byte for byte.
#pragma once

#include "base/arena.h"
#include "cli/id_list.h"
#include "proto/messages.h"

#include <stdio.h>

enum { EXPORT_IDS_PER_LINE = 100 };

// Where an id is attached: `to` is the place of a group, or of an override plus one (0: none).
struct attachment {
	uint32_t to;
	uint32_t order; // as they came
	struct bytes id;
};

struct attachment_list {
	struct attachment *items;
	size_t count;
	size_t capacity;
};

struct export
{
	FILE *out;
	uint64_t lines;
	struct arena line_arena;  // one line
	struct arena ids_arena;   // ids of groups, tariffs and attached points
	struct arena group_arena; // ids of one group's customers
	struct id_list tariffs;
	struct id_list groups;
	struct attachment_list points;
	bool points_written;
	struct attachment_list customers; // of the group at hand
	struct bytes group_id;            // the group at hand, in group_arena
};

void export_init(struct export *export, FILE *out);
void export_finish(struct export *export);
// The next record. -EIO when the output cannot be written, -EPROTO for a record out of order, -ENOMEM.
MUST_CHECK int export_record(struct export *export, const struct record *record);
// After the last one.
MUST_CHECK int export_end(struct export *export);
