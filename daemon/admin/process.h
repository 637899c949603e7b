// SPDX-License-Identifier: Apache-2.0
// What the kernel says about this process.
#pragma once

#include <stdint.h>

struct process_figures {
	uint64_t resident_bytes;
	uint64_t open_files, files_max;
	double cpu_s; // user and system
};

// Zero where the kernel does not say (a sandbox without /proc).
void process_get_figures(struct process_figures *ret_figures);
// The same without open_files, which takes as long as there are many.
void process_get_usage(struct process_figures *ret_figures);
