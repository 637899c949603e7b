// SPDX-License-Identifier: Apache-2.0
// Which charge groups an import may have left without anybody who can charge. Early batches put groups, later ones
// attach customers: what counts is the last word on each group.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "proto/ids.h"

#include <stdint.h>

struct closed_group {
	struct id_key key;
	char id[ID_SIZE_MAX]; // as it was last spelled
	uint8_t id_size;
	uint64_t attached_in; // the last batch that attached a customer; 0: none
	uint64_t closed_in;   // the last batch that reported it closed; 0: none
};

struct closed_groups {
	struct closed_group *groups;
	size_t count;
	size_t capacity;
	uint32_t *slots; // index of a group + 1; 0: free
	size_t slots_count;
};

// All zero is empty.
void closed_groups_finish(struct closed_groups *closed);
// Batches are counted from 1. -ENOMEM.
MUST_CHECK int closed_groups_note_attached(struct closed_groups *closed, struct bytes group_id, uint64_t batch);
MUST_CHECK int closed_groups_note_closed(struct closed_groups *closed, struct bytes group_id, uint64_t batch);
// Reported closed, and no customer attached by a later batch.
bool closed_group_is_suspect(const struct closed_group *group);
