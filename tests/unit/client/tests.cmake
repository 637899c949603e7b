add_library(fake_server STATIC ${CMAKE_SOURCE_DIR}/tests/unit/client/fake_server.c)
target_link_libraries(fake_server PUBLIC proto base PkgConfig::CHECK)

evauth_unit_test(client/test_address client)
evauth_unit_test(client/test_buffer client)
evauth_unit_test(client/test_client client fake_server)
evauth_unit_test(client/test_pipeline client fake_server)
evauth_unit_test(client/test_watch client fake_server)
add_library(fake_tls STATIC ${CMAKE_SOURCE_DIR}/tests/unit/client/fake_tls.c)
target_link_libraries(fake_tls PUBLIC tls fake_server PkgConfig::CHECK)
evauth_unit_test(client/test_tls client fake_tls certificates)

# What tests/run.sh runs under the thread sanitizer as well.
set_tests_properties(unit/client/test_client unit/client/test_pipeline unit/client/test_tls PROPERTIES LABELS threads)
