// SPDX-License-Identifier: Apache-2.0
// The terminal while a command has all of it: the alternate screen, keys without Enter, and signals as events, so that
// whatever ends the command gives the terminal back as it was.
#pragma once

#include "base/check.h"
#include "cli/screen.h"

#include <signal.h>
#include <stdint.h>
#include <termios.h>

struct terminal {
	FILE *out;
	int keys;    // -1: none, standard input is something else
	int signals; // signalfd
	sigset_t mask_before;
	struct termios mode_before; // when there are keys
};

enum terminal_event {
	TERMINAL_TIME_OVER,
	TERMINAL_REDRAW, // resized, or shown again after Ctrl-Z
	TERMINAL_QUIT,   // q, Ctrl-C, SIGTERM, or the terminal is gone
};

// Whether `out` is a terminal that can be drawn on.
bool terminal_is_usable(FILE *out);
// Negative errno.
MUST_CHECK int terminal_open(struct terminal *terminal, FILE *out);
// Gives it back.
void terminal_close(struct terminal *terminal);
struct screen_size terminal_size(const struct terminal *terminal);
// Waits until `deadline_ms` of the monotonic clock.
enum terminal_event terminal_wait(struct terminal *terminal, uint64_t deadline_ms);
