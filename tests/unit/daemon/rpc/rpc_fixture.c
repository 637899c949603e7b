// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/rpc/rpc_fixture.h"

#include "daemon/notify/notifier.h"
#include "daemon/rpc/lister.h"
#include "daemon/rpc/restores.h"
#include "daemon/rpc/snapshots.h"
#include "store/log.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { ARENA_SIZE = 64 * 1024 * 1024, NAME_SIZE = 1000 };

static void *run(void *worker)
{
	worker_run(worker);
	return NULL;
}

// The store's own words for changes make objects with every flag set: too many for somebody to be allowed.
static void make_world(struct store_fixture *store)
{
	struct charge_group group = {
		.id = BYTES_LITERAL("g"), .type = CHARGE_GROUP_TYPE_OTHER, .tariff_id = BYTES_LITERAL("t")};
	struct customer customer = {.id = BYTES_LITERAL("c")};
	struct token token = {.uid = BYTES_LITERAL("04AA"), .type = TOKEN_TYPE_RFID, .customer_id = BYTES_LITERAL("c")};
	const struct change changes[] = {
		change_put_tariff("t"),
		change_put_tariff("t-staff"),
		{.kind = CHANGE_PUT_CHARGE_GROUP, .put_charge_group = &group},
		change_put_point("CP-1", "EVSE-1"),
		change_put_point("CP-2", "EVSE-2"),
		{.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer},
		{.kind = CHANGE_PUT_TOKEN, .put_token = &token},
		change_put_foreign_token("04FF", "DE", "LAD"),
		change_attach_point("g", "CP-1"),
		change_attach_customer("g", "c", "t-staff"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		ck_assert_msg(store_fixture_apply(store, changes[i]) == 0, "%s", store->fault.message);
}

static void start_service(struct rpc_fixture *fixture)
{
	struct service *service = &fixture->service;
	service->store = fixture->store.store;
	service->frame_size_max = FRAME_SIZE_MAX_DEFAULT;
	service->workers_count = 1;
	service->queue_max = 8;
	service->started_at = 1700000000;
	service->limits.connections_max = 100;
	service->limits.inflight_bytes_max = 1024 * 1024;
	service->limits.idle_timeout_ms = 60000;
	service->limits.frame_timeout_ms = 60000;
	service->limits.write_timeout_ms = 60000;
	service->min_revision_wait_ms = 30000;
	service->snapshot_timeout_ms = 60000;
	ck_assert_int_eq(clients_create(&service->budgets, RPC_FIXTURE_WORKERS_MAX, &service->clients), 0);
	ck_assert_int_eq(lister_create(service, &service->lister), 0);
	ck_assert_int_eq(notifier_create(service->store, service->frame_size_max, &service->notifier), 0);
	ck_assert_int_eq(snapshots_create(service->store, &service->snapshots), 0);
	ck_assert_int_eq(restores_create(service, &service->restores), 0);
}

static void prepare(struct rpc_fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	store_fixture_init(&fixture->store);
	store_fixture_close(&fixture->store);
	fixture->store.options.queue_max = 8;
	fixture->store.options.log_entries_max = RPC_FIXTURE_LOG_ENTRIES;
	fixture->store.options.log_bytes_max = LOG_BYTES_MAX_DEFAULT;
	fixture->store.options.log_age_max_s = LOG_AGE_MAX_DEFAULT_S;
	store_fixture_open(&fixture->store);
	make_world(&fixture->store);
	start_service(fixture);
	ck_assert_int_eq(worker_create(&fixture->service, &fixture->worker), 0);
}

void rpc_fixture_start(struct rpc_fixture *fixture)
{
	prepare(fixture);
	ck_assert_int_eq(pthread_create(&fixture->thread, NULL, run, fixture->worker), 0);
}

void rpc_fixture_start_with_writes(struct rpc_fixture *fixture)
{
	prepare(fixture);
	ck_assert_int_eq(worker_create(&fixture->service, &fixture->writes), 0);
	worker_take_writes(fixture->writes);
	ck_assert_int_eq(pthread_create(&fixture->thread, NULL, run, fixture->worker), 0);
	ck_assert_int_eq(pthread_create(&fixture->writes_thread, NULL, run, fixture->writes), 0);
}

void rpc_fixture_stop(struct rpc_fixture *fixture, uint32_t timeout_ms)
{
	fixture->is_stopping = true;
	atomic_store(&fixture->service.stopping, true);
	notifier_stop(fixture->service.notifier);
	worker_stop(fixture->worker, timeout_ms, &fixture->writes, fixture->writes != NULL);
}

void rpc_fixture_finish(struct rpc_fixture *fixture)
{
	if (!fixture->is_stopping)
		rpc_fixture_stop(fixture, 10000);
	pthread_join(fixture->thread, NULL);
	if (fixture->writes != NULL)
		pthread_join(fixture->writes_thread, NULL);
	worker_destroy(fixture->writes);
	worker_destroy(fixture->worker);
	restores_destroy(fixture->service.restores);
	snapshots_destroy(fixture->service.snapshots);
	notifier_destroy(fixture->service.notifier);
	lister_destroy(fixture->service.lister);
	clients_destroy(fixture->service.clients);
	ck_assert_uint_eq(atomic_load(&fixture->service.limits.connections), 0);
	store_fixture_finish(&fixture->store);
}

int rpc_fixture_connect(struct rpc_fixture *fixture)
{
	int pair[2];
	const struct timeval patience = {.tv_sec = 20};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	ck_assert_int_eq(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	worker_take_connection(fixture->worker, pair[1]);
	return pair[0];
}

// In one set: a commit each would take most of the test's time.
void rpc_fixture_fill(struct rpc_fixture *fixture, int customers)
{
	char name[NAME_SIZE + 1];
	struct test_job job;
	struct change *changes = calloc((size_t)customers, sizeof(*changes));
	memset(name, 'n', NAME_SIZE);
	name[NAME_SIZE] = '\0';
	for (int i = 0; i < customers; i++)
		changes[i] = change_put_customer(store_fixture_text("filler-%05d", i), name);
	test_job_init(&job, changes, (size_t)customers);
	ck_assert_int_eq(test_job_submit(&job, fixture->store.store), 0);
	ck_assert_int_eq(test_job_wait(&job), 0);
	test_job_finish(&job);
	free(changes);
}

// ---------------------------------------------------------------- sending

void send_data(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t sent = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
		ck_assert_msg(sent > 0, "send: errno %d", errno);
		done += (size_t)sent;
	}
}

void send_frame(int fd, const struct frame *frame)
{
	char *memory = malloc(FRAME_HEADER_SIZE + frame->body.size);
	frame_write_header(memory, frame);
	if (frame->body.size > 0)
		memcpy(memory + FRAME_HEADER_SIZE, frame->body.data, frame->body.size);
	send_data(fd, memory, FRAME_HEADER_SIZE + frame->body.size);
	free(memory);
}

void send_request(int fd, enum method method, uint32_t request_id, const struct schema *schema, const void *message)
{
	struct arena arena;
	struct frame frame = {.kind = FRAME_REQUEST, .method = (uint16_t)method, .request_id = request_id};
	arena_init(&arena, 4096, ARENA_SIZE);
	ck_assert_int_eq(codec_encode(schema, message, &arena, &frame.body), 0);
	send_frame(fd, &frame);
	arena_finish(&arena);
}

void send_authorize(int fd, uint32_t request_id, const char *uid, uint64_t min_revision)
{
	const struct authorize_request request = {
		.token_uid = bytes_from(uid),
		.charge_point_id = BYTES_LITERAL("CP-1"),
		.min_revision = min_revision,
	};
	send_request(fd, METHOD_AUTHORIZE, request_id, &schema_authorize_request, &request);
}

void send_put_customer(int fd, uint32_t request_id, const char *id)
{
	struct customer customer = {.id = bytes_from(id)};
	struct change change = {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer};
	const struct change_set set = {.changes = &change, .changes_count = 1};
	send_request(fd, METHOD_APPLY, request_id, &schema_change_set, &set);
}

// ---------------------------------------------------------------- receiving

static void read_exactly(int fd, char *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t received = recv(fd, buffer + done, size - done, 0);
		ck_assert_msg(received > 0, "no answer came: %zd, errno %d", received, errno);
		done += (size_t)received;
	}
}

void receive(int fd, struct answer *answer)
{
	char header[FRAME_HEADER_SIZE];
	read_exactly(fd, header, sizeof(header));
	const struct bytes bytes = {.data = header, .size = sizeof(header)};
	ck_assert_int_eq(frame_parse_header(bytes, FRAME_SIZE_MAX_MAX, &answer->frame), FRAME_READY);
	arena_init(&answer->arena, 4096, ARENA_SIZE);
	char *body = arena_alloc(&answer->arena, answer->frame.body.size);
	read_exactly(fd, body, answer->frame.body.size);
	answer->frame.body.data = body;
}

void answer_finish(struct answer *answer)
{
	arena_finish(&answer->arena);
}

void expect_end(int fd)
{
	char byte;
	const ssize_t received = recv(fd, &byte, 1, 0);
	ck_assert_msg(received == 0 || (received < 0 && errno == ECONNRESET), "%zd, errno %d", received, errno);
}

static void receive_status(int fd, uint32_t request_id, enum status_code status, struct answer *answer,
			   struct fault *fault)
{
	receive(fd, answer);
	*fault = (struct fault){0};
	if (answer->frame.status != STATUS_OK)
		codec_decode_fault(answer->frame.status, answer->frame.body, &answer->arena, fault);
	ck_assert_msg(answer->frame.status == status, "%s: %s", status_code_name(answer->frame.status), fault->message);
	ck_assert_uint_eq(answer->frame.request_id, request_id);
	ck_assert_uint_eq(fault->code, status);
}

void expect_status(int fd, uint32_t request_id, enum status_code status)
{
	expect_fault(fd, request_id, status, "");
}

void expect_fault(int fd, uint32_t request_id, enum status_code status, const char *part)
{
	struct answer answer;
	struct fault fault;
	receive_status(fd, request_id, status, &answer, &fault);
	ck_assert_msg(strstr(fault.message, part) != NULL, "%s", fault.message);
	ck_assert(status == STATUS_OK || fault.message[0] != '\0');
	answer_finish(&answer);
}

void *receive_message(int fd, uint32_t request_id, const struct schema *schema, struct answer *answer)
{
	struct fault fault;
	void *message = NULL;
	receive_status(fd, request_id, STATUS_OK, answer, &fault);
	ck_assert_int_eq(codec_decode(schema, CODEC_STRICT, answer->frame.body, &answer->arena, &message, &fault), 0);
	return message;
}

void expect_verdict(int fd, uint32_t request_id, enum verdict verdict)
{
	struct answer answer;
	const struct authorize_response *response =
		receive_message(fd, request_id, &schema_authorize_response, &answer);
	ck_assert_int_eq(response->verdict, verdict);
	ck_assert_uint_eq(answer.frame.method, METHOD_AUTHORIZE);
	answer_finish(&answer);
}
