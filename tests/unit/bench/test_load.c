// SPDX-License-Identifier: Apache-2.0
// The client loop against a small server of its own: 8-byte requests {id, entry}, 9-byte answers {id, entry, status}.
#include "bench/load.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS = 100, REQUEST_SIZE = 8, ANSWER_SIZE = 9, CONNECTIONS_MAX = 16 };

// ---------------------------------------------------------------- the protocol

static ssize_t parse(const char *data, size_t size, struct load_answer *ret_answer)
{
	if (size < ANSWER_SIZE)
		return 0;
	if ((uint8_t)data[8] == 0xff)
		return -EBADMSG;
	memcpy(&ret_answer->id, data, 4);
	ret_answer->status = (uint8_t)data[8];
	ret_answer->body = (struct bytes){.data = data + 4, .size = 4};
	return ANSWER_SIZE;
}

static void stamp(char *frame, uint32_t id)
{
	memcpy(frame, &id, sizeof(id));
}

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	(void)requests;
	return memcmp(answer->body.data, &entry, sizeof(entry)) == 0;
}

static uint32_t body_size_min, body_size_max; // of the requests made next

static const struct load_protocol protocol = {.parse = parse, .stamp = stamp, .is_right = is_right};

static void make_requests(struct load_requests *ret_requests)
{
	*ret_requests = (struct load_requests){
		.frames = calloc(REQUESTS, REQUEST_SIZE),
		.ends = calloc(REQUESTS, sizeof(uint64_t)),
		.count = REQUESTS,
		.body_size_min = body_size_min,
		.body_size_max = body_size_max,
	};
	for (uint32_t i = 0; i < REQUESTS; i++) {
		memcpy(ret_requests->frames + i * REQUEST_SIZE + 4, &i, sizeof(i));
		ret_requests->ends[i] = (i + 1) * REQUEST_SIZE;
	}
}

// ---------------------------------------------------------------- the server

// What it does instead of answering; numbers count the requests of all connections from 1, 0 is never.
struct script {
	uint32_t wrong_at, error_at, wrong_id_at, garbage_at, close_at, extra_at;
	uint32_t silent_from;
	uint32_t stall_at, stall_ms;
	uint32_t close_after; // requests of one connection that one more breaks
	bool in_pieces;       // one byte per write
	bool over_tcp;
};

struct server {
	char path[64];
	int listener;
	int stop[2]; // a pipe; closing its writing end ends the server
	pthread_t thread;
	struct script script;
	uint32_t requests;     // seen; read after the join
	uint32_t most_at_once; // requests found in one read
	uint32_t connections;  // accepted
	struct pollfd fds[2 + CONNECTIONS_MAX];
	struct {
		char data[8192];
		size_t size;
		uint32_t requests;
	} input[CONNECTIONS_MAX];
	int fd_count;
};

static void send_answer(const struct server *server, int fd, const char *answer)
{
	const size_t piece = server->script.in_pieces ? 1 : ANSWER_SIZE;
	for (size_t at = 0; at < ANSWER_SIZE; at += piece) {
		const size_t size = ANSWER_SIZE - at < piece ? ANSWER_SIZE - at : piece;
		if (send(fd, answer + at, size, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void answer_request(struct server *server, int fd, const char *request)
{
	const struct script *script = &server->script;
	const uint32_t number = ++server->requests;
	char answer[ANSWER_SIZE] = {0};
	memcpy(answer, request, REQUEST_SIZE);
	if (number == script->wrong_at)
		answer[4] ^= 1;
	if (number == script->wrong_id_at)
		answer[0] ^= 1;
	if (number == script->error_at)
		answer[8] = 8;
	if (number == script->garbage_at)
		answer[8] = (char)0xff;
	if (number == script->close_at)
		shutdown(fd, SHUT_RDWR);
	if (number == script->stall_at)
		poll(NULL, 0, (int)script->stall_ms);
	if (script->silent_from != 0 && number >= script->silent_from)
		return;
	send_answer(server, fd, answer);
	if (number == script->extra_at)
		send_answer(server, fd, answer);
}

static bool serve(struct server *server, int index)
{
	const int fd = server->fds[2 + index].fd;
	char *data = server->input[index].data;
	const ssize_t count = read(fd, data + server->input[index].size,
				   sizeof(server->input[index].data) - server->input[index].size);
	if (count <= 0)
		return false;
	size_t size = server->input[index].size + (size_t)count, at = 0;
	if (size / REQUEST_SIZE > server->most_at_once)
		server->most_at_once = (uint32_t)(size / REQUEST_SIZE);
	for (; size - at >= REQUEST_SIZE; at += REQUEST_SIZE) {
		if (server->script.close_after != 0 && ++server->input[index].requests > server->script.close_after)
			return false;
		answer_request(server, fd, data + at);
	}
	memmove(data, data + at, size - at);
	server->input[index].size = size - at;
	return true;
}

static void hang_up(struct pollfd *fd)
{
	close(fd->fd);
	fd->fd = -1; // which poll() passes over
}

static void take_connection(struct server *server)
{
	int place = 2;
	while (place < server->fd_count && server->fds[place].fd >= 0)
		place++;
	if (place == 2 + CONNECTIONS_MAX)
		return;
	server->fds[place] = (struct pollfd){.fd = accept(server->listener, NULL, NULL), .events = POLLIN};
	server->input[place - 2].size = 0;
	server->input[place - 2].requests = 0;
	server->connections++;
	if (place == server->fd_count)
		server->fd_count++;
}

static void *server_main(void *argument)
{
	struct server *server = argument;
	for (;;) {
		poll(server->fds, (nfds_t)server->fd_count, -1);
		if (server->fds[0].revents)
			break;
		for (int i = 2; i < server->fd_count; i++) {
			if (server->fds[i].revents && !serve(server, i - 2))
				hang_up(&server->fds[i]);
		}
		if (server->fds[1].revents)
			take_connection(server);
	}
	for (int i = 2; i < server->fd_count; i++) {
		if (server->fds[i].fd >= 0)
			close(server->fds[i].fd);
	}
	return NULL;
}

static void listen_on_tcp(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(server->path, sizeof(server->path), "127.0.0.1:%d", ntohs(address.sin_port));
}

static void listen_on_unix(struct server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(server->path, sizeof(server->path), "unix:/tmp/test_load.%d", (int)getpid());
	strcpy(address.sun_path, server->path + 5);
	unlink(address.sun_path);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
}

static struct server *start_server(const struct script *script)
{
	struct server *server = calloc(1, sizeof(*server));
	server->script = *script;
	if (script->over_tcp)
		listen_on_tcp(server);
	else
		listen_on_unix(server);
	ck_assert_int_eq(listen(server->listener, CONNECTIONS_MAX), 0);
	ck_assert_int_eq(pipe(server->stop), 0);
	server->fds[0] = (struct pollfd){.fd = server->stop[0], .events = POLLIN};
	server->fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
	server->fd_count = 2;
	ck_assert_int_eq(pthread_create(&server->thread, NULL, server_main, server), 0);
	return server;
}

static void join_server(struct server *server)
{
	close(server->stop[1]);
	pthread_join(server->thread, NULL);
	close(server->stop[0]);
	close(server->listener);
	if (!server->script.over_tcp)
		unlink(server->path + 5);
}

// ---------------------------------------------------------------- tests

static struct load_result result; // large

struct outcome {
	int error;
	const char *what;
	uint32_t server_requests;
	uint32_t most_at_once;
	uint32_t connections;
};

static struct outcome run(const struct script *script, const struct load_options *options)
{
	struct outcome outcome = {0};
	struct server *server = start_server(script);
	struct load_requests requests;
	struct load_options with_server = *options;
	make_requests(&requests);
	with_server.server = server->path;
	outcome.error = load_run(&with_server, &protocol, &requests, &result, &outcome.what);
	join_server(server);
	outcome.server_requests = server->requests;
	outcome.most_at_once = server->most_at_once;
	outcome.connections = server->connections;
	free(server);
	free(requests.frames);
	free(requests.ends);
	return outcome;
}

static const struct load_options closed = {.connections = 4, .depth = 8, .warmup_s = 0.02, .seconds = 0.1};

START_TEST(a_closed_loop_gets_an_answer_to_every_request)
{
	const struct outcome outcome = run(&(struct script){0}, &closed);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert(!result.is_wrong);
	ck_assert_uint_eq(result.unanswered, 0);
	ck_assert_uint_gt(result.answers, REQUESTS);
	ck_assert_uint_le(result.answers, outcome.server_requests);
	ck_assert_uint_ge(result.latency_ns.count, result.answers);
	ck_assert_double_ge(result.seconds, 0.1);
	ck_assert_double_gt(result.client_cpu_s, 0);
	ck_assert_double_lt(result.server_cpu_s, 0); // nobody asked
}
END_TEST

START_TEST(no_more_requests_than_the_depth_are_on_the_way)
{
	const struct load_options options = {.connections = 1, .depth = 5, .seconds = 0.05};
	const struct outcome outcome = run(&(struct script){0}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(outcome.most_at_once, 5); // and the first ones go out in one write
}
END_TEST

START_TEST(answers_in_pieces_are_put_together)
{
	const struct outcome outcome = run(&(struct script){.in_pieces = true}, &closed);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert(!result.is_wrong);
	ck_assert_uint_gt(result.answers, 0);
}
END_TEST

START_TEST(a_wrong_answer_ends_the_run_and_is_kept)
{
	const struct load_options options = {.connections = 1, .depth = 4, .seconds = 60};
	const struct outcome outcome = run(&(struct script){.wrong_at = 42}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert(result.is_wrong);
	ck_assert_uint_eq(result.wrong_entry, 41);
	ck_assert_uint_eq(result.wrong_size, 4);
	ck_assert_int_eq(result.wrong_body[0], 41 ^ 1);
}
END_TEST

START_TEST(a_light_check_looks_at_the_length_alone)
{
	struct load_options light = closed;
	light.check = LOAD_CHECK_LIGHT;
	ck_assert_int_eq(run(&(struct script){.wrong_at = 42}, &light).error, 0);
	ck_assert(!result.is_wrong);
	ck_assert_int_eq(run(&(struct script){.wrong_id_at = 5}, &light).error, -EPROTO);
	body_size_min = body_size_max = 5; // it sends 4
	ck_assert_int_eq(run(&(struct script){0}, &light).error, 0);
	ck_assert(result.is_wrong);
	body_size_min = body_size_max = 4;
	ck_assert_int_eq(run(&(struct script){0}, &light).error, 0);
	ck_assert(!result.is_wrong);
}
END_TEST

START_TEST(requests_begin_where_asked_and_start_over_at_the_end)
{
	const struct load_options options = {.connections = 1, .depth = 1, .seconds = 60, .first_entry = 95};
	const struct outcome outcome = run(&(struct script){.wrong_at = 10}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(result.wrong_entry, 4);
}
END_TEST

START_TEST(errors_are_counted_by_code)
{
	const struct outcome outcome = run(&(struct script){.error_at = 30}, &closed);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(result.errors[8], 1);
	ck_assert(!result.is_wrong);
}
END_TEST

START_TEST(with_a_timeout_a_refusal_for_lack_of_room_is_no_error)
{
	struct load_options options = closed;
	options.timeout_ms = 60000;
	const struct outcome outcome = run(&(struct script){.error_at = 30}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(result.errors[8], 0);
	ck_assert_uint_le(result.refused, 1);
	ck_assert_uint_eq(result.late, 0);
	ck_assert_uint_eq(result.good + result.refused, result.answers);
	ck_assert_uint_gt(result.good, 0);
}
END_TEST

START_TEST(without_a_timeout_every_right_answer_is_good)
{
	ck_assert_int_eq(run(&(struct script){0}, &closed).error, 0);
	ck_assert_uint_eq(result.good, result.answers);
}
END_TEST

START_TEST(an_answer_that_comes_too_late_is_not_good)
{
	// Those on the way during the stall come too late; what is due then and has no room is dropped.
	const struct load_options options = {
		.connections = 1, .depth = 10, .rate = 1000, .seconds = 0.5, .timeout_ms = 100};
	const struct outcome outcome = run(&(struct script){.stall_at = 100, .stall_ms = 250}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_ge(result.late, 10);
	ck_assert_uint_ge(result.dropped, 50);
	ck_assert_uint_gt(result.good, 50);
	ck_assert_uint_eq(result.good + result.late, result.answers);
}
END_TEST

START_TEST(what_breaks_the_protocol_fails_the_run)
{
	ck_assert_int_eq(run(&(struct script){.wrong_id_at = 5}, &closed).error, -EPROTO);
	ck_assert_int_eq(run(&(struct script){.garbage_at = 5}, &closed).error, -EBADMSG);
	const int error = run(&(struct script){.close_at = 5}, &closed).error;
	ck_assert(error == -ECONNRESET || error == -EPIPE); // whether it was reading or writing just then
	// Nothing else is on the way when the second answer comes.
	const struct load_options single = {.connections = 1, .depth = 1, .rate = 20, .seconds = 10};
	const struct outcome outcome = run(&(struct script){.extra_at = 3}, &single);
	ck_assert_int_eq(outcome.error, -EPROTO);
	ck_assert_str_eq(outcome.what, "an answer that nobody asked for");
}
END_TEST

START_TEST(no_server_is_an_error)
{
	const char *what = "";
	struct load_requests requests;
	const struct load_options options = {
		.server = "unix:/nonexistent/socket", .connections = 3, .depth = 1, .seconds = 1};
	make_requests(&requests);
	ck_assert_int_eq(load_run(&options, &protocol, &requests, &result, &what), -ENOENT);
	ck_assert_str_eq(what, "connecting");
	free(requests.frames);
	free(requests.ends);
}
END_TEST

START_TEST(an_open_loop_keeps_its_rate)
{
	const struct load_options options = {
		.connections = 4, .depth = 64, .rate = 2000, .warmup_s = 0.05, .seconds = 0.3};
	const struct outcome outcome = run(&(struct script){0}, &options);
	ck_assert_int_eq(outcome.error, 0);
	// 0.35 s at 2,000 a second. A busy machine may keep the client from sending the last ones, or measure longer.
	ck_assert_uint_ge(outcome.server_requests + result.unsent, 699);
	ck_assert_uint_ge(result.latency_ns.count + result.unsent, 598);
	ck_assert_uint_le(result.answers, 2000 * (result.seconds + 0.06));
}
END_TEST

START_TEST(a_stall_of_the_server_costs_every_request_that_was_due_meanwhile)
{
	// 1,000 a second, one connection, 200 ms of stall: about 200 of 500 requests were due during it.
	const struct load_options options = {.connections = 1, .depth = 1000, .rate = 1000, .seconds = 0.5};
	const struct outcome outcome = run(&(struct script){.stall_at = 100, .stall_ms = 200}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_ge(result.latency_ns.max, 190000000);
	ck_assert_uint_ge(histogram_quantile(&result.latency_ns, 0.80), 80000000);
	// With room for one request the others cannot even be sent, and pay all the same.
	const struct load_options narrow = {.connections = 1, .depth = 1, .rate = 1000, .seconds = 0.5};
	const struct outcome second = run(&(struct script){.stall_at = 100, .stall_ms = 200}, &narrow);
	ck_assert_int_eq(second.error, 0);
	ck_assert_uint_ge(histogram_quantile(&result.latency_ns, 0.80), 80000000);
}
END_TEST

START_TEST(what_could_not_be_sent_in_time_is_told)
{
	const struct load_options options = {.connections = 1, .depth = 1, .rate = 1000, .seconds = 0.2};
	const struct outcome outcome = run(&(struct script){.stall_at = 20, .stall_ms = 400}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_gt(result.unsent, 100);
}
END_TEST

START_TEST(requests_never_answered_are_counted_after_a_while)
{
	const struct outcome outcome = run(&(struct script){.silent_from = 1}, &closed);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(result.unanswered, 32);
	ck_assert_uint_eq(result.answers, 0);
}
END_TEST

START_TEST(threads_share_connections_and_requests)
{
	const struct load_options options = {
		.connections = 7, .threads = 3, .depth = 4, .warmup_s = 0.02, .seconds = 0.1};
	const struct outcome outcome = run(&(struct script){0}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(outcome.connections, 7);
	ck_assert_uint_gt(result.answers, REQUESTS);
	ck_assert_uint_le(result.answers, outcome.server_requests);
	ck_assert_uint_ge(result.latency_ns.count, result.answers);
	ck_assert_uint_eq(result.unanswered, 0);
	ck_assert_double_gt(result.client_busiest, 0);
	ck_assert_double_le(result.client_busiest * result.seconds, result.client_cpu_s + 0.001);
	uint64_t over_time = 0;
	ck_assert_uint_eq(result.over_time_count, 1);
	for (uint32_t i = 0; i < result.over_time_count; i++)
		over_time += result.over_time[i];
	ck_assert_uint_eq(over_time, result.answers);
}
END_TEST

START_TEST(threads_together_keep_the_rate)
{
	for (enum load_arrivals arrivals = LOAD_ARRIVALS_CONSTANT; arrivals <= LOAD_ARRIVALS_POISSON; arrivals++) {
		const struct load_options options = {.connections = 6,
						     .threads = 3,
						     .depth = 64,
						     .rate = 3000,
						     .arrivals = arrivals,
						     .seconds = 0.5};
		const struct outcome outcome = run(&(struct script){0}, &options);
		ck_assert_int_eq(outcome.error, 0);
		ck_assert_uint_ge(outcome.server_requests + result.unsent, 1300);
		ck_assert_uint_le(outcome.server_requests + result.unsent, 1700);
		ck_assert_uint_gt(result.late_ns.count, 0);
	}
}
END_TEST

START_TEST(a_wrong_answer_to_one_thread_ends_all)
{
	const struct load_options options = {.connections = 4, .threads = 4, .depth = 4, .seconds = 60};
	const struct outcome outcome = run(&(struct script){.wrong_at = 400}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert(result.is_wrong);
	ck_assert_uint_eq(result.wrong_size, 4);
	ck_assert_uint_eq(result.wrong_body[0] ^ 1, (int)result.wrong_entry);
	ck_assert_double_lt(result.seconds, 30);
	ck_assert_uint_eq(result.unsent, 0);
}
END_TEST

START_TEST(an_error_of_one_thread_ends_all)
{
	const struct load_options options = {.connections = 4, .threads = 4, .depth = 4, .seconds = 60};
	ck_assert_int_eq(run(&(struct script){.wrong_id_at = 400}, &options).error, -EPROTO);
}
END_TEST

START_TEST(more_threads_than_connections_are_refused)
{
	const char *what;
	struct load_requests requests;
	const struct load_options options = {.connections = 3, .threads = 4, .depth = 1, .seconds = 1};
	make_requests(&requests);
	ck_assert_int_eq(load_run(&options, &protocol, &requests, &result, &what), -EINVAL);
	free(requests.frames);
	free(requests.ends);
}
END_TEST

START_TEST(a_pass_asks_every_request_once)
{
	for (uint32_t threads = 1; threads <= 3; threads += 2) {
		const struct load_options options = {
			.connections = 3, .threads = threads, .depth = 7, .seconds = 60, .warmup_s = 30, .passes = 2};
		const struct outcome outcome = run(&(struct script){0}, &options);
		ck_assert_int_eq(outcome.error, 0);
		ck_assert_uint_eq(outcome.server_requests, 2 * REQUESTS);
		ck_assert_uint_eq(result.answers, 2 * REQUESTS);
		ck_assert_uint_eq(result.latency_ns.count, 2 * REQUESTS);
		ck_assert(!result.is_incomplete);
		ck_assert_uint_eq(result.unsent, 0);
		ck_assert_double_lt(result.seconds, 20);
	}
}
END_TEST

START_TEST(a_pass_that_takes_too_long_is_incomplete)
{
	const struct load_options options = {.connections = 1, .depth = 1, .rate = 200, .seconds = 0.1, .passes = 1};
	const struct outcome outcome = run(&(struct script){0}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert(result.is_incomplete);
	ck_assert_uint_eq(result.unsent, REQUESTS - outcome.server_requests);
}
END_TEST

START_TEST(connections_are_made_anew_after_so_many_requests)
{
	for (int over_tcp = 0; over_tcp <= 1; over_tcp++) {
		// The server would break off a connection that is used for one request more.
		const struct script script = {.over_tcp = over_tcp, .close_after = 10};
		const struct load_options options = {
			.connections = 3, .depth = 4, .churn = 10, .seconds = 60, .passes = 3};
		const struct outcome outcome = run(&script, &options);
		ck_assert_int_eq(outcome.error, 0);
		ck_assert_uint_eq(result.answers, 3 * REQUESTS);
		ck_assert_uint_eq(result.connect_ns.count, outcome.connections - 3);
		ck_assert_uint_ge(outcome.connections, 30);
		ck_assert_uint_le(outcome.connections, 33);
	}
}
END_TEST

START_TEST(churn_in_an_open_loop_keeps_the_rate)
{
	const struct script script = {.over_tcp = true, .close_after = 5};
	const struct load_options options = {
		.connections = 4, .threads = 2, .depth = 4, .churn = 5, .rate = 2000, .seconds = 0.3};
	const struct outcome outcome = run(&script, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_ge(outcome.server_requests + result.unsent, 590);
	ck_assert_uint_le(outcome.server_requests + result.unsent, 610);
	ck_assert_uint_gt(result.connect_ns.count, 50);
}
END_TEST

START_TEST(requests_beside_go_over_their_own_connections_at_their_own_rate)
{
	struct load_requests others;
	make_requests(&others);
	const struct load_beside beside = {
		.protocol = &protocol, .requests = &others, .connections = 2, .depth = 16, .rate = 400};
	const struct load_options options = {
		.connections = 3, .depth = 16, .rate = 1000, .seconds = 0.5, .beside = &beside};
	const struct outcome outcome = run(&(struct script){0}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(outcome.connections, 5);
	ck_assert_uint_ge(result.beside.latency_ns.count + result.beside.unsent, 198);
	ck_assert_uint_le(result.beside.latency_ns.count + result.beside.unsent, 202);
	ck_assert_uint_ge(result.latency_ns.count + result.unsent, 498);
	ck_assert_uint_le(result.latency_ns.count + result.unsent, 502);
	ck_assert_uint_eq(outcome.server_requests, result.latency_ns.count + result.beside.latency_ns.count);
	free(others.frames);
	free(others.ends);
}
END_TEST

// A process that burns CPU, or none, until it is killed or alone.
static pid_t start_process(bool burns)
{
	const pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		while (getppid() == parent)
			poll(NULL, 0, burns ? 0 : 100);
		_exit(0);
	}
	return pid;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(requests_beside_may_go_to_another_server_whose_cpu_time_is_told_apart)
{
	struct load_requests others;
	make_requests(&others);
	struct server *other = start_server(&(struct script){.over_tcp = true}); // Unix ones share a path
	const pid_t idler = start_process(false), burner = start_process(true);
	const struct load_beside beside = {.server = other->path,
					   .server_pid = burner,
					   .protocol = &protocol,
					   .requests = &others,
					   .connections = 2,
					   .depth = 4,
					   .rate = 200};
	const struct load_options options = {
		.connections = 1, .depth = 4, .rate = 500, .seconds = 0.5, .server_pid = idler, .beside = &beside};
	const struct outcome outcome = run(&(struct script){0}, &options);
	end_process(burner);
	end_process(idler);
	join_server(other);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(outcome.connections, 1);
	ck_assert_uint_eq(outcome.server_requests, result.latency_ns.count);
	ck_assert_uint_eq(other->connections, 2);
	ck_assert_uint_eq(other->requests, result.beside.latency_ns.count);
	ck_assert_double_lt(result.server_cpu_s, result.beside.server_cpu_s);
	free(other);
	free(others.frames);
	free(others.ends);
}
END_TEST

static bool is_never_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	(void)requests;
	(void)entry;
	(void)answer;
	return false;
}

START_TEST(a_wrong_answer_beside_ends_the_run_and_is_told_apart)
{
	struct load_requests others;
	make_requests(&others);
	const struct load_protocol strict = {.parse = parse, .stamp = stamp, .is_right = is_never_right};
	const struct load_beside beside = {.protocol = &strict, .requests = &others, .connections = 1, .depth = 1};
	const struct load_options options = {.connections = 1, .depth = 1, .seconds = 60, .beside = &beside};
	ck_assert_int_eq(run(&(struct script){0}, &options).error, 0);
	ck_assert(result.is_wrong);
	ck_assert(result.is_wrong_beside);
	ck_assert_uint_eq(result.wrong_entry, 0);
	free(others.frames);
	free(others.ends);
}
END_TEST

START_TEST(the_first_error_is_kept)
{
	const struct load_options options = {.connections = 1, .depth = 1, .seconds = 60, .passes = 1};
	ck_assert_int_eq(run(&(struct script){.error_at = 30}, &options).error, 0);
	ck_assert(result.error.is_set);
	ck_assert(!result.error.is_beside);
	ck_assert_uint_eq(result.error.entry, 29);
	ck_assert_uint_eq(result.error.status, 8);
	ck_assert_uint_eq(result.error.size, 4);
}
END_TEST

START_TEST(what_the_server_delays_is_not_the_clients_lateness)
{
	// With room for one request, those due during the stall are sent late, but not for want of a client.
	const struct load_options options = {.connections = 1, .depth = 1, .rate = 1000, .seconds = 0.4};
	ck_assert_int_eq(run(&(struct script){.stall_at = 50, .stall_ms = 150}, &options).error, 0);
	ck_assert_uint_ge(result.latency_ns.max, 140000000);
	ck_assert_uint_lt(histogram_quantile(&result.late_ns, 0.5), 50000000);
	ck_assert_uint_gt(result.late_ns.count, 0);
	ck_assert_uint_lt(result.late_ns.count, 300); // some 150 had no room
}
END_TEST

START_TEST(polling_before_requests_are_due_keeps_the_rate_as_well)
{
	const struct load_options options = {
		.connections = 2, .depth = 16, .rate = 1000, .spin_us = 200, .seconds = 0.3};
	const struct outcome outcome = run(&(struct script){0}, &options);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_ge(outcome.server_requests + result.unsent, 299);
	ck_assert_uint_le(outcome.server_requests + result.unsent, 302);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("load");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_closed_loop_gets_an_answer_to_every_request);
	tcase_add_test(tcase, no_more_requests_than_the_depth_are_on_the_way);
	tcase_add_test(tcase, answers_in_pieces_are_put_together);
	tcase_add_test(tcase, a_wrong_answer_ends_the_run_and_is_kept);
	tcase_add_test(tcase, a_light_check_looks_at_the_length_alone);
	tcase_add_test(tcase, requests_begin_where_asked_and_start_over_at_the_end);
	tcase_add_test(tcase, errors_are_counted_by_code);
	tcase_add_test(tcase, with_a_timeout_a_refusal_for_lack_of_room_is_no_error);
	tcase_add_test(tcase, without_a_timeout_every_right_answer_is_good);
	tcase_add_test(tcase, an_answer_that_comes_too_late_is_not_good);
	tcase_add_test(tcase, what_breaks_the_protocol_fails_the_run);
	tcase_add_test(tcase, no_server_is_an_error);
	tcase_add_test(tcase, an_open_loop_keeps_its_rate);
	tcase_add_test(tcase, a_stall_of_the_server_costs_every_request_that_was_due_meanwhile);
	tcase_add_test(tcase, what_could_not_be_sent_in_time_is_told);
	tcase_add_test(tcase, requests_never_answered_are_counted_after_a_while);
	tcase_add_test(tcase, threads_share_connections_and_requests);
	tcase_add_test(tcase, threads_together_keep_the_rate);
	tcase_add_test(tcase, a_wrong_answer_to_one_thread_ends_all);
	tcase_add_test(tcase, an_error_of_one_thread_ends_all);
	tcase_add_test(tcase, more_threads_than_connections_are_refused);
	tcase_add_test(tcase, a_pass_asks_every_request_once);
	tcase_add_test(tcase, a_pass_that_takes_too_long_is_incomplete);
	tcase_add_test(tcase, connections_are_made_anew_after_so_many_requests);
	tcase_add_test(tcase, churn_in_an_open_loop_keeps_the_rate);
	tcase_add_test(tcase, requests_beside_go_over_their_own_connections_at_their_own_rate);
	tcase_add_test(tcase, requests_beside_may_go_to_another_server_whose_cpu_time_is_told_apart);
	tcase_add_test(tcase, a_wrong_answer_beside_ends_the_run_and_is_told_apart);
	tcase_add_test(tcase, the_first_error_is_kept);
	tcase_add_test(tcase, what_the_server_delays_is_not_the_clients_lateness);
	tcase_add_test(tcase, polling_before_requests_are_due_keeps_the_rate_as_well);
	Suite *suite = suite_create("bench/load");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
