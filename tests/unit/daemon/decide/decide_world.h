// SPDX-License-Identifier: Apache-2.0
// A small network with every kind of object a decision knows, for the tests of decide/ and tariff/.
#pragma once

#include "daemon/decide/decide.h"
#include "tests/unit/store/image_builder.h"

// The token windows are around these.
enum { WINDOW_START = 1000, WINDOW_END = 2000, NOON = 1500 };

// Charge groups, each with a point "P-<group>" with EVSE "NL*E<group>*1", all with tariff t-work:
//     closed       neither box                        members m (t-work), staff (override t-staff), prepaid, broke,
//                                                     blocked, guest (of Partner)
//     prepaid      neither box, prepaid tariff t-pre  members staff, prepaid, prepaid-staff (override t-staff)
//     customers    open to all customers
//     roaming      open to roaming, prepaid tariff t-pre
//     both         both boxes
//     partner      open to all customers, user group "Partner"
// and a point "P-alone" in no group.
//
// Customers of the default user group: m, other, prepaid (PREPAID), prepaid-staff (PREPAID), staff, blocked, broke
// (no_credit); guest is of user group "PARTNER", shy too. Each has an RFID token "04<customer>" (of no hexadecimal
// digits, so it folds plain); roaming is allowed for all of them but shy's. Tokens of customer m with a window and
// such:
//     EARLY EXPIRES WINDOW BLOCKED   valid from, until, both; blocked
// Foreign tokens of NL TNM, one per whitelist, uid F-<whitelist>, the same with a window W-<whitelist>, and blocked
// B-<whitelist>; whitelist one of ALWAYS, ALLOWED, OFFLINE, NEVER, NONE.
void decide_world_init(struct image_builder *builder);

#define TEXT(literal) BYTES_LITERAL(literal)
