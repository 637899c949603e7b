// SPDX-License-Identifier: Apache-2.0
// Servers that a comparison starts, and the temporary folder they live in. However evauth-bench ends, they end with it:
//
//   it returns             processes_close()
//   SIGINT, SIGTERM, SIGHUP  a watching thread does the same and exits with 128 + signal
//   it is killed           the kernel sends each child its stop signal (PR_SET_PDEATHSIG); only the folder stays
//
// All functions are for the thread that opened, which has to live as long as the children.
#pragma once

#include "base/check.h"
#include "proto/fault.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESSES_MAX = 16, PROCESS_PATH_SIZE = 256, PROCESS_LINE_SIZE = 160 };

struct process {
	pid_t pid;
	int stop_signal;
};

struct processes {
	char folder[PROCESS_PATH_SIZE / 2]; // temporary, gone in the end
	pthread_mutex_t lock;               // of what follows; never given back by a thread that ends the program
	uint32_t count;
	struct process children[PROCESSES_MAX];
	pthread_t watcher;
};

struct process_plan {
	const char *name; // of the log in the folder: NAME.log
	// A program's path and arguments, NULL at the end; or a function that runs in the child and never returns.
	const char *const *arguments;
	void (*serve)(void *context) __attribute__((noreturn));
	void *context;
	const cpu_set_t *cpus; // NULL: any
	const char *user;      // NULL: ours; only root can be somebody else
	int stop_signal;       // 0: SIGTERM
};

// Makes the folder and starts watching for signals, which stay blocked in the caller and in threads it starts later.
MUST_CHECK int processes_open(struct processes *processes, struct fault *fault);
// Stops what runs and removes the folder.
void processes_close(struct processes *processes);

MUST_CHECK int process_start(struct processes *processes, const struct process_plan *plan, pid_t *ret_pid,
			     struct fault *fault);
// Calls is_ready() until it is true. -ECHILD when the process has ended, with the last line of its log; -ETIMEDOUT.
MUST_CHECK int process_await(struct processes *processes, const struct process_plan *plan, pid_t pid,
			     bool (*is_ready)(void *context), void *context, struct fault *fault);
// Runs a program to its end; an exit code that is not 0 is -ECHILD, with the last line of its log.
MUST_CHECK int process_run(struct processes *processes, const struct process_plan *plan, struct fault *fault);

// folder/name.
void process_path(const struct processes *processes, const char *name, char path[PROCESS_PATH_SIZE]);
// The first line of what `program --version` prints; empty when it prints none.
void process_version(struct processes *processes, const char *program, char line[PROCESS_LINE_SIZE]);
// A port of 127.0.0.1 that nobody uses at this moment.
MUST_CHECK int process_free_port(uint16_t *ret_port);
// Where PATH, or a pattern as of glob(7), has a program; the last in the order of versions. -ENOENT.
MUST_CHECK int process_find_program(const char *name, const char *pattern, char path[PROCESS_PATH_SIZE]);
