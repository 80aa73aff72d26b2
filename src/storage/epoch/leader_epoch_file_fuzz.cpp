#include "storage/epoch/leader_epoch_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  const auto file = storage::parse_leader_epochs(std::as_bytes(std::span(data, size)));
  if (!file) {
    return 0;
  }
  const auto again = storage::parse_leader_epochs(as_bytes(storage::format_leader_epochs(file->cache)));
  if (!again || again->contradictory || !std::ranges::equal(again->cache.entries(), file->cache.entries())) {
    std::abort();
  }
  return 0;
}
