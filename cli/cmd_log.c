// SPDX-License-Identifier: Apache-2.0
// log: the last changes; log orphans and log forget-orphans: those that another history does not have; log adopt: this
// replica's state becomes the history.
#include "cli/change_words.h"
#include "cli/number.h"
#include "cli/output.h"
#include "cli/words.h"
#include "proto/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAST_DEFAULT = 20 };

// Entries of as many pages as needed, newest first.
struct gathered {
	struct log_entry *entries;
	size_t count;
	size_t capacity;
	uint64_t oldest_revision;
	uint64_t revision;
};

static int gather_page(struct gathered *gathered, const struct log_response *page)
{
	if (gathered->count + page->entries_count > gathered->capacity) {
		const size_t capacity = (gathered->count + page->entries_count) * 2;
		struct log_entry *entries = reallocarray(gathered->entries, capacity, sizeof(*entries));
		if (entries == NULL)
			return -ENOMEM;
		gathered->entries = entries;
		gathered->capacity = capacity;
	}
	if (page->entries_count > 0)
		memcpy(gathered->entries + gathered->count, page->entries,
		       page->entries_count * sizeof(*page->entries));
	gathered->count += page->entries_count;
	gathered->oldest_revision = page->oldest_revision;
	gathered->revision = page->revision;
	return 0;
}

// Up to `last` entries. EXIT_DONE, or the error was said. The caller frees the entries.
static enum exit_code gather(struct context *context, struct log_request request, uint64_t last,
			     struct gathered *gathered)
{
	for (bool is_over = false; !is_over;) {
		struct log_response *page;
		const uint64_t left = last - gathered->count;
		request.page_size = left < PAGE_SIZE_MAX ? (uint32_t)left : PAGE_SIZE_MAX;
		const int result = evauth_log(context->client, &request, &context->arena, &page);
		if (result < 0)
			return context_fail(context, result);
		if (gather_page(gathered, page) < 0)
			return context_no_memory(context);
		is_over = page->entries_count == 0 || gathered->count >= last;
		if (!is_over)
			request.before_revision = gathered->entries[gathered->count - 1].revision;
	}
	return EXIT_DONE;
}

// ---------------------------------------------------------------- log

static enum exit_code print_log(struct context *context, const struct gathered *gathered)
{
	if (context->json) {
		const struct log_response response = {.entries = gathered->entries,
						      .entries_count = gathered->count,
						      .oldest_revision = gathered->oldest_revision,
						      .revision = gathered->revision};
		return output_json(context, &schema_log_response, &response);
	}
	for (size_t i = 0; i < gathered->count; i++)
		change_print_sets(context, &gathered->entries[i]);
	if (gathered->count == 0)
		context_say(context, "no changes are kept there\n");
	return EXIT_DONE;
}

enum exit_code command_log(struct context *context, const struct arguments *arguments)
{
	struct gathered gathered = {0};
	struct log_request request = {0};
	uint64_t last = LAST_DEFAULT;
	if (!number_option(arguments, OPTION_LAST, &last) || last == 0)
		return context_refuse(context, "--last: '%s' is no number of entries", arguments->values[OPTION_LAST]);
	if (!number_option(arguments, OPTION_BEFORE, &request.before_revision))
		return context_refuse(context, "--before: '%s' is no revision", arguments->values[OPTION_BEFORE]);
	enum exit_code code = gather(context, request, last, &gathered);
	if (code == EXIT_DONE)
		code = print_log(context, &gathered);
	free(gathered.entries);
	return code;
}

// ---------------------------------------------------------------- orphans

// Lines that import takes. What a change expected to find was true of the other history.
static int print_orphan_json(struct context *context, const struct log_entry *entry)
{
	for (size_t i = 0; i < entry->change_sets_count; i++) {
		for (size_t j = 0; j < entry->change_sets[i].changes_count; j++) {
			struct change change = entry->change_sets[i].changes[j];
			struct bytes text;
			change.expected_object_revision = 0;
			const int result = json_encode(&schema_change, &change, JSON_COMPACT, &context->arena, &text);
			if (result < 0)
				return result;
			fprintf(context->out, "%.*s\n", BYTES_ARG(text));
		}
	}
	return 0;
}

// Oldest first: the order in which they can be applied again.
enum exit_code command_log_orphans(struct context *context, const struct arguments *arguments)
{
	struct gathered gathered = {0};
	(void)arguments;
	enum exit_code code = gather(context, (struct log_request){.orphans = true}, UINT64_MAX, &gathered);
	for (size_t i = gathered.count; code == EXIT_DONE && i > 0; i--) {
		if (!context->json)
			change_print_sets(context, &gathered.entries[i - 1]);
		else if (print_orphan_json(context, &gathered.entries[i - 1]) < 0)
			code = context_no_memory(context);
	}
	if (code == EXIT_DONE && gathered.count == 0)
		context_say(context, "there are no orphans\n");
	free(gathered.entries);
	return code;
}

enum exit_code command_log_forget_orphans(struct context *context, const struct arguments *arguments)
{
	struct forget_orphans_request request = {0};
	struct forget_orphans_response *response;
	char text[WORDS_SIZE];
	if (!number_parse(arguments->words[0], &request.through_revision) || request.through_revision == 0)
		return context_refuse(context, "'%s' is no revision", arguments->words[0]);
	const int result = evauth_forget_orphans(context->client, &request, &context->arena, &response);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_forget_orphans_response, response);
	context_say(context, "%s forgotten\n", words_count(response->forgotten, text));
	return EXIT_DONE;
}

// ---------------------------------------------------------------- adopt

static void print_replica(struct context *context, const struct status_response *status)
{
	char text[WORDS_SIZE];
	fprintf(context->err, "The replica at %s:\n", evauth_server(context->client));
	fprintf(context->err, "  revision  %s\n", words_count(status->revision, text));
	fprintf(context->err, "  epoch     %.*s\n", BYTES_ARG(status->epoch));
	fprintf(context->err, "  digest    %.*s\n", BYTES_ARG(status->digest));
	fputs("Its state starts a new history. All other replicas follow it and set aside what they alone have\n"
	      "(evauth log orphans there).\n",
	      context->err);
}

static bool confirms(struct context *context)
{
	char answer[16];
	fputs("Type 'adopt' to do it: ", context->err);
	fflush(context->err);
	return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "adopt\n") == 0;
}

enum exit_code command_log_adopt(struct context *context, const struct arguments *arguments)
{
	struct status_response *status;
	struct adopt_response *response;
	char text[WORDS_SIZE];
	int result = evauth_status(context->client, &context->arena, &status);
	if (result < 0)
		return context_fail(context, result);
	print_replica(context, status);
	if (!option_is_on(arguments, OPTION_YES)) {
		if (!isatty(STDIN_FILENO))
			return context_refuse(context, "nobody is there to confirm it: give --yes");
		if (!confirms(context))
			return context_refuse(context, "not confirmed: nothing was done");
	}
	const struct adopt_request request = {.epoch = status->epoch};
	result = evauth_adopt(context->client, &request, &context->arena, &response);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_adopt_response, response);
	context_say(context, "a new history, epoch %.*s, begins at revision %s\n", BYTES_ARG(response->epoch),
		    words_count(response->revision, text));
	return EXIT_DONE;
}
