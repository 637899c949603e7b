// SPDX-License-Identifier: Apache-2.0
// A loop on a thread of its own with a connection set, spoken to by the test through real sockets.
//
// The protocol of these tests: a message is its size in 4 bytes of the machine's order, then a command:
//     e...       answered with the whole message
//     b<n:4>     answered with n bytes of 'x'
//     h          answered with "H" when fixture_release() is called
//     w          answered with "1" if it is known when it came, else with "0"; of those behind it that is known
//     f          nothing more is read; what is owed is answered, then "last"
//     a          the connection is aborted
//     m...       the connection moves to the set of `other`, unless it has moved; answered there with the whole
//     message.
//                What does not move is answered here.
//     r...       the same, back to where it came from
#pragma once

#include "daemon/net/conn.h"

#include <pthread.h>

enum { MESSAGE_HEADER = 4 };

struct fixture {
	struct loop *loop;
	struct conn_set *set;
	struct conn_limits limits;
	struct fixture *other; // set by the test, before it connects
	pthread_t thread;
	bool has_ended;            // the thread
	_Atomic uint32_t messages; // understood
	_Atomic uint32_t closed;
	_Atomic enum conn_end last_end;
	_Atomic uint32_t looks; // calls of on_input
	_Atomic uint32_t rooms; // calls of on_room
	_Atomic uint32_t turn_ends;
	_Atomic bool stop_asked, drain_asked, release_asked;
	_Atomic bool is_empty; // on_empty() was called
	struct conn_ref held[64];
	uint32_t held_count;
	struct conn_share share; // of all connections
	struct tls_context *tls; // for fixture_connect_tls(); set by the test
	_Atomic int tls_fd;      // to be taken over by the loop; 0: none
	struct conn_traffic traffic;
};

// Generous limits.
void fixture_start(struct fixture *fixture);
// With the limits of `first`, which is to be stopped after this one.
void fixture_start_beside(struct fixture *fixture, struct fixture *first);
void fixture_stop(struct fixture *fixture);
// Ends the loop; fixture_stop() does the rest.
void fixture_end_loop(struct fixture *fixture);
// A connected socket whose other end is in the set; blocking, with a receive time-out of 10 s.
int fixture_connect(struct fixture *fixture);
// The same for a peer that has to speak TLS.
int fixture_connect_tls(struct fixture *fixture);
void fixture_drain(struct fixture *fixture);
// Answers the held requests.
void fixture_release(struct fixture *fixture);
// Waits until `value` is at least `wanted`, at most 10 s; fails the test after that.
void wait_for(const _Atomic uint32_t *value, uint32_t wanted);

void send_bytes(int fd, const void *data, size_t size);
void send_message(int fd, const char *payload, size_t size);
void send_text(int fd, const char *payload);
void send_bigs(int fd, size_t count, uint32_t answer_size);
// Reads exactly `size` bytes.
void expect_bytes(int fd, const void *data, size_t size);
void expect_echo(int fd, const char *payload);
// Reads until the end; returns how many bytes came. A reset counts as the end.
size_t read_to_end(int fd);
