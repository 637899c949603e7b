// SPDX-License-Identifier: Apache-2.0
// Erase: what is left of a customer that was deleted. On the lister's thread: listings wait for it, questions do not.
#include "daemon/rpc/rpc.h"
#include "store/erase.h"

#include <errno.h>

int method_erase(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		 struct fault *fault)
{
	struct erase_response *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	if (response == NULL)
		return -ENOMEM;
	const int result = store_erase(lister_service(lister)->store, request, response, fault);
	if (result == 0) // whom: that would be a trace
		log_info("erased", "a customer is erased: %llu entries of the log and %llu answers were rewritten",
			 (unsigned long long)response->entries, (unsigned long long)response->answers);
	else
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "not erased: %s", strerrordesc_np(-result));
	return result;
}
