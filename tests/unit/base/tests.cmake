evauth_unit_test(base/test_arena base)
evauth_unit_test(base/test_bytes base)
evauth_unit_test(base/test_crc32c base)
evauth_unit_test(base/test_log base)
