#include "sim/checker/record_name.h"

#include <fmt/format.h>

namespace moldau::sim {
namespace {

constexpr std::size_t kNameBytes = 16;

// SplitMix64's finaliser: neighbouring names get unrelated paddings.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58'476D'1CE4'E5B9;
  value = (value ^ (value >> 27)) * 0x94D0'49BB'1331'11EB;
  return value ^ (value >> 31);
}

}  // namespace

std::string to_string(const RecordName& name) {
  return fmt::format("p{}/{}#{}", name.producer, name.partition, name.number);
}

ByteVector value_of(const RecordName& name) {
  std::uint64_t state =
      mix((std::uint64_t{name.producer} << 48 ^ std::uint64_t{name.partition} << 32 ^ name.number) + 1);
  ByteVector value(kNameBytes + state % (kPaddingBytesMax + 1));
  store_be(value.data(), name.producer);
  store_be(value.data() + 4, name.partition);
  store_be(value.data() + 8, name.number);
  for (std::size_t at = kNameBytes; at < value.size(); ++at) {
    if (at % 8 == 0) {
      state = mix(state + at);
    }
    value[at] = static_cast<std::byte>(state >> (8 * (at % 8)));
  }
  return value;
}

std::optional<RecordName> name_of(Bytes value) {
  if (value.size() < kNameBytes) {
    return std::nullopt;
  }
  const RecordName name{.producer = load_be<std::uint32_t>(value.data()),
                        .partition = load_be<std::uint32_t>(value.data() + 4),
                        .number = load_be<std::uint64_t>(value.data() + 8)};
  if (!equal(value, value_of(name))) {
    return std::nullopt;
  }
  return name;
}

}  // namespace moldau::sim
