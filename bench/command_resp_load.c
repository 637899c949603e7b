// SPDX-License-Identifier: Apache-2.0
// evauth-bench resp-load: fills a Redis server with what `run --resp` asks for.
#include "base/clock.h"
#include "bench/command.h"
#include "bench/protocol_resp.h"
#include "client/address.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETS_PER_WRITE = 500, TIMEOUT_MS = 10000 };

struct resp_load {
	const char *server;
	uint32_t keys, value_size;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct resp_load *options = state->input;
	switch (key) {
	case 'r':
		options->server = arg;
		return 0;
	case 'k':
		options->keys = (uint32_t)option_number(state, "keys", arg, 1, 100000000);
		return 0;
	case 'v':
		options->value_size = (uint32_t)option_number(state, "value-size", arg, 1, RESP_VALUE_SIZE_MAX);
		return 0;
	case ARGP_KEY_END:
		if (!options->server)
			argp_error(state, "--resp HOST:PORT is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static size_t put_set(char *at, uint32_t index, uint32_t value_size)
{
	char key[RESP_KEY_SIZE];
	resp_key(index, key);
	const int head =
		sprintf(at, "*3\r\n$3\r\nSET\r\n$%d\r\n%.*s\r\n$%u\r\n", RESP_KEY_SIZE, RESP_KEY_SIZE, key, value_size);
	memset(at + head, 'v', value_size);
	memcpy(at + head + value_size, "\r\n", 2);
	return (size_t)head + value_size + 2;
}

static int wait_for(int fd, short events)
{
	struct pollfd pollfd = {.fd = fd, .events = events};
	const int ready = poll(&pollfd, 1, TIMEOUT_MS);
	return ready > 0 ? 0 : ready == 0 ? -ETIMEDOUT : -errno;
}

static int write_all(int fd, const char *data, size_t size)
{
	int error = 0;
	while (size > 0 && error == 0) {
		const ssize_t count = write(fd, data, size);
		if (count >= 0) {
			data += count;
			size -= (size_t)count;
		} else {
			error = errno == EAGAIN ? wait_for(fd, POLLOUT) : -errno;
		}
	}
	return error;
}

// Reads exactly `count` times "+OK".
static int expect_done(int fd, uint32_t count)
{
	static const char done[] = "+OK\r\n";
	const size_t wanted = (sizeof(done) - 1) * count;
	size_t seen = 0;
	while (seen < wanted) {
		char buffer[4096];
		const size_t room = wanted - seen < sizeof(buffer) ? wanted - seen : sizeof(buffer);
		const ssize_t size = read(fd, buffer, room);
		const int error = size > 0          ? 0
				  : size == 0       ? -ECONNRESET
				  : errno == EAGAIN ? wait_for(fd, POLLIN)
						    : -errno;
		if (error < 0)
			return error;
		for (ssize_t i = 0; i < size; i++, seen++) {
			if (buffer[i] != done[seen % (sizeof(done) - 1)])
				return -EPROTO;
		}
	}
	return 0;
}

static int fill(int fd, const struct resp_load *options)
{
	char *buffer = malloc((size_t)SETS_PER_WRITE * (options->value_size + 64));
	if (!buffer)
		return -ENOMEM;
	int error = 0;
	for (uint32_t first = 0; first < options->keys && error == 0; first += SETS_PER_WRITE) {
		const uint32_t rest = options->keys - first, count = rest < SETS_PER_WRITE ? rest : SETS_PER_WRITE;
		size_t size = 0;
		for (uint32_t i = 0; i < count; i++)
			size += put_set(buffer + size, first + i, options->value_size);
		error = write_all(fd, buffer, size);
		if (error == 0)
			error = expect_done(fd, count);
	}
	free(buffer);
	return error;
}

int command_resp_load(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"resp", 'r', "HOST:PORT", 0, "The Redis server to fill", 0},
		{"keys", 'k', "N", 0, "How many keys (default 1000000)", 0},
		{"value-size", 'v', "BYTES", 0, "Of every value (default 150)", 0},
		{0},
	};
	static const struct argp argp = {
		rows, parse_option, "",  "Fills a Redis server with the keys that `evauth-bench run --resp` asks for.",
		NULL, NULL,         NULL};
	struct resp_load options = {.keys = 1000000, .value_size = 150};
	struct address address;
	struct fault fault = {0};
	int fd = -1;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	int error = address_parse(options.server, &address, &fault);
	if (error == 0)
		error = address_connect(&address, clock_monotonic_ms() + TIMEOUT_MS, &fd, &fault);
	if (error == 0) {
		error = fill(fd, &options);
		close(fd);
	}
	return error < 0 ? command_error(options.server, error) : EXIT_CODE_DONE;
}
