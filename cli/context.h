// SPDX-License-Identifier: Apache-2.0
// What every command works with: the daemon, where to write, how to fail.
#pragma once

#include "cli/command.h"
#include "client/evauth.h"

#include <stdio.h>

struct context {
	struct evauth_client *client;
	struct arena arena; // lives as long as the command; paging commands reset it
	FILE *out;          // answers
	FILE *err;          // what went wrong, warnings, progress
	bool json;
	bool quiet;
	bool color; // of out
	const struct arguments *arguments;
};

// Makes a client for --server or EVAUTH_SERVER. EXIT_ERROR, having said why.
MUST_CHECK enum exit_code context_init(struct context *context, const struct arguments *arguments, FILE *out,
				       FILE *err);
void context_finish(struct context *context);

// The last call failed with `result`: says so, and what to do next. EXIT_ERROR.
enum exit_code context_fail(struct context *context, int result);
// The same for a fault of our own.
enum exit_code context_fail_with(struct context *context, const struct fault *fault);
// "message (CODE, field NAME)" and the end of the line, to stderr.
void context_print_fault(struct context *context, const struct fault *fault);
// The field of a fault without the place of its change in the set: "put_token.uid".
const char *fault_field_in_change(const struct fault *fault);
// INVALID_ARGUMENT in one line.
enum exit_code context_refuse(struct context *context, const char *format, ...) PRINTF_LIKE(2, 3);
enum exit_code context_no_memory(struct context *context);
// A confirmation, for people only: not with --json or --quiet.
void context_say(struct context *context, const char *format, ...) PRINTF_LIKE(2, 3);
// A line to stderr whatever the output is.
void context_warn(struct context *context, const char *format, ...) PRINTF_LIKE(2, 3);
