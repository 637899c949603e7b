// SPDX-License-Identifier: Apache-2.0
// Writes beside a load: Apply with one change each, by turns a customer and a foreign token that are in no generated
// world and that no question is about, so what is right stays right. They are put again and again with other texts:
// every change is one. They stay in the store afterwards.
#pragma once

#include "bench/load.h"

enum { APPLY_OBJECTS = 2000 }; // half of them customers, half tokens

extern const struct load_protocol protocol_apply;

// Each object twice, as it is before and after. `run` goes into the texts: another run, other texts. -ENOMEM.
MUST_CHECK int apply_requests_create(int64_t run, struct load_requests *ret_requests);
void apply_requests_destroy(struct load_requests *requests);

// A wrong answer and the first error, if they were to writes, on stderr.
void apply_explain_wrong(const struct load_requests *requests, const struct load_result *result);
