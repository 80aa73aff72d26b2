# Generates C++ from schema/ while configuring (half a second), so that every generated file exists before the first
# compiler starts and the modules can name it. A change in schema/ or dev/codegen configures again; files whose text
# did not change are not touched.

find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
file(GLOB_RECURSE moldau_codegen_inputs CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/schema/*.schema ${PROJECT_SOURCE_DIR}/dev/codegen/*.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${moldau_codegen_inputs})
execute_process(
  COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/dev/codegen/generate.py
          --schema ${PROJECT_SOURCE_DIR}/schema --out ${MOLDAU_GENERATED_DIR}
  COMMAND_ERROR_IS_FATAL ANY)
include(${MOLDAU_GENERATED_DIR}/files.cmake)
