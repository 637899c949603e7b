// SPDX-License-Identifier: Apache-2.0
// What the service manager is told (sd_notify(3)), and the watchdog: it hears from us only while all workers and the
// writer make progress, so that a stuck daemon is restarted. Without a service manager all of it does nothing.
#pragma once

#include "base/check.h"
#include "store/store.h"

#include <stddef.h>
#include <stdint.h>

struct watchdog;
struct worker;

void notify_loading(uint64_t records_done, uint64_t records_total);
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);

// `workers` stay where they are while the watchdog is there. -ENOMEM.
MUST_CHECK int watchdog_create(struct store *store, struct worker **workers, size_t workers_count,
			       struct watchdog **ret_watchdog);
// After store_close(): the writer may still have its question. NULL is fine.
void watchdog_destroy(struct watchdog *watchdog);
// How often watchdog_look() wants to be called.
uint32_t watchdog_period_ms(const struct watchdog *watchdog);
// Asks everybody for a sign of life; tells the service manager when all asked before have given one, and the log when
// somebody does not for long. The main thread.
void watchdog_look(struct watchdog *watchdog);
// The writer is asked as well when there is no service manager. The main thread.
void watchdog_watch_writer(struct watchdog *watchdog);
// Somebody, or the main thread itself, has made no progress for long. Any thread.
bool watchdog_is_stuck(const struct watchdog *watchdog);
