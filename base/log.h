// SPDX-License-Identifier: Apache-2.0
// One line per event to stderr, or to journald when stderr is the journal ($JOURNAL_STREAM).
// Libraries never log; who decides what an error means does, once. Any thread. Never a token uid in a line.
#pragma once

#include "base/check.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON, // an object per line: time, level, event, message
};

// On stderr; the journal has fields of its own. TEXT until set. May be changed at run time, from any thread.
void log_set_format(enum log_format format);
// Level INFO until set. May be changed at run time, from any thread.
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
// "error", "warning", "info", "debug". Negative errno (-EINVAL) for other words.
MUST_CHECK int log_level_parse(const char *word, enum log_level *ret_level);
const char *log_level_name(enum log_level level);

// `event` is a stable lower_case name that operators may grep for, a literal. Of one event at most LOG_LIMIT_LINES
// (log_limit.h) within ten seconds; how many were dropped stands before the next one.
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_event(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
