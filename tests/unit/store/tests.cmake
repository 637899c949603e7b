evauth_unit_test(store/test_db store)
evauth_unit_test(store/test_key store)
