evauth_unit_test(store/test_db store)
evauth_unit_test(store/test_key store)

add_library(image_builder STATIC ${CMAKE_SOURCE_DIR}/tests/unit/store/image_builder.c)
target_link_libraries(image_builder PUBLIC store PkgConfig::CHECK)
evauth_unit_test(store/test_memory store)
evauth_unit_test(store/test_slab store)
evauth_unit_test(store/test_strings store)
evauth_unit_test(store/test_table store)

add_library(store_fixture STATIC ${CMAKE_SOURCE_DIR}/tests/unit/store/store_fixture.c)
target_link_libraries(store_fixture PUBLIC store PkgConfig::CHECK)
evauth_unit_test(store/test_apply store_fixture)
evauth_unit_test(store/test_load store_fixture)
evauth_unit_test(store/test_store store_fixture)
evauth_unit_test(store/test_idempotency store)

add_library(rules_fixture STATIC ${CMAKE_SOURCE_DIR}/tests/unit/store/rules_fixture.c
  ${CMAKE_SOURCE_DIR}/tests/unit/store/image_text.c)
target_link_libraries(rules_fixture PUBLIC store PkgConfig::CHECK)
evauth_unit_test(store/test_rules_check rules_fixture)
evauth_unit_test(store/test_rules_check_tariff rules_fixture)
evauth_unit_test(store/test_rules_objects rules_fixture)
