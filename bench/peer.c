// SPDX-License-Identifier: Apache-2.0
#include "bench/peer.h"

#include <errno.h>

const struct peer_class *const peer_classes[] = {
	&peer_class_evauthd,   &peer_class_redis_lua, &peer_class_redis_get,
	&peer_class_memcached, &peer_class_postgres,  &peer_class_echo,
};
const uint32_t peer_class_count = ARRAY_SIZE(peer_classes);

const struct peer_class *peer_class_find(struct bytes name)
{
	for (uint32_t i = 0; i < peer_class_count; i++) {
		if (bytes_equal(name, bytes_from(peer_classes[i]->name)))
			return peer_classes[i];
	}
	return NULL;
}

int peer_open(const struct peer_class *class, const struct peer_setup *setup, struct peer *peer, struct fault *fault)
{
	char program[PROCESS_PATH_SIZE] = "";
	*peer = (struct peer){.class = class, .batch = 1};
	if (class->program && process_find_program(class->program, class->pattern, program) < 0) {
		fault_set(fault, STATUS_NOT_FOUND, NULL, "%s: no program %s (apt-get install %s)", class->name,
			  class->program, class->package);
		return -ENOENT;
	}
	return class->open(setup, program, peer, fault);
}
