// SPDX-License-Identifier: Apache-2.0
#include "cli/id_list.h"

#include <errno.h>
#include <stdlib.h>

enum { ID_LIST_MIN = 64 };

void id_list_finish(struct id_list *list)
{
	free(list->items);
	*list = (struct id_list){0};
}

static int compare_items(const void *a, const void *b)
{
	return bytes_compare(id_key_bytes(&((const struct id_list_item *)a)->key),
			     id_key_bytes(&((const struct id_list_item *)b)->key));
}

int id_list_append(struct id_list *list, struct bytes id, struct arena *arena)
{
	struct id_list_item item = {.id = arena_copy(arena, id)};
	id_fold(ID_FOLD_PLAIN, id, &item.key);
	if (item.id.data == NULL)
		return -ENOMEM;
	if (list->count > 0 && compare_items(&list->items[list->count - 1], &item) >= 0)
		return -EPROTO;
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity ? list->capacity * 2 : ID_LIST_MIN;
		struct id_list_item *items = reallocarray(list->items, capacity, sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = item;
	return 0;
}

int id_list_find(const struct id_list *list, struct bytes id, uint32_t *ret_index)
{
	struct id_list_item wanted;
	id_fold(ID_FOLD_PLAIN, id, &wanted.key);
	const struct id_list_item *found =
		list->count ? bsearch(&wanted, list->items, list->count, sizeof(wanted), compare_items) : NULL;
	if (found == NULL)
		return -ENOENT;
	*ret_index = (uint32_t)(found - list->items);
	return 0;
}
