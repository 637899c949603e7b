// SPDX-License-Identifier: Apache-2.0
// check: is what the daemon has sound?
#include "cli/output.h"
#include "cli/words.h"

static void print_problems(struct context *context, const struct check_response *response)
{
	for (size_t i = 0; i < response->problems_count; i++)
		fprintf(context->err, "  %.*s\n", BYTES_ARG(response->problems[i]));
	if (response->problems_total > response->problems_count)
		fprintf(context->err, "  and %llu more\n",
			(unsigned long long)(response->problems_total - response->problems_count));
	fprintf(context->err,
		"The store at %s has problems. Questions are answered from memory; do not restart it before you have "
		"a backup\nto restore: docs/operations.md\n",
		evauth_server(context->client));
}

enum exit_code command_check(struct context *context, const struct arguments *arguments)
{
	const struct check_request request = {0};
	struct check_response *response;
	char records[WORDS_SIZE], objects[WORDS_SIZE], revision[WORDS_SIZE];
	(void)arguments;
	const int result = evauth_check(context->client, &request, &context->arena, &response);
	if (result < 0)
		return context_fail(context, result);
	const enum exit_code code = response->problems_total == 0 ? EXIT_DONE : EXIT_UNSOUND;
	if (context->json) {
		const enum exit_code printed = output_json(context, &schema_check_response, response);
		return printed == EXIT_DONE ? code : printed;
	}
	if (code != EXIT_DONE)
		print_problems(context, response);
	else
		context_say(context,
			    "sound at revision %s: %s records with their checksums, %s objects as the index has them, "
			    "digest %.*s\n",
			    words_count(response->revision, revision), words_count(response->records, records),
			    words_count(response->objects, objects), BYTES_ARG(response->digest));
	return code;
}
