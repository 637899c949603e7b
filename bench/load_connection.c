// SPDX-License-Identifier: Apache-2.0
#include "bench/load_connection.h"

#include "base/clock.h"
#include "client/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 5000, READ_SIZE = 64 * 1024 };

static int connect_to(const char *server, int *ret_fd)
{
	struct address address;
	struct fault fault = {0};
	const int error = address_parse(server, &address, &fault);
	return error < 0 ? error : address_connect(&address, clock_monotonic_ms() + CONNECT_TIMEOUT_MS, ret_fd, &fault);
}

int load_connection_open(struct load_connection *connection, const struct load_options *options,
			 const struct load_protocol *protocol, size_t frame_size_max)
{
	*connection = (struct load_connection){
		.fd = -1,
		.depth = options->depth,
		.slots = calloc(options->depth, sizeof(*connection->slots)),
		.out_size = options->depth * frame_size_max,
		.in_size = LOAD_ANSWER_SIZE_MAX + READ_SIZE,
	};
	// Pages nobody writes to cost nothing, so both can be as large as they may ever have to be.
	connection->out = malloc(connection->out_size);
	connection->in = malloc(connection->in_size);
	if (!connection->slots || !connection->out || !connection->in)
		return -ENOMEM;
	return protocol->connect ? protocol->connect(options->server, &connection->fd)
				 : connect_to(options->server, &connection->fd);
}

void load_connection_close(struct load_connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	free(connection->slots);
	free(connection->out);
	free(connection->in);
	*connection = (struct load_connection){.fd = -1};
}

char *load_connection_stage(struct load_connection *connection, struct bytes frame, const struct load_slot *slot)
{
	if (frame.size > connection->out_size - connection->out_end) {
		memmove(connection->out, connection->out + connection->out_begin,
			connection->out_end - connection->out_begin);
		connection->out_end -= connection->out_begin;
		connection->out_begin = 0;
	}
	char *copy = memcpy(connection->out + connection->out_end, frame.data, frame.size);
	connection->out_end += frame.size;
	uint32_t place = connection->first_slot + connection->in_flight++;
	if (place >= connection->depth)
		place -= connection->depth;
	connection->slots[place] = *slot;
	return copy;
}

int load_connection_write(struct load_connection *connection)
{
	const size_t size = connection->out_end - connection->out_begin;
	const ssize_t count = send(connection->fd, connection->out + connection->out_begin, size, MSG_NOSIGNAL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	connection->out_begin += (size_t)count;
	if (connection->out_begin == connection->out_end)
		connection->out_begin = connection->out_end = 0;
	return 0;
}

int load_connection_read(struct load_connection *connection)
{
	if (connection->in_begin == connection->in_end) {
		connection->in_begin = connection->in_end = 0;
	} else if (connection->in_size - connection->in_end < READ_SIZE) {
		connection->in_end -= connection->in_begin;
		memmove(connection->in, connection->in + connection->in_begin, connection->in_end);
		connection->in_begin = 0;
		if (connection->in_size - connection->in_end < READ_SIZE)
			return -EMSGSIZE;
	}
	const ssize_t count = read(connection->fd, connection->in + connection->in_end, READ_SIZE);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	connection->in_end += (size_t)count;
	return count == 0 ? -ECONNRESET : 0;
}

int load_connection_pop(struct load_connection *connection, struct load_slot *ret_slot)
{
	if (connection->in_flight == 0)
		return -EPROTO;
	*ret_slot = connection->slots[connection->first_slot];
	connection->first_slot = connection->first_slot + 1 == connection->depth ? 0 : connection->first_slot + 1;
	connection->in_flight--;
	return 0;
}
