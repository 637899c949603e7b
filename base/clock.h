// SPDX-License-Identifier: Apache-2.0
// The two clocks: the wall for what the domain means by time, the monotonic one for how long things take.
#pragma once

#include <stdint.h>

int64_t clock_wall_s(void); // unix seconds
uint64_t clock_wall_ns(void);
uint64_t clock_monotonic_ns(void);
uint64_t clock_monotonic_ms(void);
uint64_t clock_boot_ms(void); // goes on while the machine is suspended
