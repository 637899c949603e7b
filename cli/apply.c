// SPDX-License-Identifier: Apache-2.0
#include "cli/apply.h"

#include "base/hash.h"
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

const char *apply_actor(char actor[static ACTOR_SIZE])
{
	const struct passwd *user = getpwuid(getuid());
	if (user != NULL)
		snprintf(actor, ACTOR_SIZE, "evauth:%s", user->pw_name);
	else
		snprintf(actor, ACTOR_SIZE, "evauth:%u", (unsigned)getuid());
	return actor;
}

enum exit_code apply_changes(struct context *context, struct change *changes, size_t count,
			     struct apply_response **ret_response)
{
	char actor[ACTOR_SIZE], key[40];
	snprintf(key, sizeof(key), "%016" PRIx64 "%016" PRIx64, hash_random_seed(), hash_random_seed());
	const struct change_set set = {
		.changes = changes,
		.changes_count = count,
		.actor = bytes_from(apply_actor(actor)),
		.idempotency_key = bytes_from(key),
	};
	const int result = evauth_apply(context->client, &set, &context->arena, ret_response);
	if (result == 0)
		return EXIT_DONE;
	const enum exit_code code = context_fail(context, result);
	if (result == -ETIMEDOUT || result == -ECONNRESET)
		context_warn(context, "  it is not known whether the change took effect: look before repeating it\n");
	return code;
}

void apply_say_closed(struct context *context, struct bytes charge_group_id)
{
	context_warn(context,
		     "Nobody can charge in charge group %.*s: no customer is attached, and it is neither open to all "
		     "customers nor to roaming.\n"
		     "  evauth group attach-customers %.*s CUSTOMER..., or evauth group set %.*s --all-customers on\n",
		     BYTES_ARG(charge_group_id), BYTES_ARG(charge_group_id), BYTES_ARG(charge_group_id));
}

enum exit_code apply_finish(struct context *context, const struct apply_response *response)
{
	if (context->json)
		return output_json(context, &schema_apply_response, response);
	for (size_t i = 0; i < response->closed_charge_group_ids_count; i++)
		apply_say_closed(context, response->closed_charge_group_ids[i]);
	return EXIT_DONE;
}
