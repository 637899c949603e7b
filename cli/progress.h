// SPDX-License-Identifier: Apache-2.0
// How far a long command is: a bar, a rate and the time left, on one line of a terminal. Silent elsewhere.
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *out; // NULL: silent
	const char *unit;
	uint64_t started_ms;
	uint64_t shown_ms;
};

void progress_init(struct progress *progress, FILE *out, bool quiet, const char *unit);
// `done` of `all` bytes (0: unknown) and `count` units; draws a few times a second at most. Call it every few hundred
// units: it asks for the time.
void progress_show(struct progress *progress, uint64_t count, uint64_t done, uint64_t all);
// Takes the line away.
void progress_end(struct progress *progress);

double progress_seconds(const struct progress *progress);
// The line itself, for tests: at most `size` bytes, terminated.
void progress_format(char *text, size_t size, uint64_t count, const char *unit, double seconds, double share);
