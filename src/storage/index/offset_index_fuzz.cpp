#include "storage/index/offset_index.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const Offset base(7);
  auto index = storage::OffsetIndex::parse(to_vector(bytes), base, std::uint64_t{1} << 31);
  if (!index) {
    return 0;
  }
  if (!equal(index->bytes(), bytes)) {
    std::abort();
  }
  for (std::size_t i = 0; i < index->count(); ++i) {
    const auto entry = index->entry(i);
    if (index->lookup(entry.offset) != entry) {
      std::abort();
    }
  }
  index->truncate_to(base + static_cast<std::int64_t>(size));
  return 0;
}
