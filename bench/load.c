// SPDX-License-Identifier: Apache-2.0
#include "bench/load.h"

#include "base/clock.h"
#include "bench/load_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = LOAD_THREADS_MAX + 1 }; // with the one for the requests beside

static const uint64_t start_delay_ns = 1000000; // for the other threads to get going

struct crew {
	const struct load_options *options;
	atomic_bool is_cancelled;
	uint32_t thread_count, beside_count; // the thread of the requests beside is the last one
	struct load_thread threads[THREADS_MAX];
};

// `number` of `count` equal shares of `whole` begins here.
static uint32_t share_begin(uint32_t whole, uint32_t number, uint32_t count)
{
	return (uint32_t)((uint64_t)whole * number / count);
}

static void set_thread(struct crew *crew, uint32_t number, const struct load_protocol *protocol,
		       const struct load_requests *requests)
{
	const struct load_options *options = crew->options;
	const uint32_t count = crew->thread_count, connections = options->connections;
	const uint32_t entry = share_begin(requests->count, number, count);
	struct load_thread *thread = &crew->threads[number];
	*thread = (struct load_thread){.options = *options, .protocol = protocol, .requests = requests, .epoll = -1};
	thread->what = "getting ready";
	thread->number = number;
	thread->count = count;
	thread->entry_count = share_begin(requests->count, number + 1, count) - entry;
	thread->next_entry = (uint32_t)(((uint64_t)options->first_entry + entry) % requests->count);
	thread->options.connections =
		share_begin(connections, number + 1, count) - share_begin(connections, number, count);
	if (number > 0)
		thread->options.server_pid = 0; // sampled once
	if (options->passes > 0)
		thread->options.warmup_s = 0;
}

static void set_beside(struct crew *crew, const struct load_beside *beside)
{
	struct load_thread *thread = &crew->threads[crew->thread_count];
	*thread = (struct load_thread){.protocol = beside->protocol, .requests = beside->requests, .epoll = -1};
	thread->count = 1;
	thread->what = "getting ready";
	thread->options = (struct load_options){
		.server = beside->server ? beside->server : crew->options->server,
		.tls = beside->server ? NULL : crew->options->tls,
		.connections = beside->connections,
		.depth = beside->depth,
		.rate = beside->rate,
		.warmup_s = crew->threads[0].options.warmup_s,
		.seconds = crew->options->seconds,
		.arrivals = crew->options->arrivals,
		.seed = crew->options->seed + 1,
	};
	crew->beside_count = 1;
}

static uint32_t all_threads(const struct crew *crew)
{
	return crew->thread_count + crew->beside_count;
}

static int crew_init(struct crew *crew, const struct load_protocol *protocol, const struct load_requests *requests,
		     struct load_result *result)
{
	crew->thread_count = crew->options->threads > 0 ? crew->options->threads : 1;
	for (uint32_t i = 0; i < crew->thread_count; i++)
		set_thread(crew, i, protocol, requests);
	if (crew->options->beside)
		set_beside(crew, crew->options->beside);
	int error = 0;
	for (uint32_t i = 0; i < all_threads(crew) && error == 0; i++) {
		struct load_thread *thread = &crew->threads[i];
		thread->is_cancelled = &crew->is_cancelled;
		thread->result = i == 0 ? result : calloc(1, sizeof(*result));
		error = thread->result ? load_thread_init(thread) : -ENOMEM;
		thread->error = error;
	}
	return error;
}

static void crew_finish(struct crew *crew)
{
	for (uint32_t i = 0; i < all_threads(crew); i++) {
		load_thread_finish(&crew->threads[i]);
		if (i > 0)
			free(crew->threads[i].result);
	}
}

// ---------------------------------------------------------------- running

struct errand {
	struct load_thread *thread;
	uint64_t start_ns;
};

static void *thread_main(void *argument)
{
	const struct errand *errand = argument;
	load_thread_run(errand->thread, errand->start_ns);
	return NULL;
}

// The first thread is the caller's.
static void crew_run(struct crew *crew)
{
	struct errand errands[THREADS_MAX];
	const uint32_t count = all_threads(crew);
	const uint64_t start_ns = clock_monotonic_ns() + (count > 1 ? start_delay_ns : 0);
	uint32_t started = 1;
	for (; started < count; started++) {
		struct load_thread *thread = &crew->threads[started];
		errands[started] = (struct errand){.thread = thread, .start_ns = start_ns};
		// From here on the thread's own fields are its own.
		const int error = pthread_create(&thread->handle, NULL, thread_main, &errands[started]);
		if (error != 0) {
			thread->what = "starting a thread";
			thread->error = -error;
			break;
		}
	}
	if (started == count)
		load_thread_run(&crew->threads[0], start_ns);
	else
		atomic_store(&crew->is_cancelled, true);
	for (uint32_t i = 1; i < started; i++)
		pthread_join(crew->threads[i].handle, NULL);
}

// ---------------------------------------------------------------- merging

static void take_wrong(struct load_result *result, const struct load_result *source, bool is_beside)
{
	if (result->is_wrong || !source->is_wrong)
		return;
	result->is_wrong = true;
	result->is_wrong_beside = is_beside;
	result->wrong_entry = source->wrong_entry;
	result->wrong_status = source->wrong_status;
	result->wrong_size = source->wrong_size;
	memcpy(result->wrong_body, source->wrong_body, source->wrong_size);
}

static void take_error(struct load_result *result, const struct load_result *source, bool is_beside)
{
	if (result->error.is_set || !source->error.is_set)
		return;
	result->error = source->error;
	result->error.is_beside = is_beside;
}

static void add_errors(uint64_t *errors, const uint64_t *source)
{
	for (int code = 0; code < LOAD_STATUS_CODES; code++)
		errors[code] += source[code];
}

static void add_thread(struct load_result *result, const struct load_result *source)
{
	histogram_merge(&result->latency_ns, &source->latency_ns);
	histogram_merge(&result->late_ns, &source->late_ns);
	histogram_merge(&result->connect_ns, &source->connect_ns);
	add_errors(result->errors, source->errors);
	result->answers += source->answers;
	result->unanswered += source->unanswered;
	result->unsent += source->unsent;
	result->good += source->good;
	result->late += source->late;
	result->refused += source->refused;
	result->dropped += source->dropped;
	result->is_incomplete = result->is_incomplete || source->is_incomplete;
	for (uint32_t i = 0; i < source->over_time_count; i++)
		result->over_time[i] += source->over_time[i];
	if (source->over_time_count > result->over_time_count)
		result->over_time_count = source->over_time_count;
	if (source->seconds > result->seconds)
		result->seconds = source->seconds;
}

static void add_beside(struct load_beside_result *beside, const struct load_result *source)
{
	beside->latency_ns = source->latency_ns;
	beside->answers = source->answers;
	beside->unanswered = source->unanswered;
	beside->unsent = source->unsent;
	add_errors(beside->errors, source->errors);
}

static double busy_share(const struct load_result *result)
{
	return result->seconds > 0 ? result->client_cpu_s / result->seconds : 0;
}

// Everything into the first thread's result, which is the caller's.
static void crew_merge(struct crew *crew, struct load_result *result)
{
	result->client_busiest = busy_share(result);
	for (uint32_t i = 1; i < all_threads(crew); i++) {
		const struct load_result *source = crew->threads[i].result;
		const bool is_beside = i == crew->thread_count;
		if (is_beside)
			add_beside(&result->beside, source);
		else
			add_thread(result, source);
		take_wrong(result, source, is_beside);
		take_error(result, source, is_beside);
		result->client_cpu_s += source->client_cpu_s;
		if (busy_share(source) > result->client_busiest)
			result->client_busiest = busy_share(source);
	}
	const struct load_thread *first = &crew->threads[0];
	if (first->server_cpu_s >= 0 && result->seconds > 0) {
		const double other_cpu_s =
			first->machine_cpu_s - result->client_cpu_s - first->server_cpu_s - first->beside_cpu_s;
		result->beside.server_cpu_s = first->beside_cpu_s;
		result->server_cpu_s = first->server_cpu_s;
		result->other_cpu_s = other_cpu_s > 0 ? other_cpu_s : 0;
	}
}

// The error of the first thread that has one.
static int error_of(const struct crew *crew, const char **ret_what)
{
	*ret_what = crew->threads[0].what;
	for (uint32_t i = 0; i < all_threads(crew); i++) {
		if (crew->threads[i].error < 0) {
			*ret_what = crew->threads[i].what;
			return crew->threads[i].error;
		}
	}
	return 0;
}

int load_run(const struct load_options *options, const struct load_protocol *protocol,
	     const struct load_requests *requests, struct load_result *ret_result, const char **ret_what)
{
	memset(ret_result, 0, sizeof(*ret_result));
	*ret_what = "getting ready";
	if (options->threads > LOAD_THREADS_MAX || options->threads > options->connections ||
	    options->seconds > LOAD_SECONDS_MAX)
		return -EINVAL;
	struct crew *crew = calloc(1, sizeof(*crew));
	if (!crew)
		return -ENOMEM;
	crew->options = options;
	if (crew_init(crew, protocol, requests, ret_result) == 0) {
		crew_run(crew);
		crew_merge(crew, ret_result);
	}
	const int error = error_of(crew, ret_what);
	crew_finish(crew);
	free(crew);
	return error;
}
