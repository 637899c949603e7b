// SPDX-License-Identifier: Apache-2.0
#include "cli/context.h"

#include "cli/hints.h"
#include "cli/output.h"
#include "cli/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONTEXT_CHUNK_SIZE = 64 * 1024,
	LONG_TIMEOUT_MS = 30 * 60 * 1000,
	TOP_TIMEOUT_MS = 2000,
};

// Answers in many pages are put together in memory.
static const size_t context_memory_max = (size_t)4 * 1024 * 1024 * 1024;

static int parse_timeout(const char *text, uint32_t *ret_timeout_ms)
{
	char *end;
	errno = 0;
	const long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > INT32_MAX)
		return -EINVAL;
	*ret_timeout_ms = (uint32_t)value;
	return 0;
}

// https://no-color.org: set and not empty.
static bool wants_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	const bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
	return (no_color == NULL || no_color[0] == '\0') && !dumb && fileno(out) >= 0 && isatty(fileno(out));
}

// What the command line says, else the environment, else this.
static const char *setting(const struct arguments *arguments, enum option_id id, const char *variable,
			   const char *otherwise)
{
	const char *from_environment = getenv(variable);
	if (option_given(arguments, id))
		return arguments->values[id];
	return from_environment != NULL && from_environment[0] != '\0' ? from_environment : otherwise;
}

static struct evauth_tls tls_settings(const struct arguments *arguments)
{
	return (struct evauth_tls){
		.ca_file = setting(arguments, OPTION_TLS_CA_FILE, "EVAUTH_TLS_CA_FILE", NULL),
		.cert_file = setting(arguments, OPTION_TLS_CERT_FILE, "EVAUTH_TLS_CERT_FILE", NULL),
		.key_file = setting(arguments, OPTION_TLS_KEY_FILE, "EVAUTH_TLS_KEY_FILE", NULL),
		.server_name = setting(arguments, OPTION_TLS_SERVER_NAME, "EVAUTH_TLS_SERVER_NAME", NULL),
	};
}

// Who asks for TLS by an option must not get a plain connection. The environment is for servers of all kinds.
static enum option_id tls_option_in_vain(const struct arguments *arguments, const char *server)
{
	for (int id = 0; id < OPTION_COUNT && strncmp(server, "tls:", 4) != 0; id++) {
		if ((OPTION_BIT(id) & OPTIONS_TLS) && option_given(arguments, (enum option_id)id))
			return (enum option_id)id;
	}
	return OPTION_COUNT;
}

// An answer may take long, by a store of any size; or no answer may be what somebody wants to see. 0: the usual.
static uint32_t usual_timeout_ms(const struct command *command)
{
	if (command == NULL)
		return 0;
	if (command->run == command_check || command->run == command_customer_erase)
		return LONG_TIMEOUT_MS;
	return command->run == command_top ? TOP_TIMEOUT_MS : 0;
}

enum exit_code context_init(struct context *context, const struct arguments *arguments, FILE *out, FILE *err)
{
	*context = (struct context){.out = out, .err = err, .arguments = arguments};
	context->json = option_is_on(arguments, OPTION_JSON);
	context->quiet = option_is_on(arguments, OPTION_QUIET);
	context->color = wants_color(out);
	arena_init(&context->arena, CONTEXT_CHUNK_SIZE, context_memory_max);
	struct evauth_options options = {
		.server = setting(arguments, OPTION_SERVER, "EVAUTH_SERVER", EVAUTH_SERVER_DEFAULT),
		.tls = tls_settings(arguments),
		.call_timeout_ms = usual_timeout_ms(arguments->command),
	};
	const enum option_id in_vain = tls_option_in_vain(arguments, options.server);
	if (in_vain != OPTION_COUNT)
		return context_refuse(context, "--%s: the server '%.100s' does not speak TLS: tls:HOST:PORT",
				      option_rows[in_vain].name, options.server);
	if (option_given(arguments, OPTION_TIMEOUT)) {
		const char *text = arguments->values[OPTION_TIMEOUT];
		if (parse_timeout(text, &options.call_timeout_ms) < 0)
			return context_refuse(context, "--timeout: '%s' is no number of milliseconds", text);
		options.connect_timeout_ms = options.call_timeout_ms;
	}
	struct fault fault = {0};
	if (evauth_client_create(&options, &context->client, &fault) < 0)
		return context_fail_with(context, &fault);
	return EXIT_DONE;
}

void context_finish(struct context *context)
{
	evauth_client_destroy(context->client);
	arena_finish(&context->arena);
}

const char *fault_field_in_change(const struct fault *fault)
{
	const char *dot = strchr(fault->field, '.');
	return strncmp(fault->field, "changes[", 8) == 0 ? (dot ? dot + 1 : "") : fault->field;
}

// A fault may quote what somebody else wrote: a terminal must not obey it.
void context_print_fault(struct context *context, const struct fault *fault)
{
	const char *field = fault_field_in_change(fault);
	text_print(context->err, bytes_from(fault->message));
	if (fault->code != STATUS_INVALID_ARGUMENT || field[0] != '\0') {
		fprintf(context->err, " (%s%s", status_code_name(fault->code), field[0] ? ", field " : "");
		text_print(context->err, bytes_from(field));
		fputc(')', context->err);
	}
	fputc('\n', context->err);
}

static enum exit_code context_report(struct context *context, int result, const struct fault *fault)
{
	const char *hint = hint_find(context->arguments->command, result, fault->code);
	if (context->json)
		output_json_fault(context->out, fault);
	fputs("evauth: ", context->err);
	context_print_fault(context, fault);
	if (hint != NULL)
		fprintf(context->err, "  %s\n", hint);
	return EXIT_ERROR;
}

enum exit_code context_fail(struct context *context, int result)
{
	return context_report(context, result, evauth_fault(context->client));
}

enum exit_code context_fail_with(struct context *context, const struct fault *fault)
{
	return context_report(context, 0, fault);
}

enum exit_code context_refuse(struct context *context, const char *format, ...)
{
	struct fault fault = {.code = STATUS_INVALID_ARGUMENT};
	va_list list;
	va_start(list, format);
	vsnprintf(fault.message, sizeof(fault.message), format, list);
	va_end(list);
	return context_fail_with(context, &fault);
}

enum exit_code context_no_memory(struct context *context)
{
	const struct fault fault = {.code = STATUS_RESOURCE_EXHAUSTED, .message = "out of memory"};
	return context_fail_with(context, &fault);
}

void context_say(struct context *context, const char *format, ...)
{
	if (context->json || context->quiet)
		return;
	va_list list;
	va_start(list, format);
	vfprintf(context->out, format, list);
	va_end(list);
}

void context_warn(struct context *context, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vfprintf(context->err, format, list);
	va_end(list);
}
