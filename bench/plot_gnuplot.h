// SPDX-License-Identifier: Apache-2.0
// Runs gnuplot (Debian: gnuplot-nox) on a script.
#pragma once

#include "bench/plot_table.h"

#include <stdio.h>

// The commands that make a picture of this kind, which the script begins with. -EINVAL with the text: a file name that
// ends neither in .png nor in .svg.
MUST_CHECK int plot_gnuplot_begin(const char *path, FILE *script, struct plot_error *error);
// Runs `script`, written to its end, and puts what comes out in place of the file `path`, which is untouched when that
// fails: no gnuplot (-ENOENT), an error in the script, a full disk. What gnuplot says goes to stderr.
MUST_CHECK int plot_gnuplot_run(FILE *script, const char *path, struct plot_error *error);
