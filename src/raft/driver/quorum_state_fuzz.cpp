// quorum-state from a damaged disk: refused, or read so that it reads the same once written again.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "raft/driver/quorum_state_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  using namespace moldau::raft;
  const auto record = parse_quorum_state(std::as_bytes(std::span(data, size)));
  if (record) {
    const auto again = parse_quorum_state(as_bytes(format_quorum_state(*record, kKraftVersionDynamic, {})));
    MOLDAU_ASSERT(again.has_value() && again->epoch == record->epoch && again->leader == record->leader &&
                  again->voted.id == record->voted.id);
  }
  return 0;
}
