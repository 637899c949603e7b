// SPDX-License-Identifier: Apache-2.0
#include "bench/load_connection.h"

#include "base/clock.h"
#include "client/address.h"
#include "client/client_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 5000, READ_SIZE = 64 * 1024, UNSENT_MAX = 16 * 1024 };

static int connect_to(const struct load_peer *peer, int *ret_fd)
{
	struct address address;
	struct fault fault = {0};
	if (peer->connect)
		return peer->connect(peer->server, ret_fd);
	const int error = address_parse(peer->server, &address, &fault);
	return error < 0 ? error : address_connect(&address, clock_monotonic_ms() + CONNECT_TIMEOUT_MS, ret_fd, &fault);
}

// What lies unsent in the socket is a queue that nobody sees into; the rest waits where it can be dropped.
static void bound_unsent(const struct load_connection *connection)
{
	if (connection->is_timed)
		(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_MAX}, sizeof(int));
}

static int shake_hands(struct load_connection *connection, const struct load_peer *peer)
{
	struct fault fault = {0};
	if (!peer->tls)
		return 0;
	return client_tls_open(peer->tls, connection->fd, clock_monotonic_ms() + CONNECT_TIMEOUT_MS,
			       &connection->stream, &fault);
}

static void set_sends_left(struct load_connection *connection)
{
	connection->sends_left = connection->churn > 0 ? connection->churn : UINT64_MAX;
}

int load_connection_open(struct load_connection *connection, const struct load_options *options, size_t frame_size_max,
			 struct load_peer *peer)
{
	*connection = (struct load_connection){
		.fd = -1,
		.depth = options->depth,
		.churn = options->churn,
		.is_timed = options->timeout_ms > 0,
		.slots = calloc(options->depth, sizeof(*connection->slots)),
		.out_size = options->depth * frame_size_max,
		.in_size = LOAD_ANSWER_SIZE_MAX + READ_SIZE,
	};
	// Pages nobody writes to cost nothing, so both can be as large as they may ever have to be.
	connection->out = malloc(connection->out_size);
	connection->in = malloc(connection->in_size);
	if (!connection->slots || !connection->out || !connection->in)
		return -ENOMEM;
	set_sends_left(connection);
	int error = connect_to(peer, &connection->fd);
	if (error == 0)
		error = shake_hands(connection, peer);
	if (error == 0)
		bound_unsent(connection);
	if (error < 0 || peer->size > 0)
		return error;
	peer->size = sizeof(peer->address);
	return getpeername(connection->fd, (struct sockaddr *)&peer->address, &peer->size) < 0 ? -errno : 0;
}

// Connecting a Unix socket waits only while the listener's queue is full, and could not be waited for otherwise.
static int connect_at_once(struct load_connection *connection, const struct load_peer *peer)
{
	connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 || connect(connection->fd, (const struct sockaddr *)&peer->address, peer->size) < 0 ||
	    fcntl(connection->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int begin_to_connect(struct load_connection *connection, const struct load_peer *peer)
{
	connection->fd = socket(peer->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection->fd < 0)
		return -errno;
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (connect(connection->fd, (const struct sockaddr *)&peer->address, peer->size) == 0)
		return 0;
	connection->is_connecting = errno == EINPROGRESS;
	return connection->is_connecting ? 0 : -errno;
}

int load_connection_reopen(struct load_connection *connection, const struct load_peer *peer)
{
	int error;
	tls_stream_destroy(connection->stream);
	connection->stream = NULL;
	close(connection->fd);
	connection->fd = -1;
	connection->in_begin = connection->in_end = connection->out_begin = connection->out_end = 0;
	connection->connect_ns = clock_monotonic_ns();
	if (peer->connect)
		error = peer->connect(peer->server, &connection->fd);
	else if (peer->address.ss_family == AF_UNIX)
		error = connect_at_once(connection, peer);
	else
		error = begin_to_connect(connection, peer);
	if (error == 0)
		bound_unsent(connection);
	connection->is_connecting = connection->is_connecting || peer->tls;
	if (error == 0 && !connection->is_connecting)
		set_sends_left(connection);
	return error;
}

static int finish_tcp(struct load_connection *connection)
{
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

int load_connection_finish_connecting(struct load_connection *connection, const struct load_peer *peer)
{
	struct fault fault = {0};
	int error = connection->stream ? 0 : finish_tcp(connection);
	if (error == 0 && peer->tls && !connection->stream)
		error = client_tls_begin(peer->tls, connection->fd, &connection->stream, &fault);
	if (error == 0 && peer->tls)
		error = tls_stream_shake(connection->stream);
	if (error < 0)
		return error;
	connection->is_connecting = false;
	set_sends_left(connection);
	return 0;
}

void load_connection_close(struct load_connection *connection)
{
	tls_stream_destroy(connection->stream);
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
	connection->sends_left--;
	uint32_t place = connection->first_slot + connection->in_flight++;
	if (place >= connection->depth)
		place -= connection->depth;
	connection->slots[place] = *slot;
	return copy;
}

bool load_connection_waits_for_room(const struct load_connection *connection)
{
	if (connection->stream && tls_stream_has_output(connection->stream))
		return true;
	if (connection->is_connecting)
		return !connection->stream;
	return connection->out_begin < connection->out_end;
}

static void drop_written(struct load_connection *connection, size_t count)
{
	connection->out_begin += count;
	if (connection->out_begin == connection->out_end)
		connection->out_begin = connection->out_end = 0;
}

// A record takes less than there may be.
static int write_sealed(struct load_connection *connection)
{
	while (connection->out_begin < connection->out_end) {
		const struct bytes rest = {connection->out + connection->out_begin,
					   connection->out_end - connection->out_begin};
		const ssize_t count = tls_stream_send(connection->stream, rest);
		if (count < 0)
			return count == -EAGAIN ? 0 : (int)count;
		drop_written(connection, (size_t)count);
	}
	const int error = tls_stream_flush(connection->stream);
	return error == -EAGAIN ? 0 : error;
}

int load_connection_write(struct load_connection *connection)
{
	if (connection->stream)
		return write_sealed(connection);
	const size_t size = connection->out_end - connection->out_begin;
	const ssize_t count = send(connection->fd, connection->out + connection->out_begin, size, MSG_NOSIGNAL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	drop_written(connection, (size_t)count);
	return 0;
}

// Like read(2), with its errors as results. READ_SIZE is more than a stream decrypts at once: nothing stays behind in
// it that the socket does not announce.
static ssize_t read_some(struct load_connection *connection)
{
	char *room = connection->in + connection->in_end;
	if (connection->stream)
		return tls_stream_receive(connection->stream, room, READ_SIZE);
	const ssize_t count = read(connection->fd, room, READ_SIZE);
	return count < 0 ? -errno : count;
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
	const ssize_t count = read_some(connection);
	if (count < 0)
		return count == -EAGAIN || count == -EINTR ? 0 : (int)count;
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
