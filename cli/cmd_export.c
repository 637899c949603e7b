// SPDX-License-Identifier: Apache-2.0
// export: everything at one revision, as lines that import takes.
#include "cli/export.h"

#include "cli/context.h"
#include "cli/progress.h"
#include "cli/words.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { EXPORT_BUFFER_SIZE = 1024 * 1024, EXPORT_RECORDS_PER_LOOK = 512 };

struct exporting {
	struct export export;
	struct progress progress;
	uint64_t records;
	uint64_t records_expected; // 0: unknown
};

static int export_next(void *context, const struct record *record)
{
	struct exporting *exporting = context;
	if (++exporting->records % EXPORT_RECORDS_PER_LOOK == 0)
		progress_show(&exporting->progress, exporting->records, exporting->records,
			      exporting->records_expected);
	return export_record(&exporting->export, record);
}

// For the progress bar alone: without it there is none.
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

static enum exit_code export_failed(struct context *context, int result, int error)
{
	enum exit_code code = EXIT_ERROR;
	if (evauth_fault(context->client)->code != STATUS_OK)
		code = context_fail(context, result);
	else if (result == -EIO)
		context_warn(context, "evauth: cannot write the output: %s\n", strerrordesc_np(error));
	else if (result == -EPROTO)
		context_warn(context, "evauth: evauthd sent records out of order\n");
	else
		code = context_no_memory(context);
	context_warn(context, "  the output is incomplete: do not import it\n");
	return code;
}

enum exit_code command_export(struct context *context, const struct arguments *arguments)
{
	struct exporting exporting = {0};
	const struct snapshot_request request = {0};
	(void)arguments;
	// Errors go to stderr alone: stdout has the lines.
	context->json = false;
	setvbuf(context->out, NULL, _IOFBF, EXPORT_BUFFER_SIZE);
	const bool to_terminal = fileno(context->out) >= 0 && isatty(fileno(context->out));
	progress_init(&exporting.progress, context->err, context->quiet || to_terminal, "records");
	exporting.records_expected = exporting.progress.out ? count_records(context) : 0;
	export_init(&exporting.export, context->out);
	const struct evauth_receiver receiver = {.each = export_next, .context = &exporting};
	int result = evauth_snapshot(context->client, &request, &receiver);
	if (result == 0)
		result = export_end(&exporting.export);
	const int error = errno;
	progress_end(&exporting.progress);
	export_finish(&exporting.export);
	return result < 0 ? export_failed(context, result, error) : EXIT_DONE;
}
