// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"
#include "base/log_limit.h"

#include <errno.h>
#include <pthread.h>
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

enum {
	LOG_LINE_MAX = 1024,
	LOG_ESCAPED_MAX = 6 * LOG_LINE_MAX,
};

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
static _Atomic enum log_format log_form = LOG_FORMAT_TEXT;

void log_set_format(enum log_format format)
{
	atomic_store_explicit(&log_form, format, memory_order_relaxed);
}

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

static size_t format_time(char *text, size_t size)
{
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	const size_t stamp = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
	return stamp + (size_t)snprintf(text + stamp, size - stamp, ".%03ldZ", now.tv_nsec / 1000000);
}

// Quotes, controls and what is no ASCII are escaped; the last as the character for what cannot be shown.
static void escape(const char *text, char escaped[LOG_ESCAPED_MAX])
{
	char *end = escaped;
	for (; *text != '\0'; text++) {
		const unsigned char byte = (unsigned char)*text;
		if (byte == '"' || byte == '\\')
			end += sprintf(end, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7f)
			end += sprintf(end, "\\u%04x", byte < 0x80 ? byte : 0xfffd);
		else
			*end++ = (char)byte;
	}
	*end = '\0';
}

// Some of what is logged was said by others (a peer, Redis): it must not look like lines of ours, nor move a cursor.
static void flatten(const char *text, char flat[LOG_ESCAPED_MAX])
{
	char *end = flat;
	for (; *text != '\0'; text++)
		*end++ = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
	*end = '\0';
}

static void log_to_stderr(enum log_level level, const char *event, const char *text)
{
	char line[LOG_ESCAPED_MAX + 256], stamp[64], escaped[LOG_ESCAPED_MAX];
	int size;
	format_time(stamp, sizeof(stamp));
	if (atomic_load_explicit(&log_form, memory_order_relaxed) == LOG_FORMAT_JSON) {
		escape(text, escaped);
		size = snprintf(line, sizeof(line),
				"{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"message\":\"%s\"}\n", stamp,
				log_levels[level].name, event, escaped);
	} else {
		flatten(text, escaped);
		size = snprintf(line, sizeof(line), "%s %s %s: %s\n", stamp, log_levels[level].name, event, escaped);
	}
	// One write per line keeps lines of several threads whole. There is nobody to tell when stderr is gone.
	const ssize_t written = write(STDERR_FILENO, line, (size_t)size < sizeof(line) ? (size_t)size : sizeof(line));
	(void)written;
}

// Where in log.c it was sent from says nothing.
static int log_to_journal(enum log_level level, const char *event, const char *text)
{
	return (sd_journal_send)("MESSAGE=%s: %s", event, text, "PRIORITY=%i", log_levels[level].priority,
				 "EVAUTHD_EVENT=%s", event, NULL);
}

// A journal that takes nothing leaves stderr, which it may still read.
static void put(enum log_level level, const char *event, const char *text)
{
	if (!stderr_is_journal() || log_to_journal(level, event, text) < 0)
		log_to_stderr(level, event, text);
}

// Tells of lines that were dropped, too.
static bool is_admitted(enum log_level level, const char *event)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct log_limit limit;
	char text[64];
	uint64_t dropped;
	pthread_mutex_lock(&lock);
	const bool is_fine = log_limit_admit(&limit, event, (int64_t)clock_monotonic_ms(), &dropped);
	pthread_mutex_unlock(&lock);
	snprintf(text, sizeof(text), "%llu such lines were dropped", (unsigned long long)dropped);
	if (dropped > 0)
		put(level, event, text);
	return is_fine;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
	if (level > log_get_level() || !is_admitted(level, event))
		return;
	char text[LOG_LINE_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(level, event, text);
}
