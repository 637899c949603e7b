// SPDX-License-Identifier: Apache-2.0
// restore: a file of `evauth snapshot` in place of everything a daemon has. The file is read twice: nothing is sent
// before all of it was found to be whole.
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/snapshot_contents.h"
#include "cli/snapshot_file.h"
#include "cli/words.h"
#include "proto/codec.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RESTORE_BUFFER_SIZE = 1024 * 1024,
	RESTORE_PART_RECORDS = 2000,
	RESTORE_PART_BYTES = 192 * 1024, // a part is sent once it is this big
	RESTORE_ARENA_CHUNK = 1024 * 1024,
};
static_assert((int)RESTORE_PART_RECORDS <= (int)RESTORE_RECORDS_MAX, "the daemon takes them");

struct restoring {
	struct context *context;
	const char *name;
	FILE *file;
	uint64_t size; // bytes
	struct arena arena;
	struct snapshot_contents contents;
	struct progress progress;
	// The part being put together.
	struct record *part;
	size_t part_count, part_bytes;
	uint32_t number;
	struct restore_response response;
};

// ---------------------------------------------------------------- the file

static int copy_stdin(FILE *copy)
{
	static char buffer[64 * 1024];
	size_t size;
	while ((size = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		if (fwrite(buffer, 1, size, copy) != size)
			return -errno;
	return ferror(stdin) ? -EIO : 0;
}

// What cannot be read twice is copied first.
static int open_input(struct restoring *restoring)
{
	const bool is_stdin = strcmp(restoring->name, "-") == 0;
	restoring->file = is_stdin ? tmpfile() : fopen(restoring->name, "re");
	if (restoring->file == NULL)
		return -errno;
	const int result = is_stdin ? copy_stdin(restoring->file) : 0;
	if (result != 0)
		return result;
	setvbuf(restoring->file, NULL, _IOFBF, RESTORE_BUFFER_SIZE);
	if (fseeko(restoring->file, 0, SEEK_END) != 0)
		return -errno;
	restoring->size = (uint64_t)ftello(restoring->file);
	rewind(restoring->file);
	return 0;
}

static int decode(const struct schema *schema, struct bytes body, struct arena *arena, void *ret_message)
{
	struct fault fault = {0};
	const int result = codec_decode(schema, CODEC_TOLERANT, body, arena, ret_message, &fault);
	return result == 0 || result == -ENOMEM ? result : -EBADMSG;
}

static enum exit_code refuse_file(struct restoring *restoring, int error)
{
	const char *problem = snapshot_contents_problem(error);
	if (error == -ENOMEM)
		return context_no_memory(restoring->context);
	if (problem != NULL)
		return context_refuse(restoring->context, "cannot restore %.128s: %s", restoring->name, problem);
	return context_refuse(restoring->context, "cannot read %.128s: %s", restoring->name,
			      strerrordesc_np(error == -EIO && errno != 0 ? errno : -error));
}

// ---------------------------------------------------------------- what it holds

static const struct {
	enum record_object kind;
	const char *label;
	const char *json;
} kinds[] = {
	{RECORD_TARIFF, "tariffs", "tariffs"},
	{RECORD_CHARGE_GROUP, "charge groups", "charge_groups"},
	{RECORD_CHARGE_POINT, "charge points", "charge_points"},
	{RECORD_CUSTOMER, "customers", "customers"},
	{RECORD_TOKEN, "tokens", "tokens"},
	{RECORD_MEMBERSHIP, "memberships", "memberships"},
	{RECORD_REMEMBERED, "remembered answers", "remembered"},
};

static void show(const struct restoring *restoring)
{
	struct context *context = restoring->context;
	char text[WORDS_SIZE];
	if (context->json || context->quiet)
		return;
	output_title(context, "%s", restoring->name);
	output_field_text(context, "revision", words_count(restoring->contents.end->revision, text));
	output_field_text(context, "last change", words_time(restoring->contents.end->time, text));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		output_field_text(context, kinds[i].label,
				  words_count(restoring->contents.counts[kinds[i].kind], text));
}

static enum exit_code done(const struct restoring *restoring, bool is_dry_run)
{
	struct context *context = restoring->context;
	char revision[WORDS_SIZE];
	if (context->json) {
		fprintf(context->out, "{\"dry_run\":%s,\"file\":{\"revision\":\"%" PRIu64 "\",\"time\":\"%" PRId64 "\"",
			is_dry_run ? "true" : "false", restoring->contents.end->revision,
			restoring->contents.end->time);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			fprintf(context->out, ",\"%s\":\"%" PRIu64 "\"", kinds[i].json,
				restoring->contents.counts[kinds[i].kind]);
		fprintf(context->out, "},\"revision\":\"%" PRIu64 "\"}\n", restoring->response.revision);
	} else if (is_dry_run) {
		context_say(context, "dry run: the file is whole; nothing was changed\n");
	} else {
		context_say(context,
			    "restored; the daemon is at revision %s of a new history\n"
			    "  If it is a replica of Redis, it is cut off from the others now: decide with evauth log "
			    "adopt which one they follow.\n",
			    words_count(restoring->response.revision, revision));
	}
	return EXIT_DONE;
}

static bool is_confirmed(struct restoring *restoring)
{
	struct context *context = restoring->context;
	char answer[16] = "";
	fprintf(context->err, "Everything evauthd at %s has will be replaced. Go on? [y/N] ",
		evauth_server(context->client));
	fflush(context->err);
	return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

// ---------------------------------------------------------------- sending

static int send_part(struct restoring *restoring, struct snapshot_end *end)
{
	struct restore_response *response;
	const struct restore_request request = {.number = restoring->number++,
						.records = restoring->part,
						.records_count = restoring->part_count,
						.end = end};
	const int result = evauth_restore(restoring->context->client, &request, &restoring->arena, &response);
	if (result < 0)
		return result;
	restoring->response = *response;
	restoring->part_count = 0;
	restoring->part_bytes = 0;
	arena_reset(&restoring->arena);
	progress_show(&restoring->progress, response->records, (uint64_t)ftello(restoring->file), restoring->size);
	return 0;
}

static int add_record(struct restoring *restoring, struct bytes body)
{
	struct record *record;
	int result = 0;
	if (restoring->part_count == RESTORE_PART_RECORDS ||
	    (restoring->part_count > 0 && restoring->part_bytes + body.size > RESTORE_PART_BYTES))
		result = send_part(restoring, NULL);
	if (result == 0)
		result = decode(&schema_record, body, &restoring->arena, &record);
	if (result != 0)
		return result;
	restoring->part[restoring->part_count++] = *record;
	restoring->part_bytes += body.size;
	return 0;
}

static int send_all(struct restoring *restoring)
{
	struct snapshot_file file;
	struct bytes body;
	rewind(restoring->file);
	arena_reset(&restoring->arena);
	int result = snapshot_file_open(&file, restoring->file);
	if (result == 0)
		while ((result = snapshot_file_get(&file, &body)) > 0) {
			result = add_record(restoring, body);
			if (result != 0)
				break;
		}
	snapshot_file_close(&file);
	return result == 0 ? send_part(restoring, restoring->contents.end) : result;
}

static enum exit_code restore(struct restoring *restoring)
{
	struct context *context = restoring->context;
	restoring->part = calloc(RESTORE_PART_RECORDS, sizeof(*restoring->part));
	if (restoring->part == NULL)
		return context_no_memory(context);
	progress_init(&restoring->progress, context->err, context->quiet, "records");
	const int result = send_all(restoring);
	progress_end(&restoring->progress);
	free(restoring->part);
	if (result == 0)
		return done(restoring, false);
	return evauth_fault(context->client)->code != STATUS_OK ? context_fail(context, result)
								: refuse_file(restoring, result);
}

static enum exit_code run(struct restoring *restoring, const struct arguments *arguments)
{
	struct context *context = restoring->context;
	const bool is_yes = option_is_on(arguments, OPTION_YES);
	int result = open_input(restoring);
	if (result == 0)
		result = snapshot_contents_read(&restoring->contents, restoring->file);
	if (result != 0)
		return refuse_file(restoring, result);
	show(restoring);
	if (option_is_on(arguments, OPTION_DRY_RUN))
		return done(restoring, true);
	if (!is_yes && (strcmp(restoring->name, "-") == 0 || !isatty(STDIN_FILENO)))
		return context_refuse(context, "it replaces everything the daemon has: say so with --yes");
	if (!is_yes && !is_confirmed(restoring))
		return context_refuse(context, "not confirmed: nothing was changed");
	return restore(restoring);
}

enum exit_code command_restore(struct context *context, const struct arguments *arguments)
{
	struct restoring restoring = {.context = context, .name = arguments->words[0]};
	arena_init(&restoring.arena, RESTORE_ARENA_CHUNK, EVAUTH_ARENA_BUDGET);
	const enum exit_code code = run(&restoring, arguments);
	if (restoring.file != NULL)
		fclose(restoring.file);
	arena_finish(&restoring.arena);
	snapshot_contents_finish(&restoring.contents);
	return code;
}
