// SPDX-License-Identifier: Apache-2.0
// Changes that happened, in an operator's words, one line each.
#pragma once

#include "cli/context.h"

enum { CHANGE_WORDS_IDS_MAX = 5 }; // of a list; the rest is counted

// "customer cust-17 put", "customers a, b (and 3 more) attached to group office".
void change_print_words(FILE *out, const struct change *change);
// The changes of one revision, a line each: "2026-12-01T08:00:00Z  1,234  alice  ...".
void change_print_sets(struct context *context, const struct log_entry *entry);
