# What must survive, or be refused: stores whose file was damaged, and stores whose process was killed.
function(evauth_crash_test name)
  add_executable(crash_${name} ${CMAKE_SOURCE_DIR}/tests/crash/${name}.c)
  target_link_libraries(crash_${name} PRIVATE entry_fixture)
  set_target_properties(crash_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME crash/${name} COMMAND crash_${name})
  set_tests_properties(crash/${name} PROPERTIES TIMEOUT 300)
endfunction()

evauth_crash_test(test_damage)
evauth_crash_test(test_kill)
evauth_crash_test(test_kill_install)
evauth_crash_test(test_power)
