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

if(NOT EVAUTH_LIBRARY)
  return()
endif()
# libevauth as others link it: client, tls, proto and base in one archive, machine code whatever the linker of the
# programs is told, and with no other global names than those of its headers.
set(library_headers client/evauth.h base/arena.h base/bytes.h base/check.h proto/fault.h proto/messages.h
    proto/messages_operator.h proto/methods.h)
set(library_sources)
foreach(part client tls proto base)
  get_target_property(sources ${part} SOURCES)
  get_target_property(folder ${part} SOURCE_DIR)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
    list(APPEND library_sources ${source})
  endforeach()
endforeach()
set_source_files_properties(${CMAKE_BINARY_DIR}/proto/evauth.pb-c.c PROPERTIES GENERATED TRUE COMPILE_OPTIONS "-w")
add_library(evauth_objects OBJECT ${library_sources})
add_dependencies(evauth_objects proto)
target_link_libraries(evauth_objects PRIVATE evauth_options PkgConfig::PROTOBUFC PkgConfig::JANSSON PkgConfig::XXHASH
                      PkgConfig::ISAL PkgConfig::SYSTEMD PkgConfig::OPENSSL)
set_target_properties(evauth_objects PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
set(library ${CMAKE_BINARY_DIR}/lib/libevauth.a)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
add_custom_command(OUTPUT ${library}
  COMMAND ${CMAKE_LINKER} -r -o ${CMAKE_BINARY_DIR}/lib/evauth.o $<TARGET_OBJECTS:evauth_objects>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=evauth_* --keep-global-symbol=arena_*
          --keep-global-symbol=fault_* --keep-global-symbol=bytes_* ${CMAKE_BINARY_DIR}/lib/evauth.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${library}
  COMMAND ${CMAKE_AR} rcD ${library} ${CMAKE_BINARY_DIR}/lib/evauth.o
  DEPENDS evauth_objects $<TARGET_OBJECTS:evauth_objects> COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(evauth_library ALL DEPENDS ${library})
configure_file(${CMAKE_SOURCE_DIR}/client/evauth.pc.in ${CMAKE_BINARY_DIR}/lib/evauth.pc @ONLY)
install(FILES ${library} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(FILES ${CMAKE_BINARY_DIR}/lib/evauth.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
foreach(header ${library_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${CMAKE_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/evauth/${folder}
          COMPONENT library)
endforeach()
