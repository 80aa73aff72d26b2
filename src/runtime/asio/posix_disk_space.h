// The room on a disk as statvfs tells it.
#pragma once

#include <string>

#include "runtime/disk_space.h"

namespace moldau::runtime {

class PosixDiskSpace final : public DiskSpace {
 public:
  [[nodiscard]] Result<SpaceOnDisk> space_at(const std::string& path) override;
};

}  // namespace moldau::runtime
