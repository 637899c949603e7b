# A fuzz target: evauth_fuzz_target(codec proto_testing) builds fuzz_codec.c. With EVAUTH_FUZZ for libFuzzer, else with
# replay.c, as an ordinary test of its corpus.
#   build/fuzz/tests/fuzz_codec -max_total_time=60 NEW_CORPUS tests/fuzz/corpus/codec
if(EVAUTH_FUZZ)
  target_compile_options(evauth_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(evauth_fuzz_target name)
  set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  add_executable(fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
  target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(EVAUTH_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz/${name} COMMAND fuzz_${name} -runs=0 ${corpus})
  else()
    target_sources(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME fuzz/${name} COMMAND fuzz_${name} ${corpus} 1000)
  endif()
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 300)
endfunction()

evauth_fuzz_target(authorize proto_testing)
evauth_fuzz_target(codec proto_testing)
evauth_fuzz_target(config daemon_options)
evauth_fuzz_target(dispatch rpc)
evauth_fuzz_target(frame proto)
evauth_fuzz_target(json proto_testing)
evauth_fuzz_target(redis redis PkgConfig::HIREDIS)
