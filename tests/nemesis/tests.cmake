# Replicas under everything that goes wrong at once: a fixed seed for a minute in all. Any seed, any time by hand.
if(TARGET evauthd)
  foreach(kind keeps forgets rewinds fails-over)
    add_test(NAME nemesis/${kind}
      COMMAND ${EVAUTH_PYTHON3} ${CMAKE_CURRENT_LIST_DIR}/nemesis.py --seed 1 --seconds 15 --redis ${kind})
    set_tests_properties(nemesis/${kind} PROPERTIES TIMEOUT 400 ENVIRONMENT "${integration_environment}")
  endforeach()
endif()
