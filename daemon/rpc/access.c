// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/access.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { NAME_SIZE = 272 };

struct rule {
	char name[NAME_SIZE]; // as conn_get_names() says it
	uint32_t roles;
};

struct access_rules {
	pthread_rwlock_t lock; // taken when a connection opens, not for requests
	size_t count;
	struct rule rules[ACCESS_RULES_MAX];
};

static const struct {
	const char *name;
	uint32_t roles;
} role_words[] = {
	{"query", ROLE_QUERY}, {"watch", ROLE_WATCH}, {"write", ROLE_WRITE}, {"admin", ROLE_ADMIN}, {"all", ROLES_ALL},
};

const char *role_name(enum role role)
{
	for (size_t i = 0; i < ARRAY_SIZE(role_words); i++) {
		if (role_words[i].roles == (uint32_t)role)
			return role_words[i].name;
	}
	return "?";
}

size_t roles_list(uint32_t roles, const char *names[ROLES_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(role_words) && count < ROLES_MAX; i++) {
		if (role_words[i].roles != ROLES_ALL && (roles & role_words[i].roles))
			names[count++] = role_words[i].name;
	}
	return count;
}

// ---------------------------------------------------------------- reading a rule

// What a rule may be about.
struct kind {
	const char *prefix; // with the colon; "tcp" stands alone
	bool is_of_certificate;
	bool is_folded; // small and capital letters are the same
	int (*find_id)(const char *name, uint32_t *ret_id);
};

static int find_user(const char *name, uint32_t *ret_id)
{
	struct passwd entry, *found;
	char memory[16 * 1024];
	if (getpwnam_r(name, &entry, memory, sizeof(memory), &found) != 0 || found == NULL)
		return -ENOENT;
	*ret_id = entry.pw_uid;
	return 0;
}

static int find_group(const char *name, uint32_t *ret_id)
{
	struct group entry, *found;
	char memory[64 * 1024];
	if (getgrnam_r(name, &entry, memory, sizeof(memory), &found) != 0 || found == NULL)
		return -ENOENT;
	*ret_id = entry.gr_gid;
	return 0;
}

static const struct kind kinds[] = {
	{.prefix = "uid:", .find_id = find_user},      {.prefix = "gid:", .find_id = find_group},
	{.prefix = "cn:", .is_of_certificate = true},  {.prefix = "dns:", .is_of_certificate = true, .is_folded = true},
	{.prefix = "uri:", .is_of_certificate = true}, {.prefix = "tcp"},
};

static const struct kind *find_kind(const char *who)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const size_t size = strlen(kinds[i].prefix);
		const bool stands_alone = kinds[i].prefix[size - 1] != ':';
		if (strncmp(who, kinds[i].prefix, size) == 0 && (who[size] == '\0') == stands_alone)
			return &kinds[i];
	}
	return NULL;
}

PRINTF_LIKE(3, 4) static int refuse(char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int parse_id(const struct kind *kind, const char *text, uint32_t *ret_id)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return kind->find_id(text, ret_id);
	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);
	if (*end != '\0' || errno != 0 || number >= UINT32_MAX)
		return -EINVAL;
	*ret_id = (uint32_t)number;
	return 0;
}

static int parse_who(const char *who, struct rule *rule, char *why, size_t why_size)
{
	const struct kind *kind = find_kind(who);
	uint32_t id;
	if (kind == NULL)
		return refuse(why, why_size,
			      "names nobody: WHO is uid:USER, gid:GROUP, cn:NAME, dns:NAME, uri:URI or tcp");
	if (kind->find_id == NULL) {
		snprintf(rule->name, sizeof(rule->name), "%s", who);
		return 0;
	}
	if (parse_id(kind, who + strlen(kind->prefix), &id) != 0)
		return refuse(why, why_size, "there is no such %s on this machine",
			      kind->find_id == find_user ? "user" : "group");
	snprintf(rule->name, sizeof(rule->name), "%s%u", kind->prefix, id);
	return 0;
}

static int parse_role(const char *word, size_t size, uint32_t *roles)
{
	for (size_t i = 0; i < ARRAY_SIZE(role_words); i++) {
		if (strlen(role_words[i].name) == size && memcmp(role_words[i].name, word, size) == 0) {
			*roles |= role_words[i].roles;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_roles(const char *text, struct rule *rule, char *why, size_t why_size)
{
	for (;;) {
		const size_t size = strcspn(text, ",");
		if (parse_role(text, size, &rule->roles) != 0)
			return refuse(why, why_size, "'%.*s' is no role: query, watch, write, admin, or all",
				      (int)(size < 64 ? size : 64), text);
		if (text[size] == '\0')
			return 0;
		text += size + 1;
	}
}

static int parse_rule(const char *text, struct rule *ret_rule, char *why, size_t why_size)
{
	char who[NAME_SIZE];
	const char *equals = strrchr(text, '='); // there may be others in a URI
	*ret_rule = (struct rule){.roles = 0};
	if (equals == NULL || equals == text)
		return refuse(why, why_size, "is not of the form WHO=ROLE[,ROLE...]");
	const size_t size = (size_t)(equals - text);
	if (size >= sizeof(who))
		return refuse(why, why_size, "names somebody with more than %zu characters", sizeof(who) - 1);
	memcpy(who, text, size);
	who[size] = '\0';
	const int result = parse_who(who, ret_rule, why, why_size);
	return result ? result : parse_roles(equals + 1, ret_rule, why, why_size);
}

int access_check(const char *rule, char *why, size_t why_size)
{
	struct rule parsed;
	return parse_rule(rule, &parsed, why, why_size);
}

bool access_is_of_certificate(const char *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].is_of_certificate && strncmp(rule, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return true;
	}
	return false;
}

// ---------------------------------------------------------------- the rules

int access_create(const char *const *rules, size_t rules_count, struct access_rules **ret_access,
		  char why[ACCESS_WHY_SIZE])
{
	ASSERT(rules_count <= ACCESS_RULES_MAX);
	struct access_rules *access = calloc(1, sizeof(*access));
	if (access == NULL)
		return -ENOMEM;
	pthread_rwlock_init(&access->lock, NULL);
	for (; access->count < rules_count; access->count++) {
		const int result =
			parse_rule(rules[access->count], &access->rules[access->count], why, ACCESS_WHY_SIZE);
		if (result != 0) {
			access_destroy(access);
			return result;
		}
	}
	*ret_access = access;
	return 0;
}

void access_destroy(struct access_rules *access)
{
	if (access == NULL)
		return;
	pthread_rwlock_destroy(&access->lock);
	free(access);
}

void access_replace(struct access_rules *access, struct access_rules **from)
{
	pthread_rwlock_wrlock(&access->lock);
	access->count = (*from)->count;
	memcpy(access->rules, (*from)->rules, sizeof(access->rules));
	pthread_rwlock_unlock(&access->lock);
	access_destroy(*from);
	*from = NULL;
}

// ---------------------------------------------------------------- who has which

static uint32_t default_roles(const char *name)
{
	char own[NAME_SIZE];
	snprintf(own, sizeof(own), "uid:%u", geteuid());
	return strcmp(name, "tcp") == 0 || strcmp(name, "uid:0") == 0 || strcmp(name, own) == 0 ? ROLES_ALL : 0;
}

static bool is_about(const struct rule *rule, const char *name)
{
	const struct kind *kind = find_kind(name);
	return kind != NULL && (kind->is_folded ? strcasecmp(rule->name, name) : strcmp(rule->name, name)) == 0;
}

static uint32_t roles_by_rules(const struct access_rules *access, const char *name)
{
	uint32_t roles = 0;
	for (size_t i = 0; i < access->count; i++) {
		if (is_about(&access->rules[i], name))
			roles |= access->rules[i].roles;
	}
	return roles;
}

// With the lock.
static uint32_t roles_of(const struct access_rules *access, const char *name)
{
	return access == NULL || access->count == 0 ? default_roles(name) : roles_by_rules(access, name);
}

static void lock_rules(struct access_rules *access)
{
	if (access != NULL)
		pthread_rwlock_rdlock(&access->lock);
}

static void unlock_rules(struct access_rules *access)
{
	if (access != NULL)
		pthread_rwlock_unlock(&access->lock);
}

uint32_t access_roles(struct access_rules *access, const struct conn_names *names)
{
	uint32_t roles = 0;
	lock_rules(access);
	for (const char *name = conn_names_next(names, NULL); name != NULL; name = conn_names_next(names, name))
		roles |= roles_of(access, name);
	unlock_rules(access);
	return roles;
}

const char *access_find_name(struct access_rules *access, const struct conn_names *names)
{
	lock_rules(access);
	const char *name = conn_names_next(names, NULL);
	while (name != NULL && roles_of(access, name) == 0)
		name = conn_names_next(names, name);
	unlock_rules(access);
	return name ? name : conn_names_next(names, NULL);
}
