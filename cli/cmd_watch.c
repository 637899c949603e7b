// SPDX-License-Identifier: Apache-2.0
// watch: the changes live, through breaks of the connection, until it is stopped or cannot go on where it was.
#include "cli/change_words.h"
#include "cli/number.h"
#include "cli/words.h"
#include "proto/json.h"

#include <errno.h>

struct watching {
	struct context *context;
	bool has_begun; // something came, ever
	bool is_broken; // and said so
};

static int print_event(struct context *context, const struct event *event)
{
	if (!context->json) {
		const struct log_entry entry = {.revision = event->revision,
						.time = event->time,
						.change_sets = event->change_sets,
						.change_sets_count = event->change_sets_count};
		change_print_sets(context, &entry);
	} else {
		struct bytes text;
		arena_reset(&context->arena);
		const int result = json_encode(&schema_event, event, JSON_COMPACT, &context->arena, &text);
		if (result < 0)
			return result;
		fprintf(context->out, "%.*s\n", BYTES_ARG(text));
	}
	return fflush(context->out) == 0 ? 0 : -EIO;
}

static int on_event(void *context, const struct event *event)
{
	struct watching *watching = context;
	if (watching->is_broken && !watching->context->quiet)
		context_warn(watching->context, "evauth: connected again\n");
	watching->has_begun = true;
	watching->is_broken = false;
	return event->change_sets_count > 0 ? print_event(watching->context, event) : 0;
}

static int on_break(void *context, uint64_t after_revision)
{
	struct watching *watching = context;
	char revision[WORDS_SIZE];
	if (!watching->has_begun)
		return -ECONNABORTED;
	if (!watching->is_broken && !watching->context->quiet) {
		fputs("evauth: ", watching->context->err);
		context_print_fault(watching->context, evauth_fault(watching->context->client));
		context_warn(watching->context, "  trying to go on after revision %s\n",
			     words_count(after_revision, revision));
	}
	watching->is_broken = true;
	return 0;
}

enum exit_code command_watch(struct context *context, const struct arguments *arguments)
{
	struct watching watching = {.context = context};
	struct watch_request request = {0};
	const struct evauth_watcher watcher = {.each = on_event, .on_break = on_break, .context = &watching};
	if (!number_option(arguments, OPTION_AFTER, &request.after_revision))
		return context_refuse(context, "--after: '%s' is no revision", arguments->values[OPTION_AFTER]);
	const int result = evauth_watch(context->client, &request, &watcher);
	if (result == -EIO)
		return EXIT_ERROR; // said by main()
	const bool is_out_of_range = evauth_fault(context->client)->code == STATUS_OUT_OF_RANGE;
	const enum exit_code code = context_fail(context, result);
	return is_out_of_range ? EXIT_CANNOT_RESUME : code;
}
