// SPDX-License-Identifier: Apache-2.0
// Ids in the order of their compare forms, found by any spelling.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "proto/ids.h"

#include <stdint.h>

struct id_list_item {
	struct id_key key;
	struct bytes id; // as it was added
};

// All zero is empty.
struct id_list {
	struct id_list_item *items;
	size_t count;
	size_t capacity;
};

void id_list_finish(struct id_list *list);
// Copies `id` into `arena`. -ENOMEM; -EPROTO when it does not come after the last one.
MUST_CHECK int id_list_append(struct id_list *list, struct bytes id, struct arena *arena);
// Its place. -ENOENT.
MUST_CHECK int id_list_find(const struct id_list *list, struct bytes id, uint32_t *ret_index);
