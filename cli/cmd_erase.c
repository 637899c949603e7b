// SPDX-License-Identifier: Apache-2.0
// customer erase: deletes a customer, then has the daemon erase what is left of it in its files.
#include "cli/apply.h"
#include "cli/output.h"
#include "cli/search.h"
#include "cli/words.h"
#include "proto/schema.h"

#include <inttypes.h>
#include <unistd.h>

enum { TOKENS_MAX = 1000 }; // of an EraseRequest

struct erasing {
	struct context *context;
	struct bytes id;
	struct delete_token tokens[TOKENS_MAX];
	size_t tokens_count;
};

// ---------------------------------------------------------------- its tokens

static int copy_issuer(struct arena *arena, struct delete_token *copy)
{
	const struct issuer *issuer = copy->issuer;
	if (issuer == NULL)
		return 0;
	copy->issuer = arena_calloc(arena, 1, sizeof(*issuer));
	if (copy->issuer == NULL)
		return -1;
	copy->issuer->country_code = arena_copy(arena, issuer->country_code);
	copy->issuer->party_id = arena_copy(arena, issuer->party_id);
	return 0;
}

// The log knows those beyond the maximum, unless it has forgotten them.
static int on_token(void *context, const struct record *record)
{
	struct erasing *erasing = context;
	struct arena *arena = &erasing->context->arena;
	if (record->kind != RECORD_TOKEN || erasing->tokens_count == TOKENS_MAX)
		return 0;
	struct delete_token *token = &erasing->tokens[erasing->tokens_count++];
	*token = (struct delete_token){.uid = arena_copy(arena, record->token->uid),
				       .type = record->token->type,
				       .issuer = record->token->issuer};
	return token->uid.data != NULL ? copy_issuer(arena, token) : -1;
}

// A customer that is not there has none: it was deleted before, or at another replica.
static enum exit_code find_tokens(struct erasing *erasing)
{
	struct context *context = erasing->context;
	struct search search = {.request = {.kind = OBJECT_KIND_TOKEN, .customer_id = erasing->id},
				.each = on_token,
				.context = erasing};
	const int result = search_run(context->client, &search);
	if (result >= 0 || evauth_fault(context->client)->code == STATUS_NOT_FOUND)
		return EXIT_DONE;
	return context_fail(context, result);
}

// ---------------------------------------------------------------- deleting

static enum exit_code delete_customer(struct erasing *erasing)
{
	struct context *context = erasing->context;
	struct get_request get = {.kind = OBJECT_KIND_CUSTOMER, .id = erasing->id};
	struct delete_object object = {.id = erasing->id};
	struct change change = {.kind = CHANGE_DELETE_CUSTOMER, .delete_object = &object};
	struct apply_response *response;
	struct record *record;
	const int result = evauth_get(context->client, &get, &context->arena, &record);
	if (result < 0 && evauth_fault(context->client)->code == STATUS_NOT_FOUND)
		return EXIT_DONE;
	return result < 0 ? context_fail(context, result) : apply_changes(context, &change, 1, &response);
}

// ---------------------------------------------------------------- what is said

static bool is_confirmed(const struct erasing *erasing)
{
	struct context *context = erasing->context;
	char answer[16] = "";
	fprintf(context->err, "Customer %.*s and what is known of it will be gone for good. Go on? [y/N] ",
		BYTES_ARG(erasing->id));
	fflush(context->err);
	return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static void say_what_is_left(struct context *context, const struct erase_response *response)
{
	struct status_response *status;
	char text[WORDS_SIZE];
	const bool has_status = evauth_status(context->client, &context->arena, &status) >= 0;
	if (response->keys_kept > 0)
		context_say(context,
			    "  %s idempotency keys have the id in them; they stay until they are forgotten by age.\n",
			    words_count(response->keys_kept, text));
	if (has_status && status->replication != NULL)
		context_say(context, "  Erase it at every other replica as well, and then trim the log in Redis: "
				     "docs/operations.md, Erase.\n");
	context_say(context, "  Backups and snapshots still have it, and so has the daemon's memory until it is "
			     "restarted.\n");
}

static enum exit_code done(const struct erasing *erasing, const struct erase_response *response)
{
	struct context *context = erasing->context;
	char when[WORDS_SIZE], entries[WORDS_SIZE], answers[WORDS_SIZE];
	if (context->json)
		return output_json(context, &schema_erase_response, response);
	context_say(context, "customer %.*s: the last byte was gone from the files of evauthd at %s, %s\n",
		    BYTES_ARG(erasing->id), evauth_server(context->client), words_time(response->time, when));
	context_say(context, "  %s entries of the log and %s remembered answers were rewritten.\n",
		    words_count(response->entries, entries), words_count(response->answers, answers));
	say_what_is_left(context, response);
	return EXIT_DONE;
}

enum exit_code command_customer_erase(struct context *context, const struct arguments *arguments)
{
	struct erase_response *response;
	struct erasing *erasing = arena_calloc(&context->arena, 1, sizeof(*erasing));
	const bool is_yes = option_is_on(arguments, OPTION_YES);
	if (erasing == NULL)
		return context_no_memory(context);
	erasing->context = context;
	erasing->id = bytes_from(arguments->words[0]);
	if (!is_yes && !isatty(STDIN_FILENO))
		return context_refuse(context, "it cannot be undone: say so with --yes");
	if (!is_yes && !is_confirmed(erasing))
		return context_refuse(context, "not confirmed: nothing was changed");
	enum exit_code code = find_tokens(erasing);
	if (code == EXIT_DONE)
		code = delete_customer(erasing);
	if (code != EXIT_DONE)
		return code;
	const struct erase_request request = {
		.customer_id = erasing->id, .tokens = erasing->tokens, .tokens_count = erasing->tokens_count};
	const int result = evauth_erase(context->client, &request, &context->arena, &response);
	return result < 0 ? context_fail(context, result) : done(erasing, response);
}
