// SPDX-License-Identifier: Apache-2.0
#include "store/store_impl.h"

#include "base/hash.h"

static const uint64_t STRINGS_SIZE_MAX = (uint64_t)4 << 30;

int store_index_create(struct store_index *ret_index)
{
	struct store_index index = {0};
	const uint64_t seed = hash_random_seed();
	int result = strings_create(STRINGS_SIZE_MAX, seed, &index.strings);
	for (int i = 0; result == 0 && i < 2; i++)
		result = image_init(&index.images[i], index.strings, seed);
	if (result == 0)
		result = image_edit_create(index.strings, &index.edit);
	if (result != 0)
		store_index_finish(&index);
	else
		*ret_index = index;
	return result;
}

void store_index_finish(struct store_index *index)
{
	image_edit_destroy(index->edit);
	for (int i = 0; i < 2; i++)
		image_finish(&index->images[i]);
	strings_destroy(index->strings);
	*index = (struct store_index){0};
}
