#include "storage/compaction/key_hash.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace moldau::storage {
namespace {

struct SipState {
  std::uint64_t a;
  std::uint64_t b;
  std::uint64_t c;
  std::uint64_t d;

  void round() noexcept {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }

  void take(std::uint64_t word) noexcept {
    d ^= word;
    round();
    round();
    a ^= word;
  }

  [[nodiscard]] std::uint64_t finish() noexcept {
    for (int i = 0; i < 4; ++i) {
      round();
    }
    return a ^ b ^ c ^ d;
  }
};

std::uint64_t load_little_endian(const std::byte* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) {
    word = std::byteswap(word);
  }
  return word;
}

}  // namespace

KeyHash hash_key(const KeyHashSecret& secret, Bytes key) noexcept {
  SipState state{secret.first ^ 0x736f'6d65'7073'6575U, secret.second ^ 0x646f'7261'6e64'6f6dU ^ 0xee,
                 secret.first ^ 0x6c79'6765'6e65'7261U, secret.second ^ 0x7465'6462'7974'6573U};
  const std::size_t words = key.size() / 8;
  for (std::size_t i = 0; i < words; ++i) {
    state.take(load_little_endian(key.data() + i * 8));
  }
  std::uint64_t last = static_cast<std::uint64_t>(key.size()) << 56;
  for (std::size_t i = words * 8; i < key.size(); ++i) {
    last |= static_cast<std::uint64_t>(key[i]) << (8 * (i % 8));
  }
  state.take(last);
  state.c ^= 0xee;
  KeyHash hash;
  hash.first = state.finish();
  state.b ^= 0xdd;
  hash.second = state.finish();
  return hash;
}

}  // namespace moldau::storage
