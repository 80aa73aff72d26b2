#include "protocol/record/testing/codec_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace moldau;
  record::testing::fuzz_codec(record::Codec::kSnappy, Bytes(reinterpret_cast<const std::byte*>(data), size));
  return 0;
}
