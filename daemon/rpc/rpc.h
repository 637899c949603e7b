// SPDX-License-Identifier: Apache-2.0
// What the files of daemon/rpc share: a method's row, a call, a job, the worker from inside. Private to this folder.
//
// Glossary: a *call* is a request on the worker's stack while it is looked at; a *job* is a request that is answered
// by another thread; a *waiter* is one that waits for its min_revision.
#pragma once

#include "base/arena.h"
#include "base/log.h"
#include "daemon/net/listener.h"
#include "daemon/net/mailbox.h"
#include "daemon/rpc/access.h"
#include "daemon/rpc/counters.h"
#include "daemon/rpc/lister.h"
#include "daemon/rpc/restores.h"
#include "daemon/rpc/snapshots.h"
#include "daemon/rpc/worker.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/methods.h"
#include "store/listing.h"

enum {
	WORKER_ARENA_CHUNK = 256 * 1024,
	WORKER_ARENA_BUDGET = 16 * 1024 * 1024,
	WORKER_LISTENERS_MAX = 128,
	JOB_ARENA_CHUNK = 16 * 1024,
	JOB_ARENA_BUDGET = 32 * 1024 * 1024,
	REQUESTS_PER_TURN_MAX = 256, // of one connection, so that the others get their turn
	CALLS_MAX = 64,              // answered side by side
	// Of change sets that a worker decodes in a turn of its loop, after which those who ask come first. One set may
	// be larger.
	WRITE_BYTES_PER_TURN_MAX = 64 * 1024,
};

struct call;
struct job;

// A row of the table in dispatch.c. One of answer, answer_calls, list and start is set; none: the method is not there
// yet.
struct method_row {
	const char *name;
	enum role role; // who may call it
	const struct schema *request;
	const struct schema *response;
	uint32_t body_size_max;
	enum codec_mode mode;
	// What the request wants to see; NULL: nothing.
	uint64_t (*min_revision)(const void *request);
	// Answered at once, in request order, from the worker's image. The response borrows from the worker's arena and
	// the image.
	int (*answer)(struct worker *worker, const void *request, const void **ret_response, struct fault *fault);
	// The same, but up to `calls_max` calls of one connection at a time, and it decodes and encodes by itself,
	// straight from and to the connection's buffers.
	void (*answer_calls)(const struct call *calls, size_t count);
	uint32_t calls_max; // 0 counts as 1
	bool is_query;      // listings give way to it
	// Whether the answer tells if a token exists. Not for those with answer_calls, which always do.
	bool (*asks_for_token)(const void *request);
	// Of those: whether the answer, by being empty, says that there is none. NOT_FOUND says so without it.
	bool (*found_none)(const void *response);
	// Answered when ready by the lister's thread.
	int (*list)(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		    struct fault *fault);
	// Answered when ready by whoever gets the job here. On failure the job is still the caller's.
	int (*start)(struct job *job);
};

// A request, for as long as its frame is in the input.
struct call {
	struct worker *worker;
	struct conn *conn;
	uint16_t number; // of the method, echoed even if there is none
	uint32_t request_id;
	const struct method_row *method; // NULL in answers to what is no request
	struct bytes body;
};

// A request on its way through another thread. The worker makes it and gets it back by job_post().
struct job {
	struct store_job store; // the arena, result and fault of every job; the rest is for Apply
	struct mail mail;
	struct worker *worker;
	struct conn_ref conn;
	const struct method_row *method;
	uint32_t request_id;
	uint64_t since_ns; // clock_wall_ns() when the frame was read
	size_t held;       // bytes, for conn_hold()
	const void *request;
	const void *response; // set: still to be encoded by the worker
	struct bytes body;    // else: the encoded response
	bool has_paid;        // for a token that may be unknown: budget_settle_token()
	bool found_no_token;
	struct job *next; // in the lister's queue
};

struct waiters {
	struct waiter *first, *last;
	_Atomic uint32_t count; // also read by the writer's thread
	struct loop_timer *timer;
};

struct worker {
	struct service *service;
	bool takes_writes; // the one of service->writes
	struct loop *loop;
	struct conn_set *conns;
	struct store_reader *reader;
	const struct image *image; // pinned since the first request of this turn; NULL: not yet
	uint64_t now_ns;           // wall clock of this turn, read when something first wants it; 0: not yet
	uint64_t since_ns;         // when the waiter that is being answered was read; 0: what is answered is new
	uint64_t late_ns;          // of that waiter: call_late_ns()
	struct counters counters;
	uint64_t write_turn;              // the last turn in which changes were decoded,
	size_t write_bytes;               // and how many bytes of them
	uint32_t turn_calls[METHODS_MAX]; // answered in this turn and not yet written, by method
	uint32_t clients_index;           // of this worker among the counters of a client
	struct client_counters *client;   // of the client that is being answered
	uint32_t unknown_tokens;          // asked for by it, not charged yet
	struct arena arena;               // of the request being answered
	struct mailbox mailbox;
	struct waiters waiters;
	uint32_t jobs; // not back yet
	struct listener *listeners[WORKER_LISTENERS_MAX];
	uint32_t listeners_count;
	bool conns_are_empty; // after the drain
	struct loop_timer *stop_timer;
	_Atomic uint32_t stop_timeout_ms;
	struct worker **stop_others; // when this one accepts no more; written before stop_asked
	uint32_t stop_others_count;
	_Atomic bool stop_asked;
	bool stopping;
	_Atomic uint32_t life_asked, life_shown;
	_Atomic bool access_changed;
	uint64_t refusal_said_s; // monotonic clock; of the last line about a peer that was not let in
};

// The state of a connection.
struct session {
	uint32_t roles;                   // of the peer
	struct client *client;            // who the peer is
	bool is_over;                     // it had too many connections already
	struct client_counters *counters; // of that one, by this worker
	size_t skip;                      // bytes of a refused frame still to come
	const char *bad_reason; // the peer does not speak our protocol: last words when all is answered. NULL: it does
	uint16_t bad_method;
	uint32_t bad_request_id;
	struct stream *stream; // the first of those to this connection
	bool restores;         // a part of a Restore came
};

// ---------------------------------------------------------------- worker.c
// The image of this turn; stays until the turn's end.
const struct image *worker_image(struct worker *worker);
// clock_wall_ns() of this turn.
uint64_t worker_now_ns(struct worker *worker);
int64_t worker_now_s(struct worker *worker);
// A query is being answered: service_is_answering().
void worker_note_answering(struct worker *worker);
// These two end the loop when they were what a stopping worker waited for.
void worker_job_ended(struct worker *worker);
void worker_conns_ended(struct worker *worker);

// ---------------------------------------------------------------- session.c
struct conn_handler session_handler(struct worker *worker);
// Who may do what has changed: looks at everybody again and cuts those who may do less than before.
void sessions_look_at_access(struct worker *worker);

// ---------------------------------------------------------------- budget.c: what clients may use up (clients.h)
// The connection's session gets its client and roles. False: the client has too many, and has heard so.
bool budget_open(struct worker *worker, struct conn *conn);
// The same again, after the rules of access changed.
void budget_look_again(struct worker *worker, struct conn *conn);
void budget_close(struct worker *worker, struct session *session);
void budget_refuse_requests(const struct call *calls, size_t count);
// Counts `more` requests that are in the one of the call. False: the call was refused.
bool budget_admit_more(const struct call *call, size_t more);
void budget_refuse_tokens(const struct call *calls, size_t count);
// Charges what was asked in vain since the last time.
void budget_charge_tokens(struct worker *worker, struct session *session);
// The same for a question that is answered by another thread: paid when it goes there, given back when the token was
// known.
void budget_pay_token(struct worker *worker, struct session *session);
void budget_settle_token(struct worker *worker, struct session *session, bool was_unknown);

// The clock of budgets: that of the loop, as nobody asks for the time for one request.
static inline int64_t budget_now_ns(const struct worker *worker)
{
	return (int64_t)loop_now_ms(worker->loop) * BUCKET_NS_PER_MS;
}

// Counts requests of the client. How many may be answered, from the first; the others are for
// budget_refuse_requests().
static inline size_t budget_admit(struct worker *worker, const struct session *session, size_t count)
{
	const struct bucket_rate *rate = &worker->service->budgets.requests;
	counter_add(&session->counters->requests, count);
	atomic_store_explicit(&session->counters->seen_ms, loop_now_ms(worker->loop), memory_order_relaxed);
	if (LIKELY(bucket_interval(rate) == 0))
		return count;
	return bucket_take(&session->client->requests, rate, budget_now_ns(worker), (uint32_t)count);
}

// Whether the client may ask about tokens; if not, the calls are for budget_refuse_tokens().
static inline bool budget_admits_tokens(const struct worker *worker, const struct session *session)
{
	return LIKELY(bucket_has(&session->client->unknown_tokens, &worker->service->budgets.unknown_tokens,
				 budget_now_ns(worker)));
}

// Line 4, or 3 of DESIGN 1.2, which tells the same: no such token is stored. (Lines 1 and 2 do not look at it.)
static inline bool response_has_no_token(const struct authorize_response *response)
{
	return response->customer_id.size == 0 && response->issuer == NULL && response->charge_group_id.size > 0 &&
	       response->token_uid.size > 0;
}

// Every decision that is answered.
static inline void worker_note_decision(struct worker *worker, const struct authorize_response *response)
{
	counters_add_decision(&worker->counters, response);
	counter_add(&worker->client->verdicts[response->verdict], 1);
	if (response_has_no_token(response))
		worker->unknown_tokens++;
}

// ---------------------------------------------------------------- dispatch.c
// NULL: no such number, or not there yet.
const struct method_row *dispatch_find(uint16_t number);
uint16_t dispatch_number(const struct method_row *method);
// Answered in the turn that reads the request.
static inline bool method_is_immediate(const struct method_row *method)
{
	return method->answer != NULL || method->answer_calls != NULL;
}
// Walks the methods that are there; start with NULL. NULL at the end.
const struct method_row *dispatch_next(const struct method_row *method);
// Answers the calls, all of one connection and one method, or sees to it that they will be answered. Bodies over the
// method's cap have been refused before.
void dispatch_calls(const struct call *calls, size_t count);

// ---------------------------------------------------------------- reply.c: answers into a connection's output
// A message encoded in `arena`. An answer over frame_size_max becomes RESOURCE_EXHAUSTED.
void reply_message(const struct call *call, const void *response, struct arena *arena);
void reply_body(const struct call *call, struct bytes body);
void reply_authorize(const struct call *call, const struct authorize_response *response);
// The answer whose body lies FRAME_HEADER_SIZE behind the start of what conn_reserve() gave. Same limit as above.
void reply_reserved(const struct call *call, char *room, size_t body_size);
// `fault` without a code becomes one for `error` (negative errno).
void reply_fault(const struct call *call, int error, const struct fault *fault);
// The same fault, which has a code, as the answer to each of the calls.
void reply_fault_to_all(const struct call *calls, size_t count, const struct fault *fault);

// DEADLINE_EXCEEDED: nothing was done. Cheap.
void reply_late(const struct call *call);

// ---------------------------------------------------------------- deadline.c
// The three take what is in the request's timeout_ms; 0: it has all the time. In clock_wall_ns(); 0: never.
// When its sender gives up.
uint64_t call_deadline_ns(const struct call *call, uint32_t timeout_ms);
// From when on it is not begun any more.
uint64_t call_late_ns(const struct call *call, uint32_t timeout_ms);
bool call_is_late(const struct call *call, uint32_t timeout_ms);
// The same before anything is decoded, on connections that have sent a time-out before.
bool call_is_late_undecoded(const struct call *call);

// ---------------------------------------------------------------- denial.c
// Whether denied questions are to be told of: looked at once per batch.
static inline bool denials_are_wanted(const struct worker *worker)
{
	return atomic_load_explicit(&worker->service->denials.are_wanted, memory_order_relaxed);
}
// Tells of this one, if it was denied and that is wanted.
void denial_note(const struct call *call, const struct authorize_request *request,
		 const struct authorize_response *response);

// ---------------------------------------------------------------- job.c
// -ENOMEM. The body is decoded into the job's arena: -EINVAL and a fault. `timeout_ms` is the request's.
MUST_CHECK int job_create(const struct call *call, uint32_t timeout_ms, struct job **ret_job, struct fault *fault);
// It waited for too long and is not to be begun: its result is -ETIME. Any thread.
bool job_is_late(const struct job *job);
// Counts the job as under way. The worker's thread, before another thread can see it.
void job_begin(struct job *job);
// Sends it back to its worker, which answers and ends it. Any thread.
void job_post(struct job *job);
// Counts its request as answered now, for the time it took. The worker's thread.
void job_note_time(const struct job *job);
// The end of a job that was begun: nothing more is answered. Destroys it. The worker's thread.
void job_end(struct job *job);
// Of a job that was not begun.
void job_destroy(struct job *job);

// ---------------------------------------------------------------- waiters.c
MUST_CHECK int waiters_init(struct waiters *waiters, struct worker *worker);
void waiters_finish(struct waiters *waiters);
// Keeps a copy of the call until its revision is there or its time is over, then answers it. Refuses it when there are
// too many.
void waiters_add(const struct call *call, uint64_t revision, uint32_t timeout_ms);
// Answers those that can be answered now, refuses those whose time is over, and all when the worker stops. Called on
// every doorbell.
void waiters_look(struct worker *worker);

// ---------------------------------------------------------------- the methods
void method_authorize(const struct call *calls, size_t count);
void method_authorize_batch(const struct call *calls, size_t count);
int method_get_tariff(struct worker *worker, const void *request, const void **ret_response, struct fault *fault);
int method_status(struct worker *worker, const void *request, const void **ret_response, struct fault *fault);
int method_figures(struct worker *worker, const void *request, const void **ret_response, struct fault *fault);
int method_apply(struct job *job);
int method_adopt(struct job *job);
int method_restore(struct job *job);
int method_snapshot(struct job *job);
int method_watch(struct job *job);
int method_get(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
	       struct fault *fault);
int method_search(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		  struct fault *fault);
int method_list_visible(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
			struct fault *fault);
int method_list_permitted(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
			  struct fault *fault);
int method_log(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
	       struct fault *fault);
int method_check(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		 struct fault *fault);
int method_erase(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		 struct fault *fault);
int method_clients(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		   struct fault *fault);
int method_forget_orphans(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
			  struct fault *fault);

// Whether the answer tells if a token exists.
bool get_tariff_asks_for_token(const void *request);
bool get_asks_for_token(const void *request);
bool search_asks_for_token(const void *request);
bool search_found_none(const void *response);

// What a request wants to see.
uint64_t get_tariff_min_revision(const void *request);
uint64_t get_min_revision(const void *request);
uint64_t search_min_revision(const void *request);
uint64_t list_visible_min_revision(const void *request);
uint64_t list_permitted_min_revision(const void *request);
uint64_t snapshot_min_revision(const void *request);
