// SPDX-License-Identifier: Apache-2.0
// Words and figures for the operator.
#include "daemon/feed/replica_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

void replica_note_error(struct replica *replica, int code, const char *text)
{
	replica->error_code = code;
	replica->error_at = replica->options.wall_time(replica->options.context);
	snprintf(replica->error, sizeof(replica->error), "%s", text);
}

void replica_note_advice(struct replica *replica, const char *text)
{
	snprintf(replica->advice, sizeof(replica->advice), "%s", text);
}

// ---------------------------------------------------------------- histories

static const struct {
	const char *error;
	const char *advice;
} divergences[DIVERGENCES] = {
	[DIVERGED_NOT] = {"", ""},
	[DIVERGED_LOG_GONE] = {"Redis has lost the log", ADOPT_ADVICE},
	[DIVERGED_LOG_SHORTER] = {"Redis has lost the last entries of the log", ADOPT_ADVICE},
	[DIVERGED_OTHER_ENTRY] = {"Redis has another entry at this store's revision", ADOPT_ADVICE},
	[DIVERGED_OTHER_HISTORY] = {"Redis has another history than this store", ADOPT_ADVICE},
	[DIVERGED_TWO_DATA_SETS] = {"this store has data, and Redis has the history of another store",
				    "to go on with this store's data, run `evauth log adopt` here; to join the others, "
				    "start this daemon with an empty data directory"},
	[DIVERGED_HOLE] = {"the log in Redis lacks the entry at this store's revision", ADOPT_ADVICE},
	[DIVERGED_DAMAGED] = {"the next entry of the log in Redis does not follow the one before it", ADOPT_ADVICE},
	[DIVERGED_PEER] = {"the log in Redis was trimmed, and the peers have another entry at this store's revision",
			   ADOPT_ADVICE},
};

void replica_note_divergence(struct replica *replica, enum divergence divergence, const struct redis_log_head *head)
{
	char text[REPLICA_TEXT_MAX];
	const char *damage = divergence != DIVERGED_DAMAGED ? "" : head->damage[0] ? head->damage : replica->damage;
	if (damage[0] != '\0')
		snprintf(text, sizeof(text), "the log in Redis is damaged after revision %" PRIu64 ": %s",
			 replica->position.revision, damage);
	else if (head->is_empty)
		snprintf(text, sizeof(text), "%s; this store has revision %" PRIu64, divergences[divergence].error,
			 replica->position.revision);
	else
		snprintf(text, sizeof(text), "%s; this store has revision %" PRIu64 ", Redis %" PRIu64 " to %" PRIu64,
			 divergences[divergence].error, replica->position.revision, head->first.revision,
			 head->last.revision);
	// Found again and again: when it began is what counts.
	if (replica->divergence != divergence || strcmp(text, replica->error) != 0)
		replica_note_error(replica, -EXDEV, text);
	replica_note_advice(replica, divergences[divergence].advice);
}

// ---------------------------------------------------------------- Redis

static const char *advice_of(int code)
{
	static const struct {
		int code;
		const char *advice;
	} rows[] = {
		{-ENOKEY, "set user and password in the URL of Redis"},
		{-EKEYREJECTED, "user or password in the URL of Redis are wrong"},
		{-EPERM, "the user in Redis lacks permissions: see docs/redis.md for those it needs"},
		{-EROFS, "this Redis is a replica: name the master, or its sentinels"},
		{-ENOSPC, "Redis is out of memory: give it more (maxmemory)"},
		{-EIO, "Redis cannot save to its disk: see its log"},
		{-ENOLINK, "Redis has too few replicas for writes (min-replicas-to-write)"},
		{-EXDEV, "a Redis cluster must keep {evauth} on one node: name a single Redis, or its sentinels"},
		{-EMEDIUMTYPE, "somebody else uses the key {evauth}:log: give evauthd a database of its own"},
		{-EPROTO, "what answers there is no Redis"},
		{-EBADMSG, "check the certificate of Redis and the certificate authorities configured here"},
		{-ENXIO, "check the host name in the URL of Redis"},
		{-ECONNREFUSED, "start Redis, or correct its address"},
		{-ENOENT, "start Redis, or correct the path of its socket"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return rows[i].advice;
	return "";
}

// ---------------------------------------------------------------- status

static bool is_taking_no_writes(const struct replica *replica)
{
	return replica->append_after_ms > replica->now_ms;
}

static enum replication_state state_of(const struct replica *replica)
{
	if (replica->is_up)
		return replica->state;
	return replica->fetch != FETCH_NONE ? REPLICATION_STATE_FETCHING : REPLICATION_STATE_CONNECTING;
}

static const char *status_advice(const struct replica *replica)
{
	if (!replica->is_up || is_taking_no_writes(replica))
		return advice_of(replica->error_code);
	switch (replica->state) {
	case REPLICATION_STATE_DIVERGED:
	case REPLICATION_STATE_STALLED:
		return replica->advice;
	case REPLICATION_STATE_NO_PEER:
		return "name a replica that follows the log as a peer, and see that it runs; or run `evauth log adopt` "
		       "on the replica to go on from";
	default:
		return "";
	}
}

static uint64_t lag_ms_of(const struct replica *replica)
{
	if (replica->applying != NULL)
		return replica->now_ms - replica->applying->received_ms;
	return replica->is_behind ? replica->now_ms - replica->behind_since_ms : 0;
}

void replica_get_status(const struct replica *replica, uint64_t now_ms, struct replication *ret_status)
{
	struct replication *status = ret_status;
	*status = replica->counters;
	status->state = state_of(replica);
	status->head_revision = replica->head_revision;
	if (replica->head_revision > replica->applied_revision)
		status->lag_entries = replica->head_revision - replica->applied_revision;
	status->lag_ms = lag_ms_of(replica);
	status->stale_ms = UINT64_MAX;
	if (replica->was_fresh)
		status->stale_ms = now_ms > replica->fresh_ms ? now_ms - replica->fresh_ms : 0;
	status->last_error = bytes_from(replica->error);
	status->last_error_at = replica->error_at;
	status->advice = bytes_from(status_advice(replica));
}
