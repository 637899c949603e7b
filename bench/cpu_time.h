// SPDX-License-Identifier: Apache-2.0
// CPU seconds, user and system, of this thread, of other processes and of the machine.
#pragma once

#include <sys/types.h>

double cpu_time_of_thread(void);
// All threads of a process and its children, those that have ended included (PostgreSQL serves every connection in
// one), to 10 ms each (/proc/PID/stat); -1 when it cannot be read.
double cpu_time_of_process(pid_t pid);
// Everything that ran on any core (/proc/stat), to 10 ms a core; -1 when it cannot be read.
double cpu_time_of_machine(void);
