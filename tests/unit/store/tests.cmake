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
