# Checks of the tree itself. PATH may hold another python3, without python3-protobuf; Debian's is meant.
find_program(EVAUTH_PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
find_program(CLANG_FORMAT NAMES clang-format-14)

function(evauth_check name)
  add_test(NAME tools/${name} COMMAND ${EVAUTH_PYTHON3} ${ARGN})
  set_tests_properties(tools/${name} PROPERTIES TIMEOUT 60 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                       ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endfunction()

evauth_check(check_includes tests/tools/check_includes.py)
evauth_check(check_docs tests/tools/check_docs.py)
evauth_check(check_events tests/tools/check_events.py)
if(CLANG_FORMAT) # other versions format differently; Debian 13 has no 14
  evauth_check(check_format tests/tools/check_format.py ${CLANG_FORMAT})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT EVAUTH_SANITIZE)
  evauth_check(check_hardening tests/tools/check_hardening.py
    $<TARGET_FILE:evauthd> $<TARGET_FILE:evauth> $<TARGET_FILE:evauth-bench>)
endif()
evauth_check(test_checks tests/tools/test_checks.py)

# Preloaded by integration/test_zero_malloc.py; sanitizers bring a malloc of their own.
if(NOT EVAUTH_SANITIZE)
  add_library(malloc_count MODULE ${CMAKE_CURRENT_LIST_DIR}/malloc_count.c)
  target_link_libraries(malloc_count PRIVATE evauth_options)
  target_compile_options(malloc_count PRIVATE -fno-builtin)
  set_target_properties(malloc_count PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()

# Preloaded by integration/test_logs.py, under sanitizers too: it calls nothing of theirs.
add_library(journal_redirect MODULE ${CMAKE_CURRENT_LIST_DIR}/journal_redirect.c)
target_compile_definitions(journal_redirect PRIVATE _GNU_SOURCE)
set_target_properties(journal_redirect PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
