// SPDX-License-Identifier: Apache-2.0
// A verdict in the words of the charging protocols (the table of reasons in DESIGN 1.2). Pure.
#pragma once

#include "proto/messages.h"

// Sets ocpi_allowed, ocpp16_status and ocpp2_status from reason and offline_verdict.
void words_set(struct authorize_response *response);
