// SPDX-License-Identifier: Apache-2.0
#include "bench/compare_truth.h"

#include "bench/echo.h"
#include "bench/protocol_apply.h"
#include "proto/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static int judge_counts(const char *name, const char *requests, const uint64_t *errors, uint64_t unanswered,
			struct fault *fault)
{
	for (int code = 0; code < LOAD_STATUS_CODES; code++) {
		if (errors[code] == 0)
			continue;
		fault_set(fault, STATUS_INTERNAL, NULL, "%s answered %" PRIu64 " %s with %s", name, errors[code],
			  requests, status_code_name((enum status_code)code));
		return -EBADMSG;
	}
	if (unanswered > 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s did not answer %" PRIu64 " %s in time", name, unanswered,
			  requests);
		return -EBADMSG;
	}
	return 0;
}

// The writes beside are always evauthd's.
static int judge(const struct compare *compare, const struct peer *peer, struct fault *fault)
{
	const struct load_result *result = compare->result;
	const char *evauthd = compare->peers[0].class->name, *name = peer->class->name;
	if (result->is_wrong && !result->is_wrong_beside)
		peer->class->explain_wrong(&peer->requests, result);
	if (compare->options->has_writes)
		apply_explain_wrong(&compare->writes, result);
	if (result->is_wrong) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s gave a wrong answer",
			  result->is_wrong_beside ? evauthd : name);
		return -EBADMSG;
	}
	const struct load_beside_result *writes = &result->beside;
	const int error = judge_counts(name, "requests", result->errors, result->unanswered, fault);
	return error < 0 ? error : judge_counts(evauthd, "writes", writes->errors, writes->unanswered, fault);
}

static int load(struct compare *compare, const struct peer *peer, const struct load_options *options,
		const struct load_protocol *protocol, const struct load_requests *requests, struct fault *fault)
{
	const char *what = "";
	const int error = load_run(options, protocol, requests, compare->result, &what);
	if (error == 0)
		return judge(compare, peer, fault);
	fault_set(fault, STATUS_INTERNAL, NULL, "%s: %s: %s", peer->class->name, what, strerror(-error));
	return error;
}

int compare_load(struct compare *compare, const struct peer *peer, const struct load_options *options,
		 struct fault *fault)
{
	return load(compare, peer, options, &peer->protocol, &peer->requests, fault);
}

// ---------------------------------------------------------------- the sizes of answers

// Stands in for a protocol's own expectations.
struct recorder {
	const struct peer *peer;
	uint32_t *sizes; // 0: not seen
};

static bool record_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	const struct recorder *recorder = requests->expected;
	const size_t size = answer->body.size + FRAME_HEADER_SIZE;
	recorder->sizes[entry] = (uint32_t)(size < ECHO_ANSWER_SIZE_MAX ? size : ECHO_ANSWER_SIZE_MAX);
	return recorder->peer->protocol.is_right(&recorder->peer->requests, entry, answer);
}

static uint32_t count_unseen(const uint32_t *sizes, uint32_t count)
{
	uint32_t unseen = 0;
	for (uint32_t i = 0; i < count; i++)
		unseen += sizes[i] == 0;
	return unseen;
}

// What was not seen gets the mean of what was. Sets what a light check lets through: a revision may grow.
static void settle_sizes(uint32_t *sizes, struct load_requests *requests, uint32_t batch)
{
	enum { GROWTH_MAX = 10 };
	uint64_t sum = 0;
	uint32_t least = UINT32_MAX, most = 0;
	const uint32_t seen = requests->count - count_unseen(sizes, requests->count);
	for (uint32_t i = 0; i < requests->count; i++) {
		sum += sizes[i];
		most = sizes[i] > most ? sizes[i] : most;
		least = sizes[i] > 0 && sizes[i] < least ? sizes[i] : least;
	}
	for (uint32_t i = 0; i < requests->count; i++)
		sizes[i] = sizes[i] == 0 ? (uint32_t)(sum / seen) : sizes[i];
	requests->body_size_min = least - FRAME_HEADER_SIZE;
	requests->body_size_max = most - FRAME_HEADER_SIZE + GROWTH_MAX * batch;
}

// ---------------------------------------------------------------- the truth

// evauthd's answers tell what echo's have to be like.
static int check_evauthd(struct compare *compare, struct peer *peer, const struct load_options *options,
			 struct fault *fault)
{
	const struct recorder recorder = {.peer = peer, .sizes = compare->answer_sizes};
	struct load_protocol protocol = peer->protocol;
	struct load_requests requests = peer->requests;
	protocol.is_right = record_right;
	requests.expected = &recorder;
	const int error = load(compare, peer, options, &protocol, &requests, fault);
	if (error == 0)
		settle_sizes(compare->answer_sizes, &peer->requests, peer->batch);
	return error;
}

int compare_check_truth(struct compare *compare, uint32_t number, struct fault *fault)
{
	struct peer *peer = &compare->peers[number];
	const struct load_options options = {
		.server = peer->address,
		.connections = compare->options->connections,
		.depth = COMPARE_TRUTH_DEPTH,
		.seconds = COMPARE_TRUTH_SECONDS_MAX,
		.passes = 1,
	};
	const int error = number == 0 ? check_evauthd(compare, peer, &options, fault)
				      : compare_load(compare, peer, &options, fault);
	compare->truths[number] = compare->result->answers * peer->batch;
	return error;
}
