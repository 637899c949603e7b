// SPDX-License-Identifier: Apache-2.0
#include "tls/failure.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

static const char *const failure_names[TLS_FAILURES_COUNT] = {
	[TLS_FAILURE_NONE] = "none",       [TLS_FAILURE_NOT_TLS] = "not_tls",
	[TLS_FAILURE_VERSION] = "version", [TLS_FAILURE_NO_CERTIFICATE] = "no_certificate",
	[TLS_FAILURE_EXPIRED] = "expired", [TLS_FAILURE_UNTRUSTED] = "untrusted",
	[TLS_FAILURE_HOST] = "host",       [TLS_FAILURE_CERTIFICATE] = "certificate",
	[TLS_FAILURE_REFUSED] = "refused", [TLS_FAILURE_OTHER] = "other",
};

const char *tls_failure_name(enum tls_failure failure)
{
	return failure_names[failure];
}

struct row {
	long code;
	enum tls_failure failure;
};

// Of a certificate that does not pass.
static const struct row verdicts[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, TLS_FAILURE_EXPIRED},
	{X509_V_ERR_CERT_NOT_YET_VALID, TLS_FAILURE_EXPIRED},
	{X509_V_ERR_HOSTNAME_MISMATCH, TLS_FAILURE_HOST},
	{X509_V_ERR_IP_ADDRESS_MISMATCH, TLS_FAILURE_HOST},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_FAILURE_UNTRUSTED},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_FAILURE_UNTRUSTED},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_FAILURE_UNTRUSTED},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_FAILURE_UNTRUSTED},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_FAILURE_UNTRUSTED},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, TLS_FAILURE_UNTRUSTED},
	{X509_V_ERR_CERT_UNTRUSTED, TLS_FAILURE_UNTRUSTED},
};

// Of a handshake that did not come to certificates.
static const struct row reasons[] = {
	{SSL_R_WRONG_VERSION_NUMBER, TLS_FAILURE_NOT_TLS},
	{SSL_R_HTTP_REQUEST, TLS_FAILURE_NOT_TLS},
	{SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_NOT_TLS},
	{SSL_R_BAD_RECORD_TYPE, TLS_FAILURE_NOT_TLS},
	{SSL_R_PACKET_LENGTH_TOO_LONG, TLS_FAILURE_NOT_TLS},
	{SSL_R_RECORD_LENGTH_MISMATCH, TLS_FAILURE_NOT_TLS},
	{SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILURE_VERSION},
	{SSL_R_NO_SHARED_CIPHER, TLS_FAILURE_VERSION},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_VERSION},
	{SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_VERSION},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_FAILURE_NO_CERTIFICATE},
};

// OpenSSL does not have them all, and names some for people who know the protocol's history.
static const struct {
	int alert;
	const char *text;
} alerts[] = {
	{SSL_AD_HANDSHAKE_FAILURE, "there is no algorithm that both sides speak"},
	{SSL_AD_BAD_CERTIFICATE, "the certificate is not good, or does not hold yet"},
	{SSL_AD_UNSUPPORTED_CERTIFICATE, "the certificate is for another purpose"},
	{SSL_AD_CERTIFICATE_REVOKED, "the certificate was revoked"},
	{SSL_AD_CERTIFICATE_EXPIRED, "the certificate has expired"},
	{SSL_AD_CERTIFICATE_UNKNOWN, "the certificate is not accepted"},
	{SSL_AD_UNKNOWN_CA, "the certificate is of a CA it does not know"},
	{SSL_AD_ACCESS_DENIED, "access is denied"},
	{SSL_AD_PROTOCOL_VERSION, "there is no version of TLS that both sides speak"},
	{TLS13_AD_CERTIFICATE_REQUIRED, "a certificate is wanted"},
};

static enum tls_failure find(const struct row *rows, size_t count, long code, enum tls_failure otherwise)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].code == code)
			return rows[i].failure;
	}
	return otherwise;
}

static const char *alert_text(int alert)
{
	for (size_t i = 0; i < ARRAY_SIZE(alerts); i++) {
		if (alerts[i].alert == alert)
			return alerts[i].text;
	}
	return SSL_alert_desc_string_long(alert);
}

enum tls_failure failure_find(const SSL *ssl, char *why, size_t why_size)
{
	const long verdict = SSL_get_verify_result(ssl);
	const unsigned long error = ERR_peek_last_error();
	const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
	const char *text = error ? ERR_reason_error_string(error) : NULL;
	ERR_clear_error();
	if (verdict != X509_V_OK) {
		snprintf(why, why_size, "the certificate is not accepted: %s", X509_verify_cert_error_string(verdict));
		return find(verdicts, ARRAY_SIZE(verdicts), verdict, TLS_FAILURE_CERTIFICATE);
	}
	if (reason > SSL_AD_REASON_OFFSET) {
		snprintf(why, why_size, "refused by the other side: %s", alert_text(reason - SSL_AD_REASON_OFFSET));
		return TLS_FAILURE_REFUSED;
	}
	snprintf(why, why_size, "%s", text ? text : "unknown error of OpenSSL");
	return find(reasons, ARRAY_SIZE(reasons), reason, TLS_FAILURE_OTHER);
}
