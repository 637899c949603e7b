// SPDX-License-Identifier: Apache-2.0
// How answers are written: labelled lines for people, one JSON document for programs.
#pragma once

#include "cli/context.h"
#include "proto/schema.h"

// One message as the whole document.
enum exit_code output_json(struct context *context, const struct schema *schema, const void *message);
// One message as a member of a document the caller writes: `"name":{...}`.
MUST_CHECK int output_json_member(struct context *context, const char *name, const struct schema *schema,
				  const void *message);
// {"error": {...}}
void output_json_fault(FILE *out, const struct fault *fault);
// A JSON string, quoted and escaped.
void output_json_string(FILE *out, struct bytes text);

// "  label               value"; nothing for an empty value.
void output_field(struct context *context, const char *label, struct bytes value);
void output_field_text(struct context *context, const char *label, const char *value);
// The same, always: "yes" or "no".
void output_field_bool(struct context *context, const char *label, bool value);
// A title over what follows, bold on a terminal.
void output_title(struct context *context, const char *format, ...) PRINTF_LIKE(2, 3);
