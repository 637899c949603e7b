// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_notify.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/rpc/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

enum {
	PERIOD_DEFAULT_MS = 1000, // without a watchdog
	STUCK_MS = 10000,         // then the log says so
	LOADING_EXTEND_US = 30 * 1000 * 1000,
};

void notify_loading(uint64_t records_done, uint64_t records_total)
{
	sd_notifyf(0, "STATUS=Loading: %llu of %llu records\nEXTEND_TIMEOUT_USEC=%d", (unsigned long long)records_done,
		   (unsigned long long)records_total, LOADING_EXTEND_US);
}

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(clock_monotonic_ns() / 1000));
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Answering what was accepted");
}

// ---------------------------------------------------------------- watchdog

struct watchdog {
	struct store *store;
	struct worker **workers;
	size_t workers_count;
	uint64_t timeout_us; // of the service manager; 0: none
	bool watches_writer;
	_Atomic uint64_t alive_ms; // when everybody was last found alive
	bool is_stuck;
	// The writer's sign of life: a dry run of nothing that comes back.
	struct store_job probe;
	struct change_set nothing;
	_Atomic bool probe_is_out;
};

static void on_probe_done(struct store_job *job)
{
	struct watchdog *watchdog = job->context;
	atomic_store(&watchdog->probe_is_out, false);
}

int watchdog_create(struct store *store, struct worker **workers, size_t workers_count, struct watchdog **ret_watchdog)
{
	struct watchdog *watchdog = calloc(1, sizeof(*watchdog));
	if (watchdog == NULL)
		return -ENOMEM;
	watchdog->store = store;
	watchdog->workers = workers;
	watchdog->workers_count = workers_count;
	atomic_init(&watchdog->alive_ms, clock_monotonic_ms());
	watchdog->nothing.dry_run = true;
	if (sd_watchdog_enabled(0, &watchdog->timeout_us) <= 0)
		watchdog->timeout_us = 0;
	watchdog->watches_writer = watchdog->timeout_us > 0;
	arena_init(&watchdog->probe.arena, 1024, 64 * 1024);
	*ret_watchdog = watchdog;
	return 0;
}

void watchdog_destroy(struct watchdog *watchdog)
{
	if (watchdog == NULL)
		return;
	arena_finish(&watchdog->probe.arena);
	free(watchdog);
}

uint32_t watchdog_period_ms(const struct watchdog *watchdog)
{
	const uint64_t quarter_ms = watchdog->timeout_us / 4000;
	return quarter_ms > 0 && quarter_ms < PERIOD_DEFAULT_MS ? (uint32_t)quarter_ms : PERIOD_DEFAULT_MS;
}

// True if the question asked before has come back; asks the next one.
static bool writer_is_alive(struct watchdog *watchdog)
{
	if (atomic_load(&watchdog->probe_is_out))
		return false;
	struct store_job *probe = &watchdog->probe;
	arena_reset(&probe->arena);
	probe->set = &watchdog->nothing;
	probe->body_size = 0;
	probe->done = on_probe_done;
	probe->context = watchdog;
	probe->fault = (struct fault){0};
	probe->response = (struct apply_response){0};
	atomic_store(&watchdog->probe_is_out, true);
	if (store_submit(watchdog->store, probe) == 0)
		return true;
	// The queue is full, or the store failed and the daemon is about to stop. A queue that stays full is progress
	// when the next question gets in.
	atomic_store(&watchdog->probe_is_out, false);
	return false;
}

static bool all_are_alive(struct watchdog *watchdog)
{
	bool alive = !watchdog->watches_writer || writer_is_alive(watchdog);
	for (size_t i = 0; i < watchdog->workers_count; i++)
		alive = worker_is_alive(watchdog->workers[i]) && alive;
	return alive;
}

void watchdog_watch_writer(struct watchdog *watchdog)
{
	watchdog->watches_writer = true;
}

bool watchdog_is_stuck(const struct watchdog *watchdog)
{
	return clock_monotonic_ms() - atomic_load(&watchdog->alive_ms) >= STUCK_MS;
}

void watchdog_look(struct watchdog *watchdog)
{
	const uint64_t now = clock_monotonic_ms();
	if (all_are_alive(watchdog)) {
		if (watchdog->is_stuck)
			log_warning("unstuck", "workers and writer make progress again");
		watchdog->is_stuck = false;
		atomic_store(&watchdog->alive_ms, now);
		if (watchdog->timeout_us > 0)
			sd_notify(0, "WATCHDOG=1");
	} else if (!watchdog->is_stuck && now - atomic_load(&watchdog->alive_ms) >= STUCK_MS) {
		watchdog->is_stuck = true;
		log_error("stuck", "a worker or the writer has made no progress for %d s", STUCK_MS / 1000);
	}
}
