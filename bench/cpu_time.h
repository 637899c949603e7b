// SPDX-License-Identifier: Apache-2.0
// CPU seconds, user and system, of this thread and of other processes.
#pragma once

#include <sys/types.h>

double cpu_time_of_thread(void);
// All threads of a process, to 10 ms (/proc/PID/stat); -1 when it cannot be read.
double cpu_time_of_process(pid_t pid);
