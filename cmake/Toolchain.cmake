# Compiler, linker, cache and flags. One known-good compiler: Debian's GCC 12 miscompiles coroutines.

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR NOT CMAKE_CXX_COMPILER_VERSION MATCHES "^19\\.")
  message(FATAL_ERROR "Moldau builds with clang 19 only (found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}); use a preset: cmake --preset dev")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)  # -fPIE by hand, equal for all, so that precompiled headers are shared

option(MOLDAU_TESTS "Build unit tests" ON)
option(MOLDAU_FUZZ "Build fuzz targets" OFF)
option(MOLDAU_BENCH "Build micro benchmarks" OFF)
option(MOLDAU_CCACHE "Compile through ccache" ON)
set(MOLDAU_SANITIZE "" CACHE STRING "address (with undefined) or thread")

if(MOLDAU_CCACHE)
  find_program(MOLDAU_CCACHE_PROGRAM ccache)
  if(MOLDAU_CCACHE_PROGRAM)
    # Relative to the tree, so that a second clone hits what the first compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MOLDAU_CCACHE_PROGRAM})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
endif()

set(CMAKE_CXX_FLAGS_DEV "-O1 -gline-tables-only")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -gline-tables-only -D_FORTIFY_SOURCE=2 -fstack-protector-strong")
add_link_options(-fuse-ld=lld -pie -Wl,-z,relro,-z,now)
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
add_compile_options(-fPIE -march=x86-64-v2 -fno-omit-frame-pointer
                    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-designated-field-initializers
                    -Wnon-virtual-dtor -Wimplicit-fallthrough -Wthread-safety)
# A header compiled into a PCH must not carry a time stamp, or ccache never hits.
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)

if(MOLDAU_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(MOLDAU_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(MOLDAU_SANITIZE)
  message(FATAL_ERROR "MOLDAU_SANITIZE is address or thread, not ${MOLDAU_SANITIZE}")
endif()
if(MOLDAU_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
if(MOLDAU_TESTS)
  find_package(GTest REQUIRED)
endif()
if(MOLDAU_BENCH)
  find_package(benchmark REQUIRED)
endif()
