// SPDX-License-Identifier: Apache-2.0
// What a comparison found, for people and for programs.
#pragma once

#include "bench/compare.h"

#include <stdio.h>

void compare_report_text(const struct compare *compare, FILE *stream);
// One object on one line.
void compare_report_json(const struct compare *compare, FILE *stream);
