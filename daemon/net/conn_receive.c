// SPDX-License-Identifier: Apache-2.0
// Bytes out of the socket, and when they came into it.
#include "base/clock.h"
#include "daemon/net/conn_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
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

// TCP keeps one moment for many packets, that of the last of them: under a standing queue far too young for the first.
// But what was left in the socket by the last read came right behind what that one read; so its moment counts for the
// first bytes of new packets, and the reads that follow approach the moment of their last. Right to within one read of
// the connection's own traffic. Too young ages would let pass what is too late, and then, in a steady overload, all.
static uint64_t moment_of(struct conn *conn, uint64_t stamp_ns)
{
	const uint64_t before_ns = conn->stamp_ns, latest_ns = stamp_ns != 0 ? stamp_ns : clock_wall_ns();
	conn->stamp_ns = latest_ns;
	if (!conn->left_some || latest_ns < before_ns)
		return latest_ns;
	return latest_ns != before_ns ? before_ns : latest_ns - (latest_ns - conn->arrived_ns) / 2;
}

// As much as the next read takes.
static bool is_more_left(const struct conn *conn)
{
	int left = 0;
	return ioctl(conn->fd, FIONREAD, &left) == 0 && left >= CONN_DATED_SIZE;
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
	conn->left_some = (size_t)received == part.iov_len && is_more_left(conn);
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
