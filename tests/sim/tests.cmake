# Replicas against a simulated Redis (sim.h). In ctest a fixed range of seeds; by hand any:
#   build/release/tests/sim_replica --seeds 1:50000
add_executable(sim_replica
  ${CMAKE_CURRENT_LIST_DIR}/sim_check.c ${CMAKE_CURRENT_LIST_DIR}/sim_faults.c ${CMAKE_CURRENT_LIST_DIR}/sim_node.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_redis.c ${CMAKE_CURRENT_LIST_DIR}/sim_replica.c ${CMAKE_CURRENT_LIST_DIR}/sim_store.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_world.c)
target_link_libraries(sim_replica PRIVATE replica)
set_target_properties(sim_replica PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_test(NAME sim/replica COMMAND sim_replica --seeds 1:500)
set_tests_properties(sim/replica PROPERTIES TIMEOUT 300)
