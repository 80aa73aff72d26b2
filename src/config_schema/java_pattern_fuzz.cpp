#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config_schema/java_pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)moldau::config::is_java_pattern({reinterpret_cast<const char*>(data), size});
  return 0;
}
