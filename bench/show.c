// SPDX-License-Identifier: Apache-2.0
#include "bench/show.h"

#include "base/arena.h"
#include "bench/frames.h"
#include "proto/codec.h"
#include "proto/json.h"

#include <stdio.h>

enum { SHOW_BUDGET = 16 * 1024 * 1024 };

void show_message(const char *title, const struct schema *schema, struct bytes body)
{
	struct arena arena;
	struct fault fault = {0};
	void *message;
	struct bytes text;
	arena_init(&arena, 64 * 1024, SHOW_BUDGET);
	if (codec_decode(schema, CODEC_TOLERANT, body, &arena, &message, &fault) < 0 ||
	    json_encode(schema, message, JSON_COMPACT, &arena, &text) < 0)
		fprintf(stderr, "%s: %zu bytes that are not readable: %s\n", title, body.size, fault.message);
	else
		fprintf(stderr, "%s: %.*s\n", title, BYTES_ARG(text));
	arena_finish(&arena);
}

void show_error(const struct load_requests *requests, const struct schema *request, const struct load_result *result)
{
	const struct load_example *error = &result->error;
	if (!error->is_set)
		return;
	fprintf(stderr, "FIRST ERROR: %s\n", status_code_name((enum status_code)error->status));
	show_message("request", request, frames_body(requests, error->entry));
	show_message("answer", &schema_error, (struct bytes){.data = error->body, .size = error->size});
}
