// SPDX-License-Identifier: Apache-2.0
// What every unit test program shares: libcheck, and a main that runs one suite.
#pragma once

#include <check.h>
#include <stdlib.h>

// Runs the suite and ends the program's main with its verdict.
static inline int unit_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
