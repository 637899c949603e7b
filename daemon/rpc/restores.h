// SPDX-License-Identifier: Apache-2.0
// The restore under way, if there is one: a thread of its own takes its parts, for staging them waits for the writer.
#pragma once

#include "base/check.h"

struct conn;
struct job;
struct restores;
struct service;
struct worker;

enum {
	RESTORE_QUEUE_MAX = 4,  // parts that wait
	RESTORE_SILENCE_S = 60, // between two parts, until it is given up
};

MUST_CHECK int restores_create(struct service *service, struct restores **ret_restores);
// No job may be left; what was begun is given up. NULL is fine.
void restores_destroy(struct restores *restores);
// The connection is gone, and so is its restore. The worker's thread.
void restores_forget(struct restores *restores, const struct worker *worker, const struct conn *conn);
