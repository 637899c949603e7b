// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include "cli/table.h"
#include "proto/json.h"

#include <stdarg.h>

enum { LABEL_WIDTH = 22 };

enum exit_code output_json(struct context *context, const struct schema *schema, const void *message)
{
	struct bytes text;
	if (json_encode(schema, message, JSON_INDENT, &context->arena, &text) < 0)
		return context_no_memory(context);
	fwrite(text.data, 1, text.size, context->out);
	fputc('\n', context->out);
	return EXIT_DONE;
}

int output_json_member(struct context *context, const char *name, const struct schema *schema, const void *message)
{
	struct bytes text;
	const int result = json_encode(schema, message, JSON_COMPACT, &context->arena, &text);
	if (result == 0)
		fprintf(context->out, "\"%s\":%.*s", name, BYTES_ARG(text));
	return result;
}

void output_json_fault(FILE *out, const struct fault *fault)
{
	struct arena arena;
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
	const struct error_message error = {
		.code = fault->code,
		.message = bytes_from(fault->message),
		.field = bytes_from(fault->field),
		.change_number = fault->change_number,
		.retry_after_ms = fault->retry_after_ms,
	};
	struct bytes text;
	if (json_encode(&schema_error, &error, JSON_COMPACT, &arena, &text) == 0)
		fprintf(out, "{\"error\":%.*s}\n", BYTES_ARG(text));
	arena_finish(&arena);
}

void output_json_string(FILE *out, struct bytes text)
{
	fputc('"', out);
	for (size_t i = 0; i < text.size; i++) {
		const unsigned char byte = (unsigned char)text.data[i];
		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < 0x20)
			fprintf(out, "\\u%04x", byte);
		else
			fputc(byte, out);
	}
	fputc('"', out);
}

void output_field(struct context *context, const char *label, struct bytes value)
{
	if (value.size == 0)
		return;
	fprintf(context->out, "  %-*s ", LABEL_WIDTH, label);
	text_print(context->out, value);
	fputc('\n', context->out);
}

void output_field_text(struct context *context, const char *label, const char *value)
{
	output_field(context, label, bytes_from(value));
}

void output_field_bool(struct context *context, const char *label, bool value)
{
	output_field_text(context, label, value ? "yes" : "no");
}

void output_title(struct context *context, const char *format, ...)
{
	char text[512];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	fputs(context->color ? "\033[1m" : "", context->out);
	text_print(context->out, bytes_from(text));
	fputs(context->color ? "\033[0m\n" : "\n", context->out);
}
