// SPDX-License-Identifier: Apache-2.0
#include "bench/fill.h"
#include "bench/peer.h"
#include "bench/protocol_memcached.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ITEM_OVERHEAD = 200, MEGABYTES_MIN = 256, SPARE_CONNECTIONS = 64 };

static bool answers(void *context)
{
	const struct peer *peer = context;
	struct fault fault = {0};
	struct fill *fill = malloc(sizeof(*fill));
	bool is_ready = false;
	if (fill && fill_open(fill, peer->address, &protocol_memcached, &fault) == 0) {
		fill_commit(fill, (size_t)sprintf(fill_reserve(fill), "mn\r\n"));
		is_ready = fill_close(fill) == 0;
	}
	free(fill);
	return is_ready;
}

static int start(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	char port_text[8], megabytes[16], connections[16];
	uint16_t port = 0;
	int error = process_free_port(&port);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "memcached: %s", strerror(-error));
		return error;
	}
	// Far more than the values need: it must not forget any.
	const uint64_t bytes = (uint64_t)setup->world->tokens * (setup->value_size + ITEM_OVERHEAD) * 2;
	snprintf(megabytes, sizeof(megabytes), "%u", (unsigned)(MEGABYTES_MIN + (bytes >> 20)));
	snprintf(connections, sizeof(connections), "%u", setup->connections + SPARE_CONNECTIONS);
	snprintf(port_text, sizeof(port_text), "%u", port);
	snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%u", port);
	process_version(setup->processes, program, peer->version);
	const char *const arguments[] = {program, "-l", "127.0.0.1", "-p",      port_text, "-U",        "0",
					 "-t",    "1",  "-m",        megabytes, "-c",      connections, NULL};
	// It would change its user by itself, and with that lose what lets it end when we do.
	const struct process_plan plan = {
		.name = "memcached", .arguments = arguments, .cpus = &setup->server_cpus, .user = "nobody"};
	error = process_start(setup->processes, &plan, &peer->pid, fault);
	return error < 0 ? error : process_await(setup->processes, &plan, peer->pid, answers, peer, fault);
}

static int fill_values(const struct peer_setup *setup, const struct peer *peer, struct fault *fault)
{
	struct fill *fill = malloc(sizeof(*fill));
	int error = fill ? fill_open(fill, peer->address, &protocol_memcached, fault) : -ENOMEM;
	if (error == 0) {
		for (uint32_t i = 0; i < setup->world->tokens && fill->error == 0; i++)
			fill_commit(fill, memcached_put_set(fill_reserve(fill), i, setup->value_size));
		error = fill_close(fill);
	}
	free(fill);
	return error;
}

static int open_memcached(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	const struct resp_load_options options = {
		.keys = setup->world->tokens,
		.value_size = setup->value_size,
		.seed = setup->seed,
		.count = setup->requests,
	};
	int error = start(setup, program, peer, fault);
	if (error == 0)
		error = fill_values(setup, peer, fault);
	if (error < 0)
		return error;
	error = memcached_requests_create(&options, &peer->requests);
	if (error < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "preparing requests: %s", strerror(-error));
	peer->protocol = protocol_memcached;
	return error;
}

static void close_memcached(struct peer *peer)
{
	resp_requests_destroy(&peer->requests);
}

const struct peer_class peer_class_memcached = {
	.name = "memcached",
	.what = "memcached, mg",
	.package = "memcached",
	.program = "memcached",
	.open = open_memcached,
	.close = close_memcached,
	.explain_wrong = memcached_explain_wrong,
};
