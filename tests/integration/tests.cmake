# One test per file test_*.py. Each starts daemons of its own on ports the kernel chooses, so they run in parallel.
if(NOT TARGET evauthd)
  return()
endif()
find_program(EVAUTH_PYTHON3 NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
find_program(NODE NAMES node nodejs REQUIRED)
find_program(PROTOC NAMES protoc REQUIRED)

set(python_folder ${CMAKE_BINARY_DIR}/python)
file(MAKE_DIRECTORY ${python_folder})
add_custom_command(OUTPUT ${python_folder}/evauth_pb2.py
  COMMAND ${PROTOC} -I ${CMAKE_SOURCE_DIR}/proto --python_out=${python_folder} ${CMAKE_SOURCE_DIR}/proto/evauth.proto
  DEPENDS ${CMAKE_SOURCE_DIR}/proto/evauth.proto VERBATIM)
add_custom_target(evauth_python ALL DEPENDS ${python_folder}/evauth_pb2.py)

set(integration_environment
  EVAUTHD_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/evauthd
  EVAUTH_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/evauth
  EVAUTH_BENCH_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/evauth-bench
  EVAUTH_SOURCE_DIR=${CMAKE_SOURCE_DIR}
  EVAUTH_NODE=${NODE}
  PYTHONPATH=${python_folder}:${CMAKE_SOURCE_DIR}/clients/python
  PYTHONDONTWRITEBYTECODE=1)

# Of command lines, files and pictures: what these do on threads, others do as well.
set(integration_without_threads test_bench test_bench_load test_bench_manual test_bench_plot test_canary test_cli
  test_compare test_deploy test_manual test_overload test_redis_docs test_tls_bench)
file(GLOB integration_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/test_*.py)
foreach(file ${integration_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME integration/${name} COMMAND ${EVAUTH_PYTHON3} ${file})
  set_tests_properties(integration/${name} PROPERTIES TIMEOUT 600 ENVIRONMENT "${integration_environment}")
  # threads: what tests/run.sh runs under the thread sanitizer as well
  if(NOT name IN_LIST integration_without_threads)
    set_tests_properties(integration/${name} PROPERTIES LABELS threads)
  endif()
endforeach()
