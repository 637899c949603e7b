// SPDX-License-Identifier: Apache-2.0
// search KIND TEXT, and NOUN list: the same by its own name.
#include "cli/search.h"
#include "cli/words.h"

#include <string.h>

static struct bytes option_bytes(const struct arguments *arguments, enum option_id id)
{
	return bytes_from(arguments->values[id]);
}

static enum exit_code search_with_options(struct context *context, enum object_kind kind, const char *text)
{
	const struct arguments *arguments = context->arguments;
	return search_print(context, &(struct search_request){
					     .kind = kind,
					     .text = bytes_from(text),
					     .charge_group_id = option_bytes(arguments, OPTION_GROUP),
					     .customer_id = option_bytes(arguments, OPTION_CUSTOMER),
					     .tariff_id = option_bytes(arguments, OPTION_TARIFF),
					     .unattached = option_is_on(arguments, OPTION_UNATTACHED),
				     });
}

enum exit_code command_list(struct context *context, const struct arguments *arguments)
{
	return search_with_options(context, arguments->command->kind,
				   arguments->words_count ? arguments->words[0] : NULL);
}

enum exit_code command_search(struct context *context, const struct arguments *arguments)
{
	enum object_kind kind;
	if (words_parse_kind(arguments->words[0], &kind) < 0)
		return context_refuse(
			context,
			"'%s' is no kind of object: use tariffs, groups, charge-points, customers, tokens or "
			"memberships",
			arguments->words[0]);
	return search_with_options(context, kind, arguments->words_count > 1 ? arguments->words[1] : NULL);
}
