#include "storage/producer_state/producer_snapshot.h"

#include <cstdint>
#include <cstdlib>

#include "base/crc32c.h"

// The checksum is made right, so that the entries are reached.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  ByteVector content = to_vector(std::as_bytes(std::span(data, size)));
  if (content.size() >= 6) {
    store_be(content.data() + 2, crc32c(Bytes(content).subspan(6)));
  }
  auto entries = storage::parse_producer_snapshot(content);
  if (!entries) {
    return 0;
  }
  storage::ProducerState state;
  state.load(*std::move(entries), Offset(100));
  const auto again = storage::parse_producer_snapshot(storage::encode_producer_snapshot(state));
  if (!again || *again != state.sorted_entries()) {
    std::abort();
  }
  return 0;
}
