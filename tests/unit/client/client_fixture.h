// SPDX-License-Identifier: Apache-2.0
// One client and one fake daemon, for the tests of libevauth.
#pragma once

#include "client/evauth.h"
#include "tests/unit/client/fake_server.h"
#include "tests/unit/unit.h"

#include <errno.h>

enum { FIXTURE_FRAME_SIZE_MAX = 64 * 1024 }; // of answers

static struct fake_server server;
static struct evauth_client *client;
static struct arena arena;

static inline void fixture_setup(void)
{
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
}

static inline void fixture_teardown(void)
{
	evauth_client_destroy(client);
	arena_finish(&arena);
	fake_server_stop(&server);
}

static inline void make_client(uint32_t call_timeout_ms)
{
	const struct evauth_options options = {
		.server = server.name, .call_timeout_ms = call_timeout_ms, .frame_size_max = FIXTURE_FRAME_SIZE_MAX};
	struct fault fault = {0};
	ck_assert_int_eq(evauth_client_create(&options, &client, &fault), 0);
}

static inline void start(fake_serve *serve)
{
	fake_server_start(&server, serve, NULL);
	make_client(20000);
}

static inline int ask(struct authorize_response **ret_response)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04A1"),
						  .charge_point_id = BYTES_LITERAL("cp")};
	return evauth_authorize(client, &request, &arena, ret_response);
}

// Allowed or applied, at this revision.
static inline void answer_with_revision(int fd, const struct frame *request, uint64_t revision)
{
	if (request->method == METHOD_APPLY)
		fake_answer(fd, request, FRAME_RESPONSE, &schema_apply_response,
			    &(struct apply_response){.revision = revision});
	else
		fake_answer(fd, request, FRAME_RESPONSE, &schema_authorize_response,
			    &(struct authorize_response){.verdict = VERDICT_ALLOWED, .revision = revision});
}

// Answers everything, with the connection's number as revision.
static inline void serve_answers(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	while (fake_read(fd, &request))
		answer_with_revision(fd, &request, (uint64_t)number);
}

static inline void serve_refusals(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request))
		fake_refuse(fd, &request, STATUS_NOT_FOUND, "no such thing");
}

// Reads one request and closes.
static inline void serve_nothing(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	(void)fake_read(fd, &request);
}

static inline int run_client_tests(const char *name, const TTest *const *tests, size_t count)
{
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	Suite *suite = suite_create(name);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
