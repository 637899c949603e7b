// SPDX-License-Identifier: Apache-2.0
#include "bench/cpu_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double cpu_time_of_thread(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double cpu_time_of_process(pid_t pid)
{
	char path[64], line[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	const size_t size = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[size] = '\0';
	// The second field is the command in brackets and may hold anything: count from its end. utime is field 14.
	const char *after_command = strrchr(line, ')');
	unsigned long user = 0, system = 0;
	if (!after_command ||
	    sscanf(after_command + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		return -1;
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double cpu_time_of_machine(void)
{
	FILE *file = fopen("/proc/stat", "re");
	if (!file)
		return -1;
	// user, nice, system, idle, iowait, irq, softirq, steal
	unsigned long ticks[8] = {0};
	const int count = fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &ticks[0], &ticks[1], &ticks[2],
				 &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]);
	fclose(file);
	if (count != 8)
		return -1;
	const unsigned long busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
	return (double)busy / (double)sysconf(_SC_CLK_TCK);
}
