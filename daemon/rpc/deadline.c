// SPDX-License-Identifier: Apache-2.0
// Requests that were not answered in time (PROTOCOL.md, Deadlines). Half of a request's time is for waiting: begun
// later than that it would often end too late, and then the time it took is missing to those behind it. Under a steady
// overload whoever served up to the very deadline would serve nobody in time.
#include "daemon/rpc/rpc.h"

#include "proto/timeout.h"

enum { NS_PER_MS = 1000000 };

uint64_t call_deadline_ns(const struct call *call, uint32_t timeout_ms)
{
	const uint64_t since_ns = call->worker->since_ns;
	if (timeout_ms == 0)
		return 0;
	conn_want_arrival(call->conn);
	return (since_ns != 0 ? since_ns : conn_arrived_ns(call->conn)) + (uint64_t)timeout_ms * NS_PER_MS;
}

uint64_t call_late_ns(const struct call *call, uint32_t timeout_ms)
{
	if (timeout_ms == 0)
		return 0;
	if (call->worker->since_ns != 0) // it waited for its revision, which is another matter
		return call->worker->late_ns;
	return call_deadline_ns(call, timeout_ms) - (uint64_t)timeout_ms * NS_PER_MS / 2;
}

bool call_is_late(const struct call *call, uint32_t timeout_ms)
{
	if (LIKELY(timeout_ms == 0))
		return false;
	const uint64_t late_ns = call_late_ns(call, timeout_ms);
	return late_ns != 0 && worker_now_ns(call->worker) >= late_ns;
}

bool call_is_late_undecoded(const struct call *call)
{
	return conn_arrived_ns(call->conn) != 0 && call_is_late(call, timeout_find(call->body));
}
