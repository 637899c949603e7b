// SPDX-License-Identifier: Apache-2.0
// Figures: what was counted. Answered at once, like Status, for they are wanted most when listings wait.
#include "daemon/rpc/rpc.h"

#include <errno.h>

int method_figures(struct worker *worker, const void *request, const void **ret_response, struct fault *fault)
{
	const struct service_figures *figures = &worker->service->figures;
	struct figures_response *response = arena_calloc(&worker->arena, 1, sizeof(*response));
	(void)request;
	*ret_response = response;
	if (response == NULL)
		return -ENOMEM;
	if (figures->get == NULL) {
		fault_set(fault, STATUS_UNIMPLEMENTED, NULL, "figures are not collected here");
		return -EOPNOTSUPP;
	}
	return figures->get(figures->context, &worker->arena, response);
}
