// SPDX-License-Identifier: Apache-2.0
// Check: is the store sound? On the lister's thread: listings wait for it, questions do not.
#include "daemon/rpc/rpc.h"
#include "store/audit.h"

#include <errno.h>

int method_check(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		 struct fault *fault)
{
	struct check_response *response = arena_calloc(arena, 1, sizeof(*response));
	(void)request;
	*ret_response = response;
	if (response == NULL)
		return -ENOMEM;
	const int result = store_audit(lister_service(lister)->store, arena, response);
	if (result != 0)
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "the store could not be checked: %s",
			  strerrordesc_np(-result));
	else if (response->problems_total > 0)
		log_error("check_failed", "the store has %llu problems: evauth check tells them",
			  (unsigned long long)response->problems_total);
	return result;
}
