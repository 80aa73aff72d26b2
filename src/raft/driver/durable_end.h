// Up to where the metadata log is known to be on the disk: `moldau.durable-ends` inside its partition directory.
//
// Damage below that end is not a torn tail: the start is refused rather than committed metadata cut away (G12, G13).
// The entry is that of storage/checkpoint/durable_end_file.h with the leader epoch in the broker epoch's place. It
// counts unless quorum-state names another leader, or an epoch below the entry's: each start raises the epoch before
// anything is noted under it, and a sole voter's log is never truncated, whatever process leads it.
// Errors:     as durable_end_file.h; a damaged file counts as missing and is reported by the caller.
// Durability: replaced each kDurableEndInterval while the end moves, and at a stop. Blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "raft/core/replica_key.h"
#include "runtime/fs.h"

namespace moldau::raft {

inline constexpr std::chrono::seconds kDurableEndInterval{1};

[[nodiscard]] Result<std::optional<Offset>> read_trusted_durable_end(runtime::FileSystem& fs,
                                                                     const std::string& partition_directory,
                                                                     const std::optional<ElectionRecord>& election,
                                                                     NodeId self);
[[nodiscard]] Result<> write_durable_end(runtime::FileSystem& fs, const std::string& partition_directory,
                                         LeaderEpoch epoch, Offset end);

}  // namespace moldau::raft
