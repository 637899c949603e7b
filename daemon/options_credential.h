// SPDX-License-Identifier: Apache-2.0
// Files that settings name, where a service manager may have put them. Private to daemon/options*.c.
#pragma once

#include "base/check.h"

#include <stddef.h>

// What the value of a setting that names a file means: a path is itself; credential:NAME is the file NAME of the
// service manager's credentials (systemd: LoadCredential=NAME:...). -EINVAL: `ret_why` says what is wrong, without the
// name of the setting.
MUST_CHECK int option_find_file(const char *value, char *ret_path, size_t path_size, char *ret_why, size_t why_size);
