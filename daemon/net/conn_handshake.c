// SPDX-License-Identifier: Apache-2.0
// The TLS handshakes under way, and who makes room when there are too many: anybody can begin one, and then be silent.
#include "base/hash.h"
#include "daemon/net/conn_internal.h"
#include "tls/tls.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// So many of the oldest are looked at to find one that leaves: an honest one is over long before.
enum { CANDIDATES_MAX = 1024 };

// Whose addresses are one host's, or may be: of IPv6 the network, within which a host takes as many as it likes.
static uint64_t hash_source(const struct conn *conn)
{
	static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const uint64_t seed = conn->set->handshakes.seed;
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	if (getpeername(conn->fd, (struct sockaddr *)&address, &size) != 0)
		return 0;
	if (address.ss_family == AF_INET)
		return hash_bytes(&((struct sockaddr_in *)&address)->sin_addr, 4, seed);
	if (address.ss_family != AF_INET6)
		return 0;
	const unsigned char *ip = ((struct sockaddr_in6 *)&address)->sin6_addr.s6_addr;
	return memcmp(ip, mapped, sizeof(mapped)) == 0 ? hash_bytes(ip + sizeof(mapped), 4, seed)
						       : hash_bytes(ip, 8, seed);
}

int handshake_begin(struct conn *conn, struct tls_context *context)
{
	struct conn_set *set = conn->set;
	struct conn_handshakes *handshakes = &set->handshakes;
	conn->state = CONN_HANDSHAKING;
	conn->active_ms = loop_now_ms(set->loop); // stays until it is open: drops do not prolong it
	conn->source = hash_source(conn);
	conn->next_younger = NULL;
	conn->next_older = handshakes->youngest;
	*(handshakes->youngest ? &handshakes->youngest->next_younger : &handshakes->oldest) = conn;
	handshakes->youngest = conn;
	atomic_fetch_add_explicit(&set->limits->handshakes, 1, memory_order_relaxed);
	return tls_engine_create(context, NULL, &conn->tls);
}

void handshake_leave(struct conn *conn, struct counter *counter)
{
	struct conn_handshakes *handshakes = &conn->set->handshakes;
	if (counter != NULL)
		counter_add(counter, 1);
	*(conn->next_older ? &conn->next_older->next_younger : &handshakes->oldest) = conn->next_younger;
	*(conn->next_younger ? &conn->next_younger->next_older : &handshakes->youngest) = conn->next_older;
	atomic_fetch_sub_explicit(&conn->set->limits->handshakes, 1, memory_order_relaxed);
}

struct candidate {
	struct conn *conn;
	size_t rank; // 0: the oldest
};

// By source; of one source the oldest first.
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *first = a, *second = b;
	if (first->conn->source != second->conn->source)
		return first->conn->source < second->conn->source ? -1 : 1;
	return (first->rank > second->rank) - (first->rank < second->rank);
}

// The oldest of the source with the most of them; of the sources with as many, of the one that began first.
static struct conn *choose(struct candidate *candidates, size_t count)
{
	const struct candidate *chosen = NULL;
	size_t most = 0, size;
	qsort(candidates, count, sizeof(*candidates), compare_candidates);
	for (size_t i = 0; i < count; i += size) {
		size = 1;
		while (i + size < count && candidates[i + size].conn->source == candidates[i].conn->source)
			size++;
		if (size > most || (size == most && candidates[i].rank < chosen->rank)) {
			most = size;
			chosen = &candidates[i];
		}
	}
	return chosen->conn;
}

static struct conn *find_leaving(const struct conn_handshakes *handshakes)
{
	struct candidate candidates[CANDIDATES_MAX];
	size_t count = 0;
	for (struct conn *conn = handshakes->oldest; conn && count < CANDIDATES_MAX; conn = conn->next_younger) {
		candidates[count] = (struct candidate){.conn = conn, .rank = count};
		count++;
	}
	return choose(candidates, count);
}

void handshake_make_room(struct conn_set *set)
{
	struct conn_limits *limits = set->limits;
	if (set->handshakes.oldest == NULL ||
	    atomic_load_explicit(&limits->handshakes, memory_order_relaxed) <
		    atomic_load_explicit(&limits->handshakes_max, memory_order_relaxed))
		return;
	atomic_fetch_add_explicit(&limits->handshakes_displaced, 1, memory_order_relaxed);
	conn_close(find_leaving(&set->handshakes), CONN_END_DISPLACED);
}
