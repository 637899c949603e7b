# Compiler settings of every target of ours, through the interface library evauth_options.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(evauth_options INTERFACE)
target_include_directories(evauth_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_definitions(evauth_options INTERFACE _GNU_SOURCE EVAUTH_VERSION="${PROJECT_VERSION}")
target_compile_options(evauth_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
  -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_link_libraries(evauth_options INTERFACE Threads::Threads)

if(EVAUTH_SANITIZE)
  target_compile_options(evauth_options INTERFACE -fsanitize=${EVAUTH_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(evauth_options INTERFACE -fsanitize=${EVAUTH_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # What a request goes through lies in five libraries (docs/performance.md, "Steps").
  include(CheckIPOSupported)
  check_ipo_supported(RESULT EVAUTH_HAS_IPO OUTPUT ipo_output LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${EVAUTH_HAS_IPO})
  # Structs are cleared by plain stores: the string instruction that gcc chooses takes longer to start than they do.
  include(CheckCCompilerFlag)
  set(memset_strategy -mmemset-strategy=vector_loop:512:noalign,libcall:-1:noalign)
  check_c_compiler_flag(${memset_strategy} EVAUTH_HAS_MEMSET_STRATEGY)
  if(EVAUTH_HAS_MEMSET_STRATEGY)
    target_compile_options(evauth_options INTERFACE ${memset_strategy})
  endif()
  target_compile_options(evauth_options INTERFACE -fstack-protector-strong -fstack-clash-protection)
  target_compile_definitions(evauth_options INTERFACE _FORTIFY_SOURCE=2)
  target_link_options(evauth_options INTERFACE -Wl,-z,relro,-z,now)
endif()
