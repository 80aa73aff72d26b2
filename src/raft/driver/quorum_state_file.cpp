#include "raft/driver/quorum_state_file.h"

#include <limits>

#include <fmt/format.h>

#include "raft/driver/flat_json.h"

namespace moldau::raft {
namespace {
constexpr std::int64_t kVersionMax = 1;
constexpr std::int64_t kEpochMax = std::numeric_limits<std::int32_t>::max() - (1 << 20);
}  // namespace

Result<ElectionRecord> parse_quorum_state(Bytes content) {
  if (content.size() > kQuorumStateBytesMax) {
    return fail(ErrorKind::kTooLarge, "quorum-state");
  }
  // As in Kafka only the first line counts.
  std::string_view line = as_text(content);
  line = line.substr(0, line.find_first_of("\r\n"));
  MOLDAU_TRY(json, FlatJson::parse(line));
  constexpr std::int64_t kIntMax = std::numeric_limits<std::int32_t>::max();
  MOLDAU_TRY(version, json.integer("data_version", std::numeric_limits<std::int16_t>::min(),
                                   std::numeric_limits<std::int16_t>::max()));
  if (version < 0 || version > kVersionMax) {
    return fail(ErrorKind::kUnsupported, "data_version of quorum-state", 0, version);
  }
  MOLDAU_TRY(leader, json.integer("leaderId", -1, kIntMax));
  MOLDAU_TRY(epoch, json.integer("leaderEpoch", 0, kEpochMax));
  MOLDAU_TRY(voted, json.integer("votedId", -1, kIntMax));
  ElectionRecord record{LeaderEpoch(static_cast<std::int32_t>(epoch)), NodeId(static_cast<std::int32_t>(leader)), {}};
  record.voted.id = NodeId(static_cast<std::int32_t>(voted));
  if (version == 0) {
    MOLDAU_CHECK(json.text("clusterId"));
    MOLDAU_CHECK(json.integer("appliedOffset", std::numeric_limits<std::int64_t>::min(),
                              std::numeric_limits<std::int64_t>::max()));
    if (!json.has("currentVoters")) {
      return fail(ErrorKind::kCorrupt, "currentVoters is missing in quorum-state");
    }
  } else {
    MOLDAU_TRY(directory, json.text("votedDirectoryId"));
    const auto id = Uuid::parse(directory);
    if (!id || (!record.has_voted() && !id->is_zero())) {
      return fail(ErrorKind::kCorrupt, "votedDirectoryId of quorum-state");
    }
    record.voted.directory_id = *id;
  }
  return record;
}

std::string format_quorum_state(const ElectionRecord& record, std::int16_t kraft_version, const VoterSet& voters) {
  if (kraft_version >= kKraftVersionDynamic) {
    return fmt::format(R"({{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":"{}","data_version":1}})",
                       record.leader.value(), record.epoch.value(), record.voted.id.value(),
                       record.has_voted() ? record.voted.directory_id.to_string() : kZeroUuid.to_string());
  }
  std::string ids;
  for (const Voter& voter : voters.voters()) {
    ids += fmt::format(R"({}{{"voterId":{}}})", ids.empty() ? "" : ",", voter.key.id.value());
  }
  return fmt::format(
      R"({{"clusterId":"","leaderId":{},"leaderEpoch":{},"votedId":{},"appliedOffset":0,"currentVoters":[{}],"data_version":0}})",
      record.leader.value(), record.epoch.value(), record.voted.id.value(), ids);
}

Result<std::optional<ElectionRecord>> read_quorum_state(runtime::FileSystem& fs,
                                                        const std::string& partition_directory) {
  const std::string path = runtime::join_path(partition_directory, kQuorumStateFile);
  MOLDAU_TRY(exists, fs.exists(path));
  if (!exists) {
    return std::nullopt;
  }
  MOLDAU_TRY(content, runtime::read_file(fs, path, kQuorumStateBytesMax));
  MOLDAU_TRY(record, parse_quorum_state(content));
  return record;
}

Result<> write_quorum_state(runtime::FileSystem& fs, const std::string& partition_directory,
                            const std::string& content) {
  return runtime::replace_file(fs, runtime::join_path(partition_directory, kQuorumStateFile), as_bytes(content));
}

}  // namespace moldau::raft
