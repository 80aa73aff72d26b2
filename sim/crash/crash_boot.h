// Boots a broker on the disk of a crash and holds what it shows, and what it leaves, to what was promised before.
//
// A boot: the broker becomes ready; every topic is read whole (I13: CRC and order of each batch; ledger.h: the rest); a
// clean stop; every file of every log is checked (check_stored_log). A second boot on the same disk is cut off by
// another power cut at one of its calls, and the boot after that must show the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/crash/ledger.h"
#include "sim/world/disk_journal.h"

namespace moldau::sim {

struct BootResult {
  std::vector<std::string> faults;
  std::vector<SeenTopic> topics;
  std::uint64_t disk_calls = 0;  // until it was ready
  std::string logs;              // of a faulty one
};

// `seed` is of the world; equal arguments give equal results.
[[nodiscard]] BootResult boot(const DiskImage& image, const Ledger& ledger, std::size_t prefix, std::uint64_t seed);

// The same with a power cut at the `cut_at`-th disk call of a first boot.
[[nodiscard]] BootResult boot_after_second_crash(const DiskImage& image, const Ledger& ledger, std::size_t prefix,
                                                 std::uint64_t seed, std::uint64_t cut_at);

// The lines that differ between what two boots on one disk showed.
[[nodiscard]] std::vector<std::string> differences(const Ledger& ledger, const BootResult& first,
                                                   const BootResult& second);

}  // namespace moldau::sim
