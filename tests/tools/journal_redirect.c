// SPDX-License-Identifier: Apache-2.0
// Sends what is meant for the system's journal to a socket of a test's own:
//
//     EVAUTH_JOURNAL=PATH LD_PRELOAD=.../journal_redirect.so PROGRAM
//
// libsystemd has no setting for the path of the journal's socket.
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char journal[] = "/run/systemd/journal/socket";

ssize_t sendmsg(int fd, const struct msghdr *message, int flags);

static int is_for_journal(const struct msghdr *message)
{
	const struct sockaddr_un *address = message->msg_name;
	return address != NULL && address->sun_family == AF_UNIX && strcmp(address->sun_path, journal) == 0;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const char *path = getenv("EVAUTH_JOURNAL");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct msghdr redirected = *message;
	if (path != NULL && strlen(path) < sizeof(address.sun_path) && is_for_journal(message)) {
		memcpy(address.sun_path, path, strlen(path) + 1);
		redirected.msg_name = &address;
		redirected.msg_namelen = sizeof(address);
	}
	return syscall(SYS_sendmsg, fd, &redirected, flags);
}
