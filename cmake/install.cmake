# What `cmake --install` puts where (GNUInstallDirs); deploy/package.sh makes Debian packages of it.
include(GNUInstallDirs)

install(TARGETS evauthd evauth evauth-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)

# Manual pages and completion are made by running the programs. Under the thread sanitizer they do not run everywhere
# (tests/run.sh); integration/test_manual.py makes pages of its own.
if(EVAUTH_SANITIZE)
  return()
endif()
set(manual_folder ${CMAKE_BINARY_DIR}/man)
set(manual_pages)
file(GLOB manual_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.in)
foreach(source ${manual_sources})
  get_filename_component(page ${source} NAME_WLE)
  string(REGEX REPLACE ".*\\." "" section ${page})
  list(APPEND manual_pages ${manual_folder}/${page})
  install(FILES ${manual_folder}/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT manual)
endforeach()
add_custom_command(OUTPUT ${manual_pages}
  COMMAND sh ${CMAKE_SOURCE_DIR}/docs/man/make.sh ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${manual_folder}
  DEPENDS evauthd evauth evauth-bench ${manual_sources} ${CMAKE_SOURCE_DIR}/docs/man/make.sh
          ${CMAKE_SOURCE_DIR}/docs/man/options.awk
  COMMENT "Making the manual pages" VERBATIM)
set(completion ${CMAKE_BINARY_DIR}/completions/evauth)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completions)
add_custom_command(OUTPUT ${completion}
  COMMAND evauth completion bash > ${completion}.new && ${CMAKE_COMMAND} -E rename ${completion}.new ${completion}
  DEPENDS evauth COMMENT "Making the completion for bash" VERBATIM)
add_custom_target(manual ALL DEPENDS ${manual_pages} ${completion})
install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT programs)
