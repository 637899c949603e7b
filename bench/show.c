// SPDX-License-Identifier: Apache-2.0
#include "bench/show.h"

#include "base/arena.h"
#include "bench/frames.h"
#include "proto/codec.h"
#include "proto/json.h"

#include <stdio.h>
#include <string.h>

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

// Not a limit of what the server can do: the load has to be another one, or the daemon's settings.
static void explain_budget(const struct load_example *error)
{
	static const char *const options[] = {"client-unknown-tokens-per-second", "client-requests-per-second",
					      "client-connections-max"};
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (error->status == STATUS_RESOURCE_EXHAUSTED &&
		    memmem(error->body, error->size, options[i], strlen(options[i])) != NULL)
			fprintf(stderr,
				"The daemon refused because of a budget of this client, not because it could do no "
				"more. To measure, start it with --%s=0\n",
				options[i]);
	}
}

void show_error(const struct load_requests *requests, const struct schema *request, const struct load_result *result)
{
	const struct load_example *error = &result->error;
	if (!error->is_set)
		return;
	fprintf(stderr, "FIRST ERROR: %s\n", status_code_name((enum status_code)error->status));
	show_message("request", request, frames_body(requests, error->entry));
	show_message("answer", &schema_error, (struct bytes){.data = error->body, .size = error->size});
	explain_budget(error);
}
