// SPDX-License-Identifier: Apache-2.0
#include "tls/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	RECORD_SIZE = 16 * 1024,                // plain, at most
	SEALED_SIZE = RECORD_SIZE + 1024,       // of one, and what comes along
	RECEIVE_SIZE = 2 * (RECORD_SIZE + 256), // encrypted, in one call
};

struct tls_stream {
	struct tls_engine *engine;
	int fd;
	bool has_input;
	size_t sealed_begin, sealed_end;
	char sealed[SEALED_SIZE]; // on its way to the socket
};

int tls_stream_create(struct tls_context *context, const char *host, int fd, struct tls_stream **ret_stream)
{
	struct tls_stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return -ENOMEM;
	const int result = tls_engine_create(context, host, &stream->engine);
	if (result < 0) {
		free(stream);
		return result;
	}
	stream->fd = fd;
	*ret_stream = stream;
	return 0;
}

void tls_stream_destroy(struct tls_stream *stream)
{
	if (stream == NULL)
		return;
	tls_engine_close(stream->engine);
	(void)!tls_stream_flush(stream); // who is gone does not hear it
	tls_engine_destroy(stream->engine);
	free(stream);
}

// ---------------------------------------------------------------- output

// What the engine has is taken up to the buffer's end; the rest follows when that has left.
static bool take_sealed(struct tls_stream *stream)
{
	if (stream->sealed_begin == stream->sealed_end)
		stream->sealed_begin = stream->sealed_end = 0;
	stream->sealed_end += tls_engine_send(stream->engine, stream->sealed + stream->sealed_end,
					      sizeof(stream->sealed) - stream->sealed_end);
	return stream->sealed_begin < stream->sealed_end;
}

int tls_stream_flush(struct tls_stream *stream)
{
	while (take_sealed(stream)) {
		const ssize_t sent = send(stream->fd, stream->sealed + stream->sealed_begin,
					  stream->sealed_end - stream->sealed_begin, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			stream->sealed_begin += (size_t)sent;
		else if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
	return 0;
}

bool tls_stream_has_output(const struct tls_stream *stream)
{
	return stream->sealed_begin < stream->sealed_end;
}

ssize_t tls_stream_send(struct tls_stream *stream, struct bytes plain)
{
	int result = tls_stream_flush(stream);
	if (result < 0)
		return result;
	if (plain.size > RECORD_SIZE)
		plain.size = RECORD_SIZE;
	result = tls_engine_write(stream->engine, plain);
	if (result == 0)
		result = tls_stream_flush(stream);
	return result == 0 || result == -EAGAIN ? (ssize_t)plain.size : result;
}

// ---------------------------------------------------------------- input

// 1: something came; 0: the end; -EAGAIN and other errors.
static int receive_sealed(struct tls_stream *stream)
{
	char sealed[RECEIVE_SIZE];
	ssize_t got;
	do
		got = recv(stream->fd, sealed, sizeof(sealed), MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got == 0 ? 0 : errno == EWOULDBLOCK ? -EAGAIN : -errno;
	const int result = tls_engine_receive(stream->engine, (struct bytes){.data = sealed, .size = (size_t)got});
	return result < 0 ? result : 1;
}

static ssize_t read_plain(struct tls_stream *stream, char *plain, size_t size)
{
	const ssize_t got = tls_engine_fill(stream->engine, plain, size, &stream->has_input);
	return got == 0 ? -EAGAIN : got == -EPIPE ? 0 : got;
}

ssize_t tls_stream_receive(struct tls_stream *stream, char *plain, size_t size)
{
	ssize_t got = read_plain(stream, plain, size);
	if (got != -EAGAIN)
		return got;
	const int result = receive_sealed(stream);
	if (result == 1)
		got = read_plain(stream, plain, size);
	// The engine may have to answer: to a change of keys, or with an alert. Of a broken connection the next receive
	// tells, behind what can still be read.
	(void)!tls_stream_flush(stream);
	return result == 1 ? got : result;
}

bool tls_stream_has_input(const struct tls_stream *stream)
{
	return stream->has_input;
}

int tls_stream_shake(struct tls_stream *stream)
{
	int received;
	do {
		const int flushed = tls_stream_flush(stream);
		if (tls_engine_is_open(stream->engine))
			return flushed;
		if (flushed < 0 && flushed != -EAGAIN)
			return flushed;
		received = receive_sealed(stream);
	} while (received == 1);
	if (received == -EBADMSG)
		(void)!tls_stream_flush(stream); // the alert that says why
	return received == 0 ? -ECONNRESET : received;
}

const struct tls_engine *tls_stream_engine(const struct tls_stream *stream)
{
	return stream->engine;
}
