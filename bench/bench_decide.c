// SPDX-License-Identifier: Apache-2.0
// The decision alone, on one core: nanoseconds per decide() with random keys, for every kind of answer.
//
//     bench_decide [TOKENS] [ROUNDS] [PART OF A KIND'S NAME]     default 1000000 tokens, 7 rounds, every kind
//
// The world has the standard shape (docs/performance.md): per token 0.6 customers, 0.1 charge points with one EVSE
// each, 1 membership, 0.01 groups; 14-digit uids. It is built as the store does it, both images through image_edit.h.
// What an object is (blocked, expired, of another user group) follows from its index, so that every kind of answer has
// more tokens than a cache holds. Each answer is checked. The figure is the median of the rounds.
#include "base/clock.h"
#include "base/hash.h"
#include "daemon/decide/decide.h"
#include "store/image_edit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	TOKENS_DEFAULT = 1000000,
	TOKENS_MIN = 1000,
	TOKENS_MAX = 20000000,
	ROUNDS_DEFAULT = 7,
	ROUNDS_MAX = 101,
	BATCH = 64,
	QUESTIONS = 1 << 18, // of each kind; what they touch is more than the last cache level holds
	EDITS_PER_COMMIT = 1000,
	POINTS_PER_GROUP = 10, // of these the last one is left unattached
	ID_TEXT_MAX = 32,
};

static const uint64_t SEED = 20261122;
static const int64_t NOW = 1800000000, PAST = 1700000000, FUTURE = 1900000000;

// Memory and impossible errors end the benchmark; there is nothing to recover.
static void must(int error)
{
	ASSERT(error == 0);
}

static uint64_t random_of(uint64_t kind, uint64_t number)
{
	return hash_bytes((uint64_t[]){kind, number}, 16, SEED);
}

// ---------------------------------------------------------------- the world: what follows from an index

struct world {
	uint32_t tokens, own_tokens, customers, points, groups, memberships;
	struct strings *strings;
	struct image images[2];
	struct image_edit *edit;
	uint32_t first_group, first_customer, first_point; // handles; the others follow in order
	uint32_t tariff, partner, issuer;
};

enum token_class { TOKEN_IS_FINE, TOKEN_IS_BLOCKED, TOKEN_IS_EARLY, TOKEN_IS_EXPIRED, TOKEN_HAS_NO_CONSENT };
enum customer_class { CUSTOMER_IS_FINE, CUSTOMER_IS_BLOCKED, CUSTOMER_IS_BROKE, CUSTOMER_IS_PARTNERS };
enum group_class { GROUP_IS_CLOSED, GROUP_IS_FOR_CUSTOMERS, GROUP_IS_FOR_ROAMING, GROUP_CLASSES };

static enum token_class class_of_token(uint32_t token)
{
	const uint64_t draw = random_of(1, token) % 8;
	return draw <= TOKEN_HAS_NO_CONSENT ? (enum token_class)draw : TOKEN_IS_FINE;
}

static enum customer_class class_of_customer(uint32_t customer)
{
	const uint64_t draw = random_of(2, customer) % 6;
	return draw <= CUSTOMER_IS_PARTNERS ? (enum customer_class)draw : CUSTOMER_IS_FINE;
}

static enum group_class class_of_group(uint32_t group)
{
	return (enum group_class)(group % GROUP_CLASSES);
}

static uint32_t group_of_membership(const struct world *world, uint32_t membership)
{
	return (uint32_t)(random_of(3, membership) % world->groups);
}

static uint32_t customer_of_membership(const struct world *world, uint32_t membership)
{
	return membership % world->customers;
}

static bool is_attached(uint32_t point)
{
	return point % POINTS_PER_GROUP != POINTS_PER_GROUP - 1;
}

static size_t write_uid(uint64_t token, char *text)
{
	// A bijection of 48 bits: no two tokens have the same uid.
	const uint64_t bits = 0xffffffffffff;
	uint64_t x = token * 0x9e3779b97f4b & bits;
	x = (x ^ (x >> 25)) * 0xd6e8feb86659 & bits;
	return (size_t)sprintf(text, "04%012" PRIX64, x ^ (x >> 23));
}

static size_t write_point_id(uint32_t point, char *text)
{
	return (size_t)sprintf(text, "NL*EVC*E%07" PRIu32, point);
}

// ---------------------------------------------------------------- building it

static struct short_id short_id_of(struct world *world, const char *text)
{
	struct short_id id;
	must(short_id_set(world->strings, bytes_from(text), &id));
	return id;
}

// A new record, to be filled; every now and then the commit so far is ended.
static void *add(struct world *world, enum image_slab slab, uint32_t *ret_handle)
{
	void *record;
	if (image_edit_mark(world->edit) > EDITS_PER_COMMIT) {
		image_edit_seal(world->edit, 1);
		image_edit_repeat(world->edit);
		image_edit_end(world->edit);
		image_edit_begin(world->edit, &world->images[0], &world->images[1]);
	}
	must(image_edit_add(world->edit, slab, ret_handle));
	must(image_edit_modify(world->edit, slab, *ret_handle, &record));
	return record;
}

static void link_id(struct world *world, enum image_slab slab, const char *id, uint32_t handle)
{
	struct image_key key;
	image_key_prepare(&world->images[0], slab, bytes_from(id), &key);
	must(image_edit_link(world->edit, slab, key.hash, handle));
}

static void add_tariff(struct world *world)
{
	struct tariff_record *record = add(world, IMAGE_TARIFFS, &world->tariff);
	record->id = short_id_of(world, "tariff-0001");
	link_id(world, IMAGE_TARIFFS, "tariff-0001", world->tariff);
}

static void add_group(struct world *world, uint32_t group)
{
	static const uint8_t flags[GROUP_CLASSES] = {0, GROUP_OPEN_TO_ALL_CUSTOMERS, GROUP_OPEN_TO_ROAMING};
	char id[ID_TEXT_MAX];
	uint32_t handle;
	struct group_record *record = add(world, IMAGE_GROUPS, &handle);
	sprintf(id, "group-%06" PRIu32, group);
	record->id = short_id_of(world, id);
	record->tariff = world->tariff;
	record->type = CHARGE_GROUP_TYPE_OTHER;
	record->flags = flags[class_of_group(group)];
	link_id(world, IMAGE_GROUPS, id, handle);
	world->first_group = group == 0 ? handle : world->first_group;
}

static void add_point(struct world *world, uint32_t point)
{
	char id[ID_TEXT_MAX], location_id[ID_TEXT_MAX];
	uint32_t handle, evse;
	struct point_record *record = add(world, IMAGE_POINTS, &handle);
	const size_t size = write_point_id(point, id);
	sprintf(location_id, "loc-%07" PRIu32, point / 4);
	record->id = short_id_of(world, id);
	record->location_id = short_id_of(world, location_id);
	record->group = is_attached(point) ? world->first_group + point / POINTS_PER_GROUP : 0;
	link_id(world, IMAGE_POINTS, id, handle);
	strcpy(id + size, "*1");
	struct evse_record *evse_record = add(world, IMAGE_EVSES, &evse);
	evse_record->id = short_id_of(world, id);
	evse_record->point = handle;
	link_id(world, IMAGE_EVSES, id, evse);
	world->first_point = point == 0 ? handle : world->first_point;
}

static void add_customer(struct world *world, uint32_t customer)
{
	char id[ID_TEXT_MAX];
	uint32_t handle;
	struct customer_record *record = add(world, IMAGE_CUSTOMERS, &handle);
	const enum customer_class class = class_of_customer(customer);
	sprintf(id, "cust-%07" PRIu32, customer);
	record->id = short_id_of(world, id);
	record->user_group = class == CUSTOMER_IS_PARTNERS ? world->partner : STRING_EMPTY;
	record->flags = class == CUSTOMER_IS_BLOCKED ? CUSTOMER_BLOCKED
			: class == CUSTOMER_IS_BROKE ? CUSTOMER_NO_CREDIT
						     : 0;
	link_id(world, IMAGE_CUSTOMERS, id, handle);
	world->first_customer = customer == 0 ? handle : world->first_customer;
}

static void add_token(struct world *world, uint32_t token)
{
	char uid[ID_TEXT_MAX], contract_id[ID_TEXT_MAX];
	uint32_t handle;
	struct token_record *record = add(world, IMAGE_TOKENS, &handle);
	const enum token_class class = class_of_token(token);
	const bool foreign = token >= world->own_tokens;
	write_uid(token, uid);
	sprintf(contract_id, "NLEVCC%08" PRIu32, token);
	*record = (struct token_record){
		.uid = short_id_of(world, uid),
		.contract_id = short_id_of(world, contract_id),
		.valid_from = class == TOKEN_IS_EARLY  ? FUTURE
			      : class == TOKEN_IS_FINE ? PAST
						       : 0,
		.valid_until = class == TOKEN_IS_EXPIRED ? PAST : 0,
		.owner = foreign ? world->issuer : world->first_customer + token % world->customers,
		.type = TOKEN_TYPE_RFID,
		.flags = (uint8_t)((class == TOKEN_IS_BLOCKED ? TOKEN_BLOCKED : 0) |
				   (class != TOKEN_HAS_NO_CONSENT ? TOKEN_ROAMING_ALLOWED : 0) |
				   (foreign ? TOKEN_FOREIGN : 0)),
		.whitelist = foreign ? (token % 2 ? WHITELIST_ALLOWED : WHITELIST_NEVER) : WHITELIST_NEVER,
	};
	must(image_edit_link(world->edit, IMAGE_TOKENS,
			     image_token_hash(&world->images[0], TOKEN_TYPE_RFID, bytes_from(uid)), handle));
}

static void add_membership(struct world *world, uint32_t membership)
{
	const uint32_t group = world->first_group + group_of_membership(world, membership);
	const uint32_t customer = world->first_customer + customer_of_membership(world, membership);
	if (image_find_membership(&world->images[0], group, customer) != 0)
		return;
	uint32_t handle;
	struct membership_record *record = add(world, IMAGE_MEMBERSHIPS, &handle);
	record->group = group;
	record->customer = customer;
	must(image_edit_link(world->edit, IMAGE_MEMBERSHIPS, image_membership_hash(&world->images[0], group, customer),
			     handle));
}

static void build_objects(struct world *world)
{
	add_tariff(world);
	for (uint32_t i = 0; i < world->groups; i++)
		add_group(world, i);
	for (uint32_t i = 0; i < world->points; i++)
		add_point(world, i);
	for (uint32_t i = 0; i < world->customers; i++)
		add_customer(world, i);
	for (uint32_t i = 0; i < world->tokens; i++)
		add_token(world, i);
	for (uint32_t i = 0; i < world->memberships; i++)
		add_membership(world, i);
}

static void build_world(struct world *world, uint32_t tokens)
{
	*world = (struct world){
		.tokens = tokens,
		.own_tokens = tokens / 5 * 4,
		.customers = tokens / 5 * 3,
		.points = tokens / 100 * POINTS_PER_GROUP,
		.groups = tokens / 100,
		.memberships = tokens,
	};
	must(strings_create((uint64_t)1 << 32, SEED, &world->strings));
	must(strings_intern(world->strings, BYTES_LITERAL("PARTNER"), &world->partner));
	must(strings_intern(world->strings, BYTES_LITERAL("DELAD"), &world->issuer));
	must(image_edit_create(world->strings, &world->edit));
	for (int i = 0; i < 2; i++)
		must(image_init(&world->images[i], world->strings, SEED));
	image_edit_begin(world->edit, &world->images[0], &world->images[1]);
	build_objects(world);
	image_edit_seal(world->edit, 1);
	image_edit_repeat(world->edit);
	image_edit_end(world->edit);
}

static void finish_world(struct world *world)
{
	image_edit_destroy(world->edit);
	image_free_bodies(&world->images[0]);
	for (int i = 0; i < 2; i++)
		image_finish(&world->images[i]);
	strings_destroy(world->strings);
}

// ---------------------------------------------------------------- questions

struct question {
	uint8_t uid_size;
	uint8_t point_id_size;
	char uid[14];
	char point_id[16];
};
static_assert(sizeof(struct question) == 32, "two fill a cache line: reading them costs next to nothing");

// Who asks: a token of this class, of a customer of that class, at a point of a group of that class.
struct caller {
	bool foreign;
	bool attached;
	enum token_class token;
	enum customer_class customer;
	enum group_class group;
};

enum special { AS_CALLER, TOKEN_UNKNOWN, POINT_UNKNOWN, POINT_UNATTACHED };
enum manner { BY_POINT, BY_EVSE, IN_BATCHES };

struct kind {
	const char *name;
	enum verdict verdict;
	enum reason reason;
	enum special special;
	struct caller caller;
	enum token_type type;
	enum manner manner;
};

#define ALLOWED(...) VERDICT_ALLOWED, REASON_OK, AS_CALLER, {__VA_ARGS__}, TOKEN_TYPE_UNSPECIFIED
#define DENIED(reason, ...) VERDICT_DENIED, REASON_##reason, AS_CALLER, {__VA_ARGS__}, TOKEN_TYPE_UNSPECIFIED, BY_POINT
#define NOT_KNOWN(verdict, reason, what, type, ...) \
	VERDICT_##verdict, REASON_##reason, what, {__VA_ARGS__}, TOKEN_TYPE_##type, BY_POINT

static const struct kind kinds[] = {
	{"ALLOWED, attached customer", ALLOWED(.attached = true), BY_POINT},
	{"ALLOWED, attached, by EVSE", ALLOWED(.attached = true), BY_EVSE},
	{"ALLOWED, attached, batches", ALLOWED(.attached = true), IN_BATCHES},
	{"ALLOWED, all customers", ALLOWED(.group = GROUP_IS_FOR_CUSTOMERS), BY_POINT},
	{"ALLOWED, roaming customer", ALLOWED(.customer = CUSTOMER_IS_PARTNERS, .group = GROUP_IS_FOR_ROAMING),
	 BY_POINT},
	{"ALLOWED, foreign token", ALLOWED(.foreign = true, .group = GROUP_IS_FOR_ROAMING), BY_POINT},
	{"UNKNOWN_CHARGE_POINT", NOT_KNOWN(DENIED, UNKNOWN_CHARGE_POINT, POINT_UNKNOWN, UNSPECIFIED, .foreign = false)},
	{"NO_CHARGE_GROUP", NOT_KNOWN(DENIED, NO_CHARGE_GROUP, POINT_UNATTACHED, UNSPECIFIED, .foreign = false)},
	{"UNKNOWN_TOKEN, type given", NOT_KNOWN(DENIED, UNKNOWN_TOKEN, TOKEN_UNKNOWN, RFID, .foreign = false)},
	{"UNKNOWN_TOKEN, no type", NOT_KNOWN(DENIED, UNKNOWN_TOKEN, TOKEN_UNKNOWN, UNSPECIFIED, .foreign = false)},
	{"UNKNOWN_TOKEN, ask issuer",
	 NOT_KNOWN(ASK_ISSUER, UNKNOWN_TOKEN, TOKEN_UNKNOWN, UNSPECIFIED, .group = GROUP_IS_FOR_ROAMING)},
	{"direct payment", NOT_KNOWN(ALLOWED, OK, TOKEN_UNKNOWN, AD_HOC_USER, .group = GROUP_IS_FOR_ROAMING)},
	{"direct payment, roaming off", NOT_KNOWN(DENIED, ROAMING_OFF, TOKEN_UNKNOWN, AD_HOC_USER, .foreign = false)},
	{"TOKEN_BLOCKED", DENIED(TOKEN_BLOCKED, .attached = true, .token = TOKEN_IS_BLOCKED)},
	{"TOKEN_NOT_YET_VALID", DENIED(TOKEN_NOT_YET_VALID, .attached = true, .token = TOKEN_IS_EARLY)},
	{"TOKEN_EXPIRED", DENIED(TOKEN_EXPIRED, .attached = true, .token = TOKEN_IS_EXPIRED)},
	{"CUSTOMER_BLOCKED", DENIED(CUSTOMER_BLOCKED, .attached = true, .customer = CUSTOMER_IS_BLOCKED)},
	{"NOT_ATTACHED", DENIED(NOT_ATTACHED, .attached = false)},
	{"NO_ROAMING_CONSENT", DENIED(NO_ROAMING_CONSENT, .token = TOKEN_HAS_NO_CONSENT,
				      .customer = CUSTOMER_IS_PARTNERS, .group = GROUP_IS_FOR_ROAMING)},
	{"ROAMING_OFF, customer", DENIED(ROAMING_OFF, .customer = CUSTOMER_IS_PARTNERS)},
	{"ROAMING_OFF, foreign token", DENIED(ROAMING_OFF, .foreign = true)},
	{"NO_CREDIT", DENIED(NO_CREDIT, .attached = true, .customer = CUSTOMER_IS_BROKE)},
	{"ISSUER_DECIDES",
	 VERDICT_ASK_ISSUER,
	 REASON_ISSUER_DECIDES,
	 AS_CALLER,
	 {.foreign = true, .group = GROUP_IS_FOR_ROAMING},
	 TOKEN_TYPE_UNSPECIFIED,
	 BY_POINT},
};

struct draw {
	uint64_t seed;
	uint64_t number;
};

static uint32_t draw_below(struct draw *draw, uint32_t limit)
{
	return (uint32_t)(random_of(draw->seed, draw->number++) % limit);
}

static uint32_t draw_group(const struct world *world, enum group_class class, struct draw *draw)
{
	uint32_t group;
	do
		group = draw_below(draw, world->groups);
	while (class_of_group(group) != class);
	return group;
}

static uint32_t draw_foreign_token(const struct world *world, const struct kind *kind, struct draw *draw)
{
	const bool never = kind->reason == REASON_ISSUER_DECIDES;
	uint32_t token;
	do
		token = world->own_tokens + draw_below(draw, world->tokens - world->own_tokens);
	while (class_of_token(token) != kind->caller.token || (token % 2 == 0) != never);
	return token;
}

// One of the (one or two) tokens of a customer.
static uint32_t draw_token_of(const struct world *world, uint32_t customer, struct draw *draw)
{
	const uint32_t second = customer + world->customers;
	return second < world->own_tokens && draw_below(draw, 2) ? second : customer;
}

static bool draw_own_token(const struct world *world, const struct kind *kind, struct draw *draw, uint32_t *ret_token,
			   uint32_t *ret_group)
{
	const uint32_t membership = draw_below(draw, world->memberships);
	const uint32_t customer = customer_of_membership(world, membership);
	const uint32_t token = draw_token_of(world, customer, draw);
	const uint32_t group = kind->caller.attached ? group_of_membership(world, membership)
						     : draw_group(world, kind->caller.group, draw);
	if (class_of_token(token) != kind->caller.token || class_of_customer(customer) != kind->caller.customer ||
	    class_of_group(group) != kind->caller.group)
		return false;
	const uint32_t found =
		image_find_membership(&world->images[0], world->first_group + group, world->first_customer + customer);
	*ret_token = token;
	*ret_group = group;
	return (found != 0) == kind->caller.attached;
}

static void draw_caller(const struct world *world, const struct kind *kind, struct draw *draw, uint64_t *ret_token,
			uint32_t *ret_group)
{
	uint32_t token = 0;
	*ret_group = draw_group(world, kind->caller.group, draw);
	if (kind->special == TOKEN_UNKNOWN) {
		*ret_token = world->tokens + (uint64_t)draw_below(draw, UINT32_MAX);
		return;
	}
	if (kind->caller.foreign) {
		*ret_token = draw_foreign_token(world, kind, draw);
		return;
	}
	while (!draw_own_token(world, kind, draw, &token, ret_group))
		;
	*ret_token = token;
}

static void draw_question(const struct world *world, const struct kind *kind, struct draw *draw,
			  struct question *question)
{
	char uid[ID_TEXT_MAX], point_id[ID_TEXT_MAX];
	uint64_t token;
	uint32_t group;
	draw_caller(world, kind, draw, &token, &group);
	uint32_t point = group * POINTS_PER_GROUP + draw_below(draw, POINTS_PER_GROUP - 1);
	if (kind->special == POINT_UNKNOWN)
		point = world->points + draw_below(draw, world->points);
	if (kind->special == POINT_UNATTACHED)
		point = group * POINTS_PER_GROUP + POINTS_PER_GROUP - 1;
	question->uid_size = (uint8_t)write_uid(token, uid);
	question->point_id_size = (uint8_t)write_point_id(point, point_id);
	memcpy(question->uid, uid, question->uid_size);
	memcpy(question->point_id, point_id, question->point_id_size);
}

// ---------------------------------------------------------------- measuring

static void check(const struct kind *kind, const struct decision *decision)
{
	if (LIKELY(decision->response.reason == kind->reason && decision->response.verdict == kind->verdict))
		return;
	fprintf(stderr, "bench_decide: \"%s\" got verdict %d, reason %d\n", kind->name, decision->response.verdict,
		decision->response.reason);
	exit(EXIT_FAILURE);
}

// Of this thread: what others take from the core is not the decision's.
static uint64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Nanoseconds per decision over all questions.
static double run(const struct image *image, const struct kind *kind, const struct question *questions)
{
	struct fault fault = {0};
	char evse_id[ID_TEXT_MAX];
	const uint64_t start = cpu_ns();
	for (size_t i = 0; i < QUESTIONS; i++) {
		const struct question *question = &questions[i];
		struct decision decision;
		struct authorize_request request = {
			.token_uid = {question->uid, question->uid_size},
			.token_type = kind->type,
			.charge_point_id = {question->point_id, question->point_id_size},
		};
		if (kind->manner == BY_EVSE) {
			memcpy(evse_id, question->point_id, sizeof(question->point_id));
			memcpy(evse_id + question->point_id_size, "*1", 2);
			request.evse_id = (struct bytes){evse_id, (size_t)question->point_id_size + 2};
			request.charge_point_id = (struct bytes){0};
		}
		must(decide(image, &request, NOW, &decision, &fault));
		check(kind, &decision);
	}
	return (double)(cpu_ns() - start) / QUESTIONS;
}

// The same through decide_flow(), BATCH at a time, as a batch or a turn of pipelined requests would.
struct batch {
	const struct kind *kind;
	const struct question *questions;
	struct authorize_request requests[DECIDE_LANES];
};

static const struct authorize_request *take(void *context, size_t index)
{
	struct batch *batch = context;
	const struct question *question = &batch->questions[index];
	struct authorize_request *request = &batch->requests[index % DECIDE_LANES];
	*request = (struct authorize_request){
		.token_uid = {question->uid, question->uid_size},
		.token_type = batch->kind->type,
		.charge_point_id = {question->point_id, question->point_id_size},
	};
	return request;
}

static void give(void *context, size_t index, const struct decision *decision)
{
	const struct batch *batch = context;
	(void)index;
	ASSERT(decision != NULL);
	check(batch->kind, decision);
}

static double run_batches(const struct image *image, const struct kind *kind, const struct question *questions)
{
	struct batch batch = {.kind = kind};
	const struct decide_flow flow = {.take = take, .give = give, .context = &batch};
	const uint64_t start = cpu_ns();
	for (size_t i = 0; i < QUESTIONS; i += BATCH) {
		batch.questions = &questions[i];
		decide_flow(image, NOW, &flow, BATCH);
	}
	return (double)(cpu_ns() - start) / QUESTIONS;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

// The rounds of all kinds are interleaved, so that a busy machine hits all alike.
static void measure(const struct world *world, int rounds, const char *part)
{
	static double figures[ARRAY_SIZE(kinds)][ROUNDS_MAX];
	struct question *questions = calloc(ARRAY_SIZE(kinds) * (size_t)QUESTIONS, sizeof(*questions));
	ASSERT(questions != NULL);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (strstr(kinds[k].name, part) == NULL)
			continue;
		struct draw draw = {.seed = 100 + k};
		for (size_t i = 0; i < QUESTIONS; i++)
			draw_question(world, &kinds[k], &draw, &questions[k * QUESTIONS + i]);
	}
	for (int round = 0; round < rounds; round++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			if (strstr(kinds[k].name, part) != NULL)
				figures[k][round] = (kinds[k].manner == IN_BATCHES ? run_batches : run)(
					&world->images[0], &kinds[k], &questions[k * QUESTIONS]);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (strstr(kinds[k].name, part) == NULL)
			continue;
		qsort(figures[k], (size_t)rounds, sizeof(double), compare_doubles);
		printf("%-28s %7.1f ns   %5.2f of ALLOWED   (%.1f - %.1f)\n", kinds[k].name, figures[k][rounds / 2],
		       figures[k][rounds / 2] / figures[0][rounds / 2], figures[k][0], figures[k][rounds - 1]);
	}
	free(questions);
}

static uint64_t rss_anon_bytes(void)
{
	char line[256];
	uint64_t kilobytes = 0;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "RssAnon: %" SCNu64, &kilobytes) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kilobytes * 1024;
}

static long argument(int argc, char **argv, int index, long value_default, long min, long max)
{
	const long value = argc > index ? strtol(argv[index], NULL, 10) : value_default;
	if (value >= min && value <= max)
		return value;
	fprintf(stderr, "usage: bench_decide [TOKENS %d..%d] [ROUNDS 1..%d] [KIND]\n", TOKENS_MIN, TOKENS_MAX,
		ROUNDS_MAX);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	const long tokens = argument(argc, argv, 1, TOKENS_DEFAULT, TOKENS_MIN, TOKENS_MAX);
	const long rounds = argument(argc, argv, 2, ROUNDS_DEFAULT, 1, ROUNDS_MAX);
	static struct world world;
	const uint64_t start = clock_monotonic_ns();
	build_world(&world, (uint32_t)tokens);
	const double seconds = (double)(clock_monotonic_ns() - start) / 1e9;
	const uint64_t bytes = rss_anon_bytes();
	printf("%ld tokens, both images built in %.2f s; RssAnon %.1f MiB, %.1f bytes per token\n", tokens, seconds,
	       (double)bytes / (1 << 20), (double)bytes / (double)tokens);
	measure(&world, (int)rounds, argc > 3 ? argv[3] : "");
	finish_world(&world);
	return EXIT_SUCCESS;
}
