// SPDX-License-Identifier: Apache-2.0
#include "client/transport.h"

#include "client/client_tls.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { TRANSPORT_READ_SIZE = 64 * 1024 };

void transport_init(struct transport *transport, struct client_tls *tls, uint32_t frame_size_max)
{
	*transport = (struct transport){.fd = -1, .tls = tls, .frame_size_max = frame_size_max};
}

void transport_finish(struct transport *transport)
{
	transport_close(transport);
	buffer_finish(&transport->in);
	buffer_finish(&transport->out);
}

int transport_connect(struct transport *transport, const struct address *address, uint64_t deadline_ms,
		      struct fault *fault)
{
	ASSERT(!transport_is_open(transport));
	transport->bytes_sent = 0;
	transport->has_heard = false;
	int result = address_connect(address, deadline_ms, &transport->fd, fault);
	if (result < 0 || transport->tls == NULL)
		return result;
	result = client_tls_open(transport->tls, transport->fd, deadline_ms, &transport->stream, fault);
	if (result < 0)
		transport_close(transport);
	return result;
}

void transport_close(struct transport *transport)
{
	tls_stream_destroy(transport->stream);
	transport->stream = NULL;
	if (transport_is_open(transport))
		close(transport->fd);
	transport->fd = -1;
	buffer_clear(&transport->in);
	buffer_clear(&transport->out);
}

bool transport_is_stale(const struct transport *transport)
{
	struct pollfd pollfd = {.fd = transport->fd, .events = POLLIN};
	char byte;
	if (buffer_size(&transport->in) > 0)
		return true;
	// TLS has messages of its own; what is left is the peer's.
	if (transport->stream != NULL)
		return tls_stream_receive(transport->stream, &byte, 1) != -EAGAIN;
	return poll(&pollfd, 1, 0) != 0;
}

int transport_queue(struct transport *transport, const struct frame *frame)
{
	char header[FRAME_HEADER_SIZE];
	frame_write_header(header, frame);
	int result = buffer_reserve(&transport->out, sizeof(header) + frame->body.size);
	if (result == 0)
		result = buffer_append(&transport->out, (struct bytes){.data = header, .size = sizeof(header)});
	return result < 0 ? result : buffer_append(&transport->out, frame->body);
}

static ssize_t send_bytes(struct transport *transport, struct bytes bytes)
{
	if (transport->stream != NULL)
		return tls_stream_send(transport->stream, bytes);
	const ssize_t sent = send(transport->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

void transport_send_some(struct transport *transport)
{
	while (buffer_size(&transport->out) > 0) {
		const ssize_t sent = send_bytes(transport, buffer_bytes(&transport->out));
		if (sent >= 0) {
			buffer_consume(&transport->out, (size_t)sent);
			transport->bytes_sent += (uint64_t)sent;
		} else if (sent == -EAGAIN) {
			return;
		} else if (sent != -EINTR) {
			buffer_clear(&transport->out);
		}
	}
	if (transport->stream != NULL)
		(void)!tls_stream_flush(transport->stream); // likewise
}

static bool has_output(const struct transport *transport)
{
	return buffer_size(&transport->out) > 0 ||
	       (transport->stream != NULL && tls_stream_has_output(transport->stream));
}

static int transport_broken(const struct transport *transport, const char *why, struct fault *fault)
{
	const bool inside = buffer_size(&transport->in) > 0;
	fault_set(fault, STATUS_UNAVAILABLE, NULL, "the connection to evauthd broke %s: %s",
		  inside ? "in the middle of an answer" : "before the answer came", why);
	return -ECONNRESET;
}

static ssize_t receive_bytes(struct transport *transport, char *room, size_t size)
{
	if (transport->stream != NULL)
		return tls_stream_receive(transport->stream, room, size);
	const ssize_t got = recv(transport->fd, room, size, 0);
	return got < 0 ? -errno : got;
}

// In TLS 1.3 a client is ready before the server has looked at its certificate. Anything but the server's own refusal
// says nothing of what became of what was sent.
static int transport_refused(struct transport *transport, struct fault *fault)
{
	const struct tls_engine *engine = tls_stream_engine(transport->stream);
	if (!transport->has_heard && tls_engine_failure(engine) == TLS_FAILURE_REFUSED)
		return client_tls_fail(transport->tls, transport->stream, -EBADMSG, fault);
	return transport_broken(transport, tls_engine_why(engine), fault);
}

static int transport_read(struct transport *transport, struct fault *fault)
{
	if (buffer_reserve(&transport->in, TRANSPORT_READ_SIZE) < 0) {
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "no memory for an answer");
		return -ENOMEM;
	}
	struct buffer *in = &transport->in;
	const ssize_t got = receive_bytes(transport, in->data + in->end, in->capacity - in->end);
	if (got > 0) {
		in->end += (size_t)got;
		transport->has_heard = true;
	} else if (got == -EBADMSG && transport->stream != NULL) {
		return transport_refused(transport, fault);
	} else if (got == 0) {
		return transport_broken(transport, "it closed the connection", fault);
	} else if (got != -EAGAIN && got != -EINTR) {
		return transport_broken(transport, strerrordesc_np((int)-got), fault);
	}
	return 0;
}

static int transport_wait(struct transport *transport, uint64_t deadline_ms, struct fault *fault)
{
	if (transport->stream != NULL && tls_stream_has_input(transport->stream))
		return transport_read(transport, fault);
	const short out = has_output(transport) ? POLLOUT : 0;
	struct pollfd pollfd = {.fd = transport->fd, .events = (short)(POLLIN | out)};
	int ready;
	do
		ready = poll(&pollfd, 1, deadline_left_ms(deadline_ms));
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return transport_broken(transport, strerrordesc_np(errno), fault);
	if (ready == 0) {
		fault_set(fault, STATUS_DEADLINE_EXCEEDED, NULL, "evauthd did not answer in time");
		return -ETIMEDOUT;
	}
	if (pollfd.revents & POLLOUT)
		transport_send_some(transport);
	return pollfd.revents & ~POLLOUT ? transport_read(transport, fault) : 0;
}

static const char *const frame_problems[] = {
	[FRAME_BAD_LENGTH] = "a frame whose length is out of bounds",
	[FRAME_BAD_VERSION] = "a frame of another protocol version",
	[FRAME_BAD_KIND] = "a frame of an unknown kind",
};

int transport_receive(struct transport *transport, uint64_t deadline_ms, struct frame *ret_frame, struct fault *fault)
{
	transport_send_some(transport);
	for (;;) {
		const struct bytes received = buffer_bytes(&transport->in);
		const enum frame_result parsed = frame_parse(received, transport->frame_size_max, ret_frame);
		if (parsed == FRAME_READY) {
			// The bytes stay where they are until the next read.
			buffer_consume(&transport->in, ret_frame->size);
			return 0;
		}
		if (parsed != FRAME_NEED_MORE) {
			fault_set(fault, STATUS_INTERNAL, NULL, "the peer does not speak evauthd's protocol: %s came",
				  frame_problems[parsed]);
			return -EPROTO;
		}
		const int result = transport_wait(transport, deadline_ms, fault);
		if (result < 0)
			return result;
	}
}
