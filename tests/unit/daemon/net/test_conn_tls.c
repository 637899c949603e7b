// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/certificates.h"
#include "tests/unit/daemon/net/net_fixture.h"
#include "tests/unit/unit.h"
#include "tls/tls.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

enum { KEY_UPDATES_MAX = 32, MEBIBYTE = 1024 * 1024 };

static struct certificates certificates;
static struct fixture fixture;

static void setup(void)
{
	char cert[CERTIFICATES_PATH_SIZE], key[CERTIFICATES_PATH_SIZE], why[TLS_WHY_SIZE];
	certificates_create(&certificates);
	signal(SIGPIPE, SIG_IGN); // OpenSSL's sockets
	fixture_start(&fixture);
	const struct tls_settings settings = {.role = TLS_SERVER,
					      .cert_file = certificates_path(&certificates, "server.pem", cert),
					      .key_file = certificates_path(&certificates, "server.key", key)};
	ck_assert_msg(tls_context_create(&settings, &fixture.tls, why) == 0, "%s", why);
}

static void teardown(void)
{
	fixture_stop(&fixture);
	tls_context_destroy(fixture.tls);
	certificates_destroy(&certificates);
}

// ---------------------------------------------------------------- the client's side

struct client {
	SSL_CTX *context;
	SSL *ssl;
	int fd;
};

static void shake_hands(struct client *client)
{
	client->fd = fixture_connect_tls(&fixture);
	client->context = SSL_CTX_new(TLS_client_method());
	client->ssl = SSL_new(client->context);
	SSL_set_fd(client->ssl, client->fd);
	ck_assert_int_eq(SSL_connect(client->ssl), 1);
}

static void leave(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	close(client->fd);
}

static void echo(struct client *client, size_t payload_size)
{
	const uint32_t size = (uint32_t)(MESSAGE_HEADER + payload_size);
	char *sent = malloc(size), *got = malloc(size);
	memset(sent, 'e', size);
	memcpy(sent, &size, sizeof(size));
	ck_assert_int_eq(SSL_write(client->ssl, sent, (int)size), (int)size);
	for (uint32_t done = 0; done < size;) {
		const int part = SSL_read(client->ssl, got + done, (int)(size - done));
		ck_assert_int_gt(part, 0);
		done += (uint32_t)part;
	}
	ck_assert_mem_eq(sent, got, size);
	free(sent);
	free(got);
}

// Asks for the other side's to be changed as well. False: there is no other side any more.
static bool change_keys(struct client *client)
{
	return SSL_key_update(client->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(client->ssl) == 1;
}

// ---------------------------------------------------------------- changes of keys

START_TEST(a_change_of_keys_is_answered_though_there_is_nothing_else_to_say)
{
	struct client client;
	char byte;
	shake_hands(&client);
	echo(&client, 10); // behind the ticket
	for (int i = 0; i < KEY_UPDATES_MAX; i++)
		ck_assert(change_keys(&client));
	ck_assert_int_eq(recv(client.fd, &byte, 1, MSG_PEEK), 1);
	echo(&client, 10);
	leave(&client);
}
END_TEST

START_TEST(who_does_nothing_but_change_keys_is_cut)
{
	struct client client;
	shake_hands(&client);
	for (int i = 0; i < 1000 && change_keys(&client); i++)
		;
	wait_for(&fixture.closed, 1);
	ck_assert_int_eq(atomic_load(&fixture.last_end), CONN_END_ERROR);
	leave(&client);
}
END_TEST

START_TEST(who_sends_much_may_change_keys_often)
{
	struct client client;
	shake_hands(&client);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < KEY_UPDATES_MAX; i++)
			ck_assert(change_keys(&client));
		echo(&client, MEBIBYTE);
	}
	leave(&client);
}
END_TEST

// ---------------------------------------------------------------- handshakes

// The oldest goes, so nobody can keep others out by being silent.
START_TEST(silent_handshakes_make_room_for_those_who_speak)
{
	enum { MAX = 3 };
	int silent[MAX];
	struct client client;
	atomic_store(&fixture.limits.handshakes_max, MAX);
	for (int i = 0; i < MAX; i++)
		silent[i] = fixture_connect_tls(&fixture);
	ck_assert_uint_eq(atomic_load(&fixture.limits.handshakes), MAX);
	shake_hands(&client);
	echo(&client, 10);
	ck_assert_uint_eq(read_to_end(silent[0]), 0);
	ck_assert_uint_eq(atomic_load(&fixture.limits.handshakes_displaced), 1);
	ck_assert_uint_eq(atomic_load(&fixture.limits.handshakes), MAX - 1);
	// What is over takes no room: neither that one, nor who gave up.
	close(silent[2]);
	while (atomic_load(&fixture.limits.handshakes) != MAX - 2)
		sched_yield();
	silent[2] = fixture_connect_tls(&fixture);
	silent[0] = fixture_connect_tls(&fixture);
	ck_assert_uint_eq(atomic_load(&fixture.limits.handshakes_displaced), 1);
	const int newest = fixture_connect_tls(&fixture);
	ck_assert_uint_eq(read_to_end(silent[1]), 0);
	echo(&client, 10);
	leave(&client);
	close(newest);
	for (int i = 0; i < MAX; i++)
		close(silent[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/conn_tls");
	TCase *tests = tcase_create("conn_tls");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_change_of_keys_is_answered_though_there_is_nothing_else_to_say);
	tcase_add_test(tests, who_does_nothing_but_change_keys_is_cut);
	tcase_add_test(tests, who_sends_much_may_change_keys_often);
	tcase_add_test(tests, silent_handshakes_make_room_for_those_who_speak);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
