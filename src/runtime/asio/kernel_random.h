// The kernel's generator, drawn in blocks: every number is fit for secrets (nonces, ids that must not be guessed).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/random.h"

namespace moldau::runtime {

// Not thread-safe: each shard has its own.
class KernelRandom final : public Random {
 public:
  [[nodiscard]] std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 32> block_{};  // 256 bytes: the most that getrandom gives without interruption
  std::size_t used_ = block_.size();
};

}  // namespace moldau::runtime
