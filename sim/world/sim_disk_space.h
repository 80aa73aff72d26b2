// The room on a simulated disk: its capacity, and what files have not taken of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "runtime/disk_space.h"
#include "sim/world/sim_disk.h"

namespace moldau::sim {

class SimDiskSpace final : public runtime::DiskSpace {
 public:
  explicit SimDiskSpace(SimDisk& disk) noexcept : disk_(disk) {}
  [[nodiscard]] Result<runtime::SpaceOnDisk> space_at(const std::string& /*path*/) override {
    constexpr std::uint64_t kJavaLongMax = INT64_MAX;
    const std::uint64_t total = std::min(disk_.faults().capacity_bytes, kJavaLongMax);
    return runtime::SpaceOnDisk{.total_bytes = total, .usable_bytes = total - std::min(total, disk_.used_bytes())};
  }

 private:
  SimDisk& disk_;
};

}  // namespace moldau::sim
