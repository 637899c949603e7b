// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/tcp_fixture.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int stamped[2];

void tcp_pair_create(int *ret_client, int *ret_server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const struct timeval patience = {.tv_sec = 20};
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
	ck_assert_int_eq(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	*ret_client = client;
	*ret_server = accept(listener, NULL, NULL);
	close(listener);
}

static bool has_stamp(int socket)
{
	char byte, control[256];
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ck_assert_int_eq(recvmsg(socket, &message, 0), 1);
	return CMSG_FIRSTHDR(&message) != NULL;
}

// The kernel begins a moment after the first socket of the machine has asked, and stops after the last one.
void tcp_stamps_begin(void)
{
	tcp_pair_create(&stamped[0], &stamped[1]);
	ck_assert_int_eq(setsockopt(stamped[1], SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int)), 0);
	do
		ck_assert_int_eq(send(stamped[0], "x", 1, 0), 1);
	while (!has_stamp(stamped[1]));
}

void tcp_stamps_end(void)
{
	close(stamped[0]);
	close(stamped[1]);
}

void let_pass(uint64_t ms)
{
	const uint64_t end = clock_wall_ns() + ms * 1000000;
	while (clock_wall_ns() <= end)
		sched_yield();
}
