// SPDX-License-Identifier: Apache-2.0
#include "bench/propagation.h"

#include "base/clock.h"
#include "bench/propagation_objects.h"
#include "bench/propagation_sighting.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint64_t second_ns = 1000000000, millisecond_ns = 1000000;

enum { ARENA_CHUNK = 4096 };

struct poller {
	struct propagation *run;
	struct evauth_client *client;
	struct arena arena;
	pthread_t thread;
	// Under the run's lock:
	struct sighting sighting;
	uint64_t answers;
};

struct propagation {
	const struct propagation_options *options;
	struct propagation_result *result;
	struct propagation_objects objects;
	struct evauth_client *writer;
	struct arena arena; // the writer's
	struct poller *pollers;
	uint32_t started; // pollers with a thread

	pthread_mutex_t lock; // guards what follows, the pollers' sightings, and result->problem
	pthread_cond_t settled;
	bool is_making;     // before the first change: answers that know nothing of the objects are old ones
	bool wants_blocked; // the state the change leads to
	bool is_stopped;
	uint64_t acknowledged_ns; // 0: not yet
	int error;                // of a poller
};

// Under the lock, or with no poller running. The first problem stands.
static void PRINTF_LIKE(2, 3) set_problem(struct propagation *run, const char *format, ...)
{
	if (run->result->problem[0] != '\0')
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(run->result->problem, sizeof(run->result->problem), format, arguments);
	va_end(arguments);
}

static int client_problem(struct propagation *run, const struct evauth_client *client, const char *what, int error)
{
	set_problem(run, "%s: %s: %s", evauth_server(client), what, evauth_fault(client)->message);
	return error;
}

static int writer_problem(struct propagation *run, const char *what, int error)
{
	pthread_mutex_lock(&run->lock);
	client_problem(run, run->writer, what, error);
	pthread_mutex_unlock(&run->lock);
	return error;
}

// ---------------------------------------------------------------- pollers

static bool answer_is_blocked(const struct authorize_response *answer)
{
	return answer->verdict == VERDICT_DENIED && answer->reason == REASON_TOKEN_BLOCKED;
}

static bool answer_is_allowed(const struct authorize_response *answer)
{
	return answer->verdict == VERDICT_ALLOWED && answer->reason == REASON_OK;
}

// Under the lock. Whether this poller needs to be looked at.
static bool note_answer(struct poller *poller, const struct authorize_response *answer, struct sight *sight)
{
	struct propagation *run = poller->run;
	const bool is_blocked = answer_is_blocked(answer);
	poller->answers++;
	sight->revision = answer->revision;
	sight->is_new = run->wants_blocked ? is_blocked : answer_is_allowed(answer);
	if (!run->is_making && !is_blocked && !answer_is_allowed(answer)) {
		run->result->is_wrong = true;
		set_problem(run,
			    "an answer at revision %" PRIu64 " has verdict %d, reason %d: neither state of the token",
			    answer->revision, (int)answer->verdict, (int)answer->reason);
		return true;
	}
	sighting_add(&poller->sighting, sight);
	return run->acknowledged_ns != 0 && sighting_is_settled(&poller->sighting, run->acknowledged_ns);
}

static void *poller_run(void *context)
{
	struct poller *poller = context;
	struct propagation *run = poller->run;
	const struct authorize_request question = propagation_objects_question(&run->objects);
	for (bool is_stopped = false; !is_stopped;) {
		struct authorize_response *answer;
		struct sight sight = {.sent_ns = clock_monotonic_ns()};
		arena_reset(&poller->arena);
		const int error = evauth_authorize(poller->client, &question, &poller->arena, &answer);
		sight.received_ns = clock_monotonic_ns();

		pthread_mutex_lock(&run->lock);
		if (error < 0 && run->error == 0)
			run->error = client_problem(run, poller->client, "Authorize", error);
		if (error < 0 || note_answer(poller, answer, &sight))
			pthread_cond_signal(&run->settled);
		is_stopped = run->is_stopped || error < 0;
		pthread_mutex_unlock(&run->lock);
	}
	return NULL;
}

static int make_client(struct propagation *run, const char *server, struct evauth_client **ret_client)
{
	const struct evauth_options options = {
		.server = server, .tls = run->options->tls, .call_timeout_ms = run->options->timeout_ms};
	struct fault fault = {0};
	const int error = evauth_client_create(&options, ret_client, &fault);
	if (error < 0)
		set_problem(run, "%s: %s", server, fault.message);
	return error;
}

static int start_pollers(struct propagation *run)
{
	for (uint32_t i = 0; i < run->options->pollers; i++) {
		struct poller *poller = &run->pollers[i];
		poller->run = run;
		arena_init(&poller->arena, ARENA_CHUNK, EVAUTH_ARENA_BUDGET);
		int error = make_client(run, run->options->read_from, &poller->client);
		if (error < 0)
			return error;
		error = -pthread_create(&poller->thread, NULL, poller_run, poller);
		if (error < 0) {
			pthread_mutex_lock(&run->lock);
			set_problem(run, "starting a thread: %s", strerror(-error));
			pthread_mutex_unlock(&run->lock);
			return error;
		}
		run->started++;
	}
	return 0;
}

static void stop_pollers(struct propagation *run)
{
	pthread_mutex_lock(&run->lock);
	run->is_stopped = true;
	pthread_mutex_unlock(&run->lock);
	for (uint32_t i = 0; i < run->started; i++)
		pthread_join(run->pollers[i].thread, NULL);
	for (uint32_t i = 0; run->pollers && i < run->options->pollers; i++) {
		run->result->answers += run->pollers[i].answers;
		evauth_client_destroy(run->pollers[i].client);
		arena_finish(&run->pollers[i].arena);
	}
}

// ---------------------------------------------------------------- one change

static void begin_change(struct propagation *run, bool wants_blocked)
{
	pthread_mutex_lock(&run->lock);
	run->is_making = false;
	run->wants_blocked = wants_blocked;
	run->acknowledged_ns = 0;
	for (uint32_t i = 0; i < run->options->pollers; i++)
		run->pollers[i].sighting = (struct sighting){0};
	pthread_mutex_unlock(&run->lock);
}

// Under the lock.
static uint32_t count_settled(const struct propagation *run)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < run->options->pollers; i++)
		count += sighting_is_settled(&run->pollers[i].sighting, run->acknowledged_ns);
	return count;
}

// Returns with the lock held. Not visible in time is a wrong answer, not a failed run.
static int wait_until_settled(struct propagation *run, const struct sighting_change *change)
{
	const uint64_t deadline_ns = clock_monotonic_ns() + run->options->timeout_ms * millisecond_ns;
	const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / second_ns),
					  .tv_nsec = (long)(deadline_ns % second_ns)};
	int timed_out = 0;
	pthread_mutex_lock(&run->lock);
	run->acknowledged_ns = change->acknowledged_ns;
	while (timed_out == 0 && run->error == 0 && !run->result->is_wrong &&
	       count_settled(run) < run->options->pollers)
		timed_out = pthread_cond_timedwait(&run->settled, &run->lock, &deadline);
	if (timed_out != 0) {
		run->result->is_wrong = true;
		set_problem(run,
			    "revision %" PRIu64
			    " was acknowledged by %s, and %u ms later %u of %u pollers of %s do not see it",
			    change->revision, run->options->server, run->options->timeout_ms,
			    run->options->pollers - count_settled(run), run->options->pollers, run->options->read_from);
	}
	return run->error;
}

static void add_time(struct propagation_times *times, uint64_t from_ns, uint64_t to_ns)
{
	times->ns[times->count++] = (int64_t)(to_ns - from_ns);
}

// Under the lock.
static void judge(struct propagation *run, const struct sighting *sighting, const struct sighting_change *change)
{
	struct propagation_result *result = run->result;
	switch (sighting_judge(sighting, change, run->options->must_be_visible)) {
	case SIGHTING_RIGHT:
		return;
	case SIGHTING_STALE:
		result->stale++;
		set_problem(run,
			    "a request sent %" PRIu64 " ns after the acknowledgement of revision %" PRIu64
			    " got the answer of before",
			    sighting->old_sent_ns - change->acknowledged_ns, change->revision);
		break;
	case SIGHTING_CONTRADICTS:
		set_problem(run,
			    "the token changed at revision %" PRIu64
			    "; an answer with its old state says revision %" PRIu64
			    ", or one with its new state revision %" PRIu64,
			    change->revision, sighting->old_revision_max, sighting->new_revision_min);
		break;
	}
	result->is_wrong = true;
}

// Under the lock, with all pollers settled.
static void keep_times(struct propagation *run, const struct sighting_change *change)
{
	struct propagation_result *result = run->result;
	add_time(&result->sent_to_acknowledged, change->sent_ns, change->acknowledged_ns);
	for (uint32_t i = 0; i < run->options->pollers; i++) {
		const struct sighting *sighting = &run->pollers[i].sighting;
		add_time(&result->sent_to_visible, change->sent_ns, sighting->visible_ns);
		if (sighting->old_sent_ns != 0)
			add_time(&result->acknowledged_to_visible, change->acknowledged_ns, sighting->old_sent_ns);
	}
	result->count++;
}

// 0: go on; 1: an answer was wrong, so this was the last change; negative errno: the run failed.
static int watch_change(struct propagation *run, const struct sighting_change *change, bool is_counted)
{
	const int error = wait_until_settled(run, change);
	for (uint32_t i = 0; error == 0 && i < run->options->pollers; i++)
		judge(run, &run->pollers[i].sighting, change);
	const bool is_wrong = run->result->is_wrong;
	if (error == 0 && is_counted && !is_wrong)
		keep_times(run, change);
	pthread_mutex_unlock(&run->lock);
	return error < 0 ? error : is_wrong;
}

static int toggle(struct propagation *run, bool blocked)
{
	struct sighting_change change = {0};
	begin_change(run, blocked);
	arena_reset(&run->arena);
	change.sent_ns = clock_monotonic_ns();
	const int error = propagation_objects_block(&run->objects, blocked, run->writer, &run->arena, &change.revision);
	change.acknowledged_ns = clock_monotonic_ns();
	if (error == 0)
		return watch_change(run, &change, true);
	return writer_problem(run, "Apply", error);
}

// ---------------------------------------------------------------- the run

static bool is_interrupted(const sigset_t *signals)
{
	return sigtimedwait(signals, NULL, &(struct timespec){0}) > 0;
}

static int put_changes(struct propagation *run, const sigset_t *signals)
{
	struct sighting_change made = {0};
	int error = propagation_objects_make(&run->objects, run->writer, &run->arena, &made.revision);
	if (error < 0)
		return writer_problem(run, "making the objects of the run", error);
	made.acknowledged_ns = clock_monotonic_ns();
	run->is_making = true;
	error = start_pollers(run);
	if (error == 0)
		error = watch_change(run, &made, false);
	for (uint32_t i = 0; i < run->options->count && error == 0; i++)
		error = is_interrupted(signals) ? -EINTR : toggle(run, i % 2 == 0);
	return error;
}

static int allocate(struct propagation *run)
{
	const size_t count = run->options->count, sightings = count * run->options->pollers;
	struct propagation_result *result = run->result;
	run->pollers = calloc(run->options->pollers, sizeof(*run->pollers));
	result->sent_to_acknowledged.ns = calloc(count, sizeof(int64_t));
	result->sent_to_visible.ns = calloc(sightings, sizeof(int64_t));
	result->acknowledged_to_visible.ns = calloc(sightings, sizeof(int64_t));
	if (run->pollers && result->sent_to_acknowledged.ns && result->sent_to_visible.ns &&
	    result->acknowledged_to_visible.ns)
		return 0;
	set_problem(run, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

static void init_lock(struct propagation *run)
{
	pthread_condattr_t attributes;
	pthread_mutex_init(&run->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&run->settled, &attributes);
	pthread_condattr_destroy(&attributes);
}

static int make_change_remove(struct propagation *run, const sigset_t *signals)
{
	int error = propagation_objects_init(&run->objects);
	if (error < 0) {
		set_problem(run, "a random id: %s", strerror(-error));
		return error;
	}
	error = put_changes(run, signals);
	stop_pollers(run);
	arena_reset(&run->arena);
	const int removal = propagation_objects_remove(&run->objects, run->writer, &run->arena);
	if (removal < 0)
		client_problem(run, run->writer, "removing the objects of the run", removal);
	if (error == -EINTR)
		set_problem(run, "interrupted after %u changes", run->result->count);
	if (error < 0)
		return error;
	return removal;
}

int propagation_run(const struct propagation_options *options, struct propagation_result *ret_result)
{
	struct propagation run = {.options = options, .result = ret_result};
	sigset_t signals, before;
	memset(ret_result, 0, sizeof(*ret_result));
	arena_init(&run.arena, ARENA_CHUNK, EVAUTH_ARENA_BUDGET);
	init_lock(&run);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, &before); // threads inherit it
	int error = allocate(&run);
	if (error == 0)
		error = make_client(&run, options->server, &run.writer);
	if (error == 0)
		error = make_change_remove(&run, &signals);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	evauth_client_destroy(run.writer);
	free(run.pollers);
	pthread_cond_destroy(&run.settled);
	pthread_mutex_destroy(&run.lock);
	arena_finish(&run.arena);
	return error;
}

void propagation_result_finish(struct propagation_result *result)
{
	free(result->sent_to_acknowledged.ns);
	free(result->sent_to_visible.ns);
	free(result->acknowledged_to_visible.ns);
}
