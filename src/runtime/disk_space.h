// How much room a disk has.
//
// Shard: any thread. Blocks, as little as the file system does.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace moldau::runtime {

struct SpaceOnDisk {
  std::uint64_t total_bytes = 0;
  std::uint64_t usable_bytes = 0;  // that this process may fill
};

class DiskSpace {
 public:
  virtual ~DiskSpace() = default;
  // Of the file system that holds the path. kNotFound, kIo.
  [[nodiscard]] virtual Result<SpaceOnDisk> space_at(const std::string& path) = 0;
};

}  // namespace moldau::runtime
