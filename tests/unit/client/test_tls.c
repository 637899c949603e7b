// SPDX-License-Identifier: Apache-2.0
// libevauth over TLS: who is spoken to, what is refused in which words, and that everything else is as without.
#include "tests/unit/client/client_fixture.h"
#include "tests/unit/client/fake_tls.h"
#include "tests/unit/daemon/net/certificates.h"

#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 300, RECORD_NAME_SIZE = 4000, REQUESTS = 2000 };

static struct certificates certificates;
static struct fake_tls tls;
static bool is_running;

// Valid for seven more.
static const char *path_of(const char *name)
{
	static char paths[8][CERTIFICATES_PATH_SIZE];
	static int next;
	return name != NULL ? certificates_path(&certificates, name, paths[next++ % 8]) : NULL;
}

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
	fixture_setup();
	is_running = false;
}

static void teardown(void)
{
	evauth_client_destroy(client);
	client = NULL;
	arena_finish(&arena);
	if (is_running)
		fake_server_stop(&server);
	tls_context_destroy(tls.context);
	tls = (struct fake_tls){0};
}

// `own` is "server", "expired"; with a CA, clients must show a certificate of it.
static void serve(const char *own, const char *ca, fake_serve *behind)
{
	char cert[64], key[64], why[TLS_WHY_SIZE];
	snprintf(cert, sizeof(cert), "%s.pem", own);
	snprintf(key, sizeof(key), "%s.key", own);
	const struct tls_settings settings = {
		.role = TLS_SERVER, .ca_file = path_of(ca), .cert_file = path_of(cert), .key_file = path_of(key)};
	tls = (struct fake_tls){.serve = behind};
	ck_assert_msg(tls_context_create(&settings, &tls.context, why) == 0, "%s", why);
	fake_server_start(&server, fake_tls_serve, &tls);
	is_running = true;
}

static struct evauth_tls files(const char *ca, const char *cert, const char *key)
{
	return (struct evauth_tls){.ca_file = path_of(ca), .cert_file = path_of(cert), .key_file = path_of(key)};
}

static void make_tls_client(const struct evauth_tls *settings, uint32_t connect_timeout_ms)
{
	char name[140];
	snprintf(name, sizeof(name), "tls:%s", server.name);
	const struct evauth_options options = {
		.server = name, .tls = *settings, .connect_timeout_ms = connect_timeout_ms, .call_timeout_ms = 20000};
	struct fault fault = {0};
	ck_assert_msg(evauth_client_create(&options, &client, &fault) == 0, "%s", fault.message);
	ck_assert_str_eq(evauth_server(client), name);
}

static void expect_answer(uint64_t revision)
{
	struct authorize_response *response;
	arena_reset(&arena);
	ck_assert_msg(ask(&response) == 0, "%s", evauth_fault(client)->message);
	ck_assert_uint_eq(response->revision, revision);
}

static void expect_failure(int result, enum status_code code, const char *field, const char *words)
{
	struct authorize_response *response;
	ck_assert_int_eq(ask(&response), result);
	const struct fault *fault = evauth_fault(client);
	ck_assert_int_eq(fault->code, code);
	ck_assert_str_eq(fault->field, field);
	ck_assert_msg(strstr(fault->message, words) != NULL, "%s", fault->message);
}

// ---------------------------------------------------------------- as without

// One answer a connection.
static void serve_one(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	if (fake_read(fd, &request))
		answer_with_revision(fd, &request, (uint64_t)number);
}

START_TEST(a_client_without_a_certificate_trusts_the_server_by_its_own)
{
	serve("server", NULL, serve_answers);
	make_tls_client(&(struct evauth_tls){.ca_file = path_of("ca.pem")}, 0);
	for (int i = 0; i < 3; i++)
		expect_answer(1);
}
END_TEST

START_TEST(both_show_certificates)
{
	const struct evauth_tls settings = files("ca.pem", "client.pem", "client.key");
	serve("server", "ca.pem", serve_answers);
	make_tls_client(&settings, 0);
	expect_answer(1);
}
END_TEST

START_TEST(a_connection_that_was_closed_is_made_again_with_its_session)
{
	const struct evauth_tls settings = files("ca.pem", "client.pem", "client.key");
	serve("server", "ca.pem", serve_one);
	make_tls_client(&settings, 0);
	for (uint64_t i = 1; i <= 4; i++)
		expect_answer(i);
	ck_assert_int_eq(atomic_load(&tls.resumed), 3);
}
END_TEST

START_TEST(pipelined_requests_are_all_answered)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04A1")};
	struct evauth_answer answer;
	uint32_t id, sent = 0, answered = 0;
	serve("server", NULL, serve_answers);
	make_tls_client(&(struct evauth_tls){.ca_file = path_of("ca.pem")}, 0);
	while (answered < REQUESTS) {
		while (sent < REQUESTS && sent - answered < 256) {
			ck_assert_int_eq(evauth_send(client, METHOD_AUTHORIZE, &request, &id), 0);
			sent++;
		}
		arena_reset(&arena);
		ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
		answered++;
	}
	ck_assert_int_eq(atomic_load(&server.connections), 1);
}
END_TEST

static void serve_snapshot(struct fake_server *self, int fd, int number)
{
	struct frame request;
	char name[RECORD_NAME_SIZE];
	(void)self;
	(void)number;
	memset(name, 'n', sizeof(name));
	const struct customer customer = {.id = BYTES_LITERAL("c"), .name = {name, sizeof(name)}};
	const struct record record = {.kind = RECORD_CUSTOMER, .customer = (struct customer *)&customer};
	while (fake_read(fd, &request)) {
		for (int i = 0; i < RECORDS; i++)
			fake_answer(fd, &request, FRAME_STREAM_ITEM, &schema_record, &record);
		fake_answer(fd, &request, FRAME_STREAM_END, &schema_snapshot_end,
			    &(struct snapshot_end){.revision = 7});
	}
}

static int count_record(void *context, const struct record *record)
{
	ck_assert_uint_eq(record->customer->name.size, RECORD_NAME_SIZE);
	(*(int *)context)++;
	return 0;
}

START_TEST(a_snapshot_larger_than_all_buffers_comes_through)
{
	int records = 0;
	const struct evauth_receiver receiver = {.each = count_record, .context = &records};
	serve("server", NULL, serve_snapshot);
	make_tls_client(&(struct evauth_tls){.ca_file = path_of("ca.pem")}, 0);
	for (int i = 1; i <= 2; i++) {
		ck_assert_msg(evauth_snapshot(client, &(struct snapshot_request){0}, &receiver) == 0, "%s",
			      evauth_fault(client)->message);
		ck_assert_int_eq(records, i * RECORDS);
	}
}
END_TEST

// ---------------------------------------------------------------- refusals

static const struct {
	const char *own, *ca, *server_name, *field, *words;
} bad_servers[] = {
	{"server", "other-ca.pem", NULL, "tls.ca_file", "other-ca.pem"},
	{"server", NULL, NULL, "tls.ca_file", "the system's store"},
	{"expired", "ca.pem", NULL, "", "expired"},
	{"server", "ca.pem", "elsewhere.example", "tls.server_name", "elsewhere.example"},
	{"server", "ca.pem", "127.0.0.2", "tls.server_name", "127.0.0.2"},
};

START_TEST(a_server_with_another_certificate_is_not_spoken_to)
{
	serve(bad_servers[_i].own, NULL, serve_answers);
	make_tls_client(&(struct evauth_tls){.ca_file = path_of(bad_servers[_i].ca),
					     .server_name = bad_servers[_i].server_name},
			0);
	expect_failure(-EKEYREJECTED, STATUS_UNAUTHENTICATED, bad_servers[_i].field, bad_servers[_i].words);
	ck_assert_int_eq(atomic_load(&server.connections), 1); // and not asked again
}
END_TEST

START_TEST(a_name_may_stand_in_for_the_host)
{
	serve("server", NULL, serve_answers);
	make_tls_client(&(struct evauth_tls){.ca_file = path_of("ca.pem"), .server_name = "a.redis.example"}, 0);
	expect_answer(1);
}
END_TEST

static const struct {
	const char *cert, *key, *words;
} bad_clients[] = {
	{NULL, NULL, "a certificate is wanted; shown was no certificate"},
	{"expired.pem", "expired.key", "has expired"},
	{"other-ca.pem", "other-ca.key", "a CA it does not know"},
};

START_TEST(a_server_s_refusal_is_told_in_its_words)
{
	const struct evauth_tls settings = files("ca.pem", bad_clients[_i].cert, bad_clients[_i].key);
	serve("server", "ca.pem", serve_answers);
	make_tls_client(&settings, 0);
	expect_failure(-EKEYREJECTED, STATUS_UNAUTHENTICATED, "tls.cert_file", bad_clients[_i].words);
	ck_assert_int_eq(atomic_load(&server.connections), 1);
}
END_TEST

// The request was read and answered: who forges the answer must not make it look refused.
START_TEST(a_forged_answer_leaves_the_outcome_open)
{
	struct apply_response *response;
	serve("server", NULL, serve_answers);
	atomic_store(&tls.forges, true);
	make_tls_client(&(struct evauth_tls){.ca_file = path_of("ca.pem")}, 0);
	ck_assert_int_eq(evauth_apply(client, &(struct change_set){0}, &arena, &response), -ECONNRESET);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_UNAVAILABLE);
}
END_TEST

static void serve_silence(struct fake_server *self, int fd, int number)
{
	char bytes[4096];
	(void)self;
	(void)number;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void serve_the_end(struct fake_server *self, int fd, int number)
{
	char bytes[4096];
	(void)self;
	(void)number;
	ck_assert_int_ge(read(fd, bytes, sizeof(bytes)), 0);
}

static void serve_nonsense(struct fake_server *self, int fd, int number)
{
	fake_write(fd, "-ERR unknown command\r\n", 22);
	serve_silence(self, fd, number);
}

static const struct {
	fake_serve *serve;
	int result;
	enum status_code code;
	uint32_t timeout_ms;
	const char *words;
} no_servers[] = {
	{serve_silence, -ETIMEDOUT, STATUS_DEADLINE_EXCEEDED, 50, "took too long"},
	{serve_the_end, -ECONNABORTED, STATUS_UNAVAILABLE, 20000, "closed during the handshake"},
	{serve_nonsense, -EPROTO, STATUS_INTERNAL, 20000, "does not speak it"},
};

START_TEST(what_is_no_server_of_tls_is_said_to_be_so)
{
	fake_server_start(&server, no_servers[_i].serve, NULL);
	is_running = true;
	make_tls_client(&(struct evauth_tls){.ca_file = path_of("ca.pem")}, no_servers[_i].timeout_ms);
	expect_failure(no_servers[_i].result, no_servers[_i].code, "", no_servers[_i].words);
}
END_TEST

// ---------------------------------------------------------------- files

static void copy(const char *from, const char *to)
{
	char command[3 * CERTIFICATES_PATH_SIZE];
	snprintf(command, sizeof(command), "cp '%s' '%s'", path_of(from), path_of(to));
	ck_assert_int_eq(system(command), 0);
}

START_TEST(files_that_have_changed_are_read_before_the_next_connection)
{
	copy("other-ca.pem", "mine-ca.pem");
	copy("expired.pem", "mine.pem");
	copy("expired.key", "mine.key");
	serve("server", "ca.pem", serve_one);
	const struct evauth_tls settings = files("mine-ca.pem", "mine.pem", "mine.key");
	make_tls_client(&settings, 0);
	expect_failure(-EKEYREJECTED, STATUS_UNAUTHENTICATED, "tls.ca_file", "mine-ca.pem");
	copy("ca.pem", "mine-ca.pem");
	expect_failure(-EKEYREJECTED, STATUS_UNAUTHENTICATED, "tls.cert_file", "has expired");
	copy("client.pem", "mine.pem"); // without its key it does not fit, and changes nothing
	expect_failure(-EKEYREJECTED, STATUS_UNAUTHENTICATED, "tls.cert_file", "has expired");
	copy("client.key", "mine.key");
	expect_answer(4);
	ck_assert_int_eq(unlink(path_of("mine.key")), 0);
	expect_answer(5);
}
END_TEST

static const struct {
	const char *ca, *cert, *key, *field, *words;
} bad_files[] = {
	{"nowhere.pem", NULL, NULL, "tls", "nowhere.pem"},
	{"names", NULL, NULL, "tls", "names"},
	{"ca.pem", "client.pem", NULL, "tls.key_file", "given together"},
	{"ca.pem", NULL, "client.key", "tls.cert_file", "given together"},
	{"ca.pem", "names", "client.key", "tls", "names"},
	{"ca.pem", "client.pem", "server.key", "tls", "server.key"},
	{"ca.pem", "client.pem", "open.key", "tls", "others may use the key"},
};

START_TEST(files_that_do_not_fit_are_named)
{
	struct fault fault = {0};
	const struct evauth_options options = {.server = "tls:localhost:1",
					       .tls = files(bad_files[_i].ca, bad_files[_i].cert, bad_files[_i].key)};
	copy("client.key", "open.key");
	ck_assert_int_eq(chmod(path_of("open.key"), 0604), 0);
	ck_assert_int_eq(evauth_client_create(&options, &client, &fault), -EINVAL);
	ck_assert_int_eq(fault.code, STATUS_INVALID_ARGUMENT);
	ck_assert_str_eq(fault.field, bad_files[_i].field);
	ck_assert_msg(strstr(fault.message, bad_files[_i].words) != NULL, "%s", fault.message);
}
END_TEST

START_TEST(other_servers_do_not_look_at_files)
{
	const struct evauth_options options = {.server = "localhost:1", .tls = files("nowhere.pem", NULL, NULL)};
	struct fault fault = {0};
	ck_assert_int_eq(evauth_client_create(&options, &client, &fault), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client/tls");
	TCase *tcase = tcase_create("tls");
	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, setup_certificates, teardown_certificates);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_client_without_a_certificate_trusts_the_server_by_its_own);
	tcase_add_test(tcase, both_show_certificates);
	tcase_add_test(tcase, a_connection_that_was_closed_is_made_again_with_its_session);
	tcase_add_test(tcase, pipelined_requests_are_all_answered);
	tcase_add_test(tcase, a_snapshot_larger_than_all_buffers_comes_through);
	tcase_add_loop_test(tcase, a_server_with_another_certificate_is_not_spoken_to, 0, ARRAY_SIZE(bad_servers));
	tcase_add_test(tcase, a_name_may_stand_in_for_the_host);
	tcase_add_loop_test(tcase, a_server_s_refusal_is_told_in_its_words, 0, ARRAY_SIZE(bad_clients));
	tcase_add_test(tcase, a_forged_answer_leaves_the_outcome_open);
	tcase_add_loop_test(tcase, what_is_no_server_of_tls_is_said_to_be_so, 0, ARRAY_SIZE(no_servers));
	tcase_add_test(tcase, files_that_have_changed_are_read_before_the_next_connection);
	tcase_add_loop_test(tcase, files_that_do_not_fit_are_named, 0, ARRAY_SIZE(bad_files));
	tcase_add_test(tcase, other_servers_do_not_look_at_files);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
