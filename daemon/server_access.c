// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_access.h"

#include "daemon/rpc/access.h"

#include <errno.h>
#include <stdio.h>

static_assert((int)OPTIONS_ACCESS_MAX <= (int)ACCESS_RULES_MAX, "all are taken");

static int create(const struct options *options, struct access_rules **ret_access, struct options_error *error)
{
	const char *rules[OPTIONS_ACCESS_MAX];
	char why[ACCESS_WHY_SIZE];
	for (size_t i = 0; i < options->access.count; i++)
		rules[i] = options->access.items[i];
	const int result = access_create(rules, options->access.count, ret_access, why);
	if (result != 0)
		snprintf(error->message, sizeof(error->message), "access: %s",
			 result == -ENOMEM ? "out of memory" : why);
	return result;
}

int server_access_check(const struct options *options, struct options_error *error)
{
	struct access_rules *access;
	const int result = create(options, &access, error);
	if (result == 0)
		access_destroy(access);
	return result;
}

int server_access_use(const struct options *options, struct service *service, struct options_error *error)
{
	struct access_rules *access;
	const int result = create(options, &access, error);
	if (result != 0)
		return result;
	if (service->access == NULL)
		service->access = access;
	else
		access_replace(service->access, &access);
	return 0;
}
