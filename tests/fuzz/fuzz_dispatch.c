// SPDX-License-Identifier: Apache-2.0
// Whatever a peer sends, to a real worker over a real store: frames, dispatch and every method. What comes back must be
// frames, and the connection must end when the peer has said all it has to say.
#include "daemon/notify/notifier.h"
#include "daemon/rpc/lister.h"
#include "daemon/rpc/restores.h"
#include "daemon/rpc/snapshots.h"
#include "daemon/rpc/worker.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "proto/methods.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ARENA_SIZE = 16 * 1024 * 1024 };

// One daemon for all inputs: none of them may harm it.
static struct {
	char directory[64];
	struct service service;
	struct worker *worker;
	pthread_t thread;
} rig;

static const char world[] =
	"{\"changes\":["
	"{\"put_tariff\":{\"id\":\"t\",\"currency\":\"EUR\","
	"\"elements\":[{\"price_components\":[{\"type\":\"ENERGY\",\"price\":0.25}]}]}},"
	"{\"put_charge_group\":{\"id\":\"g\",\"type\":\"OTHER\",\"tariff_id\":\"t\",\"open_to_roaming\":true}},"
	"{\"put_charge_point\":{\"id\":\"CP-1\",\"evses\":[{\"evse_id\":\"EVSE-1\"}]}},"
	"{\"put_charge_point\":{\"id\":\"CP-2\"}},"
	"{\"put_customer\":{\"id\":\"c\"}},"
	"{\"put_token\":{\"uid\":\"04AA\",\"type\":\"RFID\",\"customer_id\":\"c\"}},"
	"{\"put_token\":{\"uid\":\"04FF\",\"type\":\"RFID\",\"issuer\":{\"country_code\":\"DE\",\"party_id\":\"LAD\"}}}"
	","
	"{\"attach_charge_points\":{\"charge_group_id\":\"g\",\"charge_point_ids\":[\"CP-1\"]}},"
	"{\"attach_customers\":{\"charge_group_id\":\"g\",\"customer_ids\":[\"c\"],\"tariff_id\":\"t\"}}]}";

// ---------------------------------------------------------------- the peer

static int connect_to_worker(void)
{
	int pair[2];
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	ASSERT(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
	worker_take_connection(rig.worker, pair[1]);
	return pair[0];
}

// All of it, unless the connection is closed meanwhile: that is what happens to a peer that makes no sense.
static void send_all(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t sent = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		done += (size_t)sent;
	}
}

// The size of what was read: less than `size` only at the end.
static size_t read_up_to(int fd, char *buffer, size_t size)
{
	size_t done = 0;
	while (done < size) {
		const ssize_t received = recv(fd, buffer + done, size - done, 0);
		if (received <= 0)
			break;
		done += (size_t)received;
	}
	return done;
}

// False at the end of the connection.
static bool read_answer(int fd, struct frame *ret_frame)
{
	static char body[FRAME_SIZE_MAX_DEFAULT];
	char header[FRAME_HEADER_SIZE];
	const size_t size = read_up_to(fd, header, sizeof(header));
	if (size == 0)
		return false;
	ASSERT(size == sizeof(header));
	const struct bytes bytes = {.data = header, .size = size};
	ASSERT(frame_parse_header(bytes, FRAME_SIZE_MAX_DEFAULT, ret_frame) == FRAME_READY);
	ASSERT(ret_frame->kind == FRAME_RESPONSE || ret_frame->kind == FRAME_STREAM_ITEM ||
	       ret_frame->kind == FRAME_STREAM_END);
	ASSERT(ret_frame->status <= STATUS_UNAUTHENTICATED && ret_frame->status != STATUS_INTERNAL);
	ASSERT(read_up_to(fd, body, ret_frame->body.size) == ret_frame->body.size);
	return true;
}

static void put_world(void)
{
	struct arena arena;
	struct fault fault = {0};
	struct frame frame = {.kind = FRAME_REQUEST, .method = METHOD_APPLY};
	char header[FRAME_HEADER_SIZE];
	void *set;
	arena_init(&arena, ARENA_SIZE, ARENA_SIZE);
	ASSERT(json_decode(&schema_change_set, bytes_from(world), &arena, &set, &fault) == 0);
	ASSERT(codec_encode(&schema_change_set, set, &arena, &frame.body) == 0);
	frame_write_header(header, &frame);
	const int fd = connect_to_worker();
	send_all(fd, header, sizeof(header));
	send_all(fd, frame.body.data, frame.body.size);
	ASSERT(read_answer(fd, &frame) && frame.status == STATUS_OK);
	close(fd);
	arena_finish(&arena);
}

// ---------------------------------------------------------------- the daemon

static void *run(void *worker)
{
	worker_run(worker);
	return NULL;
}

static void stop(void)
{
	static const char *const files[] = {"data.mdb", "data.mdb-lock", "LOCK"};
	char path[128];
	atomic_store(&rig.service.stopping, true);
	notifier_stop(rig.service.notifier);
	worker_stop(rig.worker, 10000, NULL, 0);
	pthread_join(rig.thread, NULL);
	worker_destroy(rig.worker);
	clients_destroy(rig.service.clients);
	restores_destroy(rig.service.restores);
	snapshots_destroy(rig.service.snapshots);
	notifier_destroy(rig.service.notifier);
	lister_destroy(rig.service.lister);
	store_close(rig.service.store);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig.directory, files[i]);
		unlink(path);
	}
	rmdir(rig.directory);
}

static void start(void)
{
	struct service *service = &rig.service;
	struct fault fault = {0};
	snprintf(rig.directory, sizeof(rig.directory), "/tmp/evauth-fuzz-XXXXXX");
	ASSERT(mkdtemp(rig.directory) != NULL);
	const struct store_options options = {
		.directory = rig.directory, .map_size = 1024 * 1024 * 1024, .readers_max = 16, .queue_max = 64};
	ASSERT(store_open(&options, &service->store, &fault) == 0);
	service->frame_size_max = FRAME_SIZE_MAX_DEFAULT;
	service->workers_count = 1;
	service->queue_max = 64;
	service->limits.connections_max = 100;
	service->limits.inflight_bytes_max = 1024 * 1024;
	service->limits.idle_timeout_ms = 60000;
	service->limits.frame_timeout_ms = 60000;
	service->limits.write_timeout_ms = 60000;
	service->min_revision_wait_ms = 1; // most of the revisions asked for never come
	service->snapshot_timeout_ms = 60000;
	ASSERT(lister_create(service, &service->lister) == 0);
	ASSERT(notifier_create(service->store, service->frame_size_max, &service->notifier) == 0);
	ASSERT(restores_create(service, &service->restores) == 0);
	ASSERT(snapshots_create(service->store, &service->snapshots) == 0);
	ASSERT(clients_create(&service->budgets, service->workers_count, &service->clients) == 0);
	ASSERT(worker_create(service, &rig.worker) == 0);
	ASSERT(pthread_create(&rig.thread, NULL, run, rig.worker) == 0);
	ASSERT(atexit(stop) == 0);
	put_world();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame;
	if (rig.worker == NULL)
		start();
	const int fd = connect_to_worker();
	send_all(fd, data, size);
	shutdown(fd, SHUT_WR);
	while (read_answer(fd, &frame)) {
	}
	close(fd);
	return 0;
}
