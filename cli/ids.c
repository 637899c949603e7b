// SPDX-License-Identifier: Apache-2.0
#include "cli/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// No more of them fit into a change set, whatever their length.
enum { IDS_MAX = BODY_APPLY_MAX / 3 };

static int ids_add(struct ids *ids, struct bytes id)
{
	if (ids->count == IDS_MAX)
		return -E2BIG;
	ids->ids[ids->count++] = id;
	return 0;
}

static int ids_add_lines(struct context *context, FILE *in, struct ids *ids)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	int result = 0;
	while (result == 0 && (size = getline(&line, &capacity, in)) >= 0) {
		size = (ssize_t)strcspn(line, "\r\n");
		if (size == 0)
			continue;
		const struct bytes id = arena_copy(&context->arena, (struct bytes){.data = line, .size = (size_t)size});
		result = id.data ? ids_add(ids, id) : -ENOMEM;
	}
	free(line);
	return result;
}

enum exit_code ids_read(struct context *context, size_t first, struct ids *ret_ids)
{
	const struct arguments *arguments = context->arguments;
	struct ids ids = {.ids = arena_alloc(&context->arena, IDS_MAX * sizeof(*ids.ids))};
	int result = ids.ids ? 0 : -ENOMEM;
	for (size_t i = first; result == 0 && i < arguments->words_count; i++) {
		const char *word = arguments->words[i];
		result = strcmp(word, "-") == 0 ? ids_add_lines(context, stdin, &ids) : ids_add(&ids, bytes_from(word));
	}
	if (result == -ENOMEM)
		return context_no_memory(context);
	if (result < 0)
		return context_refuse(context,
				      "more ids than one change set holds: give at most %d at a time, e.g. with "
				      "split -l %d",
				      IDS_PER_CHANGE_MAX, IDS_PER_CHANGE_MAX);
	if (ids.count == 0)
		return context_refuse(context, "no ids were given");
	*ret_ids = ids;
	return EXIT_DONE;
}
