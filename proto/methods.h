// SPDX-License-Identifier: Apache-2.0
// Method numbers are permanent (DESIGN 2).
#pragma once

// Every request message reserves this field for timeout_ms: it may come to any of them, and drops no restriction.
enum { FIELD_TIMEOUT_MS = 100 };

enum method {
	METHOD_AUTHORIZE = 1,
	METHOD_AUTHORIZE_BATCH = 2,
	METHOD_GET_TARIFF = 3,
	METHOD_PRICE_SESSION = 4,
	METHOD_LIST_VISIBLE_CHARGE_POINTS = 5,
	METHOD_LIST_PERMITTED = 6,
	METHOD_GET_LOCAL_LIST = 7,
	METHOD_APPLY = 16,
	METHOD_GET = 17,
	METHOD_SEARCH = 18,
	METHOD_WATCH = 19,
	METHOD_SNAPSHOT = 20,
	METHOD_LOG = 21,
	METHOD_STATUS = 32,
	METHOD_ADOPT = 33,
	METHOD_RESTORE = 34,
	METHOD_FORGET_ORPHANS = 35,
	METHOD_CHECK = 36,
	METHOD_ERASE = 37,
};
