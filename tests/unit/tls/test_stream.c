// SPDX-License-Identifier: Apache-2.0
// A stream on one end of a pair of sockets, a server's engine at the other.
#include "tests/unit/daemon/net/certificates.h"
#include "tests/unit/unit.h"
#include "tls/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MUCH = 1024 * 1024 };

static struct certificates certificates;
static struct tls_context *client_context, *server_context;
static struct tls_stream *stream;
static struct tls_engine *server;
static int ours, theirs;

static void setup_certificates(void)
{
	certificates_create(&certificates);
}

static void teardown_certificates(void)
{
	certificates_destroy(&certificates);
}

static void setup(void)
{
	char ca[CERTIFICATES_PATH_SIZE], cert[CERTIFICATES_PATH_SIZE], key[CERTIFICATES_PATH_SIZE], why[TLS_WHY_SIZE];
	int pair[2];
	const struct tls_settings client = {.role = TLS_CLIENT,
					    .ca_file = certificates_path(&certificates, "ca.pem", ca)};
	const struct tls_settings own = {.role = TLS_SERVER,
					 .cert_file = certificates_path(&certificates, "server.pem", cert),
					 .key_file = certificates_path(&certificates, "server.key", key)};
	ck_assert_msg(tls_context_create(&client, &client_context, why) == 0, "%s", why);
	ck_assert_msg(tls_context_create(&own, &server_context, why) == 0, "%s", why);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	ck_assert_int_eq(tls_engine_create(server_context, NULL, &server), 0);
	ck_assert_int_eq(tls_stream_create(client_context, "localhost", ours, &stream), 0);
}

static void teardown(void)
{
	tls_stream_destroy(stream);
	tls_engine_destroy(server);
	tls_context_destroy(client_context);
	tls_context_destroy(server_context);
	close(ours);
	close(theirs);
}

// The server's side of the wire: what has arrived, and what is to be sent (never more than the socket takes here).
static void turn_server(void)
{
	char bytes[4096];
	ssize_t got;
	size_t size;
	while ((got = read(theirs, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(tls_engine_receive(server, (struct bytes){bytes, (size_t)got}), 0);
	while ((size = tls_engine_send(server, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(write(theirs, bytes, size), (ssize_t)size);
}

static void open_both(void)
{
	int result;
	while ((result = tls_stream_shake(stream)) == -EAGAIN)
		turn_server();
	ck_assert_int_eq(result, 0);
	turn_server();
	ck_assert(tls_engine_is_open(server));
}

static char byte_at(size_t place)
{
	return (char)(place * 2654435761u >> 13);
}

START_TEST(what_is_said_is_heard)
{
	char bytes[16];
	open_both();
	ck_assert_int_eq(tls_stream_send(stream, BYTES_LITERAL("hello")), 5);
	ck_assert(!tls_stream_has_output(stream));
	turn_server();
	ck_assert_int_eq(tls_engine_read(server, bytes, sizeof(bytes)), 5);
	ck_assert_mem_eq(bytes, "hello", 5);
	ck_assert_int_eq(tls_stream_receive(stream, bytes, sizeof(bytes)), -EAGAIN); // a ticket is nothing for us
	ck_assert_int_eq(tls_engine_write(server, BYTES_LITERAL("goodbye")), 0);
	turn_server();
	ck_assert_int_eq(tls_stream_receive(stream, bytes, 4), 4);
	ck_assert(tls_stream_has_input(stream));
	ck_assert_int_eq(tls_stream_receive(stream, bytes + 4, 12), 3);
	ck_assert(!tls_stream_has_input(stream));
	ck_assert_mem_eq(bytes, "goodbye", 7);
	ck_assert_int_eq(tls_stream_receive(stream, bytes, sizeof(bytes)), -EAGAIN);
}
END_TEST

START_TEST(a_full_socket_holds_it_up_and_loses_nothing)
{
	char *sent = malloc(MUCH), plain[8192];
	size_t taken = 0, heard = 0;
	int waits = 0;
	open_both();
	for (size_t i = 0; i < MUCH; i++)
		sent[i] = byte_at(i);
	while (heard < MUCH) {
		const ssize_t part = tls_stream_send(stream, (struct bytes){sent + taken, MUCH - taken});
		if (taken < MUCH && part > 0) {
			taken += (size_t)part;
			continue;
		}
		waits += taken < MUCH && part == -EAGAIN && tls_stream_has_output(stream) ? 1 : 0;
		turn_server();
		for (ssize_t got; (got = tls_engine_read(server, plain, sizeof(plain))) > 0; heard += (size_t)got)
			ck_assert_mem_eq(plain, sent + heard, (size_t)got);
	}
	ck_assert_int_gt(waits, 0);
	ck_assert_uint_eq(taken, MUCH);
	ck_assert_int_eq(tls_stream_flush(stream), 0);
	free(sent);
}
END_TEST

START_TEST(the_end_is_an_end_with_a_goodbye_and_without)
{
	char bytes[16];
	open_both();
	if (_i == 0) {
		tls_engine_close(server);
		turn_server();
	} else {
		ck_assert_int_eq(shutdown(theirs, SHUT_WR), 0);
	}
	ssize_t got;
	while ((got = tls_stream_receive(stream, bytes, sizeof(bytes))) == -EAGAIN)
		;
	ck_assert_int_eq(got, 0);
}
END_TEST

START_TEST(goodbye_is_said)
{
	char bytes[16];
	open_both();
	tls_stream_destroy(stream);
	stream = NULL;
	turn_server();
	ck_assert_int_eq(tls_engine_read(server, bytes, sizeof(bytes)), -EPIPE);
}
END_TEST

START_TEST(a_handshake_that_fails_says_why)
{
	ck_assert_int_eq(tls_stream_shake(stream), -EAGAIN);
	ck_assert_int_eq(write(theirs, "-ERR unknown command\r\n", 22), 22);
	ck_assert_int_eq(tls_stream_shake(stream), -EBADMSG);
	ck_assert_int_eq(tls_engine_failure(tls_stream_engine(stream)), TLS_FAILURE_NOT_TLS);
}
END_TEST

START_TEST(a_peer_that_goes_away_ends_the_handshake)
{
	ck_assert_int_eq(tls_stream_shake(stream), -EAGAIN);
	ck_assert_int_eq(shutdown(theirs, SHUT_RDWR), 0);
	ck_assert_int_eq(tls_stream_shake(stream), -ECONNRESET);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls/stream");
	TCase *tcase = tcase_create("stream");
	tcase_add_unchecked_fixture(tcase, setup_certificates, teardown_certificates);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_said_is_heard);
	tcase_add_test(tcase, a_full_socket_holds_it_up_and_loses_nothing);
	tcase_add_loop_test(tcase, the_end_is_an_end_with_a_goodbye_and_without, 0, 2);
	tcase_add_test(tcase, goodbye_is_said);
	tcase_add_test(tcase, a_handshake_that_fails_says_why);
	tcase_add_test(tcase, a_peer_that_goes_away_ends_the_handshake);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
