// SPDX-License-Identifier: Apache-2.0
// import: what the command says about it; the work is in import.c.
#include "cli/apply.h"
#include "cli/hints.h"
#include "cli/import.h"
#include "cli/output.h"
#include "cli/search.h"
#include "cli/words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	CLOSED_GROUPS_ASKED_MAX = 1000, // the daemon is asked about each
	CLOSED_GROUPS_SHOWN_MAX = 10,   // to people; --json lists them all
};

// ---------------------------------------------------------------- groups nobody can use

static int found_one(void *context, const struct record *record)
{
	(void)context;
	(void)record;
	return -EALREADY;
}

// As the daemon says it is now. Negative errno when it cannot be asked.
static int group_is_closed(struct context *context, struct bytes id, bool *ret_closed)
{
	const struct get_request request = {.kind = OBJECT_KIND_CHARGE_GROUP, .id = id};
	struct search search = {.request = {.kind = OBJECT_KIND_MEMBERSHIP, .charge_group_id = id}, .each = found_one};
	struct record *record;
	arena_reset(&context->arena);
	int result = evauth_get(context->client, &request, &context->arena, &record);
	*ret_closed = false;
	if (result == -EREMOTEIO && evauth_fault(context->client)->code == STATUS_NOT_FOUND)
		return 0;
	if (result < 0 || record->kind != RECORD_CHARGE_GROUP || record->charge_group->open_to_all_customers ||
	    record->charge_group->open_to_roaming)
		return result;
	result = search_run(context->client, &search);
	*ret_closed = result == 0;
	return result == -EALREADY ? 0 : result;
}

// Keeps those that are closed at the front of the list; returns how many.
static size_t closed_groups_confirm(struct context *context, struct closed_groups *closed)
{
	size_t count = 0;
	for (size_t i = 0; i < closed->count && count < CLOSED_GROUPS_ASKED_MAX; i++) {
		const struct closed_group group = closed->groups[i];
		bool is_closed;
		if (!closed_group_is_suspect(&group))
			continue;
		const struct bytes id = {.data = group.id, .size = group.id_size};
		if (group_is_closed(context, id, &is_closed) < 0)
			break;
		if (is_closed)
			closed->groups[count++] = group;
	}
	return count;
}

static struct bytes closed_group_id(const struct closed_group *group)
{
	return (struct bytes){.data = group->id, .size = group->id_size};
}

// ---------------------------------------------------------------- done

static enum exit_code print_summary_json(struct context *context, const struct import *import, size_t closed_count)
{
	fprintf(context->out,
		"{\"lines\":%" PRIu64 ",\"changes\":%" PRIu64 ",\"change_sets\":%" PRIu64
		",\"dry_run\":%s,\"revision\":\"%" PRIu64 "\",\"seconds\":%.3f,\"closed_charge_group_ids\":[",
		import->lines.number, import->changes, import->sets, import->dry_run ? "true" : "false",
		import->revision, progress_seconds(&import->progress));
	for (size_t i = 0; i < closed_count; i++) {
		fputs(i > 0 ? "," : "", context->out);
		output_json_string(context->out, closed_group_id(&import->closed.groups[i]));
	}
	fputs("]}\n", context->out);
	return EXIT_DONE;
}

static void print_dry_run(struct context *context, const struct import *import)
{
	char lines[WORDS_SIZE], unchecked[WORDS_SIZE];
	words_count(import->lines.number, lines);
	if (import->sets == 1 && import->unchecked.count == 0) {
		context_say(context, "dry run: all %s lines would be accepted; nothing was changed\n", lines);
		return;
	}
	context_say(context,
		    "dry run: all %s lines are well formed; nothing was changed\n"
		    "  They are more than one change set, and a dry run stores nothing for later sets to refer to: "
		    "references\n  were checked within each set only, and not to the end in sets with %s lines.\n",
		    lines, words_count(line_ranges_total(&import->unchecked), unchecked));
}

static void print_summary(struct context *context, const struct import *import, double seconds)
{
	char lines[WORDS_SIZE], changes[WORDS_SIZE], rate[WORDS_SIZE], revision[WORDS_SIZE];
	if (import->changes == 0) {
		context_say(context, "there are no changes in it; nothing was changed\n");
		return;
	}
	if (import->dry_run) {
		print_dry_run(context, import);
		return;
	}
	context_say(context, "imported %s lines, %s changes in %.1f s (%s a second); revision %s\n",
		    words_count(import->lines.number, lines), words_count(import->changes, changes), seconds,
		    words_count((uint64_t)((double)import->changes / (seconds > 0.001 ? seconds : 0.001)), rate),
		    words_count(import->revision, revision));
}

static enum exit_code import_done(struct context *context, struct import *import)
{
	const double seconds = progress_seconds(&import->progress);
	const size_t closed = import->dry_run ? 0 : closed_groups_confirm(context, &import->closed);
	if (context->json)
		return print_summary_json(context, import, closed);
	print_summary(context, import, seconds);
	for (size_t i = 0; i < closed && i < CLOSED_GROUPS_SHOWN_MAX; i++)
		apply_say_closed(context, closed_group_id(&import->closed.groups[i]));
	if (closed > CLOSED_GROUPS_SHOWN_MAX)
		context_warn(context, "and %zu more such groups; import --json lists them\n",
			     closed - CLOSED_GROUPS_SHOWN_MAX);
	return EXIT_DONE;
}

// ---------------------------------------------------------------- failed

static void print_ranges(struct context *context, const char *label, const struct line_ranges *ranges)
{
	char count[WORDS_SIZE];
	if (ranges->count == 0)
		return;
	context_warn(context, "  %s: %s lines (", label, words_count(line_ranges_total(ranges), count));
	for (size_t i = 0; i < ranges->count; i++)
		context_warn(context, "%s%" PRIu64 "-%" PRIu64, i > 0 ? ", " : "", ranges->ranges[i].first,
			     ranges->ranges[i].last);
	context_warn(context, ")\n");
}

static void print_position(struct context *context, const struct import *import, const char *file)
{
	context_warn(context, "evauth: ");
	if (import->stop_line > 0)
		context_warn(context, "%s:%" PRIu64 ": ", strcmp(file, "-") == 0 ? "stdin" : file, import->stop_line);
	context_print_fault(context, &import->fault);
}

static void print_ranges_json(struct context *context, const char *name, const struct line_ranges *ranges)
{
	fprintf(context->out, ",\"%s\":[", name);
	for (size_t i = 0; i < ranges->count; i++)
		fprintf(context->out, "%s[%" PRIu64 ",%" PRIu64 "]", i > 0 ? "," : "", ranges->ranges[i].first,
			ranges->ranges[i].last);
	fputc(']', context->out);
}

static void print_failure_json(struct context *context, const struct import *import)
{
	const struct error_message error = {
		.code = import->fault.code,
		.message = bytes_from(import->fault.message),
		.field = bytes_from(fault_field_in_change(&import->fault)),
		.change_number = import->fault.change_number,
	};
	fputc('{', context->out);
	if (output_json_member(context, "error", &schema_error, &error) == 0)
		fprintf(context->out,
			",\"line\":%" PRIu64 ",\"committed_lines\":%" PRIu64 ",\"unknown_lines\":%" PRIu64,
			import->stop_line, line_ranges_total(&import->committed), line_ranges_total(&import->unknown));
	print_ranges_json(context, "committed", &import->committed);
	print_ranges_json(context, "unknown", &import->unknown);
	fputs("}\n", context->out);
}

// Lines that are neither committed nor of unknown outcome, those that were not sent or read included.
static void print_missing(struct context *context, const struct import *import)
{
	struct line_ranges known = import->committed;
	uint64_t next = 1;
	for (size_t i = 0; i < import->unknown.count; i++)
		line_ranges_add(&known, import->unknown.ranges[i]);
	context_warn(context, "  not committed: lines ");
	for (size_t i = 0; i < known.count; i++) {
		if (known.ranges[i].first > next)
			context_warn(context, "%" PRIu64 "-%" PRIu64 ", ", next, known.ranges[i].first - 1);
		next = known.ranges[i].last + 1;
	}
	context_warn(context, "from %" PRIu64 " on\n", next);
}

// Batches under way when one is refused are committed as they are.
static void print_overtaken(struct context *context, const struct import *import)
{
	if (import->stop != IMPORT_STOP_REFUSED || import->dry_run)
		return;
	for (size_t i = 0; i < import->committed.count; i++) {
		const struct line_range *range = &import->committed.ranges[i];
		if (range->first > import->refused.last)
			context_warn(context,
				     "  lines %" PRIu64 "-%" PRIu64 " are behind the refused ones and took effect\n",
				     range->first, range->last);
	}
}

static void print_next(struct context *context, const struct import *import)
{
	const char *first = "correct the line and ";
	if (import->stop == IMPORT_STOP_CONNECTION)
		first = "";
	else if (import->stop == IMPORT_STOP_MEMORY)
		first = "free some memory and ";
	if (import->dry_run || (import->committed.count == 0 && import->unknown.count == 0)) {
		context_warn(context, "  %simport the same file again\n", first);
		return;
	}
	if (import->once_line == 0) {
		context_warn(context, "  %simport the same file again: what is stored already is put again as it is\n",
			     first);
		return;
	}
	print_missing(context, import);
	context_warn(context,
		     "  %simport only what was not committed%s: with line %" PRIu64
		     ", the file may be refused, or do harm, a second time\n",
		     first, import->unknown.count > 0 ? " (of unknown lines, look what is stored)" : "",
		     import->once_line);
}

static enum exit_code import_failed(struct context *context, const struct import *import, const char *file)
{
	const char *hint = hint_find(context->arguments->command, import->result, import->fault.code);
	if (context->json)
		print_failure_json(context, import);
	print_position(context, import, file);
	if (hint != NULL)
		context_warn(context, "  %s\n", hint);
	if (import->stop == IMPORT_STOP_REFUSED)
		context_warn(context,
			     "  lines %" PRIu64 "-%" PRIu64 " were refused together: a batch is all or nothing\n",
			     import->refused.first, import->refused.last);
	print_ranges(context, import->dry_run ? "would be accepted" : "committed", &import->committed);
	print_ranges(context, "sent, outcome unknown", &import->unknown);
	if (import->committed.count == 0 && import->unknown.count == 0)
		context_warn(context, "  nothing was %s\n", import->dry_run ? "accepted" : "committed");
	print_overtaken(context, import);
	print_next(context, import);
	return EXIT_ERROR;
}

enum exit_code command_import(struct context *context, const struct arguments *arguments)
{
	const char *file = arguments->words[0];
	struct import *import;
	const int result = import_create(context, file, option_is_on(arguments, OPTION_DRY_RUN), &import);
	if (result < 0)
		return context_refuse(context, "cannot read %.128s: %s", file, strerrordesc_np(-result));
	import_run(import);
	const enum exit_code code =
		import->stop == IMPORT_STOP_NONE ? import_done(context, import) : import_failed(context, import, file);
	import_destroy(import);
	return code;
}
