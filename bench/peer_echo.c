// SPDX-License-Identifier: Apache-2.0
// The kernel's limit: evauthd's own requests, answered by a server that only counts bytes (bench/echo.h).
#include "bench/echo.h"
#include "bench/peer.h"
#include "bench/protocol_authorize.h"
#include "proto/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	const uint32_t *sizes = requests->expected;
	return answer->body.size + FRAME_HEADER_SIZE == sizes[entry];
}

// evauthd's requests, each asking for as many bytes as evauthd answered.
static int prepare(const struct peer_setup *setup, struct load_requests *ret_requests)
{
	const struct authorize_load_options options = {
		.mix = setup->mix,
		.seed = setup->seed,
		.count = setup->requests,
		.batch = setup->batch,
	};
	struct load_requests made;
	const int error = authorize_requests_create(setup->world, &options, &made);
	if (error < 0)
		return error;
	for (uint32_t entry = 0; entry < made.count; entry++)
		echo_ask(made.frames + (entry == 0 ? 0 : made.ends[entry - 1]), setup->answer_sizes[entry]);
	// What evauthd should decide is not asked here; the sizes are.
	struct load_requests decisions = {.expected = made.expected};
	authorize_requests_destroy(&decisions);
	made.expected = setup->answer_sizes;
	*ret_requests = made;
	return 0;
}

static int open_echo(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	(void)program;
	uint16_t port = 0;
	int listener = -1;
	int error = prepare(setup, &peer->requests);
	if (error == 0)
		error = echo_listen(&listener, &port);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "echo: %s", strerror(-error));
		return error;
	}
	const struct process_plan plan = {
		.name = "echo", .serve = echo_serve, .context = &listener, .cpus = &setup->server_cpus};
	error = process_start(setup->processes, &plan, &peer->pid, fault);
	close(listener); // the child has it
	snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%u", port);
	snprintf(peer->version, sizeof(peer->version), "epoll, one write per connection and turn");
	peer->protocol = protocol_authorize; // frames and ids
	peer->protocol.is_right = is_right;
	peer->batch = setup->batch == 0 ? 1 : setup->batch;
	return error;
}

static void close_echo(struct peer *peer)
{
	free(peer->requests.frames);
	free(peer->requests.ends);
	peer->requests = (struct load_requests){0};
}

static void explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	const uint32_t *sizes = requests->expected;
	fprintf(stderr, "WRONG ANSWER of echo: expected %u bytes, body has %zu\n", sizes[result->wrong_entry],
		result->wrong_size);
}

const struct peer_class peer_class_echo = {
	.name = "echo",
	.what = "as many bytes",
	.open = open_echo,
	.close = close_echo,
	.explain_wrong = explain_wrong,
};
