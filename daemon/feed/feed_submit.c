// SPDX-License-Identifier: Apache-2.0
// Change sets from Apply: admitted here, ordered by the log, answered with what the store made of them.
#include "base/clock.h"
#include "daemon/feed/feed_impl.h"
#include "store/admit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NS_PER_MS = 1000000,
	RETRY_MS = 100, // a few entries of the log, each of which takes hundreds of sets
};

// A change set on its way; its address is the handle.
struct submission {
	struct mail mail;
	struct feed *feed;
	struct store_job *job;
	struct submission *next, **link; // among those that wait for an answer
};

static void refuse(struct store_job *job, int error, enum status_code code, const char *text)
{
	job->result = error;
	fault_set(&job->fault, code, NULL, "%s", text);
	job->done(job);
}

// ---------------------------------------------------------------- answers

static void end(struct submission *submission)
{
	*submission->link = submission->next;
	if (submission->next != NULL)
		submission->next->link = submission->link;
	free(submission);
}

// What the store made of the set is in a job of its own; what the answer points to moves over with its arena.
static void take_result(struct store_job *job, struct store_job *applied)
{
	const struct arena arena = job->arena;
	job->result = applied->result;
	job->response = applied->response;
	job->fault = applied->fault;
	job->arena = applied->arena;
	applied->arena = arena;
}

void feed_submit_answer(struct feed *feed, const struct replica_action *action)
{
	struct submission *submission = (struct submission *)(uintptr_t)action->answer.handle;
	struct store_job *job = submission->job;
	end(submission);
	switch (action->answer.outcome) {
	case REPLICA_APPLIED:
		ASSERT(feed->applied != NULL && feed->applied->entry.revision == action->answer.revision &&
		       action->answer.index < feed->applied->jobs_count);
		take_result(job, &feed->applied->jobs[action->answer.index]);
		job->done(job);
		return;
	case REPLICA_TOO_MUCH:
		fault_set(&job->fault, STATUS_RESOURCE_EXHAUSTED, NULL, "%s", action->answer.text);
		break;
	case REPLICA_LATE:
		fault_set(&job->fault, STATUS_DEADLINE_EXCEEDED, NULL, "nothing was changed: %s", action->answer.text);
		break;
	case REPLICA_OUTCOME_UNKNOWN:
		fault_set(&job->fault, STATUS_UNAVAILABLE, NULL,
			  "%s; the outcome is unknown: send it again with the same idempotency key, or look",
			  action->answer.text);
		break;
	case REPLICA_UNAVAILABLE:
	case REPLICA_NOT_NOW:
		fault_set(&job->fault, STATUS_UNAVAILABLE, NULL, "nothing was changed: %s", action->answer.text);
		break;
	}
	job->result = -EIO;
	job->done(job);
}

void feed_submit_refuse_all(struct feed *feed)
{
	while (feed->submissions != NULL) {
		struct store_job *job = feed->submissions->job;
		end(feed->submissions);
		refuse(job, -EIO, STATUS_UNAVAILABLE,
		       "the daemon is stopping; the outcome is unknown: send it again with the same idempotency key");
	}
}

// ---------------------------------------------------------------- in

static void refuse_submit(struct feed *feed, struct store_job *job, int error)
{
	struct replication status;
	replica_get_status(feed->replica, feed_now_ms(), &status);
	if (error == -ENOTCONN) {
		job->result = -EIO;
		fault_set(&job->fault, STATUS_UNAVAILABLE, NULL,
			  "this replica cannot write now, nothing was changed: %s",
			  status.advice.size > 0       ? status.advice.data
			  : status.last_error.size > 0 ? status.last_error.data
						       : "it is not connected to Redis yet");
		job->done(job);
	} else if (error == -EINVAL) {
		refuse(job, error, STATUS_RESOURCE_EXHAUSTED, "the change set is too large for an entry of the log");
	} else {
		job->fault.retry_after_ms = RETRY_MS;
		refuse(job, error, STATUS_RESOURCE_EXHAUSTED, "too many change sets wait for Redis");
	}
}

// The replica's clock is another one.
static uint64_t late_ms_of(const struct store_job *job)
{
	const uint64_t now_ns = clock_wall_ns();
	if (job->late_ns == 0)
		return 0;
	return feed_now_ms() + (job->late_ns > now_ns ? (job->late_ns - now_ns) / NS_PER_MS : 0);
}

static void take(struct feed *feed, struct submission *submission)
{
	struct store_job *job = submission->job;
	const struct replica_set set = {.body = job->body, .handle = (uintptr_t)submission, .late_ms = late_ms_of(job)};
	submission->next = feed->submissions;
	submission->link = &feed->submissions;
	if (submission->next != NULL)
		submission->next->link = &submission->next;
	feed->submissions = submission;
	const int result = replica_submit(feed->replica, feed_now_ms(), &set);
	if (result != 0) {
		end(submission);
		refuse_submit(feed, job, result);
	}
}

static void on_submission(struct mail *mail)
{
	struct submission *submission = (struct submission *)((char *)mail - offsetof(struct submission, mail));
	struct feed *feed = submission->feed;
	struct store_job *job = submission->job;
	const int result = feed->is_stopping ? -ESHUTDOWN : store_admit(feed->store, job->set, &job->fault);
	if (result == 0) {
		take(feed, submission);
	} else {
		free(submission);
		refuse(job, result, STATUS_UNAVAILABLE, "the daemon is stopping");
	}
	feed_act(feed);
}

int feed_submit(struct feed *feed, struct store_job *job)
{
	if (job->set->dry_run)
		return store_submit(feed->store, job);
	struct submission *submission = malloc(sizeof(*submission));
	if (submission == NULL)
		return -ENOMEM;
	*submission = (struct submission){.mail = {.deliver = on_submission}, .feed = feed, .job = job};
	mailbox_post(&feed->mailbox, &submission->mail);
	return 0;
}
