// SPDX-License-Identifier: Apache-2.0
// A worker on a thread of its own over a store in a temporary folder, spoken to in frames through real sockets.
#pragma once

#include "daemon/rpc/worker.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/methods.h"
#include "tests/unit/store/store_fixture.h"

enum { RPC_FIXTURE_LOG_ENTRIES = 1200, RPC_FIXTURE_WORKERS_MAX = 4 };

struct rpc_fixture {
	struct store_fixture store;
	struct service service;
	struct worker *worker;
	struct worker *writes; // NULL: there is none
	pthread_t thread, writes_thread;
	bool is_stopping;
};

// A world: tariffs t and t-staff, group g (tariff t) with point CP-1 (EVSE EVSE-1), customer c attached with t-staff,
// token 04AA of c, foreign token 04FF of DE*LAD; point CP-2 in no group.
void rpc_fixture_start(struct rpc_fixture *fixture);
// The same with a worker for writes.
void rpc_fixture_start_with_writes(struct rpc_fixture *fixture);
// Stops the worker unless that was done, checks that it ends, and removes everything.
void rpc_fixture_finish(struct rpc_fixture *fixture);
void rpc_fixture_stop(struct rpc_fixture *fixture, uint32_t timeout_ms);
int rpc_fixture_connect(struct rpc_fixture *fixture);
// Customers with names of 1,000 bytes, so that a snapshot does not fit into any socket.
void rpc_fixture_fill(struct rpc_fixture *fixture, int customers);

// ---------------------------------------------------------------- the client's side

struct answer {
	struct frame frame;
	struct arena arena; // of the body and what is decoded
};

void send_data(int fd, const void *data, size_t size);
// Any frame; `length` of the header is the body's unless frame->size is set, which then is sent as the length field.
void send_frame(int fd, const struct frame *frame);
void send_request(int fd, enum method method, uint32_t request_id, const struct schema *schema, const void *message);
void send_authorize(int fd, uint32_t request_id, const char *uid, uint64_t min_revision);
void send_put_customer(int fd, uint32_t request_id, const char *id);

// The next frame; the test fails when none comes. answer_finish() afterwards.
void receive(int fd, struct answer *ret_answer);
void answer_finish(struct answer *answer);
void expect_end(int fd);
// The next frame must answer this request with this status.
void expect_status(int fd, uint32_t request_id, enum status_code status);
void expect_fault(int fd, uint32_t request_id, enum status_code status, const char *part_of_message);
void expect_verdict(int fd, uint32_t request_id, enum verdict verdict);
// The same, decoded: lives in the answer.
void *receive_message(int fd, uint32_t request_id, const struct schema *schema, struct answer *ret_answer);
