// SPDX-License-Identifier: Apache-2.0
#include "cli/number.h"

bool number_parse(const char *word, uint64_t *ret_number)
{
	uint64_t number = 0;
	if (word[0] < '0' || word[0] > '9')
		return false;
	for (const char *next = word; *next != '\0'; next++) {
		if (*next == ',') // as we print them
			continue;
		if (*next < '0' || *next > '9' || number > (UINT64_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint64_t)(*next - '0');
	}
	*ret_number = number;
	return true;
}

bool number_option(const struct arguments *arguments, enum option_id id, uint64_t *ret_number)
{
	return !option_given(arguments, id) || number_parse(arguments->values[id], ret_number);
}
