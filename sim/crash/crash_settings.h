// The broker of recorded workloads and of the boots on their images.
#pragma once

#include "sim/cluster/broker_program.h"

namespace moldau::sim {

// Metadata segments and snapshots so small that a short workload has several.
[[nodiscard]] inline BrokerSettings crash_settings() {
  BrokerSettings settings;
  settings.metadata_segment_bytes = 3 << 10;
  settings.snapshot_bytes_interval = 2 << 10;
  return settings;
}

}  // namespace moldau::sim
