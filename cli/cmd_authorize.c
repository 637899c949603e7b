// SPDX-License-Identifier: Apache-2.0
// authorize: may this token charge here?
#include "cli/output.h"
#include "cli/request.h"
#include "cli/table.h"
#include "cli/words.h"
#include "proto/json.h"

#include <inttypes.h>

static enum exit_code exit_code_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOWED:
		return EXIT_DONE;
	case VERDICT_ASK_ISSUER:
		return EXIT_ASK_ISSUER;
	case VERDICT_DENIED:
	case VERDICT_UNSPECIFIED:
		break;
	}
	// A verdict we do not know is none that allows (DESIGN 1.2).
	return EXIT_DENIED;
}

static const char *color_of(enum exit_code code)
{
	return code == EXIT_DONE ? "\033[1;32m" : code == EXIT_ASK_ISSUER ? "\033[1;33m" : "\033[1;31m";
}

static void print_verdict(struct context *context, const struct authorize_response *response)
{
	const enum exit_code code = exit_code_of(response->verdict);
	fprintf(context->out, "%s%s%s  %s\n", context->color ? color_of(code) : "",
		json_enum_name(JSON_ENUM_VERDICT, (int)response->verdict), context->color ? "\033[0m" : "",
		json_enum_name(JSON_ENUM_REASON, (int)response->reason));
}

static void print_enum(struct context *context, const char *label, enum json_enum type, int value)
{
	if (value != 0)
		output_field_text(context, label, json_enum_name(type, value));
}

static void print_answer(struct context *context, const struct authorize_response *response)
{
	char text[WORDS_SIZE], issuer[2 * ID_SIZE_MAX + 2] = "";
	if (response->issuer != NULL)
		snprintf(issuer, sizeof(issuer), "%.*s*%.*s", BYTES_ARG(response->issuer->country_code),
			 BYTES_ARG(response->issuer->party_id));
	print_enum(context, "access", JSON_ENUM_ACCESS, (int)response->access);
	print_enum(context, "if it cannot be asked", JSON_ENUM_VERDICT, (int)response->offline_verdict);
	output_field(context, "tariff", response->tariff_id);
	output_field(context, "charge group", response->charge_group_id);
	output_field(context, "charge point", response->charge_point_id);
	output_field(context, "location", response->location_id);
	output_field(context, "token", response->token_uid);
	print_enum(context, "token type", JSON_ENUM_TOKEN_TYPE, (int)response->token_type);
	output_field(context, "customer", response->customer_id);
	output_field_text(context, "issuer", issuer);
	output_field(context, "contract", response->contract_id);
	output_field(context, "parent", response->parent_id);
	output_field_text(context, "decided as of", words_time(response->decided_at, text));
	output_field_text(context, "good until", words_time(response->valid_until, text));
	output_field(context, "OCPI allowed", response->ocpi_allowed);
	output_field(context, "OCPP 1.6 status", response->ocpp16_status);
	output_field(context, "OCPP 2 status", response->ocpp2_status);
	snprintf(text, sizeof(text), "%" PRIu64, response->revision);
	output_field_text(context, "revision", text);
}

static void print_explanation(struct context *context, const struct authorize_response *response)
{
	if (response->explanation_count == 0)
		return;
	fputc('\n', context->out);
	output_title(context, "Rules tried");
	for (size_t i = 0; i < response->explanation_count; i++) {
		const struct explanation_step *step = &response->explanation[i];
		fprintf(context->out, "%s %6.*s  ", step->decided ? "=>" : "  ", BYTES_ARG(step->rule));
		text_print(context->out, step->text);
		if (step->object.size > 0) {
			fputs("  [", context->out);
			text_print(context->out, step->object);
			fputs(step->field.size ? ": " : "", context->out);
			text_print(context->out, step->field);
			fputc(']', context->out);
		}
		fputc('\n', context->out);
	}
}

static int build_request(const struct arguments *arguments, struct context *context, struct authorize_request *request,
			 struct fault *fault)
{
	*request = (struct authorize_request){
		.token_uid = bytes_from(arguments->words[0]),
		.charge_point_id = bytes_from(arguments->words_count > 1 ? arguments->words[1] : NULL),
		.evse_id = bytes_from(arguments->values[OPTION_EVSE]),
		.explain = option_is_on(arguments, OPTION_EXPLAIN),
	};
	const struct request_options options = {&request->token_type, &request->issuer, &request->at, NULL};
	return request_take_options(arguments, &options, &context->arena, fault);
}

enum exit_code command_authorize(struct context *context, const struct arguments *arguments)
{
	struct authorize_request request;
	struct authorize_response *response;
	struct fault fault = {0};
	if (build_request(arguments, context, &request, &fault) < 0)
		return context_fail_with(context, &fault);
	if (bytes_is_empty(request.charge_point_id) && bytes_is_empty(request.evse_id))
		return context_refuse(context, "where? name a charge point, or --evse EVSE");
	const int result = evauth_authorize(context->client, &request, &context->arena, &response);
	if (result < 0)
		return context_fail(context, result);
	const enum exit_code code = exit_code_of(response->verdict);
	if (context->json)
		return output_json(context, &schema_authorize_response, response) == EXIT_DONE ? code : EXIT_ERROR;
	print_verdict(context, response);
	print_answer(context, response);
	print_explanation(context, response);
	return code;
}
