// SPDX-License-Identifier: Apache-2.0
#include "bench/propagation_sighting.h"

void sighting_add(struct sighting *sighting, const struct sight *sight)
{
	if (!sight->is_new) {
		sighting->old_sent_ns = sight->sent_ns;
		sighting->visible_ns = 0;
		if (sight->revision > sighting->old_revision_max)
			sighting->old_revision_max = sight->revision;
		return;
	}
	if (sighting->new_sent_ns == 0 || sight->revision < sighting->new_revision_min)
		sighting->new_revision_min = sight->revision;
	if (sighting->visible_ns == 0)
		sighting->visible_ns = sight->received_ns;
	sighting->new_sent_ns = sight->sent_ns;
}

bool sighting_is_settled(const struct sighting *sighting, uint64_t acknowledged_ns)
{
	return sighting->visible_ns != 0 && sighting->new_sent_ns > acknowledged_ns;
}

enum sighting_verdict sighting_judge(const struct sighting *sighting, const struct sighting_change *change,
				     bool must_be_visible)
{
	if (must_be_visible && sighting->old_sent_ns > change->acknowledged_ns)
		return SIGHTING_STALE;
	if (sighting->old_revision_max >= change->revision)
		return SIGHTING_CONTRADICTS;
	if (sighting->new_sent_ns != 0 && sighting->new_revision_min < change->revision)
		return SIGHTING_CONTRADICTS;
	return SIGHTING_RIGHT;
}
