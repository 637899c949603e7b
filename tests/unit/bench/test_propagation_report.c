// SPDX-License-Identifier: Apache-2.0
#include "bench/propagation_report.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef void write_report(const struct propagation_options *options, struct propagation_result *result, FILE *stream);

static const char *written(write_report *write, struct propagation_result *result)
{
	static char text[4096];
	const struct propagation_options options = {.pollers = 3};
	FILE *stream = fmemopen(text, sizeof(text), "w");
	write(&options, result, stream);
	fclose(stream);
	return text;
}

START_TEST(times_are_put_in_order_and_may_be_negative)
{
	int64_t acknowledged[] = {4000, 1000, 3000, 2000}, visible[] = {2500}, lag[] = {-3000, -500, -1000};
	struct propagation_result result = {
		.count = 4,
		.answers = 77,
		.sent_to_acknowledged = {acknowledged, 4},
		.sent_to_visible = {visible, 1},
		.acknowledged_to_visible = {lag, 3},
	};
	ck_assert_str_eq(written(propagation_report_text, &result),
			 "4 changes, one at a time, 3 pollers, 77 answers looked at\n"
			 "sent to acknowledged     p50 2.0 us, p99 4.0 us, max 4.0 us\n"
			 "sent to visible          p50 2.5 us, p99 2.5 us, max 2.5 us\n"
			 "acknowledged to visible  p50 -1.0 us, p99 -0.5 us, max -0.5 us\n");
	ck_assert_str_eq(written(propagation_report_json, &result),
			 "{\"changes\":4,\"pollers\":3,\"answers\":77,"
			 "\"sent_to_acknowledged_us\":{\"count\":4,\"p50\":2.0,\"p99\":4.0,\"max\":4.0},"
			 "\"sent_to_visible_us\":{\"count\":1,\"p50\":2.5,\"p99\":2.5,\"max\":2.5},"
			 "\"acknowledged_to_visible_us\":{\"count\":3,\"p50\":-1.0,\"p99\":-0.5,\"max\":-0.5},"
			 "\"stale\":0,\"wrong\":false}\n");
}
END_TEST

START_TEST(a_run_without_times_has_zeros)
{
	struct propagation_result result = {.stale = 2, .is_wrong = true};
	const char *text = written(propagation_report_json, &result);
	ck_assert_ptr_nonnull(strstr(text, "\"sent_to_visible_us\":{\"count\":0,\"p50\":0.0,\"p99\":0.0,\"max\":0.0}"));
	ck_assert_ptr_nonnull(strstr(text, "\"stale\":2,\"wrong\":true}"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/propagation_report");
	TCase *tcase = tcase_create("report");
	tcase_add_test(tcase, times_are_put_in_order_and_may_be_negative);
	tcase_add_test(tcase, a_run_without_times_has_zeros);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
