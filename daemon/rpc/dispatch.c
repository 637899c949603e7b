// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/rpc.h"
#include "proto/timeout.h"

#include <errno.h>

// To add a method: its number in proto/methods.h, a row here, a file method_*.c. A row without answer, list or start is
// a method of a later version; one without a role is for nobody.
static const struct method_row methods[] = {
	[METHOD_AUTHORIZE] = {.name = "Authorize",
			      .role = ROLE_QUERY,
			      .request = &schema_authorize_request,
			      .response = &schema_authorize_response,
			      .body_size_max = BODY_QUERY_MAX,
			      .is_query = true,
			      .answer_calls = method_authorize,
			      .calls_max = CALLS_MAX},
	[METHOD_AUTHORIZE_BATCH] = {.name = "AuthorizeBatch",
				    .role = ROLE_QUERY,
				    .request = &schema_authorize_batch_request,
				    .response = &schema_authorize_batch_response,
				    .body_size_max = BODY_BATCH_MAX,
				    .is_query = true,
				    .answer_calls = method_authorize_batch},
	[METHOD_GET_TARIFF] = {.name = "GetTariff",
			       .role = ROLE_QUERY,
			       .request = &schema_get_tariff_request,
			       .response = &schema_get_tariff_response,
			       .body_size_max = BODY_QUERY_MAX,
			       .is_query = true,
			       .min_revision = get_tariff_min_revision,
			       .asks_for_token = get_tariff_asks_for_token,
			       .answer = method_get_tariff},
	[METHOD_LIST_VISIBLE_CHARGE_POINTS] = {.name = "ListVisibleChargePoints",
					       .role = ROLE_QUERY,
					       .request = &schema_list_visible_charge_points_request,
					       .response = &schema_list_visible_charge_points_response,
					       .body_size_max = BODY_BATCH_MAX,
					       .min_revision = list_visible_min_revision,
					       .list = method_list_visible},
	[METHOD_LIST_PERMITTED] = {.name = "ListPermitted",
				   .role = ROLE_QUERY,
				   .request = &schema_list_permitted_request,
				   .response = &schema_list_permitted_response,
				   .body_size_max = BODY_BATCH_MAX,
				   .min_revision = list_permitted_min_revision,
				   .list = method_list_permitted},
	[METHOD_APPLY] = {.name = "Apply",
			  .role = ROLE_WRITE,
			  .request = &schema_change_set,
			  .response = &schema_apply_response,
			  .body_size_max = BODY_APPLY_MAX,
			  .mode = CODEC_STRICT,
			  .start = method_apply},
	[METHOD_GET] = {.name = "Get",
			.role = ROLE_QUERY,
			.request = &schema_get_request,
			.response = &schema_record,
			.body_size_max = BODY_QUERY_MAX,
			.min_revision = get_min_revision,
			.asks_for_token = get_asks_for_token,
			.list = method_get},
	[METHOD_SEARCH] = {.name = "Search",
			   .role = ROLE_QUERY,
			   .request = &schema_search_request,
			   .response = &schema_search_response,
			   .body_size_max = BODY_BATCH_MAX,
			   .min_revision = search_min_revision,
			   .asks_for_token = search_asks_for_token,
			   .found_none = search_found_none,
			   .list = method_search},
	[METHOD_WATCH] = {.name = "Watch",
			  .role = ROLE_WATCH,
			  .request = &schema_watch_request,
			  .response = &schema_event,
			  .body_size_max = BODY_QUERY_MAX,
			  .start = method_watch},
	[METHOD_SNAPSHOT] = {.name = "Snapshot",
			     .role = ROLE_WATCH,
			     .request = &schema_snapshot_request,
			     .response = &schema_record,
			     .body_size_max = BODY_QUERY_MAX,
			     .min_revision = snapshot_min_revision,
			     .start = method_snapshot},
	[METHOD_LOG] = {.name = "Log",
			.role = ROLE_WATCH,
			.request = &schema_log_request,
			.response = &schema_log_response,
			.body_size_max = BODY_QUERY_MAX,
			.list = method_log},
	[METHOD_RESTORE] = {.name = "Restore",
			    .role = ROLE_ADMIN,
			    .request = &schema_restore_request,
			    .response = &schema_restore_response,
			    .body_size_max = BODY_RESTORE_MAX,
			    .mode = CODEC_STRICT,
			    .start = method_restore},
	[METHOD_STATUS] = {.name = "Status",
			   .role = ROLE_QUERY,
			   .request = &schema_status_request,
			   .response = &schema_status_response,
			   .body_size_max = BODY_QUERY_MAX,
			   .answer = method_status},
	[METHOD_ADOPT] = {.name = "Adopt",
			  .role = ROLE_ADMIN,
			  .request = &schema_adopt_request,
			  .response = &schema_adopt_response,
			  .body_size_max = BODY_QUERY_MAX,
			  .mode = CODEC_STRICT,
			  .start = method_adopt},
	[METHOD_FORGET_ORPHANS] = {.name = "ForgetOrphans",
				   .role = ROLE_ADMIN,
				   .request = &schema_forget_orphans_request,
				   .response = &schema_forget_orphans_response,
				   .body_size_max = BODY_QUERY_MAX,
				   .mode = CODEC_STRICT,
				   .list = method_forget_orphans},
	[METHOD_CHECK] = {.name = "Check",
			  .role = ROLE_ADMIN,
			  .request = &schema_check_request,
			  .response = &schema_check_response,
			  .body_size_max = BODY_QUERY_MAX,
			  .list = method_check},
	[METHOD_CLIENTS] = {.name = "Clients",
			    .role = ROLE_ADMIN,
			    .request = &schema_clients_request,
			    .response = &schema_clients_response,
			    .body_size_max = BODY_QUERY_MAX,
			    .list = method_clients},
	[METHOD_ERASE] = {.name = "Erase",
			  .role = ROLE_ADMIN,
			  .request = &schema_erase_request,
			  .response = &schema_erase_response,
			  .body_size_max = BODY_BATCH_MAX,
			  .mode = CODEC_STRICT,
			  .list = method_erase},
	[METHOD_FIGURES] = {.name = "Figures",
			    .role = ROLE_WATCH,
			    .request = &schema_figures_request,
			    .response = &schema_figures_response,
			    .body_size_max = BODY_QUERY_MAX,
			    .answer = method_figures},
};

static_assert(ARRAY_SIZE(methods) <= METHODS_MAX, "each is counted");

const char *counters_method_name(uint16_t number)
{
	const struct method_row *method = dispatch_find(number);
	return method ? method->name : NULL;
}

uint16_t dispatch_number(const struct method_row *method)
{
	return (uint16_t)(method - methods);
}

const struct method_row *dispatch_find(uint16_t number)
{
	return number < ARRAY_SIZE(methods) && methods[number].name != NULL ? &methods[number] : NULL;
}

const struct method_row *dispatch_next(const struct method_row *method)
{
	const struct method_row *next = method ? method + 1 : methods;
	while (next < methods + ARRAY_SIZE(methods) && next->name == NULL)
		next++;
	return next < methods + ARRAY_SIZE(methods) ? next : NULL;
}

// True: the call waits and leaves the order (DESIGN 2).
static bool must_wait(const struct call *call, const void *request, uint32_t timeout_ms)
{
	const uint64_t wanted = call->method->min_revision ? call->method->min_revision(request) : 0;
	if (wanted == 0 || wanted <= worker_image(call->worker)->revision)
		return false;
	waiters_add(call, wanted, timeout_ms);
	return true;
}

static bool asks_for_token(const struct method_row *method, const void *request)
{
	return method->asks_for_token != NULL && method->asks_for_token(request);
}

// False: the call was refused.
static bool may_ask(const struct call *call, const void *request)
{
	if (!asks_for_token(call->method, request) || budget_admits_tokens(call->worker, conn_session(call->conn)))
		return true;
	budget_refuse_tokens(call, 1);
	return false;
}

static void answer(const struct call *call)
{
	struct worker *worker = call->worker;
	struct fault fault = {0};
	void *request;
	const void *response;
	const uint32_t timeout_ms = timeout_find(call->body);
	if (call_is_late(call, timeout_ms)) {
		reply_late(call);
		return;
	}
	arena_reset(&worker->arena);
	int result =
		codec_decode(call->method->request, call->method->mode, call->body, &worker->arena, &request, &fault);
	if (result == 0) {
		if (must_wait(call, request, timeout_ms) || !may_ask(call, request))
			return;
		result = call->method->answer(worker, request, &response, &fault);
	}
	if (result == 0)
		reply_message(call, response, &worker->arena);
	else
		reply_fault(call, result, &fault);
}

static int hand_out(struct job *job)
{
	if (job->method->list != NULL)
		return lister_submit(job->worker->service->lister, job);
	return job->method->start(job);
}

// Goes to another thread, which answers by job_post().
static void start(const struct call *call)
{
	struct fault fault = {0};
	struct job *job;
	const uint32_t timeout_ms = timeout_find(call->body);
	if (call_is_late(call, timeout_ms)) {
		reply_late(call);
		return;
	}
	int result = job_create(call, timeout_ms, &job, &fault);
	if (result != 0) {
		reply_fault(call, result, &fault);
		return;
	}
	if (must_wait(call, job->request, timeout_ms) || !may_ask(call, job->request)) {
		job_destroy(job);
		return;
	}
	job_begin(job);
	job->has_paid = asks_for_token(call->method, job->request);
	if (job->has_paid)
		budget_pay_token(call->worker, conn_session(call->conn));
	result = hand_out(job);
	if (result == 0)
		return;
	if (job->has_paid)
		budget_settle_token(call->worker, conn_session(call->conn), false);
	reply_fault(call, result, &job->store.fault);
	job_end(job);
}

// The operator's choice (redis-stale): rather no answer than one from a state that may be old.
static void refuse_stale(const struct call *calls, size_t count)
{
	struct fault fault = {0};
	fault_set(&fault, STATUS_UNAVAILABLE, NULL,
		  "this replica has not been in step with Redis for longer than redis-stale allows");
	for (size_t i = 0; i < count; i++)
		reply_fault(&calls[i], -EAGAIN, &fault);
}

static bool is_stale(const struct worker *worker)
{
	return atomic_load_explicit(&worker->service->feed.is_stale, memory_order_relaxed);
}

// Those of an earlier turn are timed where they waited.
static void note_immediate(const struct call *calls, size_t count)
{
	struct worker *worker = calls[0].worker;
	(void)worker_now_ns(worker);
	if (LIKELY(worker->since_ns == 0))
		worker->turn_calls[calls[0].number] += (uint32_t)count;
}

// These are all about tokens.
static void answer_calls(const struct call *calls, size_t count)
{
	struct worker *worker = calls[0].worker;
	struct session *session = conn_session(calls[0].conn);
	if (!budget_admits_tokens(worker, session)) {
		budget_refuse_tokens(calls, count);
		return;
	}
	note_immediate(calls, count);
	worker->client = session->counters;
	calls[0].method->answer_calls(calls, count);
	if (worker->unknown_tokens > 0)
		budget_charge_tokens(worker, session);
}

void dispatch_calls(const struct call *calls, size_t count)
{
	const struct method_row *method = calls[0].method;
	if (method->is_query) {
		worker_note_answering(calls[0].worker);
		if (UNLIKELY(is_stale(calls[0].worker))) {
			refuse_stale(calls, count);
			return;
		}
	}
	if (LIKELY(method->answer_calls != NULL)) {
		answer_calls(calls, count);
		return;
	}
	if (method->answer != NULL)
		note_immediate(calls, count);
	for (size_t i = 0; i < count; i++) {
		if (method->answer != NULL)
			answer(&calls[i]);
		else
			start(&calls[i]);
	}
	if (calls[0].worker->unknown_tokens > 0)
		budget_charge_tokens(calls[0].worker, conn_session(calls[0].conn));
}
