// SPDX-License-Identifier: Apache-2.0
// The sub-commands of evauth-bench. Each parses its own command line (argv[0] is the name to show in its help) and
// returns the exit code.
#pragma once

#include <argp.h>
#include <stdint.h>

enum exit_code {
	EXIT_CODE_DONE = 0,
	EXIT_CODE_WRONG = 1, // a wrong answer, or errors
	EXIT_CODE_ERROR = 2, // a bad command line, no connection, a full disk
};

int command_compare(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_questions(int argc, char **argv);
int command_run(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_propagation(int argc, char **argv);
int command_resp_load(int argc, char **argv);

// A whole number in min..max, or ends the program with a message that names the option (as argp_error() does).
uint64_t option_number(struct argp_state *state, const char *name, const char *text, uint64_t min, uint64_t max);
// One line on stderr; returns EXIT_CODE_ERROR.
int command_error(const char *what, int error);
