// SPDX-License-Identifier: Apache-2.0
#include "bench/fill.h"

#include "base/clock.h"
#include "client/address.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, READ_SIZE = 8192 };

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

static int look_at(struct fill *fill, const struct load_answer *answer, char *ret_text)
{
	const size_t most = FILL_ANSWER_SIZE - 1, size = answer->body.size < most ? answer->body.size : most;
	char text[FILL_ANSWER_SIZE];
	snprintf(text, sizeof(text), "%.*s", (int)size, answer->body.data ? answer->body.data : "");
	if (ret_text)
		memcpy(ret_text, text, sizeof(text));
	if (answer->status == 0)
		return 0;
	fault_set(fill->fault, STATUS_INTERNAL, NULL, "filling: the server refused: %s", text);
	return -EREMOTEIO;
}

// Reads until `count` answers have come.
static int read_answers(struct fill *fill, uint32_t count, char *ret_text)
{
	char in[READ_SIZE];
	size_t end = 0;
	int error = 0;
	while (count > 0 && error == 0) {
		struct load_answer answer = {0};
		const ssize_t whole = fill->protocol->parse(in, end, &answer);
		if (whole < 0)
			return -EPROTO;
		if (whole > 0) {
			error = look_at(fill, &answer, ret_text);
			memmove(in, in + whole, end - (size_t)whole);
			end -= (size_t)whole;
			count--;
			continue;
		}
		if (end == sizeof(in))
			return -EMSGSIZE;
		const ssize_t size = read(fill->fd, in + end, sizeof(in) - end);
		end += size > 0 ? (size_t)size : 0;
		if (size <= 0)
			error = size == 0 ? -ECONNRESET : errno == EAGAIN ? wait_for(fill->fd, POLLIN) : -errno;
	}
	return error;
}

int fill_open(struct fill *fill, const char *server, const struct load_protocol *protocol, struct fault *fault)
{
	struct address address;
	fill->fd = -1;
	fill->error = 0;
	fill->protocol = protocol;
	fill->fault = fault;
	fill->requests = 0;
	fill->used = 0;
	const int error = address_parse(server, &address, fault);
	return error < 0 ? error : address_connect(&address, clock_monotonic_ms() + TIMEOUT_MS, &fill->fd, fault);
}

int fill_flush(struct fill *fill, char ret_answer[FILL_ANSWER_SIZE])
{
	if (fill->error == 0)
		fill->error = write_all(fill->fd, fill->buffer, fill->used);
	if (fill->error == 0)
		fill->error = read_answers(fill, fill->requests, ret_answer);
	if (fill->error < 0)
		fault_set(fill->fault, STATUS_INTERNAL, NULL, "filling: %s", strerror(-fill->error));
	fill->used = fill->requests = 0;
	return fill->error;
}

char *fill_reserve(struct fill *fill)
{
	if (fill->requests == FILL_REQUESTS || fill->used > FILL_SIZE - FILL_REQUEST_SIZE_MAX)
		(void)!fill_flush(fill, NULL); // errors stick
	return fill->buffer + fill->used;
}

void fill_commit(struct fill *fill, size_t size)
{
	ASSERT(size <= FILL_REQUEST_SIZE_MAX);
	fill->used += size;
	fill->requests++;
}

int fill_close(struct fill *fill)
{
	const int error = fill_flush(fill, NULL);
	close(fill->fd);
	return error;
}
