// SPDX-License-Identifier: Apache-2.0
// status: what the daemon is and holds.
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

#include <inttypes.h>

static void print_store(struct context *context, const struct status_response *status)
{
	char used[WORDS_SIZE], most[WORDS_SIZE], text[3 * WORDS_SIZE];
	const double share = status->store_bytes_max
				     ? 100.0 * (double)status->store_bytes_used / (double)status->store_bytes_max
				     : 0;
	snprintf(text, sizeof(text), "%s of %s (%.1f %%)", words_size(status->store_bytes_used, used),
		 words_size(status->store_bytes_max, most), share);
	output_field_text(context, "store", text);
}

static void print_summary(struct context *context, const struct status_response *status)
{
	char text[WORDS_SIZE];
	output_title(context, "evauthd %.*s at %s", BYTES_ARG(status->version), evauth_server(context->client));
	output_field_text(context, "revision", words_count(status->revision, text));
	output_field_text(context, "accepts changes", status->accepts_writes ? "yes" : "NO");
	output_field_text(context, "running since", words_time(status->started_at, text));
	output_field_text(context, "workers", words_count(status->workers, text));
	output_field_text(context, "connections", words_count(status->connections, text));
	print_store(context, status);
	for (size_t i = 0; i < status->objects_count; i++) {
		char label[WORDS_SIZE];
		snprintf(label, sizeof(label), "%ss", words_kind(status->objects[i].kind));
		output_field_text(context, label, words_count(status->objects[i].count, text));
	}
}

static int print_methods(struct context *context, const struct status_response *status)
{
	static const char *const titles[] = {"METHOD", "NAME", "REQUEST AT MOST", NULL};
	struct table table;
	int result = 0;
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < status->methods_count; i++) {
		char number[WORDS_SIZE], size[WORDS_SIZE];
		const struct bytes cells[] = {
			bytes_from(words_count(status->methods[i].number, number)),
			status->methods[i].name,
			bytes_from(words_size(status->methods[i].body_size_max, size)),
		};
		result = table_add(&table, cells);
	}
	table_finish(&table);
	return result;
}

static int print_limits(struct context *context, const struct status_response *status)
{
	static const char *const titles[] = {"LIMIT", "VALUE", NULL};
	struct table table;
	int result = 0;
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < status->limits_count; i++) {
		char value[WORDS_SIZE];
		const struct bytes cells[] = {status->limits[i].name,
					      bytes_from(words_count(status->limits[i].value, value))};
		result = table_add(&table, cells);
	}
	table_finish(&table);
	return result;
}

enum exit_code command_status(struct context *context, const struct arguments *arguments)
{
	struct status_response *status;
	(void)arguments;
	int result = evauth_status(context->client, &context->arena, &status);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_status_response, status);
	print_summary(context, status);
	fputc('\n', context->out);
	result = print_methods(context, status);
	fputc('\n', context->out);
	if (result == 0)
		result = print_limits(context, status);
	return result < 0 ? context_no_memory(context) : EXIT_DONE;
}
