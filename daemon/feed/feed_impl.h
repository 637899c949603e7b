// SPDX-License-Identifier: Apache-2.0
// What the files of the feed share; nobody else includes this. All on the feed's thread but what says otherwise.
#pragma once

#include "daemon/feed/feed.h"
#include "daemon/feed/fetch.h"
#include "daemon/feed/redis_connection.h"
#include "daemon/feed/redis_finder.h"
#include "daemon/feed/redis_log.h"
#include "daemon/feed/replica.h"
#include "daemon/net/loop.h"
#include "daemon/net/mailbox.h"
#include "store/entry.h"

#include <pthread.h>

enum {
	FEED_ARENA_CHUNK = 2 * 1024,
	FEED_ARENA_BUDGET = 32 * 1024 * 1024, // of one change set
};

// feed_redis.c: what a replica calls "the connections".
struct feed_redis {
	struct redis_finder *finder;
	struct redis_connection *commands;
	struct redis_connection *subscriber;
	struct redis_log *log;
	struct loop_timer *delay; // before they are opened
	bool is_ready;            // commands: ready; the subscriber still has to be
	bool is_subscribed;
	struct question *questions; // not answered
};

// What another thread may look at.
struct feed_view {
	pthread_mutex_t lock;
	struct replication status; // with the texts below
	char last_error[REPLICA_TEXT_MAX];
	char advice[REPLICA_TEXT_MAX];
	char role[16];
	uint64_t taken_ms; // when the status was true
};

// feed_store.c: an entry on its way through the store.
struct feed_entry {
	struct mail mail;
	struct feed *feed;
	struct store_entry entry;
	char origin[REDIS_LOG_ORIGIN_MAX];
	size_t jobs_count;
	struct store_job jobs[];
};

struct feed_inbox {
	struct arena arena;
	uint64_t refused;        // messages, since the last line in the log
	uint64_t not_offered;    // well-formed ones that this replica could not append, likewise
	int not_offered_error;   // of the last one
	uint64_t said_ms;        // when that was
	char why[FEED_TEXT_MAX]; // the last one was refused
};

struct feed {
	struct store *store;
	struct redis_url url;
	char url_text[REDIS_URL_TEXT_SIZE]; // without secrets
	struct tls_context *tls;
	char *peers[FEED_PEERS_MAX];
	size_t peers_count;
	char *peer_ca_file, *peer_cert_file, *peer_key_file;
	struct redis_log_settings log_settings;
	uint32_t stale_ms;
	_Atomic bool *is_stale;
	char origin[REDIS_LOG_ORIGIN_MAX];

	pthread_t thread;
	bool has_thread;
	struct loop *loop;
	struct mailbox mailbox;
	struct mail stop_mail, drain_mail, look_mail;
	uint64_t drain_ms;
	struct loop_timer *drain;
	_Atomic bool look_is_posted;
	bool is_stopping; // nothing is begun any more; what waits was answered
	bool is_ending;   // and the thread ends when everything has come back
	struct loop_timer *tick;
	struct replica *replica;
	bool is_acting; // feed_act() is on the stack
	enum replication_state said_state;

	struct feed_redis redis;
	struct feed_inbox inbox;
	size_t entries_out;             // in the store
	struct feed_entry *applied;     // whose answers are being given
	struct submission *submissions; // not answered yet
	struct fetch *fetch;
	struct adoption *adoption; // the one under way
	struct feed_view view;
};

// Milliseconds that go on while the machine sleeps.
uint64_t feed_now_ms(void);
// Does what the replica wants done. After every report to it.
void feed_act(struct feed *feed);

// ---------------------------------------------------------------- feed_redis.c
MUST_CHECK int feed_redis_init(struct feed *feed);
void feed_redis_finish(struct feed *feed);
// Closes both connections and opens new ones after `delay_ms`.
void feed_redis_connect(struct feed *feed, uint64_t delay_ms);
void feed_redis_close(struct feed *feed);
// READ_HEAD, READ_RANGE, APPEND, BEGIN.
void feed_redis_ask(struct feed *feed, const struct replica_action *action);

// ---------------------------------------------------------------- feed_store.c
void feed_store_apply(struct feed *feed, const struct redis_log_entry *entry);
void feed_store_get_position(struct feed *feed);
void feed_store_set_position(struct feed *feed, const struct replica_action *action);
// No object, and nothing but the first revision.
bool feed_store_is_empty(struct feed *feed, const struct store_position *position);

// ---------------------------------------------------------------- feed_submit.c
void feed_submit_answer(struct feed *feed, const struct replica_action *action);
// On stop: whether they are in the log is not known.
void feed_submit_refuse_all(struct feed *feed);

// ---------------------------------------------------------------- feed_inbox.c
void feed_inbox_init(struct feed *feed);
void feed_inbox_finish(struct feed *feed);
// A message of any channel.
void feed_inbox_take(struct feed *feed, struct bytes channel, struct bytes payload);
// Says in the log, now and then, what was refused.
void feed_inbox_tick(struct feed *feed);
// Of (actor, idempotency key); zero without a key.
struct id128 feed_inbox_key(const struct change_set *set);
