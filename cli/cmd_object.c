// SPDX-License-Identifier: Apache-2.0
// create, put, set, delete, show and get: the same for every object, driven by its fields (fields.h).
#include "cli/apply.h"
#include "cli/fields.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/words.h"
#include "proto/json.h"

#include <errno.h>
#include <inttypes.h>

static const char *const outcome_words[] = {
	[CHANGE_OUTCOME_UNSPECIFIED] = "stored",  [CHANGE_OUTCOME_CREATED] = "created",
	[CHANGE_OUTCOME_UPDATED] = "changed",     [CHANGE_OUTCOME_DELETED] = "deleted",
	[CHANGE_OUTCOME_UNCHANGED] = "unchanged",
};

static const char *outcome_word(const struct apply_response *response)
{
	const enum change_outcome outcome = response->results_count ? response->results[0].outcome : 0;
	return outcome < ARRAY_SIZE(outcome_words) ? outcome_words[outcome] : "stored";
}

static enum exit_code put_object(struct context *context, enum object_kind kind, struct change *change)
{
	struct apply_response *response;
	change->kind = object_row(kind)->put_kind;
	const enum exit_code code = apply_changes(context, change, 1, &response);
	if (code != EXIT_DONE)
		return code;
	const struct bytes id = object_id(kind, change->change);
	context_say(context, "%s %.*s: %s\n", words_kind(kind), BYTES_ARG(id), outcome_word(response));
	return apply_finish(context, response);
}

// ---------------------------------------------------------------- create, put

enum exit_code command_create(struct context *context, const struct arguments *arguments)
{
	const enum object_kind kind = arguments->command->kind;
	const struct object_row *row = object_row(kind);
	struct fault fault = {0};
	size_t given;
	void *object = arena_calloc(&context->arena, 1, row->size);
	if (object == NULL)
		return context_no_memory(context);
	*(struct bytes *)((char *)object + row->fields[0].offset) = bytes_from(arguments->words[0]);
	if (fields_take(row, arguments, true, object, &context->arena, &given, &fault) < 0)
		return context_fail_with(context, &fault);
	return put_object(context, kind, &(struct change){.change = object, .create_only = true});
}

static enum exit_code put_from_file(struct context *context, const struct arguments *arguments, bool create_only)
{
	const enum object_kind kind = arguments->command->kind;
	struct fault fault = {0};
	struct bytes text;
	void *object;
	if (file_read(arguments->words[0], &context->arena, &text, &fault) < 0 ||
	    json_decode(object_row(kind)->schema, text, &context->arena, &object, &fault) < 0)
		return context_fail_with(context, &fault);
	return put_object(context, kind, &(struct change){.change = object, .create_only = create_only});
}

enum exit_code command_create_from_file(struct context *context, const struct arguments *arguments)
{
	return put_from_file(context, arguments, true);
}

enum exit_code command_put(struct context *context, const struct arguments *arguments)
{
	return put_from_file(context, arguments, false);
}

// ---------------------------------------------------------------- get, show

// Narrows a token by --type and --issuer.
static int narrow_request(const struct arguments *arguments, struct context *context, struct get_request *request,
			  struct fault *fault)
{
	struct token token = {0};
	size_t given;
	if (request->kind != OBJECT_KIND_TOKEN)
		return 0;
	const struct object_row identity = {.fields = object_row(OBJECT_KIND_TOKEN)->fields, .fields_count = 3};
	const int result = fields_take(&identity, arguments, true, &token, &context->arena, &given, fault);
	request->token_type = token.type;
	request->issuer = token.issuer;
	return result;
}

// The stored object named by the first words.
static enum exit_code get_object(struct context *context, struct get_request *request, struct record **ret_record)
{
	struct fault fault = {0};
	if (narrow_request(context->arguments, context, request, &fault) < 0)
		return context_fail_with(context, &fault);
	const int result = evauth_get(context->client, request, &context->arena, ret_record);
	if (result < 0)
		return context_fail(context, result);
	if ((*ret_record)->object != NULL && (*ret_record)->kind == (enum record_object)(request->kind + 1))
		return EXIT_DONE;
	const struct fault odd = {.code = STATUS_INTERNAL, .message = "evauthd answered with another object"};
	return context_fail_with(context, &odd);
}

static enum exit_code show_object(struct context *context, struct get_request *request)
{
	struct record *record;
	const enum exit_code code = get_object(context, request, &record);
	if (code != EXIT_DONE)
		return code;
	if (context->json)
		return output_json(context, &schema_record, record);
	const struct bytes id = object_id(request->kind, record->object);
	char revision[24];
	snprintf(revision, sizeof(revision), "%" PRIu64, record->modified_revision);
	output_title(context, "%s %.*s", words_kind(request->kind), BYTES_ARG(id));
	fields_print(context, request->kind, record->object);
	output_field_text(context, "last changed in", revision);
	return EXIT_DONE;
}

enum exit_code command_show(struct context *context, const struct arguments *arguments)
{
	return show_object(context, &(struct get_request){.kind = arguments->command->kind,
							  .id = bytes_from(arguments->words[0])});
}

enum exit_code command_get(struct context *context, const struct arguments *arguments)
{
	struct get_request request = {.id = bytes_from(arguments->words[1])};
	if (words_parse_kind(arguments->words[0], &request.kind) < 0)
		return context_refuse(
			context, "'%s' is no kind of object: use tariff, group, point, customer, token or membership",
			arguments->words[0]);
	if ((arguments->words_count == 3) != (request.kind == OBJECT_KIND_MEMBERSHIP))
		return context_refuse(context, "a membership is named by GROUP CUSTOMER, everything else by one id");
	if (request.kind == OBJECT_KIND_MEMBERSHIP)
		request.customer_id = bytes_from(arguments->words[2]);
	return show_object(context, &request);
}

// ---------------------------------------------------------------- set

enum exit_code command_set(struct context *context, const struct arguments *arguments)
{
	const enum object_kind kind = arguments->command->kind;
	struct get_request request = {.kind = kind, .id = bytes_from(arguments->words[0])};
	struct fault fault = {0};
	struct record *record;
	size_t given;
	const enum exit_code code = get_object(context, &request, &record);
	if (code != EXIT_DONE)
		return code;
	if (fields_take(object_row(kind), arguments, false, record->object, &context->arena, &given, &fault) < 0)
		return context_fail_with(context, &fault);
	if (given == 0)
		return context_refuse(context, "nothing to set: name a field, see evauth %s set --help",
				      arguments->command->noun);
	// What was read is what is replaced: somebody else's change in between refuses this one.
	return put_object(
		context, kind,
		&(struct change){.change = record->object, .expected_object_revision = record->modified_revision});
}

// ---------------------------------------------------------------- delete

static void say_deleted(struct context *context, enum object_kind kind, const struct change_result *result)
{
	const char *id = context->arguments->words[0];
	if (result->outcome != CHANGE_OUTCOME_DELETED) {
		context_say(context, "there is no %s %s: nothing was deleted\n", words_kind(kind), id);
		return;
	}
	context_say(context, "%s %s: deleted", words_kind(kind), id);
	const struct {
		uint32_t count;
		const char *noun;
		const char *verb;
	} cascades[] = {
		{result->detached_charge_points, "charge point", "detached"},
		{result->detached_customers, kind == OBJECT_KIND_CUSTOMER ? "attachment" : "customer", "detached"},
		{result->deleted_tokens, "token", "deleted"},
	};
	const char *separator = "; ";
	for (size_t i = 0; i < ARRAY_SIZE(cascades); i++) {
		if (cascades[i].count == 0)
			continue;
		context_say(context, "%s%" PRIu32 " %s%s %s", separator, cascades[i].count, cascades[i].noun,
			    cascades[i].count == 1 ? "" : "s", cascades[i].verb);
		separator = ", ";
	}
	context_say(context, "\n");
}

static enum exit_code delete_object(struct context *context, enum object_kind kind, void *what)
{
	struct change change = {.kind = object_row(kind)->delete_kind, .change = what};
	struct apply_response *response;
	const enum exit_code code = apply_changes(context, &change, 1, &response);
	if (code != EXIT_DONE)
		return code;
	say_deleted(context, kind, response->results_count ? &response->results[0] : &(struct change_result){0});
	return apply_finish(context, response);
}

static enum exit_code nothing_deleted(struct context *context)
{
	struct change_result result = {.outcome = CHANGE_OUTCOME_UNCHANGED};
	say_deleted(context, OBJECT_KIND_TOKEN, &result);
	return apply_finish(context, &(struct apply_response){.results = &result, .results_count = 1});
}

// A token is named by issuer, type and uid; the command line may give the uid alone.
static enum exit_code delete_token(struct context *context)
{
	struct get_request request = {.kind = OBJECT_KIND_TOKEN, .id = bytes_from(context->arguments->words[0])};
	struct fault fault = {0};
	struct record *record;
	if (narrow_request(context->arguments, context, &request, &fault) < 0)
		return context_fail_with(context, &fault);
	const int result = evauth_get(context->client, &request, &context->arena, &record);
	if (result == -EREMOTEIO && evauth_fault(context->client)->code == STATUS_NOT_FOUND)
		return nothing_deleted(context);
	if (result < 0)
		return context_fail(context, result);
	struct delete_token delete = {
		.uid = record->token->uid, .type = record->token->type, .issuer = record->token->issuer};
	return delete_object(context, OBJECT_KIND_TOKEN, &delete);
}

enum exit_code command_delete(struct context *context, const struct arguments *arguments)
{
	if (arguments->command->kind == OBJECT_KIND_TOKEN)
		return delete_token(context);
	struct delete_object delete = {.id = bytes_from(arguments->words[0])};
	return delete_object(context, arguments->command->kind, &delete);
}
