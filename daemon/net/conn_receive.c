// SPDX-License-Identifier: Apache-2.0
// Bytes out of the socket, and when they came into it.
#include "base/clock.h"
#include "daemon/net/conn_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { NS_PER_S = 1000000000 };

// 0: the message does not say. TCP gives the moment of the last byte it hands out; what came in before the option was
// set, and Unix sockets, have none.
static uint64_t stamp_of(struct msghdr *message)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		struct timespec stamp;
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
		return (uint64_t)stamp.tv_sec * NS_PER_S + (uint64_t)stamp.tv_nsec;
	}
	return 0;
}

// TCP keeps one moment for many packets, that of the last of them. While a queue stands in the socket, what is read
// came after the moment before: that one is taken, because too young an age would let requests pass that are too late,
// and then, in a steady overload, all of them. Of a socket that was empty the last byte's moment is right enough.
static uint64_t moment_of(struct conn *conn, uint64_t stamp_ns)
{
	const uint64_t before_ns = conn->stamp_ns;
	conn->stamp_ns = stamp_ns;
	if (stamp_ns == 0)
		return clock_wall_ns();
	if (!conn->left_some || before_ns == 0)
		return stamp_ns;
	return stamp_ns == before_ns ? conn->arrived_ns : before_ns;
}

// One moment is all there is to know of what is read at once, so that is not much.
static ssize_t receive_dated(struct conn *conn, char *room, size_t size)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec part = {.iov_base = room, .iov_len = size < CONN_DATED_SIZE ? size : CONN_DATED_SIZE};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	const ssize_t received = recvmsg(conn->fd, &message, 0);
	if (received <= 0)
		return received;
	conn->arrived_ns = moment_of(conn, stamp_of(&message));
	conn->left_some = (size_t)received == part.iov_len;
	return received;
}

ssize_t conn_receive(struct conn *conn, char *room, size_t size)
{
	const size_t wanted = size < conn->input_left ? size : conn->input_left;
	if (UNLIKELY(wanted == 0)) {
		errno = EAGAIN; // 0 would be the peer's end
		return -1;
	}
	const ssize_t received =
		UNLIKELY(conn->wants_arrival) ? receive_dated(conn, room, wanted) : recv(conn->fd, room, wanted, 0);
	if (received > 0 && conn->input_left != SIZE_MAX)
		conn->input_left -= (size_t)received;
	return received;
}

void conn_want_arrival(struct conn *conn)
{
	if (conn->wants_arrival)
		return;
	conn->wants_arrival = true;
	conn->arrived_ns = clock_wall_ns();
	(void)setsockopt(conn->fd, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int)); // else: when it is read
}

uint64_t conn_arrived_ns(const struct conn *conn)
{
	return conn->arrived_ns;
}
