// SPDX-License-Identifier: Apache-2.0
// A replica that is driven step by step, without anything around it.
#pragma once

#include "daemon/feed/replica.h"
#include "tests/unit/unit.h"

#include <errno.h>

enum { EPOCH = 7, TIMEOUT_MS = 1000, QUEUE_SETS = 600 };

extern struct replica *replica;
extern struct replica_action action; // the last one
extern uint64_t now;
extern uint32_t asked_first; // entries, by the last follow()
extern uint8_t random_next;  // each byte of the next random number, less one

void create_replica(bool needs_confirmation);
void set_up(void);
void tear_down(void);

struct id128 id_of(uint64_t number);
const struct id128 *the_id(uint64_t number); // until the next call
struct redis_log_entry entry_at(uint64_t revision);
struct redis_log_head head_at(uint64_t last, uint64_t mine);
struct store_position place(uint64_t revision);
struct redis_error error_of(int code);

struct replica_action *expect(enum replica_action_kind kind);
void expect_nothing(void);
void expect_answer(uint64_t handle, enum replica_outcome outcome);
// Connected at revision `mine` of a log that ends with `last`; the first range is asked for: its ticket.
uint64_t follow(uint64_t mine, uint64_t last);
void follow_all(uint64_t revision);
int submit(uint64_t handle, struct bytes body);
void go_down(int code);
enum replication_state state_now(void);
