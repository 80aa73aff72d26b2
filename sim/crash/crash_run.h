// Records the workload of a seed, and boots on disks that a crash in it may leave.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/callback.h"
#include "sim/crash/crash_images.h"

namespace moldau::sim {

struct CrashRunOptions {
  std::uint64_t seed = 1;
  std::size_t images_max = 500;  // about so many, spread evenly over all that there are
  // One image alone: behind call `prefix`, with this choice.
  struct One {
    std::size_t prefix = 0;
    ImageChoice choice;
  };
  std::optional<One> only = std::nullopt;
  // Hears of each image before it is booted; false: enough.
  Function<bool(std::size_t prefix, const ImageChoice&)> on_image = [](std::size_t, const ImageChoice&) {
    return true;
  };
};

struct CrashFault {
  std::size_t prefix = 0;
  ImageChoice choice;
  std::vector<std::string> lines;
  std::string logs;
};

struct CrashRunResult {
  std::size_t calls = 0;  // of the workload
  std::size_t images = 0;
  std::array<std::size_t, 6> by_kind{};  // of ImageKind
  std::size_t boots = 0;
  std::optional<CrashFault> fault;  // the first one ends the run
};

[[nodiscard]] CrashRunResult run_crashes(CrashRunOptions options);

}  // namespace moldau::sim
