// Prints random frames of every structure and version, one a line: name, version, hex. dev/schema-check gives them to
// Apache Kafka's own classes, which must read each to its end and write it back equal.
#include <fmt/core.h>

#include <string>

#include "protocol/testing/codec.h"

namespace {

constexpr int kSeeds = 12;  // of each structure and version

std::string hex(moldau::Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<unsigned>(byte) >> 4];
    out += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

}  // namespace

int main() {
  using namespace moldau::testing;
  for (const Codec* const codec : all_codecs()) {
    for (std::int16_t version = codec->min_version; version <= codec->max_version; ++version) {
      fmt::print("{} {} {}\n", codec->name, version, hex(codec->default_frame(version)));
      for (int seed = 0; seed < kSeeds; ++seed) {
        Filler filler(static_cast<std::uint64_t>(seed) + 1'000);
        fmt::print("{} {} {}\n", codec->name, version, hex(codec->random_frame(filler, version)));
      }
    }
  }
  return 0;
}
