// SPDX-License-Identifier: Apache-2.0
// The figures as Prometheus reads them (text format 0.0.4); docs/metrics.md says what each means.
//
// To add a metric: a row of a table in metrics.c, or a function there; a row in docs/metrics.md.
#pragma once

#include "daemon/admin/figures.h"
#include "daemon/admin/text.h"

void metrics_write(const struct figures *figures, struct text *text);
