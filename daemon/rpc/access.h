// SPDX-License-Identifier: Apache-2.0
// Who may call what: from the names a connection has (conn_get_names()) to roles. Each method's role stands in its row
// of the table in dispatch.c.
//
// Rules only add: a connection has every role of every rule that names it, and no other. No rules at all is the safe
// default: the Unix socket for the daemon's own uid and root, plain TCP (which listens on loopback only) for anybody,
// nothing for certificates.
#pragma once

#include "base/check.h"
#include "daemon/net/conn.h"

#include <stddef.h>
#include <stdint.h>

enum role {
	ROLE_QUERY = 1 << 0, // asks and reads
	ROLE_WATCH = 1 << 1, // follows and copies everything: Watch, Snapshot, Log
	ROLE_WRITE = 1 << 2, // Apply
	ROLE_ADMIN =
		1 << 3, // changes what cannot be taken back by another change: Adopt, Restore, ForgetOrphans; and Check
	ROLES_ALL = ROLE_QUERY | ROLE_WATCH | ROLE_WRITE | ROLE_ADMIN,
};

enum {
	ACCESS_RULES_MAX = 64,
	ACCESS_WHY_SIZE = 320,
};

struct access_rules;

// "query", of exactly one role.
const char *role_name(enum role role);

// Those in `roles`, at most ROLES_MAX; returns how many.
enum { ROLES_MAX = 4 };
size_t roles_list(uint32_t roles, const char *ret_names[ROLES_MAX]);

// Reads one rule, as access_create() would. -EINVAL: ret_why says what is wrong, without the rule.
MUST_CHECK int access_check(const char *rule, char *ret_why, size_t why_size);
// Whether the rule is about certificates ("cn:...", "dns:...", "uri:...").
bool access_is_of_certificate(const char *rule);

// Rules are texts WHO=ROLE[,ROLE...]. WHO: "uid:1000", "uid:NAME", "gid:100", "gid:NAME" (Unix socket), "cn:NAME",
// "dns:NAME", "uri:URI" (certificate), "tcp" (plain TCP). ROLE: query, watch, write, admin, or all. Every rule has
// passed access_check(). -ENOMEM; -EINVAL with ret_why when a user or group has gone since. May ask the user database.
MUST_CHECK int access_create(const char *const *rules, size_t rules_count, struct access_rules **ret_access,
			     char ret_why[ACCESS_WHY_SIZE]);
// NULL is fine.
void access_destroy(struct access_rules *access);
// Takes over the rules of `*from`, which is destroyed and cleared. Any thread.
void access_replace(struct access_rules *access, struct access_rules **from);
// The roles of who has these names. `access` NULL: as without rules. Any thread.
uint32_t access_roles(struct access_rules *access, const struct conn_names *names);
// The first of these names that a rule gives a role, else the first; NULL: there are none. Any thread.
const char *access_find_name(struct access_rules *access, const struct conn_names *names);
