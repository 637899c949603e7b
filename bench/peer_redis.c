// SPDX-License-Identifier: Apache-2.0
#include "bench/peer_redis.h"

#include "bench/protocol_resp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void redis_command(struct fill *fill, const struct bytes *words, uint32_t count)
{
	fill_commit(fill, resp_put_command(fill_reserve(fill), words, count));
}

// It accepts connections, and answers.
static bool answers(void *context)
{
	const struct peer *peer = context;
	struct fault fault = {0};
	const struct bytes ping = BYTES_LITERAL("PING");
	struct fill *fill = malloc(sizeof(*fill));
	bool is_ready = false;
	if (fill && fill_open(fill, peer->address, &protocol_resp, &fault) == 0) {
		redis_command(fill, &ping, 1);
		is_ready = fill_close(fill) == 0;
	}
	free(fill);
	return is_ready;
}

int redis_start(const struct peer_setup *setup, const char *program, const char *name, struct peer *peer,
		struct fault *fault)
{
	char folder[PROCESS_PATH_SIZE], port_text[8];
	uint16_t port = 0;
	int error = process_free_port(&port);
	process_path(setup->processes, name, folder);
	if (error == 0 && mkdir(folder, 0755) < 0)
		error = -errno;
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s: %s", name, strerror(-error));
		return error;
	}
	snprintf(port_text, sizeof(port_text), "%u", port);
	snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%u", port);
	process_version(setup->processes, program, peer->version);
	const char *const arguments[] = {program,        "--port", port_text, "--bind", "127.0.0.1",   "--save", "",
					 "--appendonly", "no",     "--dir",   folder,   "--daemonize", "no",     NULL};
	const struct process_plan plan = {.name = name, .arguments = arguments, .cpus = &setup->server_cpus};
	error = process_start(setup->processes, &plan, &peer->pid, fault);
	return error < 0 ? error : process_await(setup->processes, &plan, peer->pid, answers, peer, fault);
}

// ---------------------------------------------------------------- plain GET

int redis_fill_values(const char *server, uint32_t keys, uint32_t value_size, struct fault *fault)
{
	struct fill *fill = malloc(sizeof(*fill));
	char *value = malloc(value_size);
	int error = fill && value ? fill_open(fill, server, &protocol_resp, fault) : -ENOMEM;
	if (error == 0) {
		memset(value, 'v', value_size);
		for (uint32_t i = 0; i < keys && fill->error == 0; i++) {
			char key[RESP_KEY_SIZE];
			resp_key(i, key);
			const struct bytes words[] = {BYTES_LITERAL("SET"), {key, RESP_KEY_SIZE}, {value, value_size}};
			redis_command(fill, words, ARRAY_SIZE(words));
		}
		error = fill_close(fill);
	}
	if (error == -ENOMEM)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "no memory to fill %s", server);
	free(value);
	free(fill);
	return error;
}

static int open_get(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	const struct resp_load_options options = {
		.keys = setup->world->tokens,
		.value_size = setup->value_size,
		.seed = setup->seed,
		.count = setup->requests,
	};
	int error = redis_start(setup, program, "redis-get", peer, fault);
	if (error == 0)
		error = redis_fill_values(peer->address, setup->world->tokens, setup->value_size, fault);
	if (error < 0)
		return error;
	error = resp_requests_create(&options, &peer->requests);
	if (error < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "preparing requests: %s", strerror(-error));
	peer->requests.body_size_min = peer->requests.body_size_max = setup->value_size;
	peer->protocol = protocol_resp;
	return error;
}

static void close_get(struct peer *peer)
{
	resp_requests_destroy(&peer->requests);
}

const struct peer_class peer_class_redis_get = {
	.name = "get",
	.what = "redis-server, GET",
	.package = "redis-server",
	.program = "redis-server",
	.open = open_get,
	.close = close_get,
	.explain_wrong = resp_explain_wrong,
};
