// SPDX-License-Identifier: Apache-2.0
// The log of changes for operators: Log and ForgetOrphans. On the lister's thread.
#include "daemon/rpc/rpc.h"
#include "store/log.h"

#include <errno.h>

int method_log(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
	       struct fault *fault)
{
	const struct log_request *log_request = request;
	struct log_request asked = *log_request;
	struct log_response *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	if (response == NULL)
		return -ENOMEM;
	if (asked.page_size > PAGE_SIZE_MAX) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, "page_size", "at most %d", PAGE_SIZE_MAX);
		return -EINVAL;
	}
	if (asked.page_size == 0)
		asked.page_size = PAGE_SIZE_DEFAULT;
	return log_read_page(lister_log(lister), &asked, arena, response);
}

int method_forget_orphans(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
			  struct fault *fault)
{
	const struct forget_orphans_request *asked = request;
	struct forget_orphans_response *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	if (response == NULL)
		return -ENOMEM;
	if (asked->through_revision == 0) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, "through_revision",
			  "the highest revision to be forgotten is needed");
		return -EINVAL;
	}
	return log_forget_orphans(lister_service(lister)->store, asked->through_revision, &response->forgotten);
}
