// SPDX-License-Identifier: Apache-2.0
#include "bench/load.h"

#include "base/clock.h"
#include "bench/cpu_time.h"
#include "bench/load_connection.h"

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

struct load {
	const struct load_options *options;
	const struct load_protocol *protocol;
	const struct load_requests *requests;
	struct load_result *result;
	const char *what; // was being done when an error came up
	int epoll;
	struct load_connection *connections;
	uint64_t start_ns, measure_ns, stop_ns; // first request; measured from .. to
	bool is_measuring;
	bool is_stopped;                                  // sends nothing more, waits for the answers on the way
	double client_cpu_s, server_cpu_s, machine_cpu_s; // when measuring began
	uint32_t next_entry;
	uint32_t next_id;
	uint64_t in_flight;
	bool is_full;                    // open loop: something is due and no connection has room
	uint64_t scheduled;              // open loop: requests sent
	uint32_t next_connection;        // open loop: round robin
	struct load_connection **staged; // with output for this turn
	uint32_t staged_count;
};

// ---------------------------------------------------------------- sending

static struct bytes frame_of(const struct load_requests *requests, uint32_t entry)
{
	const uint64_t begin = entry == 0 ? 0 : requests->ends[entry - 1];
	return (struct bytes){.data = requests->frames + begin, .size = requests->ends[entry] - begin};
}

static void stage_next(struct load *load, struct load_connection *connection, uint64_t due_ns)
{
	const struct load_slot slot = {.due_ns = due_ns, .entry = load->next_entry, .id = load->next_id++};
	char *frame = load_connection_stage(connection, frame_of(load->requests, slot.entry), &slot);
	if (load->protocol->stamp)
		load->protocol->stamp(frame, slot.id);
	load->next_entry = load->next_entry + 1 == load->requests->count ? 0 : load->next_entry + 1;
	load->in_flight++;
	if (!connection->has_staged) {
		connection->has_staged = true;
		load->staged[load->staged_count++] = connection;
	}
}

// Asks for EPOLLOUT exactly while something is left to write.
static int watch(struct load *load, struct load_connection *connection)
{
	const bool waits = load_connection_has_output(connection);
	if (waits == connection->waits_for_room)
		return 0;
	connection->waits_for_room = waits;
	struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};
	return epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0 ? -errno : 0;
}

static int write_out(struct load *load, struct load_connection *connection)
{
	load->what = "writing to the server";
	const int error = load_connection_write(connection);
	return error < 0 ? error : watch(load, connection);
}

// One write per connection and turn.
static int write_staged(struct load *load)
{
	int error = 0;
	for (uint32_t i = 0; i < load->staged_count && error == 0; i++) {
		load->staged[i]->has_staged = false;
		if (!load->staged[i]->waits_for_room)
			error = write_out(load, load->staged[i]);
	}
	load->staged_count = 0;
	return error;
}

static void fill_up(struct load *load, struct load_connection *connection, uint64_t now_ns)
{
	while (load_connection_has_room(connection))
		stage_next(load, connection, now_ns);
}

static uint64_t due_of(const struct load *load, uint64_t number)
{
	return load->start_ns + (uint64_t)((double)number * (double)second_ns / load->options->rate);
}

static struct load_connection *find_room(struct load *load)
{
	for (uint32_t tried = 0; tried < load->options->connections; tried++) {
		struct load_connection *connection = &load->connections[load->next_connection];
		load->next_connection = (load->next_connection + 1) % load->options->connections;
		if (load_connection_has_room(connection))
			return connection;
	}
	return NULL;
}

// Open loop: everything that is due by now. What finds no room stays due and is sent late, at its own cost.
static void send_due(struct load *load, uint64_t now_ns)
{
	uint64_t due_ns = due_of(load, load->scheduled);
	load->is_full = false;
	while (due_ns <= now_ns && due_ns < load->stop_ns) {
		struct load_connection *connection = find_room(load);
		load->is_full = !connection;
		if (!connection)
			break;
		stage_next(load, connection, due_ns);
		due_ns = due_of(load, ++load->scheduled);
	}
}

// ---------------------------------------------------------------- receiving

static void keep_wrong(struct load *load, const struct load_slot *slot, const struct load_answer *answer)
{
	struct load_result *result = load->result;
	result->is_wrong = true;
	result->wrong_entry = slot->entry;
	result->wrong_status = answer->status;
	result->wrong_size =
		answer->body.size < sizeof(result->wrong_body) ? answer->body.size : sizeof(result->wrong_body);
	if (result->wrong_size > 0)
		memcpy(result->wrong_body, answer->body.data, result->wrong_size);
}

static bool is_right(const struct load *load, uint32_t entry, const struct load_answer *answer)
{
	const struct load_requests *requests = load->requests;
	if (load->options->check == LOAD_CHECK_FULL)
		return load->protocol->is_right(requests, entry, answer);
	if (requests->body_size_max == 0)
		return answer->body.size > 0;
	return answer->body.size >= requests->body_size_min && answer->body.size <= requests->body_size_max;
}

static int take_answer(struct load *load, struct load_connection *connection, const struct load_answer *answer,
		       uint64_t now_ns)
{
	struct load_slot slot;
	const int error = load_connection_pop(connection, &slot);
	load->what = "an answer that nobody asked for";
	if (error < 0)
		return error;
	load->what = "an answer with another request's id";
	if (load->protocol->stamp && answer->id != slot.id)
		return -EPROTO;
	load->in_flight--;
	struct load_result *result = load->result;
	if (answer->status != 0)
		result->errors[answer->status < LOAD_STATUS_CODES ? answer->status : LOAD_STATUS_CODES - 1]++;
	else if (!is_right(load, slot.entry, answer))
		keep_wrong(load, &slot, answer);
	if (load->is_measuring)
		result->answers++;
	// What was due within the measured time and is answered after it counts, lest slow answers go missing.
	if (load->is_measuring || (slot.due_ns >= load->measure_ns && slot.due_ns < load->stop_ns))
		histogram_add(&result->latency_ns, now_ns - slot.due_ns);
	return 0;
}

static int read_answers(struct load *load, struct load_connection *connection)
{
	load->what = "reading from the server";
	int error = load_connection_read(connection);
	const uint64_t now_ns = clock_monotonic_ns();
	while (error == 0 && !load->result->is_wrong) {
		struct load_answer answer;
		const ssize_t size = load->protocol->parse(connection->in + connection->in_begin,
							   connection->in_end - connection->in_begin, &answer);
		if (size == 0)
			break;
		load->what = "an answer that is not of the protocol";
		if (size < 0)
			return (int)size;
		error = take_answer(load, connection, &answer, now_ns);
		connection->in_begin += (size_t)size;
	}
	return error;
}

static int serve_event(struct load *load, const struct epoll_event *event)
{
	struct load_connection *connection = event->data.ptr;
	int error = 0;
	if (event->events & EPOLLOUT)
		error = write_out(load, connection);
	if (error == 0 && (event->events & ~(uint32_t)EPOLLOUT))
		error = read_answers(load, connection);
	if (error == 0 && load->options->rate == 0 && !load->is_stopped) {
		fill_up(load, connection, clock_monotonic_ns());
		error = write_staged(load);
	}
	return error;
}

// ---------------------------------------------------------------- the run

static void begin_measuring(struct load *load)
{
	load->is_measuring = true;
	load->measure_ns = clock_monotonic_ns();
	load->stop_ns = load->measure_ns + (uint64_t)(load->options->seconds * (double)second_ns);
	load->client_cpu_s = cpu_time_of_thread();
	if (load->options->server_pid != 0) {
		load->server_cpu_s = cpu_time_of_process(load->options->server_pid);
		load->machine_cpu_s = cpu_time_of_machine();
	}
}

static void end_measuring(struct load *load, uint64_t now_ns)
{
	struct load_result *result = load->result;
	load->is_measuring = false;
	load->is_stopped = true;
	result->seconds = (double)(now_ns - load->measure_ns) / (double)second_ns;
	result->client_cpu_s = cpu_time_of_thread() - load->client_cpu_s;
	if (load->server_cpu_s >= 0) {
		result->server_cpu_s = cpu_time_of_process(load->options->server_pid) - load->server_cpu_s;
		const double machine_cpu_s = cpu_time_of_machine() - load->machine_cpu_s;
		const double other_cpu_s = machine_cpu_s - result->client_cpu_s - result->server_cpu_s;
		result->other_cpu_s = other_cpu_s > 0 ? other_cpu_s : 0;
	}
	const double run_s = (double)(load->stop_ns - load->start_ns) / (double)second_ns;
	const uint64_t wanted = (uint64_t)(run_s * load->options->rate);
	result->unsent = wanted > load->scheduled ? wanted - load->scheduled : 0;
}

static uint64_t next_moment(const struct load *load)
{
	if (load->is_stopped)
		return load->stop_ns + drain_ns;
	uint64_t moment = load->is_measuring ? load->stop_ns : load->measure_ns;
	if (load->options->rate > 0) {
		const uint64_t due_ns = due_of(load, load->scheduled);
		// With all connections full the next answer makes room, not the clock.
		if (!load->is_full && due_ns < moment)
			moment = due_ns;
	}
	return moment;
}

static int turn(struct load *load)
{
	struct epoll_event events[EVENTS_PER_TURN];
	const uint64_t until_ns = next_moment(load), before_ns = clock_monotonic_ns();
	const uint64_t wait_ns = until_ns > before_ns ? until_ns - before_ns : 0;
	const struct timespec wait = {.tv_sec = (time_t)(wait_ns / second_ns), .tv_nsec = (long)(wait_ns % second_ns)};
	load->what = "waiting for the server";
	const int count = epoll_pwait2(load->epoll, events, EVENTS_PER_TURN, &wait, NULL);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	int error = 0;
	for (int i = 0; i < count && error == 0; i++)
		error = serve_event(load, &events[i]);

	const uint64_t now_ns = clock_monotonic_ns();
	if (error == 0 && load->options->rate > 0 && !load->is_stopped) {
		send_due(load, now_ns);
		error = write_staged(load);
	}
	if (!load->is_stopped && !load->is_measuring && now_ns >= load->measure_ns)
		begin_measuring(load);
	if (load->is_measuring && now_ns >= load->stop_ns)
		end_measuring(load, now_ns);
	return error;
}

static bool is_over(const struct load *load)
{
	if (load->result->is_wrong)
		return true;
	return load->is_stopped && (load->in_flight == 0 || clock_monotonic_ns() > load->stop_ns + drain_ns);
}

static int start(struct load *load)
{
	load->start_ns = clock_monotonic_ns();
	load->measure_ns = load->start_ns + (uint64_t)(load->options->warmup_s * (double)second_ns);
	load->stop_ns = load->measure_ns + (uint64_t)(load->options->seconds * (double)second_ns);
	if (load->options->rate > 0)
		return 0;
	for (uint32_t i = 0; i < load->options->connections; i++)
		fill_up(load, &load->connections[i], clock_monotonic_ns());
	return write_staged(load);
}

static int open_connections(struct load *load)
{
	size_t frame_size_max = 0;
	for (uint32_t entry = 0; entry < load->requests->count; entry++) {
		const size_t size = frame_of(load->requests, entry).size;
		frame_size_max = size > frame_size_max ? size : frame_size_max;
	}
	load->what = "connecting";
	for (uint32_t i = 0; i < load->options->connections; i++) {
		struct load_connection *connection = &load->connections[i];
		int error = load_connection_open(connection, load->options, load->protocol, frame_size_max);
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
		if (error == 0 && epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
			error = -errno;
		if (error < 0)
			return error;
	}
	return 0;
}

static int load_init(struct load *load)
{
	const uint32_t connections = load->options->connections;
	memset(load->result, 0, sizeof(*load->result));
	load->server_cpu_s = load->result->server_cpu_s = load->result->other_cpu_s = -1;
	load->next_entry = load->options->first_entry % load->requests->count;
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->connections = calloc(connections, sizeof(*load->connections));
	load->staged = calloc(connections, sizeof(struct load_connection *));
	load->what = "getting ready";
	if (load->epoll < 0)
		return -errno;
	if (!load->connections || !load->staged)
		return -ENOMEM;
	for (uint32_t i = 0; i < connections; i++)
		load->connections[i].fd = -1;
	// Sleep until a request is due, not up to 50 us longer.
	prctl(PR_SET_TIMERSLACK, 1);
	return open_connections(load);
}

static void load_finish(struct load *load)
{
	for (uint32_t i = 0; load->connections && i < load->options->connections; i++)
		load_connection_close(&load->connections[i]);
	free(load->connections);
	free(load->staged);
	if (load->epoll >= 0)
		close(load->epoll);
}

int load_run(const struct load_options *options, const struct load_protocol *protocol,
	     const struct load_requests *requests, struct load_result *ret_result, const char **ret_what)
{
	struct load load = {.options = options, .protocol = protocol, .requests = requests, .result = ret_result};
	int error = load_init(&load);
	if (error == 0)
		error = start(&load);
	while (error == 0 && !is_over(&load))
		error = turn(&load);
	ret_result->unanswered = load.in_flight;
	*ret_what = load.what;
	load_finish(&load);
	return error;
}
