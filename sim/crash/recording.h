// A workload on a disk whose calls are written down: a broker formats the disk, takes topics, records, deletions, rolls
// segments, checkpoints, snapshots its metadata, is stopped, killed and started again, all drawn from a seed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/crash/ledger.h"
#include "sim/world/disk_journal.h"

namespace moldau::sim {

struct Recording {
  DiskJournal journal;
  Ledger ledger;
  std::size_t first_ready = 0;  // calls until the broker was ready for the first time
};

// Throws what Scenario throws: the workload itself meets no fault, so nothing may fail.
[[nodiscard]] Recording record_workload(std::uint64_t seed);

}  // namespace moldau::sim
