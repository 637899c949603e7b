// SPDX-License-Identifier: Apache-2.0
// The client loop of every measurement: T threads, each with an epoll and its share of C connections, with up to D
// requests on the way on each. It is the same for every protocol, so a comparison measures the servers. Map:
//
//   requests   made before the run and only copied during it; entry i is frames[ends[i-1] .. ends[i]]
//   protocol   how to cut answers out of a stream, and whether an answer is the right one
//   closed     rate 0: every answer sends the next request at once; latency is from the write to the read
//   open       rate R: requests are due at moments that load_schedule.h tells, whatever the server does; latency is
//   from
//              that moment, so a server that stalls pays for all the requests that had to wait (no coordinated
//              omission)
//   beside     requests of another kind meanwhile, over connections of their own, from one more thread
//
//   load.c             the run: threads, start, merging of results
//   load_thread.c      one thread: its turns, from first request to last answer
//   load_schedule.c    arrivals
//   load_connection.c  one connection: what is on the way, what is still to be written
//
// Answers of one connection are expected in the order of its requests: the daemon promises so for Authorize (DESIGN
// 2), Redis always. Nothing is allocated between the first request and the last answer. In options and results, what is
// zero is as if it were not there.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "bench/histogram.h"
#include "bench/load_schedule.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	LOAD_CONNECTIONS_MAX = 10000,
	LOAD_DEPTH_MAX = 4096,
	LOAD_FRAME_SIZE_MAX = 128 * 1024,       // of a request
	LOAD_ANSWER_SIZE_MAX = 2 * 1024 * 1024, // more in one answer is an error
	LOAD_THREADS_MAX = 64,
	LOAD_SECONDS_MAX = 86400,
	LOAD_STATUS_CODES = 32, // gRPC codes; higher ones count as the last
	LOAD_SPIN_US_DEFAULT = 50,
};

struct load_requests {
	char *frames;
	uint64_t *ends; // per entry
	uint32_t count;
	const void *expected; // the protocol's own
	uint32_t timeout_ms;  // in every request of evauthd's protocol; 0: none
	// What LOAD_CHECK_LIGHT lets through, of an answer's body; both 0: any that is not empty.
	uint32_t body_size_min, body_size_max;
};

// How closely answers without an error are looked at.
enum load_check {
	LOAD_CHECK_FULL,  // the protocol's is_right()
	LOAD_CHECK_LIGHT, // the id, where the protocol has one, and the length: the same for every server compared
};

struct load_answer {
	uint32_t id; // 0 in protocols without ids
	uint8_t status;
	struct bytes body; // borrowed from the stream
};

struct load_protocol {
	// The first answer in `data`: its size; 0 when it is not whole yet; -EBADMSG when it is none.
	ssize_t (*parse)(const char *data, size_t size, struct load_answer *ret_answer);
	// Writes the id into a copied frame; NULL in protocols without ids.
	void (*stamp)(char *frame, uint32_t id);
	bool (*is_right)(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer);
	// A socket to the server of the options that is ready for requests, non-blocking and close-on-exec, or negative
	// errno. NULL: a plain connection will do.
	int (*connect)(const char *server, int *ret_fd);
};

// Requests of another kind while the load runs, as open loop with a rate of its own, or as closed loop. Every answer is
// checked.
struct load_beside {
	const char *server; // NULL: the load's
	pid_t server_pid;   // of a server that is not the load's: its CPU time is measured with that one's; else 0
	const struct load_protocol *protocol;
	const struct load_requests *requests;
	uint32_t connections;
	uint32_t depth;
	double rate; // a second over all its connections; 0: closed loop
};

struct client_tls;

struct load_options {
	const char *server;     // HOST:PORT, tls:HOST:PORT or unix:PATH
	struct client_tls *tls; // of a server with TLS, else NULL; borrowed, by all threads
	uint32_t connections;
	uint32_t depth;
	double rate; // requests a second over all connections; 0: closed loop
	double warmup_s;
	double seconds;       // at most LOAD_SECONDS_MAX
	uint32_t first_entry; // where in the requests to begin
	pid_t server_pid;     // 0: unknown; else its CPU time is measured as well
	enum load_check check;
	uint32_t threads;            // 0: one; at most as many as connections
	enum load_arrivals arrivals; // open loop
	uint64_t seed;               // of Poisson arrivals
	// Open loop: for so long before a request is due a thread polls instead of sleeping, because a sleep may end
	// tens of microseconds late. 0: it sleeps.
	uint32_t spin_us;
	uint32_t churn;  // a connection is made anew after so many requests; 0: never
	uint32_t passes; // ends after so many passes over the requests, without warm-up; 0: by time alone
	// An answer is good that is right and comes so soon after its request was due. Refusals for lack of time or
	// room are counted, and no errors; in an open loop what could not be sent in a quarter of it is dropped. 0: all
	// answers are good.
	uint32_t timeout_ms;
	const struct load_beside *beside; // or NULL
};

// An answer that was not what it should have been.
struct load_example {
	bool is_set;
	bool is_beside; // of load_beside's requests
	uint32_t entry;
	uint8_t status;
	size_t size;
	char body[4 * 1024]; // its beginning
};

struct load_beside_result {
	struct histogram latency_ns;
	uint64_t answers;
	uint64_t errors[LOAD_STATUS_CODES];
	uint64_t unanswered;
	uint64_t unsent;
	double server_cpu_s; // of load_beside's server_pid; 0 when there is none
};

struct load_result {
	struct histogram latency_ns; // of the requests answered or due within the measured time
	double seconds;              // measured
	uint64_t answers;            // read within the measured time
	// Likewise, with timeout_ms: right and in time; right and too late; refused (DEADLINE_EXCEEDED,
	// RESOURCE_EXHAUSTED); and not sent any more, because it was too late already.
	uint64_t good, late, refused, dropped;
	uint64_t errors[LOAD_STATUS_CODES];
	struct load_example error; // the first one
	uint64_t unanswered;       // at the end of the run, after waiting for them
	bool is_incomplete;        // not every request of the passes asked for was sent
	uint64_t unsent; // open loop: due and not sent, no connection had room; or missing to the passes asked for
	uint32_t over_time[LOAD_SECONDS_MAX]; // answers read in every second
	uint32_t over_time_count;
	// Open loop: how late requests were sent that had room when they were due. What the client adds to the
	// latencies.
	struct histogram late_ns;
	struct histogram connect_ns; // of the connections made anew
	double client_cpu_s;         // of all threads
	double client_busiest;       // share of a core that the busiest thread used
	double server_cpu_s;         // -1 when not measured
	double other_cpu_s;          // of everything else on this machine; -1 when server_cpu_s is
	struct load_beside_result beside;
	// The first wrong answer, which ends the run.
	bool is_wrong;
	bool is_wrong_beside; // it was one to load_beside's requests
	uint32_t wrong_entry;
	uint8_t wrong_status;
	size_t wrong_size;
	char wrong_body[64 * 1024]; // its beginning
};

// 0, or a negative errno when the run could not be carried out (no connection, connection lost, no answer in time,
// not the protocol), with *ret_what saying what failed (static). ret_result is filled as far as the run went.
MUST_CHECK int load_run(const struct load_options *options, const struct load_protocol *protocol,
			const struct load_requests *requests, struct load_result *ret_result, const char **ret_what);
