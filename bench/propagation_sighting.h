// SPDX-License-Identifier: Apache-2.0
// What one poller saw of one change, and the judgement on it. Pure: times are given.
//
//   sent ............ acknowledged         the writer's Apply
//     o--o  o--o  o--n  n--n  n--n         a poller's requests, one after the other: old answers, then new ones
//              |     |           |
//              |     visible     a request sent after the acknowledgement was answered with the new state: settled
//              the last request with an old answer was sent here: sent after the acknowledgement, it is stale
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sight {
	bool is_new;
	uint64_t sent_ns, received_ns; // monotonic
	uint64_t revision;             // that the answer was computed at
};

struct sighting {
	uint64_t old_sent_ns;      // of the last request with the old answer; 0: none
	uint64_t old_revision_max; // 0: none
	uint64_t visible_ns;       // the first new answer that no old one came after; 0: none
	uint64_t new_sent_ns;      // of the last request with the new answer
	uint64_t new_revision_min;
};

struct sighting_change {
	uint64_t sent_ns, acknowledged_ns;
	uint64_t revision;
};

enum sighting_verdict {
	SIGHTING_RIGHT,
	SIGHTING_STALE,       // a request sent after the acknowledgement got the old answer
	SIGHTING_CONTRADICTS, // an answer's revision says otherwise than its content
};

void sighting_add(struct sighting *sighting, const struct sight *sight);
// Whether a request sent after the acknowledgement was answered with the new state, and the last answer was new.
bool sighting_is_settled(const struct sighting *sighting, uint64_t acknowledged_ns);
// `must_be_visible`: the poller asks the daemon that acknowledged (DESIGN 1.4); else old answers are never stale.
enum sighting_verdict sighting_judge(const struct sighting *sighting, const struct sighting_change *change,
				     bool must_be_visible);
