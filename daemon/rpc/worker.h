// SPDX-License-Identifier: Apache-2.0
// A worker: one thread with its loop, its connections, its view of the image and its arena. It serves a request from
// first to last byte without locks and without malloc (DESIGN 3.1); what may take long goes to another thread and
// comes back through the worker's mailbox.
//
// Where to look for the life of a request: session.c (frames), dispatch.c (the table of methods), method_*.c.
#pragma once

#include "daemon/rpc/counters.h"
#include "daemon/rpc/service.h"

struct listener_handler;
struct worker;

// `service` outlives the worker. Any thread.
MUST_CHECK int worker_create(struct service *service, struct worker **ret_worker);
// After worker_run() returned, or without it. NULL is fine.
void worker_destroy(struct worker *worker);
// Accepts connections on `fd`, which it takes also on failure. `handler` NULL: they are this worker's own. Before
// worker_run().
MUST_CHECK int worker_listen(struct worker *worker, int fd, const struct listener_handler *handler);
// The same for connections that speak TLS, with service->tls.
MUST_CHECK int worker_listen_tls(struct worker *worker, int fd);
// The body of the worker's thread; returns when it has stopped.
void worker_run(struct worker *worker);
// The rules of service->access have changed. Any thread.
void worker_look_at_access(struct worker *worker);
// Connections of all workers that begin with changes go to this one, and stay until their first question. It does not
// listen. Before any worker_run(), and it outlives theirs.
void worker_take_writes(struct worker *worker);
// Gives the worker a connected socket. Any thread.
void worker_take_connection(struct worker *worker, int fd);

// Accepts and reads nothing more, answers what was accepted, closes all and ends worker_run(); after `timeout_ms` what
// is still open is cut. When it accepts no more, the `others_count` workers at `others`, which stay there until all
// have ended, are stopped as well: it may have accepted for them. Any thread, once.
void worker_stop(struct worker *worker, uint32_t timeout_ms, struct worker **others, uint32_t others_count);
// Asks for a sign of life; true if the one asked for before has come. Any one thread.
bool worker_is_alive(struct worker *worker);
// As long as the worker is there; read by any thread.
const struct counters *worker_counters(const struct worker *worker);
const struct conn_counters *worker_conn_counters(const struct worker *worker);
