// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/readiness.h"

#include <assert.h>

static bool is_loading(const struct figures *figures)
{
	return figures->phase == FIGURES_LOADING;
}

static bool is_stopping(const struct figures *figures)
{
	return figures->phase == FIGURES_STOPPING || figures->phase == FIGURES_STOPPED;
}

// Those below are asked while serving only.
static bool is_stuck(const struct figures *figures)
{
	return figures->is_stuck;
}

static bool is_full_share(const struct store_status *store)
{
	return store->bytes_used >= store->bytes_max / 100 * DB_MAP_FULL_PERCENT;
}

static bool is_store_full(const struct figures *figures)
{
	return !figures->store.accepts_writes && is_full_share(&figures->store);
}

static bool has_store_failed(const struct figures *figures)
{
	return !figures->store.accepts_writes && !is_full_share(&figures->store);
}

static bool is_stale(const struct figures *figures)
{
	return figures->is_stale;
}

static bool is_in_state(const struct figures *figures, enum replication_state state)
{
	return figures->replication != NULL && figures->replication->state == state;
}

static bool is_diverged(const struct figures *figures)
{
	return is_in_state(figures, REPLICATION_STATE_DIVERGED);
}

static bool is_stalled(const struct figures *figures)
{
	return is_in_state(figures, REPLICATION_STATE_STALLED);
}

static bool is_empty(const struct store_status *store)
{
	uint64_t count = 0;
	for (int kind = 0; kind < OBJECT_KINDS; kind++)
		count += store->objects[kind];
	return count == 0;
}

// Redis away does not make a replica that has data unready: questions go on (DESIGN 3.3), until redis-stale.
static bool is_behind(const struct figures *figures)
{
	const struct replication *replication = figures->replication;
	if (replication == NULL || replication->stale_ms != UINT64_MAX || is_diverged(figures) || is_stalled(figures))
		return false;
	return replication->state != REPLICATION_STATE_CONNECTING || is_empty(&figures->store);
}

static const struct reason_row {
	const char *code;
	const char *message;
	bool (*applies)(const struct figures *figures);
	bool always; // not only while serving
} reasons[] = {
	{"loading", "the index is being built from the store", is_loading, true},
	{"stopping", "the daemon is stopping", is_stopping, true},
	{"stuck", "a worker or the writer has made no progress for long", is_stuck, false},
	{"store_full", "the store is full: nothing but deletes is accepted", is_store_full, false},
	{"store_failed", "the store failed and takes no writes", has_store_failed, false},
	{"stale", "not in step with Redis for longer than redis-stale allows: questions are refused", is_stale, false},
	{"diverged", "Redis has another history than this store: writes are refused", is_diverged, false},
	{"stalled", "the store cannot take the next change of the log", is_stalled, false},
	{"behind", "not in step with the log in Redis since the start", is_behind, false},
};

static bool applies(const struct reason_row *row, const struct figures *figures)
{
	return (row->always || figures->phase == FIGURES_SERVING) && row->applies(figures);
}

bool health_write(const struct figures *figures, struct text *text)
{
	const bool is_alive = figures->phase != FIGURES_SERVING || !figures->is_stuck;
	text_add(text, "{\"alive\":%s", is_alive ? "true" : "false");
	if (!is_alive)
		text_add(text, ",\"message\":\"%s\"", "a worker or the writer has made no progress for long");
	text_add(text, "}\n");
	return is_alive;
}

static_assert(ARRAY_SIZE(reasons) <= READINESS_REASONS_MAX, "all may apply");

size_t readiness_codes(const struct figures *figures, const char *ret_codes[READINESS_REASONS_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (applies(&reasons[i], figures))
			ret_codes[count++] = reasons[i].code;
	}
	return count;
}

bool readiness_is_ready(const struct figures *figures)
{
	const char *codes[READINESS_REASONS_MAX];
	return readiness_codes(figures, codes) == 0;
}

bool readiness_write(const struct figures *figures, struct text *text)
{
	const bool is_ready = readiness_is_ready(figures);
	const char *separator = "";
	text_add(text, "{\"ready\":%s,\"reasons\":[", is_ready ? "true" : "false");
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!applies(&reasons[i], figures))
			continue;
		text_add(text, "%s{\"code\":\"%s\",\"message\":\"%s\"}", separator, reasons[i].code,
			 reasons[i].message);
		separator = ",";
	}
	text_add(text, "]");
	if (figures->phase == FIGURES_LOADING)
		text_add(text, ",\"records\":%llu,\"records_total\":%llu", (unsigned long long)figures->load_done,
			 (unsigned long long)figures->load_total);
	if (figures->phase == FIGURES_SERVING)
		text_add(text, ",\"revision\":%llu", (unsigned long long)figures->store.revision);
	text_add(text, "}\n");
	return is_ready;
}
