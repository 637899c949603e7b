// SPDX-License-Identifier: Apache-2.0
// rediss://: the connection to a real Redis over TLS.
#include "tests/unit/daemon/feed/redis_fixture.h"
#include "tests/unit/daemon/net/certificates.h"
#include "tests/unit/unit.h"
#include "tls/tls.h"

#include <errno.h>
#include <string.h>

static struct certificates certificates;
static struct redis_server server;
static uint16_t tls_port;

static void start(const char *own, const char *auth_clients)
{
	char cert[CERTIFICATES_PATH_SIZE], key[CERTIFICATES_PATH_SIZE], ca[CERTIFICATES_PATH_SIZE], name[32], port[8];
	certificates_create(&certificates);
	tls_port = free_port();
	snprintf(port, sizeof(port), "%u", tls_port);
	snprintf(name, sizeof(name), "%s.pem", own);
	certificates_path(&certificates, name, cert);
	snprintf(name, sizeof(name), "%s.key", own);
	certificates_path(&certificates, name, key);
	certificates_path(&certificates, "ca.pem", ca);
	redis_server_start(&server,
			   (const char *const[]){"--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
						 "--tls-ca-cert-file", ca, "--tls-auth-clients", auth_clients, NULL});
}

static void stop(void)
{
	redis_server_stop(&server);
	certificates_destroy(&certificates);
}

static int open_client(struct redis_client *client, const char *host, const char *ca, struct tls_context **ret_tls)
{
	char path[CERTIFICATES_PATH_SIZE], why[TLS_WHY_SIZE];
	const struct tls_settings settings = {.role = TLS_CLIENT,
					      .ca_file = certificates_path(&certificates, ca, path)};
	ck_assert_msg(tls_context_create(&settings, ret_tls, why) == 0, "%s", why);
	redis_client_open(client, &(struct redis_connection_settings){
					  .host = host, .port = tls_port, .tls = *ret_tls, .name = "tls"});
	return redis_client_await_ready(client);
}

static void close_client(struct redis_client *client, struct tls_context *tls)
{
	redis_client_close(client);
	tls_context_destroy(tls);
}

START_TEST(commands_and_large_answers_pass)
{
	struct redis_client client;
	struct tls_context *tls;
	start("server", "no");
	ck_assert_msg(open_client(&client, "localhost", "ca.pem", &tls) == 0, "%s", client.error.text);
	redis_client_do(&client, "SETRANGE a 5000000 x");
	ck_assert_int_eq(client.reply_integer, 5000001);
	redis_client_do(&client, "GET a");
	ck_assert_int_eq(client.reply_type, REDIS_REPLY_STRING);
	for (int i = 0; i < 500; i++)
		redis_client_send(&client, "INCR n");
	run_until_count(client.loop, &client.replies, 502);
	ck_assert_int_eq(client.reply_integer, 500);
	redis_server_kill(&server);
	ck_assert_int_ne(redis_client_await_end(&client), 0);
	close_client(&client, tls);
	stop();
}
END_TEST

static const struct {
	const char *own, *host, *ca, *why;
} bad[] = {
	{"server", "localhost", "other-ca.pem", "certificate chain"},
	{"server", "127.0.0.2", "ca.pem", "IP address mismatch"},
	{"expired", "localhost", "ca.pem", "expired"},
};

START_TEST(a_certificate_that_is_not_right_ends_the_connection)
{
	struct redis_client client;
	struct tls_context *tls;
	start(bad[_i].own, "no");
	redis_server_do(&server, "CONFIG SET bind 0.0.0.0");
	ck_assert_int_eq(open_client(&client, bad[_i].host, bad[_i].ca, &tls), -EBADMSG);
	ck_assert_msg(strstr(client.error.text, bad[_i].why) != NULL, "%s", client.error.text);
	close_client(&client, tls);
	stop();
}
END_TEST

START_TEST(a_server_that_wants_a_certificate_says_so)
{
	struct redis_client client;
	struct tls_context *tls;
	start("server", "yes");
	ck_assert_int_ne(open_client(&client, "localhost", "ca.pem", &tls), 0);
	close_client(&client, tls);
	stop();
}
END_TEST

START_TEST(a_server_without_tls_is_told)
{
	struct redis_client client;
	struct tls_context *tls;
	start("server", "no");
	tls_port = server.port;
	ck_assert_int_ne(open_client(&client, "localhost", "ca.pem", &tls), 0);
	close_client(&client, tls);
	stop();
}
END_TEST

START_TEST(a_handshake_that_never_ends_is_given_up)
{
	struct redis_client client;
	struct tls_context *tls;
	char path[CERTIFICATES_PATH_SIZE], why[TLS_WHY_SIZE];
	certificates_create(&certificates);
	const struct tls_settings settings = {.role = TLS_CLIENT,
					      .ca_file = certificates_path(&certificates, "ca.pem", path)};
	ck_assert_int_eq(tls_context_create(&settings, &tls, why), 0);
	const uint16_t port = strange_server_start((struct bytes){0}, STRANGE_STAYS);
	redis_client_open(&client, &(struct redis_connection_settings){
					   .host = "127.0.0.1", .port = port, .tls = tls, .connect_timeout_ms = 100});
	ck_assert_int_eq(redis_client_await_end(&client), -ETIMEDOUT);
	ck_assert_msg(strstr(client.error.text, "handshake") != NULL, "%s", client.error.text);
	close_client(&client, tls);
	certificates_destroy(&certificates);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_tls");
	TCase *tcase = tcase_create("redis_tls");
	tcase_add_test(tcase, commands_and_large_answers_pass);
	tcase_add_loop_test(tcase, a_certificate_that_is_not_right_ends_the_connection, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, a_server_that_wants_a_certificate_says_so);
	tcase_add_test(tcase, a_server_without_tls_is_told);
	tcase_add_test(tcase, a_handshake_that_never_ends_is_given_up);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
