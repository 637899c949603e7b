// SPDX-License-Identifier: Apache-2.0
#include "cli/closed_groups.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSED_GROUPS_MIN = 64 };

void closed_groups_finish(struct closed_groups *closed)
{
	free(closed->groups);
	free(closed->slots);
	*closed = (struct closed_groups){0};
}

// The ids are the caller's own file, so the hash needs no secret seed.
static uint32_t *closed_groups_slot(const struct closed_groups *closed, const struct id_key *key)
{
	size_t at = hash_bytes(key->data, key->size, 0) & (closed->slots_count - 1);
	for (;; at = (at + 1) & (closed->slots_count - 1)) {
		uint32_t *slot = &closed->slots[at];
		if (*slot == 0 || bytes_equal(id_key_bytes(&closed->groups[*slot - 1].key), id_key_bytes(key)))
			return slot;
	}
}

// Twice as many groups, and four slots for each.
static int closed_groups_grow(struct closed_groups *closed)
{
	const size_t capacity = closed->capacity ? closed->capacity * 2 : CLOSED_GROUPS_MIN;
	struct closed_group *groups = reallocarray(closed->groups, capacity, sizeof(*groups));
	if (groups == NULL)
		return -ENOMEM;
	closed->groups = groups;
	uint32_t *slots = calloc(capacity * 4, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	free(closed->slots);
	closed->slots = slots;
	closed->slots_count = capacity * 4;
	closed->capacity = capacity;
	for (size_t i = 0; i < closed->count; i++)
		*closed_groups_slot(closed, &groups[i].key) = (uint32_t)i + 1;
	return 0;
}

static int closed_groups_find(struct closed_groups *closed, struct bytes group_id, struct closed_group **ret_group)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, group_id, &key);
	if (closed->count == closed->capacity && closed_groups_grow(closed) < 0)
		return -ENOMEM;
	uint32_t *slot = closed_groups_slot(closed, &key);
	if (*slot == 0) {
		closed->groups[closed->count] = (struct closed_group){.key = key};
		*slot = (uint32_t)++closed->count;
	}
	struct closed_group *group = &closed->groups[*slot - 1];
	group->id_size = group_id.size < ID_SIZE_MAX ? (uint8_t)group_id.size : ID_SIZE_MAX;
	if (group->id_size > 0)
		memcpy(group->id, group_id.data, group->id_size);
	*ret_group = group;
	return 0;
}

int closed_groups_note_attached(struct closed_groups *closed, struct bytes group_id, uint64_t batch)
{
	struct closed_group *group;
	const int result = closed_groups_find(closed, group_id, &group);
	if (result == 0 && batch > group->attached_in)
		group->attached_in = batch;
	return result;
}

int closed_groups_note_closed(struct closed_groups *closed, struct bytes group_id, uint64_t batch)
{
	struct closed_group *group;
	const int result = closed_groups_find(closed, group_id, &group);
	if (result == 0 && batch > group->closed_in)
		group->closed_in = batch;
	return result;
}

bool closed_group_is_suspect(const struct closed_group *group)
{
	return group->closed_in > 0 && group->closed_in >= group->attached_in;
}
