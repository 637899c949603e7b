// SPDX-License-Identifier: Apache-2.0
// TCP on loopback, of whose packets the kernel keeps the time.
#pragma once

#include <stdint.h>

// Two ends that block, without Nagle's algorithm; who reads at the client's waits 20 s at most.
void tcp_pair_create(int *ret_client, int *ret_server);

// From now on what arrives anywhere on this machine has its time (SO_TIMESTAMPNS), until tcp_stamps_end().
void tcp_stamps_begin(void);
void tcp_stamps_end(void);

// Returns when so much time has passed by the clock that stamps are of.
void let_pass(uint64_t ms);
