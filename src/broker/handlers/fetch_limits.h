// The byte limits of one fetch answer, applied in the session's order of partitions. Pure.
//
// Rule:   a partition gives at most its own limit and what is left of the answer's; the first partition that has
// anything
//         gives its first batch whole, however large (KIP-74), so that no consumer can get stuck; a later one whose
//         first batch does not fit gives nothing.
// Source: kafka.server.ReplicaManager.readFromLog; inventory §6, 32 and 33.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace moldau::broker {

class FetchLimits {
 public:
  explicit FetchLimits(std::size_t answer_bytes_max) noexcept : left_(answer_bytes_max) {}

  // How many of the `read_bytes` that were read from a partition go into the answer. They begin with a batch of
  // `first_batch_bytes`.
  [[nodiscard]] std::size_t take(std::size_t read_bytes, std::size_t first_batch_bytes,
                                 std::size_t partition_bytes_max) {
    std::size_t allowed = std::min({read_bytes, left_, partition_bytes_max});
    if (allowed < first_batch_bytes) {
      allowed = nothing_yet_ ? std::min(first_batch_bytes, read_bytes) : 0;
    }
    nothing_yet_ = nothing_yet_ && allowed == 0;
    left_ -= std::min(left_, allowed);
    return allowed;
  }

  // Whether there is a limit above nothing that the next partition's first batch does not fit into: Kafka then throws
  // away all that it read, the list of aborted transactions too.
  [[nodiscard]] bool drops(std::size_t first_batch_bytes, std::size_t partition_bytes_max) const noexcept {
    const std::size_t limit = std::min(left_, partition_bytes_max);
    return !nothing_yet_ && limit > 0 && limit < first_batch_bytes;
  }

 private:
  std::size_t left_;
  bool nothing_yet_ = true;
};

}  // namespace moldau::broker
