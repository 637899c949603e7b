// SPDX-License-Identifier: Apache-2.0
// One stored object against what the index says of it. For audit.c.
#pragma once

#include "base/arena.h"
#include "store/db.h"
#include "store/image.h"

// *ret_problem stays as it is when the two agree, else it is what is wrong. -ENOMEM.
MUST_CHECK int audit_compare(const struct image *image, enum db_table table, const struct db_record *row,
			     struct arena *arena, const char **ret_problem);
// How many objects of a table the index has.
uint64_t audit_count(const struct image *image, enum db_table table);
