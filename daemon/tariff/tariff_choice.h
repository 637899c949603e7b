// SPDX-License-Identifier: Apache-2.0
// Which tariff applies at a place for a caller, whether or not access would be granted (DESIGN 1.2 "Tariff of an
// allowed caller", 1.3 GetTariff). Pure.
#pragma once

#include "proto/fault.h"
#include "proto/messages.h"
#include "store/image.h"

// The tariff of a caller in `group`: the override, the prepaid tariff, the group's. `membership` 0: none.
// `prepaid`: a PREPAID customer or a direct payment caller. Returns the tariff's handle.
uint32_t tariff_choose(const struct image *image, uint32_t group, uint32_t membership, bool prepaid,
		       enum tariff_source *ret_source);

// The answer to GetTariff, but for the body of the tariff: its handle.
struct tariff_choice {
	uint32_t tariff;
	uint32_t group;
	uint32_t customer; // 0: none
	uint32_t token;    // 0: none
	enum tariff_source source;
	enum caller_class caller_class;
};

// INVALID_ARGUMENT: not exactly one place or one caller, or a malformed id; NOT_FOUND: an unknown place or customer;
// FAILED_PRECONDITION: a charge point without a group.
MUST_CHECK int tariff_choice_find(const struct image *image, const struct get_tariff_request *request,
				  struct tariff_choice *ret_choice, struct fault *fault);
