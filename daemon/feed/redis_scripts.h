// SPDX-License-Identifier: Apache-2.0
// The scripts of deploy/redis/, put into this program when it is built (cmake/embed.cmake). Each file says what it
// takes and answers.
#pragma once

extern const char redis_script_head[];
extern const char redis_script_append[];
extern const char redis_script_begin[];
