// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_denials.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/ids.h"
#include "proto/json.h"
#include "tls/pepper.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct server_denials {
	struct service_denials *told;
	_Atomic uint64_t second; // monotonic clock
	_Atomic uint64_t seen;   // denials in it
	pthread_mutex_t lock;    // of the pepper
	struct pepper pepper;    // size 0: none
};

// ---------------------------------------------------------------- lines

// Threads that meet here may miscount by a few; nothing depends on it.
static bool may_say(struct server_denials *denials, uint64_t *ret_left_out)
{
	const uint64_t now_s = clock_monotonic_ms() / 1000;
	uint64_t second = atomic_load_explicit(&denials->second, memory_order_relaxed);
	*ret_left_out = 0;
	if (second != now_s && atomic_compare_exchange_strong(&denials->second, &second, now_s)) {
		const uint64_t seen = atomic_exchange(&denials->seen, 0);
		*ret_left_out = seen > DENIALS_PER_SECOND ? seen - DENIALS_PER_SECOND : 0;
	}
	return atomic_fetch_add_explicit(&denials->seen, 1, memory_order_relaxed) < DENIALS_PER_SECOND;
}

// " t=1a2b3c4d", or nothing without a pepper. A question may leave the type open: but for an eMAID the uid folds as
// that of a card then, so that one token has one name.
static void format_token(struct server_denials *denials, const struct denial *denial, char *text, size_t size)
{
	const bool is_emaid = denial->token_type == TOKEN_TYPE_EMAID;
	char pseudonym[PSEUDONYM_TEXT_SIZE + 1] = "";
	struct id_key key;
	id_fold(is_emaid ? ID_FOLD_EMAID : ID_FOLD_RFID, denial->token_uid, &key);
	pthread_mutex_lock(&denials->lock);
	if (denials->pepper.size > 0)
		pepper_pseudonym(&denials->pepper, id_key_bytes(&key), pseudonym);
	pthread_mutex_unlock(&denials->lock);
	explicit_bzero(&key, sizeof(key));
	snprintf(text, size, "%s%s", pseudonym[0] ? " t=" : "", pseudonym);
}

// An unknown charge point is not named: what stands there is the client's, and may be the uid by mistake.
static void note(void *context, const struct denial *denial)
{
	struct server_denials *denials = context;
	char token[PSEUDONYM_TEXT_SIZE + 8], more[64] = "";
	uint64_t left_out;
	if (!may_say(denials, &left_out))
		return;
	format_token(denials, denial, token, sizeof(token));
	if (left_out > 0)
		snprintf(more, sizeof(more), "; %llu before were left out", (unsigned long long)left_out);
	log_info("denied", "%s at %.*s, asked by %s%s%s", json_enum_name(JSON_ENUM_REASON, (int)denial->reason),
		 BYTES_ARG(denial->charge_point_id.size > 0 ? denial->charge_point_id
							    : BYTES_LITERAL("an unknown charge point")),
		 denial->client, token, more);
}

// ---------------------------------------------------------------- settings

static int read_pepper(const struct options *options, struct pepper *pepper, struct options_error *error)
{
	char why[PEPPER_WHY_SIZE];
	pepper->size = 0;
	if (options->log_pepper_file[0] == '\0' || pepper_read(pepper, options->log_pepper_file, why) == 0)
		return 0;
	snprintf(error->message, sizeof(error->message), "log-pepper-file: %s", why);
	return -EINVAL;
}

int server_denials_check(const struct options *options, struct options_error *error)
{
	struct pepper pepper;
	const int result = read_pepper(options, &pepper, error);
	pepper_finish(&pepper);
	return result;
}

int server_denials_create(struct service *service, struct server_denials **ret_denials)
{
	struct server_denials *denials = calloc(1, sizeof(*denials));
	if (denials == NULL)
		return -ENOMEM;
	pthread_mutex_init(&denials->lock, NULL);
	denials->told = &service->denials;
	denials->told->context = denials;
	denials->told->note = note;
	*ret_denials = denials;
	return 0;
}

int server_denials_use(struct server_denials *denials, const struct options *options, struct options_error *error)
{
	struct pepper pepper;
	const int result = read_pepper(options, &pepper, error);
	if (result == 0) {
		pthread_mutex_lock(&denials->lock);
		denials->pepper = pepper;
		pthread_mutex_unlock(&denials->lock);
		atomic_store(&denials->told->are_wanted, options->log_denials);
	}
	pepper_finish(&pepper);
	return result;
}

void server_denials_destroy(struct server_denials *denials)
{
	if (denials == NULL)
		return;
	pepper_finish(&denials->pepper);
	pthread_mutex_destroy(&denials->lock);
	free(denials);
}
