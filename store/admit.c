// SPDX-License-Identifier: Apache-2.0
#include "store/admit.h"

#include "store/rules.h"

#include <errno.h>
#include <stdio.h>

bool admit_takes_away(const struct change_set *set)
{
	static const bool rows[CHANGE_KINDS] = {
		[CHANGE_DELETE_TARIFF] = true,       [CHANGE_DELETE_CHARGE_GROUP] = true,
		[CHANGE_DELETE_CHARGE_POINT] = true, [CHANGE_DELETE_CUSTOMER] = true,
		[CHANGE_DELETE_TOKEN] = true,        [CHANGE_DETACH_CHARGE_POINTS] = true,
		[CHANGE_DETACH_CUSTOMERS] = true,
	};
	for (size_t i = 0; i < set->changes_count; i++)
		if ((unsigned)set->changes[i].kind >= CHANGE_KINDS || !rows[set->changes[i].kind])
			return false;
	return true;
}

int admit_refuse_full(struct fault *fault)
{
	fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL,
		  "the store is full; delete what is not needed any more (deletes still work), or give it a larger "
		  "map_size and a larger disk");
	return -ENOSPC;
}

static int check_changes(const struct change_set *set, struct fault *fault)
{
	for (size_t i = 0; i < set->changes_count; i++) {
		char field[32];
		snprintf(field, sizeof(field), "changes[%zu]", i);
		const int result = rules_check_change(&set->changes[i], field, fault);
		if (result != 0) {
			fault->change_number = (uint32_t)i + 1;
			return result;
		}
	}
	return 0;
}

int store_admit(struct store *store, const struct change_set *set, struct fault *fault)
{
	int result = rules_check_set(set, fault);
	if (result == 0)
		result = check_changes(set, fault);
	if (result == 0 && db_is_full(store_db(store)) && !admit_takes_away(set))
		result = admit_refuse_full(fault);
	return result;
}
