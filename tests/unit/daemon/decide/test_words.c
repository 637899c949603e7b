// SPDX-License-Identifier: Apache-2.0
// The table of reasons in DESIGN 1.2, row by row.
#include "daemon/decide/words.h"

#include "tests/unit/unit.h"

static const struct row {
	enum reason reason;
	enum verdict verdict, offline_verdict;
	const char *ocpi_allowed, *ocpp16_status, *ocpp2_status;
} rows[] = {
	{REASON_OK, VERDICT_ALLOWED, 0, "ALLOWED", "Accepted", "Accepted"},
	{REASON_UNKNOWN_TOKEN, VERDICT_DENIED, 0, "", "Invalid", "Unknown"},
	{REASON_UNKNOWN_TOKEN, VERDICT_ASK_ISSUER, VERDICT_DENIED, "", "Invalid", "Unknown"},
	{REASON_TOKEN_BLOCKED, VERDICT_DENIED, 0, "BLOCKED", "Blocked", "Blocked"},
	{REASON_TOKEN_BLOCKED, VERDICT_ASK_ISSUER, VERDICT_DENIED, "BLOCKED", "Blocked", "Blocked"},
	{REASON_CUSTOMER_BLOCKED, VERDICT_DENIED, 0, "BLOCKED", "Blocked", "Blocked"},
	{REASON_TOKEN_EXPIRED, VERDICT_DENIED, 0, "EXPIRED", "Expired", "Expired"},
	{REASON_TOKEN_NOT_YET_VALID, VERDICT_DENIED, 0, "NOT_ALLOWED", "Blocked", "NotAtThisTime"},
	{REASON_NOT_ATTACHED, VERDICT_DENIED, 0, "NOT_ALLOWED", "Blocked", "NotAtThisLocation"},
	{REASON_ROAMING_OFF, VERDICT_DENIED, 0, "NOT_ALLOWED", "Blocked", "NotAtThisLocation"},
	{REASON_NO_ROAMING_CONSENT, VERDICT_DENIED, 0, "NOT_ALLOWED", "Blocked", "NotAtThisLocation"},
	{REASON_NO_CREDIT, VERDICT_DENIED, 0, "NO_CREDIT", "Blocked", "NoCredit"},
	{REASON_UNKNOWN_CHARGE_POINT, VERDICT_DENIED, 0, "", "Invalid", "Invalid"},
	{REASON_NO_CHARGE_GROUP, VERDICT_DENIED, 0, "", "Invalid", "Invalid"},
	{REASON_ISSUER_DECIDES, VERDICT_ASK_ISSUER, VERDICT_ALLOWED, "ALLOWED", "Accepted", "Accepted"},
	{REASON_ISSUER_DECIDES, VERDICT_ASK_ISSUER, VERDICT_DENIED, "", "Blocked", "Unknown"},
};

START_TEST(every_reason_has_its_words)
{
	const struct row *row = &rows[_i];
	struct authorize_response response = {
		.verdict = row->verdict, .reason = row->reason, .offline_verdict = row->offline_verdict};
	words_set(&response);
	ck_assert(bytes_equal(response.ocpi_allowed, bytes_from(row->ocpi_allowed)));
	ck_assert(bytes_equal(response.ocpp16_status, bytes_from(row->ocpp16_status)));
	ck_assert(bytes_equal(response.ocpp2_status, bytes_from(row->ocpp2_status)));
}
END_TEST

START_TEST(no_reason_is_without_words)
{
	for (int reason = REASON_OK; reason <= REASON_ISSUER_DECIDES; reason++) {
		struct authorize_response response = {.reason = reason};
		words_set(&response);
		ck_assert(!bytes_is_empty(response.ocpp16_status));
		ck_assert(!bytes_is_empty(response.ocpp2_status));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("words");
	tcase_add_loop_test(tcase, every_reason_has_its_words, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, no_reason_is_without_words);
	Suite *suite = suite_create("daemon/decide/words");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
