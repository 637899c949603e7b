// SPDX-License-Identifier: Apache-2.0
#include "bench/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOP_MS = 10000, START_MS = 60000, POLL_MS = 5, EXIT_CODE_NO_PROGRAM = 127 };

static void sleep_ms(int ms)
{
	const struct timespec time = {.tv_nsec = (long)ms * 1000000};
	nanosleep(&time, NULL);
}

// ---------------------------------------------------------------- the end

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void stop_child(const struct process *child)
{
	const uint64_t deadline_ms = clock_monotonic_ms() + STOP_MS;
	kill(child->pid, child->stop_signal);
	while (waitpid(child->pid, NULL, WNOHANG) == 0) {
		if (clock_monotonic_ms() > deadline_ms)
			kill(child->pid, SIGKILL);
		sleep_ms(POLL_MS);
	}
}

// The lock is held.
static void stop_all(struct processes *processes)
{
	while (processes->count > 0)
		stop_child(&processes->children[--processes->count]);
	nftw(processes->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void signals_of_the_end(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

static void *watch_signals(void *context)
{
	struct processes *processes = context;
	sigset_t set;
	int number = 0;
	signals_of_the_end(&set);
	if (sigwait(&set, &number) != 0)
		return NULL;
	// Not to be cancelled by a processes_close() that comes to the lock second.
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_mutex_lock(&processes->lock);
	stop_all(processes);
	_exit(128 + number);
}

int processes_open(struct processes *processes, struct fault *fault)
{
	const char *tmp = getenv("TMPDIR");
	*processes = (struct processes){.lock = PTHREAD_MUTEX_INITIALIZER};
	snprintf(processes->folder, sizeof(processes->folder), "%s/evauth-bench.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(processes->folder)) {
		const int error = -errno;
		fault_set(fault, STATUS_INTERNAL, NULL, "temporary folder %s: %s", processes->folder, strerror(-error));
		return error;
	}
	chmod(processes->folder, 0711); // servers that run as somebody else have their own in it
	sigset_t set;
	signals_of_the_end(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	const int error = -pthread_create(&processes->watcher, NULL, watch_signals, processes);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "thread: %s", strerror(-error));
		rmdir(processes->folder);
	}
	return error;
}

void processes_close(struct processes *processes)
{
	pthread_mutex_lock(&processes->lock);
	pthread_cancel(processes->watcher);
	stop_all(processes);
	pthread_mutex_unlock(&processes->lock);
	pthread_join(processes->watcher, NULL);
	sigset_t set;
	signals_of_the_end(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

// ---------------------------------------------------------------- the beginning

static int become(const char *name)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(name) : NULL;
	if (!user)
		return geteuid() == 0 ? -ENOENT : 0;
	if (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
		return -errno;
	return 0;
}

static int prepare_child(const struct processes *processes, const struct process_plan *plan, pid_t parent)
{
	sigset_t none;
	char path[PROCESS_PATH_SIZE], log[PROCESS_LINE_SIZE];
	snprintf(log, sizeof(log), "%s.log", plan->name);
	process_path(processes, log, path);
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644), null = open("/dev/null", O_RDONLY);
	if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    dup2(fd, STDERR_FILENO) < 0)
		return -errno;
	close(fd);
	close(null);
	// A ^C at the terminal is for us to pass on.
	setpgid(0, 0);
	if (plan->cpus && sched_setaffinity(0, sizeof(*plan->cpus), plan->cpus) < 0)
		return -errno;
	const int error = plan->user ? become(plan->user) : 0;
	// After the change of user, which would clear it. A parent that went before cannot be heard of any more.
	prctl(PR_SET_PDEATHSIG, plan->stop_signal ? plan->stop_signal : SIGTERM);
	if (getppid() != parent)
		return -ESRCH;
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	return error;
}

__attribute__((noreturn)) static void run_child(const struct processes *processes, const struct process_plan *plan,
						pid_t parent)
{
	const int error = prepare_child(processes, plan, parent);
	if (error == 0 && plan->serve)
		plan->serve(plan->context);
	if (error == 0)
		execv(plan->arguments[0], (char *const *)plan->arguments);
	dprintf(STDERR_FILENO, "%s: %s\n", plan->serve ? plan->name : plan->arguments[0],
		strerror(error < 0 ? -error : errno));
	_exit(EXIT_CODE_NO_PROGRAM);
}

int process_start(struct processes *processes, const struct process_plan *plan, pid_t *ret_pid, struct fault *fault)
{
	const pid_t parent = getpid();
	pid_t pid = -1;
	int error = 0;
	// Locked, so that the watcher knows of every child.
	pthread_mutex_lock(&processes->lock);
	if (processes->count == PROCESSES_MAX)
		error = -EMFILE;
	else if ((pid = fork()) < 0)
		error = -errno;
	if (pid == 0)
		run_child(processes, plan, parent);
	if (error == 0)
		processes->children[processes->count++] =
			(struct process){.pid = pid, .stop_signal = plan->stop_signal ? plan->stop_signal : SIGTERM};
	pthread_mutex_unlock(&processes->lock);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s cannot be started: %s", plan->name, strerror(-error));
		return error;
	}
	*ret_pid = pid;
	return 0;
}

// Off the list, without stopping it. False when it was not on it.
static bool forget(struct processes *processes, pid_t pid, struct process *ret_child)
{
	for (uint32_t i = 0; i < processes->count; i++) {
		if (processes->children[i].pid != pid)
			continue;
		*ret_child = processes->children[i];
		processes->children[i] = processes->children[--processes->count];
		return true;
	}
	return false;
}

// ---------------------------------------------------------------- waiting

static void read_line(const struct processes *processes, const char *name, bool last, char line[PROCESS_LINE_SIZE])
{
	char path[PROCESS_PATH_SIZE], log[PROCESS_LINE_SIZE], text[1024];
	line[0] = '\0';
	snprintf(log, sizeof(log), "%s.log", name);
	process_path(processes, log, path);
	FILE *file = fopen(path, "re");
	bool is_found = false;
	while (file && (last || !is_found) && fgets(text, sizeof(text), file)) {
		text[strcspn(text, "\n")] = '\0';
		is_found = text[0] != '\0';
		if (is_found)
			snprintf(line, PROCESS_LINE_SIZE, "%.*s", PROCESS_LINE_SIZE - 1, text);
	}
	if (file)
		fclose(file);
}

static int explain_end(struct processes *processes, const struct process_plan *plan, int status, struct fault *fault)
{
	char line[PROCESS_LINE_SIZE];
	read_line(processes, plan->name, true, line);
	fault_set(fault, STATUS_INTERNAL, NULL, "%s ended with %s %d: %s", plan->name,
		  WIFSIGNALED(status) ? "signal" : "exit code",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), line);
	return -ECHILD;
}

// 0 while it runs; 1 when it has ended, and is off the list.
static int look_after(struct processes *processes, pid_t pid, int *ret_status)
{
	struct process child;
	pthread_mutex_lock(&processes->lock);
	const bool has_ended = waitpid(pid, ret_status, WNOHANG) != 0;
	if (has_ended)
		forget(processes, pid, &child);
	pthread_mutex_unlock(&processes->lock);
	return has_ended;
}

int process_await(struct processes *processes, const struct process_plan *plan, pid_t pid,
		  bool (*is_ready)(void *context), void *context, struct fault *fault)
{
	const uint64_t deadline_ms = clock_monotonic_ms() + START_MS;
	int status = 0;
	while (!is_ready(context)) {
		if (look_after(processes, pid, &status))
			return explain_end(processes, plan, status, fault);
		if (clock_monotonic_ms() > deadline_ms) {
			fault_set(fault, STATUS_INTERNAL, NULL, "%s is not ready after %d s", plan->name,
				  START_MS / 1000);
			return -ETIMEDOUT;
		}
		sleep_ms(POLL_MS);
	}
	return 0;
}

int process_run(struct processes *processes, const struct process_plan *plan, struct fault *fault)
{
	pid_t pid;
	int status = 0;
	const int error = process_start(processes, plan, &pid, fault);
	if (error < 0)
		return error;
	while (!look_after(processes, pid, &status))
		sleep_ms(POLL_MS);
	return status == 0 ? 0 : explain_end(processes, plan, status, fault);
}

// ---------------------------------------------------------------- names and ports

void process_path(const struct processes *processes, const char *name, char path[PROCESS_PATH_SIZE])
{
	snprintf(path, PROCESS_PATH_SIZE, "%s/%.100s", processes->folder, name);
}

void process_version(struct processes *processes, const char *program, char line[PROCESS_LINE_SIZE])
{
	const char *name = strrchr(program, '/');
	char log[PROCESS_LINE_SIZE];
	snprintf(log, sizeof(log), "version-%s", name ? name + 1 : program);
	const char *const arguments[] = {program, "--version", NULL};
	struct fault ignored = {0};
	const int error = process_run(
		processes, &(struct process_plan){.name = log, .arguments = arguments, .user = NULL}, &ignored);
	line[0] = '\0';
	if (error == 0)
		read_line(processes, log, false, line);
}

int process_free_port(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		error = -errno;
	else
		*ret_port = ntohs(address.sin_port);
	if (fd >= 0)
		close(fd);
	return error;
}

static int find_by_pattern(const char *pattern, char path[PROCESS_PATH_SIZE])
{
	glob_t found;
	const char *best = NULL;
	if (glob(pattern, 0, NULL, &found) != 0)
		return -ENOENT;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (access(found.gl_pathv[i], X_OK) == 0 && (!best || strverscmp(found.gl_pathv[i], best) > 0))
			best = found.gl_pathv[i];
	}
	if (best)
		snprintf(path, PROCESS_PATH_SIZE, "%s", best);
	globfree(&found);
	return best ? 0 : -ENOENT;
}

int process_find_program(const char *name, const char *pattern, char path[PROCESS_PATH_SIZE])
{
	const char *at = getenv("PATH");
	while (at && *at) {
		const size_t size = strcspn(at, ":");
		snprintf(path, PROCESS_PATH_SIZE, "%.*s/%s", (int)size, at, name);
		if (size > 0 && access(path, X_OK) == 0)
			return 0;
		at += size + (at[size] == ':');
	}
	return pattern ? find_by_pattern(pattern, path) : -ENOENT;
}
