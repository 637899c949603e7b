// SPDX-License-Identifier: Apache-2.0
// Messages for people, on stderr: what was asked and what came, when it was not what it should have been.
#pragma once

#include "base/bytes.h"
#include "bench/load.h"
#include "proto/schema.h"

// "TITLE: {...}", one line of JSON; says so when the body cannot be read.
void show_message(const char *title, const struct schema *schema, struct bytes body);
// The request and the Error of the first answer with one, if there was any. `request` is the schema of its body.
void show_error(const struct load_requests *requests, const struct schema *request, const struct load_result *result);
