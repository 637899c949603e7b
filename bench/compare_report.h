// SPDX-License-Identifier: Apache-2.0
// What a comparison found, for people and for programs.
#pragma once

#include "bench/compare.h"

#include <stdio.h>

void compare_report_text(const struct compare *compare, FILE *stream);
// A header and a row per run: peer, depth, round, rate (0: closed loop), maximum (decisions a second of evauthd in a
// closed loop, which a relative rate is of; else empty), the figures of compare.h by their names, disturbed (true,
// false).
void compare_report_csv(const struct compare *compare, FILE *stream);
// One object on one line.
void compare_report_json(const struct compare *compare, FILE *stream);
