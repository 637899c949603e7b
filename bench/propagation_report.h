// SPDX-License-Identifier: Apache-2.0
// A propagation run's result for people and for programs.
#pragma once

#include "bench/propagation.h"

#include <stdio.h>

// Both put the result's times in ascending order.
void propagation_report_text(const struct propagation_options *options, struct propagation_result *result,
			     FILE *stream);
// One line.
void propagation_report_json(const struct propagation_options *options, struct propagation_result *result,
			     FILE *stream);
