// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 1024 };

static const struct {
	const char *name;
	int priority; // syslog(3)
} log_levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

static _Atomic enum log_level log_threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_threshold, level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
	return atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

int log_level_parse(const char *word, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_levels); i++) {
		if (strcmp(word, log_levels[i].name) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return log_levels[level].name;
}

// The journal is asked for only when it is what stderr is connected to (systemd.exec(5), $JOURNAL_STREAM).
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long device = 0, inode = 0;
	struct stat st;
	if (stream == NULL || sscanf(stream, "%lu:%lu", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) != 0)
		return false;
	return st.st_dev == device && st.st_ino == inode;
}

static void log_to_stderr(enum log_level level, const char *event, const char *text)
{
	char line[LOG_LINE_MAX + 128];
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	const size_t stamp = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
	const int rest = snprintf(line + stamp, sizeof(line) - stamp, ".%03ldZ %s %s: %s\n", now.tv_nsec / 1000000,
				  log_levels[level].name, event, text);
	const size_t size = stamp + (size_t)rest < sizeof(line) ? stamp + (size_t)rest : sizeof(line) - 1;
	// One write per line keeps lines of several threads whole. There is nobody to tell when stderr is gone.
	const ssize_t written = write(STDERR_FILENO, line, size);
	(void)written;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	if (level > log_get_level())
		return;
	char text[LOG_LINE_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (stderr_is_journal())
		(void)sd_journal_send("MESSAGE=%s: %s", event, text, "PRIORITY=%i", log_levels[level].priority,
				      "EVAUTHD_EVENT=%s", event, NULL);
	else
		log_to_stderr(level, event, text);
}
