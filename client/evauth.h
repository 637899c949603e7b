// SPDX-License-Identifier: Apache-2.0
// libevauth: talks to evauthd over its binary RPC (DESIGN 2), over TCP, TLS or a Unix socket.
//
//     struct fault fault = {0};
//     struct evauth_client *client;
//     struct arena arena;
//     evauth_client_create(&(struct evauth_options){.server = "127.0.0.1:7420"}, &client, &fault);
//     arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
//     const struct authorize_request request = {.token_uid = bytes_from("04A1B2C3D4E5F6"), ...};
//     struct authorize_response *response;
//     if (evauth_authorize(client, &request, &arena, &response) < 0)
//             fprintf(stderr, "%s\n", evauth_fault(client)->message);
//
// Two ways to use it, not mixed while answers are outstanding:
//   calls      one request, wait for its answer: evauth_authorize() and its siblings below;
//   pipelined  many requests on their way at once: evauth_send(), evauth_receive().
//
// The connection is made by the first request and made again by the first one after it broke. A client belongs to
// one thread at a time; make one per thread. No signals: writing to a broken connection is an error, not SIGPIPE.
//
// Results are 0 or negative errno; evauth_fault() then says why, for people and as a gRPC status code:
//   -EREMOTEIO     the daemon refused: the fault is the daemon's, with field and change_number; DEADLINE_EXCEEDED is
//                  then its word that it has not done, and will not do, what was asked
//   -ECONNREFUSED, -ENOENT, -EHOSTUNREACH, ...  no connection (UNAVAILABLE): nothing was sent
//   -ECONNRESET    the connection broke before the answer came (UNAVAILABLE): for Apply the outcome is unknown
//   -ETIMEDOUT     no connection or no answer in time (DEADLINE_EXCEEDED): likewise
//   -EKEYREJECTED  TLS: one side does not accept the other's certificate (UNAUTHENTICATED): nothing was done
//   -EPROTO        what came is not our protocol (INTERNAL); the connection is closed
//   -EBUSY         a call while pipelined answers are outstanding, or too much outstanding
//   -EMSGSIZE      the request exceeds FRAME_SIZE_MAX_MAX
//   -ENOMEM        the memory, or the arena's budget, is used up
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "proto/fault.h"
#include "proto/messages.h"
#include "proto/methods.h"

#include <stdint.h>

#define EVAUTH_SERVER_DEFAULT "127.0.0.1:7420"

enum {
	EVAUTH_CONNECT_TIMEOUT_MS = 5000,
	EVAUTH_CALL_TIMEOUT_MS = 30000,
	EVAUTH_WATCH_SILENCE_MS = 10000, // at most: a daemon gives a sign of life every second
	EVAUTH_WATCH_RETRY_MIN_MS = 100,
	EVAUTH_WATCH_RETRY_MAX_MS = 5000,
	EVAUTH_IN_FLIGHT_MAX = 4096,                // pipelined requests without an answer
	EVAUTH_QUEUED_BYTES_MAX = 16 * 1024 * 1024, // pipelined requests not yet taken by the kernel
	EVAUTH_ARENA_BUDGET = 64 * 1024 * 1024,     // enough for any answer
};

struct evauth_client;

// For a server whose name begins with "tls:"; others do not look at it. PEM files, NULL or "": none. They are read by
// evauth_client_create(), and again before a new connection when they have changed: what does not fit changes nothing.
// A new connection of a client takes up the session of the one before, if the server agrees.
struct evauth_tls {
	const char *ca_file;     // whose certificates a server may show; none: the system's store
	const char *cert_file;   // ours, with the chain behind it
	const char *key_file;    // of it; others may not be able to read it (chmod o=)
	const char *server_name; // what the server's certificate must be of; none: the host of the server's name
};

struct evauth_options {
	// "HOST:PORT", "[IPV6]:PORT", "unix:PATH", with TLS "tls:HOST:PORT"; NULL: EVAUTH_SERVER_DEFAULT
	const char *server;
	struct evauth_tls tls;
	uint32_t connect_timeout_ms; // 0: EVAUTH_CONNECT_TIMEOUT_MS
	uint32_t call_timeout_ms;    // 0: EVAUTH_CALL_TIMEOUT_MS; in a stream the longest silence
	uint32_t frame_size_max;     // of answers; 0: FRAME_SIZE_MAX_MAX
	// Calls and streams tell the daemon call_timeout_ms, unless the request has a timeout_ms of its own, so that
	// it does not begin with what nobody waits for any more (PROTOCOL.md, Deadlines). True: they do not.
	bool without_deadlines;
};

// Connects to nobody yet; copies what it keeps. -EINVAL (a server or TLS's files it cannot read) or -ENOMEM.
MUST_CHECK int evauth_client_create(const struct evauth_options *options, struct evauth_client **ret_client,
				    struct fault *fault);
// Closes the connection. NULL is fine.
void evauth_client_destroy(struct evauth_client *client);

// Why the last function that failed did. Valid until the next one; never NULL.
const struct fault *evauth_fault(const struct evauth_client *client);
// The server's name as given, for messages.
const char *evauth_server(const struct evauth_client *client);

// ---------------------------------------------------------------- calls

// Each sends one request and waits for its answer, which lives in `arena` (*ret_response: untouched on failure).
// A query is sent once more when the connection breaks; Apply only if nothing of it had been sent or it carries an
// idempotency_key, because otherwise it might take effect twice.

MUST_CHECK int evauth_authorize(struct evauth_client *client, const struct authorize_request *request,
				struct arena *arena, struct authorize_response **ret_response);
MUST_CHECK int evauth_authorize_batch(struct evauth_client *client, const struct authorize_batch_request *request,
				      struct arena *arena, struct authorize_batch_response **ret_response);
MUST_CHECK int evauth_get_tariff(struct evauth_client *client, const struct get_tariff_request *request,
				 struct arena *arena, struct get_tariff_response **ret_response);
MUST_CHECK int evauth_list_visible_charge_points(struct evauth_client *client,
						 const struct list_visible_charge_points_request *request,
						 struct arena *arena,
						 struct list_visible_charge_points_response **ret_response);
MUST_CHECK int evauth_list_permitted(struct evauth_client *client, const struct list_permitted_request *request,
				     struct arena *arena, struct list_permitted_response **ret_response);
MUST_CHECK int evauth_apply(struct evauth_client *client, const struct change_set *request, struct arena *arena,
			    struct apply_response **ret_response);
MUST_CHECK int evauth_get(struct evauth_client *client, const struct get_request *request, struct arena *arena,
			  struct record **ret_response);
MUST_CHECK int evauth_search(struct evauth_client *client, const struct search_request *request, struct arena *arena,
			     struct search_response **ret_response);
MUST_CHECK int evauth_status(struct evauth_client *client, struct arena *arena, struct status_response **ret_response);
// What the daemon has counted since it started.
MUST_CHECK int evauth_figures(struct evauth_client *client, struct arena *arena,
			      struct figures_response **ret_response);

// Who uses the daemon, the busiest first.
MUST_CHECK int evauth_clients(struct evauth_client *client, const struct clients_request *request, struct arena *arena,
			      struct clients_response **ret_response);

// The log of changes; with `orphans` those that were kept aside.
MUST_CHECK int evauth_log(struct evauth_client *client, const struct log_request *request, struct arena *arena,
			  struct log_response **ret_response);
// These three are sent once: when the connection breaks before the answer, whether it was done is not known.
MUST_CHECK int evauth_adopt(struct evauth_client *client, const struct adopt_request *request, struct arena *arena,
			    struct adopt_response **ret_response);
MUST_CHECK int evauth_restore(struct evauth_client *client, const struct restore_request *request, struct arena *arena,
			      struct restore_response **ret_response);
// Takes a second per million records or so: give the client a call_timeout_ms for it.
MUST_CHECK int evauth_check(struct evauth_client *client, const struct check_request *request, struct arena *arena,
			    struct check_response **ret_response);
// Likewise.
MUST_CHECK int evauth_erase(struct evauth_client *client, const struct erase_request *request, struct arena *arena,
			    struct erase_response **ret_response);
MUST_CHECK int evauth_forget_orphans(struct evauth_client *client, const struct forget_orphans_request *request,
				     struct arena *arena, struct forget_orphans_response **ret_response);

// Who receives a snapshot. A negative errno from one of these ends the walk, closes the connection and is returned.
struct evauth_receiver {
	// One record, gone after this returns. It may call nothing on this client.
	int (*each)(void *context, const struct record *record);
	// After the last record, if all have come: what they are. Likewise gone afterwards. An older daemon does not
	// say: all fields are empty then. NULL: not wanted.
	int (*end)(void *context, const struct snapshot_end *end);
	void *context;
};

// Every record at one revision, in the order of listings: tariffs, groups, points, customers, tokens, memberships; with
// `replica` what is remembered of idempotency keys as well. A stream that breaks is not begun again: what came is
// incomplete.
MUST_CHECK int evauth_snapshot(struct evauth_client *client, const struct snapshot_request *request,
			       const struct evauth_receiver *receiver);

// Who watches the changes.
struct evauth_watcher {
	// One revision, gone after this returns; without change sets it is a sign of life. It may call nothing on this
	// client. A negative errno ends the watch and is returned.
	int (*each)(void *context, const struct event *event);
	// The stream broke, evauth_fault() says how, and is begun again after `after_revision` in a moment; called
	// before every attempt. A negative errno ends the watch, which then returns why it broke. NULL: it ends with
	// the first.
	int (*on_break)(void *context, uint64_t after_revision);
	void *context;
};

// The changes after request->after_revision (0: from now on) as they happen, once and in order, over as many
// connections as it takes; waits longer from one failed attempt to the next. Returns when the watcher says so, and when
// going on cannot help: OUT_OF_RANGE (take a snapshot, and go on after its revision) and other refusals.
MUST_CHECK int evauth_watch(struct evauth_client *client, const struct watch_request *request,
			    const struct evauth_watcher *watcher);

// What the wrappers above use: any method with one answer, by its number.
MUST_CHECK int evauth_call(struct evauth_client *client, enum method method, const void *request, struct arena *arena,
			   void *ret_response);

// ---------------------------------------------------------------- pipelined

// The answer to one pipelined request.
struct evauth_answer {
	uint32_t request_id;
	enum method method;
	bool more;          // an item of a stream: more with this id follow
	struct fault fault; // STATUS_OK, or the daemon's refusal of this request
	// The method's response; for an item of a stream its record or event, at the end of a Snapshot its SnapshotEnd.
	// NULL when refused, and at the end of other streams.
	void *response;
};

// Queues a request and sends what can be sent without waiting; call evauth_receive() to make the rest go. Connects
// (and waits for that) when there is no connection. -EBUSY: receive something first.
MUST_CHECK int evauth_send(struct evauth_client *client, enum method method, const void *request,
			   uint32_t *ret_request_id);
// The same with a request encoded already; `body` is copied.
MUST_CHECK int evauth_send_body(struct evauth_client *client, enum method method, struct bytes body,
				uint32_t *ret_request_id);
// Waits for the next answer, in whatever order the daemon gives them. -EREMOTEIO is not among its results: a refusal
// of one request is in its answer. Any failure ends the connection and every request outstanding on it.
// -ENODATA: nothing is outstanding.
MUST_CHECK int evauth_receive(struct evauth_client *client, struct arena *arena, struct evauth_answer *ret_answer);
// Requests without an answer.
uint32_t evauth_in_flight(const struct evauth_client *client);
