// SPDX-License-Identifier: Apache-2.0
// Attaching and detaching: which charge points a group has, and who may use them at which tariff.
#include "cli/apply.h"
#include "cli/ids.h"
#include "cli/words.h"
#include "proto/codec.h"
#include "proto/ids.h"

#include <errno.h>
#include <inttypes.h>

// A list too long for one change is several changes of one set; a set that is too big is refused, because one command
// is all or nothing. `build` makes the change for a part of the ids.
struct list_command {
	const char *done;    // "attached 3 charge points"
	const char *already; // what ids that did not change are
	const char *noun;
	struct change (*build)(struct context *context, const struct ids *part, struct arena *arena);
};

static void *message_alloc(struct arena *arena, size_t size)
{
	return arena_calloc(arena, 1, size);
}

static struct bytes group_word(const struct context *context)
{
	return bytes_from(context->arguments->words[0]);
}

static struct change build_attach_points(struct context *context, const struct ids *part, struct arena *arena)
{
	struct attach_charge_points *message = message_alloc(arena, sizeof(*message));
	if (message != NULL)
		*message = (struct attach_charge_points){.charge_group_id = group_word(context),
							 .charge_point_ids = part->ids,
							 .charge_point_ids_count = part->count,
							 .move = option_is_on(context->arguments, OPTION_MOVE)};
	return (struct change){.kind = CHANGE_ATTACH_CHARGE_POINTS, .attach_charge_points = message};
}

static struct change build_detach_points(struct context *context, const struct ids *part, struct arena *arena)
{
	(void)context;
	struct detach_charge_points *message = message_alloc(arena, sizeof(*message));
	if (message != NULL)
		*message = (struct detach_charge_points){.charge_point_ids = part->ids,
							 .charge_point_ids_count = part->count};
	return (struct change){.kind = CHANGE_DETACH_CHARGE_POINTS, .detach_charge_points = message};
}

static struct change build_attach_customers(struct context *context, const struct ids *part, struct arena *arena)
{
	struct attach_customers *message = message_alloc(arena, sizeof(*message));
	if (message != NULL)
		*message =
			(struct attach_customers){.charge_group_id = group_word(context),
						  .customer_ids = part->ids,
						  .customer_ids_count = part->count,
						  .tariff_id = bytes_from(context->arguments->values[OPTION_TARIFF])};
	return (struct change){.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = message};
}

static struct change build_detach_customers(struct context *context, const struct ids *part, struct arena *arena)
{
	struct detach_customers *message = message_alloc(arena, sizeof(*message));
	if (message != NULL)
		*message = (struct detach_customers){.charge_group_id = group_word(context),
						     .customer_ids = part->ids,
						     .customer_ids_count = part->count};
	return (struct change){.kind = CHANGE_DETACH_CUSTOMERS, .detach_customers = message};
}

static struct change build_set_tariff(struct context *context, const struct ids *part, struct arena *arena)
{
	struct set_customer_tariff *message = message_alloc(arena, sizeof(*message));
	if (message != NULL)
		*message = (struct set_customer_tariff){.charge_group_id = group_word(context),
							.customer_ids = part->ids,
							.customer_ids_count = part->count,
							.tariff_id =
								bytes_from(context->arguments->values[OPTION_TARIFF])};
	return (struct change){.kind = CHANGE_SET_CUSTOMER_TARIFF, .set_customer_tariff = message};
}

// The ids cut into changes. The number of changes; 0 when memory ran out.
static size_t cut_into_changes(struct context *context, const struct list_command *command, const struct ids *ids,
			       struct change *changes)
{
	size_t count = 0;
	for (size_t at = 0; at < ids->count; at += IDS_PER_CHANGE_MAX) {
		const size_t rest = ids->count - at;
		const struct ids part = {.ids = ids->ids + at,
					 .count = rest < IDS_PER_CHANGE_MAX ? rest : IDS_PER_CHANGE_MAX};
		changes[count] = command->build(context, &part, &context->arena);
		if (changes[count].change == NULL)
			return 0;
		count++;
	}
	return count;
}

// Actor and key of the set, with room to spare.
enum { SET_OVERHEAD = 256 };

static bool fits_one_set(struct context *context, struct change *changes, size_t count)
{
	struct bytes body;
	const struct change_set set = {.changes = changes, .changes_count = count};
	return codec_encode(&schema_change_set, &set, &context->arena, &body) == 0 &&
	       body.size + SET_OVERHEAD <= BODY_APPLY_MAX;
}

static void say_result(struct context *context, const struct list_command *command,
		       const struct apply_response *response)
{
	uint64_t changed = 0, unchanged = 0;
	for (size_t i = 0; i < response->results_count; i++) {
		changed += response->results[i].changed;
		unchanged += response->results[i].unchanged_ids_count;
	}
	context_say(context, "charge group %s: %" PRIu64 " %s%s %s\n", context->arguments->words[0], changed,
		    command->noun, changed == 1 ? "" : "s", command->done);
	for (size_t i = 0; i < response->results_count && unchanged > 0; i++) {
		for (size_t j = 0; j < response->results[i].unchanged_ids_count; j++)
			context_say(context, "  %.*s %s\n", BYTES_ARG(response->results[i].unchanged_ids[j]),
				    command->already);
	}
}

static enum exit_code run_list_command(struct context *context, const struct list_command *command,
				       const struct ids *ids)
{
	struct change *changes = arena_calloc(&context->arena, ids->count / IDS_PER_CHANGE_MAX + 1, sizeof(*changes));
	const size_t count = changes ? cut_into_changes(context, command, ids, changes) : 0;
	if (count == 0)
		return context_no_memory(context);
	if (!fits_one_set(context, changes, count))
		return context_refuse(
			context,
			"%zu ids exceed one change set (%d KiB); nothing was done. Give fewer at a time, e.g. "
			"split -l 3000 ids.txt part- and one command per part",
			ids->count, BODY_APPLY_MAX / 1024);
	struct apply_response *response;
	const enum exit_code code = apply_changes(context, changes, count, &response);
	if (code != EXIT_DONE)
		return code;
	say_result(context, command, response);
	return apply_finish(context, response);
}

static enum exit_code read_and_run(struct context *context, const struct list_command *command)
{
	struct ids ids;
	const enum exit_code code = ids_read(context, 1, &ids);
	return code == EXIT_DONE ? run_list_command(context, command, &ids) : code;
}

enum exit_code command_attach_points(struct context *context, const struct arguments *arguments)
{
	static const struct list_command command = {"attached", "was attached already", "charge point",
						    build_attach_points};
	(void)arguments;
	return read_and_run(context, &command);
}

enum exit_code command_attach_customers(struct context *context, const struct arguments *arguments)
{
	static const struct list_command command = {"attached", "was attached already", "customer",
						    build_attach_customers};
	(void)arguments;
	return read_and_run(context, &command);
}

enum exit_code command_detach_customers(struct context *context, const struct arguments *arguments)
{
	static const struct list_command command = {"detached", "was not attached", "customer", build_detach_customers};
	(void)arguments;
	return read_and_run(context, &command);
}

enum exit_code command_set_tariff(struct context *context, const struct arguments *arguments)
{
	static const struct list_command command = {"given their tariff", "had it already", "customer",
						    build_set_tariff};
	if (!option_given(arguments, OPTION_TARIFF))
		return context_refuse(context, "which tariff? --tariff TARIFF, or --tariff \"\" for the group's");
	return read_and_run(context, &command);
}

// ---------------------------------------------------------------- detach-points

static bool same_id(struct bytes a, struct bytes b)
{
	struct id_key left, right;
	id_fold(ID_FOLD_PLAIN, a, &left);
	id_fold(ID_FOLD_PLAIN, b, &right);
	return bytes_equal(id_key_bytes(&left), id_key_bytes(&right));
}

// The protocol detaches a point from whatever group it is in; who names a group means that one. A point moved between
// this look and the change is detached all the same: detaching is refused for nothing else.
static int check_point_is_in_group(struct context *context, struct bytes point_id, struct arena *arena,
				   struct fault *fault)
{
	const struct get_request request = {.kind = OBJECT_KIND_CHARGE_POINT, .id = point_id};
	struct record *record;
	const int result = evauth_get(context->client, &request, arena, &record);
	if (result < 0) {
		*fault = *evauth_fault(context->client);
		return result;
	}
	const struct bytes group =
		record->kind == RECORD_CHARGE_POINT ? record->charge_point->charge_group_id : (struct bytes){0};
	if (bytes_is_empty(group) || same_id(group, group_word(context)))
		return 0;
	fault_set(fault, STATUS_FAILED_PRECONDITION, NULL, "charge point %.*s is in group %.*s, not in %s",
		  BYTES_ARG(point_id), BYTES_ARG(group), context->arguments->words[0]);
	return -EINVAL;
}

enum exit_code command_detach_points(struct context *context, const struct arguments *arguments)
{
	static const struct list_command command = {"detached", "was in no group", "charge point", build_detach_points};
	struct fault fault = {0};
	struct arena arena;
	struct ids ids;
	(void)arguments;
	const enum exit_code code = ids_read(context, 1, &ids);
	if (code != EXIT_DONE)
		return code;
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
	int result = 0;
	for (size_t i = 0; result == 0 && i < ids.count; i++) {
		arena_reset(&arena);
		result = check_point_is_in_group(context, ids.ids[i], &arena, &fault);
	}
	arena_finish(&arena);
	return result < 0 ? context_fail_with(context, &fault) : run_list_command(context, &command, &ids);
}
