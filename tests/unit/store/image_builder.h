// SPDX-License-Identifier: Apache-2.0
// Fills an image directly, without rules and database, for tests of what reads images. Objects are given as messages
// and must be there before they are referred to; what is malformed or missing fails the test.
#pragma once

#include "proto/messages.h"
#include "store/image_edit.h"

struct image_builder {
	struct strings *strings;
	struct image_edit *edit; // begun on `image`, without another one
	struct image image;
};

// An empty image at revision 1.
void image_builder_init(struct image_builder *builder);
void image_builder_finish(struct image_builder *builder);

// Each returns the handle of what it adds.
uint32_t image_builder_add_tariff(struct image_builder *builder, const char *id);
uint32_t image_builder_add_group(struct image_builder *builder, const struct charge_group *group);
// With its EVSEs, attached to charge_group_id if that is set.
uint32_t image_builder_add_point(struct image_builder *builder, const struct charge_point *point);
uint32_t image_builder_add_customer(struct image_builder *builder, const struct customer *customer);
uint32_t image_builder_add_token(struct image_builder *builder, const struct token *token);
uint32_t image_builder_add_membership(struct image_builder *builder, const struct membership *membership);

// The handle of an id; 0 when there is none.
uint32_t image_builder_find(const struct image_builder *builder, enum image_slab slab, struct bytes id);
