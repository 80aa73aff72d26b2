// Any response of any version; the first bytes choose which. See check_stable.
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/testing/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moldau::testing::check_stable("response", std::as_bytes(std::span(data, size)));
  return 0;
}
