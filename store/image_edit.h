// SPDX-License-Identifier: Apache-2.0
// Editing the standby image so that a change set can be taken back, and a commit repeated on the other image.
//
// The life of a commit, all on the writer thread:
//
//     image_edit_begin(edit, standby)
//     for each change set:  mark = image_edit_mark(); ... edits ...; refused: image_edit_rollback(mark)
//     (LMDB commit)
//     image_edit_seal(edit, revision)
//     publish standby; wait for the readers of the old image
//     image_edit_repeat(edit)                on the old image; cannot fail: what it needs was reserved on both images
//                                            by the edits
//     image_edit_end(edit)                   frees the tariff bodies nobody can see any more
//
// or image_edit_rollback(edit, 0) and image_edit_end() when the commit is given up.
//
// Strings interned for an edit that is taken back stay interned: the arena of strings only grows until a restart.
#pragma once

#include "store/image.h"

struct image_edit;

MUST_CHECK int image_edit_create(struct strings *strings, struct image_edit **ret_edit);
void image_edit_destroy(struct image_edit *edit);

// `target` is edited now, `other` will be brought up to date by image_edit_repeat(). Both are equal. `other` NULL:
// there is none yet (image_copy() will make it); then nothing is repeated before image_edit_end().
void image_edit_begin(struct image_edit *edit, struct image *target, struct image *other);
size_t image_edit_mark(const struct image_edit *edit);
void image_edit_rollback(struct image_edit *edit, size_t mark);
// Makes the target what readers may see: its notes (image.h) are right and it is at `revision`. What was done so far is
// not taken back any more. Cannot fail.
void image_edit_seal(struct image_edit *edit, uint64_t revision);
void image_edit_repeat(struct image_edit *edit);
// Its two halves, which may run side by side, each on a thread of its own, while nothing else is done with the edit.
void image_edit_repeat_records(struct image_edit *edit);
void image_edit_repeat_slots(struct image_edit *edit);
void image_edit_end(struct image_edit *edit);
// The memory of the journal, which is kept from one commit to the next unless it was a huge one. Between commits.
void image_edit_give_back(struct image_edit *edit);

// A zeroed record; *ret_handle names it. It is in no table yet. -ENOMEM.
MUST_CHECK int image_edit_add(struct image_edit *edit, enum image_slab slab, uint32_t *ret_handle);
// The record, to be written before the next image_edit_mark() or _seal() (records do not move). -ENOMEM; *ret_record, a
// pointer to the record's struct, is untouched then.
MUST_CHECK int image_edit_modify(struct image_edit *edit, enum image_slab slab, uint32_t handle, void *ret_record);
// The record must be in no table and in no chain any more. A tariff's body goes with it. -ENOMEM.
MUST_CHECK int image_edit_remove(struct image_edit *edit, enum image_slab slab, uint32_t handle);
// Table of the same slab. -ENOMEM.
MUST_CHECK int image_edit_link(struct image_edit *edit, enum image_slab slab, uint64_t hash, uint32_t handle);
MUST_CHECK int image_edit_unlink(struct image_edit *edit, enum image_slab slab, uint64_t hash, uint32_t handle);
// A new body for a tariff: copies `encoded`. The former one is freed at image_edit_end(), this one at a rollback.
MUST_CHECK int image_edit_set_tariff_body(struct image_edit *edit, uint32_t tariff, struct bytes encoded);

const struct image *image_edit_image(const struct image_edit *edit); // the target
struct strings *image_edit_strings(const struct image_edit *edit);
