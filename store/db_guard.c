// SPDX-License-Identifier: Apache-2.0
#include "store/db_guard.h"

#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Global and mutable, as signal handlers are: they get no context.
static char guard_line[512];
static const int guard_signals[] = {SIGBUS, SIGSEGV};
static struct sigaction guard_former[ARRAY_SIZE(guard_signals)];

void db_guard_report(void)
{
	const ssize_t written = write(STDERR_FILENO, guard_line, strlen(guard_line));
	(void)written; // there is nobody left to tell
}

// Async-signal-safe. The former handler (a sanitizer's, or the default) gets the same fault again.
static void guard_handle(int number, siginfo_t *info, void *context)
{
	(void)context;
	db_guard_report();
	for (size_t i = 0; i < ARRAY_SIZE(guard_signals); i++)
		if (guard_signals[i] == number)
			sigaction(number, &guard_former[i], NULL);
	if (info->si_code <= 0)
		raise(number); // sent by somebody: it will not come again by itself
}

void db_guard_install(const char *directory)
{
	snprintf(guard_line, sizeof(guard_line),
		 "evauthd: crashed on reading memory; the disk under the store %.300s may be failing, or the store "
		 "damaged: check the disk, put a backup in place\n",
		 directory);
	for (size_t i = 0; i < ARRAY_SIZE(guard_signals); i++) {
		struct sigaction current, action = {.sa_sigaction = guard_handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
		sigemptyset(&action.sa_mask);
		if (sigaction(guard_signals[i], NULL, &current) != 0 || current.sa_sigaction == guard_handle)
			continue;
		guard_former[i] = current;
		sigaction(guard_signals[i], &action, NULL);
	}
}
