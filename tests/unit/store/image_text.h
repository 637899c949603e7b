// SPDX-License-Identifier: Apache-2.0
// An image in words, so that two can be compared whatever their handles are and in whatever order their chains are.
#pragma once

#include "store/image.h"

// Everything the image holds, one object a line, in order; checks on the way that chains, counters and tables agree.
// malloc()ed.
char *image_text(const struct image *image);
// Whether both hold the same records under the same handles, in the same tables: what the two images of a store do
// after every commit, and what is left of a set that was refused.
bool image_equals(const struct image *a, const struct image *b);
