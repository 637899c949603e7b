// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_notify.h"

#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct rpc_fixture fixture;
static struct watchdog *watchdog;
static int manager; // the service manager's socket

static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char pid[32];
	rpc_fixture_start(&fixture);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", fixture.store.directory.path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "400000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(watchdog_create(fixture.store.store, &fixture.worker, 1, &watchdog), 0);
}

static void teardown(void)
{
	close(manager);
	rpc_fixture_finish(&fixture);
	watchdog_destroy(watchdog);
}

// The next message of the daemon, "" when there is none.
static const char *next_message(void)
{
	static char message[512];
	const ssize_t size = recv(manager, message, sizeof(message) - 1, 0);
	message[size > 0 ? size : 0] = '\0';
	return message;
}

START_TEST(the_manager_hears_of_every_state)
{
	notify_loading(5, 10);
	ck_assert_ptr_nonnull(strstr(next_message(), "STATUS=Loading: 5 of 10"));
	notify_ready("Serving");
	ck_assert_str_eq(next_message(), "READY=1\nSTATUS=Serving");
	notify_reloading();
	ck_assert_ptr_nonnull(strstr(next_message(), "RELOADING=1\nMONOTONIC_USEC="));
	notify_stopping();
	ck_assert_ptr_nonnull(strstr(next_message(), "STOPPING=1"));
}
END_TEST

START_TEST(the_watchdog_hears_from_us_while_all_make_progress)
{
	ck_assert_uint_eq(watchdog_period_ms(watchdog), 100);
	for (int heard = 0; heard < 5;) {
		watchdog_look(watchdog);
		const char *message = next_message();
		if (message[0] != '\0') {
			ck_assert_str_eq(message, "WATCHDOG=1");
			heard++;
		}
		sched_yield();
	}
}
END_TEST

START_TEST(a_writer_that_stands_still_silences_the_watchdog)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	watchdog_look(watchdog); // asks
	while (next_message()[0] != '\0')
		;
	for (int i = 0; i < 50; i++) {
		watchdog_look(watchdog);
		ck_assert_str_eq(next_message(), "");
	}
	test_gate_open(&gate);
	do {
		watchdog_look(watchdog);
		sched_yield();
	} while (next_message()[0] == '\0');
}
END_TEST

START_TEST(a_worker_that_stands_still_silences_the_watchdog)
{
	struct worker *workers[2] = {fixture.worker, NULL};
	struct watchdog *both;
	ck_assert_int_eq(worker_create(&fixture.service, &workers[1]), 0); // nobody runs it
	ck_assert_int_eq(watchdog_create(fixture.store.store, workers, 2, &both), 0);
	watchdog_look(both); // nobody was asked before: counts as alive
	next_message();
	for (int i = 0; i < 50; i++) {
		watchdog_look(both);
		ck_assert_str_eq(next_message(), "");
	}
	rpc_fixture_stop(&fixture, 1000);
	worker_destroy(workers[1]);
	store_fixture_apply(&fixture.store, change_put_customer("x", "")); // the writer has answered what was before
	watchdog_destroy(both);
}
END_TEST

START_TEST(without_a_manager_it_looks_once_a_second_and_says_nothing)
{
	struct watchdog *silent;
	unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(watchdog_create(fixture.store.store, &fixture.worker, 1, &silent), 0);
	ck_assert_uint_eq(watchdog_period_ms(silent), 1000);
	for (int i = 0; i < 10; i++)
		watchdog_look(silent);
	ck_assert_str_eq(next_message(), "");
	watchdog_destroy(silent);
	watchdog_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/server_notify");
	TCase *tests = tcase_create("server_notify");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_manager_hears_of_every_state);
	tcase_add_test(tests, the_watchdog_hears_from_us_while_all_make_progress);
	tcase_add_test(tests, a_writer_that_stands_still_silences_the_watchdog);
	tcase_add_test(tests, a_worker_that_stands_still_silences_the_watchdog);
	tcase_add_test(tests, without_a_manager_it_looks_once_a_second_and_says_nothing);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
