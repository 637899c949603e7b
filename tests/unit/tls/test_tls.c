// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/certificates.h"
#include "tests/unit/unit.h"
#include "tls/tls.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

static struct certificates certificates;
static char why[TLS_WHY_SIZE];

// Two engines whose bytes are carried by hand.
struct pair {
	struct tls_context *client_context, *server_context;
	struct tls_engine *client, *server;
	int client_result, server_result;
};

static struct tls_context *make_context(enum tls_role role, const char *ca, const char *own)
{
	char paths[3][CERTIFICATES_PATH_SIZE], name[64];
	struct tls_settings settings = {.role = role};
	struct tls_context *context;
	if (ca != NULL)
		settings.ca_file = certificates_path(&certificates, ca, paths[0]);
	if (own != NULL) {
		snprintf(name, sizeof(name), "%s.pem", own);
		settings.cert_file = certificates_path(&certificates, name, paths[1]);
		snprintf(name, sizeof(name), "%s.key", own);
		settings.key_file = certificates_path(&certificates, name, paths[2]);
	}
	ck_assert_msg(tls_context_create(&settings, &context, why) == 0, "%s", why);
	return context;
}

// Carries what `from` has for the socket; `step` bytes at a time.
static bool carry(struct tls_engine *from, struct tls_engine *to, int *result, size_t step)
{
	char bytes[4096];
	size_t size;
	bool has_moved = false;
	while ((size = tls_engine_send(from, bytes, step)) > 0) {
		has_moved = true;
		const int received = tls_engine_receive(to, (struct bytes){bytes, size});
		if (*result == 0)
			*result = received;
	}
	return has_moved;
}

static void shake_hands(struct pair *pair, size_t step)
{
	while (carry(pair->client, pair->server, &pair->server_result, step) |
	       carry(pair->server, pair->client, &pair->client_result, step))
		;
}

static void open_pair(struct pair *pair, const char *host, struct tls_context *client, struct tls_context *server)
{
	*pair = (struct pair){.client_context = client, .server_context = server};
	ck_assert_int_eq(tls_engine_create(client, host, &pair->client), 0);
	ck_assert_int_eq(tls_engine_create(server, NULL, &pair->server), 0);
}

static void close_pair(struct pair *pair)
{
	tls_engine_destroy(pair->client);
	tls_engine_destroy(pair->server);
	tls_context_destroy(pair->client_context);
	tls_context_destroy(pair->server_context);
}

static void setup(void)
{
	certificates_create(&certificates);
}

static void teardown(void)
{
	certificates_destroy(&certificates);
}

static void say(struct tls_engine *from, struct tls_engine *to, const char *text)
{
	char plain[64];
	int result = 0;
	ck_assert_int_eq(tls_engine_write(from, bytes_from(text)), 0);
	ck_assert(carry(from, to, &result, 100));
	ck_assert_int_eq(result, 0);
	ck_assert_int_eq(tls_engine_read(to, plain, sizeof(plain)), (ssize_t)strlen(text));
	ck_assert_mem_eq(plain, text, strlen(text));
	ck_assert_int_eq(tls_engine_read(to, plain, sizeof(plain)), 0);
}

static const char *const good_hosts[] = {"localhost", "127.0.0.1", "a.redis.example"};
static const size_t steps[] = {1, 7, 4096};

START_TEST(both_sides_understand_each_other)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct pair pair;
		open_pair(&pair, good_hosts[_i], make_context(TLS_CLIENT, "ca.pem", NULL),
			  make_context(TLS_SERVER, NULL, "server"));
		ck_assert_int_eq(tls_engine_write(pair.client, BYTES_LITERAL("early")), -ENOTCONN);
		shake_hands(&pair, steps[i]);
		ck_assert_msg(pair.client_result == 0, "%s", tls_engine_why(pair.client));
		ck_assert(tls_engine_is_open(pair.client) && tls_engine_is_open(pair.server));
		say(pair.client, pair.server, "hello");
		say(pair.server, pair.client, "and goodbye");
		close_pair(&pair);
	}
}
END_TEST

static const struct {
	const char *host, *ca, *server, *why;
	enum tls_failure failure;
} bad[] = {
	{"elsewhere", "ca.pem", "server", "hostname mismatch", TLS_FAILURE_HOST},
	{"a.b.redis.example", "ca.pem", "server", "hostname mismatch", TLS_FAILURE_HOST},
	{"127.0.0.2", "ca.pem", "server", "IP address mismatch", TLS_FAILURE_HOST},
	{"localhost", "other-ca.pem", "server", "issuer", TLS_FAILURE_UNTRUSTED},
	{"localhost", NULL, "server", "issuer", TLS_FAILURE_UNTRUSTED},
	{"localhost", "ca.pem", "expired", "expired", TLS_FAILURE_EXPIRED},
	{"localhost", "ca.pem", "ca", "hostname mismatch", TLS_FAILURE_HOST},
};

START_TEST(a_certificate_that_is_not_right_is_refused)
{
	struct pair pair;
	open_pair(&pair, bad[_i].host, make_context(TLS_CLIENT, bad[_i].ca, NULL),
		  make_context(TLS_SERVER, NULL, bad[_i].server));
	shake_hands(&pair, 4096);
	ck_assert_int_eq(pair.client_result, -EBADMSG);
	ck_assert(!tls_engine_is_open(pair.client));
	ck_assert_msg(strstr(tls_engine_why(pair.client), bad[_i].why) != NULL, "%s", tls_engine_why(pair.client));
	ck_assert_int_eq(tls_engine_failure(pair.client), bad[_i].failure);
	ck_assert_int_eq(pair.server_result, -EBADMSG);
	ck_assert_int_eq(tls_engine_failure(pair.server), TLS_FAILURE_REFUSED);
	ck_assert_int_eq(tls_engine_write(pair.client, BYTES_LITERAL("x")), -EBADMSG);
	close_pair(&pair);
}
END_TEST

START_TEST(a_server_with_a_ca_wants_a_certificate)
{
	struct pair pair;
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", NULL),
		  make_context(TLS_SERVER, "ca.pem", "server"));
	shake_hands(&pair, 4096);
	ck_assert_int_eq(pair.server_result, -EBADMSG);
	ck_assert_int_eq(tls_engine_failure(pair.server), TLS_FAILURE_NO_CERTIFICATE);
	close_pair(&pair);
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", "client"),
		  make_context(TLS_SERVER, "ca.pem", "server"));
	shake_hands(&pair, 4096);
	ck_assert_int_eq(pair.server_result, 0);
	say(pair.client, pair.server, "hello");
	close_pair(&pair);
}
END_TEST

START_TEST(what_is_no_tls_is_refused)
{
	struct pair pair;
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", NULL),
		  make_context(TLS_SERVER, NULL, "server"));
	ck_assert_int_eq(tls_engine_receive(pair.client, BYTES_LITERAL("-ERR unknown command\r\n")), -EBADMSG);
	ck_assert_str_ne(tls_engine_why(pair.client), "");
	ck_assert_int_eq(tls_engine_receive(pair.client, BYTES_LITERAL("x")), -EBADMSG);
	ck_assert_int_eq(tls_engine_receive(pair.server, BYTES_LITERAL("GET / HTTP/1.1\r\n\r\n")), -EBADMSG);
	ck_assert_int_eq(tls_engine_failure(pair.client), TLS_FAILURE_NOT_TLS);
	ck_assert_int_eq(tls_engine_failure(pair.server), TLS_FAILURE_NOT_TLS);
	close_pair(&pair);
}
END_TEST

START_TEST(a_goodbye_is_heard_and_a_forged_record_is_refused)
{
	struct pair pair;
	char plain[16], record[256];
	int result = 0;
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", NULL),
		  make_context(TLS_SERVER, NULL, "server"));
	shake_hands(&pair, 4096);
	tls_engine_close(pair.server);
	ck_assert(carry(pair.server, pair.client, &result, 4096));
	ck_assert_int_eq(tls_engine_read(pair.client, plain, sizeof(plain)), -EPIPE);
	ck_assert_int_eq(tls_engine_write(pair.client, BYTES_LITERAL("hello")), 0);
	const size_t size = tls_engine_send(pair.client, record, sizeof(record));
	record[size - 1] ^= 1;
	ck_assert_int_eq(tls_engine_receive(pair.server, (struct bytes){record, size}), 0);
	ck_assert_int_eq(tls_engine_read(pair.server, plain, sizeof(plain)), -EBADMSG);
	close_pair(&pair);
}
END_TEST

START_TEST(much_goes_through)
{
	struct pair pair;
	enum { SIZE = 1024 * 1024 };
	char *sent = malloc(SIZE), *got = malloc(SIZE);
	int result = 0;
	size_t used = 0;
	ssize_t size;
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", NULL),
		  make_context(TLS_SERVER, NULL, "server"));
	shake_hands(&pair, 4096);
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 2654435761u >> 13);
	ck_assert_int_eq(tls_engine_write(pair.client, (struct bytes){sent, SIZE}), 0);
	ck_assert(carry(pair.client, pair.server, &result, 4096));
	while ((size = tls_engine_read(pair.server, got + used, SIZE - used)) > 0)
		used += (size_t)size;
	ck_assert_uint_eq(used, SIZE);
	ck_assert_mem_eq(sent, got, SIZE);
	free(sent);
	free(got);
	close_pair(&pair);
}
END_TEST

static size_t memory_in_use(void)
{
	const struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd; // large blocks are counted apart
}

// What they once held they hold no more.
START_TEST(quiet_engines_hold_no_buffers)
{
	struct pair pair;
	enum { SIZE = 512 * 1024, SLACK = 4096 };
	char *plain = calloc(1, SIZE);
	int result = 0;
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", NULL),
		  make_context(TLS_SERVER, NULL, "server"));
	shake_hands(&pair, 4096);
	say(pair.client, pair.server, "hello");
	say(pair.server, pair.client, "hello");
	const size_t before = memory_in_use();
	ck_assert_int_eq(tls_engine_write(pair.client, (struct bytes){plain, SIZE}), 0);
	ck_assert(carry(pair.client, pair.server, &result, 4096));
	while (tls_engine_read(pair.server, plain, SIZE) > 0)
		;
	ck_assert_uint_le(memory_in_use(), before + SLACK);
	free(plain);
	close_pair(&pair);
}
END_TEST

START_TEST(the_last_day_of_the_peer_is_known)
{
	enum { DAY_S = 24 * 60 * 60 };
	struct pair pair;
	open_pair(&pair, "localhost", make_context(TLS_CLIENT, "ca.pem", NULL),
		  make_context(TLS_SERVER, NULL, "server"));
	shake_hands(&pair, 4096);
	const int64_t left = tls_engine_expires_s(pair.client) - (int64_t)time(NULL);
	ck_assert(left > DAY_S && left <= 2 * DAY_S);
	ck_assert_int_eq(tls_engine_expires_s(pair.server), INT64_MAX); // a client without a certificate
	close_pair(&pair);
}
END_TEST

// Each pair's contexts stay with the first one.
static bool resumes(struct pair *first, struct pair *ret_pair)
{
	open_pair(ret_pair, "localhost", first->client_context, first->server_context);
	shake_hands(ret_pair, 4096);
	ck_assert_int_eq(ret_pair->client_result, 0);
	return tls_engine_is_resumed(ret_pair->client) && tls_engine_is_resumed(ret_pair->server);
}

START_TEST(a_session_is_taken_up_again_once)
{
	char ca[CERTIFICATES_PATH_SIZE];
	const struct tls_settings settings = {
		.role = TLS_CLIENT, .ca_file = certificates_path(&certificates, "ca.pem", ca), .resumes = true};
	struct tls_context *client;
	struct pair first, others[3];
	ck_assert_int_eq(tls_context_create(&settings, &client, why), 0);
	open_pair(&first, "localhost", client, make_context(TLS_SERVER, NULL, "server"));
	shake_hands(&first, 4096);
	say(first.server, first.client, "and a ticket");
	ck_assert(resumes(&first, &others[0]));
	ck_assert(!resumes(&first, &others[1])); // the first one's is used up, the second one's was not read yet
	say(others[0].server, others[0].client, "another one");
	ck_assert(resumes(&first, &others[2]));
	for (int i = 0; i < 3; i++) {
		tls_engine_destroy(others[i].client);
		tls_engine_destroy(others[i].server);
	}
	close_pair(&first);
}
END_TEST

START_TEST(a_session_of_files_that_were_replaced_is_not_taken_up)
{
	char ca[CERTIFICATES_PATH_SIZE];
	const struct tls_settings settings = {
		.role = TLS_CLIENT, .ca_file = certificates_path(&certificates, "ca.pem", ca), .resumes = true};
	struct tls_context *client, *newer;
	struct pair first, other;
	ck_assert_int_eq(tls_context_create(&settings, &client, why), 0);
	ck_assert_int_eq(tls_context_create(&settings, &newer, why), 0);
	open_pair(&first, "localhost", client, make_context(TLS_SERVER, NULL, "server"));
	shake_hands(&first, 4096);
	tls_context_replace(client, &newer);
	say(first.server, first.client, "and a ticket");
	ck_assert(!resumes(&first, &other));
	tls_engine_destroy(other.client);
	tls_engine_destroy(other.server);
	close_pair(&first);
}
END_TEST

START_TEST(every_failure_has_a_name_of_its_own)
{
	for (int i = 0; i < TLS_FAILURES_COUNT; i++) {
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(tls_failure_name((enum tls_failure)i), tls_failure_name((enum tls_failure)j));
	}
}
END_TEST

START_TEST(files_that_do_not_fit_are_named)
{
	char ca[CERTIFICATES_PATH_SIZE], cert[CERTIFICATES_PATH_SIZE], key[CERTIFICATES_PATH_SIZE];
	struct tls_context *context;
	certificates_path(&certificates, "names", ca);
	struct tls_settings settings = {.role = TLS_CLIENT, .ca_file = ca};
	ck_assert_int_eq(tls_context_create(&settings, &context, why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, ca));
	certificates_path(&certificates, "server.pem", cert);
	certificates_path(&certificates, "client.key", key);
	settings = (struct tls_settings){.role = TLS_CLIENT, .cert_file = cert, .key_file = key};
	ck_assert_int_eq(tls_context_create(&settings, &context, why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, key));
	settings.key_file = "/nonexistent";
	ck_assert_int_eq(tls_context_create(&settings, &context, why), -EINVAL);
	settings.key_file = NULL;
	ck_assert_int_eq(tls_context_create(&settings, &context, why), -EINVAL);
	settings = (struct tls_settings){.role = TLS_SERVER};
	ck_assert_int_eq(tls_context_create(&settings, &context, why), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("tls");
	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, both_sides_understand_each_other, 0, ARRAY_SIZE(good_hosts));
	tcase_add_loop_test(tcase, a_certificate_that_is_not_right_is_refused, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, a_server_with_a_ca_wants_a_certificate);
	tcase_add_test(tcase, what_is_no_tls_is_refused);
	tcase_add_test(tcase, a_goodbye_is_heard_and_a_forged_record_is_refused);
	tcase_add_test(tcase, much_goes_through);
	tcase_add_test(tcase, quiet_engines_hold_no_buffers);
	tcase_add_test(tcase, the_last_day_of_the_peer_is_known);
	tcase_add_test(tcase, a_session_is_taken_up_again_once);
	tcase_add_test(tcase, a_session_of_files_that_were_replaced_is_not_taken_up);
	tcase_add_test(tcase, every_failure_has_a_name_of_its_own);
	tcase_add_test(tcase, files_that_do_not_fit_are_named);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
