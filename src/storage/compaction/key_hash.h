// A 128-bit hash of a key under a secret of the process: SipHash-2-4 with its long output.
//
// Two keys that hash alike would be one key to compaction, and the older one's last record would go. By chance that
// takes about 2^64 keys in one table; on purpose it takes the secret, which no client sees. Kafka's MD5 gives the
// first, not the second.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace moldau::storage {

struct KeyHashSecret {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

struct KeyHash {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const KeyHash&, const KeyHash&) = default;
};

[[nodiscard]] KeyHash hash_key(const KeyHashSecret& secret, Bytes key) noexcept;

}  // namespace moldau::storage
