// SPDX-License-Identifier: Apache-2.0
#include "bench/cpu_time.h"

#include <stdint.h>
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

// Of a process alone and of the children that it has seen end, in ticks; -1 when it cannot be read.
static int64_t ticks_of(pid_t pid)
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
	unsigned long user = 0, system = 0, children_user = 0, children_system = 0;
	if (!after_command || sscanf(after_command + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
				     &user, &system, &children_user, &children_system) != 4)
		return -1;
	return (int64_t)(user + system + children_user + children_system);
}

// Children of the main thread, which is where servers with child processes fork.
static int64_t ticks_of_children(pid_t pid)
{
	char path[64];
	int child;
	int64_t sum = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *file = fopen(path, "re");
	while (file && fscanf(file, "%d", &child) == 1) {
		const int64_t ticks = ticks_of(child);
		sum += ticks > 0 ? ticks : 0;
	}
	if (file)
		fclose(file);
	return sum;
}

double cpu_time_of_process(pid_t pid)
{
	const int64_t ticks = ticks_of(pid);
	return ticks < 0 ? -1 : (double)(ticks + ticks_of_children(pid)) / (double)sysconf(_SC_CLK_TCK);
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
