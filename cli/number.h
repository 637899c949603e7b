// SPDX-License-Identifier: Apache-2.0
// Numbers on the command line.
#pragma once

#include "cli/options.h"

// Digits alone, "1,234" too. False: it is no number.
bool number_parse(const char *word, uint64_t *ret_number);
// The same for an option; *ret_number stays as it is when it was not given.
bool number_option(const struct arguments *arguments, enum option_id id, uint64_t *ret_number);
