// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"

#include <signal.h>

// The new thread inherits the mask of the one that makes it.
int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument), void *argument)
{
	static const int faults[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE, SIGILL};
	sigset_t blocked, former;
	sigfillset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &former);
	const int error = pthread_create(ret_thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	if (error == 0 && name != NULL)
		pthread_setname_np(*ret_thread, name);
	return -error;
}
