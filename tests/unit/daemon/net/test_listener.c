// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/listener.h"
#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct temporary folder;
static char path[128];

static void setup(void)
{
	temporary_create(&folder);
	temporary_file(&folder, "socket", path);
}

static void teardown(void)
{
	temporary_remove(&folder);
}

static struct address loopback(void)
{
	struct address address;
	ck_assert_int_eq(address_resolve("127.0.0.1:0", &address, 1), 1);
	return address;
}

// ---------------------------------------------------------------- binding

START_TEST(port_0_becomes_the_port_taken_and_others_may_share_it)
{
	struct address address = loopback();
	int first, second;
	ck_assert_int_eq(listener_bind_tcp(&address, true, &first), 0);
	const uint16_t port = address_port(&address);
	ck_assert_uint_ne(port, 0);
	ck_assert_int_eq(listener_bind_tcp(&address, false, &second), 0);
	ck_assert_uint_eq(address_port(&address), port);
	close(first);
	close(second);
}
END_TEST

// Both would succeed with SO_REUSEPORT, and share the connections of one another.
START_TEST(a_port_somebody_listens_on_is_refused_to_the_first)
{
	struct address address = loopback();
	int fd, other;
	ck_assert_int_eq(listener_bind_tcp(&address, true, &fd), 0);
	ck_assert_int_eq(listener_bind_tcp(&address, true, &other), -EADDRINUSE);
	close(fd);
	ck_assert_int_eq(listener_bind_tcp(&address, true, &other), 0);
	close(other);
}
END_TEST

START_TEST(a_unix_socket_has_its_mode)
{
	struct stat st;
	int fd;
	uint64_t inode;
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, LISTENER_UNIX_MODE);
	ck_assert_uint_eq(st.st_ino, inode);
	close(fd);
}
END_TEST

START_TEST(a_unix_socket_nobody_answers_on_is_replaced)
{
	int fd;
	uint64_t inode;
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), 0);
	close(fd); // the file stays, as after a crash
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), 0);
	listener_unlink_unix(path, inode);
	ck_assert_int_eq(access(path, F_OK), -1);
	close(fd);
}
END_TEST

START_TEST(a_unix_socket_of_somebody_who_lives_is_left_alone)
{
	int fd, other;
	uint64_t inode, other_inode;
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), 0);
	ck_assert_int_eq(listener_bind_unix(path, &other, &other_inode), -EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(fd);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	uint64_t inode;
	close(fd);
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), -EEXIST);
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	listener_unlink_unix(path, st.st_ino);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_socket_file_of_somebody_else_is_not_removed)
{
	int fd;
	uint64_t inode;
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), 0);
	listener_unlink_unix(path, inode + 1);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(fd);
}
END_TEST

START_TEST(a_path_that_does_not_fit_is_refused)
{
	char long_path[200];
	int fd;
	uint64_t inode;
	memset(long_path, 'a', sizeof(long_path));
	long_path[108] = '\0';
	ck_assert_int_eq(listener_bind_unix(long_path, &fd, &inode), -ENAMETOOLONG);
	ck_assert_int_eq(listener_bind_unix("/nonexistent/folder/socket", &fd, &inode), -ENOENT);
}
END_TEST

// ---------------------------------------------------------------- accepting

struct acceptor {
	struct loop *loop;
	struct listener *listener;
	pthread_t thread;
	_Atomic uint32_t accepted;
	_Atomic bool stop;
	uint32_t kept_count;
	int kept[64];
};

static void on_accept(void *context, int fd)
{
	struct acceptor *acceptor = context;
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	acceptor->kept[acceptor->kept_count++] = fd;
	atomic_fetch_add(&acceptor->accepted, 1);
}

static void on_wake(void *context)
{
	struct acceptor *acceptor = context;
	if (atomic_load(&acceptor->stop))
		loop_stop(acceptor->loop);
	while (acceptor->kept_count > 0)
		close(acceptor->kept[--acceptor->kept_count]);
}

static void *run(void *argument)
{
	loop_run(((struct acceptor *)argument)->loop);
	return NULL;
}

static void acceptor_start(struct acceptor *acceptor)
{
	const struct loop_hooks hooks = {.on_wake = on_wake, .context = acceptor};
	const struct listener_handler handler = {.on_accept = on_accept, .context = acceptor};
	int fd;
	uint64_t inode;
	memset(acceptor, 0, sizeof(*acceptor));
	ck_assert_int_eq(loop_create(&acceptor->loop), 0);
	loop_set_hooks(acceptor->loop, &hooks);
	ck_assert_int_eq(listener_bind_unix(path, &fd, &inode), 0);
	ck_assert_int_eq(listener_create(acceptor->loop, fd, &handler, &acceptor->listener), 0);
	ck_assert_int_eq(pthread_create(&acceptor->thread, NULL, run, acceptor), 0);
}

static void acceptor_stop(struct acceptor *acceptor)
{
	atomic_store(&acceptor->stop, true);
	loop_wake(acceptor->loop);
	pthread_join(acceptor->thread, NULL);
	listener_destroy(acceptor->listener);
	listener_destroy(NULL);
	loop_destroy(acceptor->loop);
}

static int connect_to(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void wait_for_accepts(struct acceptor *acceptor, uint32_t count)
{
	while (atomic_load(&acceptor->accepted) < count)
		sched_yield();
}

START_TEST(connections_are_accepted)
{
	struct acceptor acceptor;
	acceptor_start(&acceptor);
	for (uint32_t i = 1; i <= 10; i++) {
		const int fd = connect_to();
		wait_for_accepts(&acceptor, i);
		close(fd);
	}
	acceptor_stop(&acceptor);
}
END_TEST

// libuv 1.44 spins for ever in this case.
START_TEST(without_descriptors_it_pauses_and_goes_on_later)
{
	struct acceptor acceptor;
	struct rlimit limit;
	int fillers[1024], count = 0, fds[3];
	acceptor_start(&acceptor);
	for (int i = 0; i < 3; i++) // before there are none left
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fillers[count] = dup(0)) >= 0)
		count++;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
	// The loop is alive: it hears its doorbell, again and again.
	for (int i = 0; i < 100; i++)
		loop_wake(acceptor.loop);
	ck_assert_uint_eq(atomic_load(&acceptor.accepted), 0);
	while (count > 0)
		close(fillers[--count]);
	wait_for_accepts(&acceptor, 3);
	acceptor_stop(&acceptor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/listener");
	TCase *tests = tcase_create("listener");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, port_0_becomes_the_port_taken_and_others_may_share_it);
	tcase_add_test(tests, a_port_somebody_listens_on_is_refused_to_the_first);
	tcase_add_test(tests, a_unix_socket_has_its_mode);
	tcase_add_test(tests, a_unix_socket_nobody_answers_on_is_replaced);
	tcase_add_test(tests, a_unix_socket_of_somebody_who_lives_is_left_alone);
	tcase_add_test(tests, a_file_that_is_no_socket_is_left_alone);
	tcase_add_test(tests, a_socket_file_of_somebody_else_is_not_removed);
	tcase_add_test(tests, a_path_that_does_not_fit_is_refused);
	tcase_add_test(tests, connections_are_accepted);
	tcase_add_test(tests, without_descriptors_it_pauses_and_goes_on_later);
	tcase_set_timeout(tests, 30);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
