// SPDX-License-Identifier: Apache-2.0
#include "cli/request.h"

#include "cli/words.h"

#include <errno.h>

static int refuse(enum option_id id, const char *value, const char *expected, struct fault *fault)
{
	fault_set(fault, STATUS_INVALID_ARGUMENT, NULL, "--%s: '%.64s' is not %s", option_rows[id].name, value,
		  expected);
	return -EINVAL;
}

static int take_enum(const struct arguments *arguments, enum option_id id, enum json_enum type, int *ret_value,
		     struct fault *fault)
{
	const char *value = arguments->values[id];
	if (value == NULL || words_parse_enum(type, value, ret_value) == 0)
		return 0;
	return refuse(id, value, option_rows[id].help, fault);
}

static int take_issuer(const char *value, struct issuer **ret_issuer, struct arena *arena, struct fault *fault)
{
	struct issuer *issuer = arena_calloc(arena, 1, sizeof(*issuer));
	if (issuer == NULL) {
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "out of memory");
		return -ENOMEM;
	}
	if (words_parse_issuer(value, issuer) < 0)
		return refuse(OPTION_ISSUER, value, "an issuer, like NL*ABC", fault);
	*ret_issuer = issuer->country_code.size ? issuer : NULL;
	return 0;
}

int request_take_options(const struct arguments *arguments, const struct request_options *targets, struct arena *arena,
			 struct fault *fault)
{
	const char *at = arguments->values[OPTION_AT], *issuer = arguments->values[OPTION_ISSUER];
	int type = 0, class = 0, result = 0;
	if (targets->at != NULL && at != NULL && words_parse_time(at, targets->at) < 0)
		return refuse(OPTION_AT, at, "a time: 2026-12-01T08:00:00Z, 2026-12-01 or unix seconds", fault);
	if (targets->token_type != NULL) {
		result = take_enum(arguments, OPTION_TOKEN_TYPE, JSON_ENUM_TOKEN_TYPE, &type, fault);
		*targets->token_type = (enum token_type)type;
	}
	if (result == 0 && targets->caller_class != NULL) {
		result = take_enum(arguments, OPTION_CLASS, JSON_ENUM_CALLER_CLASS, &class, fault);
		*targets->caller_class = (enum caller_class) class;
	}
	if (result == 0 && targets->issuer != NULL && issuer != NULL)
		result = take_issuer(issuer, targets->issuer, arena, fault);
	return result;
}
