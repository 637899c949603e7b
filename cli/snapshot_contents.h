// SPDX-License-Identifier: Apache-2.0
// What a file of `evauth snapshot` holds: all of it is read, and known to be whole.
#pragma once

#include "base/arena.h"
#include "base/check.h"
#include "proto/messages.h"

#include <stdio.h>

enum {
	SNAPSHOT_RECORD_KINDS = RECORD_REMEMBERED + 1,
	SNAPSHOT_ARENA_CHUNK = 64 * 1024,
};

struct snapshot_contents {
	struct snapshot_end *end;
	uint64_t counts[SNAPSHOT_RECORD_KINDS];
	uint64_t records;
	struct arena arena; // of `end`
	struct arena record;
};

// From where `in` stands. Errors of snapshot_file.h; -EBADMSG also when the records are not those its end tells of.
// To be finished, after a failure, too.
MUST_CHECK int snapshot_contents_read(struct snapshot_contents *contents, FILE *in);
void snapshot_contents_finish(struct snapshot_contents *contents);
// What an error means, without a full stop. NULL: errno says it.
const char *snapshot_contents_problem(int error);
