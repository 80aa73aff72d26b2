// The broker of recorded workloads and of the boots on their images.
#pragma once

#include <chrono>

#include "sim/cluster/broker_program.h"

namespace moldau::sim {

// Metadata segments and snapshots so small that a short workload has several.
[[nodiscard]] inline BrokerSettings crash_settings() {
  BrokerSettings settings;
  settings.metadata_segment_bytes = 3 << 10;
  settings.snapshot_bytes_interval = 2 << 10;
  settings.cleaner_backoff = std::chrono::milliseconds(150);
  return settings;
}

// Of a boot on an image: nothing but what recovery does changes the logs while they are read.
[[nodiscard]] inline BrokerSettings boot_settings() {
  BrokerSettings settings = crash_settings();
  settings.cleaner = false;
  return settings;
}

}  // namespace moldau::sim
