#include "raft/driver/durable_end.h"

#include "storage/checkpoint/durable_end_file.h"

namespace moldau::raft {
namespace {

TopicPartition metadata_partition() {
  return {"__cluster_metadata", PartitionIndex{0}};
}
BrokerEpoch in_its_place(LeaderEpoch epoch) {
  return BrokerEpoch(epoch.value());
}

}  // namespace

Result<std::optional<Offset>> read_trusted_durable_end(runtime::FileSystem& fs, const std::string& partition_directory,
                                                       const std::optional<ElectionRecord>& election, NodeId self) {
  MOLDAU_TRY(ends, storage::read_durable_ends(fs, runtime::join_path(partition_directory, storage::kDurableEndFile)));
  if (!election || (election->has_leader() && election->leader != self)) {
    return std::nullopt;
  }
  const auto found = ends.find(metadata_partition());
  if (found == ends.end() || found->second.topic_id != kMetadataTopicId ||
      found->second.broker_epoch > in_its_place(election->epoch)) {
    return std::nullopt;
  }
  return found->second.end;
}

Result<> write_durable_end(runtime::FileSystem& fs, const std::string& partition_directory, LeaderEpoch epoch,
                           Offset end) {
  const storage::DurableEnds ends{{metadata_partition(), {kMetadataTopicId, in_its_place(epoch), end}}};
  return storage::write_durable_ends(fs, runtime::join_path(partition_directory, storage::kDurableEndFile), ends);
}

}  // namespace moldau::raft
