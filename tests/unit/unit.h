// SPDX-License-Identifier: Apache-2.0
// What every unit test program shares: libcheck, and a main that runs one suite.
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

// After every assertion that holds libcheck writes to a file where it was, for a test that will crash: most of the time
// of a test with a million of them. Here each place tells the first time only.
#define _mark_point(file, line)                     \
	({                                          \
		static _Thread_local bool has_told; \
		if (!has_told)                      \
			(_mark_point)(file, line);  \
		has_told = true;                    \
	})

// Runs the suite and ends the program's main with its verdict.
static inline int unit_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
