// quorum-state: the election record on disk, one line of JSON.
//
// Shapes:     data_version 0 (kraft.version 0): clusterId, leaderId, leaderEpoch, votedId, appliedOffset,
// currentVoters;
//             data_version 1 (kraft.version 1): leaderId, leaderEpoch, votedId, votedDirectoryId.
// Errors:     kCorrupt: no such JSON, a missing field, a negative epoch or one that no
//             elections lead to (those to come need room), a vote without a node; kUnsupported: another
//             data_version; kTooLarge: above kQuorumStateBytesMax. A damaged file is never taken for a missing one: who
//             forgot a vote might vote twice.
// Durability: write replaces the file atomically and is durable when it returns. Blocks.
// Source:     FileQuorumStateStore, ElectionState.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "raft/core/voter_set.h"
#include "runtime/fs.h"

namespace moldau::raft {

inline constexpr const char* kQuorumStateFile = "quorum-state";
inline constexpr std::uint64_t kQuorumStateBytesMax = 1 << 20;

[[nodiscard]] Result<ElectionRecord> parse_quorum_state(Bytes content);
// data_version follows from `kraft_version`; `voters` are written in version 0 only.
[[nodiscard]] std::string format_quorum_state(const ElectionRecord& record, std::int16_t kraft_version,
                                              const VoterSet& voters);

// Nothing if the file is missing: a first start.
[[nodiscard]] Result<std::optional<ElectionRecord>> read_quorum_state(runtime::FileSystem& fs,
                                                                      const std::string& partition_directory);
[[nodiscard]] Result<> write_quorum_state(runtime::FileSystem& fs, const std::string& partition_directory,
                                          const std::string& content);

}  // namespace moldau::raft
