// SPDX-License-Identifier: Apache-2.0
// A run's result for people and for programs.
#pragma once

#include "bench/load.h"

#include <stdio.h>

struct report {
	const struct load_options *options;
	const struct load_result *result;
	uint32_t batch; // answers per request; 0 and 1: one
};

void report_text(const struct report *report, FILE *stream);
// One line.
void report_json(const struct report *report, FILE *stream);
// Problems of the measurement itself, one line each: the client was the bottleneck, the rate was not reached.
void report_warnings(const struct report *report, FILE *stream);
// Whether every answer came, came without an error and was right.
bool report_is_clean(const struct load_result *result);
