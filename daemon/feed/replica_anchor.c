// SPDX-License-Identifier: Apache-2.0
// What a store does that stands here, with a log that looks like this (DESIGN 3.3, "Anchor").
#include "daemon/feed/replica_impl.h"

static struct anchor_verdict diverged(enum divergence divergence)
{
	return (struct anchor_verdict){.kind = ANCHOR_DIVERGED, .divergence = divergence};
}

static struct anchor_verdict follow(void)
{
	return (struct anchor_verdict){.kind = ANCHOR_FOLLOW};
}

static struct anchor_verdict join(const struct redis_log_entry *entry)
{
	return (struct anchor_verdict){.kind = ANCHOR_JOIN,
				       .position = {.epoch = entry->epoch,
						    .revision = entry->revision,
						    .nonce = entry->nonce,
						    .is_attached = true}};
}

static bool is_at(const struct store_position *place, const struct redis_log_entry *entry)
{
	return entry->revision == place->revision && id128_equal(&entry->epoch, &place->epoch) &&
	       id128_equal(&entry->nonce, &place->nonce);
}

// Trimmed exactly up to this place: the first entry follows it.
static bool is_before_first(const struct store_position *place, const struct redis_log_head *head)
{
	const struct redis_log_entry *first = &head->first;
	return !first->is_base && first->revision == place->revision + 1 && id128_equal(&first->epoch, &place->epoch) &&
	       id128_equal(&first->prev, &place->nonce) && !id128_is_zero(&place->nonce);
}

bool anchor_is_known(const struct store_position *place, const struct redis_log_head *head)
{
	if (head->is_empty)
		return false;
	return (head->has_mine && is_at(place, &head->mine)) || is_before_first(place, head);
}

static bool has_adopted(const struct redis_log_head *head, const struct id128 *epoch)
{
	for (uint32_t i = 0; head->first.is_base && i < head->first.adopted_count; i++)
		if (id128_equal(&head->first.adopted[i], epoch))
			return true;
	return false;
}

static struct anchor_verdict fetch(const struct redis_log_head *head, bool is_same_history)
{
	const struct redis_log_entry *first = &head->first;
	return (struct anchor_verdict){.kind = ANCHOR_FETCH,
				       .is_same_history = is_same_history,
				       .fetch_after = first->is_base ? first->revision : first->revision - 1};
}

// An operator made the log's history take over mine.
static struct anchor_verdict judge_adopted(const struct store_position *mine, const struct redis_log_head *head)
{
	const struct redis_log_entry *base = &head->first;
	// Where the new history starts from is where I stand: nothing to fetch, nothing to keep aside. That is also
	// how the replica that adopted goes on when it stopped halfway.
	if (id128_equal(&base->adopted[0], &mine->epoch) && id128_equal(&base->adopted_nonce, &mine->nonce) &&
	    !id128_is_zero(&mine->nonce))
		return join(base);
	return fetch(head, false);
}

static struct anchor_verdict judge_attached(const struct store_position *mine, const struct redis_log_head *head)
{
	if (head->is_empty)
		return diverged(DIVERGED_LOG_GONE);
	if (anchor_is_known(mine, head))
		return follow();
	if (!id128_equal(&head->last.epoch, &mine->epoch))
		return has_adopted(head, &mine->epoch) ? judge_adopted(mine, head) : diverged(DIVERGED_OTHER_HISTORY);
	if (head->has_mine)
		return diverged(DIVERGED_OTHER_ENTRY);
	if (mine->revision > head->last.revision)
		return diverged(DIVERGED_LOG_SHORTER);
	// The entry after mine is there and follows another one than mine.
	if (mine->revision + 1 == head->first.revision && !head->first.is_base)
		return diverged(DIVERGED_OTHER_ENTRY);
	// My history opened with a later state than mine.
	if (mine->revision < head->first.revision)
		return fetch(head, true);
	return diverged(DIVERGED_HOLE);
}

// My base is there, but I stopped before the store was told. A store without a nonce was given one with the base.
static bool is_my_base(const struct store_position *mine, const struct redis_log_head *head)
{
	return head->has_mine && id128_equal(&head->mine.epoch, &mine->epoch) &&
	       (id128_equal(&head->mine.nonce, &mine->nonce) || (head->mine.is_base && id128_is_zero(&mine->nonce)));
}

static struct anchor_verdict judge_new(const struct store_position *mine, bool is_empty,
				       const struct redis_log_head *head)
{
	if (head->is_empty)
		return (struct anchor_verdict){.kind = ANCHOR_BEGIN};
	if (is_my_base(mine, head))
		return join(&head->mine);
	if (has_adopted(head, &mine->epoch))
		return judge_adopted(mine, head);
	if (!is_empty)
		return diverged(DIVERGED_TWO_DATA_SETS);
	// All empty stores are the same at revision 1.
	if (mine->revision == 1 && head->first.is_base && head->first.revision == 1 && head->first.adopted_count == 0)
		return join(&head->first);
	return fetch(head, false);
}

struct anchor_verdict anchor_judge(const struct store_position *mine, bool is_empty, const struct redis_log_head *head)
{
	// What is damaged does not matter to who stands before it, until he gets there.
	if (head->damage[0] != '\0' && !(mine->is_attached && anchor_is_known(mine, head)))
		return diverged(DIVERGED_DAMAGED);
	return mine->is_attached ? judge_attached(mine, head) : judge_new(mine, is_empty, head);
}
