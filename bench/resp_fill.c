// SPDX-License-Identifier: Apache-2.0
#include "bench/resp_fill.h"

#include "base/clock.h"
#include "bench/protocol_resp.h"
#include "client/address.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, COMMAND_SIZE_MAX = 72 * 1024, READ_SIZE = 8192 };

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

static int look_at(struct resp_fill *fill, const struct load_answer *answer, char *ret_text)
{
	snprintf(ret_text, RESP_FILL_ANSWER_SIZE, "%.*s",
		 (int)(answer->body.size < RESP_FILL_ANSWER_SIZE ? answer->body.size : RESP_FILL_ANSWER_SIZE - 1),
		 answer->body.data ? answer->body.data : "");
	if (answer->status == 0)
		return 0;
	fault_set(fill->fault, STATUS_INTERNAL, NULL, "redis-server refused: %s", ret_text);
	return -EREMOTEIO;
}

// Reads until `count` answers have come; the text of the last one.
static int read_answers(struct resp_fill *fill, uint32_t count, char *ret_text)
{
	char in[READ_SIZE];
	size_t end = 0;
	int error = 0;
	while (count > 0 && error == 0) {
		struct load_answer answer = {0};
		const ssize_t whole = protocol_resp.parse(in, end, &answer);
		if (whole < 0)
			return -EPROTO;
		if (whole > 0) {
			error = look_at(fill, &answer, ret_text);
			memmove(in, in + whole, end - (size_t)whole);
			end -= (size_t)whole;
			count--;
			continue;
		}
		const ssize_t size = end == sizeof(in) ? -1 : read(fill->fd, in + end, sizeof(in) - end);
		if (size > 0)
			end += (size_t)size;
		else
			error = size == 0 ? -ECONNRESET : errno == EAGAIN ? wait_for(fill->fd, POLLIN) : -errno;
	}
	return error;
}

static void flush(struct resp_fill *fill, char *ret_text)
{
	if (fill->error == 0)
		fill->error = write_all(fill->fd, fill->buffer, fill->used);
	if (fill->error == 0)
		fill->error = read_answers(fill, fill->commands, ret_text);
	if (fill->error < 0)
		fault_set(fill->fault, STATUS_INTERNAL, NULL, "filling redis-server: %s", strerror(-fill->error));
	fill->used = fill->commands = 0;
}

int resp_fill_open(struct resp_fill *fill, const char *server, struct fault *fault)
{
	struct address address;
	fill->fd = -1;
	fill->error = 0;
	fill->used = fill->commands = 0;
	fill->fault = fault;
	const int error = address_parse(server, &address, fault);
	return error < 0 ? error : address_connect(&address, clock_monotonic_ms() + TIMEOUT_MS, &fill->fd, fault);
}

void resp_fill_command(struct resp_fill *fill, const struct bytes *words, uint32_t count)
{
	char text[RESP_FILL_ANSWER_SIZE];
	if (fill->commands == RESP_FILL_COMMANDS || fill->used > RESP_FILL_SIZE - COMMAND_SIZE_MAX)
		flush(fill, text);
	fill->used += (uint32_t)sprintf(fill->buffer + fill->used, "*%u\r\n", count);
	for (uint32_t i = 0; i < count; i++) {
		char *at = fill->buffer + fill->used;
		const int head = sprintf(at, "$%zu\r\n", words[i].size);
		if (words[i].size > 0)
			memcpy(at + head, words[i].data, words[i].size);
		memcpy(at + head + words[i].size, "\r\n", 2);
		fill->used += (uint32_t)head + (uint32_t)words[i].size + 2;
	}
	fill->commands++;
}

int resp_fill_ask(struct resp_fill *fill, const struct bytes *words, uint32_t count, char answer[RESP_FILL_ANSWER_SIZE])
{
	resp_fill_command(fill, words, count);
	flush(fill, answer);
	return fill->error;
}

int resp_fill_close(struct resp_fill *fill)
{
	char text[RESP_FILL_ANSWER_SIZE];
	flush(fill, text);
	close(fill->fd);
	return fill->error;
}
