// SPDX-License-Identifier: Apache-2.0
// What the lines mean is tested in test_world_answer.c; here: their form and order.
#include "bench/generate.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static char *generate(uint32_t tokens, uint64_t seed, size_t *ret_size)
{
	struct world world;
	struct generate_counts counts;
	struct line_writer *writer = malloc(sizeof(*writer));
	FILE *file = tmpfile();
	ck_assert_int_eq(world_init(&world, tokens, seed), 0);
	line_writer_init(writer, fileno(file));
	ck_assert_int_eq(generate_world(&world, writer, &counts), 0);
	free(writer);
	world_finish(&world);
	fseek(file, 0, SEEK_END);
	const size_t size = (size_t)ftell(file);
	char *text = calloc(1, size + 1);
	rewind(file);
	ck_assert_uint_eq(fread(text, 1, size, file), size);
	fclose(file);
	*ret_size = size;
	return text;
}

START_TEST(the_same_arguments_give_the_same_bytes)
{
	size_t a_size, b_size, c_size;
	char *a = generate(2000, 9, &a_size), *b = generate(2000, 9, &b_size), *c = generate(2000, 10, &c_size);
	ck_assert_uint_eq(a_size, b_size);
	ck_assert_mem_eq(a, b, a_size);
	ck_assert(a_size != c_size || memcmp(a, c, a_size) != 0);
	free(a);
	free(b);
	free(c);
}
END_TEST

static const char *kind_of(const char *line)
{
	static const char *const kinds[] = {"put_tariff", "put_charge_group",     "put_charge_point", "put_customer",
					    "put_token",  "attach_charge_points", "attach_customers"};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (line[0] == '{' && line[1] == '"' && strncmp(line + 2, kinds[i], strlen(kinds[i])) == 0 &&
		    line[2 + strlen(kinds[i])] == '"')
			return kinds[i];
	}
	ck_abort_msg("%.40s", line);
}

START_TEST(kinds_come_in_the_order_of_an_export)
{
	static const char *const order[] = {"put_tariff", "put_charge_group", "put_charge_point", "put_customer",
					    "put_token"};
	size_t size, at = 0;
	char *text = generate(1000, 1, &size);
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *kind = kind_of(line);
		while (at < ARRAY_SIZE(order) && strcmp(kind, order[at]) != 0)
			at++;
		if (at == ARRAY_SIZE(order))
			ck_assert_int_eq(strncmp(kind, "attach_", 7), 0);
	}
	ck_assert_uint_eq(at, ARRAY_SIZE(order));
	free(text);
}
END_TEST

START_TEST(attach_lines_have_at_most_a_hundred_ids)
{
	size_t size;
	uint32_t full = 0;
	char *text = generate(20000, 1, &size);
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		if (strncmp(kind_of(line), "attach_", 7) != 0)
			continue;
		uint32_t ids = 1;
		for (const char *at = strchr(line, '['); *at != ']'; at++)
			ids += *at == ',';
		ck_assert_uint_le(ids, GENERATE_IDS_PER_LINE);
		full += ids == GENERATE_IDS_PER_LINE;
	}
	ck_assert_uint_gt(full, 0);
	free(text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("generate");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_same_arguments_give_the_same_bytes);
	tcase_add_test(tcase, kinds_come_in_the_order_of_an_export);
	tcase_add_test(tcase, attach_lines_have_at_most_a_hundred_ids);
	Suite *suite = suite_create("bench/generate");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
