// SPDX-License-Identifier: Apache-2.0
#include "bench/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t option_number(struct argp_state *state, const char *name, const char *text, uint64_t min, uint64_t max)
{
	char *end = NULL;
	errno = 0;
	const uint64_t number = strtoull(text, &end, 10);
	// strtoull() reads "-1" as a large number.
	if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' || number < min || number > max)
		argp_error(state, "--%s: '%s' is not a whole number from %llu to %llu", name, text,
			   (unsigned long long)min, (unsigned long long)max);
	return number;
}

int command_error(const char *what, int error)
{
	fprintf(stderr, "evauth-bench: %s: %s\n", what, strerror(-error));
	return EXIT_CODE_ERROR;
}
