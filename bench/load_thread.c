// SPDX-License-Identifier: Apache-2.0
#include "bench/load_thread.h"

#include "base/clock.h"
#include "bench/cpu_time.h"
#include "proto/fault.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 256 };

static const uint64_t second_ns = 1000000000, drain_ns = 5000000000;
static const uint64_t look_ns = 20000000; // how often a waiting thread looks whether it has been cancelled

// ---------------------------------------------------------------- sending

static struct bytes frame_of(const struct load_requests *requests, uint32_t entry)
{
	const uint64_t begin = entry == 0 ? 0 : requests->ends[entry - 1];
	return (struct bytes){.data = requests->frames + begin, .size = requests->ends[entry] - begin};
}

static void stage_next(struct load_thread *thread, struct load_connection *connection, uint64_t due_ns)
{
	const struct load_slot slot = {.due_ns = due_ns, .entry = thread->next_entry, .id = thread->next_id++};
	char *frame = load_connection_stage(connection, frame_of(thread->requests, slot.entry), &slot);
	if (thread->protocol->stamp)
		thread->protocol->stamp(frame, slot.id);
	thread->next_entry = thread->next_entry + 1 == thread->requests->count ? 0 : thread->next_entry + 1;
	thread->sends_left--;
	thread->in_flight++;
	if (!connection->has_staged) {
		connection->has_staged = true;
		thread->staged[thread->staged_count++] = connection;
	}
}

// Asks for EPOLLOUT exactly while something is left to write.
static int watch(struct load_thread *thread, struct load_connection *connection)
{
	const bool waits = load_connection_waits_for_room(connection);
	if (waits == connection->waits_for_room)
		return 0;
	connection->waits_for_room = waits;
	struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};
	return epoll_ctl(thread->epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0 ? -errno : 0;
}

static int write_out(struct load_thread *thread, struct load_connection *connection)
{
	thread->what = "writing to the server";
	const int error = load_connection_write(connection);
	return error < 0 ? error : watch(thread, connection);
}

// One write per connection and turn.
static int write_staged(struct load_thread *thread)
{
	int error = 0;
	for (uint32_t i = 0; i < thread->staged_count && error == 0; i++) {
		thread->staged[i]->has_staged = false;
		if (!thread->staged[i]->waits_for_room)
			error = write_out(thread, thread->staged[i]);
	}
	thread->staged_count = 0;
	return error;
}

static void fill_up(struct load_thread *thread, struct load_connection *connection, uint64_t now_ns)
{
	while (load_connection_has_room(connection) && thread->sends_left > 0)
		stage_next(thread, connection, now_ns);
}

static struct load_connection *find_room(struct load_thread *thread)
{
	for (uint32_t tried = 0; tried < thread->options.connections; tried++) {
		struct load_connection *connection = &thread->connections[thread->next_connection];
		thread->next_connection = (thread->next_connection + 1) % thread->options.connections;
		// With a time-out what the socket does not take is not pushed into a queue before it.
		if (load_connection_has_room(connection) &&
		    !(thread->options.timeout_ms > 0 && connection->waits_for_room))
			return connection;
	}
	return NULL;
}

static bool is_in_time(const struct load_thread *thread, uint64_t due_ns, uint64_t now_ns)
{
	return thread->options.timeout_ms == 0 || now_ns - due_ns <= thread->options.timeout_ms * (uint64_t)1000000;
}

// What waited here for longer than a quarter of its time is not worth sending: the daemon's queue may take half of it.
// Whoever sends the oldest first, and until the last moment, has nothing but late answers from when it falls behind.
static bool is_worth_sending(const struct load_thread *thread, uint64_t due_ns, uint64_t now_ns)
{
	return is_in_time(thread, due_ns, due_ns + 4 * (now_ns - due_ns));
}

// Open loop: everything that is due by now. What finds no room stays due and is sent late, at its own cost.
static void send_due(struct load_thread *thread, uint64_t now_ns)
{
	struct load_schedule *schedule = &thread->schedule;
	thread->is_full = false;
	while (schedule->due_ns <= now_ns && schedule->due_ns < thread->stop_ns && thread->sends_left > 0) {
		if (UNLIKELY(!is_worth_sending(thread, schedule->due_ns, now_ns))) {
			thread->result->dropped += thread->is_measuring;
			load_schedule_advance(schedule);
			continue;
		}
		struct load_connection *connection = find_room(thread);
		thread->is_full = !connection;
		if (!connection) {
			thread->full_ns = now_ns;
			break;
		}
		stage_next(thread, connection, schedule->due_ns);
		// What had to wait for room is late for the server's sake, not the client's.
		if (thread->is_measuring && schedule->due_ns > thread->full_ns)
			histogram_add(&thread->result->late_ns, now_ns - schedule->due_ns);
		load_schedule_advance(schedule);
	}
}

// ---------------------------------------------------------------- receiving

static void keep_wrong(struct load_thread *thread, const struct load_slot *slot, const struct load_answer *answer)
{
	struct load_result *result = thread->result;
	result->is_wrong = true;
	result->wrong_entry = slot->entry;
	result->wrong_status = answer->status;
	result->wrong_size =
		answer->body.size < sizeof(result->wrong_body) ? answer->body.size : sizeof(result->wrong_body);
	if (result->wrong_size > 0)
		memcpy(result->wrong_body, answer->body.data, result->wrong_size);
}

static void count_error(struct load_thread *thread, const struct load_slot *slot, const struct load_answer *answer)
{
	struct load_example *example = &thread->result->error;
	thread->result->errors[answer->status < LOAD_STATUS_CODES ? answer->status : LOAD_STATUS_CODES - 1]++;
	if (example->is_set)
		return;
	*example = (struct load_example){.is_set = true, .entry = slot->entry, .status = answer->status};
	example->size = answer->body.size < sizeof(example->body) ? answer->body.size : sizeof(example->body);
	if (example->size > 0)
		memcpy(example->body, answer->body.data, example->size);
}

static void count_answer(struct load_thread *thread, uint64_t now_ns)
{
	struct load_result *result = thread->result;
	// What comes between the end of the last second and this turn's counts to that second.
	const uint64_t second = (now_ns - thread->measure_ns) / second_ns;
	result->answers++;
	result->over_time[second < result->over_time_count ? second : result->over_time_count - 1]++;
}

// For lack of time or room, which is no error of a server that is asked for more than it can do.
static bool is_refusal(const struct load_thread *thread, uint8_t status)
{
	return thread->options.timeout_ms > 0 &&
	       (status == STATUS_DEADLINE_EXCEEDED || status == STATUS_RESOURCE_EXHAUSTED);
}

static void count_goodness(struct load_thread *thread, const struct load_slot *slot, uint8_t status, uint64_t now_ns)
{
	struct load_result *result = thread->result;
	if (is_refusal(thread, status))
		result->refused++;
	else if (status == 0 && is_in_time(thread, slot->due_ns, now_ns))
		result->good++;
	else if (status == 0)
		result->late++;
}

static bool is_right(const struct load_thread *thread, uint32_t entry, const struct load_answer *answer)
{
	const struct load_requests *requests = thread->requests;
	if (thread->options.check == LOAD_CHECK_FULL)
		return thread->protocol->is_right(requests, entry, answer);
	if (requests->body_size_max == 0)
		return answer->body.size > 0;
	return answer->body.size >= requests->body_size_min && answer->body.size <= requests->body_size_max;
}

static int take_answer(struct load_thread *thread, struct load_connection *connection, const struct load_answer *answer,
		       uint64_t now_ns)
{
	struct load_slot slot;
	const int error = load_connection_pop(connection, &slot);
	thread->what = "an answer that nobody asked for";
	if (error < 0)
		return error;
	thread->what = "an answer with another request's id";
	if (thread->protocol->stamp && answer->id != slot.id)
		return -EPROTO;
	thread->in_flight--;
	struct load_result *result = thread->result;
	const bool is_refused = is_refusal(thread, answer->status);
	if (answer->status != 0 && !is_refused)
		count_error(thread, &slot, answer);
	else if (!is_refused && !is_right(thread, slot.entry, answer))
		keep_wrong(thread, &slot, answer);
	if (thread->is_measuring) {
		count_answer(thread, now_ns);
		count_goodness(thread, &slot, answer->status, now_ns);
	}
	if (is_refused)
		return 0;
	// What was due within the measured time and is answered after it counts, lest slow answers go missing.
	if (thread->is_measuring || (slot.due_ns >= thread->measure_ns && slot.due_ns < thread->stop_ns))
		histogram_add(&result->latency_ns, now_ns - slot.due_ns);
	return 0;
}

static int read_answers(struct load_thread *thread, struct load_connection *connection)
{
	thread->what = "reading from the server";
	int error = load_connection_read(connection);
	const uint64_t now_ns = clock_monotonic_ns();
	while (error == 0 && !thread->result->is_wrong) {
		struct load_answer answer;
		const ssize_t size = thread->protocol->parse(connection->in + connection->in_begin,
							     connection->in_end - connection->in_begin, &answer);
		if (size == 0)
			break;
		thread->what = "an answer that is not of the protocol";
		if (size < 0)
			return (int)size;
		error = take_answer(thread, connection, &answer, now_ns);
		connection->in_begin += (size_t)size;
	}
	return error;
}

// ---------------------------------------------------------------- connections made anew

static int connect_anew(struct load_thread *thread, struct load_connection *connection)
{
	thread->what = "connecting anew";
	int error = load_connection_reopen(connection, &thread->peer);
	struct epoll_event event = {.events = EPOLLIN | (connection->is_connecting ? EPOLLOUT : 0),
				    .data.ptr = connection};
	connection->waits_for_room = connection->is_connecting;
	if (error == 0 && epoll_ctl(thread->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		error = -errno;
	return error;
}

static void count_connection(struct load_thread *thread, struct load_connection *connection)
{
	if (thread->is_measuring)
		histogram_add(&thread->result->connect_ns, clock_monotonic_ns() - connection->connect_ns);
}

static int finish_connecting(struct load_thread *thread, struct load_connection *connection)
{
	thread->what = "connecting anew";
	const int error = load_connection_finish_connecting(connection, &thread->peer);
	if (error == -EAGAIN)
		return watch(thread, connection);
	if (error < 0)
		return error;
	count_connection(thread, connection);
	return watch(thread, connection);
}

static int renew_if_used_up(struct load_thread *thread, struct load_connection *connection)
{
	if (!load_connection_is_used_up(connection) || thread->is_stopped || thread->sends_left == 0)
		return 0;
	const int error = connect_anew(thread, connection);
	if (error == 0 && !connection->is_connecting)
		count_connection(thread, connection);
	return error;
}

static int serve_event(struct load_thread *thread, const struct epoll_event *event)
{
	struct load_connection *connection = event->data.ptr;
	int error = 0;
	if (connection->is_connecting)
		error = finish_connecting(thread, connection);
	else if (event->events & EPOLLOUT)
		error = write_out(thread, connection);
	if (error == 0 && !connection->is_connecting && (event->events & ~(uint32_t)EPOLLOUT))
		error = read_answers(thread, connection);
	if (error == 0)
		error = renew_if_used_up(thread, connection);
	if (error == 0 && thread->options.rate == 0 && !thread->is_stopped) {
		fill_up(thread, connection, clock_monotonic_ns());
		error = write_staged(thread);
	}
	return error;
}

// ---------------------------------------------------------------- the run

static bool is_cancelled(const struct load_thread *thread)
{
	return atomic_load_explicit(thread->is_cancelled, memory_order_relaxed);
}

// Of a server that is only asked beside the load; 0 when there is none.
static double cpu_time_beside(const struct load_thread *thread)
{
	const struct load_beside *beside = thread->options.beside;
	const double time = beside && beside->server_pid != 0 ? cpu_time_of_process(beside->server_pid) : 0;
	return time > 0 ? time : 0;
}

static void begin_measuring(struct load_thread *thread, uint64_t begin_ns)
{
	thread->is_measuring = true;
	thread->measure_ns = begin_ns;
	thread->stop_ns = thread->measure_ns + (uint64_t)(thread->options.seconds * (double)second_ns);
	thread->client_cpu_s = cpu_time_of_thread();
	if (thread->options.server_pid != 0) {
		thread->server_cpu_s = cpu_time_of_process(thread->options.server_pid);
		thread->machine_cpu_s = cpu_time_of_machine();
		thread->beside_cpu_s = cpu_time_beside(thread);
	}
}

static void end_measuring(struct load_thread *thread, uint64_t now_ns)
{
	struct load_result *result = thread->result;
	thread->is_measuring = false;
	thread->is_stopped = true;
	result->seconds = (double)(now_ns - thread->measure_ns) / (double)second_ns;
	result->client_cpu_s = cpu_time_of_thread() - thread->client_cpu_s;
	if (thread->server_cpu_s >= 0) {
		thread->server_cpu_s = cpu_time_of_process(thread->options.server_pid) - thread->server_cpu_s;
		thread->machine_cpu_s = cpu_time_of_machine() - thread->machine_cpu_s;
		thread->beside_cpu_s = cpu_time_beside(thread) - thread->beside_cpu_s;
	}
	const uint32_t seconds_begun = (uint32_t)ceil(result->seconds);
	if (seconds_begun < result->over_time_count)
		result->over_time_count = seconds_begun;
	result->is_incomplete = thread->options.passes > 0 && thread->sends_left > 0;
	if (result->is_wrong || is_cancelled(thread))
		return; // what was not sent says nothing
	if (thread->options.passes > 0)
		result->unsent = thread->sends_left;
	else if (thread->options.rate > 0)
		result->unsent = load_schedule_count_before(&thread->schedule, thread->stop_ns);
}

static bool is_due_next(const struct load_thread *thread, uint64_t moment)
{
	// With all connections full the next answer makes room, not the clock.
	return thread->options.rate > 0 && !thread->is_stopped && !thread->is_full && thread->sends_left > 0 &&
	       thread->schedule.due_ns < moment;
}

// How long to wait for answers.
static uint64_t wait_of(const struct load_thread *thread, uint64_t now_ns)
{
	uint64_t moment = thread->is_stopped     ? thread->stop_ns + drain_ns
			  : thread->is_measuring ? thread->stop_ns
						 : thread->measure_ns;
	uint64_t spin_ns = 0;
	if (is_due_next(thread, moment)) {
		moment = thread->schedule.due_ns;
		spin_ns = thread->options.spin_us * 1000ull;
	}
	const uint64_t wait_ns = moment > now_ns + spin_ns ? moment - now_ns - spin_ns : 0;
	return wait_ns < look_ns ? wait_ns : look_ns;
}

static int wait_for_events(struct load_thread *thread, struct epoll_event *events)
{
	const uint64_t wait_ns = wait_of(thread, clock_monotonic_ns());
	const struct timespec wait = {.tv_nsec = (long)wait_ns};
	thread->what = "waiting for the server";
	const int count = epoll_pwait2(thread->epoll, events, EVENTS_PER_TURN, &wait, NULL);
	return count >= 0 ? count : errno == EINTR ? 0 : -errno;
}

static void look_at_clock(struct load_thread *thread, uint64_t now_ns)
{
	if (!thread->is_stopped && !thread->is_measuring && now_ns >= thread->measure_ns)
		begin_measuring(thread, now_ns);
	if (!thread->is_measuring)
		return;
	const bool is_through = thread->sends_left == 0 && thread->in_flight == 0;
	if (now_ns >= thread->stop_ns || is_through)
		end_measuring(thread, now_ns);
}

static int turn(struct load_thread *thread)
{
	struct epoll_event events[EVENTS_PER_TURN];
	const int count = wait_for_events(thread, events);
	int error = count < 0 ? count : 0;
	for (int i = 0; i < count && error == 0; i++)
		error = serve_event(thread, &events[i]);

	const uint64_t now_ns = clock_monotonic_ns();
	if (error == 0 && thread->options.rate > 0 && !thread->is_stopped) {
		send_due(thread, now_ns);
		error = write_staged(thread);
	}
	look_at_clock(thread, now_ns);
	return error;
}

static bool is_over(const struct load_thread *thread)
{
	if (thread->result->is_wrong || is_cancelled(thread))
		return true;
	return thread->is_stopped && (thread->in_flight == 0 || clock_monotonic_ns() > thread->stop_ns + drain_ns);
}

static int start(struct load_thread *thread, uint64_t start_ns)
{
	const struct load_options *options = &thread->options;
	thread->start_ns = start_ns;
	thread->measure_ns = start_ns + (uint64_t)(options->warmup_s * (double)second_ns);
	thread->stop_ns = thread->measure_ns + (uint64_t)(options->seconds * (double)second_ns);
	if (options->rate > 0) {
		const struct load_schedule_options schedule = {.arrivals = options->arrivals,
							       .rate = options->rate,
							       .seed = options->seed,
							       .thread = thread->number,
							       .threads = thread->count,
							       .start_ns = start_ns};
		load_schedule_init(&thread->schedule, &schedule);
	}
	// Without a warm-up every answer counts.
	if (options->warmup_s == 0)
		begin_measuring(thread, start_ns);
	for (uint32_t i = 0; i < options->connections && options->rate == 0; i++)
		fill_up(thread, &thread->connections[i], clock_monotonic_ns());
	return write_staged(thread);
}

static int open_connections(struct load_thread *thread)
{
	size_t frame_size_max = 0;
	for (uint32_t entry = 0; entry < thread->requests->count; entry++) {
		const size_t size = frame_of(thread->requests, entry).size;
		frame_size_max = size > frame_size_max ? size : frame_size_max;
	}
	thread->what = "connecting";
	thread->peer = (struct load_peer){.server = thread->options.server,
					  .connect = thread->protocol->connect,
					  .tls = thread->protocol->connect ? NULL : thread->options.tls};
	for (uint32_t i = 0; i < thread->options.connections; i++) {
		struct load_connection *connection = &thread->connections[i];
		int error = load_connection_open(connection, &thread->options, frame_size_max, &thread->peer);
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
		if (error == 0 && epoll_ctl(thread->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
			error = -errno;
		if (error < 0)
			return error;
	}
	return 0;
}

int load_thread_init(struct load_thread *thread)
{
	struct load_result *result = thread->result;
	const uint32_t connections = thread->options.connections, passes = thread->options.passes;
	thread->server_cpu_s = result->server_cpu_s = result->other_cpu_s = -1;
	thread->sends_left = passes > 0 ? (uint64_t)passes * thread->entry_count : UINT64_MAX;
	result->over_time_count = (uint32_t)ceil(thread->options.seconds);
	thread->epoll = epoll_create1(EPOLL_CLOEXEC);
	thread->connections = calloc(connections, sizeof(*thread->connections));
	thread->staged = calloc(connections, sizeof(struct load_connection *));
	thread->what = "getting ready";
	if (thread->epoll < 0)
		return -errno;
	if (!thread->connections || !thread->staged)
		return -ENOMEM;
	for (uint32_t i = 0; i < connections; i++)
		thread->connections[i].fd = -1;
	return open_connections(thread);
}

static void sleep_until(uint64_t moment_ns)
{
	const struct timespec moment = {.tv_sec = (time_t)(moment_ns / second_ns),
					.tv_nsec = (long)(moment_ns % second_ns)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) == EINTR)
		continue;
}

void load_thread_run(struct load_thread *thread, uint64_t start_ns)
{
	// Sleep until a request is due, not up to 50 us longer.
	prctl(PR_SET_TIMERSLACK, 1);
	sleep_until(start_ns);
	thread->error = start(thread, start_ns);
	while (thread->error == 0 && !is_over(thread))
		thread->error = turn(thread);
	if (thread->is_measuring) // a wrong answer, or another thread's, ended it
		end_measuring(thread, clock_monotonic_ns());
	thread->result->unanswered = thread->in_flight;
	if (thread->error < 0 || thread->result->is_wrong)
		atomic_store_explicit(thread->is_cancelled, true, memory_order_relaxed);
}

void load_thread_finish(struct load_thread *thread)
{
	for (uint32_t i = 0; thread->connections && i < thread->options.connections; i++)
		load_connection_close(&thread->connections[i]);
	free(thread->connections);
	free(thread->staged);
	if (thread->epoll >= 0)
		close(thread->epoll);
}
