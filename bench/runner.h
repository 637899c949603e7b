// SPDX-License-Identifier: Apache-2.0
// Carries out what `evauth-bench run` was asked for, with requests that are ready: one run, a scan, or a search.
#pragma once

#include "bench/environment.h"
#include "bench/run_options.h"

struct runner {
	const struct run_options *options;
	const struct load_protocol *protocol;
	const struct load_requests *requests;
	// Says on stderr what was wrong, if anything was.
	void (*explain)(const struct load_requests *requests, const struct load_result *result);
	const struct load_requests *writes; // for --writes and --apply-share; NULL: none
	struct environment environment;
};

// The exit code.
int runner_run(const struct runner *runner);
