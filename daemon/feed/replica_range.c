// SPDX-License-Identifier: Apache-2.0
// How many entries are asked for at once. Entries have a few hundred bytes or most of a mebibyte, links are fast or
// slow, and an answer that does not arrive in time ends the connection: few at first, then as many as have been seen
// to fit.
#include "daemon/feed/replica_impl.h"

#include <errno.h>

enum { ENTRY_FRAME = 200 }; // bytes of an entry beyond its body, about

static size_t bytes_of(const struct redis_log_entry *entries, size_t count)
{
	size_t bytes = count * ENTRY_FRAME;
	for (size_t i = 0; i < count; i++)
		bytes += entries[i].body.size;
	return bytes;
}

static uint32_t limit(size_t count, size_t max)
{
	return (uint32_t)(count < 1 ? 1 : count > max ? max : count);
}

uint32_t replica_range_count(const struct replica *replica)
{
	const size_t room = REPLICA_APPLYING_ENTRIES_MAX - replica->applying_count;
	return limit(replica->range_count, room);
}

static size_t next_count(const struct replica *replica, const struct request *asked, size_t count)
{
	const uint64_t took_ms = replica->now_ms - asked->sent_ms, timeout_ms = replica->options.timeout_ms;
	const size_t now = replica->range_count;
	if (took_ms > timeout_ms / 2)
		return count / 2;
	// What comes while following says little about a catching up.
	if (count < asked->count)
		return 2 * count > REPLICA_READ_ENTRIES_FIRST ? 2 * count : REPLICA_READ_ENTRIES_FIRST;
	if (took_ms > timeout_ms / 4)
		return now;
	return 2 * count > now ? 2 * count : now;
}

void replica_range_learn(struct replica *replica, const struct request *asked, const struct redis_log_entry *entries,
			 size_t count)
{
	size_t next = next_count(replica, asked, count);
	if (count > 0) {
		const size_t fitting = REPLICA_READ_BYTES * count / bytes_of(entries, count);
		next = next < fitting ? next : fitting;
	}
	replica->range_count = limit(next, REPLICA_READ_ENTRIES_MAX);
}

void replica_range_lost(struct replica *replica, int code)
{
	if (replica->range.ticket != 0 && (code == -ETIMEDOUT || code == -EMSGSIZE))
		replica->range_count = limit(replica->range.count / 2, REPLICA_READ_ENTRIES_MAX);
	if (replica->range.ticket != 0 && code == -EMSGSIZE && replica->range.count == 1)
		replica_does_not_fit(replica, "the next entry is larger than any may be");
}
