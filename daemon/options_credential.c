// SPDX-License-Identifier: Apache-2.0
#include "daemon/options_credential.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "credential:";

// As systemd has them (systemd.exec(5)): nothing that leads out of its folder.
static bool is_name(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int option_find_file(const char *value, char *path, size_t path_size, char *why, size_t why_size)
{
	const char *folder = "", *name = value, *slash = "";
	if (strncmp(value, prefix, sizeof(prefix) - 1) == 0) {
		folder = getenv("CREDENTIALS_DIRECTORY");
		name = value + sizeof(prefix) - 1;
		slash = "/";
		if (!is_name(name)) {
			snprintf(why, why_size, "'%.128s' is not of the form credential:NAME", value);
			return -EINVAL;
		}
		if (folder == NULL || folder[0] != '/') {
			snprintf(why, why_size,
				 "'%.128s': no service manager has passed credentials (CREDENTIALS_DIRECTORY is not "
				 "set); with systemd: LoadCredential=%.128s:FILE in the unit",
				 value, name);
			return -EINVAL;
		}
	}
	if (strlen(folder) + strlen(slash) + strlen(name) >= path_size) {
		snprintf(why, why_size, "is longer than %zu bytes", path_size - 1);
		return -EINVAL;
	}
	snprintf(path, path_size, "%s%s%s", folder, slash, name);
	return 0;
}
