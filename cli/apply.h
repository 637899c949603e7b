// SPDX-License-Identifier: Apache-2.0
// Changes on their way to the daemon. One command sends one change set: all of it takes effect, or nothing.
#pragma once

#include "cli/context.h"

enum { ACTOR_SIZE = 64 };

// Who changes something, for the audit: "evauth:USER". Returns `actor`.
const char *apply_actor(char actor[static ACTOR_SIZE]);

// Sends the changes with an idempotency key, so that a broken connection does not make them take effect twice.
// EXIT_DONE, or EXIT_ERROR having said why.
MUST_CHECK enum exit_code apply_changes(struct context *context, struct change *changes, size_t count,
					struct apply_response **ret_response);
// What every command that changed something ends with: the response as JSON, or in words the groups in which nobody
// can charge now.
enum exit_code apply_finish(struct context *context, const struct apply_response *response);
// In words: nobody can charge in this group.
void apply_say_closed(struct context *context, struct bytes charge_group_id);
