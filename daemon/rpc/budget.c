// SPDX-License-Identifier: Apache-2.0
// What clients may use up: charged where requests come in and answers go out. The registry is clients.c.
#include "daemon/rpc/rpc.h"

#include <stdio.h>
#include <string.h>

// At most one line about the same of one client within CLIENT_SAY_MS.
static bool may_say(const struct worker *worker, _Atomic uint64_t *said_ms)
{
	const uint64_t now_ms = loop_now_ms(worker->loop);
	uint64_t last_ms = atomic_load_explicit(said_ms, memory_order_relaxed);
	return (last_ms == 0 || now_ms >= last_ms + CLIENT_SAY_MS) &&
	       atomic_compare_exchange_strong_explicit(said_ms, &last_ms, now_ms, memory_order_relaxed,
						       memory_order_relaxed);
}

static void note_refused(struct worker *worker, const struct session *session, enum budget budget, size_t count)
{
	counter_add(&worker->counters.budget_refusals[budget], count);
	counter_add(&session->counters->refused, count);
}

// ---------------------------------------------------------------- connections

// The session gets its roles.
static void identify(const struct worker *worker, struct conn *conn, char name[CONN_NAMES_SIZE])
{
	struct access_rules *access = worker->service->access;
	char host[CONN_HOST_SIZE];
	struct conn_names names;
	conn_get_names(conn, &names);
	((struct session *)conn_session(conn))->roles = access_roles(access, &names);
	const char *first = conn_names_next(&names, NULL);
	if (first != NULL && strcmp(first, "tcp") == 0) {
		conn_get_host(conn, host);
		snprintf(name, CONN_NAMES_SIZE, "tcp:%s", host);
	} else if (first != NULL && strncmp(first, "uid:", 4) == 0) {
		snprintf(name, CONN_NAMES_SIZE, "%s", first);
	} else {
		const char *granted = access_find_name(access, &names);
		snprintf(name, CONN_NAMES_SIZE, "%s", granted ? granted : "nobody");
	}
}

static void use(struct worker *worker, struct conn *conn, struct client *client)
{
	struct session *session = conn_session(conn);
	session->client = client;
	session->counters = &client->counters[worker->clients_index];
	conn_set_share(conn, &client->share, &session->counters->traffic);
}

static void refuse_connection(struct worker *worker, struct conn *conn)
{
	struct session *session = conn_session(conn);
	const uint32_t max = atomic_load_explicit(&worker->service->budgets.connections_max, memory_order_relaxed);
	const struct call call = {.worker = worker, .conn = conn};
	struct fault fault = {.retry_after_ms = 1000};
	fault_set(&fault, STATUS_RESOURCE_EXHAUSTED, NULL,
		  "client-connections-max: %.100s has %u connections open already; closing this one",
		  session->client->name, max);
	note_refused(worker, session, BUDGET_CONNECTIONS, 1);
	if (may_say(worker, &session->client->connections_said_ms))
		log_warning("client_connections",
			    "%s has as many connections as client-connections-max allows (%u): more are closed",
			    session->client->name, max);
	reply_fault(&call, 0, &fault);
}

bool budget_open(struct worker *worker, struct conn *conn)
{
	struct session *session = conn_session(conn);
	char name[CONN_NAMES_SIZE];
	identify(worker, conn, name);
	struct clients *clients = worker->service->clients;
	const uint64_t now_ms = loop_now_ms(worker->loop);
	use(worker, conn,
	    conn_moves(conn) > 0 ? clients_attach_again(clients, name, session->roles, now_ms)
				 : clients_attach(clients, name, session->roles, now_ms, &session->is_over));
	if (session->is_over)
		refuse_connection(worker, conn);
	return !session->is_over;
}

void budget_look_again(struct worker *worker, struct conn *conn)
{
	const struct session *session = conn_session(conn);
	char name[CONN_NAMES_SIZE];
	identify(worker, conn, name);
	use(worker, conn,
	    clients_rename(worker->service->clients, session->client, name, session->roles, loop_now_ms(worker->loop),
			   session->is_over));
}

void budget_close(struct worker *worker, struct session *session)
{
	clients_detach(worker->service->clients, session->client, session->is_over);
	session->client = NULL;
}

// ---------------------------------------------------------------- requests

void budget_refuse_requests(const struct call *calls, size_t count)
{
	struct worker *worker = calls[0].worker;
	const struct session *session = conn_session(calls[0].conn);
	const struct client_budgets *budgets = &worker->service->budgets;
	struct fault fault = {0};
	fault_set(&fault, STATUS_RESOURCE_EXHAUSTED, NULL,
		  "client-requests-per-second: %.100s asks more often than this allows", session->client->name);
	fault.retry_after_ms = bucket_wait_ms(&session->client->requests, &budgets->requests, budget_now_ns(worker));
	note_refused(worker, session, BUDGET_REQUESTS, count);
	if (may_say(worker, &session->client->requests_said_ms))
		log_warning("client_requests",
			    "%s asks more often than client-requests-per-second allows: some of it is refused",
			    session->client->name);
	reply_fault_to_all(calls, count, &fault);
}

bool budget_admit_more(const struct call *call, size_t more)
{
	struct worker *worker = call->worker;
	const struct session *session = conn_session(call->conn);
	const struct bucket_rate *rate = &worker->service->budgets.requests;
	if (LIKELY(bucket_interval(rate) == 0))
		return true;
	// A batch may be larger than what a second brings; the next one waits until it is paid for.
	if (bucket_is_overdrawn(&session->client->requests, budget_now_ns(worker))) {
		budget_refuse_requests(call, 1);
		return false;
	}
	(void)bucket_spend(&session->client->requests, rate, budget_now_ns(worker), (uint32_t)more);
	return true;
}

// ---------------------------------------------------------------- unknown tokens
//
// Uids are short, so who may ask about tokens as often as it likes finds those there are (docs/threat-model.md). A
// client that asked for too many unknown ones gets no answer about any token until its budget is back: an answer about
// a known one only would tell the same. A refusal is no DENIED: a CSMS then decides as it does without us.

void budget_refuse_tokens(const struct call *calls, size_t count)
{
	struct worker *worker = calls[0].worker;
	const struct session *session = conn_session(calls[0].conn);
	struct fault fault = {0};
	fault_set(&fault, STATUS_RESOURCE_EXHAUSTED, NULL,
		  "client-unknown-tokens-per-second: %.100s asked for too many unknown tokens; until that is made up "
		  "for, it gets no answers about tokens",
		  session->client->name);
	fault.retry_after_ms = bucket_wait_ms(&session->client->unknown_tokens,
					      &worker->service->budgets.unknown_tokens, budget_now_ns(worker));
	note_refused(worker, session, BUDGET_UNKNOWN_TOKENS, count);
	reply_fault_to_all(calls, count, &fault);
}

static void spend_tokens(struct worker *worker, struct session *session, uint32_t count)
{
	struct client *client = session->client;
	if (!bucket_spend(&client->unknown_tokens, &worker->service->budgets.unknown_tokens, budget_now_ns(worker),
			  count))
		return;
	counter_add(&worker->counters.token_budgets_spent, 1);
	if (may_say(worker, &client->tokens_said_ms))
		log_warning("client_unknown_tokens",
			    "%s asked for more unknown tokens than client-unknown-tokens-per-second and -burst allow: "
			    "until that is made up for, it gets no answers about tokens. If it is not trying to find "
			    "out which there are, raise them",
			    client->name);
}

void budget_charge_tokens(struct worker *worker, struct session *session)
{
	const uint32_t count = worker->unknown_tokens;
	worker->unknown_tokens = 0;
	if (count == 0)
		return;
	counter_add(&session->counters->unknown_tokens, count);
	spend_tokens(worker, session, count);
}

// Many may be on their way to the lister before the first one is answered.
void budget_pay_token(struct worker *worker, struct session *session)
{
	spend_tokens(worker, session, 1);
}

void budget_settle_token(struct worker *worker, struct session *session, bool was_unknown)
{
	if (was_unknown)
		counter_add(&session->counters->unknown_tokens, 1);
	else
		bucket_give_back(&session->client->unknown_tokens, &worker->service->budgets.unknown_tokens, 1);
}
