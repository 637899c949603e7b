// SPDX-License-Identifier: Apache-2.0
// The channels: pushes of revisions, and the inbox, where systems that only know Redis publish change sets (DESIGN
// 3.3). Every replica hears a message and offers it under the same idempotency key, so that it takes effect once.
#include "base/hash.h"
#include "base/log.h"
#include "daemon/feed/feed_impl.h"
#include "proto/codec.h"
#include "proto/json.h"
#include "proto/limits.h"
#include "store/admit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	INBOX_WINDOW_S = 60,           // equal messages without a key are one within it
	INBOX_FRESH_MS = 10 * 1000,    // older than this, a message without a key may be out of its window elsewhere
	INBOX_SAY_INTERVAL_MS = 10000, // between lines in the log about refused messages
	INBOX_KEY_SIZE = 64,
};

// ---------------------------------------------------------------- refused messages

// For the log; the replica counts them for Status. Never a fault's message: it may name a token.
static void note_refused(struct feed *feed, const char *channel, const char *why, const char *field)
{
	feed->inbox.refused++;
	snprintf(feed->inbox.why, sizeof(feed->inbox.why), "of %s: %s%s%s", channel, why, field[0] ? " in " : "",
		 field);
}

// It is well-formed, but not for this replica to append now; another one may.
static bool is_not_now(int error)
{
	return error == -ENOTCONN || error == -EAGAIN || error == -ENOSPC || error == -ENOMEM;
}

static void say_not_offered(struct feed_inbox *inbox)
{
	if (inbox->not_offered > 0)
		log_warning("messages_not_offered",
			    "%llu messages of the inbox were not offered by this replica; the last one: %s",
			    (unsigned long long)inbox->not_offered, strerror(-inbox->not_offered_error));
	inbox->not_offered = 0;
}

static void say_refused(struct feed_inbox *inbox)
{
	if (inbox->refused > 0)
		log_warning("messages_refused", "%llu messages could not be read and changed nothing; the last one, %s",
			    (unsigned long long)inbox->refused, inbox->why);
	inbox->refused = 0;
}

void feed_inbox_tick(struct feed *feed)
{
	struct feed_inbox *inbox = &feed->inbox;
	const uint64_t now = feed_now_ms();
	if (inbox->refused + inbox->not_offered == 0 || now - inbox->said_ms < INBOX_SAY_INTERVAL_MS)
		return;
	say_not_offered(inbox);
	say_refused(inbox);
	inbox->said_ms = now;
}

// ---------------------------------------------------------------- the inbox

struct id128 feed_inbox_key(const struct change_set *set)
{
	struct id128 key = {{0}};
	char text[2 * ID_SIZE_MAX + 1];
	if (set->idempotency_key.size == 0 || set->actor.size + set->idempotency_key.size >= sizeof(text))
		return key;
	if (set->actor.size > 0)
		memcpy(text, set->actor.data, set->actor.size);
	text[set->actor.size] = '\0'; // neither has one
	memcpy(text + set->actor.size + 1, set->idempotency_key.data, set->idempotency_key.size);
	const XXH128_hash_t hash = XXH3_128bits(text, set->actor.size + 1 + set->idempotency_key.size);
	memcpy(key.data, &hash, sizeof(key.data));
	return key;
}

static bool is_json(struct bytes payload)
{
	size_t i = 0;
	while (i < payload.size && strchr(" \t\r\n", payload.data[i]) != NULL && payload.data[i] != '\0')
		i++;
	return i < payload.size && payload.data[i] == '{';
}

static int decode(struct feed *feed, struct bytes payload, struct change_set **ret_set, struct fault *fault)
{
	struct arena *arena = &feed->inbox.arena;
	if (payload.size > BODY_APPLY_MAX) {
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "larger than %d bytes", BODY_APPLY_MAX);
		return -EMSGSIZE;
	}
	const int result = is_json(payload)
				   ? json_decode(&schema_change_set, payload, arena, ret_set, fault)
				   : codec_decode(&schema_change_set, CODEC_STRICT, payload, arena, ret_set, fault);
	if (result == 0 && (*ret_set)->dry_run) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, "dry_run", "nobody would get the answer of a dry run");
		return -EINVAL;
	}
	return result ? result : store_admit(feed->store, *ret_set, fault);
}

// Nobody can tell it from its repetition later on: it has to be heard and appended soon after it was published, so
// that all replicas' offers lie within the window, also that of one that was stopped for a while.
static bool is_fresh(struct feed *feed)
{
	const uint64_t answered = redis_connection_answered_ping_ms(feed->redis.subscriber);
	return answered != 0 && feed_now_ms() - answered <= INBOX_FRESH_MS;
}

static void name_payload(struct bytes payload, char ret_key[INBOX_KEY_SIZE])
{
	char digits[ID128_TEXT_SIZE + 1];
	struct id128 id;
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(payload.data, payload.size));
	memcpy(id.data, canonical.digest, sizeof(id.data));
	id128_format(&id, digits);
	snprintf(ret_key, INBOX_KEY_SIZE, "inbox:%s", digits);
}

static int offer(struct feed *feed, struct change_set *change_set, const char *payload_key)
{
	const uint64_t now = feed_now_ms();
	struct replica_set set = {0};
	if (change_set->actor.size == 0)
		change_set->actor = BYTES_LITERAL("inbox");
	if (change_set->idempotency_key.size == 0) {
		change_set->idempotency_key = bytes_from(payload_key);
		set.repeat_window_s = INBOX_WINDOW_S;
		set.expires_ms = now + INBOX_FRESH_MS;
	}
	set.key = feed_inbox_key(change_set);
	const int result = codec_encode(&schema_change_set, change_set, &feed->inbox.arena, &set.body);
	return result ? result : replica_submit_inbox(feed->replica, now, &set);
}

static void take_change_set(struct feed *feed, struct bytes payload)
{
	char payload_key[INBOX_KEY_SIZE];
	struct change_set *set;
	struct fault fault = {0};
	arena_reset(&feed->inbox.arena);
	int result = decode(feed, payload, &set, &fault);
	if (result == 0 && set->idempotency_key.size == 0 && !is_fresh(feed)) {
		fault_set(&fault, STATUS_ABORTED, NULL, "heard too late, without an idempotency key");
		result = -ESTALE;
	}
	name_payload(payload, payload_key);
	if (result == 0)
		result = offer(feed, set, payload_key);
	if (result == 0 || result == -EEXIST)
		return;
	if (is_not_now(result)) {
		feed->inbox.not_offered++;
		feed->inbox.not_offered_error = result;
		return;
	}
	note_refused(feed, REDIS_LOG_INBOX,
		     result == -ESTALE         ? "heard too late, without an idempotency key"
		     : fault.code != STATUS_OK ? status_code_name(fault.code)
					       : strerror(-result),
		     fault.field);
	replica_refused_message(feed->replica);
}

// ---------------------------------------------------------------- pushes

static uint64_t read_revision(struct bytes payload)
{
	uint64_t revision = 0;
	if (payload.size == 0 || payload.size > 19)
		return 0;
	for (size_t i = 0; i < payload.size; i++) {
		if (payload.data[i] < '0' || payload.data[i] > '9')
			return 0;
		revision = revision * 10 + (uint64_t)(payload.data[i] - '0');
	}
	return revision;
}

static void take_push(struct feed *feed, struct bytes payload)
{
	const uint64_t revision = read_revision(payload);
	if (revision == 0)
		note_refused(feed, REDIS_LOG_CHANGES, "not a revision", "");
	replica_heard(feed->replica, feed_now_ms(), revision);
}

void feed_inbox_take(struct feed *feed, struct bytes channel, struct bytes payload)
{
	if (bytes_equal(channel, BYTES_LITERAL(REDIS_LOG_CHANGES)))
		take_push(feed, payload);
	else
		take_change_set(feed, payload);
	feed_act(feed);
}

// ---------------------------------------------------------------- life

void feed_inbox_init(struct feed *feed)
{
	arena_init(&feed->inbox.arena, FEED_ARENA_CHUNK, FEED_ARENA_BUDGET);
}

void feed_inbox_finish(struct feed *feed)
{
	arena_finish(&feed->inbox.arena);
}
