// SPDX-License-Identifier: Apache-2.0
// snapshot: everything a daemon has in one file; backup: and the file is read back. restore is in cmd_restore.c.
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/snapshot_contents.h"
#include "cli/snapshot_file.h"
#include "cli/words.h"
#include "proto/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SNAPSHOT_BUFFER_SIZE = 1024 * 1024,
	SNAPSHOT_RECORDS_PER_LOOK = 512,
	SNAPSHOT_FILE_MODE = 0600,
};

struct taking {
	struct context *context;
	const char *name;
	char temporary[PATH_MAX]; // empty: it goes to stdout
	struct snapshot_file file;
	struct arena arena; // of a record
	struct progress progress;
	uint64_t records, records_expected;
	struct snapshot_end end; // without its texts
	bool has_end;
	bool is_backup;      // to be read back
	const char *problem; // found by that
	int error;           // errno of the file
};

// ---------------------------------------------------------------- the file

static int open_output(struct taking *taking, FILE **ret_out)
{
	if (strcmp(taking->name, "-") == 0) {
		*ret_out = taking->context->out;
		return 0;
	}
	if (snprintf(taking->temporary, sizeof(taking->temporary), "%s.part", taking->name) >=
	    (int)sizeof(taking->temporary))
		return -ENAMETOOLONG;
	const int fd = open(taking->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, SNAPSHOT_FILE_MODE);
	*ret_out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (*ret_out == NULL) {
		taking->temporary[0] = '\0';
		return -errno;
	}
	return 0;
}

static int sync_folder(const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s", name);
	const int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const int result = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return result;
}

static int read_back_from(struct taking *taking, FILE *in)
{
	struct snapshot_contents contents;
	const int result = snapshot_contents_read(&contents, in);
	const bool is_same = result == 0 && contents.records == taking->end.records &&
			     contents.end->revision == taking->end.revision;
	snapshot_contents_finish(&contents);
	taking->problem = result == 0 && !is_same ? "it is not what was written" : snapshot_contents_problem(result);
	return result == 0 && !is_same ? -EBADMSG : result;
}

// From the disk, as far as the kernel follows the advice: it is clean, for it was synced.
static int read_back(struct taking *taking)
{
	FILE *in = fopen(taking->temporary, "re");
	if (in == NULL)
		return -errno;
	(void)posix_fadvise(fileno(in), 0, 0, POSIX_FADV_DONTNEED);
	setvbuf(in, NULL, _IOFBF, SNAPSHOT_BUFFER_SIZE);
	const int result = read_back_from(taking, in);
	fclose(in);
	return result;
}

// Under its own name only once it is on the disk.
static int close_output(struct taking *taking, FILE *out, int result)
{
	if (taking->temporary[0] == '\0')
		return result;
	if (result == 0 && fsync(fileno(out)) != 0)
		result = -errno;
	if (fclose(out) != 0 && result == 0)
		result = -errno;
	if (result == 0 && taking->is_backup)
		result = read_back(taking);
	if (result == 0 && rename(taking->temporary, taking->name) != 0)
		result = -errno;
	if (result != 0)
		unlink(taking->temporary);
	return result == 0 ? sync_folder(taking->name) : result;
}

// ---------------------------------------------------------------- records

static int on_record(void *context, const struct record *record)
{
	struct taking *taking = context;
	struct bytes body;
	arena_reset(&taking->arena);
	int result = codec_encode(&schema_record, record, &taking->arena, &body);
	if (result == 0)
		result = snapshot_file_put(&taking->file, body);
	taking->error = result == -EIO ? errno : 0;
	if (++taking->records % SNAPSHOT_RECORDS_PER_LOOK == 0)
		progress_show(&taking->progress, taking->records, taking->records, taking->records_expected);
	return result;
}

static int on_end(void *context, const struct snapshot_end *end)
{
	struct taking *taking = context;
	struct bytes body;
	arena_reset(&taking->arena);
	if (end->digest.size == 0)
		return -EOPNOTSUPP; // an older daemon
	int result = codec_encode(&schema_snapshot_end, end, &taking->arena, &body);
	if (result == 0)
		result = snapshot_file_end(&taking->file, body);
	taking->error = result == -EIO ? errno : 0;
	taking->end = (struct snapshot_end){
		.revision = end->revision, .records = end->records, .time = end->time, .remembered = end->remembered};
	taking->has_end = result == 0;
	return result;
}

static uint64_t count_records(struct context *context)
{
	struct status_response *status;
	uint64_t count = 0;
	if (evauth_status(context->client, &context->arena, &status) < 0)
		return 0;
	for (size_t i = 0; i < status->objects_count; i++)
		count += status->objects[i].count;
	return count;
}

static int take(struct taking *taking, FILE *out)
{
	struct context *context = taking->context;
	const struct snapshot_request request = {.replica = true};
	const struct evauth_receiver receiver = {.each = on_record, .end = on_end, .context = taking};
	setvbuf(out, NULL, _IOFBF, SNAPSHOT_BUFFER_SIZE);
	progress_init(&taking->progress, context->err, context->quiet, "records");
	taking->records_expected = taking->progress.out ? count_records(context) : 0;
	int result = snapshot_file_begin(&taking->file, out);
	taking->error = result == -EIO ? errno : 0;
	if (result == 0)
		result = evauth_snapshot(context->client, &request, &receiver);
	progress_end(&taking->progress);
	return result == 0 && !taking->has_end ? -EOPNOTSUPP : result;
}

// ---------------------------------------------------------------- what is said

static enum exit_code fail(struct taking *taking, int result)
{
	struct context *context = taking->context;
	if (result == -ENOMEM)
		return context_no_memory(context);
	if (taking->problem != NULL)
		return context_refuse(context, "cannot back up to %.128s: read back, %s", taking->name,
				      taking->problem);
	if (result == -EOPNOTSUPP)
		return context_refuse(context, "this evauthd does not say what its snapshots are; use a later version");
	if (taking->error == 0 && evauth_fault(context->client)->code != STATUS_OK)
		return context_fail(context, result);
	return context_refuse(context, "cannot write %.128s: %s", taking->name,
			      strerrordesc_np(taking->error ? taking->error : -result));
}

static enum exit_code done(const struct taking *taking)
{
	struct context *context = taking->context;
	char records[WORDS_SIZE], revision[WORDS_SIZE];
	const struct snapshot_end *end = &taking->end;
	if (taking->temporary[0] == '\0')
		return EXIT_DONE; // stdout has the snapshot
	if (context->json)
		fprintf(context->out,
			"{\"revision\":\"%" PRIu64 "\",\"records\":\"%" PRIu64 "\",\"remembered\":\"%" PRIu64
			"\",\"time\":\"%" PRId64 "\"}\n",
			end->revision, end->records, end->remembered, end->time);
	context_say(context, "%s: %s records, revision %s%s\n", taking->name, words_count(end->records, records),
		    words_count(end->revision, revision), taking->is_backup ? "; on the disk, and read back" : "");
	return EXIT_DONE;
}

static enum exit_code take_file(struct taking *taking)
{
	struct context *context = taking->context;
	FILE *out = NULL;
	int result = open_output(taking, &out);
	if (result != 0)
		return context_refuse(context, "cannot write %.128s: %s", taking->name, strerrordesc_np(-result));
	if (taking->temporary[0] == '\0' && isatty(fileno(out)))
		return context_refuse(context, "a snapshot is no text for a terminal: name a file, or use a pipe");
	if (taking->temporary[0] == '\0')
		context->json = false; // stdout has the snapshot
	arena_init(&taking->arena, SNAPSHOT_ARENA_CHUNK, EVAUTH_ARENA_BUDGET);
	result = take(taking, out);
	result = close_output(taking, out, result);
	arena_finish(&taking->arena);
	return result == 0 ? done(taking) : fail(taking, result);
}

enum exit_code command_snapshot(struct context *context, const struct arguments *arguments)
{
	struct taking taking = {.context = context, .name = arguments->words[0]};
	return take_file(&taking);
}

enum exit_code command_backup(struct context *context, const struct arguments *arguments)
{
	struct taking taking = {.context = context, .name = arguments->words[0], .is_backup = true};
	if (strcmp(taking.name, "-") == 0)
		return context_refuse(context, "what was written to a pipe cannot be read back: name a file, or use "
					       "evauth snapshot");
	return take_file(&taking);
}
