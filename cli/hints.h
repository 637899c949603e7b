// SPDX-License-Identifier: Apache-2.0
// What to do next, for every way a command can fail.
#pragma once

#include "cli/command.h"
#include "proto/fault.h"

// NULL: nothing more helpful than the message. `result` is libevauth's (0 for a fault of our own). Static storage.
const char *hint_find(const struct command *command, int result, enum status_code code);
