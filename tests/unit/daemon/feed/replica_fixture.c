// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/feed/replica_fixture.h"

struct replica *replica;
struct replica_action action;
uint64_t now;
uint32_t asked_first;
uint8_t random_next;

struct id128 id_of(uint64_t number)
{
	struct id128 id = {{0}};
	memcpy(id.data, &number, sizeof(number));
	return id;
}

// Until the next call.
const struct id128 *the_id(uint64_t number)
{
	static struct id128 id;
	id = id_of(number);
	return &id;
}

static void fake_random(void *context, void *buffer, size_t size)
{
	(void)context;
	memset(buffer, ++random_next, size);
}

static int64_t fake_wall_time(void *context)
{
	(void)context;
	return 1700000000;
}

void create_replica(bool needs_confirmation)
{
	const struct replica_options options = {
		.needs_confirmation = needs_confirmation,
		.origin = BYTES_LITERAL("here"),
		.timeout_ms = TIMEOUT_MS,
		.queue_sets_max = QUEUE_SETS,
		.queue_bytes_max = 1024 * 1024,
		.random = fake_random,
		.wall_time = fake_wall_time,
	};
	now = 1000;
	random_next = 100;
	ck_assert_int_eq(replica_create(&options, now, &replica), 0);
}

void set_up(void)
{
	create_replica(false);
}

void tear_down(void)
{
	replica_destroy(replica);
}

struct replica_action *expect(enum replica_action_kind kind)
{
	ck_assert(replica_next_action(replica, &action));
	ck_assert_int_eq(action.kind, kind);
	return &action;
}

void expect_nothing(void)
{
	const bool is_something = replica_next_action(replica, &action);
	ck_assert_msg(!is_something, "action %d", (int)action.kind);
}

struct redis_log_entry entry_at(uint64_t revision)
{
	return (struct redis_log_entry){
		.revision = revision,
		.epoch = id_of(EPOCH),
		.nonce = id_of(1000 + revision),
		.prev = id_of(1000 + revision - 1),
		.body = BYTES_LITERAL("\x0a\x02\x0a\x00"),
	};
}

struct redis_log_head head_at(uint64_t last, uint64_t mine)
{
	struct redis_log_head head = {.first = entry_at(1), .last = entry_at(last), .has_mine = mine <= last};
	head.mine = entry_at(mine);
	return head;
}

struct store_position place(uint64_t revision)
{
	return (struct store_position){
		.epoch = id_of(EPOCH), .revision = revision, .nonce = id_of(1000 + revision), .is_attached = true};
}

// Connected at revision `mine` of a log that ends with `last`; the first range is asked for.
uint64_t follow(uint64_t mine, uint64_t last)
{
	const struct store_position position = place(mine);
	const struct redis_log_head head = head_at(last, mine);
	expect(REPLICA_CONNECT);
	replica_up(replica, now);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	ck_assert_uint_eq(action.head_revision, mine);
	replica_head_read(replica, now, action.ticket, &head);
	expect(REPLICA_READ_RANGE);
	ck_assert_uint_eq(action.range.after, mine);
	asked_first = action.range.count;
	const uint64_t ticket = action.ticket;
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, &head);
	return ticket;
}

void follow_all(uint64_t revision)
{
	replica_range_read(replica, now, follow(revision, revision), NULL, 0);
	expect_nothing();
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_int_eq(status.state, REPLICATION_STATE_FOLLOWING);
}

int submit(uint64_t handle, struct bytes body)
{
	const struct replica_set set = {.handle = handle, .body = body};
	return replica_submit(replica, now, &set);
}

void expect_answer(uint64_t handle, enum replica_outcome outcome)
{
	expect(REPLICA_ANSWER);
	ck_assert_uint_eq(action.answer.handle, handle);
	ck_assert_int_eq(action.answer.outcome, outcome);
}

struct redis_error error_of(int code)
{
	return (struct redis_error){.code = code, .text = "what Redis said"};
}

void go_down(int code)
{
	const struct redis_error error = error_of(code);
	replica_down(replica, now, &error);
}

enum replication_state state_now(void)
{
	struct replication status;
	replica_get_status(replica, now, &status);
	return status.state;
}
