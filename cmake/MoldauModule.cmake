# moldau_module(<directory under src, e.g. protocol/record>
#               [PURE]                       no clock, thread, socket, file, global: checked by dev/check-includes
#               [DEPS <module>...]           the only modules whose headers it may include
#               [LINKS <target or library>...]  foreign libraries, named in this module only
#               [TEST_DEPS <module>...]      more modules for its *_test, *_fuzz and *_bench files
#               [UNITY]                      compile the sources in batches (generated code)
#               [SOURCES <file>...]          generated sources besides those found by suffix
#               [HEADERS <file>...])         generated headers besides those found by suffix
#
# Files are found by suffix: x.cpp and x.h are the library, x_test.cpp goes into test_<module>, x_fuzz.cpp becomes
# fuzz_<module>_x, x_bench.cpp bench_<module>_x. A folder with its own CMakeLists.txt is a module of its own.
#
# Three gates come with each module: the include check (dev/check-includes, a test over modules.json), a link test
# (the whole library links against nothing but its declared modules), a compile of each header alone.

set(MOLDAU_GENERATED_DIR ${CMAKE_BINARY_DIR}/generated)
define_property(GLOBAL PROPERTY MOLDAU_MODULES_JSON)
define_property(GLOBAL PROPERTY MOLDAU_TEST_BINARIES)
define_property(GLOBAL PROPERTY MOLDAU_FUZZ_BINARIES)
set(MOLDAU_EMPTY_MAIN ${CMAKE_CURRENT_LIST_DIR}/empty_main.cpp)
set(MOLDAU_STD_PCH ${CMAKE_CURRENT_LIST_DIR}/std_pch.h)

function(moldau_json_list out)
  set(items "")
  foreach(item IN LISTS ARGN)
    list(APPEND items "\"${item}\"")
  endforeach()
  list(JOIN items ", " joined)
  set(${out} "[${joined}]" PARENT_SCOPE)
endfunction()

function(moldau_module name)
  cmake_parse_arguments(PARSE_ARGV 1 M "PURE;UNITY" "" "DEPS;LINKS;TEST_DEPS;SOURCES;HEADERS")
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "moldau_module(${name}): unknown arguments: ${M_UNPARSED_ARGUMENTS}")
  endif()
  string(REPLACE "/" "_" id ${name})
  set(target moldau_${id})

  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB headers CONFIGURE_DEPENDS *.h)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cpp)
  file(GLOB fuzzers CONFIGURE_DEPENDS *_fuzz.cpp)
  file(GLOB benches CONFIGURE_DEPENDS *_bench.cpp)
  if(tests OR fuzzers OR benches)
    list(REMOVE_ITEM sources ${tests} ${fuzzers} ${benches})
  endif()
  list(APPEND sources ${M_SOURCES})
  list(APPEND headers ${M_HEADERS})

  set(links "")
  foreach(dep IN LISTS M_DEPS)
    string(REPLACE "/" "_" dep_id ${dep})
    list(APPEND links moldau_${dep_id})
  endforeach()

  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    moldau_reuse_pch(${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src ${MOLDAU_GENERATED_DIR})
  if(name MATCHES "^sim/")
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR})  # "sim/world/..."
  endif()
  target_link_libraries(${target} ${scope} ${links} ${M_LINKS})
  if(M_UNITY AND sources)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 24)
  endif()

  if(MOLDAU_TESTS AND sources)
    if(NOT TARGET moldau_empty_main)
      add_library(moldau_empty_main OBJECT ${MOLDAU_EMPTY_MAIN})
    endif()
    add_executable(link_${id} $<TARGET_OBJECTS:moldau_empty_main>)
    target_link_libraries(link_${id} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${target}>")
    set_target_properties(link_${id} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/link)
  endif()
  if(MOLDAU_TESTS AND headers)
    moldau_lone_headers(${id} ${target} ${headers})
  endif()

  set(test_links ${target})
  foreach(dep IN LISTS M_TEST_DEPS)
    string(REPLACE "/" "_" dep_id ${dep})
    list(APPEND test_links moldau_${dep_id})
  endforeach()
  if(MOLDAU_TESTS AND tests)
    add_executable(test_${id} ${tests})
    target_link_libraries(test_${id} PRIVATE ${test_links} GTest::gmock GTest::gtest_main)
    moldau_reuse_test_pch(test_${id})
    set_target_properties(test_${id} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
    target_compile_definitions(test_${id} PRIVATE MOLDAU_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set_property(GLOBAL APPEND PROPERTY MOLDAU_TEST_BINARIES test_${id})
    if(M_PURE)
      set_property(GLOBAL APPEND PROPERTY MOLDAU_PURE_TEST_BINARIES test_${id})
    endif()
  endif()
  if(MOLDAU_FUZZ)
    foreach(file IN LISTS fuzzers)
      get_filename_component(stem ${file} NAME_WE)
      string(REGEX REPLACE "_fuzz$" "" stem ${stem})
      add_executable(fuzz_${id}_${stem} ${file})
      target_link_libraries(fuzz_${id}_${stem} PRIVATE ${test_links})
      target_link_options(fuzz_${id}_${stem} PRIVATE -fsanitize=fuzzer)
      set_target_properties(fuzz_${id}_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
      set_property(GLOBAL APPEND PROPERTY MOLDAU_FUZZ_BINARIES fuzz_${id}_${stem})
    endforeach()
  endif()
  if(MOLDAU_BENCH)
    foreach(file IN LISTS benches)
      get_filename_component(stem ${file} NAME_WE)
      string(REGEX REPLACE "_bench$" "" stem ${stem})
      add_executable(bench_${id}_${stem} ${file})
      target_link_libraries(bench_${id}_${stem} PRIVATE ${test_links} benchmark::benchmark_main)
      set_target_properties(bench_${id}_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    endforeach()
  endif()

  moldau_json_list(deps_json ${M_DEPS})
  moldau_json_list(test_deps_json ${M_TEST_DEPS})
  set(pure false)
  if(M_PURE)
    set(pure true)
  endif()
  file(RELATIVE_PATH dir ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set_property(GLOBAL APPEND_STRING PROPERTY MOLDAU_MODULES_JSON
    "  {\"module\": \"${name}\", \"dir\": \"${dir}\", \"pure\": ${pure}, \"deps\": ${deps_json}, \"test_deps\": ${test_deps_json}},\n")
endfunction()

# Every folder below the current one that has a CMakeLists.txt is a module; targets are resolved by name, so the order is free.
function(moldau_modules_below)
  file(GLOB_RECURSE module_files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CMakeLists.txt)
  list(SORT module_files)
  foreach(module_file IN LISTS module_files)
    get_filename_component(module_dir ${module_file} DIRECTORY)
    if(module_dir)
      add_subdirectory(${module_dir})
    endif()
  endforeach()
endfunction()

# One precompiled header of heavy std headers for every library; the lone-header compile keeps each file honest.
function(moldau_reuse_pch target)
  if(NOT TARGET moldau_std_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cpp "")
    add_library(moldau_std_pch OBJECT ${CMAKE_BINARY_DIR}/pch/empty.cpp)
    target_precompile_headers(moldau_std_pch PRIVATE ${MOLDAU_STD_PCH})
  endif()
  target_precompile_headers(${target} REUSE_FROM moldau_std_pch)
endfunction()

# Unit test code is compiled without optimization: half the time, and what it calls is optimized.
function(moldau_reuse_test_pch target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Dev>:-O0>)
  if(NOT TARGET moldau_test_pch)
    file(WRITE ${CMAKE_BINARY_DIR}/pch/empty_test.cpp "")
    add_library(moldau_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch/empty_test.cpp)
    target_link_libraries(moldau_test_pch PRIVATE GTest::gmock GTest::gtest)  # the same definitions as its users
    target_compile_options(moldau_test_pch PRIVATE $<$<CONFIG:Dev>:-O0>)
    target_precompile_headers(moldau_test_pch PRIVATE ${MOLDAU_STD_PCH} <gmock/gmock.h> <gtest/gtest.h>)
  endif()
  target_precompile_headers(${target} REUSE_FROM moldau_test_pch)
endfunction()

# Compiles each header alone, syntax only, without the precompiled header.
function(moldau_lone_headers id target)
  set(stamps "")
  foreach(header IN LISTS ARGN)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${header})
    string(REGEX REPLACE "^src/" "" relative ${relative})
    file(RELATIVE_PATH in_build ${CMAKE_BINARY_DIR} ${header})
    if(NOT in_build MATCHES "^\\.\\.")
      continue()  # generated headers are compiled by the sources that the generator makes beside them
    endif()
    string(REPLACE "/" "_" stem ${relative})
    set(stamp ${CMAKE_BINARY_DIR}/lone/${stem}.ok)
    set(includes "$<REMOVE_DUPLICATES:$<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>>")
      add_custom_command(OUTPUT ${stamp}
      COMMAND ${CMAKE_CXX_COMPILER} -std=c++23 -fsyntax-only -Wall -Wextra -Werror -Wno-pragma-once-outside-header
              -Wno-missing-designated-field-initializers
              -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_ASIO_NO_DEPRECATED
              "$<$<BOOL:${includes}>:-I$<JOIN:${includes},;-I>>" -MMD -MF ${stamp}.d -MT lone/${stem}.ok -x c++ ${header}
      COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
      DEPENDS ${header} ${target} DEPFILE ${stamp}.d COMMAND_EXPAND_LISTS VERBATIM COMMENT "header alone: ${relative}")
    list(APPEND stamps ${stamp})
  endforeach()
  if(stamps)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lone)
    add_custom_target(lone_${id} ALL DEPENDS ${stamps})
  endif()
endfunction()

# Writes what the gates and dev/run-tests read. Called once, last.
function(moldau_finish)
  get_property(modules GLOBAL PROPERTY MOLDAU_MODULES_JSON)
  string(REGEX REPLACE ",\n$" "\n" modules "${modules}")
  file(WRITE ${CMAKE_BINARY_DIR}/modules.json "[\n${modules}]\n")
  get_property(tests GLOBAL PROPERTY MOLDAU_TEST_BINARIES)
  get_property(pure_tests GLOBAL PROPERTY MOLDAU_PURE_TEST_BINARIES)
  get_property(fuzzers GLOBAL PROPERTY MOLDAU_FUZZ_BINARIES)
  moldau_json_list(tests_json ${tests})
  moldau_json_list(pure_json ${pure_tests})
  moldau_json_list(fuzzers_json ${fuzzers})
  file(WRITE ${CMAKE_BINARY_DIR}/tests.json
    "{\"unit\": ${tests_json},\n \"pure\": ${pure_json},\n \"fuzz\": ${fuzzers_json}}\n")
  if(MOLDAU_SANITIZE STREQUAL "address")
    add_custom_target(pure_and_fuzz DEPENDS ${pure_tests} ${fuzzers})
  endif()
endfunction()
