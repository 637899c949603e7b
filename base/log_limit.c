// SPDX-License-Identifier: Apache-2.0
#include "base/log_limit.h"

#include <stddef.h>
#include <string.h>

static struct log_limit_event *find(struct log_limit *limit, const char *name)
{
	for (int i = 0; i < LOG_LIMIT_EVENTS_MAX; i++) {
		struct log_limit_event *event = &limit->events[i];
		if (event->name == NULL)
			event->name = name;
		if (strcmp(event->name, name) == 0)
			return event;
	}
	return NULL;
}

bool log_limit_admit(struct log_limit *limit, const char *name, int64_t now_ms, uint64_t *ret_dropped)
{
	struct log_limit_event *event = find(limit, name);
	*ret_dropped = 0;
	if (event == NULL)
		return true;
	if (event->lines == 0 || now_ms - event->since_ms >= LOG_LIMIT_WINDOW_MS) {
		event->since_ms = now_ms;
		event->lines = 0;
	}
	if (event->lines == LOG_LIMIT_LINES) {
		event->dropped++;
		return false;
	}
	event->lines++;
	*ret_dropped = event->dropped;
	event->dropped = 0;
	return true;
}
