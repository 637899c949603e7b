// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%*s %llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_files(void)
{
	uint64_t count = 0;
	DIR *directory = opendir("/proc/self/fd");
	if (directory == NULL)
		return 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count > 3 ? count - 3 : 0; // ".", ".." and the folder itself
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void process_get_usage(struct process_figures *ret_figures)
{
	struct process_figures figures = {.resident_bytes = resident_bytes()};
	struct rlimit limit;
	struct rusage usage;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		figures.files_max = limit.rlim_cur;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		figures.cpu_s = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
	*ret_figures = figures;
}

void process_get_figures(struct process_figures *ret_figures)
{
	process_get_usage(ret_figures);
	ret_figures->open_files = open_files();
}
