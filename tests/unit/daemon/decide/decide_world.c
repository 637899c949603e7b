// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/decide/decide_world.h"

#include "tests/unit/unit.h"

#include <stdio.h>

static struct bytes join(char *text, size_t size, const char *a, const char *b, const char *c)
{
	const int length = snprintf(text, size, "%s%s%s", a, b, c);
	ck_assert_int_lt(length, (int)size);
	return (struct bytes){text, (size_t)length};
}

static void add_point(struct image_builder *builder, const char *name, const char *group)
{
	char id[64], evse_id[64];
	struct evse evse = {.evse_id = join(evse_id, sizeof(evse_id), "NL*E", name, "*1")};
	image_builder_add_point(builder, &(struct charge_point){
						 .id = join(id, sizeof(id), "P-", name, ""),
						 .location_id = TEXT("loc-1"),
						 .evses = &evse,
						 .evses_count = 1,
						 .charge_group_id = bytes_from(group),
					 });
}

static void add_group(struct image_builder *builder, struct charge_group group)
{
	group.type = CHARGE_GROUP_TYPE_OTHER;
	group.tariff_id = TEXT("t-work");
	image_builder_add_group(builder, &group);
	add_point(builder, group.id.data, group.id.data);
}

static void add_groups(struct image_builder *builder)
{
	add_group(builder, (struct charge_group){.id = TEXT("closed")});
	add_group(builder, (struct charge_group){.id = TEXT("prepaid"), .prepaid_tariff_id = TEXT("t-pre")});
	add_group(builder, (struct charge_group){.id = TEXT("customers"), .open_to_all_customers = true});
	add_group(builder, (struct charge_group){
				   .id = TEXT("roaming"), .open_to_roaming = true, .prepaid_tariff_id = TEXT("t-pre")});
	add_group(builder,
		  (struct charge_group){.id = TEXT("both"), .open_to_all_customers = true, .open_to_roaming = true});
	add_group(builder, (struct charge_group){.id = TEXT("partner"),
						 .open_to_all_customers = true,
						 .user_group = TEXT("Partner")});
	add_point(builder, "alone", NULL);
}

static void add_customer(struct image_builder *builder, struct customer customer)
{
	char uid[64];
	image_builder_add_customer(builder, &customer);
	image_builder_add_token(builder, &(struct token){
						 .uid = join(uid, sizeof(uid), "04", customer.id.data, ""),
						 .type = TOKEN_TYPE_RFID,
						 .customer_id = customer.id,
						 .contract_id = TEXT("NLEVCC00000001"),
						 .parent_id = TEXT("FLEET-1"),
						 .roaming_allowed = !bytes_equal(customer.id, TEXT("shy")),
					 });
}

static void add_customers(struct image_builder *builder)
{
	add_customer(builder, (struct customer){.id = TEXT("m")});
	add_customer(builder, (struct customer){.id = TEXT("other")});
	add_customer(builder, (struct customer){.id = TEXT("staff")});
	add_customer(builder, (struct customer){.id = TEXT("prepaid"), .payment = PAYMENT_PREPAID});
	add_customer(builder, (struct customer){.id = TEXT("prepaid-staff"), .payment = PAYMENT_PREPAID});
	add_customer(builder, (struct customer){.id = TEXT("blocked"), .blocked = true});
	add_customer(builder, (struct customer){.id = TEXT("broke"), .no_credit = true});
	add_customer(builder, (struct customer){.id = TEXT("guest"), .user_group = TEXT("PARTNER")});
	add_customer(builder, (struct customer){.id = TEXT("shy"), .user_group = TEXT("PARTNER")});
}

static void add_memberships(struct image_builder *builder)
{
	static const struct {
		const char *group, *customer, *tariff;
	} rows[] = {
		{"closed", "m", NULL},      {"closed", "staff", "t-staff"}, {"closed", "prepaid", NULL},
		{"closed", "broke", NULL},  {"closed", "blocked", NULL},    {"closed", "guest", NULL},
		{"prepaid", "staff", NULL}, {"prepaid", "prepaid", NULL},   {"prepaid", "prepaid-staff", "t-staff"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		image_builder_add_membership(builder, &(struct membership){
							      .charge_group_id = bytes_from(rows[i].group),
							      .customer_id = bytes_from(rows[i].customer),
							      .tariff_id = bytes_from(rows[i].tariff),
						      });
}

static void add_own_token(struct image_builder *builder, struct token token)
{
	token.type = TOKEN_TYPE_RFID;
	token.customer_id = TEXT("m");
	image_builder_add_token(builder, &token);
}

static void add_foreign_tokens(struct image_builder *builder, const char *name, enum whitelist whitelist)
{
	char uid[64];
	struct issuer issuer = {.country_code = TEXT("NL"), .party_id = TEXT("TNM")};
	struct token token = {
		.type = TOKEN_TYPE_RFID,
		.issuer = &issuer,
		.contract_id = TEXT("NL-TNM-C00000001-X"),
		.parent_id = TEXT("FLEET-2"),
		.whitelist = whitelist,
	};
	token.uid = join(uid, sizeof(uid), "F-", name, "");
	image_builder_add_token(builder, &token);
	token.uid = join(uid, sizeof(uid), "B-", name, "");
	token.blocked = true;
	image_builder_add_token(builder, &token);
	token.uid = join(uid, sizeof(uid), "W-", name, "");
	token.blocked = false;
	token.valid_from = WINDOW_START;
	token.valid_until = WINDOW_END;
	image_builder_add_token(builder, &token);
}

void decide_world_init(struct image_builder *builder)
{
	image_builder_init(builder);
	builder->image.revision = 77;
	image_builder_add_tariff(builder, "t-work");
	image_builder_add_tariff(builder, "t-pre");
	image_builder_add_tariff(builder, "t-staff");
	add_groups(builder);
	add_customers(builder);
	add_memberships(builder);
	add_own_token(builder, (struct token){.uid = TEXT("EARLY"), .valid_from = WINDOW_START});
	add_own_token(builder, (struct token){.uid = TEXT("EXPIRES"), .valid_until = WINDOW_END});
	add_own_token(builder,
		      (struct token){.uid = TEXT("WINDOW"), .valid_from = WINDOW_START, .valid_until = WINDOW_END});
	add_own_token(builder, (struct token){.uid = TEXT("BLOCKED"),
					      .valid_from = WINDOW_START,
					      .valid_until = WINDOW_END,
					      .blocked = true});
	add_foreign_tokens(builder, "ALWAYS", WHITELIST_ALWAYS);
	add_foreign_tokens(builder, "ALLOWED", WHITELIST_ALLOWED);
	add_foreign_tokens(builder, "OFFLINE", WHITELIST_ALLOWED_OFFLINE);
	add_foreign_tokens(builder, "NEVER", WHITELIST_NEVER);
	add_foreign_tokens(builder, "NONE", WHITELIST_UNSPECIFIED);
}
