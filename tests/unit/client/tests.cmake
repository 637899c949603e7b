add_library(fake_server STATIC ${CMAKE_SOURCE_DIR}/tests/unit/client/fake_server.c)
target_link_libraries(fake_server PUBLIC proto base PkgConfig::CHECK)

evauth_unit_test(client/test_address client)
evauth_unit_test(client/test_buffer client)
evauth_unit_test(client/test_client client fake_server)
evauth_unit_test(client/test_pipeline client fake_server)
evauth_unit_test(client/test_watch client fake_server)

# What tests/run.sh runs under the thread sanitizer as well.
set_tests_properties(unit/client/test_client unit/client/test_pipeline PROPERTIES LABELS threads)
